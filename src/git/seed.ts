// Makes bare repositories and commits in them from maps of files, without a working copy: for the demo, tests and
// benches. One `git fast-import` per commit.
import { mkdir } from "node:fs/promises";
import { DriftlessError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import { runGit, type GitProgram } from "./process.ts";

export interface SeedCommit {
  /** Branch without `refs/heads/`; default main. */
  readonly branch?: string;
  readonly message: string;
  /** Path → content; null deletes the file or folder. { symlink } makes a symbolic link, { submodule } one to a commit. */
  readonly files: ReadonlyMap<string, FileContent | null> | Readonly<Record<string, FileContent | null>>;
  /** Whether the files are the whole tree (else they are laid over the branch's last commit). */
  readonly whole?: boolean;
  /** Commits on top of this instead of the branch's tip: a SHA, or null for a root commit. Rewrites the branch. */
  readonly parent?: string | null;
  readonly author?: { readonly name: string; readonly email: string };
  /** Milliseconds since the epoch. */
  readonly time: number;
}

export type FileContent =
  | string
  | Uint8Array
  | { readonly symlink: string }
  /** A commit of another repository. */
  | { readonly submodule: string };

async function must(
  op: Operation,
  program: GitProgram,
  args: readonly string[],
  input?: string | Uint8Array,
): Promise<string> {
  const out = await runGit(op, program, { args, timeoutMs: 300_000, ...(input === undefined ? {} : { input }) });
  if (out.code !== 0)
    throw new DriftlessError("INTERNAL", `git ${args.find((arg) => !arg.startsWith("-")) ?? ""}: ${out.stderr.trim()}`);
  return out.stdout.toString("utf8").trim();
}

/** Makes an empty bare repository whose HEAD is `branch`. Does nothing where there is one. */
export async function createBareRepository(
  op: Operation,
  program: GitProgram,
  dir: string,
  branch = "main",
): Promise<void> {
  await mkdir(dir, { recursive: true });
  await must(op, program, ["init", "--quiet", "--bare", "--template=", `--initial-branch=${branch}`, dir]);
}

/** The commit of a branch, or undefined where there is none. */
export async function branchTip(
  op: Operation,
  program: GitProgram,
  dir: string,
  branch = "main",
): Promise<string | undefined> {
  const out = await runGit(op, program, {
    args: ["--git-dir", dir, "rev-parse", "--verify", "--quiet", `refs/heads/${branch}^{commit}`],
    timeoutMs: 30_000,
  });
  return out.code === 0 ? out.stdout.toString("utf8").trim() : undefined;
}

const quotePath = (path: string): string =>
  `"${path.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")}"`;

/** Writes one commit; returns its SHA. Force-moves the branch where `parent` says so. */
export async function writeCommit(
  op: Operation,
  program: GitProgram,
  dir: string,
  commit: SeedCommit,
): Promise<string> {
  const branch = commit.branch ?? "main";
  const ref = `refs/heads/${branch}`;
  const parent = commit.parent === undefined ? await branchTip(op, program, dir, branch) : (commit.parent ?? undefined);
  const author = commit.author ?? { name: "Driftless", email: "driftless@localhost" };
  const parts: (string | Uint8Array)[] = [];
  const data = (content: string | Uint8Array): void => {
    const bytes = typeof content === "string" ? Buffer.from(content, "utf8") : content;
    parts.push(`data ${bytes.length}\n`, bytes, "\n");
  };
  if (parent === undefined) parts.push(`reset ${ref}\n`);
  parts.push(`commit ${ref}\n`, `committer ${author.name} <${author.email}> ${Math.floor(commit.time / 1000)} +0000\n`);
  data(commit.message);
  if (parent !== undefined) parts.push(`from ${parent}\n`);
  if (commit.whole === true) parts.push("deleteall\n");
  const files =
    commit.files instanceof Map
      ? commit.files.entries()
      : Object.entries(commit.files as Record<string, FileContent | null>);
  for (const [path, content] of files) {
    if (content === null) {
      parts.push(`D ${quotePath(path)}\n`);
      continue;
    }
    if (typeof content === "object" && "submodule" in content) {
      parts.push(`M 160000 ${content.submodule} ${quotePath(path)}\n`);
      continue;
    }
    const link = typeof content === "object" && "symlink" in content ? content.symlink : undefined;
    parts.push(`M ${link === undefined ? "100644" : "120000"} inline ${quotePath(path)}\n`);
    data(link ?? (content as string | Uint8Array));
  }
  parts.push("\n", "done\n");
  const input = Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part, "utf8") : part)));
  await must(
    op,
    program,
    [
      "--git-dir",
      dir,
      "-c",
      "fastimport.unpackLimit=500",
      "fast-import",
      "--quiet",
      "--force",
      "--done",
      "--date-format=raw",
    ],
    input,
  );
  const tip = await branchTip(op, program, dir, branch);
  if (tip === undefined) throw new DriftlessError("INTERNAL", `the commit on ${branch} was not written`);
  return tip;
}

/** Makes a tag: annotated where a message is given. */
export async function writeTag(
  op: Operation,
  program: GitProgram,
  dir: string,
  tag: { name: string; target: string; message?: string },
): Promise<void> {
  const annotated = tag.message === undefined ? [] : ["-a", "-m", tag.message];
  await must(op, program, [
    "--git-dir",
    dir,
    "-c",
    "user.name=Driftless",
    "-c",
    "user.email=driftless@localhost",
    "tag",
    "-f",
    ...annotated,
    tag.name,
    tag.target,
  ]);
}

export async function deleteRef(op: Operation, program: GitProgram, dir: string, ref: string): Promise<void> {
  await must(op, program, ["--git-dir", dir, "update-ref", "-d", ref]);
}
