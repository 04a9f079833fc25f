// Answers that go on: server-sent events for browsers, lines of JSON otherwise. A client that does not read is waited for
// up to a limit and then dropped; nobody else notices.
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Clock } from "#base/ports.ts";
import { SharedMessage, SharedMessages } from "./prepared.ts";

export interface StreamOptions {
  readonly clock: Clock;
  readonly headers: Readonly<Record<string, string | number | string[]>>;
  readonly events: boolean;
  readonly signal: AbortSignal;
  /** The parameter `fields`: what the client asked for of each message; "" for everything. */
  readonly fields: string;
}

const keepAliveMs = 15_000;
/** A client that reads nothing for this long while there is something to read is gone. */
const stalledMs = 30_000;

/** Writes each message as `{ "result": … }`; returns when the messages or the client have ended. Throws what the messages throw before the first one. */
export async function writeStream(
  raw: ServerResponse,
  messages: AsyncIterable<object>,
  options: StreamOptions,
): Promise<void> {
  const { clock, events, fields, signal } = options;
  const write = (chunk: string | Buffer): boolean => raw.write(chunk);
  let cancelKeepAlive: (() => void) | undefined;
  const keepAlive = (): void => {
    write(events ? ":\n" : "\n");
    cancelKeepAlive = clock.after(keepAliveMs, keepAlive);
  };
  const begin = (): void => {
    raw.writeHead(200, {
      ...options.headers,
      "content-type": events ? "text/event-stream" : "application/json",
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
    });
    raw.flushHeaders();
    cancelKeepAlive = clock.after(keepAliveMs, keepAlive);
  };
  const iterator = messages[Symbol.asyncIterator]();
  try {
    // Headers go out at once, for a stream may be silent for long; a refusal was thrown before the first message is asked for.
    begin();
    for (;;) {
      const next = await iterator.next();
      if (next.done === true || signal.aborted || raw.destroyed) break;
      const { value } = next;
      const chunk = (value instanceof SharedMessages ? value : new SharedMessage(value)).chunk(events, fields);
      if (!write(chunk) && !(await drained(raw, clock, signal))) break;
    }
    raw.end();
  } finally {
    cancelKeepAlive?.();
    await iterator.return?.();
  }
}

/** Whether the client took what was written. */
async function drained(raw: ServerResponse, clock: Clock, signal: AbortSignal): Promise<boolean> {
  const waiting = new AbortController();
  const cancel = clock.after(stalledMs, () => {
    waiting.abort();
    raw.destroy();
  });
  const gone = (): void => waiting.abort();
  raw.once("close", gone);
  try {
    if (raw.destroyed) return false;
    await once(raw, "drain", { signal: AbortSignal.any([signal, waiting.signal]) });
    return true;
  } catch {
    return false;
  } finally {
    cancel();
    raw.off("close", gone);
  }
}
