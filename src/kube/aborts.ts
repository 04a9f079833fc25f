// Many pieces of work behind one AbortSignal: one listener for each signal instead of one for each request, which would
// cost more than the request's own bookkeeping and make Node warn of a leak.

export class Aborts {
  readonly #bySignal = new WeakMap<AbortSignal, Set<() => void>>();

  /** Calls back once when the signal fires, unless taken off before with `off`. */
  on(signal: AbortSignal, callback: () => void): void {
    const known = this.#bySignal.get(signal);
    if (known !== undefined) {
      known.add(callback);
      return;
    }
    const callbacks = new Set([callback]);
    this.#bySignal.set(signal, callbacks);
    const fire = (): void => {
      for (const each of callbacks) {
        callbacks.delete(each);
        each();
      }
    };
    signal.addEventListener("abort", fire, { once: true });
  }

  off(signal: AbortSignal, callback: () => void): void {
    this.#bySignal.get(signal)?.delete(callback);
  }
}
