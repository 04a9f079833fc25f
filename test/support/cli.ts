// The command line as a script uses it, logged in to a running `driftless up` by a token. Knows the program only by its
// arguments, output and exit code.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { repositoryRoot, type Up } from "./up.ts";

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs `driftless` with these arguments in a folder; returns when it has ended. */
export async function driftless(
  up: Up,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Ended> {
  const { PATH = "" } = process.env;
  const server = ["--server", up.url, "--auth-token", await up.api.token()];
  const child = spawn(join(repositoryRoot, "bin", "driftless"), [...args, ...server], {
    cwd: options.cwd ?? up.dataDir,
    env: { PATH, HOME: up.dataDir, TZ: "UTC", ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, out, err }));
  });
}
