// `driftless app unset`.
import { DriftlessError } from "#base/errors.ts";
import { cloneJson, isObject, sameJson, stringAt, type MutableJsonObject } from "#base/json.ts";
import type { ApplicationSpec } from "#model/application.ts";
import { command } from "../../command.ts";
import { bool, int, text, texts, type FlagValues } from "../../flags.ts";
import { parseName } from "../../names.ts";
import { sourceIndex } from "../../flags/source-choice.ts";
import { imageName } from "../../flags/spec-flags.ts";

const unsetFlags = {
  parameter: texts("Helm parameter, by name; may be repeated", { short: "p" }),
  values: texts("Helm values file; may be repeated"),
  "values-literal": bool("Helm values that are written into the application"),
  "ignore-missing-value-files": bool("Going on where a Helm values file is missing"),
  "pass-credentials": bool("Passing credentials to all domains"),
  nameprefix: bool("Kustomize name prefix"),
  namesuffix: bool("Kustomize name suffix"),
  "kustomize-version": bool("Kustomize version"),
  "kustomize-namespace": bool("Kustomize namespace"),
  "kustomize-image": texts("Kustomize image, by name; may be repeated"),
  "kustomize-replica": texts("Kustomize replicas, by name; may be repeated"),
  "ignore-missing-components": bool("Going on where a Kustomize component is missing"),
  "plugin-env": texts("Environment variable of the plugin, by name; may be repeated"),
  ref: bool("Name by which other sources refer to this one"),
};

/** Fields that a flag clears: kind of source, and field. */
const fields: Readonly<Record<string, readonly [string, string]>> = {
  "values-literal": ["helm", "values"],
  "ignore-missing-value-files": ["helm", "ignoreMissingValueFiles"],
  "pass-credentials": ["helm", "passCredentials"],
  nameprefix: ["kustomize", "namePrefix"],
  namesuffix: ["kustomize", "nameSuffix"],
  "kustomize-version": ["kustomize", "version"],
  "kustomize-namespace": ["kustomize", "namespace"],
  "ignore-missing-components": ["kustomize", "ignoreMissingComponents"],
};

/** Lists that a flag takes items out of: kind of source, list, and how an item is named. */
const nameOf = (item: unknown): string => stringAt(item, "name") ?? String(item);
const lists: Readonly<Record<string, readonly [string, string, (item: unknown) => string]>> = {
  parameter: ["helm", "parameters", nameOf],
  values: ["helm", "valueFiles", nameOf],
  "kustomize-image": ["kustomize", "images", (item) => imageName(String(item))],
  "kustomize-replica": ["kustomize", "replicas", nameOf],
  "plugin-env": ["plugin", "env", nameOf],
};

export default command({
  usage: "APPNAME parameters",
  examples: [
    ["A Helm parameter", "driftless app unset my-app -p image.tag"],
    ["A Kustomize image", "driftless app unset my-app --kustomize-image=alpine"],
    ["The name suffix of the first source", "driftless app unset my-app --source-position 1 --namesuffix"],
  ],
  flags: {
    ...unsetFlags,
    "source-position": int("Which of several sources, counted from 1", { fallback: -1 }),
    "source-name": text("Which of several sources, by name"),
    "app-namespace": text("Namespace of the application", { short: "N" }),
  },
  args: { min: 1, max: 1 },
  async run(context, { values, given, args }) {
    if (![...given].some((name) => name in unsetFlags))
      throw new DriftlessError("INVALID_ARGUMENT", "say what to unset: see driftless app unset --help");
    const api = await context.api();
    const ref = parseName(args[0]!, values["app-namespace"]);
    const app = await api.applications.get(context.op, ref);
    const spec = unset(app.spec, values, sourceIndex(app, values));
    if (!sameJson(spec, app.spec)) await api.applications.updateSpec(context.op, ref, spec, { validate: true });
  },
});

/** The spec without what the flags name. Parts of a source that are empty then are left out. */
export function unset(
  spec: ApplicationSpec,
  flags: FlagValues<typeof unsetFlags>,
  position: number | undefined,
): ApplicationSpec {
  const draft = cloneJson(spec) as unknown as MutableJsonObject;
  const source = (position === undefined ? draft["source"] : (draft["sources"] as unknown[])[position]) as
    | MutableJsonObject
    | undefined;
  if (!source) return spec;
  if (flags.ref) delete source["ref"];
  for (const [flag, [kind, field]] of Object.entries(fields)) {
    const part = source[kind];
    if (flags[flag as keyof typeof flags] && isObject(part)) delete part[field];
  }
  for (const [flag, [kind, field, name]] of Object.entries(lists)) {
    const part = source[kind] as MutableJsonObject | undefined;
    const names = flags[flag as keyof typeof flags] as readonly string[];
    if (names.length === 0 || !isObject(part) || !Array.isArray(part[field])) continue;
    const left = (part[field] as unknown[]).filter((item) => !names.includes(name(item)));
    if (left.length > 0) part[field] = left as never;
    else delete part[field];
  }
  for (const kind of ["helm", "kustomize"]) {
    const part = source[kind];
    if (isObject(part) && Object.keys(part).length === 0) delete source[kind];
  }
  return draft as unknown as ApplicationSpec;
}
