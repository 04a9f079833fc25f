// Bounds how many requests to one cluster are under way at once, first come first served.
import type { Aborts } from "./aborts.ts";

interface Waiter {
  grant: (() => void) | undefined;
}

export class Limiter {
  readonly #limit: number;
  readonly #aborts: Aborts;
  #running = 0;
  // A queue as a list with a head index: shift() on a long list would be linear.
  #waiting: Waiter[] = [];
  #head = 0;

  constructor(limit: number, aborts: Aborts) {
    this.#limit = limit;
    this.#aborts = aborts;
  }

  /** Takes a place at once where one is free. */
  tryAcquire(): boolean {
    if (this.#running >= this.#limit) return false;
    this.#running++;
    return true;
  }

  /** Resolves when a place is free; rejects with the signal's reason when that fires first. */
  acquire(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    if (this.tryAcquire()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { grant: undefined };
      const onAbort = (): void => {
        waiter.grant = undefined;
        reject(signal.reason as Error);
      };
      waiter.grant = () => {
        this.#aborts.off(signal, onAbort);
        resolve();
      };
      this.#aborts.on(signal, onAbort);
      this.#waiting.push(waiter);
    });
  }

  /** Gives a place back, to the first who waits. */
  release(): void {
    while (this.#head < this.#waiting.length) {
      const grant = this.#waiting[this.#head++]?.grant;
      if (this.#head > 256 && this.#head * 2 > this.#waiting.length) {
        this.#waiting = this.#waiting.slice(this.#head);
        this.#head = 0;
      }
      if (grant !== undefined) {
        grant();
        return;
      }
    }
    this.#waiting.length = 0;
    this.#head = 0;
    this.#running--;
  }
}
