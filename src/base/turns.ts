// Long work of this thread in turns: whoever has worked for a while lets others go on, so that no request waits for all of
// somebody else's large application. Knows nothing of the work.
import type { Clock } from "./ports.ts";

/** So long others wait at most for one turn, beside a single step that takes longer. */
const turnMs = 10;

export class Turns {
  readonly #clock: Pick<Clock, "monotonic" | "after">;
  #endsAtMs: number;

  constructor(clock: Pick<Clock, "monotonic" | "after">) {
    this.#clock = clock;
    this.#endsAtMs = clock.monotonic() + turnMs;
  }

  /** Whether the turn has lasted long enough: asked between steps. */
  get over(): boolean {
    return this.#clock.monotonic() >= this.#endsAtMs;
  }

  /** Between steps of which each may be long: lets others go on where the turn is over. */
  async pause(): Promise<void> {
    if (this.over) await this.next();
  }

  /** Resolves when others have had theirs. */
  async next(): Promise<void> {
    await new Promise<void>((resolve) => void this.#clock.after(0, resolve));
    this.#endsAtMs = this.#clock.monotonic() + turnMs;
  }
}
