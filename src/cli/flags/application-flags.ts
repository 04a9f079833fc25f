// Applications as the command line describes them: from a file or from nothing, with what flags say laid over them. Shared
// by the commands that create applications and those that only write them down. Sends nothing.
import { DriftlessError } from "#base/errors.ts";
import type { Application, ApplicationSpec } from "#model/application.ts";
import { apiVersion, finalizer } from "#model/names.ts";
import type { Context } from "../context.ts";
import { applicationsIn, readPlace } from "../local/files.ts";
import { bool, text, texts, type FlagValues, type Flags, type Parsed } from "../flags.ts";
import { parsePairs } from "./resources.ts";
import { changeSpec, specFlags, type SpecChange } from "./spec-flags.ts";

export const describedFlags = {
  ...specFlags,
  name: text("Name of the application", { hidden: true }),
  file: text("File, URL, or - for standard input, with Applications in YAML or JSON", { short: "f" }),
  label: texts("Label of the application, KEY=VALUE; may be repeated", { short: "l" }),
  annotations: texts("Annotation of the application, KEY=VALUE; may be repeated"),
  "set-finalizer": bool("Delete the resources when the application is deleted"),
  "source-name": text("Name of the source"),
} as const satisfies Flags;

type Values = FlagValues<typeof describedFlags>;

/** The applications that the command line describes. Errors: INVALID_ARGUMENT, CONFIG_INVALID, MANIFEST_INVALID. */
export async function describedApplications(
  context: Context,
  { values, given, args }: Parsed<typeof describedFlags>,
): Promise<readonly Application[]> {
  const name = args[0] ?? values.name;
  if (args[0] !== undefined && values.name !== "" && values.name !== args[0])
    throw new DriftlessError("INVALID_ARGUMENT", `--name argument '${values.name}' does not match app name ${args[0]}`);
  const literal = values["values-literal-file"];
  const change: SpecChange = {
    values,
    given,
    ...(literal === "" ? {} : { literalValues: await readPlace(context, literal) }),
  };
  const written: readonly Application[] =
    values.file === ""
      ? [{ apiVersion, kind: "Application", metadata: { name }, spec: { project: "", destination: {} } }]
      : await applicationsIn(values.file, await readPlace(context, values.file));
  return written.map((app) => prepare(app, { name, change, flags: values }));
}

/** The application as it is sent: from the file or from nothing, with what the flags say. */
function prepare(app: Application, given: { name: string; change: SpecChange; flags: Values }): Application {
  const { flags } = given;
  const name = app.metadata.name || given.name;
  if (name === "")
    throw new DriftlessError("INVALID_ARGUMENT", "the application has no name; give it after the command: APPNAME");
  if (given.name !== "" && given.name !== name)
    throw new DriftlessError(
      "INVALID_ARGUMENT",
      `app name '${given.name}' does not match app spec metadata.name '${name}'`,
    );
  const { namespace } = app.metadata;
  const labels = { ...app.metadata.labels, ...parsePairs(flags.label, "--label") };
  const annotations = { ...app.metadata.annotations, ...annotationsOf(flags.annotations) };
  const finalizers = [...(app.metadata.finalizers ?? []), ...(flags["set-finalizer"] ? [finalizer.resources] : [])];
  const spec = changeSpec(app.spec, given.change);
  return {
    apiVersion,
    kind: "Application",
    metadata: {
      name,
      ...(namespace ? { namespace } : {}),
      ...(Object.keys(labels).length > 0 ? { labels } : {}),
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
      ...(finalizers.length > 0 ? { finalizers: [...new Set(finalizers)] } : {}),
    },
    spec: named(spec, flags["source-name"]),
  };
}

function named(spec: ApplicationSpec, sourceName: string): ApplicationSpec {
  if (sourceName === "" || !spec.source) return spec;
  return { ...spec, source: { ...spec.source, name: sourceName } };
}

function annotationsOf(items: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    items.map((item) => {
      const equals = item.indexOf("=");
      return equals < 0 ? [item, ""] : [item.slice(0, equals), item.slice(equals + 1)];
    }),
  );
}
