// The program git: whether it is there, and what it may see of the environment.
import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";
import { DriftlessError } from "#base/errors.ts";

const oldestGit: readonly [number, number] = [2, 34];

/** Error: GIT_MISSING, also for one that is too old. */
export function checkGit(): void {
  const found = spawnSync("git", ["--version"], { encoding: "utf8" });
  if (found.error || found.status !== 0) throw new DriftlessError("GIT_MISSING", "there is no program git on the PATH");
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(found.stdout) ?? []).slice(1).map(Number);
  if (major < oldestGit[0] || (major === oldestGit[0] && minor < oldestGit[1])) {
    throw new DriftlessError("GIT_MISSING", `git ${major}.${minor} is too old`);
  }
}

/** What git may inherit: where programs are, proxies and certificates. */
export function gitEnvironment(): Record<string, string> {
  const names = [
    "PATH",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "TMPDIR",
  ];
  const path = (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((part) => !part.endsWith(join("node_modules", ".bin")))
    .join(delimiter);
  return {
    ...Object.fromEntries(
      names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
    ),
    PATH: path,
  };
}
