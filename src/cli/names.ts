// How applications are named on the command line: `NAME` or `NAMESPACE/NAME`, with `--app-namespace` for the rest. Pure.
import { DriftlessError } from "#base/errors.ts";
import type { Context } from "./context.ts";
import type { AppRef } from "./server/api.ts";
import { qualifiedName } from "./view/application.ts";

/** Error: INVALID_ARGUMENT for a name that cannot be one. */
export function parseName(written: string, appNamespace = ""): AppRef {
  const parts = written.split("/");
  const [namespace, name] = parts.length === 2 ? [parts[0]!, parts[1]!] : [appNamespace, written];
  if (parts.length > 2 || name === "")
    throw new DriftlessError("INVALID_ARGUMENT", `"${written}" is not an application's name: NAME or NAMESPACE/NAME`);
  return { name, ...(namespace === "" ? {} : { appNamespace: namespace }) };
}

export const written = (ref: AppRef): string => (ref.appNamespace ? `${ref.appNamespace}/${ref.name}` : ref.name);

/** The applications that names, a selector and projects choose. Error: INVALID_ARGUMENT for none named, NOT_FOUND for none found. */
export async function chosen(
  context: Context,
  given: { names: readonly string[]; selector: string; projects?: readonly string[]; appNamespace: string },
): Promise<readonly AppRef[]> {
  const { names, selector, projects = [], appNamespace } = given;
  const bySelection = selector !== "" || projects.length > 0;
  if (names.length > 0 && bySelection)
    throw new DriftlessError("INVALID_ARGUMENT", "give names, or a selector or project, not both");
  if (!bySelection) {
    if (names.length === 0)
      throw new DriftlessError("INVALID_ARGUMENT", "name an application, or choose some with --selector");
    return names.map((name) => parseName(name, appNamespace));
  }
  const api = await context.api();
  const apps = await api.applications.list(context.op, { selector, projects, appNamespace });
  if (apps.length === 0) {
    const filters = [
      selector === "" ? "" : ` selector ${selector}`,
      projects.length === 0 ? "" : ` projects ${projects.join(", ")}`,
    ];
    throw new DriftlessError("NOT_FOUND", `no applications match${filters.join("")}`);
  }
  return apps.map((app) => parseName(qualifiedName(app)));
}
