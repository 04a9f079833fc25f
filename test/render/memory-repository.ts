// A repository in memory for tests of rendering: commits are maps from path to text, ids are hashes of contents as in Git.
import { createHash } from "node:crypto";
import type { GitRepository, TreeItem } from "#git/types.ts";

export type MemoryFiles = Readonly<Record<string, string>>;

const hash = (text: string): string => createHash("sha1").update(text).digest("hex");

export class MemoryRepository {
  private readonly trees = new Map<string, TreeItem[]>();
  private readonly blobs = new Map<string, Buffer>();
  private readonly roots = new Map<string, string>();
  private readonly contents = new Map<string, MemoryFiles>();

  /** Returns the commit's id. */
  commit(files: MemoryFiles): string {
    const root = this.store(Object.entries(files), "");
    const sha = hash(`commit ${root}`);
    this.roots.set(sha, root);
    this.contents.set(sha, files);
    return sha;
  }

  private store(files: readonly (readonly [string, string])[], folder: string): string {
    const items: TreeItem[] = [];
    const below = new Map<string, [string, string][]>();
    for (const [path, text] of files) {
      const [name = "", ...rest] = path.split("/");
      if (rest.length === 0) {
        const oid = hash(`blob ${text}`);
        this.blobs.set(oid, Buffer.from(text));
        items.push({ name, mode: "100644", type: "blob", oid });
      } else {
        const list = below.get(name) ?? [];
        list.push([rest.join("/"), text]);
        below.set(name, list);
      }
    }
    for (const [name, inside] of below)
      items.push({ name, mode: "40000", type: "tree", oid: this.store(inside, `${folder}/${name}`) });
    items.sort((a, b) => (a.name < b.name ? -1 : 1));
    const oid = hash(`tree ${JSON.stringify(items)}`);
    this.trees.set(oid, items);
    return oid;
  }

  /** What rendering asks of a repository; anything else fails. */
  asRepository(): GitRepository {
    const entry = (sha: string, path: string): TreeItem | undefined => {
      let item: TreeItem | undefined = { name: "", mode: "40000", type: "tree", oid: this.roots.get(sha) ?? "" };
      for (const step of path.split("/").filter((name) => name !== "" && name !== "."))
        item = item?.type === "tree" ? this.trees.get(item.oid)?.find(({ name }) => name === step) : undefined;
      return item;
    };
    const partial: Partial<GitRepository> = {
      url: "memory:",
      entry: async (_op, sha, path) => entry(sha, path),
      items: async (_op, oid) => this.trees.get(oid) ?? [],
      blob: async (_op, oid) => this.blobs.get(oid) ?? Buffer.alloc(0),
      tree: async (_op, sha, path) =>
        Object.keys(this.contents.get(sha) ?? {})
          .filter((name) => path === "" || name.startsWith(`${path}/`))
          .sort()
          .map((name) => ({ path: name, mode: "100644", type: "blob" as const, oid: entry(sha, name)?.oid ?? "" })),
    };
    return partial as GitRepository;
  }
}
