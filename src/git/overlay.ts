// Files that are in no repository, as one: a tree in memory, alone or laid over a commit of another repository. What
// renders reads it like any commit. Nothing is written anywhere, and nothing is fetched but what the commit holds.
import { createHash } from "node:crypto";
import { DriftlessError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import { pathSteps } from "./objects.ts";
import type { EntryType, GitRepository, TreeEntry, TreeItem } from "./types.ts";

/** One file: its bytes, a link's target, or a blob that the repository below has already. */
export type OverlayFile =
  | { readonly bytes: Uint8Array; readonly executable?: boolean }
  | { readonly symlink: string }
  | { readonly blob: Pick<TreeItem, "mode" | "type" | "oid"> };

/** Path from the root → file; null: it is not there. */
export type OverlayFiles = ReadonlyMap<string, OverlayFile | null>;

export interface OverlayBase {
  readonly repository: GitRepository;
  readonly sha: string;
}

/** A tree to be made: names with a file, a deletion or a folder, over a folder of the commit where there is one. */
interface Draft {
  readonly names: Map<string, Draft | OverlayFile | null>;
}

const isDraft = (value: Draft | OverlayFile | null): value is Draft => value !== null && "names" in value;

/**
 * Takes files and what they are laid over (nothing: they are the whole tree); returns a repository that answers for one
 * commit, which is named after its content: equal files have equal names. `kind` begins the commit's name.
 * Errors: INVALID_ARGUMENT for a path that leads out; those of reading the repository below.
 */
export async function overlayRepository(
  op: Operation,
  files: OverlayFiles,
  options: { readonly kind: string; readonly url: string; readonly base?: OverlayBase },
): Promise<{ readonly repository: GitRepository; readonly sha: string }> {
  const overlay = new Overlay(options.url, options.base?.repository);
  const root = await overlay.build(op, draftOf(files), await rootOf(op, options.base));
  const sha = `${options.kind}-${hash(`${options.url} ${root}`).slice(0, 16)}`;
  overlay.root = root;
  overlay.sha = sha;
  return { repository: overlay, sha };
}

async function rootOf(op: Operation, base: OverlayBase | undefined): Promise<string | undefined> {
  return base && (await base.repository.entry(op, base.sha, ""))?.oid;
}

function draftOf(files: OverlayFiles): Draft {
  const root: Draft = { names: new Map() };
  for (const [path, file] of files) {
    const steps = pathSteps(path);
    const name = steps?.pop();
    if (!steps || name === undefined)
      throw new DriftlessError("INVALID_ARGUMENT", `${JSON.stringify(path)} is no path of a file in a repository`);
    let folder = root;
    for (const step of steps) {
      const known = folder.names.get(step);
      const next: Draft = known !== undefined && isDraft(known) ? known : { names: new Map() };
      folder.names.set(step, next);
      folder = next;
    }
    // Where the same name is a folder too, the folder stands: a deletion of a file that became one says nothing more.
    const known = folder.names.get(name);
    if (known === undefined || !isDraft(known)) folder.names.set(name, file);
  }
  return root;
}

/** Ids of what is made here; never those of Git's objects, so that nothing remembered of one is taken for the other. */
const hash = (text: string | Uint8Array): string => createHash("sha256").update(text).digest("hex");
const own = "overlay-";

class Overlay implements GitRepository {
  readonly url: string;
  root = "";
  sha = "";
  private readonly below: GitRepository | undefined;
  private readonly trees = new Map<string, readonly TreeItem[]>();
  private readonly blobs = new Map<string, Uint8Array>();

  constructor(url: string, below: GitRepository | undefined) {
    this.url = url;
    this.below = below;
  }

  /** Makes the trees of a draft, from the leaves up; returns the id of its root. */
  async build(op: Operation, draft: Draft, over: string | undefined): Promise<string> {
    const before = over === undefined ? [] : await this.items(op, over);
    const items = new Map(before.map((item) => [item.name, item]));
    for (const [name, value] of draft.names) {
      const known = items.get(name);
      if (value === null) items.delete(name);
      else if (!isDraft(value)) items.set(name, { name, ...this.leaf(value) });
      else {
        const oid = await this.build(op, value, known?.type === "tree" ? known.oid : undefined);
        // Git keeps no empty folders.
        if ((await this.items(op, oid)).length === 0) items.delete(name);
        else items.set(name, { name, mode: "40000", type: "tree", oid });
      }
    }
    const sorted = [...items.values()].sort((a, b) => (gitName(a) < gitName(b) ? -1 : 1));
    const oid = own + hash(sorted.map(({ mode, name, oid: id }) => `${mode} ${name}\0${id}\n`).join(""));
    this.trees.set(oid, sorted);
    return oid;
  }

  private leaf(file: OverlayFile): { mode: string; type: EntryType; oid: string } {
    if ("blob" in file) return file.blob;
    const link = "symlink" in file;
    const bytes = link ? Buffer.from(file.symlink) : file.bytes;
    const oid = own + hash(bytes);
    this.blobs.set(oid, bytes);
    if (link) return { mode: "120000", type: "symlink", oid };
    return { mode: file.executable === true ? "100755" : "100644", type: "blob", oid };
  }

  async items(op: Operation, treeOid: string): Promise<readonly TreeItem[]> {
    const known = this.trees.get(treeOid);
    if (known) return known;
    if (this.below) return this.below.items(op, treeOid);
    throw new DriftlessError("INTERNAL", `the files hold no tree ${treeOid}`);
  }

  async entry(op: Operation, _sha: string, path: string): Promise<TreeItem | undefined> {
    const steps = pathSteps(path);
    if (!steps) return undefined;
    let item: TreeItem = { name: "", mode: "40000", type: "tree", oid: this.root };
    for (const step of steps) {
      if (item.type !== "tree") return undefined;
      const next: TreeItem | undefined = (await this.items(op, item.oid)).find(({ name }) => name === step);
      if (!next) return undefined;
      item = next;
    }
    return item;
  }

  async tree(op: Operation, sha: string, path: string): Promise<readonly TreeEntry[]> {
    const entry = await this.entry(op, sha, path);
    if (entry?.type !== "tree")
      throw new DriftlessError("PATH_NOT_FOUND", `path ${JSON.stringify(path)} is no directory of the files`, {
        details: { repository: this.url, file: path },
      });
    const found: TreeEntry[] = [];
    const visit = async (oid: string, folder: string): Promise<void> => {
      for (const { name, mode, type, oid: id } of await this.items(op, oid)) {
        const inside = folder === "" ? name : `${folder}/${name}`;
        if (type === "tree") await visit(id, inside);
        else found.push({ path: inside, mode, type, oid: id });
      }
    };
    await visit(entry.oid, (pathSteps(path) ?? []).join("/"));
    return found;
  }

  async blob(op: Operation, oid: string, options: { readonly maxBytes?: number } = {}): Promise<Uint8Array> {
    const bytes = this.blobs.get(oid);
    if (bytes === undefined) {
      if (this.below && !oid.startsWith(own)) return this.below.blob(op, oid, options);
      throw new DriftlessError("INTERNAL", `the files hold no blob ${oid}`);
    }
    if (options.maxBytes !== undefined && bytes.length > options.maxBytes)
      throw new DriftlessError("TOO_LARGE", `a file has ${bytes.length} bytes, more than ${options.maxBytes}`);
    return bytes;
  }

  async resolve(): Promise<{ sha: string }> {
    return { sha: this.sha };
  }

  async refresh(): Promise<{ changed: [] }> {
    return { changed: [] };
  }

  async mergeBase(_op: Operation, a: string, b: string): Promise<string | undefined> {
    return a === b ? a : undefined;
  }

  async changedPaths(): Promise<readonly string[]> {
    return [];
  }

  async metadata(): Promise<{ author: string; date: string; message: string; tags: [] }> {
    return { author: "", date: "", message: "files that are in no commit", tags: [] };
  }

  /** Nothing of it is signed. */
  async object(): Promise<undefined> {
    return undefined;
  }

  async refs(): Promise<{ branches: []; tags: [] }> {
    return { branches: [], tags: [] };
  }

  onChange(): () => void {
    return () => {};
  }
}

/** Git sorts folders as if their names ended with a slash. */
function gitName({ name, type }: TreeItem): string {
  return type === "tree" ? `${name}/` : name;
}
