// The difference of two manifests as hunks to show: changed lines with a little around them, pairs of changed lines with
// the changed words marked. Pure.
import { diffWordsWithSpace, structuredPatch } from "diff";
import { isObject, type Json } from "#base/json.ts";
import { yamlOf } from "./yaml.ts";

export interface Piece {
  readonly text: string;
  readonly changed: boolean;
}

export interface DiffLine {
  readonly kind: "same" | "removed" | "added";
  readonly text: string;
  /** Line numbers, 1-based; of the side that has the line. */
  readonly before: number | undefined;
  readonly after: number | undefined;
  /** Where the line changed from one of the other side: what of it did. */
  readonly pieces?: readonly Piece[];
}

export interface Hunk {
  /** Lines left out above, since the last hunk. */
  readonly skipped: number;
  readonly lines: readonly DiffLine[];
}

const around = 3;
const longestForWords = 400;
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

const writtenByServer = ["uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"];

/** A manifest without what the API server writes and nobody compares. */
export function comparable(object: unknown): unknown {
  if (!isObject(object)) return object;
  const { status: _status, ...rest } = object;
  const metadata: Record<string, Json | undefined> = isObject(rest["metadata"]) ? { ...rest["metadata"] } : {};
  for (const field of writtenByServer) delete metadata[field];
  const { annotations, ...others } = metadata;
  const kept = isObject(annotations)
    ? Object.fromEntries(Object.entries(annotations).filter(([name]) => name !== lastApplied))
    : {};
  return { ...rest, metadata: { ...others, ...(Object.keys(kept).length > 0 ? { annotations: kept } : {}) } };
}

/** Takes live and desired as objects (null where there is none); returns the hunks, none where they are equal. */
export function diffObjects(live: unknown, desired: unknown): readonly Hunk[] {
  const text = (object: unknown): string => (isObject(object) ? yamlOf(comparable(object)) : "");
  return diffTexts(text(live), text(desired));
}

export function diffTexts(before: string, after: string): readonly Hunk[] {
  if (before === after) return [];
  const patch = structuredPatch("live", "desired", before, after, "", "", { context: around });
  let last = 1;
  return patch.hunks.map((hunk) => {
    const from = Math.max(1, hunk.oldStart);
    const skipped = Math.max(0, from - last);
    last = from + hunk.oldLines;
    return { skipped, lines: markWords(numbered(hunk)) };
  });
}

function numbered(hunk: { oldStart: number; newStart: number; lines: readonly string[] }): DiffLine[] {
  let before = hunk.oldStart;
  let after = hunk.newStart;
  const lines: DiffLine[] = [];
  for (const line of hunk.lines) {
    const text = line.slice(1);
    if (line.startsWith("-")) lines.push({ kind: "removed", text, before: before++, after: undefined });
    else if (line.startsWith("+")) lines.push({ kind: "added", text, before: undefined, after: after++ });
    else if (line.startsWith(" ")) lines.push({ kind: "same", text, before: before++, after: after++ });
  }
  return lines;
}

/** Pairs each run of removed lines with the added ones after it, and marks what changed within a pair. */
function markWords(lines: readonly DiffLine[]): readonly DiffLine[] {
  const marked = [...lines];
  for (let i = 0; i < marked.length;) {
    const removed = runLength(marked, i, "removed");
    const added = runLength(marked, i + removed, "added");
    if (removed > 0 && removed === added) {
      for (let k = 0; k < removed; k++) {
        const old = marked[i + k]!;
        const fresh = marked[i + removed + k]!;
        if (old.text.length + fresh.text.length > longestForWords) continue;
        const parts = diffWordsWithSpace(old.text, fresh.text);
        const side = (leaveOut: "added" | "removed"): Piece[] =>
          parts
            .filter((part) => !part[leaveOut])
            .map((part) => ({ text: part.value, changed: part.added || part.removed }));
        marked[i + k] = { ...old, pieces: side("added") };
        marked[i + removed + k] = { ...fresh, pieces: side("removed") };
      }
    }
    i += Math.max(1, removed + added);
  }
  return marked;
}

function runLength(lines: readonly DiffLine[], from: number, kind: DiffLine["kind"]): number {
  let end = from;
  while (lines[end]?.kind === kind) end++;
  return end - from;
}

export interface SideRow {
  readonly left: DiffLine | undefined;
  readonly right: DiffLine | undefined;
}

/** A hunk's lines side by side: what was removed on the left of what was added. */
export function sideBySide(hunk: Hunk): readonly SideRow[] {
  const rows: SideRow[] = [];
  for (let i = 0; i < hunk.lines.length;) {
    const line = hunk.lines[i]!;
    if (line.kind === "same") {
      rows.push({ left: line, right: line });
      i++;
      continue;
    }
    const removed = runLength(hunk.lines, i, "removed");
    const added = runLength(hunk.lines, i + removed, "added");
    for (let k = 0; k < Math.max(removed, added); k++) {
      rows.push({
        left: k < removed ? hunk.lines[i + k] : undefined,
        right: k < added ? hunk.lines[i + removed + k] : undefined,
      });
    }
    i += removed + added;
  }
  return rows;
}

export function changedLines(hunks: readonly Hunk[]): { readonly added: number; readonly removed: number } {
  const count = (kind: DiffLine["kind"]): number =>
    hunks.reduce((sum, hunk) => sum + hunk.lines.filter((line) => line.kind === kind).length, 0);
  return { added: count("added"), removed: count("removed") };
}
