// Keeps every object of one kind (in one namespace, some, or all) in memory and tells what changed: list, then watch,
// resume, relist when the server forgot. Generic: used for our own custom resources, Secrets and ConfigMaps.
import { toError, type DriftlessError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import type { Clock, Random } from "#base/ports.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { KubeClient, ResourcePath } from "#kube/types.ts";

export interface InformerChange<T extends KubernetesObject> {
  readonly before: T | undefined;
  readonly after: T | undefined;
}

export interface InformerOptions {
  readonly client: KubeClient;
  readonly type: ResourcePath;
  readonly namespace?: string;
  /** In its place: those that are followed now, or undefined for all; asked again by `follow`. */
  readonly namespaces?: () => readonly string[] | undefined;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Objects for which it says no are not kept, nor told of; asked again by `follow`. */
  readonly include?: (object: KubernetesObject) => boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly op: Operation;
}

const firstBackoffMs = 100;
const longestBackoffMs = 30_000;
/** So many ends are remembered: answers to writes are seldom later. */
const endedKept = 1000;

export class Informer<T extends KubernetesObject> {
  readonly #options: InformerOptions;
  readonly #objects = new Map<string, T>();
  readonly #listeners = new Set<(change: InformerChange<T>) => void>();
  /** The uids of objects that ended lately. */
  readonly #ended = new Set<string>();
  /** What is to be listed and watched. */
  #scopes: readonly Scope[] = [];
  /** Those that run: what went before, too, until what comes after it was listed. */
  readonly #running = new Set<Scope>();
  #started: Promise<void> | undefined;

  constructor(options: InformerOptions) {
    this.#options = options;
  }

  /** Starts; resolves once everything was listed for the first time. Never rejects: it goes on trying. */
  start(): Promise<void> {
    this.#started ??= this.follow();
    return this.#started;
  }

  /**
   * Asks anew which namespaces are followed and which objects are included; what is left out is told as gone. Resolves
   * once what came in was listed. Never rejects, as `start`.
   */
  async follow(): Promise<void> {
    const { namespace, namespaces } = this.#options;
    const wanted = namespaces?.() ?? (namespace === undefined ? [""] : [namespace]);
    const before = [...this.#running];
    const scopes = [...new Set(wanted)].map((each) => new Scope(each));
    this.#scopes = scopes;
    for (const scope of scopes) this.#begin(scope);
    await Promise.all(scopes.map(({ listed }) => listed));
    for (const scope of before) scope.abort.abort();
    // Somebody may have asked for others meanwhile: what is to stay is theirs to say.
    if (this.#scopes !== scopes) return;
    const covered = (object: T): boolean => scopes.some((scope) => scope.covers(object.metadata.namespace ?? ""));
    for (const [id, object] of this.#objects) if (!covered(object) || !this.#includes(object)) this.#delete(id);
  }

  /** Why the kind cannot be listed or watched at present, or undefined. */
  get problem(): DriftlessError | undefined {
    return this.#scopes.find(({ lastError }) => lastError !== undefined)?.lastError;
  }

  /** The newest version that was seen; "" before the first list. */
  get resourceVersion(): string {
    let newest = "";
    for (const { resourceVersion } of this.#scopes)
      if (newest === "" || Number(resourceVersion) > Number(newest)) newest = resourceVersion;
    return newest;
  }

  get(namespace: string, name: string): T | undefined {
    return this.#objects.get(`${namespace}/${name}`);
  }

  values(): IterableIterator<T> {
    return this.#objects.values();
  }

  get size(): number {
    return this.#objects.size;
  }

  /** Tells each change from now on; returns what ends it. */
  subscribe(listener: (change: InformerChange<T>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Takes in the answer to a write of ours, so that nobody waits for the watch to bring it. An answer that comes after the
   * watch told of the object's end does not bring it back.
   */
  observe(object: T): void {
    const known = this.#objects.get(idOf(object));
    if (known ? !isNewer(object, known) : this.#ended.has(object.metadata.uid ?? "")) return;
    if (this.#scopes.some((scope) => scope.covers(object.metadata.namespace ?? ""))) this.#set(object);
  }

  async stop(): Promise<void> {
    const running = [...this.#running];
    for (const { abort } of running) abort.abort();
    await Promise.all(running.map(({ ended }) => ended));
  }

  #begin(scope: Scope): void {
    this.#running.add(scope);
    scope.ended = this.#run(scope).finally(() => this.#running.delete(scope));
  }

  async #run(scope: Scope): Promise<void> {
    let failures = 0;
    const { op } = this.#options;
    const stopped = AbortSignal.any([op.signal, scope.abort.signal]);
    const mine: Operation = { ...op, signal: stopped };
    while (!stopped.aborted) {
      const listedBefore = scope.resourceVersion;
      try {
        if (scope.resourceVersion === "") await this.#list(mine, scope);
        scope.lastError = undefined;
        await this.#watch(mine, scope);
        failures = 0;
      } catch (thrown) {
        if (stopped.aborted) return;
        const error = toError(thrown);
        if (error.code === "RESOURCE_EXPIRED") scope.resourceVersion = "";
        else scope.lastError = error;
        if (error.code === "PERMISSION_DENIED") this.#tellOf(scope, error);
        if (listedBefore !== scope.resourceVersion && error.code !== "RESOURCE_EXPIRED") failures = 0;
        failures++;
        op.log.debug("watch ended", { kind: this.#options.type.plural, error: error.message });
        await this.#pause(Math.min(longestBackoffMs, firstBackoffMs * 2 ** Math.min(failures, 12)), stopped);
      }
    }
  }

  /** Nothing goes on until somebody grants it: they are told, once. */
  #tellOf(scope: Scope, error: DriftlessError): void {
    if (scope.told) return;
    scope.told = true;
    const kind = this.#options.type.plural;
    this.#options.op.log.warn("objects cannot be followed", { kind, namespace: scope.namespace, error: error.message });
  }

  #selection(scope: Scope): { namespace?: string; labelSelector?: string; fieldSelector?: string } {
    const { labelSelector, fieldSelector } = this.#options;
    return {
      ...(scope.namespace === "" ? {} : { namespace: scope.namespace }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    };
  }

  async #list(op: Operation, scope: Scope): Promise<void> {
    const { client, type } = this.#options;
    const { items, resourceVersion } = await client.list(op, type, this.#selection(scope));
    op.signal.throwIfAborted();
    const gone = new Set<string>();
    for (const [id, { metadata }] of this.#objects) if (scope.covers(metadata.namespace ?? "")) gone.add(id);
    for (const item of items) {
      gone.delete(idOf(item));
      const known = this.#objects.get(idOf(item));
      if (known?.metadata.resourceVersion !== item.metadata.resourceVersion) this.#set(item as T);
    }
    for (const id of gone) this.#delete(id);
    scope.resourceVersion = resourceVersion;
    scope.markListed();
  }

  async #watch(op: Operation, scope: Scope): Promise<void> {
    const { client, type } = this.#options;
    const events = client.watch(op, type, { resourceVersion: scope.resourceVersion, ...this.#selection(scope) });
    for await (const event of events) {
      const version = event.object.metadata.resourceVersion;
      const known = this.#objects.get(idOf(event.object));
      if (event.type === "DELETED") {
        // What two watches tell is not in order: another of that name may have come since.
        if (known?.metadata.uid === event.object.metadata.uid) this.#delete(idOf(event.object));
      } else if (event.type !== "BOOKMARK") {
        if (!known || known.metadata.uid !== event.object.metadata.uid || isNewer(event.object, known))
          this.#set(event.object as T);
      }
      if (version !== undefined) scope.resourceVersion = version;
    }
  }

  #includes(object: KubernetesObject): boolean {
    return this.#options.include?.(object) ?? true;
  }

  #set(object: T): void {
    const id = idOf(object);
    if (!this.#includes(object)) return this.#delete(id);
    const before = this.#objects.get(id);
    this.#objects.set(id, object);
    for (const listener of this.#listeners) listener({ before, after: object });
  }

  #delete(id: string): void {
    const before = this.#objects.get(id);
    if (!before) return;
    this.#objects.delete(id);
    this.#ended.add(before.metadata.uid ?? id);
    const [oldest] = this.#ended;
    if (this.#ended.size > endedKept && oldest !== undefined) this.#ended.delete(oldest);
    for (const listener of this.#listeners) listener({ before, after: undefined });
  }

  #pause(delayMs: number, stopped: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    return new Promise((resolve) => {
      const cancel = clock.after(delayMs * (0.75 + random.next() / 2), resolve);
      stopped.addEventListener("abort", () => (cancel(), resolve()), { once: true });
    });
  }
}

/** One list and watch. */
class Scope {
  /** "": all. */
  readonly namespace: string;
  readonly abort = new AbortController();
  readonly listed: Promise<void>;
  markListed!: () => void;
  resourceVersion = "";
  lastError: DriftlessError | undefined;
  ended: Promise<void> = Promise.resolve();
  told = false;

  constructor(namespace: string) {
    this.namespace = namespace;
    this.listed = new Promise((resolve) => (this.markListed = resolve));
  }

  covers(namespace: string): boolean {
    return this.namespace === "" || this.namespace === namespace;
  }
}

const idOf = (object: KubernetesObject): string => `${object.metadata.namespace ?? ""}/${object.metadata.name ?? ""}`;

function isNewer(a: KubernetesObject, b: KubernetesObject): boolean {
  const [left, right] = [Number(a.metadata.resourceVersion), Number(b.metadata.resourceVersion)];
  return Number.isNaN(left) || Number.isNaN(right)
    ? a.metadata.resourceVersion !== b.metadata.resourceVersion
    : left > right;
}
