// The health of objects where users' Lua scripts have a say: scripts run in the engine, many objects in one round trip, and
// each result is remembered with the object's version, so that an unchanged object costs nothing. Everybody who asks for
// an object's health asks here, after `learn`, and gets the same answer at once.
import { DriftlessError, toError } from "#base/errors.ts";
import { sameJson, type JsonObject } from "#base/json.ts";
import type { Logger, Operation as Op } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import type { CustomCheck } from "#core/health/check.ts";
import { healthFromScript, healthScripts, type HealthScript } from "#core/health/custom.ts";
import { healthOf } from "#core/health/health.ts";
import type { HealthStatus } from "#model/application.ts";
import type { KindTable } from "#model/kind-table.ts";
import { parseApiVersion, type GroupKind, type KubernetesObject } from "#model/object.ts";
import type { ResourceCustomization, Settings } from "#model/settings.ts";
import type { Evaluators } from "#render/engine/evaluate.ts";

/** The health of live objects, with the settings' scripts. */
export interface ObjectHealth {
  /** Of one object, at once; where a script decides it, from what `learn` found. */
  of(object: KubernetesObject): HealthStatus | undefined;
  /** The same for what a sync waits for: what could not be found out for now is waited for, and fails no hook. */
  forSync(object: KubernetesObject): HealthStatus | undefined;
  /** Of an object that is not kept, from what `offer` found; undefined where no script decides it. */
  ofVersion(kind: GroupKind, uid: string, resourceVersion: string): HealthStatus | undefined;
  /** Whether a script decides the health of a kind. */
  isCustom(kind: GroupKind): boolean;
  /** Why an object's script failed, where it did. */
  problem(object: KubernetesObject): string | undefined;
  /** Runs the scripts of these objects where their results are not known yet. A failure is those objects' health. */
  learn(op: Op, objects: Iterable<KubernetesObject>): Promise<void>;
}

/** Health without scripts. */
export const builtinHealth: ObjectHealth = {
  of: (object) => healthOf(object),
  forSync: (object) => healthOf(object),
  ofVersion: () => undefined,
  isCustom: () => false,
  problem: () => undefined,
  learn: () => Promise.resolve(),
};

export interface CustomHealthOptions {
  readonly evaluators: Pick<Evaluators, "lua">;
  readonly clock: Clock;
  /** Carries the lifetime: what one asks for serves all. */
  readonly op: Op;
  readonly log: Logger;
  settings(): Settings;
}

interface Known {
  readonly script: string;
  readonly resourceVersion: string;
  readonly health: HealthStatus | undefined;
  /** Why the script failed. */
  readonly problem?: string;
  /** Not the last word: to be run again. */
  readonly again?: boolean;
}

interface Waiting {
  readonly object: KubernetesObject;
  readonly script: HealthScript;
  /** Nobody waits: listeners are told of the result. */
  readonly offered: boolean;
  readonly done: Promise<void>;
  finish(): void;
}

/** After how long a missing engine, or a script that did not end, is tried again. */
const engineAgainMs = 5_000;
const slowAgainMs = 30_000;
/** Objects in one request; what comes besides goes in the next. */
const batchSize = 10_000;

export class CustomHealth implements ObjectHealth {
  readonly #options: CustomHealthOptions;
  readonly #known = new Map<string, Known>();
  readonly #waiting = new Map<string, Waiting>();
  /** Not started yet, by script: one that has never ended well runs apart, so that it holds up nobody else. */
  #queue: Waiting[] = [];
  #queued = false;
  readonly #proven = new Set<string>();
  /** Scripts that did not end: until when they are not run, on the monotonic clock, and why. */
  readonly #slow = new Map<string, { readonly untilMs: number; readonly why: string }>();
  readonly #listeners = new Set<(uids: ReadonlySet<string>) => void>();
  #scripts: KindTable<HealthScript>;
  #scriptsOf: readonly ResourceCustomization[];
  #cancelAgain: (() => void) | undefined;

  constructor(options: CustomHealthOptions) {
    this.#options = options;
    this.#scriptsOf = options.settings().resourceCustomizations;
    this.#scripts = healthScripts(this.#scriptsOf);
  }

  of(object: KubernetesObject): HealthStatus | undefined {
    return healthOf(object, this.#check);
  }

  forSync(object: KubernetesObject): HealthStatus | undefined {
    const health = this.of(object);
    if (health?.status !== "Unknown" || !this.#scriptOf(object)) return health;
    const known = this.#known.get(object.metadata.uid ?? "");
    return known?.again ? { ...health, status: "Progressing" } : health;
  }

  ofVersion(kind: GroupKind, uid: string, resourceVersion: string): HealthStatus | undefined {
    const script = this.#table().find(kind.group, kind.kind);
    if (script === undefined) return undefined;
    const known = this.#known.get(uid);
    return known?.script === script.text && known.resourceVersion === resourceVersion ? known.health : undefined;
  }

  isCustom({ group, kind }: GroupKind): boolean {
    return this.#table().find(group, kind) !== undefined;
  }

  problem(object: KubernetesObject): string | undefined {
    const script = this.#scriptOf(object);
    const known = script && this.#known.get(object.metadata.uid ?? "");
    return known?.script === script?.text ? known?.problem : undefined;
  }

  async learn(_op: Op, objects: Iterable<KubernetesObject>): Promise<void> {
    const waits: Promise<void>[] = [];
    for (const object of objects) {
      const wait = this.#enqueue(object, false);
      if (wait) waits.push(wait);
    }
    if (waits.length > 0) await Promise.all(waits);
  }

  /** Takes an object that will not be kept: its script runs soon, and listeners hear of the result. */
  offer(object: KubernetesObject): void {
    void this.#enqueue(object, true);
  }

  /** Told of objects whose health is another than was said before, outside of `learn`: an offer, an engine that came. */
  onChange(listener: (uids: ReadonlySet<string>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The object is gone. */
  forget(uid: string): void {
    this.#known.delete(uid);
  }

  readonly #check: CustomCheck = (object) => {
    const script = this.#scriptOf(object);
    if (script === undefined) return undefined;
    const known = this.#known.get(object.metadata.uid ?? "");
    // Of an older version where the newest is still being looked at: the next pass has it.
    if (known?.script === script.text) return known.health ?? null;
    return { status: "Progressing", message: "the health script has not run yet" };
  };

  #scriptOf(object: KubernetesObject): HealthScript | undefined {
    return this.#table().find(parseApiVersion(object.apiVersion).group, object.kind);
  }

  #table(): KindTable<HealthScript> {
    const now = this.#options.settings().resourceCustomizations;
    if (now !== this.#scriptsOf) {
      this.#scriptsOf = now;
      this.#scripts = healthScripts(now);
      this.#slow.clear();
    }
    return this.#scripts;
  }

  #enqueue(object: KubernetesObject, offered: boolean): Promise<void> | undefined {
    const script = this.#scriptOf(object);
    const { uid = "", resourceVersion = "", deletionTimestamp } = object.metadata;
    // A hook that ended counts as it ended, also while it is deleted; of others it is enough that they go.
    if (script === undefined || (offered && deletionTimestamp !== undefined)) return undefined;
    const known = this.#known.get(uid);
    if (known && !known.again && known.script === script.text && known.resourceVersion === resourceVersion)
      return undefined;
    const id = `${uid} ${resourceVersion}`;
    const running = this.#waiting.get(id);
    if (running?.script.text === script.text) return running.done;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting: Waiting = { object, script, offered, done: promise, finish: resolve };
    this.#waiting.set(id, waiting);
    this.#queue.push(waiting);
    if (!this.#queued) {
      this.#queued = true;
      // All that is asked for in one go, by however many applications, goes over together.
      this.#options.clock.after(0, () => this.#flush());
    }
    return promise;
  }

  #flush(): void {
    this.#queued = false;
    const queue = this.#queue;
    this.#queue = [];
    const now = this.#options.clock.monotonic();
    const batches = new Map<string, Waiting[]>();
    for (const waiting of queue) {
      const { text } = waiting.script;
      const slow = this.#slow.get(text);
      if (slow && slow.untilMs > now) {
        this.#put(waiting, failed(waiting.object, slow.why));
        continue;
      }
      const name = this.#proven.has(text) ? "" : text;
      const batch = batches.get(name);
      if (batch) batch.push(waiting);
      else batches.set(name, [waiting]);
    }
    for (const batch of batches.values()) {
      for (let at = 0; at < batch.length; at += batchSize) void this.#run(batch.slice(at, at + batchSize));
    }
  }

  /** Runs a batch; one that fails as a whole, for it ended its process, runs again in halves to find the culprit. */
  async #run(batch: readonly Waiting[]): Promise<void> {
    const { evaluators, op } = this.#options;
    try {
      const outcomes = await evaluators.lua(
        op,
        batch.map(({ object, script }) => ({
          script: script.text,
          globals: { obj: object as unknown as JsonObject },
          ...(script.allLibraries ? { allLibraries: true } : {}),
        })),
      );
      const changed = new Set<string>();
      batch.forEach((waiting, index) => {
        const outcome = outcomes[index];
        const uid = waiting.object.metadata.uid ?? "";
        const before = this.#known.get(uid)?.health;
        if (outcome?.ok === true) {
          this.#proven.add(waiting.script.text);
          this.#put(waiting, { health: healthFromScript(outcome.value) });
        } else this.#fail(waiting, outcome?.error ?? new DriftlessError("INTERNAL", "the engine gave no answer"));
        if (waiting.offered && !sameJson(before, this.#known.get(uid)?.health)) changed.add(uid);
      });
      if (changed.size > 0) this.#tell(changed);
    } catch (thrown) {
      const error = toError(thrown);
      const whole = error.code === "ENGINE_MISSING" || error.code === "CANCELLED" || batch.length === 1;
      if (whole) {
        for (const waiting of batch) this.#fail(waiting, error);
        return;
      }
      const half = Math.ceil(batch.length / 2);
      await this.#run(batch.slice(0, half));
      await this.#run(batch.slice(half));
    }
  }

  #fail(waiting: Waiting, error: DriftlessError): void {
    const { clock, log } = this.#options;
    const { text, kinds } = waiting.script;
    if (error.code === "ENGINE_MISSING") {
      this.#put(waiting, {
        health: {
          status: "Unknown",
          message: `the health script of ${kinds} needs the program driftless-engine: ${error.message}`,
        },
        again: true,
      });
      this.#lookAgain(engineAgainMs);
      return;
    }
    const endless = error.code === "RENDER_TIMEOUT" || error.code === "RENDER_TOO_LARGE";
    if (endless) {
      if (!this.#slow.has(text)) log.warn("health script stopped", { kinds, error: error.message });
      this.#slow.set(text, { untilMs: clock.monotonic() + slowAgainMs, why: error.message });
      this.#proven.delete(text);
      this.#lookAgain(slowAgainMs);
    }
    this.#put(waiting, { ...failed(waiting.object, error.message), again: endless });
  }

  #put(waiting: Waiting, found: Pick<Known, "health" | "problem" | "again">): void {
    const { uid = "", resourceVersion = "" } = waiting.object.metadata;
    this.#waiting.delete(`${uid} ${resourceVersion}`);
    this.#known.set(uid, { ...found, script: waiting.script.text, resourceVersion });
    waiting.finish();
  }

  #tell(uids: ReadonlySet<string>): void {
    for (const listener of this.#listeners) listener(uids);
  }

  /** What could not be run is run again by whoever needs it, once it is told that it may have changed. */
  #lookAgain(delayMs: number): void {
    if (this.#cancelAgain) return;
    this.#cancelAgain = this.#options.clock.after(delayMs, () => {
      this.#cancelAgain = undefined;
      const uids = new Set<string>();
      for (const [uid, { again }] of this.#known) if (again) uids.add(uid);
      if (uids.size > 0 && !this.#options.op.signal.aborted) this.#tell(uids);
    });
  }
}

function failed({ kind, metadata }: KubernetesObject, why: string): Pick<Known, "health" | "problem" | "again"> {
  return {
    health: { status: "Unknown", message: `the health script failed: ${why}` },
    problem: `failed to get resource health for "${kind}" with name "${metadata.name}" in namespace "${metadata.namespace ?? ""}": ${why}`,
    again: true,
  };
}
