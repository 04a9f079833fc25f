// Sets as values. Pure.

/** The same set with `key` added, or without it where it was there. */
export function flipped(set: ReadonlySet<string>, key: string): ReadonlySet<string> {
  const next = new Set(set);
  if (!next.delete(key)) next.add(key);
  return next;
}
