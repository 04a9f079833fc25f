// Moments as argocd prints them: seconds since the epoch in the local zone, and how long ago that is. Pure but for the
// zone of the machine.

const pad = (value: number): string => String(Math.abs(value)).padStart(2, "0");

/** `2026-01-02T15:04:05+01:00`, or with `Z` in UTC. */
export function localTime(epochSeconds: number, offsetMinutes?: number): string {
  const offset = offsetMinutes ?? -new Date(epochSeconds * 1000).getTimezoneOffset();
  const local = new Date((epochSeconds + offset * 60) * 1000).toISOString().slice(0, 19);
  if (offset === 0) return `${local}Z`;
  return `${local}${offset < 0 ? "-" : "+"}${pad(Math.trunc(offset / 60))}:${pad(offset % 60)}`;
}

export const timeOrNever = (epochSeconds: number): string => (epochSeconds > 0 ? localTime(epochSeconds) : "Never");

const [minute, hour, day] = [60, 3600, 86_400] as const;
const units: readonly (readonly [from: number, seconds: number, name: string])[] = [
  [360 * day, 365 * day, "year"],
  [30 * day, 30 * day, "month"],
  [7 * day, 7 * day, "week"],
  [day, day, "day"],
  [hour, hour, "hour"],
  [minute, minute, "minute"],
  [1, 1, "second"],
];

/** `2026-01-02T15:04:05Z (3 hours ago)`. */
export function humanTime(epochSeconds: number, nowMs: number): string {
  return `${localTime(epochSeconds)} (${ago(epochSeconds, Math.floor(nowMs / 1000))})`;
}

function ago(then: number, now: number): string {
  const size = Math.abs(now - then);
  const [, seconds = 1, name] = units.find(([from]) => size >= from) ?? [];
  if (name === undefined) return "now";
  const count = Math.max(1, Math.floor(size / seconds));
  return `${count} ${name}${count === 1 ? "" : "s"} ${then <= now ? "ago" : "from now"}`;
}
