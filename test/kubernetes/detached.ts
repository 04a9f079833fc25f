// A control plane that goes on after the command that started it: where it stands and how to end it.
import { readFileSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { isOurs } from "./component.ts";
import type { DetachedRecord } from "./control-plane.ts";

type Process = DetachedRecord["processes"][number];

const graceMs = 5_000;

/** The folder of the one control plane that kube:up and kube:down speak of. */
export function detachedDirectory(env: Readonly<Record<string, string | undefined>>): string {
  return join(env.XDG_STATE_HOME || join(homedir(), ".local", "state"), "driftless", "kubernetes");
}

/** Those processes of a detached control plane that still run. */
export function runningProcesses(directory: string): readonly Process[] {
  try {
    const record = JSON.parse(readFileSync(recordFile(directory), "utf8")) as DetachedRecord;
    return record.processes.filter(({ name, pid }) => isOurs(pid, name));
  } catch {
    return [];
  }
}

/** Ends a detached control plane, etcd last; returns how many processes were still running. */
export async function stopDetached(directory: string): Promise<number> {
  const running = runningProcesses(directory);
  await Promise.all(running.filter(({ name }) => name !== "etcd").map(end));
  await Promise.all(running.filter(({ name }) => name === "etcd").map(end));
  rmSync(recordFile(directory), { force: true });
  return running.length;
}

async function end({ name, pid }: Process): Promise<void> {
  const deadline = performance.now() + graceMs;
  process.kill(pid, "SIGTERM");
  while (isOurs(pid, name)) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    if (performance.now() > deadline && isOurs(pid, name)) process.kill(pid, "SIGKILL");
  }
}

function recordFile(directory: string): string {
  return join(directory, "processes.json");
}
