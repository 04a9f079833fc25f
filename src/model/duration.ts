// Durations as Go writes them ("1h30m", "500ms"), because that is how Argo CD's settings and specs hold them.
// Pure text work; no clock.

const unitMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/**
 * Milliseconds of a Go duration such as `2m30s`, `-1.5h`, `0`; undefined where it is not one. Source: Go's
 * `time.ParseDuration`. A number without a unit is refused, except zero.
 */
export function parseDuration(text: string): number | undefined {
  const match = /^([+-]?)(.*)$/s.exec(text.trim());
  const body = match?.[2] ?? "";
  if (body === "0") return 0;
  if (body === "") return undefined;
  const part = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gy;
  let total = 0;
  let end = 0;
  for (let found = part.exec(body); found !== null; found = part.exec(body)) {
    total += Number(found[1]) * (unitMs[found[2] ?? ""] ?? 0);
    end = part.lastIndex;
  }
  if (end !== body.length) return undefined;
  return match?.[1] === "-" ? -total : total;
}

/**
 * As `parseDuration`, but a bare number counts as seconds: the form that retry backoffs and some settings allow.
 * Returns milliseconds, or undefined where the text is neither.
 */
export function parseSecondsOrDuration(text: string): number | undefined {
  const trimmed = text.trim();
  return /^\d+$/.test(trimmed) ? Number(trimmed) * 1000 : parseDuration(trimmed);
}

/** Milliseconds as Go writes a duration: `1h30m0s`, `1.5s`, `250ms`, `0s`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0s";
  const sign = ms < 0 ? "-" : "";
  const size = Math.abs(ms);
  if (size < 1e-3) return `${sign}${trimNumber(size * 1e6)}ns`;
  if (size < 1) return `${sign}${trimNumber(size * 1e3)}µs`;
  if (size < 1000) return `${sign}${trimNumber(size)}ms`;
  const hours = Math.floor(size / 3_600_000);
  const minutes = Math.floor((size % 3_600_000) / 60_000);
  const seconds = trimNumber((size % 60_000) / 1000);
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}s` : `${sign}${seconds}s`;
}

function trimNumber(value: number): string {
  return String(Number(value.toFixed(9)));
}
