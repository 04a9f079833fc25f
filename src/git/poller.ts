// Asks every repository in use for news, once per interval whatever number of applications use it. A failing one is asked
// less often, and reported. What changed is told by the repository's own onChange.
import { toError, type DriftlessError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import type { Clock, Random } from "#base/ports.ts";
import type { GitRepository, RefreshOptions, RepositoryChange } from "./types.ts";
import { normalizeUrl } from "./urls.ts";

export interface PollerOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Default 3 minutes, as Argo CD's `timeout.reconciliation`. 0: no polling, only `refreshNow`. */
  readonly intervalMs?: number;
  /** Added to each interval, at random up to this; default a tenth of it. */
  readonly jitterMs?: number;
  /** The longest pause after failures; default eight intervals. */
  readonly maxBackoffMs?: number;
  /** Told after each failure, and with no error after the first success that follows one. */
  readonly onResult?: (url: string, error: DriftlessError | undefined) => void;
}

/** Anything that can be asked for news. */
type Pollable = Pick<GitRepository, "url" | "refresh">;

export interface Poller {
  /** Polls a repository from now on; the returned function gives it up. Counted: it ends with the last user. */
  use(repository: Pollable): () => void;
  /** Asks at once, e.g. after a webhook. Undefined where nobody uses that URL. Throws what the repository throws. */
  refreshNow(op: Operation, url: string, options?: RefreshOptions): Promise<RepositoryChange | undefined>;
  /** URLs whose last poll failed, with the reason. */
  problems(): ReadonlyMap<string, DriftlessError>;
  stop(): void;
}

interface Polled {
  readonly repository: Pollable;
  users: number;
  failures: number;
  error: DriftlessError | undefined;
  cancel: () => void;
}

export function createPoller(op: Operation, options: PollerOptions): Poller {
  const { clock, random } = options;
  const intervalMs = options.intervalMs ?? 180_000;
  const jitterMs = options.jitterMs ?? intervalMs / 10;
  const maxBackoffMs = options.maxBackoffMs ?? intervalMs * 8;
  const polled = new Map<string, Polled>();
  let stopped = false;

  const plan = (entry: Polled): void => {
    entry.cancel();
    entry.cancel = () => {};
    if (intervalMs <= 0 || stopped || entry.users === 0) return;
    const pause = Math.min(maxBackoffMs, intervalMs * 2 ** Math.min(entry.failures, 16));
    entry.cancel = clock.after(pause + random.next() * jitterMs, () => {
      ask(op, entry).catch(() => {}); // told by onResult
    });
  };

  const ask = async (inner: Operation, entry: Polled, refresh?: RefreshOptions): Promise<RepositoryChange> => {
    try {
      const change = await entry.repository.refresh(inner, refresh);
      if (entry.error) options.onResult?.(entry.repository.url, undefined);
      entry.failures = 0;
      entry.error = undefined;
      return change;
    } catch (thrown) {
      const error = toError(thrown);
      if (error.code !== "CANCELLED") {
        entry.failures++;
        entry.error = error;
        options.onResult?.(entry.repository.url, error);
      }
      throw error;
    } finally {
      plan(entry); // whoever asked: the next poll is a whole interval later
    }
  };

  return {
    use(repository) {
      const key = normalizeUrl(repository.url);
      let entry = polled.get(key);
      if (!entry) {
        entry = { repository, users: 0, failures: 0, error: undefined, cancel: () => {} };
        polled.set(key, entry);
      }
      entry.users++;
      if (entry.users === 1) plan(entry);
      const used = entry;
      let given = false;
      return () => {
        if (given) return;
        given = true;
        if (--used.users > 0) return;
        used.cancel();
        if (polled.get(key) === used) polled.delete(key);
      };
    },
    async refreshNow(inner, url, refresh) {
      const entry = polled.get(normalizeUrl(url));
      return entry && ask(inner, entry, refresh);
    },
    problems: () =>
      new Map(
        [...polled.values()].flatMap(({ repository, error }) => (error ? [[repository.url, error] as const] : [])),
      ),
    stop() {
      stopped = true;
      for (const entry of polled.values()) entry.cancel();
      polled.clear();
    },
  };
}
