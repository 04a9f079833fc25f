// When a failed operation is tried again, and when a running one has run too long. Pure.
// Source: Argo CD's "Automated Sync Policy" (retry), `controller.sync.timeout.seconds`.
import type { OperationState, RetryStrategy } from "#model/application.ts";
import { parseSecondsOrDuration } from "#model/duration.ts";

const defaultBackoffMs = 5_000;
const defaultMaxMs = 180_000;
const defaultFactor = 2;

/** What a retry strategy comes to. */
export type RetryDecision =
  | { readonly retry: false; readonly reason: string }
  | { readonly retry: true; /** Milliseconds since the epoch. */ readonly at: number };

/**
 * When to try again an operation that failed at `finishedAt` (ms since the epoch) after `retryCount` retries. The first
 * waits `duration`, each later one `factor` times as long, none longer than `maxDuration`. A negative limit never ends.
 */
export function nextRetry(strategy: RetryStrategy | undefined, retryCount: number, finishedAt: number): RetryDecision {
  const limit = strategy?.limit ?? 0;
  if (limit >= 0 && retryCount >= limit) {
    return { retry: false, reason: limit === 0 ? "retries are not enabled" : `retried ${retryCount} times, the limit` };
  }
  const { duration, maxDuration, factor = defaultFactor } = strategy?.backoff ?? {};
  const first = readMs(duration, defaultBackoffMs);
  const most = readMs(maxDuration, defaultMaxMs);
  const wait = first * Math.max(factor, 1) ** retryCount;
  return { retry: true, at: finishedAt + Math.min(wait, most) };
}

/** The operation's message once it failed: with the count of retries, as Argo CD adds it. */
export function retriedMessage(message: string, retryCount: number): string {
  return retryCount > 0 ? `${message} (retried ${retryCount} times).` : message;
}

/** The message of an operation that waits for its next attempt. */
export function retryingMessage(message: string, retryCount: number, at: string): string {
  return `${message}. Retrying attempt #${retryCount + 1} at ${at}.`;
}

/** Whether a running operation is past its time limit (`timeoutMs`, 0 for none) and must be terminated. */
export function timedOut(state: OperationState, timeoutMs: number, now: number): boolean {
  return timeoutMs > 0 && state.phase === "Running" && now - Date.parse(state.startedAt) > timeoutMs;
}

function readMs(text: string | undefined, fallback: number): number {
  const ms = text === undefined || text === "" ? undefined : parseSecondsOrDuration(text);
  return ms === undefined || ms < 0 ? fallback : ms;
}
