// What argocd-notifications-cm configures, for the `admin notifications` commands: of a file or of the cluster.
import { DriftlessError } from "#base/errors.ts";
import type { ConfigData } from "#model/settings.ts";
import { notificationFlags } from "./flags.ts";
import { configData } from "./objects.ts";
import { fileObject } from "./settings.ts";
import { onCluster } from "./target.ts";
import type { Context } from "../context.ts";
import { text, type FlagValues, type Flags } from "../flags.ts";
import { checkOutput, document } from "../view/print.ts";
import { table } from "../view/table.ts";

export const listFlags = {
  ...notificationFlags,
  output: text("Output format: wide, name, json, yaml", { short: "o", fallback: "wide" }),
} as const satisfies Flags;

/** What sending needs is not there yet. */
export function notYet(what: string): DriftlessError {
  return new DriftlessError(
    "UNIMPLEMENTED",
    `${what} needs notifications, which come later; see docs/compatibility.md. What is configured: driftless admin notifications template get`,
  );
}

/** Everything of a sort (`template`, `trigger`) that is configured, by name. Errors: CONFIG_INVALID, NOT_FOUND. */
export async function configured(
  context: Context,
  values: FlagValues<typeof notificationFlags>,
  sort: "template" | "trigger",
): Promise<Readonly<Record<string, unknown>>> {
  const { load } = await import("js-yaml");
  const data = await dataOf(context, values);
  const keys = Object.keys(data).filter((key) => key.startsWith(`${sort}.`));
  return Object.fromEntries(
    keys.sort().map((key) => {
      try {
        return [key.slice(sort.length + 1), load(data[key]!)];
      } catch (thrown) {
        const why = (thrown as Error).message.split("\n")[0];
        throw new DriftlessError("CONFIG_INVALID", `argocd-notifications-cm: ${key}: ${why}`);
      }
    }),
  );
}

async function dataOf(context: Context, values: FlagValues<typeof notificationFlags>): Promise<ConfigData> {
  const path = values["config-map"];
  if (path !== "" && path !== ":empty") return ((await fileObject(context, path))["data"] ?? {}) as ConfigData;
  if (path === ":empty") return {};
  return onCluster(context, values, async (target) => {
    const found = await configData(context.op, target, "argocd-notifications-cm");
    if (found) return found;
    throw new DriftlessError("NOT_FOUND", `there is no ConfigMap ${target.namespace}/argocd-notifications-cm`);
  });
}

/** Prints what is configured, or the one of a name; `row` makes its lines of a table. */
export async function printConfigured(
  context: Context,
  all: Readonly<Record<string, unknown>>,
  how: {
    readonly output: string;
    readonly name: string | undefined;
    readonly head: readonly string[];
    readonly rows: (name: string, value: unknown) => readonly (readonly string[])[];
  },
): Promise<void> {
  checkOutput(how.output, ["wide", "name", "json", "yaml"]);
  const found = Object.entries(all).filter(([name]) => how.name === undefined || name === how.name);
  if (how.output === "name") for (const [name] of found) context.out.line(name);
  else if (how.output === "json" || how.output === "yaml")
    context.out.write(await document(Object.fromEntries(found), how.output));
  else context.out.write(table([how.head, ...found.flatMap(([name, value]) => how.rows(name, value))]));
}
