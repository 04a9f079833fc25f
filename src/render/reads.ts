// What a render read, and whether a commit touched any of it. Pure.
import type { ReadSet } from "./types.ts";

/** Whether any of the changed paths (from the repository's root) can change what was rendered. */
export function readsTouched(reads: ReadSet, changedPaths: readonly string[]): boolean {
  if (changedPaths.length === 0) return false;
  const files = new Set<string>();
  for (const { path } of reads.files) files.add(path);
  for (const path of reads.absent) files.add(path);
  const everything = reads.directories.filter(({ recursive }) => recursive).map(({ path }) => path);
  const listed = reads.directories.filter(({ recursive }) => !recursive).map(({ path }) => path);
  return changedPaths.some(
    (changed) =>
      files.has(changed) ||
      everything.some((path) => below(changed, path)) ||
      // A listing names files and folders: a change deeper down does not alter it, but a folder coming or going does,
      // which only the listing's own id tells. A file right in it always counts.
      listed.some((path) => below(changed, path) && !changed.slice(path === "" ? 0 : path.length + 1).includes("/")) ||
      // Something on the way to a file that was read became a file or a link itself.
      reads.files.some(({ path }) => path.startsWith(`${changed}/`)) ||
      reads.absent.some((path) => path.startsWith(`${changed}/`) || changed.startsWith(`${path}/`)) ||
      reads.directories.some(({ path }) => path === changed || path.startsWith(`${changed}/`)),
  );
}

function below(path: string, directory: string): boolean {
  return directory === "" || path.startsWith(`${directory}/`);
}

export class ReadRecorder {
  private readonly directories = new Map<string, { path: string; oid: string; recursive: boolean }>();
  private readonly files = new Map<string, string>();
  private readonly missing = new Set<string>();

  directory(path: string, oid: string, recursive: boolean): void {
    this.directories.set(path, { path, oid, recursive: recursive || this.directories.get(path)?.recursive === true });
  }

  file(path: string, oid: string): void {
    this.files.set(path, oid);
  }

  absent(path: string): void {
    this.missing.add(path);
  }

  /** Takes over what another recorder found. */
  add(reads: ReadSet): void {
    for (const { path, oid, recursive } of reads.directories) this.directory(path, oid, recursive);
    for (const { path, oid } of reads.files) this.file(path, oid);
    for (const path of reads.absent) this.absent(path);
  }

  result(): ReadSet {
    return {
      directories: [...this.directories.values()],
      files: [...this.files].map(([path, oid]) => ({ path, oid })),
      absent: [...this.missing],
    };
  }
}
