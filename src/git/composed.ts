// A repository with what stands in and beside it: submodules at their paths, other repositories and single files under
// names of their own (mounts.ts). Reads pass through to where they belong; nothing is fetched but what is read.
import { DriftlessError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import { mountOf, type Mount } from "./mounts.ts";
import { pathSteps } from "./objects.ts";
import { parseGitmodules, submoduleUrl } from "./submodules.ts";
import type { GitRepository, TreeEntry, TreeItem } from "./types.ts";
import { normalizeUrl } from "./urls.ts";

/** A content that is no repository's: its files and folders by their ids, as in Git. */
export interface MountedTree {
  readonly root: TreeItem;
  items(op: Operation, oid: string): Promise<readonly TreeItem[] | undefined>;
  blob(op: Operation, oid: string): Promise<Uint8Array | undefined>;
}

/** What an application may read beside its own repository. */
export interface Neighbours {
  /** For whom: two with equal names may read the same. */
  readonly view: string;
  /** Whether submodules are read at all. */
  readonly submodules: boolean;
  /** Opens the repository of a submodule or a remote base. Errors: PROJECT_FORBIDS, SPEC_INVALID. */
  open(url: string, as: "submodule" | "base"): GitRepository;
  /** Finds a chart's version and reads it like a repository. Errors: PROJECT_FORBIDS, SOURCE_UNSUPPORTED, the registry's. */
  chart(op: Operation, chart: Extract<Mount, { kind: "chart" }>): Promise<{ repository: GitRepository; sha: string }>;
  /** A single file. Errors: PROJECT_FORBIDS, REPOSITORY_UNREACHABLE, RENDER_REFUSED, TOO_LARGE. */
  file(op: Operation, file: Extract<Mount, { kind: "file" }>): Promise<MountedTree>;
}

const maxNesting = 10;

/** Wraps a repository for the reads of one render. */
export function composed(repository: GitRepository, neighbours: Neighbours): GitRepository {
  return new Composed(repository, neighbours, neighbours.submodules, [repository.url]);
}

type Reader = Pick<MountedTree, "items" | "blob">;

class Composed implements GitRepository {
  private readonly base: GitRepository;
  private readonly neighbours: Neighbours;
  private readonly submodules: boolean;
  /** URLs of the repositories on the way here. */
  private readonly chain: readonly string[];
  /** Which other place an object was found in; what is not here is the repository's own. */
  private readonly origin = new Map<string, Reader>();
  private readonly modules = new Map<string, Promise<ReadonlyMap<string, string>>>();
  private readonly opened = new Map<string, Promise<{ view: Composed; sha: string }>>();
  private readonly files = new Map<string, Promise<MountedTree>>();

  constructor(base: GitRepository, neighbours: Neighbours, submodules: boolean, chain: readonly string[]) {
    this.base = base;
    this.neighbours = neighbours;
    this.submodules = submodules;
    this.chain = chain;
  }

  get url(): string {
    return this.base.url;
  }

  get view(): string {
    const { view } = this.base;
    return view === undefined ? this.neighbours.view : `${this.neighbours.view} ${view}`;
  }

  async entry(op: Operation, sha: string, path: string): Promise<TreeItem | undefined> {
    const steps = pathSteps(path);
    const mount = mountOf(steps?.[0]);
    if (steps && mount) return this.mounted(op, steps[0] as string, mount, steps.slice(1));
    const own = await this.base.entry(op, sha, path);
    if (!steps || !this.submodules || (own !== undefined && own.type !== "commit")) return own;
    return (await this.inSubmodule(op, sha, steps)) ?? own;
  }

  /** What stands below the first submodule on the way. */
  private async inSubmodule(op: Operation, sha: string, steps: readonly string[]): Promise<TreeItem | undefined> {
    const modules = await this.modulesOf(op, sha);
    for (let count = 1; modules.size > 0 && count <= steps.length; count++) {
      const at = steps.slice(0, count).join("/");
      const written = modules.get(at);
      if (written === undefined) continue;
      const link = await this.base.entry(op, sha, at);
      if (link?.type !== "commit") continue;
      const { view } = await this.submodule(op, at, written, link.oid);
      const found = await view.entry(op, link.oid, steps.slice(count).join("/"));
      if (!found) return undefined;
      this.origin.set(found.oid, view);
      return count === steps.length ? { ...found, name: steps.at(-1) ?? "" } : found;
    }
    return undefined;
  }

  private modulesOf(op: Operation, sha: string): Promise<ReadonlyMap<string, string>> {
    let found = this.modules.get(sha);
    if (!found) {
      found = (async () => {
        const file = await this.base.entry(op, sha, ".gitmodules");
        if (file?.type !== "blob") return new Map<string, string>();
        const bytes = await this.base.blob(op, file.oid, { maxBytes: 1 << 20 });
        return parseGitmodules(Buffer.from(bytes).toString("utf8"));
      })();
      this.modules.set(sha, found);
    }
    return found;
  }

  private submodule(
    op: Operation,
    path: string,
    written: string,
    sha: string,
  ): Promise<{ view: Composed; sha: string }> {
    const url = submoduleUrl(this.base.url, written);
    return this.open(op, `${url} ${sha}`, async () => {
      const refuse = (why: string): never => {
        throw new DriftlessError("RENDER_REFUSED", `submodule ${path} (${url}) of ${this.url}: ${why}`, {
          details: { file: ".gitmodules", repository: this.url },
        });
      };
      if (isLocal(url) && !isLocal(this.base.url)) refuse("a repository elsewhere may not name one on this machine");
      if (this.chain.some((one) => normalizeUrl(one) === normalizeUrl(url))) refuse("submodules lead back to it");
      if (this.chain.length > maxNesting) refuse(`submodules are nested more than ${maxNesting} deep`);
      const repository = this.neighbours.open(url, "submodule");
      await repository.resolve(op, sha);
      return { view: new Composed(repository, this.neighbours, true, [...this.chain, url]), sha };
    });
  }

  private async mounted(
    op: Operation,
    name: string,
    mount: Mount,
    rest: readonly string[],
  ): Promise<TreeItem | undefined> {
    if (mount.kind === "file") return this.inTree(op, name, mount, rest);
    const { view, sha } = await this.open(op, name, async () => {
      if (mount.kind === "chart") {
        const { repository, sha: version } = await this.neighbours.chart(op, mount);
        return { view: new Composed(repository, this.neighbours, false, [mount.repo]), sha: version };
      }
      if (isLocal(mount.url))
        throw new DriftlessError(
          "RENDER_REFUSED",
          `${mount.url}: repositories on this machine are refused beside another`,
        );
      const repository = this.neighbours.open(mount.url, "base");
      const resolved = await repository.resolve(op, mount.revision);
      return { view: new Composed(repository, this.neighbours, mount.submodules, [mount.url]), sha: resolved.sha };
    });
    const found = await view.entry(op, sha, rest.join("/"));
    if (found) this.origin.set(found.oid, view);
    return found;
  }

  private async inTree(
    op: Operation,
    name: string,
    mount: Extract<Mount, { kind: "file" }>,
    rest: readonly string[],
  ): Promise<TreeItem | undefined> {
    let opening = this.files.get(name);
    if (!opening) this.files.set(name, (opening = this.neighbours.file(op, mount)));
    opening.catch(() => this.files.delete(name));
    const file = await opening;
    if (rest.length > 0) return undefined;
    this.origin.set(file.root.oid, file);
    return file.root;
  }

  private open(
    op: Operation,
    key: string,
    make: () => Promise<{ view: Composed; sha: string }>,
  ): Promise<{ view: Composed; sha: string }> {
    let opening = this.opened.get(key);
    if (!opening) {
      this.opened.set(key, (opening = make()));
      opening.catch(() => this.opened.delete(key));
    }
    return opening;
  }

  async items(op: Operation, treeOid: string): Promise<readonly TreeItem[]> {
    const reader = this.origin.get(treeOid);
    const items = (await reader?.items(op, treeOid)) ?? (await this.base.items(op, treeOid));
    if (reader) for (const item of items) this.origin.set(item.oid, reader);
    return items;
  }

  async blob(op: Operation, oid: string, options?: { readonly maxBytes?: number }): Promise<Uint8Array> {
    const reader = this.origin.get(oid);
    if (reader instanceof Composed) return reader.blob(op, oid, options);
    const bytes = await reader?.blob(op, oid);
    if (bytes && options?.maxBytes !== undefined && bytes.length > options.maxBytes)
      throw new DriftlessError("TOO_LARGE", `a file has ${bytes.length} bytes, more than ${options.maxBytes}`);
    return bytes ?? this.base.blob(op, oid, options);
  }

  async tree(op: Operation, sha: string, path: string): Promise<readonly TreeEntry[]> {
    const plain = pathSteps(path)?.join("/") ?? "";
    const inside = mountOf(plain.split("/")[0]) !== undefined;
    if (!inside && (!this.submodules || (await this.modulesOf(op, sha)).size === 0))
      return this.base.tree(op, sha, path);
    const root = await this.entry(op, sha, path);
    if (root?.type !== "tree") return this.base.tree(op, sha, path); // which says what is wrong
    const found: TreeEntry[] = [];
    const visit = async (oid: string, folder: string): Promise<void> => {
      for (const item of await this.items(op, oid)) {
        const at = folder === "" ? item.name : `${folder}/${item.name}`;
        const real = item.type === "commit" ? ((await this.entry(op, sha, at)) ?? item) : item;
        if (real.type === "tree") await visit(real.oid, at);
        else found.push({ path: at, mode: real.mode, type: real.type, oid: real.oid });
      }
    };
    await visit(root.oid, plain);
    return found;
  }

  resolve: GitRepository["resolve"] = (op, revision) => this.base.resolve(op, revision);
  refresh: GitRepository["refresh"] = (op, options) => this.base.refresh(op, options);
  changedPaths: GitRepository["changedPaths"] = (op, from, to) => this.base.changedPaths(op, from, to);
  mergeBase: GitRepository["mergeBase"] = (op, a, b) => this.base.mergeBase(op, a, b);
  metadata: GitRepository["metadata"] = (op, sha) => this.base.metadata(op, sha);
  object: GitRepository["object"] = (op, oid) => this.base.object(op, oid);
  refs: GitRepository["refs"] = (op) => this.base.refs(op);
  onChange: GitRepository["onChange"] = (listener) => this.base.onChange(listener);
}

function isLocal(url: string): boolean {
  return /^(?:file:|\/|[a-z]:[\\/])/i.test(url);
}
