// The data directory: made private, checked to be writable, held by one process at a time. A lock left behind by a
// process that was killed is taken over.
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { DriftlessError } from "#base/errors.ts";

/** `XDG_STATE_HOME/driftless`, or the platform's place for a user's state. */
export function defaultDataDir(environment: Readonly<Record<string, string | undefined>>, platform: string): string {
  const home = environment["HOME"] ?? ".";
  if (environment["XDG_STATE_HOME"]) return join(environment["XDG_STATE_HOME"], "driftless");
  if (platform === "darwin") return join(home, "Library", "Application Support", "driftless");
  if (platform === "win32") return join(environment["LOCALAPPDATA"] ?? home, "driftless");
  return join(home, ".local", "state", "driftless");
}

/** Makes and locks the directory; returns what releases it. Errors: DATA_DIR_UNWRITABLE, DATA_DIR_LOCKED. */
export function openDataDir(dir: string): () => void {
  try {
    makeFolders(resolve(dir));
    const probe = join(dir, ".writable");
    writeFileSync(probe, "");
    rmSync(probe);
  } catch (thrown) {
    throw new DriftlessError(
      "DATA_DIR_UNWRITABLE",
      `the data directory ${dir} cannot be written (${(thrown as NodeJS.ErrnoException).code ?? "unknown reason"})`,
      { cause: thrown },
    );
  }
  const file = join(dir, "lock");
  for (let attempt = 0; ; attempt++) {
    try {
      const descriptor = openSync(file, "wx", 0o600);
      writeSync(descriptor, identity(process.pid));
      closeSync(descriptor);
      return () => rmSync(file, { force: true });
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== "EEXIST" || attempt > 3) throw thrown;
      const owner = readFileSync(file, "utf8");
      const pid = Number(owner.split(" ")[0]);
      if (pid > 0 && identity(pid) === owner) {
        throw new DriftlessError(
          "DATA_DIR_LOCKED",
          `the data directory ${dir} is in use by another Driftless (process ${pid})`,
        );
      }
      rmSync(file, { force: true });
    }
  }
}

/** Makes a folder and those above it. Node's own `recursive` never returns where the kernel refuses with ENOENT (/proc). */
function makeFolders(dir: string): void {
  if (existsSync(dir)) return;
  if (dirname(dir) !== dir) makeFolders(dirname(dir));
  mkdirSync(dir, { mode: 0o700 });
}

/** A process by number and start: numbers are used again. Where the start cannot be read, the number alone, if it lives. */
function identity(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return `${pid} ${stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]}`;
  } catch {
    try {
      process.kill(pid, 0);
      return `${pid} `;
    } catch {
      return "";
    }
  }
}
