// Keeps every object of one kind (in one namespace, or all) in memory and tells what changed: list, then watch, resume,
// relist when the server forgot. Generic: used for our own custom resources, Secrets and ConfigMaps.
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
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
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
  readonly #abort = new AbortController();
  #resourceVersion = "";
  #listed: Promise<void>;
  #markListed!: () => void;
  #lastError: DriftlessError | undefined;
  #running: Promise<void> | undefined;

  constructor(options: InformerOptions) {
    this.#options = options;
    this.#listed = new Promise((resolve) => (this.#markListed = resolve));
  }

  /** Starts; resolves once everything was listed for the first time. Never rejects: it goes on trying. */
  start(): Promise<void> {
    this.#running ??= this.#run();
    return this.#listed;
  }

  /** Why the kind cannot be listed or watched at present, or undefined. */
  get problem(): DriftlessError | undefined {
    return this.#lastError;
  }

  get resourceVersion(): string {
    return this.#resourceVersion;
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
    this.#set(object);
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    let failures = 0;
    const { op } = this.#options;
    const stopped = AbortSignal.any([op.signal, this.#abort.signal]);
    const mine: Operation = { ...op, signal: stopped };
    while (!stopped.aborted) {
      const listedBefore = this.#resourceVersion;
      try {
        if (this.#resourceVersion === "") await this.#list(mine);
        this.#lastError = undefined;
        await this.#watch(mine);
        failures = 0;
      } catch (thrown) {
        if (stopped.aborted) return;
        const error = toError(thrown);
        if (error.code === "RESOURCE_EXPIRED") this.#resourceVersion = "";
        else this.#lastError = error;
        if (listedBefore !== this.#resourceVersion && error.code !== "RESOURCE_EXPIRED") failures = 0;
        failures++;
        op.log.debug("watch ended", { kind: this.#options.type.plural, error: error.message });
        await this.#pause(Math.min(longestBackoffMs, firstBackoffMs * 2 ** Math.min(failures, 12)), stopped);
      }
    }
  }

  async #list(op: Operation): Promise<void> {
    const { client, type, namespace, labelSelector, fieldSelector } = this.#options;
    const scope = {
      ...(namespace === undefined ? {} : { namespace }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    };
    const { items, resourceVersion } = await client.list(op, type, scope);
    const gone = new Set(this.#objects.keys());
    for (const item of items) {
      gone.delete(idOf(item));
      const known = this.#objects.get(idOf(item));
      if (known?.metadata.resourceVersion !== item.metadata.resourceVersion) this.#set(item as T);
    }
    for (const id of gone) this.#delete(id);
    this.#resourceVersion = resourceVersion;
    this.#markListed();
  }

  async #watch(op: Operation): Promise<void> {
    const { client, type, namespace, labelSelector, fieldSelector } = this.#options;
    const events = client.watch(op, type, {
      resourceVersion: this.#resourceVersion,
      ...(namespace === undefined ? {} : { namespace }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    });
    for await (const event of events) {
      const version = event.object.metadata.resourceVersion;
      if (event.type === "DELETED") this.#delete(idOf(event.object));
      else if (event.type !== "BOOKMARK") {
        const known = this.#objects.get(idOf(event.object));
        if (!known || known.metadata.uid !== event.object.metadata.uid || isNewer(event.object, known))
          this.#set(event.object as T);
      }
      if (version !== undefined) this.#resourceVersion = version;
    }
  }

  #set(object: T): void {
    const id = idOf(object);
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

const idOf = (object: KubernetesObject): string => `${object.metadata.namespace ?? ""}/${object.metadata.name ?? ""}`;

function isNewer(a: KubernetesObject, b: KubernetesObject): boolean {
  const [left, right] = [Number(a.metadata.resourceVersion), Number(b.metadata.resourceVersion)];
  return Number.isNaN(left) || Number.isNaN(right)
    ? a.metadata.resourceVersion !== b.metadata.resourceVersion
    : left > right;
}
