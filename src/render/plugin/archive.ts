// Files of a source for a plugin: packed as a gzipped tar, or read out of a commit. Links that lead out are refused.
import { posix } from "node:path";
import { Readable } from "node:stream";
import { createGzip } from "node:zlib";
import { pack } from "tar-stream";
import { DriftlessError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import { pathSteps } from "#git/objects.ts";
import { lookUp, type Walk } from "../directory.ts";
import type { PluginFile } from "./types.ts";

const maxBytes = 100 << 20;

/**
 * Every file below a folder of the commit, with paths from `root`, which holds it; the folder is recorded as read whole.
 * A link that leads out of the root to a file of the repository is that file. Errors: RENDER_REFUSED (a link that leads
 * elsewhere), MANIFEST_INVALID (out of the repository), RENDER_TOO_LARGE, those of the repository.
 */
export async function filesBelow(op: Operation, walk: Walk, folder: string, root: string): Promise<PluginFile[]> {
  const { repository, sha, reads } = walk;
  const item = await repository.entry(op, sha, folder);
  if (item === undefined) {
    reads.absent(folder);
    return [];
  }
  if (item.type === "tree") reads.directory(folder, item.oid, true);
  else reads.file(folder, item.oid);
  const entries =
    item.type === "tree"
      ? await repository.tree(op, sha, folder)
      : [{ path: folder, oid: item.oid, mode: item.mode, type: item.type }];
  let total = 0;
  const read = async (oid: string): Promise<Uint8Array> => {
    const bytes = await repository.blob(op, oid, { maxBytes });
    total += bytes.length;
    if (total <= maxBytes) return bytes;
    throw new DriftlessError(
      "RENDER_TOO_LARGE",
      `${folder || "the repository"}: a plugin gets at most ${maxBytes} bytes of files`,
      { details: { file: folder } },
    );
  };
  const files = await Promise.all(
    entries.map(async ({ path, oid, mode, type }): Promise<PluginFile | undefined> => {
      if (type === "commit") return undefined; // a submodule: its files are not in this repository
      const inside = root === "" ? path : path.slice(root.length + 1);
      const content = type === "symlink" ? await linked(op, walk, { path, inside, read }, oid) : await read(oid);
      return content && { path: inside, executable: mode === "100755", content };
    }),
  );
  return files.filter((file) => file !== undefined);
}

async function linked(
  op: Operation,
  walk: Walk,
  at: { readonly path: string; readonly inside: string; read(oid: string): Promise<Uint8Array> },
  oid: string,
): Promise<PluginFile["content"] | undefined> {
  const target = Buffer.from(await walk.repository.blob(op, oid, { maxBytes: 8192 })).toString("utf8");
  const steps = posix.isAbsolute(target) ? undefined : pathSteps(posix.join(posix.dirname(at.inside), target));
  if (steps) return { symlink: target };
  const found = await lookUp(op, walk, at.path.split("/"));
  if (found === undefined) return undefined; // it leads nowhere
  if (found.item.type === "blob") return at.read(found.item.oid);
  throw new DriftlessError(
    "RENDER_REFUSED",
    `${at.path}: the symbolic link leads to a folder outside of what the plugin gets: ${target}`,
    { details: { file: at.path } },
  );
}

/** The files as a gzipped tar. */
export async function archive(files: readonly PluginFile[]): Promise<Buffer> {
  const tar = pack();
  for (const { path, executable, content } of files) {
    const mtime = new Date(0);
    if (content instanceof Uint8Array)
      tar.entry({ name: path, mode: executable ? 0o755 : 0o644, mtime }, Buffer.from(content));
    else tar.entry({ name: path, type: "symlink", linkname: content.symlink, mtime });
  }
  tar.finalize();
  const parts: Buffer[] = [];
  for await (const part of Readable.from(tar).pipe(createGzip({ level: 1 }))) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
