// What is in Git's objects: commits, tags and trees parsed, a bounded memory of them, walks and comparisons of trees.
// Reads through an ObjectReader; starts no process of its own. Format: Git's "gitformat" documentation of objects.
import { DriftlessError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import { rfc3339 } from "#base/ports.ts";
import type { ObjectReader } from "./cat-file.ts";
import type { CommitMetadata, EntryType, TreeEntry, TreeItem } from "./types.ts";

export interface Tree {
  readonly items: readonly TreeItem[];
  readonly byName: ReadonlyMap<string, TreeItem>;
}

interface Commit {
  readonly oid: string;
  readonly tree: string;
  readonly author: string;
  readonly date: string;
  readonly message: string;
}

const typeOfMode = (mode: string): EntryType =>
  mode === "40000" ? "tree" : mode === "120000" ? "symlink" : mode === "160000" ? "commit" : "blob";

/** Takes the bytes of a tree object and the bytes of one object id (20, or 32 with SHA-256). */
export function parseTree(bytes: Buffer, idBytes: number): readonly TreeItem[] {
  const items: TreeItem[] = [];
  let at = 0;
  while (at < bytes.length) {
    const space = bytes.indexOf(32, at);
    const zero = bytes.indexOf(0, space);
    if (space < 0 || zero < 0 || zero + 1 + idBytes > bytes.length) {
      throw new DriftlessError("REPOSITORY_UNREACHABLE", "a tree object of the mirror is damaged");
    }
    const mode = bytes.toString("latin1", at, space);
    items.push({
      name: bytes.toString("utf8", space + 1, zero),
      mode,
      type: typeOfMode(mode),
      oid: bytes.toString("hex", zero + 1, zero + 1 + idBytes),
    });
    at = zero + 1 + idBytes;
  }
  return items;
}

function parsePerson(line: string): { name: string; date: string } {
  const match = /^(.*) (-?\d+) [+-]\d{4}$/.exec(line);
  return { name: match?.[1] ?? line, date: rfc3339(Number(match?.[2] ?? 0) * 1000) };
}

export function parseCommit(oid: string, bytes: Buffer): Commit {
  const text = bytes.toString("utf8");
  const end = text.indexOf("\n\n");
  const head = end < 0 ? text : text.slice(0, end);
  let tree = "";
  let author = { name: "", date: rfc3339(0) };
  for (const line of head.split("\n")) {
    if (line.startsWith("tree ")) tree = line.slice(5);
    else if (line.startsWith("author ")) author = parsePerson(line.slice(7));
  }
  return { oid, tree, author: author.name, date: author.date, message: end < 0 ? "" : text.slice(end + 2) };
}

/** `a/./b//c/` → ["a","b","c"]; undefined where `..` would leave the root. Argo CD's paths may be "", "." or "./x". */
export function pathSteps(path: string): string[] | undefined {
  const steps: string[] = [];
  for (const step of path.split("/")) {
    if (step === "" || step === ".") continue;
    if (step !== "..") steps.push(step);
    else if (steps.pop() === undefined) return undefined;
  }
  return steps;
}

/** Parsed trees and commits over one repository's reader, the least recently used dropped beyond `maxBytes`. */
export class ObjectStore {
  private readonly reader: ObjectReader;
  private readonly maxBytes: number;
  private readonly trees = new Map<string, { tree: Tree; size: number }>();
  private size = 0;
  private readonly pending = new Map<string, Promise<Tree>>();
  private readonly commits = new Map<string, Commit>();

  constructor(reader: ObjectReader, maxBytes: number) {
    this.reader = reader;
    this.maxBytes = maxBytes;
  }

  async commit(op: Operation, sha: string): Promise<Commit> {
    const known = this.commits.get(sha);
    if (known) return known;
    const object = await this.reader.read(op, `${sha}^{commit}`);
    if (object?.type !== "commit") throw new DriftlessError("REVISION_NOT_FOUND", `there is no commit ${sha}`);
    const commit = parseCommit(object.oid, object.bytes);
    if (this.commits.size >= 512) this.commits.delete(this.commits.keys().next().value as string);
    this.commits.set(sha, commit);
    return commit;
  }

  /** A parsed tree; two callers at once share one read. */
  async tree(op: Operation, oid: string): Promise<Tree> {
    const known = this.trees.get(oid);
    if (known) {
      this.trees.delete(oid);
      this.trees.set(oid, known);
      return known.tree;
    }
    const running = this.pending.get(oid);
    if (running) {
      try {
        return await running;
      } catch (error) {
        if (op.signal.aborted || !(error instanceof DriftlessError) || error.code !== "CANCELLED") throw error;
        return this.tree(op, oid); // the other caller gave up, not this one
      }
    }
    const read = this.readTree(op, oid).finally(() => this.pending.delete(oid));
    this.pending.set(oid, read);
    return read;
  }

  private async readTree(op: Operation, oid: string): Promise<Tree> {
    const object = await this.reader.read(op, oid, 64 << 20);
    if (object?.type !== "tree") throw new DriftlessError("REPOSITORY_UNREACHABLE", `the mirror lacks the tree ${oid}`);
    const items = parseTree(object.bytes, oid.length / 2);
    const tree: Tree = { items, byName: new Map(items.map((item) => [item.name, item])) };
    // What it takes in memory, about: each item is an object with two short strings.
    const size = 400 + items.length * 250;
    this.trees.set(oid, { tree, size });
    this.size += size;
    for (const [old, entry] of this.trees) {
      if (this.size <= this.maxBytes || old === oid) break;
      this.trees.delete(old);
      this.size -= entry.size;
    }
    return tree;
  }

  async entry(op: Operation, sha: string, path: string): Promise<TreeItem | undefined> {
    const steps = pathSteps(path);
    if (!steps) return undefined;
    const commit = await this.commit(op, sha);
    let item: TreeItem = { name: "", mode: "40000", type: "tree", oid: commit.tree };
    for (const step of steps) {
      if (item.type !== "tree") return undefined;
      const next: TreeItem | undefined = (await this.tree(op, item.oid)).byName.get(step);
      if (!next) return undefined;
      item = next;
    }
    return item;
  }

  /** Every file, symlink and submodule below a tree; paths begin with `prefix`. */
  async walk(op: Operation, oid: string, prefix: string): Promise<TreeEntry[]> {
    const { items } = await this.tree(op, oid);
    const parts = await Promise.all(
      items.map(async (item): Promise<TreeEntry[]> => {
        const path = prefix === "" ? item.name : `${prefix}/${item.name}`;
        return item.type === "tree"
          ? this.walk(op, item.oid, path)
          : [{ path, mode: item.mode, type: item.type, oid: item.oid }];
      }),
    );
    return parts.flat();
  }

  /** Paths of the files that differ between two trees; only subtrees that differ are read. */
  async differences(op: Operation, from: string | undefined, to: string | undefined, prefix = ""): Promise<string[]> {
    if (from === to) return [];
    const [before, after] = await Promise.all([
      from === undefined ? undefined : this.tree(op, from),
      to === undefined ? undefined : this.tree(op, to),
    ]);
    const found: string[] = [];
    const below: Promise<string[]>[] = [];
    const visit = (name: string, a: TreeItem | undefined, b: TreeItem | undefined): void => {
      if (a?.oid === b?.oid && a?.mode === b?.mode) return;
      const path = prefix === "" ? name : `${prefix}/${name}`;
      const treeA = a?.type === "tree" ? a.oid : undefined;
      const treeB = b?.type === "tree" ? b.oid : undefined;
      if ((a && !treeA) || (b && !treeB)) found.push(path);
      if (treeA !== undefined || treeB !== undefined) below.push(this.differences(op, treeA, treeB, path));
    };
    for (const item of before?.items ?? []) visit(item.name, item, after?.byName.get(item.name));
    for (const item of after?.items ?? []) if (!before?.byName.has(item.name)) visit(item.name, undefined, item);
    return [...found, ...(await Promise.all(below)).flat()];
  }

  async metadata(op: Operation, sha: string): Promise<Omit<CommitMetadata, "tags">> {
    const { author, date, message } = await this.commit(op, sha);
    return { author, date, message: message.trim() };
  }
}
