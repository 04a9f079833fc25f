// The pool: one engine process per core, started when first needed, kept warm. A render has a process of its own while it
// runs; evaluations share. A process that hangs or dies is replaced; what ran beside the culprit is run again, alone.
import { DriftlessError, toError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import { engineBuildCommand, type EngineLocation } from "./binary.ts";
import { EngineError, EngineGone, EngineProcess, type EngineWork } from "./process.ts";
import { engineFailure } from "./failures.ts";

export interface EnginePoolOptions {
  /** Where the program is now; asked until it is there. */
  locate(): EngineLocation;
  readonly clock: Clock;
  /** How many processes; default 2. */
  readonly processes?: number;
  /** Memory of one process; default 512. */
  readonly memoryMiB?: number;
  /** What a render may take before its process is ended; default 60 seconds. */
  readonly timeoutMs?: number;
}

export interface EnginePool {
  /** The engine's version. Error: ENGINE_MISSING. */
  version(): string;
  /**
   * Runs one piece of work and returns the bytes of its result (JSON). Errors: ENGINE_MISSING, RENDER_FAILED,
   * RENDER_REFUSED, RENDER_TOO_LARGE, RENDER_TIMEOUT, MANIFEST_INVALID, SOURCE_UNSUPPORTED, CANCELLED.
   */
  run(op: Operation, work: EngineWork, options?: { readonly timeoutMs?: number }): Promise<Buffer>;
  /** Which locks hold in the processes, once one has started. */
  readonly locks: Readonly<Record<string, boolean>> | undefined;
  /** Process ids of the processes that live. */
  readonly pids: readonly number[];
  close(): Promise<void>;
}

interface Job {
  readonly op: Operation;
  readonly work: EngineWork;
  readonly timeoutMs: number;
  /** Renders have a process to themselves; evaluations do not. */
  readonly heavy: boolean;
  attempts: number;
  resolve(result: Buffer): void;
  reject(error: Error): void;
}

interface Slot {
  process: EngineProcess | undefined;
  /** The render that runs there. */
  heavy: boolean;
  light: number;
  /** A job that has been beside a crash already runs here, alone. */
  alone: boolean;
}

const maxLight = 16;
const renders = new Set(["helm", "kustomize", "jsonnet"]);

export function createEnginePool(options: EnginePoolOptions): EnginePool {
  return new Pool(options);
}

class Pool implements EnginePool {
  private readonly options: EnginePoolOptions;
  private readonly slots: Slot[];
  private readonly queue: Job[] = [];
  private located: EngineLocation | undefined;
  private closed = false;
  locks: Readonly<Record<string, boolean>> | undefined;

  constructor(options: EnginePoolOptions) {
    this.options = options;
    this.slots = Array.from({ length: Math.max(1, options.processes ?? 2) }, () => ({
      process: undefined,
      heavy: false,
      light: 0,
      alone: false,
    }));
  }

  get pids(): readonly number[] {
    return this.slots.flatMap(({ process }) => (process?.alive && process.pid !== undefined ? [process.pid] : []));
  }

  private locate(): EngineLocation & { readonly program: string } {
    if (!this.located?.program) this.located = this.options.locate();
    const { program, building, version } = this.located;
    if (program !== undefined) return { version, program, building };
    throw new DriftlessError(
      "ENGINE_MISSING",
      building === undefined
        ? `this source needs the program driftless-engine, which is not built yet; build it with ${engineBuildCommand} (needs Go), or see docs/guides/engine.md`
        : `this source waits for the program driftless-engine, which is being built: ${building}`,
    );
  }

  version(): string {
    return this.locate().version;
  }

  run(op: Operation, work: EngineWork, options: { readonly timeoutMs?: number } = {}): Promise<Buffer> {
    if (this.closed) return Promise.reject(new DriftlessError("CANCELLED", "the engine is closed"));
    try {
      this.locate();
    } catch (error) {
      return Promise.reject(toError(error));
    }
    return new Promise((resolve, reject) => {
      const job: Job = {
        op,
        work,
        timeoutMs: options.timeoutMs ?? this.options.timeoutMs ?? 60_000,
        heavy: renders.has(work.kind),
        attempts: 0,
        resolve,
        reject,
      };
      const leave = (): void => {
        const at = this.queue.indexOf(job);
        if (at < 0) return;
        this.queue.splice(at, 1);
        reject(new DriftlessError("CANCELLED", "the caller gave up"));
      };
      op.signal.addEventListener("abort", leave, { once: true });
      const forget = (): void => op.signal.removeEventListener("abort", leave);
      job.resolve = (result) => (forget(), resolve(result));
      job.reject = (error) => (forget(), reject(error));
      this.queue.push(job);
      this.fill();
    });
  }

  /** Gives waiting jobs to processes that can take them. */
  private fill(): void {
    for (let at = 0; at < this.queue.length;) {
      const job = this.queue[at] as Job;
      const slot = this.slotFor(job);
      if (!slot) {
        at++;
        continue;
      }
      this.queue.splice(at, 1);
      void this.start(job, slot);
    }
  }

  private slotFor(job: Job): Slot | undefined {
    if (job.attempts > 0) return this.slots.find((slot) => !slot.alone && !slot.heavy && slot.light === 0);
    const able = this.slots.filter((slot) => !slot.alone && (job.heavy ? !slot.heavy : slot.light < maxLight));
    return able.sort((a, b) => load(a) - load(b))[0];
  }

  private async start(job: Job, slot: Slot): Promise<void> {
    const alone = job.attempts > 0;
    if (job.heavy) slot.heavy = true;
    else slot.light++;
    if (alone) slot.alone = true;
    try {
      job.resolve(await this.attempt(job, slot));
    } catch (error) {
      if (error instanceof EngineGone && !this.closed && !alone && !job.op.signal.aborted) {
        job.attempts++;
        this.queue.unshift(job);
      } else job.reject(this.explain(error, job));
    } finally {
      if (job.heavy) slot.heavy = false;
      else slot.light--;
      if (alone) slot.alone = false;
      this.fill();
    }
  }

  private async attempt(job: Job, slot: Slot): Promise<Buffer> {
    const process = await this.processOf(slot);
    const { promise: late, reject: tooLate } = Promise.withResolvers<never>();
    const stop = this.options.clock.after(job.timeoutMs, () => {
      tooLate(
        new DriftlessError("RENDER_TIMEOUT", `the render did not end within ${Math.round(job.timeoutMs / 100) / 10} s`),
      );
      process.kill();
    });
    try {
      return await Promise.race([process.run(job.work, job.op.signal), late]);
    } catch (error) {
      // What is cancelled cannot be stopped inside a library: a process that still works on it would be slow for others.
      if (job.heavy && error instanceof DriftlessError && error.code === "CANCELLED") process.kill();
      if (error instanceof EngineGone && process.outOfMemory)
        throw new EngineGone(`more memory than ${this.options.memoryMiB ?? 512} MiB`, { cause: error });
      throw error;
    } finally {
      stop();
    }
  }

  private async processOf(slot: Slot): Promise<EngineProcess> {
    if (!slot.process?.alive) {
      this.located = undefined; // it may be gone, or built anew
      const { program, version } = this.locate();
      slot.process = new EngineProcess({ program, version, memoryMiB: this.options.memoryMiB ?? 512 });
    }
    const { process } = slot;
    this.locks = await process.ready;
    return process;
  }

  private explain(error: unknown, job: Job): Error {
    if (error instanceof EngineError) return engineFailure(error.failure);
    if (error instanceof EngineGone)
      return job.op.signal.aborted || this.closed
        ? new DriftlessError("CANCELLED", "the caller gave up")
        : error.cause === undefined
          ? new DriftlessError("RENDER_FAILED", `the render ended its process twice: ${error.message}`)
          : new DriftlessError("RENDER_TOO_LARGE", `the render needs ${error.message}`);
    return error as Error;
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const job of this.queue.splice(0)) job.reject(new DriftlessError("CANCELLED", "the engine is closed"));
    const ending = this.slots.flatMap(({ process }) => (process ? [process] : []));
    for (const process of ending) process.kill();
    await Promise.all(ending.map((process) => process.exited));
  }
}

/** A render counts for more than all evaluations together; a process that runs comes before one to be started. */
function load(slot: Slot): number {
  return (slot.heavy ? 100 : 0) + slot.light + (slot.process?.alive ? 0 : 0.5);
}
