// Tells what a render read of its own repository from what it read of others that stand beside it. Pure.
import { mountName, splitMounted, type Mount } from "#git/mounts.ts";
import type { ReadSet } from "#render/types.ts";

/** What was read of a mount that may move: another repository at a branch, tag or range, a chart of a range. */
export interface ReadBeside {
  readonly mount: Extract<Mount, { kind: "git" | "chart" }>;
  readonly reads: ReadSet;
}

interface Parts {
  readonly directories: ReadSet["directories"][number][];
  readonly files: ReadSet["files"][number][];
  readonly absent: string[];
}

const nothing = (): Parts => ({ directories: [], files: [], absent: [] });

/** Splits what was read into what stands in the repository itself, and the rest by mount. */
export function splitReads(reads: ReadSet): { readonly own: ReadSet; readonly beside: readonly ReadBeside[] } {
  const all =
    [...reads.directories, ...reads.files].some(({ path }) => splitMounted(path)) || reads.absent.some(splitMounted);
  if (!all) return { own: reads, beside: [] };
  const own = nothing();
  const mounts = new Map<string, { mount: ReadBeside["mount"]; reads: Parts }>();
  const place = (path: string): { parts: Parts; path: string } | undefined => {
    const mounted = splitMounted(path);
    if (!mounted) return { parts: own, path };
    const { mount } = mounted;
    if (mount.kind === "file") return undefined;
    const name = mountName(mount);
    let found = mounts.get(name);
    if (!found) mounts.set(name, (found = { mount, reads: nothing() }));
    return { parts: found.reads, path: mounted.path };
  };
  for (const read of reads.directories) {
    const at = place(read.path);
    at?.parts.directories.push({ ...read, path: at.path });
  }
  for (const read of reads.files) {
    const at = place(read.path);
    at?.parts.files.push({ ...read, path: at.path });
  }
  for (const path of reads.absent) {
    const at = place(path);
    at?.parts.absent.push(at.path);
  }
  return { own, beside: [...mounts.values()] };
}

/** Whether a mount may be another thing tomorrow. */
export function isMoving({ mount }: ReadBeside): boolean {
  return mount.kind === "chart" || !/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i.test(mount.revision);
}
