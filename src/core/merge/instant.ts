// RFC 3339 times as numbers, for ordering. Pure.

/** Whole seconds since the Unix epoch; 0 where the text is absent or no time. */
export function parseInstant(time: string | undefined): number {
  if (time === undefined) return 0;
  const ms = Date.parse(time);
  return Number.isNaN(ms) ? 0 : Math.floor(ms / 1000);
}
