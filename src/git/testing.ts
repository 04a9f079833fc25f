// For tests: a place with a Git server and quick commits. Not used by the product.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger, type Operation } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import { baseEnvironment, type GitProgram } from "./process.ts";
import { createGitRepositories } from "./repository.ts";
import {
  branchTip,
  createBareRepository,
  deleteRef,
  writeCommit,
  writeTag,
  type FileContent,
  type SeedCommit,
} from "./seed.ts";
import { startGitServer, type GitServer, type GitServerOptions } from "./server.ts";
import type { GitRepositories } from "./types.ts";

export const testClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

export const testOperation = (): Operation => ({ signal: new AbortController().signal, log: silentLogger });

export interface GitWorld {
  readonly op: Operation;
  readonly dir: string;
  readonly program: GitProgram;
  readonly repositories: GitRepositories;
  /** Makes a bare repository; returns its folder and `file://` URL. */
  repository(name: string): Promise<{ dir: string; url: string }>;
  commit(
    dir: string,
    files: Readonly<Record<string, FileContent | null>>,
    options?: Partial<SeedCommit>,
  ): Promise<string>;
  tag(dir: string, name: string, target: string, message?: string): Promise<void>;
  remove(dir: string, ref: string): Promise<void>;
  tip(dir: string, branch?: string): Promise<string | undefined>;
  serve(options?: Partial<GitServerOptions>): Promise<GitServer>;
  /** Another set of repositories over the same mirrors, as after a restart. */
  reopen(): GitRepositories;
  close(): Promise<void>;
}

export async function createGitWorld(): Promise<GitWorld> {
  const dir = await mkdtemp(join(tmpdir(), "driftless-git-"));
  const op = testOperation();
  const env = { PATH: process.env["PATH"] ?? "" };
  const program: GitProgram = { path: "git", env: baseEnvironment(env, dir) };
  const closers: (() => Promise<void>)[] = [];
  const reopen = (): GitRepositories => {
    const repositories = createGitRepositories({ dir: join(dir, "git"), clock: testClock, env, timeoutMs: 20_000 });
    closers.push(() => repositories.close());
    return repositories;
  };
  let time = Date.UTC(2026, 0, 1);
  return {
    op,
    dir,
    program,
    repositories: reopen(),
    reopen,
    async repository(name) {
      const folder = join(dir, "served", `${name}.git`);
      await createBareRepository(op, program, folder);
      return { dir: folder, url: `file://${folder}` };
    },
    commit: (folder, files, options = {}) =>
      writeCommit(op, program, folder, { message: "change", files, time: (time += 1000), ...options }),
    tag: (folder, name, target, message) =>
      writeTag(op, program, folder, { name, target, ...(message === undefined ? {} : { message }) }),
    remove: (folder, ref) => deleteRef(op, program, folder, ref),
    tip: (folder, branch) => branchTip(op, program, folder, branch),
    async serve(options = {}) {
      const server = await startGitServer(op, { root: join(dir, "served"), program, ...options });
      closers.push(() => server.close());
      return server;
    },
    async close() {
      for (const close of closers) await close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
