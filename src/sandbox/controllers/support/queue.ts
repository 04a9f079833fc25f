// A work queue: keys coalesce, failures back off per key, delays wait on the clock. Nothing runs while it is empty.
// One key is never worked on twice at once, for everything runs on one thread, in order.
import type { Clock } from "#base/ports.ts";

export interface QueueOptions {
  readonly clock: Clock;
  /** Works on one key; returns milliseconds after which to do it again, if wanted. May throw: the key backs off. */
  work(key: string): number | undefined;
  /** Told of a throw; returns false to give the key up until something changes. */
  failed(key: string, error: unknown, failures: number): boolean;
}

/** Keys taken up before the event loop gets its turn. */
const batch = 32;
const firstBackOffMs = 10;
const maxBackOffMs = 60_000;
/** Timers of real clocks hold no more than 2³¹ ms; longer waits are walked in steps. */
const longestWaitMs = 12 * 3_600_000;

export class WorkQueue {
  readonly #options: QueueOptions;
  readonly #ready = new Set<string>();
  readonly #waiting = new Map<string, { readonly dueMs: number; readonly cancel: () => void }>();
  readonly #failures = new Map<string, number>();
  #cancelTick: (() => void) | undefined;
  #stopped = false;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#ready.size;
  }

  add(key: string): void {
    if (this.#stopped) return;
    this.#ready.add(key);
    this.#cancelTick ??= this.#options.clock.after(0, () => this.#tick());
  }

  /** Adds a key after a while. Of several waits for one key the earliest counts. */
  addAfter(key: string, delayMs: number): void {
    if (this.#stopped) return;
    if (delayMs <= 0) return this.add(key);
    const { clock } = this.#options;
    const wait = Math.min(delayMs, longestWaitMs);
    const dueMs = clock.monotonic() + wait;
    const earlier = this.#waiting.get(key);
    if (earlier !== undefined) {
      if (earlier.dueMs <= dueMs) return;
      earlier.cancel();
    }
    const cancel = clock.after(wait, () => {
      this.#waiting.delete(key);
      this.add(key);
    });
    this.#waiting.set(key, { dueMs, cancel });
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelTick?.();
    this.#ready.clear();
    for (const { cancel } of this.#waiting.values()) cancel();
    this.#waiting.clear();
  }

  #tick(): void {
    this.#cancelTick = undefined;
    let left = batch;
    for (const key of this.#ready) {
      if (left-- === 0) break;
      this.#ready.delete(key);
      this.#work(key);
    }
    if (this.#ready.size > 0 && !this.#stopped) {
      this.#cancelTick ??= this.#options.clock.after(0, () => this.#tick());
    }
  }

  #work(key: string): void {
    try {
      const again = this.#options.work(key);
      this.#failures.delete(key);
      if (again !== undefined) this.addAfter(key, again);
    } catch (error) {
      const failures = (this.#failures.get(key) ?? 0) + 1;
      if (this.#options.failed(key, error, failures)) {
        this.#failures.set(key, failures);
        this.addAfter(key, Math.min(firstBackOffMs * 2 ** (failures - 1), maxBackOffMs));
      } else this.#failures.delete(key);
    }
  }
}
