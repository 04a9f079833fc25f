// A Helm source from Git: finds the value files, and says what the engine renders. Source: Argo CD's "Helm" page: value
// files in order, then values or valuesObject, then parameters, then file parameters; later ones win.
import { DriftlessError } from "#base/errors.ts";
import { stringAt } from "#base/json.ts";
import type { Operation } from "#base/operation.ts";
import { mountName } from "#git/mounts.ts";
import { pathSteps } from "#git/objects.ts";
import { redact } from "#git/urls.ts";
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
  const version = fields.text("version");
  if (version !== undefined && version !== "v3")
    throw new DriftlessError("SPEC_INVALID", `helm chart version '${version}' is not supported: leave it out`, {
      details: { field: "spec.source.helm.version" },
    });
  const values: NamedText[] = [];
  for (const written of fields.texts("valueFiles")) {
    const at = placeOf(op, context, written);
    const found = await valueFiles(op, at.context, at.path);
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
          const written = stringAt(parameter, "path") ?? "";
          const at = placeOf(op, context, written);
          const content = await at.context.files.text(filePath(at.context, at.path));
          if (content === undefined)
            throw new DriftlessError("RENDER_FAILED", `the file ${written} of a file parameter does not exist`, {
              details: { file: written, field: "spec.source.helm.fileParameters" },
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

/** Where a file of the source stands that is written as a path, as `$ref/path` or as a URL, variables replaced. */
function placeOf(
  op: Operation,
  context: HelmContext,
  written: string,
): { readonly context: HelmContext; readonly path: string } {
  const other = otherSource(op, context, written);
  const { path } = other ?? { path: written };
  return { context: other?.context ?? context, path: substitute(path, context.environment) };
}

const isUrl = (written: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//i.test(written);

/** What files are asked for by: a path from the root, or what a URL is mounted as. Error: RENDER_REFUSED. */
function filePath(context: HelmContext, written: string): string {
  if (!isUrl(written)) return repositoryPath(context.folder, written);
  if (context.walk.repository.view === undefined)
    throw new DriftlessError("RENDER_REFUSED", `${redact(written)}: files from elsewhere cannot be read here`);
  return mountName({ kind: "file", url: written, values: true });
}

/** From the chart's folder, or with a leading slash from the repository's root. Error: RENDER_REFUSED. */
function repositoryPath(folder: string, written: string): string {
  const refuse = (why: string): DriftlessError =>
    new DriftlessError("RENDER_REFUSED", `${written}: ${why}`, { details: { file: written } });
  const steps = pathSteps(written.startsWith("/") ? written : `${folder}/${written}`);
  if (!steps) throw refuse("leads out of the repository");
  return steps.join("/");
}

async function valueFiles(op: Operation, context: HelmContext, written: string): Promise<NamedText[]> {
  const path = filePath(context, written);
  if (isUrl(written)) {
    const text = await context.files.text(path);
    return text === undefined ? [] : [{ name: redact(written), text }];
  }
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
