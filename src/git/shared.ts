// Work that several callers want at the same time, done once. It goes on as long as one of them still waits.
import { DriftlessError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";

export interface Shared {
  /**
   * Joins the work of that key, or starts it. Work that calls `begin` can be joined only before that: who comes later
   * wants an answer that is newer, and shares the next one. Error: CANCELLED when this caller's signal fires.
   */
  run<T>(op: Operation, key: string, work: (op: Operation, begin: () => void) => Promise<T>): Promise<T>;
  /** Aborts all that runs. */
  close(): void;
}

interface Running {
  readonly result: Promise<unknown>;
  readonly abort: AbortController;
  waiting: number;
}

export function createShared(): Shared {
  const running = new Map<string, Running>();
  const active = new Set<AbortController>();
  return {
    async run<T>(op: Operation, key: string, work: (op: Operation, begin: () => void) => Promise<T>): Promise<T> {
      if (op.signal.aborted) throw new DriftlessError("CANCELLED", "the caller gave up");
      let job = running.get(key);
      if (!job) {
        const abort = new AbortController();
        const withdraw = (): void => {
          if (running.get(key)?.abort === abort) running.delete(key);
        };
        const result = Promise.resolve()
          .then(() => work({ log: op.log, signal: abort.signal }, withdraw))
          .finally(() => {
            withdraw();
            active.delete(abort);
          });
        result.catch(() => {});
        job = { result, abort, waiting: 0 };
        active.add(abort);
        running.set(key, job);
      }
      const joined = job;
      joined.waiting++;
      return new Promise<T>((resolve, reject) => {
        const leave = (): void => {
          op.signal.removeEventListener("abort", onAbort);
          joined.waiting--;
        };
        const onAbort = (): void => {
          leave();
          if (joined.waiting === 0) {
            if (running.get(key) === joined) running.delete(key);
            joined.abort.abort();
          }
          reject(new DriftlessError("CANCELLED", "the caller gave up"));
        };
        op.signal.addEventListener("abort", onAbort, { once: true });
        joined.result.then(
          (value) => (leave(), resolve(value as T)),
          (error: unknown) => (leave(), reject(error as Error)),
        );
      });
    },
    close() {
      for (const abort of active) abort.abort();
      running.clear();
    },
  };
}
