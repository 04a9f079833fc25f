// The present, shared by everything that shows how long ago something was: one timer for the whole page.

const tickMs = 5000;

export class PageClock {
  #now = Date.now();
  #timer: ReturnType<typeof setInterval> | undefined;
  readonly #listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    if (this.#timer === undefined) {
      this.#now = Date.now();
      this.#timer = setInterval(() => this.#tick(), tickMs);
    }
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  };

  readonly snapshot = (): number => this.#now;

  #tick(): void {
    this.#now = Date.now();
    for (const listener of this.#listeners) listener();
  }
}
