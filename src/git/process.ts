// Runs git as a child process: safe environment, deadline, abort of the whole process group, bounded output. Knows
// nothing of repositories.
import { spawn, type ChildProcess } from "node:child_process";
import type { Operation } from "#base/operation.ts";
import { DriftlessError } from "#base/errors.ts";

export interface GitProgram {
  /** The executable; found over PATH of `env` where it is a bare name. */
  readonly path: string;
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
}

export interface GitRun {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: Uint8Array | string;
  readonly timeoutMs: number;
  readonly maxBytes?: number;
}

export interface GitOutput {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Settings that hold for every git process: no user or system configuration, no prompts, a fixed language. */
export function baseEnvironment(inherited: Readonly<Record<string, string>>, home: string): Record<string, string> {
  return {
    PATH: "/usr/local/bin:/usr/bin:/bin",
    ...inherited,
    HOME: home,
    XDG_CONFIG_HOME: home,
    LC_ALL: "C",
    LANGUAGE: "C",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_SYSTEM: "/dev/null",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "true",
    SSH_ASKPASS: "true",
    GIT_ALLOW_PROTOCOL: "http:https:ssh:git:file",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_ATTR_NOSYSTEM: "1",
  };
}

export function gitMissing(cause?: unknown): DriftlessError {
  return new DriftlessError("GIT_MISSING", "the program git was not found", { cause });
}

/** Ends a child and everything it started. */
export function killGroup(child: ChildProcess, signal: NodeJS.Signals = "SIGKILL"): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    child.kill(signal);
  }
}

/**
 * Runs git to its end and returns exit code and output; a code other than 0 is not an error here. Errors: GIT_MISSING,
 * CANCELLED (op.signal), DEADLINE_EXCEEDED, TOO_LARGE.
 */
export function runGit(op: Operation, program: GitProgram, run: GitRun): Promise<GitOutput> {
  if (op.signal.aborted)
    return Promise.reject(new DriftlessError("CANCELLED", "git was not started: the caller gave up"));
  return new Promise((resolve, reject) => {
    const child = spawn(program.path, run.args, {
      env: { ...program.env, ...run.env },
      ...(run.cwd === undefined ? {} : { cwd: run.cwd }),
      stdio: [run.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      detached: true,
    });
    const out: Buffer[] = [];
    const errors: Buffer[] = [];
    let size = 0;
    let errorSize = 0;
    let failure: DriftlessError | undefined;
    const stop = (error: DriftlessError): void => {
      failure ??= error;
      killGroup(child);
    };
    const onAbort = (): void =>
      stop(new DriftlessError("CANCELLED", `git ${run.args[0] ?? ""} was ended: the caller gave up`));
    const timer = setTimeout(
      () =>
        stop(
          new DriftlessError(
            "DEADLINE_EXCEEDED",
            `git ${run.args[0] ?? ""} did not end within ${run.timeoutMs / 1000} s`,
          ),
        ),
      run.timeoutMs,
    );
    op.signal.addEventListener("abort", onAbort, { once: true });
    child.stdout?.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (run.maxBytes !== undefined && size > run.maxBytes)
        stop(new DriftlessError("TOO_LARGE", "git's output is larger than its limit"));
      else out.push(chunk);
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      if (errorSize < 1 << 20) errors.push(chunk);
      errorSize += chunk.length;
    });
    child.on("error", (error: NodeJS.ErrnoException) => {
      failure ??=
        error.code === "ENOENT"
          ? gitMissing(error)
          : new DriftlessError("INTERNAL", `git could not be started: ${error.message}`, { cause: error });
      if (child.pid === undefined) finish(-1);
    });
    const finish = (code: number): void => {
      clearTimeout(timer);
      op.signal.removeEventListener("abort", onAbort);
      if (failure) reject(failure);
      else resolve({ code, stdout: Buffer.concat(out), stderr: Buffer.concat(errors).toString("utf8") });
    };
    child.on("close", (code) => finish(code ?? -1));
    if (run.input !== undefined && child.stdin) {
      child.stdin.on("error", () => {}); // EPIPE: the exit code tells more
      child.stdin.end(run.input);
    }
  });
}
