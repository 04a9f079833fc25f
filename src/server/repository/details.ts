// What stands in a repository, for somebody who writes an application: which folders hold one, and what a source can be
// told. Names and semantics follow Argo CD's ListApps and GetAppDetails.
import { parseYaml } from "#base/yaml.ts";
import { DriftlessError, toError } from "#base/errors.ts";
import { isObject } from "#base/json.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { FollowRequest, Sources } from "#controllers/application/desired/sources.ts";
import { pathSteps } from "#git/objects.ts";
import type { GitRepository } from "#git/types.ts";
import type { ApplicationSource, SourceType } from "#model/application.ts";
import { imagesOf } from "#model/images.ts";
import { detectedType, explicitType } from "#render/detect.ts";

/** Where a repository's files stand at one commit. */
interface At {
  readonly repository: GitRepository;
  readonly sha: string;
}

interface AskedSource {
  readonly source: ApplicationSource;
  readonly appName: string;
  readonly project: string;
}

const maxValuesBytes = 4 << 20;

/** Folders with a chart or a kustomization, by their path; `.` is the root. Errors: those of the repository. */
export async function appsIn(
  op: Op,
  from: GitRepository,
  revision: string,
): Promise<readonly { readonly type: SourceType; readonly path: string }[]> {
  const { repository, sha } = await openedAt(op, from, revision);
  const byFolder = new Map<string, Set<string>>();
  for (const { path } of await repository.tree(op, sha, "")) {
    const slash = path.lastIndexOf("/");
    const folder = slash < 0 ? "." : path.slice(0, slash);
    let names = byFolder.get(folder);
    if (!names) byFolder.set(folder, (names = new Set()));
    names.add(path.slice(slash + 1));
  }
  return [...byFolder]
    .map(([path, names]) => ({ type: detectedType(names), path }))
    .filter(({ type }) => type !== "Directory")
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The type of a source, and what it can be told. Errors: PATH_NOT_FOUND, SPEC_INVALID, those of the repository and of rendering. */
export async function detailsOf(
  op: Op,
  sources: Sources,
  asked: AskedSource,
  hasPlugins: boolean,
): Promise<Readonly<Record<string, unknown>>> {
  const { source, project } = asked;
  const at = await opened(op, sources, source, project);
  const folder = folderOf(source);
  const names = await namesIn(op, at, folder);
  const explicit = explicitType(source) ?? (source.chart ? "Helm" : undefined);
  const type = explicit ?? (await discovered(op, sources, asked, hasPlugins)) ?? detectedType(names);
  switch (type) {
    case "Helm":
      return { type, helm: await helmDetails(op, at, { source, folder, names }) };
    case "Kustomize":
      return { type, kustomize: withoutEmpty({ images: await imagesIn(op, sources, asked) }) };
    case "Plugin":
      return {
        type,
        plugin: withoutEmpty({ parametersAnnouncement: await sources.pluginParameters(op, requestOf(asked), source) }),
      };
    case "Directory":
      return { type, directory: {} };
  }
}

/** A plugin may say that a source is its own, whatever stands there. */
async function discovered(
  op: Op,
  sources: Sources,
  asked: AskedSource,
  hasPlugins: boolean,
): Promise<SourceType | undefined> {
  if (!hasPlugins) return undefined;
  try {
    const [rendered] = await sources.renderAt(op, requestOf(asked), [asked.source.targetRevision ?? ""]);
    return rendered?.result.sourceType;
  } catch (thrown) {
    if (op.signal.aborted) throw thrown;
    op.log.debug("source not rendered for its details", { error: toError(thrown).message });
    return undefined;
  }
}

async function opened(op: Op, sources: Sources, source: ApplicationSource, project: string): Promise<At> {
  const revision = source.targetRevision ?? "";
  const artifact = sources.artifact(source, project);
  if (artifact) {
    const { sha } = await artifact.resolve(op, revision);
    return { repository: await artifact.pinned(op, sha), sha };
  }
  return openedAt(op, sources.open(source.repoURL, project), revision);
}

/** Somebody who writes an application may have pushed a moment ago. */
async function openedAt(op: Op, repository: GitRepository, revision: string): Promise<At> {
  if (!/^[0-9a-f]{40,64}$/i.test(revision)) await repository.refresh(op);
  return { repository, sha: (await repository.resolve(op, revision)).sha };
}

function requestOf({ source, appName, project }: AskedSource): FollowRequest {
  return { application: "", project, sources: [source], namespace: "", appName };
}

/** Error: SPEC_INVALID for a path that leads out. */
function folderOf(source: ApplicationSource): string {
  const path = source.chart ? "." : (source.path ?? ".");
  const steps = path.startsWith("/") ? undefined : pathSteps(path);
  if (steps) return steps.join("/");
  throw new DriftlessError("SPEC_INVALID", `source.path ${JSON.stringify(path)} leads out of the repository`, {
    details: { field: "source.path" },
  });
}

/** Names of the files of a folder. Error: PATH_NOT_FOUND. */
async function namesIn(op: Op, { repository, sha }: At, folder: string): Promise<ReadonlySet<string>> {
  const entry = await repository.entry(op, sha, folder);
  if (entry?.type !== "tree")
    throw new DriftlessError(
      "PATH_NOT_FOUND",
      `${folder === "" ? "." : folder}: no such directory in ${repository.url}`,
      {
        details: { file: folder, repository: repository.url },
      },
    );
  const items = await repository.items(op, entry.oid);
  return new Set(items.filter(({ type }) => type !== "tree").map(({ name }) => name));
}

async function imagesIn(op: Op, sources: Sources, asked: AskedSource): Promise<readonly string[]> {
  const [rendered] = await sources.renderAt(op, requestOf(asked), [asked.source.targetRevision ?? ""]);
  const images = rendered?.result.objects.flatMap(({ object }) => imagesOf(object)) ?? [];
  return [...new Set(images)].sort();
}

interface Chart {
  readonly source: ApplicationSource;
  readonly folder: string;
  readonly names: ReadonlySet<string>;
}

async function helmDetails(op: Op, at: At, { source, folder, names }: Chart): Promise<object> {
  const helm = isObject(source.helm) ? source.helm : {};
  const values = await textAt(op, at, joined(folder, "values.yaml"));
  const chosen = Array.isArray(helm["valueFiles"]) ? (helm["valueFiles"] as readonly unknown[]) : [];
  const parameters = new Map<string, string>();
  flatten(parsedValues(values ?? "", "values.yaml"), "", parameters);
  for (const file of chosen) {
    // Those of other sources and of URLs are not this repository's to tell.
    if (typeof file !== "string" || /^(\$|[a-z]+:\/\/)/.test(file)) continue;
    const steps = file.startsWith("/") ? pathSteps(file.slice(1)) : pathSteps(joined(folder, file));
    const text = steps && (await textAt(op, at, steps.join("/")));
    if (text !== undefined) flatten(parsedValues(text, file), "", parameters);
  }
  const releaseName = helm["releaseName"];
  return withoutEmpty({
    name: typeof releaseName === "string" ? releaseName : "",
    valueFiles: [...names].filter((name) => /values.*\.ya?ml$/i.test(name)).sort(),
    values: values ?? "",
    parameters: [...parameters].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => ({ name, value })),
    fileParameters: Array.isArray(helm["fileParameters"]) ? helm["fileParameters"] : [],
  });
}

/** Empty texts and lists are left out, as Argo CD leaves them out. */
function withoutEmpty(fields: Readonly<Record<string, string | readonly unknown[]>>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value.length > 0));
}

const joined = (folder: string, name: string): string => (folder === "" ? name : `${folder}/${name}`);

async function textAt(op: Op, { repository, sha }: At, path: string): Promise<string | undefined> {
  const entry = await repository.entry(op, sha, path);
  if (entry?.type !== "blob") return undefined;
  return Buffer.from(await repository.blob(op, entry.oid, { maxBytes: maxValuesBytes })).toString("utf8");
}

function parsedValues(text: string, file: string): unknown {
  try {
    return parseYaml(text);
  } catch (thrown) {
    throw new DriftlessError("MANIFEST_INVALID", `${file}: ${(thrown as Error).message}`, { details: { file } });
  }
}

/** `{a: {b: [1]}}` is `a.b[0]`: as `helm --set` names it. */
function flatten(value: unknown, name: string, into: Map<string, string>): void {
  if (Array.isArray(value)) value.forEach((item, index) => flatten(item, `${name}[${index}]`, into));
  else if (isObject(value)) {
    for (const [key, item] of Object.entries(value)) {
      const step = key.replaceAll(".", "\\.");
      flatten(item, name === "" ? step : `${name}.${step}`, into);
    }
  } else if (name !== "")
    into.set(name, typeof value === "string" ? value : JSON.stringify(value ?? "").replace(/^""$/, ""));
}
