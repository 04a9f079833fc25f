// The value files of a Helm source: paths, globs, files of other sources by `$ref`, URLs, in the order in which Helm gets
// them. Source: Argo CD's "Helm" page, "Glob Patterns in Value Files".
import { DriftlessError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import { mountName } from "#git/mounts.ts";
import { pathSteps } from "#git/objects.ts";
import { redact } from "#git/urls.ts";
import type { ApplicationSource } from "#model/application.ts";
import type { Walk } from "./directory.ts";
import { substitute, type BuildEnvironment } from "./environment.ts";
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
  /** The `ref` of the source whose files these are, where it is another one. */
  readonly lentBy?: string;
}

export interface NamedText {
  readonly name: string;
  readonly text: string;
}

/** One entry of the list, with what it stands for. */
interface Entry {
  readonly written: string;
  readonly context: HelmContext;
  /** Undefined for a glob. */
  readonly file: string | undefined;
  /** Names of the files that it stands for: one, or those that a glob matches. */
  readonly names: readonly string[];
}

/**
 * The texts of all value files, later ones to win. Each file comes once: where it is named, else where the first glob
 * matches it. Errors: RENDER_FAILED (one is not there), RENDER_REFUSED, SPEC_INVALID.
 */
export async function valueFiles(
  op: Operation,
  context: HelmContext,
  list: { readonly written: readonly string[]; readonly ignoreMissing: boolean },
): Promise<NamedText[]> {
  const entries = await Promise.all(list.written.map((written) => entryOf(op, context, written)));
  const keyOf = (entry: Entry, name: string): string => `${entry.context.lentBy ?? ""} ${name}`;
  const named = new Set(entries.flatMap((entry) => (entry.file === undefined ? [] : [keyOf(entry, entry.file)])));
  const globbed = new Set<string>();
  const texts: NamedText[] = [];
  for (const entry of entries) {
    let found = entry.names.length > 0;
    for (const name of entry.names) {
      const key = keyOf(entry, name);
      if (entry.file === undefined && (named.has(key) || globbed.has(key))) continue;
      if (entry.file === undefined) globbed.add(key);
      const text = await entry.context.files.text(name);
      if (text !== undefined) texts.push({ name: isUrl(entry.written) ? redact(entry.written) : name, text });
      else found = false;
    }
    if (found || list.ignoreMissing) continue;
    const why =
      entry.file === undefined
        ? `values file glob "${entry.written}" matched no files`
        : `the value file ${redact(entry.written)} does not exist`;
    throw new DriftlessError("RENDER_FAILED", why, {
      details: { file: redact(entry.written), field: "spec.source.helm.valueFiles" },
    });
  }
  return texts;
}

async function entryOf(op: Operation, asker: HelmContext, written: string): Promise<Entry> {
  const { context, path: at } = placeOf(op, asker, written);
  const path = filePath(context, at);
  if (isUrl(at) || !/[*?[{]/.test(path)) return { written, context, file: path, names: [path] };
  return { written, context, file: undefined, names: await matching(op, context.walk, path) };
}

/** The files that a glob matches: of each folder first its own files, then those of its folders, by name. */
async function matching(op: Operation, walk: Walk, pattern: string): Promise<readonly string[]> {
  const matches = compilePathGlob(pattern, "spec.source.helm.valueFiles");
  const base = pattern.slice(0, Math.max(0, pattern.slice(0, pattern.search(/[*?[{]/)).lastIndexOf("/")));
  const root = await walk.repository.entry(op, walk.sha, base);
  if (root?.type !== "tree") {
    walk.reads.absent(base);
    return [];
  }
  walk.reads.directory(base, root.oid, true);
  const names = (await walk.repository.tree(op, walk.sha, base))
    .map(({ path }) => path)
    .filter((name) => matches(name));
  const sortable = names.map((name) => {
    const steps = name.split("/");
    // A folder's own files come before whatever stands deeper.
    return { name, key: steps.map((step, index) => `${index === steps.length - 1 ? "0" : "1"}${step}`).join("/") };
  });
  return sortable.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ name }) => name);
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
    context: { ...context, folder: "", walk, files: new RepositoryFiles(op, walk), lentBy: name },
    path: `/${written.slice((match?.[0] ?? "").length)}`,
  };
}

/** Where a file of the source stands that is written as a path, as `$ref/path` or as a URL, variables replaced. */
export function placeOf(
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
export function filePath(context: HelmContext, written: string): string {
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
  if (!steps || written.includes("\0")) throw refuse("leads out of the repository");
  return steps.join("/");
}
