// A Git repository as a person works with it: a clone in a temporary folder, commits, pushes over a real protocol with
// the real git. For tests; the server's side is a bare repository in a folder.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Path → content; null removes the file. */
export type Files = Readonly<Record<string, string | null>>;

export interface Repository {
  /** What applications name. */
  readonly url: string;
  /** The clone. */
  readonly directory: string;
  /** Changes files, commits and pushes; returns the commit. */
  push(files: Files, options?: { readonly branch?: string; readonly message?: string }): Promise<string>;
  /** Reverts the last commit and pushes. */
  revert(): Promise<string>;
  /** Tags the last commit and pushes the tag. */
  tag(name: string, message?: string): Promise<void>;
  /** Removes a branch or tag at the server. */
  removeRef(name: string): Promise<void>;
  git(...args: readonly string[]): Promise<string>;
  close(): void;
}

const identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false"];

/** Makes a bare repository with a branch main in a folder. */
export async function createBare(directory: string): Promise<void> {
  mkdirSync(dirname(directory), { recursive: true });
  await run("git", ["init", "--quiet", "--bare", "--initial-branch=main", directory]);
}

/** Takes the URL of an empty or filled repository; returns a clone to work in. */
export async function cloneRepository(url: string): Promise<Repository> {
  const directory = mkdtempSync(join(tmpdir(), "driftless-clone-"));
  const env = { ...process.env, GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null", GIT_TERMINAL_PROMPT: "0" };
  const git = async (...args: readonly string[]): Promise<string> =>
    (await run("git", [...identity, ...args], { cwd: directory, env, maxBuffer: 64 << 20 })).stdout.trim();
  await git("clone", "--quiet", url, ".");
  await git("checkout", "--quiet", "-B", "main");
  const change = async (files: Files): Promise<void> => {
    for (const [path, content] of Object.entries(files)) {
      const file = join(directory, path);
      if (content === null) rmSync(file, { recursive: true });
      else {
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, content);
      }
    }
    await git("add", "--all");
  };
  const send = async (branch: string): Promise<string> => {
    await git("push", "--quiet", "origin", `HEAD:refs/heads/${branch}`);
    return git("rev-parse", "HEAD");
  };
  return {
    url,
    directory,
    git,
    push: async (files, { branch = "main", message = "Change" } = {}) => {
      const current = await git("symbolic-ref", "--short", "HEAD");
      if (current !== branch) await git("checkout", "--quiet", "-B", branch);
      await change(files);
      await git("commit", "--quiet", "--allow-empty", "-m", message);
      return send(branch);
    },
    revert: async () => {
      await git("revert", "--no-edit", "HEAD");
      return send(await git("symbolic-ref", "--short", "HEAD"));
    },
    tag: async (name, message) => {
      await git("tag", ...(message === undefined ? [] : ["-a", "-m", message]), name);
      await git("push", "--quiet", "origin", `refs/tags/${name}`);
    },
    removeRef: async (name) => {
      await git("push", "--quiet", "origin", "--delete", name);
    },
    close: () => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }),
  };
}
