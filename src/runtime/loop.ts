// The reconcile loop: takes keys off the queue, reconciles, and one switch decides what happens next. Generic.
import { toError, type DriftlessError } from "#base/errors.ts";
import type { Logger, Operation } from "#base/operation.ts";
import type { Clock, Random } from "#base/ports.ts";
import { WorkQueue } from "./queue.ts";

/** What a reconciler returns; the loop, and nothing else, acts on it. */
export type Outcome =
  | { readonly next: "done" }
  | { readonly next: "requeue-after"; readonly delayMs: number }
  /** Try again with growing delays. */
  | { readonly next: "retry"; readonly error: DriftlessError }
  /** Only a change of the input can help. */
  | { readonly next: "terminal"; readonly error: DriftlessError };

export interface LoopOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly concurrencyPerLane: number;
  reconcile(op: Operation, key: string): Promise<Outcome>;
  /** The lane of a key; keys of different lanes never wait for one another. */
  lane?(key: string): string;
  /** Told after each pass, for metrics. */
  observe?(pass: { key: string; durationMs: number; waitedMs: number; outcome: Outcome }): void;
}

const firstRetryMs = 200;
const lastRetryMs = 180_000;

export class ReconcileLoop {
  readonly #options: LoopOptions;
  readonly #queue: WorkQueue;
  readonly #failures = new Map<string, number>();
  readonly #abort = new AbortController();

  constructor(options: LoopOptions) {
    this.#options = options;
    this.#queue = new WorkQueue({
      clock: options.clock,
      concurrencyPerLane: options.concurrencyPerLane,
      work: (key, waitedMs) => this.#pass(key, waitedMs),
    });
  }

  get depth(): number {
    return this.#queue.depth;
  }

  get working(): number {
    return this.#queue.working;
  }

  enqueue(key: string): void {
    this.#queue.add(key, this.#lane(key));
  }

  enqueueAfter(key: string, delayMs: number): void {
    this.#queue.addAfter(key, delayMs, this.#lane(key));
  }

  /** Puts a key at the head of the line: it waits for no other of its lane. */
  hurry(key: string): void {
    this.#queue.hurry(key, this.#lane(key));
  }

  forget(key: string): void {
    this.#failures.delete(key);
    this.#queue.forget(key);
  }

  /** Lets the passes under way end (their signal is aborted after `graceMs`), starts no more. */
  async stop(graceMs = 5000): Promise<void> {
    const cancel = this.#options.clock.after(graceMs, () => this.#abort.abort());
    await this.#queue.stop();
    cancel();
  }

  #lane(key: string): string {
    return this.#options.lane?.(key) ?? "";
  }

  async #pass(key: string, waitedMs: number): Promise<void> {
    const { clock, log, name } = this.#options;
    const started = clock.monotonic();
    const op: Operation = { signal: this.#abort.signal, log: log.with({ loop: name, key }) };
    let outcome: Outcome;
    try {
      outcome = await this.#options.reconcile(op, key);
    } catch (thrown) {
      const error = toError(thrown);
      if (error.code === "INTERNAL") op.log.error("reconcile failed", { error: error.message, stack: error.stack });
      outcome = { next: "retry", error };
    }
    this.#options.observe?.({ key, durationMs: clock.monotonic() - started, waitedMs, outcome });
    this.#act(op, key, outcome);
  }

  #act(op: Operation, key: string, outcome: Outcome): void {
    switch (outcome.next) {
      case "done":
        this.#failures.delete(key);
        break;
      case "requeue-after":
        this.#failures.delete(key);
        this.enqueueAfter(key, outcome.delayMs);
        break;
      case "retry": {
        const failures = (this.#failures.get(key) ?? 0) + 1;
        this.#failures.set(key, failures);
        const delayMs = Math.min(lastRetryMs, firstRetryMs * 2 ** Math.min(failures - 1, 20));
        this.enqueueAfter(key, delayMs * (0.75 + this.#options.random.next() / 2));
        op.log.debug("will retry", { error: outcome.error.message, failures, delayMs });
        break;
      }
      case "terminal":
        this.#failures.delete(key);
        op.log.debug("waits for a change", { error: outcome.error.message });
        break;
    }
  }
}
