// Keeps one kind of the live store equal to the cluster: list, watch, resume, list again when the server has forgotten.
// Source: Kubernetes API concepts, "Efficient detection of changes" and "Streaming lists".
import { toError, type DriftlessError } from "#base/errors.ts";
import type { LogFields, Operation } from "#base/operation.ts";
import type { Clock, Random } from "#base/ports.ts";
import type { KubernetesObject, ObjectKey } from "#model/object.ts";
import { objectWithoutManagedFields } from "./managed-fields.ts";
import type { LiveCacheOptions, LiveOwner } from "./live.ts";
import { isNewer, localKey, makeEntry, type Entry, type LiveStore, type StoredKind } from "./store.ts";
import type { KeptFields, KubeClient, ResourceType, WatchEvent, WatchOptions } from "./types.ts";

export interface ReflectorContext {
  readonly client: KubeClient;
  readonly store: LiveStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly tagOf: LiveCacheOptions["tagOf"];
  /** Read anew for each request: what is kept may grow. */
  readonly keepFields: () => KeptFields;
  readonly describe: LiveCacheOptions["describe"];
  /** One namespace, or all. */
  readonly namespace: string | undefined;
  /** Whether the server has streaming lists; set to false by the first refusal. */
  readonly server: {
    streaming: boolean;
    /** Until when a lost connection is not reported again. */ quietUntilMs: number;
  };
  /** Bounds the lists under way at once. */
  readonly listSlot: (signal: AbortSignal) => Promise<() => void>;
  /** A tagged object was seen in a kind of which only metadata is read. */
  readonly onTagged: (kind: StoredKind) => void;
  /** Listing the kind is not allowed. */
  readonly onForbidden: () => void;
  /** The server does not know the kind any more. */
  readonly onGone: () => void;
}

/** How much of each object is read and kept. */
export type Depth = "metadata" | "facts" | "full";

const quietMs = 10_000;
const firstBackoffMs = 200;
const longestBackoffMs = 30_000;
const forbiddenRetryMs = 60_000;
const shortestWatchS = 300;
const longestWatchS = 600;

/** What an answer means for the loop. */
type Step = { readonly next: "watch" | "list"; readonly delayMs: number };

export class Reflector {
  readonly type: ResourceType;
  readonly kind: StoredKind;
  depth: Depth;
  error: DriftlessError | undefined;
  readonly #context: ReflectorContext;
  /** The next list replaces every entry, whatever its version says. */
  #replaceAll: boolean;
  #resourceVersion = "";
  /** The server ended the last streaming list early, as it does where events come faster than they are taken: pages do. */
  #cutOff = false;
  #failures = 0;
  #stopped = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #listed: Gate;

  constructor(type: ResourceType, depth: Depth, context: ReflectorContext) {
    this.type = type;
    // Entries of another version of the kind are taken over, and replaced by the first list.
    this.kind = context.store.kind(type.group, type.kind, type.version);
    this.#replaceAll = this.kind.size > 0;
    this.depth = depth;
    this.#context = context;
    this.#listed = gate();
  }

  /** Resolves when the kind was listed once at its present depth, or its first try failed. */
  get listed(): Promise<void> {
    return this.#listed.promise;
  }

  get isListed(): boolean {
    return this.#listed.done;
  }

  get namespace(): string | undefined {
    return this.type.namespaced ? this.#context.namespace : undefined;
  }

  start(op: Operation): void {
    const stopped = this.#stopped;
    const signal = AbortSignal.any([op.signal, stopped.signal]);
    this.#running = this.#run({ signal, log: op.log });
  }

  /** Lists again and takes every object anew, whatever its version: more, or something else, is kept of each. */
  readAgain(op: Operation, depth = this.depth): void {
    this.#replaceAll = true;
    this.deepen(op, depth);
  }

  /** Reads more of each object from now on: lists again. */
  deepen(op: Operation, depth: Depth): void {
    this.#stopped.abort();
    this.#stopped = new AbortController();
    this.depth = depth;
    this.#resourceVersion = "";
    this.#listed.resolve();
    this.#listed = gate();
    this.start(op);
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#listed.resolve();
    await this.#running;
  }

  /** Stops, and takes the kind's entries out of the store. */
  async remove(): Promise<void> {
    await this.stop();
    for (const entry of this.#own()) this.#context.store.delete(entry);
  }

  /** An object as a write got it back. */
  observe(object: KubernetesObject): void {
    const { resourceVersion = "" } = object.metadata;
    const known = this.#known(object);
    if (known === undefined) {
      // The watch is past this version and there is no such object: it was deleted since.
      if (this.#resourceVersion !== "" && !isNewer(resourceVersion, this.#resourceVersion)) return;
    } else if (!isNewer(resourceVersion, known.resourceVersion)) return;
    this.#put(object);
  }

  async #run(op: Operation): Promise<void> {
    let next: Step["next"] = this.#resourceVersion === "" ? "list" : "watch";
    while (!op.signal.aborted) {
      let step: Step;
      try {
        if (next === "list") await this.#list(op);
        else await this.#watch(op, {});
        if (op.signal.aborted) return;
        step = this.#afterEnd(op);
      } catch (thrown) {
        if (op.signal.aborted) return;
        step = this.#afterError(toError(thrown), next, op);
      }
      if (step.delayMs > 0) await this.#pause(op.signal, step.delayMs);
      next = step.next;
    }
  }

  /** A stream that the server ended before the list in it was complete says nothing of what there is. */
  #afterEnd(op: Operation): Step {
    this.#cutOff = this.#resourceVersion === "";
    if (this.#cutOff)
      op.log.info("the server ended a list before it was complete; it is read in pages", { kind: this.type.kind });
    return this.#cutOff ? { next: "list", delayMs: firstBackoffMs } : { next: "watch", delayMs: 0 };
  }

  /** A lost connection breaks every watch at once: said once a cluster, not once a kind. */
  #report(op: Operation, error: DriftlessError, fields: LogFields): void {
    const { server, clock, client } = this.#context;
    const lost = error.code === "CLUSTER_UNREACHABLE";
    if (lost && clock.monotonic() >= server.quietUntilMs) {
      server.quietUntilMs = clock.monotonic() + quietMs;
      op.log.warn("connection to the cluster lost; it is tried again", { cluster: client.name, error: error.message });
    } else if (!lost && this.#failures === 1) op.log.warn("watch broken", fields);
    else op.log.debug("watch broken", fields);
  }

  #afterError(error: DriftlessError, was: Step["next"], op: Operation): Step {
    const { random } = this.#context;
    this.#failures++;
    if (error.code === "RESOURCE_EXPIRED") {
      this.#resourceVersion = "";
      return { next: "list", delayMs: this.#failures > 1 ? this.#backoffMs() : 0 };
    }
    const streamingRefused =
      was === "list" &&
      this.#context.server.streaming &&
      (error.details.status === 400 || error.details.status === 422);
    if (streamingRefused) {
      this.#context.server.streaming = false;
      return { next: "list", delayMs: 0 };
    }
    this.error = error;
    this.#listed.resolve();
    const { status } = error.details;
    if (status === 404) this.#context.onGone();
    if (status === 401 || status === 403) this.#context.onForbidden();
    const slow = status === 401 || status === 403 || status === 404 || status === 405;
    const delayMs = slow ? forbiddenRetryMs * (1 + random.next()) : this.#backoffMs();
    const fields = { cluster: this.#context.client.name, kind: this.type.kind, error: error.message };
    this.#report(op, error, fields);
    return { next: this.#resourceVersion === "" || slow ? "list" : "watch", delayMs };
  }

  #backoffMs(): number {
    const step = Math.min(longestBackoffMs, firstBackoffMs * 2 ** Math.min(this.#failures, 10));
    return step * (0.5 + this.#context.random.next() / 2);
  }

  async #list(op: Operation): Promise<void> {
    const release = await this.#context.listSlot(op.signal);
    if (this.#context.server.streaming && !this.#cutOff) {
      await this.#watch(op, { sendInitialEvents: true }, release);
      return;
    }
    try {
      const { items, resourceVersion } = await this.#context.client.list(op, this.type, {
        ...this.#scope(),
        dropManagedFields: true,
        keepFields: this.#context.keepFields(),
      });
      if (op.signal.aborted) return;
      const seen = new Set<string>();
      for (const item of items) {
        seen.add(objectKey(item));
        this.#apply(item);
      }
      this.#retain(seen, resourceVersion);
      this.#succeed(resourceVersion);
    } finally {
      release();
    }
  }

  /** Returns when the server ends the watch. With initial events it is a list first. */
  async #watch(op: Operation, extra: WatchOptions, release?: () => void): Promise<void> {
    const { client, random } = this.#context;
    const seen = extra.sendInitialEvents === true ? new Set<string>() : undefined;
    let listing = seen !== undefined;
    const span = longestWatchS - shortestWatchS;
    try {
      const events = client.watch(op, this.type, {
        ...this.#scope(),
        ...extra,
        ...(listing ? {} : { resourceVersion: this.#resourceVersion }),
        timeoutSeconds: Math.round(shortestWatchS + random.next() * span),
        dropManagedFields: true,
        keepFields: this.#context.keepFields(),
        // A list has succeeded only at its end; a watch that is resumed, as soon as the server takes it up.
        ...(listing ? {} : { onOpen: () => this.#recovered() }),
      });
      for await (const event of events) {
        // Events that came before the end of this run, but are taken after it: the next run has its own.
        if (op.signal.aborted) return;
        this.#take(event, listing ? seen : undefined);
        if (event.initialEventsEnd === true && seen !== undefined) {
          listing = false;
          this.#retain(seen, this.#resourceVersion);
          seen.clear();
          release?.();
          this.#succeed(this.#resourceVersion);
        }
      }
      this.#failures = 0;
    } finally {
      release?.();
      // A list that was cut off names no version from which to go on.
      if (listing && !op.signal.aborted) this.#resourceVersion = "";
    }
  }

  #scope(): { namespace?: string; metadataOnly: boolean } {
    const { namespace } = this.#context;
    return {
      metadataOnly: this.depth === "metadata",
      ...(namespace === undefined || !this.type.namespaced ? {} : { namespace }),
    };
  }

  #recovered(): void {
    this.#failures = 0;
    this.error = undefined;
  }

  #succeed(resourceVersion: string): void {
    this.#resourceVersion = resourceVersion;
    this.#recovered();
    this.#listed.resolve();
  }

  #take(event: WatchEvent, seen: Set<string> | undefined): void {
    const { resourceVersion = "" } = event.object.metadata;
    if (event.type === "BOOKMARK") {
      if (resourceVersion !== "") this.#resourceVersion = resourceVersion;
      return;
    }
    if (event.type === "DELETED") {
      const known = this.#known(event.object);
      // An answer to a create of ours may have told of its successor already.
      if (known !== undefined && !isStrictlyNewer(known.resourceVersion, resourceVersion))
        this.#context.store.delete(known);
    } else {
      seen?.add(objectKey(event.object));
      this.#apply(event.object);
    }
    // Initial events come in no order of versions; only the bookmark at their end counts.
    if (seen === undefined && resourceVersion !== "") this.#resourceVersion = resourceVersion;
  }

  #apply(object: KubernetesObject): void {
    const known = this.#known(object);
    if (known !== undefined && !this.#replaceAll) {
      const { resourceVersion = "" } = object.metadata;
      if (isStrictlyNewer(known.resourceVersion, resourceVersion)) return;
      if (known.resourceVersion === resourceVersion && !this.#lacks(known)) return;
    }
    this.#put(object);
  }

  /** Whether an entry holds less than would be kept of its object at the present depth. */
  #lacks(entry: Entry): boolean {
    if (this.depth === "metadata") return false;
    return entry.partial || (this.depth === "full" && entry.object === undefined && !isControlled(entry.owners));
  }

  #known(object: KubernetesObject): Entry | undefined {
    return this.kind.get(object.metadata.namespace ?? "", object.metadata.name ?? "");
  }

  /** The kind's entries in the namespace that this reflector reads. */
  *#own(): Iterable<Entry> {
    const { namespace } = this.#context;
    for (const entry of this.kind.values()) {
      if (namespace === undefined || !this.type.namespaced || entry.namespace === namespace) yield entry;
    }
  }

  #put(object: KubernetesObject): void {
    const { store, describe } = this.#context;
    const { metadata } = object;
    const namespace = store.namespace(metadata.namespace ?? "");
    const name = metadata.name ?? "";
    const key: ObjectKey = { group: this.kind.group, kind: this.kind.kind, namespace, name };
    const tag = this.#context.tagOf(metadata, key);
    const owners = store.owners(metadata.ownerReferences);
    const partial = object.kind === "PartialObjectMetadata";
    const keep = !partial && (tag !== undefined || (this.depth === "full" && !isControlled(owners)));
    const createdAt = metadata.creationTimestamp;
    const entry = makeEntry(this.kind, {
      namespace,
      name,
      uid: metadata.uid ?? "",
      resourceVersion: metadata.resourceVersion ?? "",
      owners,
      deleting: metadata.deletionTimestamp !== undefined,
      createdAtS: createdAt == null ? 0 : Date.parse(createdAt) / 1000,
      details: {
        partial,
        tag,
        object: keep ? objectWithoutManagedFields(object, this.#context.keepFields()) : undefined,
        info: partial ? describe?.ofMeta?.(metadata) : describe?.of(object, keep),
      },
    });
    store.put(entry);
    if (tag !== undefined && this.depth !== "full") this.#context.onTagged(this.kind);
  }

  /** Takes out what a list at `resourceVersion` did not have, except what is known to be newer than the list. */
  #retain(seen: ReadonlySet<string>, resourceVersion: string): void {
    this.#replaceAll = false;
    for (const entry of this.#own()) {
      if (seen.has(localKey(entry.namespace, entry.name))) continue;
      if (!isStrictlyNewer(entry.resourceVersion, resourceVersion)) this.#context.store.delete(entry);
    }
  }

  #pause(signal: AbortSignal, delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        signal.removeEventListener("abort", done);
        resolve();
      };
      const cancel = this.#context.clock.after(delayMs, done);
      signal.addEventListener("abort", done, { once: true });
    });
  }
}

/** As isNewer, but false where the versions are no numbers. */
function isStrictlyNewer(a: string, b: string): boolean {
  return isNewer(a, b) && !isNewer(b, a);
}

function objectKey(object: KubernetesObject): string {
  return localKey(object.metadata.namespace ?? "", object.metadata.name ?? "");
}

function isControlled(owners: readonly LiveOwner[]): boolean {
  for (const owner of owners) if (owner.controller === true) return true;
  return false;
}

interface Gate {
  readonly promise: Promise<void>;
  done: boolean;
  resolve(): void;
}

function gate(): Gate {
  let open = (): void => {};
  const promise = new Promise<void>((done) => {
    open = done;
  });
  const made: Gate = {
    promise,
    done: false,
    resolve: () => {
      made.done = true;
      open();
    },
  };
  return made;
}
