// Serves a commit's files to the engine and records each read: files, listings, whole folders, names that are absent.
// Links are followed inside the repository; one that leads out of it is refused.
import { DriftlessError, toError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import { isMounted } from "#git/mounts.ts";
import { pathSteps } from "#git/objects.ts";
import type { TreeItem } from "#git/types.ts";
import { lookUp, type Walk } from "./directory.ts";
import type { FileAnswer, FileEntry } from "./engine/frames.ts";
import type { FileServer } from "./engine/process.ts";
import type { RemoteReferences } from "./remote-references.ts";

export interface FilesOptions {
  /** Bytes of one file; default 32 MiB. */
  readonly maxFileBytes?: number;
  /** Bytes of all files of one folder that is read whole; default 100 MiB. */
  readonly maxTreeBytes?: number;
  /** Finds what stands beside the repository. */
  readonly remotes?: RemoteReferences;
}

interface Found {
  readonly item: TreeItem;
  readonly path: string;
}

const maxDepth = 64;

export class RepositoryFiles implements FileServer {
  private readonly op: Operation;
  private readonly walk: Walk;
  private readonly maxFileBytes: number;
  private readonly maxTreeBytes: number;
  private readonly remotes: RemoteReferences | undefined;

  constructor(op: Operation, walk: Walk, options: FilesOptions = {}) {
    this.op = op;
    this.walk = walk;
    this.maxFileBytes = options.maxFileBytes ?? 32 << 20;
    this.maxTreeBytes = options.maxTreeBytes ?? 100 << 20;
    this.remotes = options.remotes;
  }

  /** What stands at a path from the root. Error: MANIFEST_INVALID or RENDER_REFUSED where the path leads out. */
  async find(path: string): Promise<Found | undefined> {
    const steps = pathSteps(path);
    if (!steps)
      throw new DriftlessError("RENDER_REFUSED", `${path} leads out of the repository`, { details: { file: path } });
    const plain = steps.join("/");
    // Without a link on the way, one look-up does; entry() follows none, so what it finds has none before it.
    const { repository, sha, reads } = this.walk;
    const direct = await repository.entry(this.op, sha, plain);
    if (direct?.type === "tree") return { item: direct, path: plain };
    if (direct?.type === "blob") {
      reads.file(plain, direct.oid);
      return { item: direct, path: plain };
    }
    return lookUp(this.op, this.walk, steps);
  }

  /** A file's text; undefined where there is none. */
  async text(path: string): Promise<string | undefined> {
    const found = await this.find(path);
    if (found?.item.type !== "blob") return undefined;
    const bytes = await this.walk.repository.blob(this.op, found.item.oid, { maxBytes: this.maxFileBytes });
    return Buffer.from(bytes).toString("utf8");
  }

  open(path: string): Promise<FileAnswer> {
    return this.answer(path, async (found) => {
      if (found.item.type === "tree") return { found: "directory", path: found.path };
      const bytes = await this.walk.repository.blob(this.op, found.item.oid, { maxBytes: this.maxFileBytes });
      return { found: "file", path: found.path, body: [bytes] };
    });
  }

  async remote(what: string): Promise<FileAnswer> {
    return this.remotes?.ask(what) ?? { found: "refused", message: "remote references are refused here" };
  }

  list(path: string): Promise<FileAnswer> {
    return this.answer(path, async (found) => {
      if (found.item.type !== "tree") return { found: "file" };
      this.walk.reads.directory(found.path, found.item.oid, false);
      const items = await this.itemsOf(found);
      const entries = items
        .map(({ name, type }): FileEntry => (type === "tree" ? { p: name, d: true } : { p: name }))
        .sort((a, b) => (a.p < b.p ? -1 : 1));
      return { found: "directory", path: found.path, entries };
    });
  }

  tree(path: string): Promise<FileAnswer> {
    return this.answer(path, async (found) => {
      if (found.item.type !== "tree") return { found: "file" };
      this.walk.reads.directory(found.path, found.item.oid, true);
      const files: { path: string; oid: string }[] = [];
      await this.collect(found, "", files, 0);
      files.sort((a, b) => (a.path < b.path ? -1 : 1));
      let total = 0;
      const body = await Promise.all(
        files.map(async ({ path: file, oid }) => {
          const bytes = await this.walk.repository.blob(this.op, oid, { maxBytes: this.maxFileBytes });
          total += bytes.length;
          if (total > this.maxTreeBytes)
            throw new DriftlessError(
              "TOO_LARGE",
              `the files of ${path} have more than ${this.maxTreeBytes} bytes together`,
              {
                details: { file },
              },
            );
          return bytes;
        }),
      );
      const entries = files.map(({ path: file }, at): FileEntry => ({ p: file, s: body[at]?.length ?? 0 }));
      return { found: "directory", path: found.path, entries, body };
    });
  }

  private async collect(
    folder: Found,
    relative: string,
    files: { path: string; oid: string }[],
    depth: number,
  ): Promise<void> {
    if (depth > maxDepth)
      throw new DriftlessError(
        "RENDER_REFUSED",
        `${folder.path}: folders are nested too deeply, or linked in a circle`,
      );
    for (const item of await this.itemsOf(folder)) {
      const inside = relative === "" ? item.name : `${relative}/${item.name}`;
      const path = folder.path === "" ? item.name : `${folder.path}/${item.name}`;
      if (item.type === "blob") files.push({ path: inside, oid: item.oid });
      else if (item.type === "tree") await this.collect({ item, path }, inside, files, depth + 1);
      else if (item.type === "symlink") await this.collectLink(path, inside, files, depth);
    }
  }

  /** The items of a folder; a submodule is a folder where they are read, else it is left out. */
  private async itemsOf(folder: Found): Promise<readonly TreeItem[]> {
    const { repository, sha } = this.walk;
    const items = await repository.items(this.op, folder.item.oid);
    if (!items.some(({ type }) => type === "commit")) return items;
    const all = await Promise.all(
      items.map(async (item) => {
        if (item.type !== "commit") return [item];
        const module = await repository.entry(
          this.op,
          sha,
          folder.path === "" ? item.name : `${folder.path}/${item.name}`,
        );
        return module?.type === "tree" ? [module] : [];
      }),
    );
    return all.flat();
  }

  private async collectLink(
    path: string,
    inside: string,
    files: { path: string; oid: string }[],
    depth: number,
  ): Promise<void> {
    const target = await this.find(path);
    if (target?.item.type === "blob") files.push({ path: inside, oid: target.item.oid });
    else if (target?.item.type === "tree") {
      this.walk.reads.directory(target.path, target.item.oid, true);
      await this.collect(target, inside, files, depth + 1);
    }
  }

  private async answer(path: string, work: (found: Found) => Promise<FileAnswer>): Promise<FileAnswer> {
    try {
      const first = pathSteps(path)?.[0];
      if (first !== undefined && isMounted(first) && this.remotes?.gave(first) !== true)
        throw new DriftlessError("RENDER_REFUSED", "a file name holds a character that none may hold");
      const found = await this.find(path);
      if (found === undefined || found.item.type === "commit") return { found: "absent" };
      return await work(found);
    } catch (thrown) {
      const error = toError(thrown);
      const refused = ["RENDER_REFUSED", "MANIFEST_INVALID", "TOO_LARGE", "PROJECT_FORBIDS"].includes(error.code);
      return { found: refused ? "refused" : "failed", message: error.message };
    }
  }
}
