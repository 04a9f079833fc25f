// The command line as a script uses it: on its own, or logged in to a running `driftless up` by a token. Knows the program
// only by its arguments, output and exit code.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { repositoryRoot, type Up } from "./up.ts";

/** The command line, as it is started. */
export const program = join(repositoryRoot, "bin", "driftless");

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  /** `HOME` of the program. */
  readonly home: string;
  readonly cwd?: string;
  /** Beside the `PATH` of the tests. */
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads; nothing otherwise. */
  readonly input?: string;
  /** How long it may take; as long as it wants otherwise. */
  readonly timeoutMs?: number;
  /** Is interrupted, as by ctrl+c, as soon as it has written this. */
  readonly interruptAfter?: string;
}

/** Runs a program to its end. */
export function runToEnd(file: string, args: readonly string[], running: Running): Promise<Ended> {
  const { home, cwd, env, input = "", timeoutMs, interruptAfter } = running;
  const { PATH = "" } = process.env;
  const child = spawn(file, [...args], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { PATH, HOME: home, TZ: "UTC", XDG_STATE_HOME: join(home, "nothing"), ...env },
    stdio: ["pipe", "pipe", "pipe"],
    ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
  });
  // A program that reads nothing may be gone before it is written to.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
    if (interruptAfter !== undefined && out.includes(interruptAfter)) child.kill("SIGINT");
  });
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, out, err }));
  });
}

/** Runs `driftless` with these arguments in a folder; returns when it has ended. */
export async function driftless(
  up: Up,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Ended> {
  const server = ["--server", up.url, "--auth-token", await up.api.token()];
  return runToEnd(program, [...args, ...server], { home: up.dataDir, cwd: up.dataDir, ...options });
}
