// A Helm source from Git: finds the value files, and says what the engine renders. Source: Argo CD's "Helm" page: value
// files in order, then values or valuesObject, then parameters, then file parameters; later ones win.
import { DriftlessError } from "#base/errors.ts";
import { stringAt } from "#base/json.ts";
import type { Operation } from "#base/operation.ts";
import { pathSteps } from "#git/objects.ts";
import type { ApplicationSource } from "#model/application.ts";
import type { Walk } from "./directory.ts";
import { substitute, type BuildEnvironment } from "./environment.ts";
import { compact, Fields } from "./fields.ts";
import { compilePathGlob } from "./glob.ts";
import { ReadRecorder } from "./reads.ts";
import { RepositoryFiles } from "./repository-files.ts";
import type { RenderRequest } from "./types.ts";

export interface HelmContext {
  readonly request: RenderRequest;
  readonly source: ApplicationSource;
  /** The chart's folder, from the root. */
  readonly folder: string;
  readonly environment: BuildEnvironment;
  readonly walk: Walk;
  readonly files: RepositoryFiles;
  /** What is read of other sources, by their `ref`; filled here. */
  readonly refReads: Map<string, ReadRecorder>;
}

interface NamedText {
  readonly name: string;
  readonly text: string;
}

/** Parameters of the engine's `helm` request. Errors: SPEC_INVALID, RENDER_REFUSED, RENDER_FAILED (a file is missing). */
export async function helmParams(op: Operation, context: HelmContext): Promise<Record<string, unknown>> {
  const { request, source, environment, folder } = context;
  const fields = new Fields(source.helm, "spec.source.helm");
  const values: NamedText[] = [];
  for (const written of fields.texts("valueFiles")) {
    const other = otherSource(op, context, written);
    const found = other
      ? await valueFiles(op, other.context, substitute(other.path, environment))
      : await valueFiles(op, context, substitute(written, environment));
    if (found.length === 0 && !fields.flag("ignoreMissingValueFiles"))
      throw new DriftlessError("RENDER_FAILED", `the value file ${written} does not exist`, {
        details: { file: written, field: "spec.source.helm.valueFiles" },
      });
    values.push(...found);
  }
  const object = fields.object("valuesObject");
  const text = object === undefined ? fields.text("values") : JSON.stringify(object);
  if (text !== undefined)
    values.push({ name: object === undefined ? "spec.source.helm.values" : "spec.source.helm.valuesObject", text });
  const parameters = fields.objects("parameters").map((parameter) => ({
    name: stringAt(parameter, "name") ?? "",
    value: substitute(textOf(parameter["value"]), environment),
    forceString: parameter["forceString"] === true,
  }));
  const plain = ({ name, value }: { name: string; value: string }) => ({ name, value });
  return {
    chart: folder,
    releaseName: fields.text("releaseName") ?? request.appName,
    namespace: fields.text("namespace") ?? request.namespace ?? "",
    ...compact({
      values,
      set: parameters.filter(({ forceString }) => !forceString).map(plain),
      setString: parameters.filter(({ forceString }) => forceString).map(plain),
      setFile: await Promise.all(
        fields.objects("fileParameters").map(async (parameter) => {
          const path = substitute(stringAt(parameter, "path") ?? "", environment);
          const content = await context.files.text(repositoryPath(folder, path));
          if (content === undefined)
            throw new DriftlessError("RENDER_FAILED", `the file ${path} of a file parameter does not exist`, {
              details: { file: path, field: "spec.source.helm.fileParameters" },
            });
          return { name: stringAt(parameter, "name") ?? "", value: content };
        }),
      ),
      skipCrds: fields.flag("skipCrds"),
      skipTests: fields.flag("skipTests"),
      skipSchemaValidation: fields.flag("skipSchemaValidation"),
    }),
  };
}

/** The cluster's capabilities, or what the source says instead. */
export async function helmCapabilities(
  op: Operation,
  request: RenderRequest,
  source: ApplicationSource,
): Promise<Record<string, unknown>> {
  const cluster = await request.capabilities?.(op);
  const fields = new Fields(source.helm, "spec.source.helm");
  const apiVersions = fields.texts("apiVersions");
  return compact({
    kubeVersion: fields.text("kubeVersion") ?? cluster?.kubeVersion,
    apiVersions: apiVersions.length > 0 ? apiVersions : cluster?.apiVersions,
  });
}

function textOf(value: unknown): string {
  return typeof value === "string"
    ? value
    : typeof value === "number" || typeof value === "boolean"
      ? String(value)
      : "";
}

/** `$name/…` is a file of the source that has this `ref`, unless it is a variable. Error: SPEC_INVALID where none has it. */
function otherSource(
  op: Operation,
  context: HelmContext,
  written: string,
): { readonly context: HelmContext; readonly path: string } | undefined {
  const match = /^\$([\w-]+)(?=\/|$)/.exec(written);
  const name = match?.[1];
  if (name === undefined) return undefined;
  const found = context.request.refs?.[name];
  if (!found) {
    if (context.environment[name] !== undefined) return undefined;
    throw new DriftlessError("SPEC_INVALID", `${written}: no source of the application has the ref ${name}`, {
      details: { file: written, field: "spec.source.helm.valueFiles" },
    });
  }
  const reads = context.refReads.get(name) ?? new ReadRecorder();
  context.refReads.set(name, reads);
  const walk: Walk = { ...found, reads, warnings: context.walk.warnings };
  return {
    context: { ...context, folder: "", walk, files: new RepositoryFiles(op, walk) },
    path: `/${written.slice((match?.[0] ?? "").length)}`,
  };
}

/** From the chart's folder, or with a leading slash from the repository's root. Error: RENDER_REFUSED. */
function repositoryPath(folder: string, written: string): string {
  const refuse = (why: string): DriftlessError =>
    new DriftlessError("RENDER_REFUSED", `${written}: ${why}`, { details: { file: written } });
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(written))
    throw refuse("files are not fetched from elsewhere; commit it to the repository");
  const steps = pathSteps(written.startsWith("/") ? written : `${folder}/${written}`);
  if (!steps) throw refuse("leads out of the repository");
  return steps.join("/");
}

async function valueFiles(op: Operation, context: HelmContext, written: string): Promise<NamedText[]> {
  const path = repositoryPath(context.folder, written);
  if (!/[*?[{]/.test(path)) {
    const text = await context.files.text(path);
    return text === undefined ? [] : [{ name: path, text }];
  }
  const matches = compilePathGlob(path, "spec.source.helm.valueFiles");
  const base = path.slice(0, Math.max(0, path.slice(0, path.search(/[*?[{]/)).lastIndexOf("/")));
  const root = await context.walk.repository.entry(op, context.walk.sha, base);
  if (root?.type !== "tree") {
    context.walk.reads.absent(base);
    return [];
  }
  context.walk.reads.directory(base, root.oid, true);
  const names = (await context.walk.repository.tree(op, context.walk.sha, base))
    .map((entry) => entry.path)
    .filter((name) => matches(name))
    .sort();
  const texts = await Promise.all(names.map(async (name) => ({ name, text: (await context.files.text(name)) ?? "" })));
  return texts;
}
