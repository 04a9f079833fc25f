// One process of the control plane: started with its log in a file, watched, stopped in good order, never orphaned.
// Knows nothing of Kubernetes.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";

export interface ComponentSpec {
  readonly name: string;
  readonly binary: string;
  readonly args: readonly string[];
  readonly logFile: string;
  /** Whether it goes on when the process that started it has ended. Otherwise it ends with it, whatever ended that. */
  readonly detached: boolean;
}

export interface Component {
  readonly spec: ComponentSpec;
  readonly pid: number;
  /** The process has ended, wanted or not. */
  readonly ended: boolean;
  /** SIGTERM, SIGKILL after `graceMs`, or SIGKILL at once for 0. Returns when it has ended. */
  stop(graceMs: number): Promise<void>;
}

/** Starts a process. Its standard input is a pipe from this process, whose end it takes as the order to stop. */
export function startComponent(spec: ComponentSpec): Component {
  const log = openSync(spec.logFile, "a", 0o600);
  // A session of its own: a Ctrl-C at the terminal reaches this process alone, which then stops the parts in order.
  const child = spawn(spec.binary, [spec.name, ...spec.args], {
    stdio: [spec.detached ? "ignore" : "pipe", log, log],
    detached: true,
    env: { PATH: "/usr/bin:/bin", HOME: "/", ...(spec.detached ? {} : { END_WITH_INPUT: "1" }) },
  });
  closeSync(log);
  let ended = false;
  const end = new Promise<void>((resolve) => {
    const settle = () => {
      ended = true;
      resolve();
    };
    child.once("exit", settle);
    child.once("error", settle);
  });
  // Neither the process nor the pipe to it keeps this one alive.
  child.unref();
  unrefInput(child);
  return {
    spec,
    pid: child.pid ?? 0,
    get ended() {
      return ended;
    },
    stop: async (graceMs) => {
      if (ended) return;
      child.ref();
      child.kill(graceMs > 0 ? "SIGTERM" : "SIGKILL");
      const timer = setTimeout(() => child.kill("SIGKILL"), graceMs);
      await end;
      clearTimeout(timer);
    },
  };
}

function unrefInput(child: ChildProcess): void {
  const input = child.stdin as (NodeJS.WritableStream & { unref?: () => void }) | null;
  input?.on("error", () => {});
  input?.unref?.();
}

/** The last lines of a log file, for a message about what died. */
export function tailOf(file: string, lines = 8): string {
  try {
    return readFileSync(file, "utf8").trimEnd().split("\n").slice(-lines).join("\n");
  } catch {
    return "(no log)";
  }
}

/** Whether a process of that id runs and was started from that binary: ids are given out again. */
export function isOurs(pid: number, name: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, 2).includes(name);
  } catch {
    // No /proc here (macOS): whether it runs at all is the best answer there is.
    return process.platform !== "linux" && runs(pid);
  }
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
