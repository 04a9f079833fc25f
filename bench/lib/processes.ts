// CPU time and memory of a process and of all that it started, from Linux' /proc.
import { existsSync, readdirSync, readFileSync } from "node:fs";

const ticksPerSecond = 100;

interface Stat {
  readonly parent: number;
  /** Its own time and that of its ended children, in seconds. */
  readonly cpuS: number;
}

function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text
      .slice(text.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number);
    const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15);
    return { parent: fields[1] ?? 0, cpuS: (user + system + endedUser + endedSystem) / ticksPerSecond };
  } catch {
    return undefined;
  }
}

/** CPU-seconds that a process and its descendants have spent so far. */
export function cpuSeconds(pid: number): number {
  const stats = new Map<number, Stat>();
  for (const name of readdirSync("/proc")) {
    const id = Number(name);
    const stat = Number.isInteger(id) && id > 0 ? statOf(id) : undefined;
    if (stat) stats.set(id, stat);
  }
  const below = (id: number): boolean => {
    for (let at: number | undefined = id; at !== undefined && at > 1; at = stats.get(at)?.parent)
      if (at === pid) return true;
    return false;
  };
  let sum = 0;
  for (const [id, stat] of stats) if (below(id)) sum += stat.cpuS;
  return sum;
}

/** Resident memory of one process, in MB. */
export function residentMB(pid: number): number {
  const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(match?.[1] ?? 0) / 1024;
}

/** Has a process that loaded memory-probe.ts collect its garbage; returns what is in use then, in kB. */
export async function usedKB(pid: number, probeFile: string): Promise<number> {
  const lines = (): readonly string[] => (existsSync(probeFile) ? readFileSync(probeFile, "utf8").split("\n") : [""]);
  const before = lines().length;
  process.kill(pid, "SIGUSR2");
  const deadline = performance.now() + 30_000;
  while (lines().length === before) {
    if (performance.now() > deadline) throw new Error(`process ${pid} does not tell its memory`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return Number(lines().at(-2)) / 1024;
}
