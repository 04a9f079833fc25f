// What kubectl users read in a cell: ages, lists cut short, placeholders for nothing.
import type { TableColumn } from "../../contract.ts";

export const nameColumn: TableColumn = {
  name: "Name",
  type: "string",
  format: "name",
  description: "The name, unique among the kind's objects in a namespace.",
  priority: 0,
};
export const ageColumn: TableColumn = {
  name: "Age",
  type: "string",
  description: "How long ago the object was created.",
  priority: 0,
};

/** How long ago, in kubectl's words: `45s`, `3m20s`, `5h`, `2d4h`, `1y30d`; `<unknown>` without a time. */
export function age(time: unknown, nowMs: number): string {
  const since = typeof time === "string" ? Date.parse(time) : Number.NaN;
  return Number.isNaN(since) ? "<unknown>" : duration(nowMs - since);
}

/** Milliseconds as kubectl writes durations: two units at most, the finer the shorter. */
export function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return two(minutes, "m", seconds % 60, "s");
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return two(hours, "h", minutes % 60, "m");
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (hours < 24 * 8) return two(days, "d", hours % 24, "h");
  if (hours < 24 * 365 * 2) return `${days}d`;
  if (hours < 24 * 365 * 8) return two(Math.floor(days / 365), "y", days % 365, "d");
  return `${Math.floor(days / 365)}y`;
}

function two(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;
}
