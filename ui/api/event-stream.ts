// One server-sent event stream, kept open: reconnects with growing waits, notices silence, rests while the tab is
// hidden (browsers allow six connections to a server; hidden tabs must not hold them). Says how it stands.
import { send } from "./client.ts";
import { ApiError, messageOf } from "./error.ts";
import { eventParser } from "./event-parser.ts";

export type StreamState =
  | { readonly phase: "connecting" }
  | { readonly phase: "live" }
  | { readonly phase: "waiting"; readonly retryAtMs: number; readonly reason: string }
  | { readonly phase: "gone"; readonly reason: string };

export interface StreamOptions {
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** After the server has begun to send, before the first event; throwing reconnects. */
  opened?(signal: AbortSignal): Promise<void>;
  event(result: unknown): void;
  state(state: StreamState): void;
}

const firstWaitMs = 500;
const longestWaitMs = 15_000;
/** The server says something at least every 15 s. */
const silenceMs = 40_000;
const hiddenRestMs = 20_000;

/** Opens the stream; returns how to close it. */
export function openEventStream(options: StreamOptions): () => void {
  const closing = new AbortController();
  void run(options, closing.signal);
  return () => closing.abort();
}

async function run(options: StreamOptions, closed: AbortSignal): Promise<void> {
  let failures = 0;
  while (!closed.aborted) {
    await visible(closed);
    if (closed.aborted) return;
    const attempt = attemptSignal(closed);
    try {
      if (failures === 0) options.state({ phase: "connecting" });
      await readStream(options, attempt, () => {
        failures = 0;
        options.state({ phase: "live" });
      });
      if (attempt.resting()) continue;
      throw new ApiError("unreachable", 0, "The server closed the connection.");
    } catch (thrown) {
      if (closed.aborted) return;
      if (attempt.resting()) continue;
      if (thrown instanceof ApiError && ["unauthenticated", "not-found", "forbidden"].includes(thrown.kind)) {
        options.state({ phase: "gone", reason: thrown.message });
        return;
      }
      const waitMs = Math.min(longestWaitMs, firstWaitMs * 2 ** failures) * (0.7 + Math.random() * 0.6);
      failures++;
      options.state({ phase: "waiting", retryAtMs: Date.now() + waitMs, reason: messageOf(thrown) });
      await pause(waitMs, closed);
    } finally {
      attempt.end();
    }
  }
}

async function readStream(options: StreamOptions, attempt: Attempt, live: () => void): Promise<void> {
  const response = await send(options.path, {
    accept: "text/event-stream",
    signal: attempt.signal,
    ...(options.query ? { query: options.query } : {}),
  });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  const parse = eventParser();
  await options.opened?.(attempt.signal);
  live();
  for (;;) {
    attempt.heard();
    const { done, value } = await reader.read();
    if (done) return;
    for (const text of parse(value)) {
      const message = JSON.parse(text) as { result?: unknown; error?: { message?: string } };
      if (message.error) throw new ApiError("failed", 0, message.error.message ?? "The stream ended with an error.");
      options.event(message.result);
    }
  }
}

interface Attempt {
  readonly signal: AbortSignal;
  /** Whether it ended because nobody looks. */
  resting(): boolean;
  /** Something came: the silence starts anew. */
  heard(): void;
  end(): void;
}

function attemptSignal(closed: AbortSignal): Attempt {
  const ending = new AbortController();
  let rests = false;
  let hiddenTimer: ReturnType<typeof setTimeout> | undefined;
  let silence: ReturnType<typeof setTimeout> | undefined;
  const abort = (): void => ending.abort();
  const visibility = (): void => {
    clearTimeout(hiddenTimer);
    if (document.visibilityState !== "hidden") return;
    hiddenTimer = setTimeout(() => {
      rests = true;
      abort();
    }, hiddenRestMs);
  };
  closed.addEventListener("abort", abort);
  document.addEventListener("visibilitychange", visibility);
  return {
    signal: ending.signal,
    resting: () => rests,
    heard() {
      clearTimeout(silence);
      silence = setTimeout(abort, silenceMs);
    },
    end() {
      clearTimeout(silence);
      clearTimeout(hiddenTimer);
      closed.removeEventListener("abort", abort);
      document.removeEventListener("visibilitychange", visibility);
      abort();
    },
  };
}

function visible(closed: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (document.visibilityState !== "hidden" || closed.aborted) return resolve();
    const done = (): void => {
      if (document.visibilityState === "hidden" && !closed.aborted) return;
      document.removeEventListener("visibilitychange", done);
      closed.removeEventListener("abort", done);
      resolve();
    };
    document.addEventListener("visibilitychange", done);
    closed.addEventListener("abort", done);
  });
}

/** Waits; ends early when the network is back. */
function pause(waitMs: number, closed: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      window.removeEventListener("online", done);
      closed.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, waitMs);
    window.addEventListener("online", done);
    closed.addEventListener("abort", done);
  });
}
