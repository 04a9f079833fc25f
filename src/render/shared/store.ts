// A store of bytes that several replicas share, and what guards renders from it: it may be slow, gone, or hold nonsense,
// and then it is as if it held nothing. Knows nothing of renders.
import { toError } from "#base/errors.ts";
import type { Logger, Operation } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";

export interface SharedStore {
  /** Undefined where there is nothing of that name. Rejects with any error. */
  get(op: Operation, name: string): Promise<Uint8Array | undefined>;
  put(op: Operation, name: string, bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

export interface GuardOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** What a question may take; default 250 ms. */
  readonly getMs?: number;
  /** What writing may take; default 5 s. */
  readonly putMs?: number;
}

/** So many failures one after the other, and the store is left alone for a while. */
const patience = 3;
const restMs = 30_000;
const maxWaiting = 200;
const maxWriting = 4;

/** A store that never fails and never takes long; writes happen behind, and are dropped when there are too many. */
export class GuardedStore {
  private readonly store: SharedStore;
  private readonly options: GuardOptions;
  private failures = 0;
  private restsUntil = 0;
  private readonly waiting: { readonly name: string; readonly bytes: Uint8Array; done(): void }[] = [];
  private writing = 0;
  private readonly stopping = new AbortController();

  constructor(store: SharedStore, options: GuardOptions) {
    this.store = store;
    this.options = options;
  }

  /** What is there within the time limit; undefined otherwise. */
  async get(op: Operation, name: string): Promise<Uint8Array | undefined> {
    if (this.resting) return undefined;
    return this.within(op, this.options.getMs ?? 250, (inner) => this.store.get(inner, name));
  }

  /** Written soon, or never; resolves when that is decided. */
  put(name: string, bytes: Uint8Array): Promise<void> {
    if (this.resting || this.waiting.length >= maxWaiting || this.stopping.signal.aborted) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.waiting.push({ name, bytes, done: resolve });
    this.write();
    return promise;
  }

  private write(): void {
    while (this.writing < maxWriting) {
      const next = this.waiting.shift();
      if (!next) return;
      const op: Operation = { signal: this.stopping.signal, log: this.options.log };
      const work = this.within(op, this.options.putMs ?? 5000, (inner) => this.store.put(inner, next.name, next.bytes));
      this.writing++;
      void work.then(() => {
        this.writing--;
        next.done();
        if (this.resting) this.drop();
        this.write();
      });
    }
  }

  private drop(): void {
    for (const one of this.waiting.splice(0)) one.done();
  }

  private get resting(): boolean {
    return this.options.clock.monotonic() < this.restsUntil;
  }

  private async within<T>(op: Operation, limitMs: number, work: (op: Operation) => Promise<T>): Promise<T | undefined> {
    const late = new AbortController();
    const { promise: limit, resolve: stop } = Promise.withResolvers<"late">();
    const cancel = this.options.clock.after(limitMs, () => stop("late"));
    try {
      const inner = { ...op, signal: AbortSignal.any([op.signal, late.signal]) };
      const answer = await Promise.race([work(inner).then((value) => ({ value })), limit]);
      if (answer === "late") throw new Error(`no answer within ${limitMs} ms`);
      this.failures = 0;
      return answer.value;
    } catch (error) {
      if (!op.signal.aborted) this.failed(toError(error).message);
      return undefined;
    } finally {
      cancel();
      late.abort();
    }
  }

  private failed(why: string): void {
    if (++this.failures < patience) return;
    this.failures = 0;
    this.restsUntil = this.options.clock.monotonic() + restMs;
    this.options.log.warn("the shared render cache does not answer and is left alone for a while", {
      error: why,
      forMs: restMs,
    });
  }

  /** Resolves with the work, or after a moment. */
  async moment(work: Promise<unknown>): Promise<void> {
    const { promise: enough, resolve } = Promise.withResolvers<void>();
    const cancel = this.options.clock.after(2000, resolve);
    await Promise.race([work, enough]);
    cancel();
  }

  async close(): Promise<void> {
    this.drop();
    this.stopping.abort();
    await this.store.close().catch(() => {});
  }
}
