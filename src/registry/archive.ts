// Unpacks a .tgz or .tar in memory into a tree of contents, safely: nothing leads out of it, and size, number and depth
// of files are limited while unpacking, so that a bomb never unfolds. Writes nothing to disk.
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract, type Header } from "tar-stream";
import { DriftlessError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import type { ArtifactItem, ArtifactTree } from "./types.ts";

export interface UnpackLimits {
  /** All files together, unpacked. */
  readonly maxBytes: number;
  readonly maxFiles: number;
}

interface Entry {
  readonly type: "blob" | "symlink";
  readonly mode: "100644" | "100755" | "120000";
  readonly bytes: Buffer;
}

const maxDepth = 64;

/**
 * Takes an archive; returns its files. `strip`: there is one folder at the top, as in a chart's archive, and what is in
 * it is the root. Errors: ARTIFACT_INVALID (no archive, or a path or link that leads out), TOO_LARGE.
 */
export async function unpack(
  op: Operation,
  bytes: Uint8Array,
  options: UnpackLimits & { readonly name: string; readonly strip: boolean },
): Promise<ArtifactTree> {
  const files = new Map<string, Entry>();
  const refuse = (why: string): DriftlessError => new DriftlessError("ARTIFACT_INVALID", `${options.name}: ${why}`);
  let total = 0;
  const budget = (more: number): void => {
    total += more;
    if (total > options.maxBytes)
      throw new DriftlessError("TOO_LARGE", `${options.name} has more than ${options.maxBytes} bytes unpacked`);
    if (files.size >= options.maxFiles)
      throw new DriftlessError("TOO_LARGE", `${options.name} has more than ${options.maxFiles} files`);
  };
  const take = async (header: Header, stream: AsyncIterable<Buffer>): Promise<void> => {
    const chunks: Buffer[] = [];
    budget(512); // headers count too: an archive of a billion empty files is a bomb
    for await (const chunk of stream) {
      budget(chunk.length);
      chunks.push(chunk);
    }
    const path = cleanPath(header.name, refuse);
    const kind = header.type ?? "file";
    if (kind === "directory" || path === "") return;
    if (kind === "symlink") {
      const target = header.linkname ?? "";
      if (leadsOut(path, target)) throw refuse(`the symbolic link ${path} leads out of it: ${target}`);
      files.set(path, { type: "symlink", mode: "120000", bytes: Buffer.from(target) });
    } else if (kind === "link") {
      const target = files.get(cleanPath(header.linkname ?? "", refuse));
      if (target?.type !== "blob") throw refuse(`the hard link ${path} is to ${header.linkname}, which is not in it`);
      files.set(path, target);
    } else if (kind === "file" || kind === "contiguous-file") {
      const mode = ((header.mode ?? 0) & 0o100) === 0 ? "100644" : "100755";
      files.set(path, { type: "blob", mode, bytes: Buffer.concat(chunks) });
    } else throw refuse(`${path} is a ${kind}, which is not allowed`);
  };
  const tar = extract();
  const reading = (async () => {
    for await (const entry of tar) await take(entry.header, entry as unknown as AsyncIterable<Buffer>);
  })();
  const gzipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const feeding = gzipped
    ? pipeline(Readable.from([bytes]), createGunzip(), tar, { signal: op.signal })
    : pipeline(Readable.from([bytes]), tar, { signal: op.signal });
  // The reader's own error is the cause where both fail.
  const [read, fed] = await Promise.allSettled([
    reading.catch((error: unknown) => {
      tar.destroy(error as Error);
      throw error;
    }),
    feeding,
  ]);
  if (op.signal.aborted) throw new DriftlessError("CANCELLED", "the caller gave up");
  const failed = [read, fed].find((one) => one.status === "rejected")?.reason as Error | undefined;
  if (failed instanceof DriftlessError) throw failed;
  if (failed) throw refuse(`is no ${gzipped ? "gzipped tar" : "tar"} archive, or is damaged: ${failed.message}`);
  if (files.size === 0) throw refuse("holds no files");
  return buildTree(options.strip ? stripped(files, refuse) : files, total);
}

function cleanPath(name: string, refuse: (why: string) => DriftlessError): string {
  const plain = name.replaceAll("\\", "/");
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f]/.test(plain)) throw refuse("holds a name with a control character");
  if (plain.startsWith("/") || /^[A-Za-z]:/.test(plain)) throw refuse(`holds an absolute path: ${name}`);
  const steps = plain.split("/").filter((step) => step !== "" && step !== ".");
  if (steps.includes("..")) throw refuse(`holds a path that leads out of it: ${name}`);
  if (steps.length > maxDepth) throw refuse(`holds a path with more than ${maxDepth} folders: ${name.slice(0, 200)}`);
  return steps.join("/");
}

function leadsOut(path: string, target: string): boolean {
  if (target === "" || target.startsWith("/") || target.includes("\\")) return true;
  const at = path.split("/").slice(0, -1);
  for (const step of target.split("/")) {
    if (step === "" || step === ".") continue;
    if (step !== "..") at.push(step);
    else if (at.pop() === undefined) return true;
  }
  return false;
}

function stripped(
  files: ReadonlyMap<string, Entry>,
  refuse: (why: string) => DriftlessError,
): ReadonlyMap<string, Entry> {
  const tops = new Set([...files.keys()].map((path) => path.slice(0, Math.max(0, path.indexOf("/")))));
  const [top] = tops;
  if (tops.size !== 1 || top === undefined || top === "")
    throw refuse("is no chart's archive: it must hold one folder, and everything in it");
  return new Map([...files].map(([path, entry]) => [path.slice(top.length + 1), entry]));
}

const hash = (kind: string, content: Uint8Array | string): string =>
  createHash("sha256").update(`${kind}\0`).update(content).digest("hex");

function buildTree(files: ReadonlyMap<string, Entry>, sizeBytes: number): ArtifactTree {
  const blobs = new Map<string, Uint8Array>();
  const trees = new Map<string, readonly ArtifactItem[]>();
  interface Folder {
    readonly folders: Map<string, Folder>;
    readonly items: Map<string, ArtifactItem>;
  }
  const folder = (): Folder => ({ folders: new Map(), items: new Map() });
  const top = folder();
  for (const [path, { type, mode, bytes }] of files) {
    const steps = path.split("/");
    const name = steps.pop() as string;
    let at = top;
    for (const step of steps) {
      let next = at.folders.get(step);
      if (!next) at.folders.set(step, (next = folder()));
      at = next;
    }
    const oid = hash("blob", bytes);
    blobs.set(oid, bytes);
    at.items.set(name, { name, mode, type, oid });
  }
  const close = (one: Folder): string => {
    for (const [name, inner] of one.folders)
      one.items.set(name, { name, mode: "40000", type: "tree", oid: close(inner) });
    const items = [...one.items.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    const oid = hash("tree", items.map(({ name, mode, oid: id }) => `${mode} ${id} ${name}\n`).join(""));
    trees.set(oid, items);
    return oid;
  };
  const root = close(top);
  return { root, sizeBytes, items: (oid) => trees.get(oid), blob: (oid) => blobs.get(oid) };
}
