// Small ways of writing things short. Pure.

/** A commit's SHA as people write it; other revisions unchanged. */
export function shortRevision(revision: string): string {
  return /^[0-9a-f]{40}([0-9a-f]{24})?$/.test(revision) ? revision.slice(0, 7) : revision;
}

/** A repository's address without what all share: `https://github.com/a/b.git` → `github.com/a/b`. */
export function shortRepository(url: string): string {
  return url
    .replace(/^[a-z+]+:\/\//, "")
    .replace(/^[^@/]*@/, "")
    .replace(/\.git$/, "");
}

/** `Ann Lee <ann@example.com>` → `Ann Lee`. */
export function authorName(author: string): string {
  return author.replace(/\s*<[^>]*>\s*$/, "") || author;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

export function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}

/** A name in two: the beginning, which may be cut where room is short, and the end, which tells pods apart. */
export function splitName(name: string): readonly [head: string, tail: string] {
  const tail = name.length > 16 ? 6 : 0;
  return [name.slice(0, name.length - tail), name.slice(name.length - tail)];
}

/** `134217728` as `128 MiB`. */
export function bytesText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const step = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${Number((bytes / 1024 ** step).toFixed(1))} ${units[step]}`;
}
