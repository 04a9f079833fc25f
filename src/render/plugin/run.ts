// Runs one command of a plugin to its end: a process group of its own with exactly the environment that it is given, ended
// as a whole when it takes too long, writes too much, or nobody waits any longer.
import { spawn, type ChildProcess } from "node:child_process";
import { DriftlessError, type ErrorCode } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";

export interface CommandLimits {
  /** Default 90 seconds. */
  readonly timeoutMs?: number;
  /** Bytes of standard output; default 32 MiB. */
  readonly outputBytes?: number;
}

export interface CommandOutcome {
  readonly stdout: string;
  /** Its end, at most 64 KiB. */
  readonly stderr: string;
  readonly problem?: { readonly code: ErrorCode; readonly why: string };
}

interface Command {
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly limits: CommandLimits;
}

const maxErrorBytes = 64 << 10;

/** Runs the command; how it failed is part of the outcome. Error: CANCELLED. */
export function runCommand(op: Operation, { command, cwd, environment, limits }: Command): Promise<CommandOutcome> {
  const { timeoutMs = 90_000, outputBytes = 32 << 20 } = limits;
  const [program = "", ...args] = command;
  if (op.signal.aborted) return Promise.reject(new DriftlessError("CANCELLED", "the caller gave up"));
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env: environment, stdio: ["ignore", "pipe", "pipe"], detached: true });
    const out: Buffer[] = [];
    let size = 0;
    let errors = "";
    let problem: CommandOutcome["problem"];
    const stop = (code: ErrorCode, why: string): void => {
      problem ??= { code, why };
      endGroup(child);
    };
    const abort = (): void => stop("CANCELLED", "was ended: the caller gave up");
    op.signal.addEventListener("abort", abort, { once: true });
    const timer = setTimeout(() => stop("RENDER_TIMEOUT", `did not end within ${timeoutMs / 1000} s`), timeoutMs);
    child.stdout.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > outputBytes) stop("RENDER_TOO_LARGE", `wrote more than ${outputBytes} bytes`);
      else out.push(chunk);
    });
    child.stderr.on("data", (chunk: Buffer) => (errors = (errors + chunk.toString("utf8")).slice(-maxErrorBytes)));
    const finish = (): void => {
      clearTimeout(timer);
      op.signal.removeEventListener("abort", abort);
      if (op.signal.aborted) reject(new DriftlessError("CANCELLED", "the caller gave up"));
      else resolve({ stdout: Buffer.concat(out).toString("utf8"), stderr: errors, ...(problem ? { problem } : {}) });
    };
    child.once("error", (error) => {
      problem ??= { code: "RENDER_FAILED", why: `could not be started: ${error.message}` };
      if (child.pid === undefined) finish();
    });
    child.once("close", (code, signal) => {
      if (code !== 0) problem ??= { code: "RENDER_FAILED", why: `failed with ${signal ?? `exit code ${code}`}` };
      finish();
    });
    // What it started and left behind may hold the pipes open; what counts is that the command itself has ended.
    child.once("exit", () => endGroup(child));
  });
}

function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // The group has ended.
  }
}
