// A chart or an OCI artifact, read like a Git repository: a version is its revision, its archive a tree of contents. So
// rendering, what it read, what is remembered, and overrides work on it unchanged. Fetches through src/registry.
import { DriftlessError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import { pathSteps } from "#git/objects.ts";
import type { CommitMetadata, GitRepository, TreeEntry, TreeItem } from "#git/types.ts";
import { newestFirst } from "#model/versions.ts";
import type {
  ArtifactDetails,
  ArtifactTree,
  RegistryOrigin,
  RegistrySource,
  ResolvedContent,
} from "#registry/types.ts";

export interface ArtifactRepository extends GitRepository {
  /** What is polled for it: one for all charts of a Helm repository. */
  readonly origin: RegistryOrigin;
  /** One revision, whose contents stay as they are though the version may be published anew. */
  pinned(op: Operation, revision: string): Promise<GitRepository>;
  /** What its publisher says of a revision. */
  details(op: Operation, revision: string): Promise<ArtifactDetails>;
}

/** Wraps a place in a registry. Does no I/O. */
export function artifactRepository(source: RegistrySource): ArtifactRepository {
  return new Artifact(source);
}

/** Trees that were read a moment ago, for reads by object id. */
const maxRecent = 8;

class Artifact implements ArtifactRepository {
  private readonly source: RegistrySource;
  private readonly recent: ArtifactTree[] = [];

  constructor(source: RegistrySource) {
    this.source = source;
  }

  get url(): string {
    return this.source.url;
  }

  get origin(): RegistryOrigin {
    return this.source.origin;
  }

  resolve: GitRepository["resolve"] = async (op, revision) => ({ sha: await this.source.resolve(op, revision) });

  async pinned(op: Operation, revision: string): Promise<GitRepository> {
    const content = await this.source.content(op, revision);
    return new PinnedArtifact(this, content, await content.tree(op));
  }

  async details(op: Operation, revision: string): Promise<ArtifactDetails> {
    return (await this.source.content(op, revision)).details();
  }

  /** Asks also whether versions that stand were published anew: somebody wants to know. */
  refresh: GitRepository["refresh"] = async (op) => {
    await this.origin.refresh(op, { all: true });
    return { changed: [] };
  };

  private async treeAt(op: Operation, revision: string): Promise<ArtifactTree> {
    const tree = await (await this.source.content(op, revision)).tree(op);
    const at = this.recent.indexOf(tree);
    if (at >= 0) this.recent.splice(at, 1);
    this.recent.unshift(tree);
    this.recent.length = Math.min(this.recent.length, maxRecent);
    return tree;
  }

  async entry(op: Operation, revision: string, path: string): Promise<TreeItem | undefined> {
    return entryIn(await this.treeAt(op, revision), path);
  }

  items: GitRepository["items"] = async (_op, oid) => {
    for (const tree of this.recent) {
      const items = tree.items(oid);
      if (items) return items;
    }
    throw lost(this.url, oid);
  };

  blob: GitRepository["blob"] = async (_op, oid, options) => {
    for (const tree of this.recent) {
      const bytes = tree.blob(oid);
      if (bytes) return limited(bytes, options?.maxBytes);
    }
    throw lost(this.url, oid);
  };

  tree: GitRepository["tree"] = async (op, revision, path) =>
    filesBelow(await this.treeAt(op, revision), path, `${revision} of ${this.url}`);

  changedPaths: GitRepository["changedPaths"] = async (op, from, to) => {
    const files = async (revision: string): Promise<Map<string, string>> => {
      const tree = await this.treeAt(op, revision);
      return new Map(filesBelow(tree, "", this.url).map(({ path, oid, mode }) => [path, `${mode} ${oid}`]));
    };
    const [before, after] = await Promise.all([files(from), files(to)]);
    return [...new Set([...before.keys(), ...after.keys()])].filter((path) => before.get(path) !== after.get(path));
  };

  metadata: GitRepository["metadata"] = async (op, revision): Promise<CommitMetadata> => {
    const { description = "", maintainers = [], created = "" } = await this.details(op, revision);
    return { author: maintainers.join(", "), date: created, message: description, tags: [] };
  };

  refs: GitRepository["refs"] = async (op) => ({
    branches: [],
    tags: newestFirst(await this.source.versions(op)),
  });

  mergeBase: GitRepository["mergeBase"] = async () => undefined;
  object: GitRepository["object"] = async () => undefined;

  onChange: GitRepository["onChange"] = (listener) => this.origin.onChange(() => listener({ changed: [] }));
}

/** One unpacked revision: whatever commit is asked for, this is it. */
class PinnedArtifact implements GitRepository {
  private readonly whole: Artifact;
  private readonly content: ResolvedContent;
  private readonly files: ArtifactTree;

  constructor(whole: Artifact, content: ResolvedContent, files: ArtifactTree) {
    this.whole = whole;
    this.content = content;
    this.files = files;
  }

  get url(): string {
    return this.whole.url;
  }

  /** A version may be published anew with another content. */
  get view(): string {
    return this.content.digest;
  }

  entry: GitRepository["entry"] = async (_op, _revision, path) => entryIn(this.files, path);

  items: GitRepository["items"] = async (_op, oid) => {
    const items = this.files.items(oid);
    if (!items) throw lost(this.url, oid);
    return items;
  };

  blob: GitRepository["blob"] = async (_op, oid, options) => {
    const bytes = this.files.blob(oid);
    if (!bytes) throw lost(this.url, oid);
    return limited(bytes, options?.maxBytes);
  };

  tree: GitRepository["tree"] = async (_op, revision, path) =>
    filesBelow(this.files, path, `${revision} of ${this.url}`);

  resolve: GitRepository["resolve"] = async () => ({ sha: this.content.revision });
  refresh: GitRepository["refresh"] = async () => ({ changed: [] });
  changedPaths: GitRepository["changedPaths"] = (op, from, to) => this.whole.changedPaths(op, from, to);
  metadata: GitRepository["metadata"] = (op, revision) => this.whole.metadata(op, revision);
  refs: GitRepository["refs"] = (op) => this.whole.refs(op);
  mergeBase: GitRepository["mergeBase"] = async () => undefined;
  object: GitRepository["object"] = async () => undefined;
  onChange: GitRepository["onChange"] = () => () => {};
}

function entryIn(tree: ArtifactTree, path: string): TreeItem | undefined {
  const steps = pathSteps(path);
  if (!steps) return undefined;
  let item: TreeItem = { name: "", mode: "40000", type: "tree", oid: tree.root };
  for (const step of steps) {
    const next: TreeItem | undefined =
      item.type === "tree" ? tree.items(item.oid)?.find(({ name }) => name === step) : undefined;
    if (!next) return undefined;
    item = next;
  }
  return item;
}

function filesBelow(tree: ArtifactTree, path: string, where: string): TreeEntry[] {
  const root = entryIn(tree, path);
  if (root?.type !== "tree")
    throw new DriftlessError("PATH_NOT_FOUND", `path ${JSON.stringify(path)} is no directory at ${where}`, {
      details: { file: path },
    });
  const found: TreeEntry[] = [];
  const visit = (oid: string, folder: string): void => {
    for (const item of tree.items(oid) ?? []) {
      const at = folder === "" ? item.name : `${folder}/${item.name}`;
      if (item.type === "tree") visit(item.oid, at);
      else found.push({ path: at, mode: item.mode, type: item.type, oid: item.oid });
    }
  };
  visit(root.oid, (pathSteps(path) ?? []).join("/"));
  return found;
}

function limited(bytes: Uint8Array, maxBytes: number | undefined): Uint8Array {
  if (maxBytes !== undefined && bytes.length > maxBytes)
    throw new DriftlessError("TOO_LARGE", `a file has ${bytes.length} bytes, more than ${maxBytes}`);
  return bytes;
}

function lost(url: string, oid: string): DriftlessError {
  return new DriftlessError("REPOSITORY_UNREACHABLE", `what was fetched of ${url} lacks the object ${oid}`);
}
