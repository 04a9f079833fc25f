// `timeout.hard.reconciliation`: every so often each application is rendered and compared anew, whatever has changed.
// Follows the setting while it runs.
import type { Clock, Random } from "#base/ports.ts";
import type { Settings } from "#model/settings.ts";
import type { AppState } from "./state.ts";

export interface HardRefreshOptions {
  readonly clock: Clock;
  readonly random: Random;
  settings(): Settings;
  states(): Iterable<AppState>;
  wake(key: string, delayMs: number): void;
}

/** How often the setting itself is looked at. */
const lookEveryMs = 30_000;

/** Starts; returns what stops it. */
export function hardRefreshes(options: HardRefreshOptions): () => void {
  const { clock, random } = options;
  let cancel = (): void => {};
  let lastMs = clock.monotonic();
  const look = (): void => {
    const { hardReconciliationMs: everyMs, reconciliationJitterMs: jitterMs } = options.settings();
    if (everyMs > 0 && clock.monotonic() - lastMs >= everyMs) {
      lastMs = clock.monotonic();
      for (const state of options.states()) {
        state.hardRefreshDue = true;
        options.wake(state.key, random.next() * Math.min(jitterMs, everyMs));
      }
    }
    cancel = clock.after(everyMs > 0 ? Math.min(everyMs, lookEveryMs) : lookEveryMs, look);
  };
  look();
  return () => cancel();
}
