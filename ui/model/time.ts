// Times as people say them. Pure: the present is passed in.

const steps: readonly (readonly [limitMs: number, unitMs: number, unit: string])[] = [
  [60_000, 1000, "s"],
  [3_600_000, 60_000, "min"],
  [86_400_000, 3_600_000, "h"],
  [30 * 86_400_000, 86_400_000, "d"],
  [365 * 86_400_000, 30 * 86_400_000, "mo"],
  [Infinity, 365 * 86_400_000, "y"],
];

/** A length of time in one unit: `42 s`, `3 min`, `5 h`, `12 d`. */
export function duration(ms: number): string {
  const length = Math.max(0, ms);
  const [, unitMs, unit] = steps.find(([limit]) => length < limit)!;
  return `${Math.floor(length / unitMs)} ${unit}`;
}

/** How long ago, as text: `just now`, `42 s ago`, `3 min ago`. A time ahead (clocks differ) is just now. */
export function ago(atMs: number, nowMs: number): string {
  const length = nowMs - atMs;
  return length < 5000 ? "just now" : `${duration(length)} ago`;
}
