// The tree that a change would make of its base: the branch's changes since the two parted, laid over the base as it is
// now, files that both sides changed merged line by line. Reads repositories; writes nothing.
import { mergeDiff3 } from "node-diff3";
import type { Operation as Op } from "#base/operation.ts";
import { overlayRepository, type OverlayFile } from "#git/overlay.ts";
import type { GitRepository, TreeItem } from "#git/types.ts";

/** A commit, or files that read like one. */
export interface Tree {
  readonly repository: GitRepository;
  readonly sha: string;
}

export interface ChangedTree extends Tree {
  /** Files that differ from the base. */
  readonly changed: readonly string[];
  /** Files that could not be merged: they stand as the head has them. */
  readonly conflicts: readonly string[];
}

/** What is larger is not merged line by line. */
const maxMergeBytes = 2 << 20;
const readsAtOnce = 8;

/**
 * Takes where two lines parted (undefined: they share nothing), the base as it is now, the head, and the paths that the
 * head changed since; returns the tree that merging the head into the base would make.
 */
export async function changedTree(
  op: Op,
  trees: { readonly parted: Tree | undefined; readonly base: Tree; readonly head: Tree },
  paths: readonly string[],
): Promise<ChangedTree> {
  const { parted, base, head } = trees;
  if (!parted || parted.sha === base.sha) return { ...head, changed: paths, conflicts: [] };
  const files = new Map<string, OverlayFile | null>();
  const conflicts: string[] = [];
  const left = [...paths];
  const next = async (): Promise<void> => {
    for (let path = left.pop(); path !== undefined; path = left.pop()) {
      const [old, ours, theirs] = await Promise.all(
        [parted, base, head].map(({ repository, sha }) => repository.entry(op, sha, path ?? "")),
      );
      if (same(ours, theirs)) continue;
      if (same(old, ours)) {
        files.set(path, theirs ? await fileOf(op, head.repository, theirs) : null);
        continue;
      }
      const merged = await mergedText(op, [
        [parted.repository, old],
        [base.repository, ours],
        [head.repository, theirs],
      ]);
      if (merged === undefined) conflicts.push(path);
      const executable = theirs?.mode === "100755";
      if (merged !== undefined) files.set(path, { bytes: Buffer.from(merged), executable });
      else files.set(path, theirs ? await fileOf(op, head.repository, theirs) : null);
    }
  };
  await Promise.all(Array.from({ length: readsAtOnce }, next));
  const url = base.repository.url;
  const laid = await overlayRepository(op, files, { kind: "merge", url, base });
  return { ...laid, changed: [...files.keys()].sort(), conflicts: conflicts.sort() };
}

const same = (a: TreeItem | undefined, b: TreeItem | undefined): boolean => a?.oid === b?.oid && a?.mode === b?.mode;

/** What the repository below has is named by its id; what only the files have is taken whole. */
async function fileOf(op: Op, repository: GitRepository, item: TreeItem): Promise<OverlayFile> {
  if (/^[0-9a-f]+$/.test(item.oid)) return { blob: item };
  const bytes = await repository.blob(op, item.oid);
  if (item.type === "symlink") return { symlink: Buffer.from(bytes).toString("utf8") };
  return { bytes, executable: item.mode === "100755" };
}

/** Three versions of a text as one; undefined where they cannot be merged, or are no texts. */
async function mergedText(
  op: Op,
  versions: readonly (readonly [GitRepository, TreeItem | undefined])[],
): Promise<string | undefined> {
  const texts: string[] = [];
  for (const [repository, item] of versions) {
    if (item?.type !== "blob") return undefined;
    const bytes = await repository.blob(op, item.oid);
    if (bytes.length > maxMergeBytes || bytes.includes(0)) return undefined;
    texts.push(Buffer.from(bytes).toString("utf8"));
  }
  const [old = "", ours = "", theirs = ""] = texts;
  const { conflict, result } = mergeDiff3(ours.split("\n"), old.split("\n"), theirs.split("\n"));
  return conflict ? undefined : result.join("\n");
}
