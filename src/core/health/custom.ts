// Users' own health scripts: which one an object has, and what a script's result means. Runs nothing: the scripts are
// Lua, and somebody else's. Pure. Source: Argo CD's "Resource Health", Custom Health Checks.
import { isObject, type Json } from "#base/json.ts";
import type { HealthStatus, HealthStatusCode } from "#model/application.ts";
import type { ResourceCustomization } from "#model/settings.ts";
import { KindTable } from "#model/kind-table.ts";

export interface HealthScript {
  /** As the settings name the kinds: `cert-manager.io/Certificate`, `*.crossplane.io/*`. */
  readonly kinds: string;
  readonly text: string;
  /** Argo CD's useOpenLibs. */
  readonly allLibraries: boolean;
}

/** Finds the script of a kind: the one that names it, else the one with the longest pattern; undefined: it has none. */
export function healthScripts(customizations: readonly ResourceCustomization[]): KindTable<HealthScript> {
  const open = new KindTable<boolean>();
  for (const { field, groupKind, text } of customizations) {
    if (field === "useOpenLibs") open.add(groupKind, text.trim() === "true");
  }
  const scripts = new KindTable<HealthScript>();
  for (const { field, groupKind, text } of customizations) {
    if (field !== "health" || text.trim() === "") continue;
    scripts.add(groupKind, { kinds: groupKind.replace(/^\//, ""), text, allLibraries: open.exact(groupKind) ?? false });
  }
  return scripts;
}

const codes = new Set<string>(["Healthy", "Progressing", "Degraded", "Suspended", "Missing", "Unknown"]);

/** What a script returned, as health; undefined: it says that the object has none. A result of another shape is Unknown. */
export function healthFromScript(result: Json): HealthStatus | undefined {
  if (result === null) return undefined;
  if (!isObject(result)) {
    // An empty table cannot be told from an empty list.
    const found = Array.isArray(result) ? "a table without a status" : `a ${typeof result}`;
    return { status: "Unknown", message: `the health script returned ${found}; it must return a table with a status` };
  }
  const { status, message } = result;
  if (typeof status !== "string" || !codes.has(status)) {
    const shown = typeof status === "string" ? `"${status}"` : "none";
    return {
      status: "Unknown",
      message: `Lua returned an invalid health status: ${shown} is not Healthy, Progressing, Degraded, Suspended, Missing or Unknown`,
    };
  }
  const text = typeof message === "string" ? message : typeof message === "number" ? String(message) : "";
  return { status: status as HealthStatusCode, ...(text === "" ? {} : { message: text }) };
}
