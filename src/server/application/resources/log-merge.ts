// Lines of several logs as one, by their times. A log that is silent holds the others up only for a moment: it may go on
// hours later, or never. Knows nothing of pods.
import type { Clock } from "#base/ports.ts";

export interface LogLine {
  readonly podName: string;
  readonly content: string;
  /** As the log has it, RFC 3339 with nanoseconds; "" for what stands in no log. */
  readonly time: string;
}

/** Lines of one log that wait for the others before it is read on. */
const highWater = 1000;

interface Reader {
  readonly lines: LogLine[];
  ended: boolean;
  /** It has nothing to tell at present: nobody waits for it. */
  quiet: boolean;
  wake: (() => void) | undefined;
}

/**
 * Takes logs, each in the order of its times; yields their lines in the order of all. `patienceMs`: so long a silent log is
 * waited for; without it, for as long as it takes, which is right for logs that end. Throws what a log throws.
 */
export async function* mergedLogs(
  logs: readonly AsyncIterable<readonly LogLine[]>[],
  options: { readonly clock: Clock; readonly patienceMs?: number },
): AsyncGenerator<LogLine> {
  let ring: (() => void) | undefined;
  let failure: { readonly thrown: unknown } | undefined;
  let closed = false;
  const readers = logs.map((log): Reader => {
    const reader: Reader = { lines: [], ended: false, quiet: false, wake: undefined };
    const pump = async (): Promise<void> => {
      try {
        for await (const lines of log) {
          reader.lines.push(...lines);
          reader.quiet = false;
          ring?.();
          if (reader.lines.length >= highWater) await new Promise<void>((resolve) => (reader.wake = resolve));
          if (closed) return;
        }
      } catch (thrown) {
        failure = { thrown };
      } finally {
        reader.ended = true;
        ring?.();
      }
    };
    void pump();
    return reader;
  });
  const awaited = (): readonly Reader[] =>
    readers.filter(({ lines, ended, quiet }) => lines.length === 0 && !ended && !quiet);
  try {
    for (;;) {
      if (failure) throw failure.thrown;
      const first = readers.filter(({ lines }) => lines.length > 0).toSorted(byTime)[0];
      const missing = awaited();
      if (first && missing.length === 0) {
        yield first.lines.shift()!;
        if (first.lines.length < highWater / 2) first.wake?.();
        continue;
      }
      if (!first && readers.every(({ ended }) => ended)) return;
      await new Promise<void>((resolve) => {
        const cancel =
          first && options.patienceMs !== undefined
            ? options.clock.after(options.patienceMs, () => {
                for (const reader of missing) reader.quiet = reader.lines.length === 0;
                ring?.();
              })
            : undefined;
        ring = () => {
          cancel?.();
          ring = undefined;
          resolve();
        };
      });
    }
  } finally {
    closed = true;
    for (const { wake } of readers) wake?.();
  }
}

function byTime(a: Reader, b: Reader): number {
  const [left, right] = [sortable(a.lines[0]!.time), sortable(b.lines[0]!.time)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Equal lengths and UTC, so that texts compare as times do. */
export function sortable(time: string): string {
  const [, seconds = "", fraction = "", zone = "Z"] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(time) ?? [];
  const ms = Date.parse(seconds + zone);
  return Number.isNaN(ms) ? "" : `${new Date(ms).toISOString().slice(0, 19)}.${fraction.padEnd(9, "0").slice(0, 9)}`;
}
