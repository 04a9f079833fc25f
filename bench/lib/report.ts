// What a bench prints: results, targets, one line of JSON last; exit code 1 when a target is missed.

export interface Target {
  readonly metric: string;
  readonly value: number;
  readonly limit: number;
  /** `at-most` unless told. */
  readonly bound?: "at-most" | "at-least";
}

export interface Report {
  readonly bench: string;
  readonly results: Readonly<Record<string, unknown>>;
  readonly targets: readonly Target[];
}

export interface BenchContext {
  readonly json: boolean;
  /** Progress, to standard error. */
  say(text: string): void;
}

export type Bench = (context: BenchContext) => Promise<Report>;

/** Prints the report; returns the exit code. */
export function printReport(report: Report, json: boolean): number {
  const targets = report.targets.map(({ metric, value, limit, bound = "at-most" }) => ({
    metric,
    value: round(value),
    limit,
    ok: bound === "at-most" ? value <= limit : value >= limit,
  }));
  if (!json) {
    console.log(JSON.stringify(report.results, undefined, 2));
    for (const { metric, value, limit, ok } of targets)
      console.log(`${ok ? "ok  " : "MISS"} ${metric}: ${value} (limit ${limit})`);
  }
  console.log(JSON.stringify({ bench: report.bench, results: report.results, targets }));
  return targets.every(({ ok }) => ok) ? 0 : 1;
}

export function round(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}

/** The p-th percentile (0–100) of the values; NaN of none. */
export function percentile(values: readonly number[], p: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((p / 100) * sorted.length))]!;
}
