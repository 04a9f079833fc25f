// A person's files on their way to the server: where the repository begins, which files belong to it, what differs from a
// commit that the server has, all packed as a tar.gz. In a Git working copy ignored files stay behind; Git is only asked.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readFileSync, readdirSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, sep } from "node:path";
import { DriftlessError } from "#base/errors.ts";
import type { Upload } from "../server/api.ts";
import type { Context } from "../context.ts";

/** Where a repository begins, and the folder of one application in it (`.` for the root). */
export interface Place {
  readonly root: string;
  readonly path: string;
}

/** What asking git takes. */
type Asking = Pick<Context, "op" | "env">;

/** The server's own limits, so that nothing is sent in vain. */
const maxBytes = 256 << 20;
const maxFiles = 50_000;

/**
 * Takes the folder of an application's manifests; returns it and the root of its repository: the given one, else that of
 * the working copy, else what is left without the application's own path, else the folder. Error: INVALID_ARGUMENT.
 */
export function placeOf(directory: string, given: { readonly root?: string; readonly sourcePath?: string }): Place {
  const folder = folderOf(directory, "--local");
  const path = (given.sourcePath ?? "").replace(/^(\.?\/)+|\/+$/g, "");
  const ends = path !== "" && path !== "." && `${folder}${sep}`.endsWith(`${sep}${path}${sep}`);
  const root =
    given.root === undefined
      ? (workingCopyOf(folder) ?? (ends ? folder.slice(0, -path.length - 1) || sep : folder))
      : folderOf(given.root, "--local-repo-root");
  const inside = relative(root, folder);
  if (inside.startsWith("..") || isAbsolute(inside))
    throw new DriftlessError("INVALID_ARGUMENT", `--local ${directory} is not below the repository's root ${root}`);
  return { root, path: inside === "" ? "." : inside.split(sep).join("/") };
}

function folderOf(written: string, flag: string): string {
  if (!existsSync(written) || !statSync(written).isDirectory())
    throw new DriftlessError("INVALID_ARGUMENT", `${flag} ${written}: there is no such folder`);
  return realpathSync(written);
}

/** The root of the Git working copy that holds a folder; undefined where none does. */
export function workingCopyOf(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, ".git"))) return at;
    if (dirname(at) === at) return undefined;
  }
}

/** Runs git in a folder; its output, or undefined where it fails or is not there. */
export function askGit(asking: Asking, folder: string, ...args: readonly string[]): Promise<string | undefined> {
  const env = { ...asking.env, GIT_OPTIONAL_LOCKS: "0", GIT_TERMINAL_PROMPT: "0", LC_ALL: "C" };
  return new Promise((resolve) => {
    execFile("git", [...args], { cwd: folder, env, signal: asking.op.signal, maxBuffer: 256 << 20 }, (error, stdout) =>
      resolve(error ? undefined : stdout),
    );
  });
}

/** All files of a repository from its root, packed; with patterns only those whose names match one. */
export async function packAll(
  asking: Asking,
  root: string,
  options: { readonly include?: readonly string[]; readonly path?: string } = {},
): Promise<Upload> {
  const listed = await askGit(asking, root, "ls-files", "-z", "--cached", "--others", "--exclude-standard");
  const names = (listed === undefined ? walk(root, "") : expand(root, zeros(listed))).filter((name) =>
    matchesAny(options.include, basename(name)),
  );
  if (names.length === 0)
    throw new DriftlessError(
      "INVALID_ARGUMENT",
      `${root} holds no files to send${options.include ? " that match" : ""}`,
    );
  const packed = await pack(root, names, []);
  return { ...packed, ...(options.path === undefined ? {} : { path: options.path }) };
}

/**
 * Only what differs from the newest commit that a remote has: changed, new and deleted files, committed or not. Undefined
 * where the folder is not the root of a working copy, or no remote shares history with it.
 */
export async function packChanges(asking: Asking, root: string, path?: string): Promise<Upload | undefined> {
  if (!existsSync(join(root, ".git"))) return undefined;
  const base = await publishedCommit(asking, root);
  if (base === undefined) return undefined;
  const [diff, others] = await Promise.all([
    askGit(asking, root, "diff", "--name-only", "-z", "--no-renames", "--ignore-submodules=all", base),
    askGit(asking, root, "ls-files", "-z", "--others", "--exclude-standard"),
  ]);
  if (diff === undefined || others === undefined) return undefined;
  const names = [...new Set([...zeros(diff), ...zeros(others)])];
  const there = names.filter((name) => lstatOf(join(root, name)) !== undefined);
  const packed = await pack(
    root,
    expand(root, there),
    names.filter((name) => !there.includes(name)),
  );
  return { ...packed, base, ...(path === undefined ? {} : { path }) };
}

/** The newest commit of this line of history that some remote branch has. */
async function publishedCommit(asking: Asking, root: string): Promise<string | undefined> {
  const remotes = await askGit(asking, root, "for-each-ref", "--format=%(objectname)", "refs/remotes");
  const tips = [...new Set((remotes ?? "").split("\n").filter((line) => line !== ""))];
  if (tips.length === 0) return undefined;
  const found = await askGit(asking, root, "rev-list", "--boundary", "HEAD", "--not", "--remotes");
  if (found === undefined) return undefined;
  const lines = found.split("\n").filter((line) => line !== "");
  // Nothing that no remote has: HEAD itself is published.
  if (lines.length === 0) return (await askGit(asking, root, "rev-parse", "HEAD"))?.trim();
  const edges = lines.filter((line) => line.startsWith("-")).map((line) => line.slice(1));
  if (edges.length <= 1) return edges[0];
  const newest = await askGit(asking, root, "rev-list", "--topo-order", "--max-count=1", ...edges);
  return newest?.trim();
}

const zeros = (text: string): string[] => text.split("\0").filter((name) => name !== "");

const lstatOf = (file: string): ReturnType<typeof lstatSync> | undefined => lstatSync(file, { throwIfNoEntry: false });

/** Submodules are listed as folders: their files are taken; what is gone from the disk is left out. */
function expand(root: string, names: readonly string[]): string[] {
  const unique = [...new Set(names)].sort();
  return unique.flatMap((name) => {
    const found = lstatOf(join(root, name));
    if (!found) return [];
    return found.isDirectory() ? walk(root, name.replace(/\/$/, "")) : [name];
  });
}

function walk(root: string, folder: string): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    if (entry.name === ".git") continue;
    const name = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) found.push(...walk(root, name));
    else if (entry.isFile() || entry.isSymbolicLink()) found.push(name);
    if (found.length > maxFiles) throw tooMuch(root, `more than ${maxFiles} files`);
  }
  return found.sort();
}

/** Patterns as Go's filepath.Match has them, over names without their folders. */
function matchesAny(patterns: readonly string[] | undefined, name: string): boolean {
  if (!patterns) return true;
  return patterns.some((pattern) => {
    const source = pattern
      .replace(/[.+^${}()|\\]/g, "\\$&")
      .replaceAll("*", ".*")
      .replaceAll("?", ".")
      .replaceAll("[!", "[^");
    try {
      return new RegExp(`^${source}$`).test(name);
    } catch {
      throw new DriftlessError("INVALID_ARGUMENT", `--local-include ${pattern}: an unclosed [`);
    }
  });
}

const tooMuch = (root: string, what: string): DriftlessError =>
  new DriftlessError(
    "TOO_LARGE",
    `${root} holds ${what}: name a smaller folder with --local-repo-root, or ignore what is not needed`,
  );

async function pack(root: string, names: readonly string[], removed: readonly string[]): Promise<Upload> {
  const { pack: tar } = await import("tar-stream");
  const { createGzip } = await import("node:zlib");
  const writer = tar();
  const mtime = new Date(0);
  let total = 0;
  if (names.length > maxFiles) throw tooMuch(root, `more than ${maxFiles} files`);
  for (const name of names) {
    const file = join(root, name);
    const found = lstatOf(file);
    if (found?.isSymbolicLink()) {
      writer.entry({ name, type: "symlink", linkname: readlinkSync(file), mtime });
    } else if (found?.isFile()) {
      total += Number(found.size);
      if (total > maxBytes) throw tooMuch(root, `more than ${maxBytes >> 20} MiB of files`);
      writer.entry({ name, mode: Number(found.mode) & 0o777, mtime }, readFileSync(file));
    }
  }
  for (const name of removed) {
    const folder = dirname(name);
    writer.entry({ name: `${folder === "." ? "" : `${folder}/`}.wh.${basename(name)}`, mtime }, "");
  }
  writer.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of writer.pipe(createGzip()) as AsyncIterable<Buffer>) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const checksum = createHash("sha256").update(bytes).digest("hex");
  return { body: { type: "application/gzip", bytes }, checksum };
}
