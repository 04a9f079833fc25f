// A Directory source: which files of a tree are its manifests, in which order, following symbolic links inside the
// repository. Source: Argo CD's "Directory", and how its repo server walks one: hidden files count, folders are entered
// only with `recurse`, links to files are followed, links to folders are not.
import { DriftlessError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import { isMounted } from "#git/mounts.ts";
import { pathSteps } from "#git/objects.ts";
import type { GitRepository, TreeItem } from "#git/types.ts";
import type { DirectorySource } from "#model/application.ts";
import { compileGlob } from "./glob.ts";
import type { ReadRecorder } from "./reads.ts";

export interface ManifestFile {
  /** From the repository's root; of a symbolic link, its own path. */
  readonly path: string;
  readonly oid: string;
}

export interface Walk {
  readonly repository: GitRepository;
  readonly sha: string;
  readonly reads: ReadRecorder;
  readonly warnings: string[];
}

const manifestName = /\.(?:yaml|yml|json)$/;
const maxLinks = 32;

/** Lists a directory source's files, sorted as Argo CD visits them; Jsonnet files apart. Error: MANIFEST_INVALID (links). */
export async function listManifests(
  op: Operation,
  walk: Walk,
  root: { path: string; oid: string },
  options: DirectorySource,
): Promise<{ readonly manifests: ManifestFile[]; readonly jsonnet: string[] }> {
  const include = options.include ? compileGlob(options.include, "spec.source.directory.include") : undefined;
  const exclude = options.exclude ? compileGlob(options.exclude, "spec.source.directory.exclude") : undefined;
  const found: ManifestFile[] = [];
  const jsonnet: string[] = [];
  walk.reads.directory(root.path, root.oid, options.recurse === true);
  const visit = async (oid: string, folder: string, relative: string): Promise<void> => {
    const items = [...(await walk.repository.items(op, oid))].sort((a, b) =>
      a.name < b.name ? -1 : a.name > b.name ? 1 : 0,
    );
    for (const item of items) {
      const path = folder === "" ? item.name : `${folder}/${item.name}`;
      const inside = relative === "" ? item.name : `${relative}/${item.name}`;
      if (item.type === "tree") {
        if (options.recurse === true) await visit(item.oid, path, inside);
        continue;
      }
      if (item.type === "commit") {
        // A submodule: where they are read, it is a folder.
        const module = options.recurse === true ? await walk.repository.entry(op, walk.sha, path) : undefined;
        if (module?.type === "tree") {
          walk.reads.directory(path, module.oid, true);
          await visit(module.oid, path, inside);
        }
        continue;
      }
      const isJsonnet = item.name.endsWith(".jsonnet");
      if (!isJsonnet && options.disableExtensionFilter !== true && !manifestName.test(item.name)) continue;
      if (exclude?.(inside) === true || include?.(inside) === false) continue;
      if (isJsonnet) jsonnet.push(path);
      else {
        const target = item.type === "symlink" ? await followLink(op, walk, path, item) : item;
        if (target) found.push({ path, oid: target.oid });
      }
    }
  };
  await visit(root.oid, root.path, "");
  return { manifests: found, jsonnet };
}

/** The blob that a link leads to; undefined (with a warning) where it leads nowhere or to a folder. Error where it leaves the repository. */
async function followLink(op: Operation, walk: Walk, path: string, link: TreeItem): Promise<TreeItem | undefined> {
  const target = await resolvePath(op, walk, path.split("/"), { item: link, count: 0 });
  if (target === undefined) walk.warnings.push(`${path}: is a symbolic link to something that does not exist`);
  else if (target.item.type !== "blob") walk.warnings.push(`${path}: is a symbolic link to something that is no file`);
  else return target.item;
  return undefined;
}

interface Found {
  readonly item: TreeItem;
  readonly path: string;
}

async function resolvePath(
  op: Operation,
  walk: Walk,
  at: readonly string[],
  state: { item: TreeItem; count: number },
): Promise<Found | undefined> {
  const path = at.join("/");
  if (state.item.type !== "symlink") return { item: state.item, path };
  const escape = (why: string): DriftlessError =>
    new DriftlessError("MANIFEST_INVALID", `${at.join("/")}: the symbolic link ${why}`, { details: { file: path } });
  if (state.count >= maxLinks) throw escape("is part of a loop");
  walk.reads.file(path, state.item.oid);
  const text = Buffer.from(await walk.repository.blob(op, state.item.oid, { maxBytes: 8192 })).toString("utf8");
  if (text.startsWith("/")) throw escape(`leads out of the repository: ${text}`);
  const steps = pathSteps([...at.slice(0, -1), text].join("/"));
  if (!steps || (isMounted(at[0]) ? steps[0] !== at[0] : isMounted(steps[0])))
    throw escape(`leads out of the repository: ${text}`);
  return lookUp(op, walk, steps, state.count + 1);
}

/** Finds a path step by step, so that a link in the middle is followed too. Everything looked at is recorded. */
export async function lookUp(
  op: Operation,
  walk: Walk,
  steps: readonly string[],
  count = 0,
): Promise<Found | undefined> {
  const mount = isMounted(steps[0]) ? (steps[0] as string) : "";
  const root = await walk.repository.entry(op, walk.sha, mount);
  let found: Found | undefined = root && { item: root, path: mount };
  for (const [index, step] of steps.entries()) {
    if (index === 0 && mount !== "") continue;
    if (found?.item.type !== "tree") {
      // A file where a folder was looked for: were it a folder, the answer would be another.
      if (found) walk.reads.file(found.path, found.item.oid);
      return undefined;
    }
    const items = await walk.repository.items(op, found.item.oid);
    let item = items.find(({ name }) => name === step);
    const at: string[] = [...(found.path === "" ? [] : found.path.split("/")), step];
    if (item?.type === "commit") item = await walk.repository.entry(op, walk.sha, at.join("/"));
    if (!item) {
      walk.reads.absent(at.join("/"));
      return undefined;
    }
    found = await resolvePath(op, walk, at, { item, count });
    if (found === undefined) return undefined;
    if (index === steps.length - 1 && found.item.type === "blob") walk.reads.file(found.path, found.item.oid);
  }
  return found;
}
