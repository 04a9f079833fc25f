// Answers that go on: server-sent events for browsers, lines of JSON otherwise. A client that does not read is waited for
// up to a limit and then dropped; nobody else notices.
import { once } from "node:events";
import { STATUS_CODES } from "node:http";
import type { ServerResponse } from "node:http";
import { setImmediate } from "node:timers/promises";
import { toError, type DriftlessError } from "#base/errors.ts";
import type { Clock } from "#base/ports.ts";
import { errorBody } from "../http.ts";
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

/**
 * Takes messages; returns the same once it is known that they begin. Throws what they throw before they wait for anything:
 * a refusal, which is to be answered as one.
 */
export async function begun<T>(messages: AsyncIterable<T>): Promise<AsyncIterable<T>> {
  const items = messages[Symbol.asyncIterator]();
  let first: Promise<IteratorResult<T>> | undefined = items.next();
  await Promise.race([first, setImmediate()]);
  first.catch(() => {});
  const next = (): Promise<IteratorResult<T>> => {
    const coming = first ?? items.next();
    first = undefined;
    return coming;
  };
  const ended = async (): Promise<IteratorResult<T>> => (await items.return?.()) ?? { done: true, value: undefined };
  return { [Symbol.asyncIterator]: () => ({ next, return: ended }) };
}

/** Writes each message as `{ "result": … }`; returns when the messages or the client have ended. Throws what the messages throw. */
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
  } catch (thrown) {
    // There has been a status already: an error is a message, as Argo CD's gateway has it.
    raw.end(failure(toError(thrown), events));
    throw thrown;
  } finally {
    cancelKeepAlive?.();
    await iterator.return?.();
  }
}

function failure(error: DriftlessError, events: boolean): string {
  const { code, message } = errorBody(error);
  const { http } = error.entry;
  const status = STATUS_CODES[http] ?? "";
  const text = JSON.stringify({ error: { grpc_code: code, http_code: http, message, http_status: status } });
  return events ? `data: ${text}\n\n` : `${text}\n`;
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
