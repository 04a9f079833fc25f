// `driftless app create`.
import { DriftlessError, toError } from "#base/errors.ts";
import { sameJson } from "#base/json.ts";
import type { Application, ApplicationSpec } from "#model/application.ts";
import { apiVersion, finalizer } from "#model/names.ts";
import type { ApiClient } from "../../api.ts";
import { command } from "../../command.ts";
import type { Context } from "../../context.ts";
import { applicationsIn, readPlace } from "../../files.ts";
import { bool, text, texts } from "../../flags.ts";
import { parseName } from "../../names.ts";
import { parsePairs } from "../../resources.ts";
import { changeSpec, specFlags, type SpecChange } from "../../spec-flags.ts";

export default command({
  usage: "APPNAME",
  examples: [
    [
      "A directory of manifests",
      "driftless app create guestbook --repo https://github.com/argoproj/argocd-example-apps.git --path guestbook --dest-namespace default --dest-server https://kubernetes.default.svc --directory-recurse",
    ],
    [
      "Synced by itself",
      "driftless app create web --repo https://git.example.com/deploy.git --path web --dest-name prod --dest-namespace web --sync-policy automated --auto-prune --self-heal --sync-option CreateNamespace=true",
    ],
    ["From a file with one or several Applications", "driftless app create -f apps.yaml --upsert"],
  ],
  flags: {
    ...specFlags,
    name: text("Name of the application", { hidden: true }),
    file: text("File, URL, or - for standard input, with Applications in YAML or JSON", { short: "f" }),
    label: texts("Label of the application, KEY=VALUE; may be repeated", { short: "l" }),
    annotations: texts("Annotation of the application, KEY=VALUE; may be repeated"),
    "set-finalizer": bool("Delete the resources when the application is deleted"),
    "source-name": text("Name of the source"),
    upsert: bool("Change an application of that name that is there already"),
    "app-namespace": text("Namespace of the application", { short: "N" }),
  },
  args: { min: 0, max: 1 },
  async run(context, { values, given, args }) {
    const name = args[0] ?? values.name;
    if (args[0] !== undefined && values.name !== "" && values.name !== args[0])
      throw new DriftlessError(
        "INVALID_ARGUMENT",
        `--name argument '${values.name}' does not match app name ${args[0]}`,
      );
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
    const api = await context.api();
    for (const app of written) {
      const prepared = prepare(app, { name, change, flags: values });
      const existing = await find(context, api, prepared);
      const created = await api.applications.create(context.op, prepared, {
        upsert: values.upsert,
        validate: values.validate,
      });
      const word = !existing ? "created" : isSame(existing, created) ? "unchanged" : "updated";
      context.out.line(`application '${created.metadata.name}' ${word}`);
    }
  },
});

interface CreateFlags {
  readonly label: readonly string[];
  readonly annotations: readonly string[];
  readonly "set-finalizer": boolean;
  readonly "source-name": string;
  readonly "app-namespace": string;
}

/** The application as it is sent: from the file or from nothing, with what the flags say. */
function prepare(app: Application, given: { name: string; change: SpecChange; flags: CreateFlags }): Application {
  const { flags } = given;
  const name = app.metadata.name || given.name;
  if (name === "")
    throw new DriftlessError("INVALID_ARGUMENT", "the application has no name; usage: driftless app create APPNAME");
  if (given.name !== "" && given.name !== name)
    throw new DriftlessError(
      "INVALID_ARGUMENT",
      `app name '${given.name}' does not match app spec metadata.name '${name}'`,
    );
  const namespace = flags["app-namespace"] || app.metadata.namespace;
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

async function find(context: Context, api: ApiClient, app: Application): Promise<Application | undefined> {
  const ref = parseName(app.metadata.name ?? "", app.metadata.namespace ?? "");
  try {
    return await api.applications.get(context.op, ref);
  } catch (thrown) {
    const error = toError(thrown);
    if (error.code === "NOT_FOUND" || error.code === "PERMISSION_DENIED") return undefined;
    throw error;
  }
}

function isSame(before: Application, after: Application): boolean {
  const { labels, annotations, finalizers } = before.metadata;
  return (
    sameJson(before.spec, after.spec) &&
    sameJson(labels ?? {}, after.metadata.labels ?? {}) &&
    sameJson(annotations ?? {}, after.metadata.annotations ?? {}) &&
    sameJson(finalizers ?? [], after.metadata.finalizers ?? [])
  );
}
