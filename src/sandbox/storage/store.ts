// The state of one cluster: objects in memory by resource, one growing resourceVersion, a write-ahead log, a bounded
// history of changes, and indexes by uid and owner. Synchronous. It knows objects' metadata and nothing else of
// Kubernetes' rules: whoever calls `put` has decided already.
import type { Logger } from "#base/operation.ts";
import type { KubernetesObject } from "#model/object.ts";
import { Collection } from "./collection.ts";
import { defaultHistoryLimits, History, type HistoryLimits, type StoreEvent } from "./history.ts";
import { Journal } from "./journal.ts";
import type { RecordHeader } from "./records.ts";

export interface StoreOptions {
  /** Where the log lives; without it nothing outlives the process. */
  readonly dir?: string;
  readonly log: Logger;
  /** Milliseconds since the epoch. */
  now(): number;
  readonly history?: HistoryLimits;
  readonly compactAfterBytes?: number;
}

export type StoreListener = (event: StoreEvent) => void;

interface ResourceState {
  readonly objects: Collection;
  history: History;
  readonly listeners: Set<StoreListener>;
}

const defaultCompactAfterBytes = 32 * 1024 * 1024;

export class Store {
  private readonly options: StoreOptions;
  private readonly journal: Journal | undefined;
  private readonly resources = new Map<string, ResourceState>();
  private readonly uids = new Map<string, KubernetesObject>();
  private readonly owned = new Map<string, Map<string, KubernetesObject>>();
  private currentRv = 0;
  /** Changes up to here are in no history: they came out of a snapshot. */
  private baseRv = 0;

  constructor(options: StoreOptions) {
    this.options = options;
    if (options.dir === undefined) return;
    const { dir, log, compactAfterBytes = defaultCompactAfterBytes } = options;
    this.journal = new Journal({ dir, log, compactAfterBytes });
    this.journal.open((header, json, fromSnapshot) => this.recover(header, json, fromSnapshot));
  }

  /** The resourceVersion of the last change. */
  get rv(): number {
    return this.currentRv;
  }

  get(resource: string, namespace: string, name: string): KubernetesObject | undefined {
    return this.resources.get(resource)?.objects.get(namespace, name);
  }

  /** All objects of a resource, or those of one namespace, in key order. */
  list(resource: string, namespace?: string): KubernetesObject[] {
    return this.resources.get(resource)?.objects.list(namespace) ?? [];
  }

  count(resource: string): number {
    return this.resources.get(resource)?.objects.size ?? 0;
  }

  /** What `list` gave when the store was at `rv`; undefined where that is no longer known. */
  listAt(resource: string, rv: number, namespace?: string): KubernetesObject[] | undefined {
    const state = this.resources.get(resource);
    if (rv === this.currentRv) return this.list(resource, namespace);
    if (state === undefined) return rv >= this.baseRv ? [] : undefined;
    if (!state.history.covers(rv)) return undefined;
    const undo = state.history.after(rv);
    if (undo.length === 0) return state.objects.list(namespace);
    const past = new Collection();
    for (const object of state.objects.list(namespace)) past.set(...keyParts(object), object);
    for (const event of undo.reverse()) {
      const [space, name] = keyParts(event.object);
      if (namespace !== undefined && space !== namespace) continue;
      if (event.old === undefined) past.delete(space, name);
      else past.set(space, name, event.old);
    }
    return past.list(namespace);
  }

  /** Stores an object under its metadata's namespace and name; returns it with its new resourceVersion. */
  put(resource: string, object: KubernetesObject): KubernetesObject {
    const rv = this.currentRv + 1;
    const stored = withResourceVersion(object, rv);
    const [namespace, name] = keyParts(object);
    const text = JSON.stringify(stored);
    this.journal?.append({ op: "P", rv, resource, namespace, name }, text);
    const state = this.state(resource);
    const old = state.objects.get(namespace, name);
    this.currentRv = rv;
    this.apply(state, stored, old);
    this.announce(state, {
      type: old === undefined ? "ADDED" : "MODIFIED",
      rv,
      object: stored,
      ...(old === undefined ? {} : { old }),
      atMs: this.options.now(),
      text,
    });
    this.compactIfDue();
    return stored;
  }

  /** Removes an object, if it is there; returns its last state with the deletion's resourceVersion. */
  delete(resource: string, last: KubernetesObject): KubernetesObject | undefined {
    const state = this.resources.get(resource);
    const [namespace, name] = keyParts(last);
    const old = state?.objects.get(namespace, name);
    if (state === undefined || old === undefined) return undefined;
    const rv = this.currentRv + 1;
    this.journal?.append({ op: "D", rv, resource, namespace, name }, "");
    this.currentRv = rv;
    const object = withResourceVersion(last, rv);
    this.remove(state, old);
    this.announce(state, { type: "DELETED", rv, object, old, atMs: this.options.now() });
    this.compactIfDue();
    return object;
  }

  /** Changes of a resource after `rv`; undefined where some of them are forgotten. */
  eventsAfter(resource: string, rv: number): StoreEvent[] | undefined {
    const state = this.resources.get(resource);
    if (state === undefined) return rv >= this.baseRv ? [] : undefined;
    return state.history.covers(rv) ? state.history.after(rv) : undefined;
  }

  /** The oldest resourceVersion from which changes of a resource are known. */
  oldestRv(resource: string): number {
    return this.resources.get(resource)?.history.oldest ?? this.baseRv;
  }

  /** Calls back inside every change of a resource. Returns the end of it. */
  subscribe(resource: string, listener: StoreListener): () => void {
    const { listeners } = this.state(resource);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  byUid(uid: string): KubernetesObject | undefined {
    return this.uids.get(uid);
  }

  /** Objects whose ownerReferences name this uid. */
  dependents(uid: string): KubernetesObject[] {
    return [...(this.owned.get(uid)?.values() ?? [])];
  }

  /** Hands every change to the operating system: to be called before one is acknowledged. Errors: DATA_DIR_UNWRITABLE. */
  flush(): void {
    this.journal?.flush();
  }

  /** Writes a snapshot now; resolves when it replaced the log before it. */
  async snapshot(): Promise<void> {
    await this.journal?.snapshot(this.snapshotSource());
  }

  /** Waits for a snapshot under way, then for the disk. */
  async close(): Promise<void> {
    await this.journal?.close();
  }

  private state(resource: string): ResourceState {
    let state = this.resources.get(resource);
    if (state === undefined) {
      state = { objects: new Collection(), history: this.newHistory(), listeners: new Set() };
      this.resources.set(resource, state);
    }
    return state;
  }

  private newHistory(): History {
    return new History(this.options.history ?? defaultHistoryLimits, this.baseRv);
  }

  private recover(header: RecordHeader, json: string, fromSnapshot: boolean): void {
    if (header.op === "E") {
      this.currentRv = this.baseRv = header.rv;
      for (const state of this.resources.values()) state.history = this.newHistory();
      return;
    }
    const state = this.state(header.resource);
    const old = state.objects.get(header.namespace, header.name);
    const atMs = this.options.now();
    if (header.op === "P") {
      const object = JSON.parse(json) as KubernetesObject;
      this.apply(state, object, old);
      if (fromSnapshot) return;
      const type = old === undefined ? "ADDED" : "MODIFIED";
      state.history.push({ type, rv: header.rv, object, ...(old === undefined ? {} : { old }), atMs });
    } else if (old !== undefined) {
      this.remove(state, old);
      state.history.push({ type: "DELETED", rv: header.rv, object: withResourceVersion(old, header.rv), old, atMs });
    }
    this.currentRv = header.rv;
  }

  private apply(state: ResourceState, object: KubernetesObject, old: KubernetesObject | undefined): void {
    const [namespace, name] = keyParts(object);
    state.objects.set(namespace, name, object);
    const { uid, ownerReferences } = object.metadata;
    if (uid === undefined) return;
    this.uids.set(uid, object);
    const before = old?.metadata.ownerReferences;
    if (before !== undefined && before !== ownerReferences) this.disown(old as KubernetesObject);
    for (const owner of ownerReferences ?? []) {
      let owned = this.owned.get(owner.uid);
      if (owned === undefined) this.owned.set(owner.uid, (owned = new Map()));
      owned.set(uid, object);
    }
  }

  private remove(state: ResourceState, old: KubernetesObject): void {
    state.objects.delete(...keyParts(old));
    this.disown(old);
    const { uid } = old.metadata;
    if (uid !== undefined) this.uids.delete(uid);
  }

  private disown(object: KubernetesObject): void {
    for (const owner of object.metadata.ownerReferences ?? []) {
      const owned = this.owned.get(owner.uid);
      owned?.delete(object.metadata.uid as string);
      if (owned?.size === 0) this.owned.delete(owner.uid);
    }
  }

  private announce(state: ResourceState, event: StoreEvent): void {
    state.history.push(event);
    for (const listener of state.listeners) listener(event);
  }

  private compactIfDue(): void {
    if (this.journal?.snapshotDue === true) void this.journal.snapshot(this.snapshotSource());
  }

  private snapshotSource() {
    const frozen = [...this.resources].map(([resource, state]) => ({ resource, objects: state.objects.list() }));
    const count = frozen.reduce((sum, each) => sum + each.objects.length, 0);
    let outer = 0;
    let inner = 0;
    const next = (): { header: RecordHeader; json: string } | undefined => {
      while (outer < frozen.length && inner >= (frozen[outer]?.objects.length ?? 0)) {
        outer++;
        inner = 0;
      }
      const group = frozen[outer];
      const object = group?.objects[inner++];
      if (group === undefined || object === undefined) return undefined;
      const [namespace, name] = keyParts(object);
      const rv = Number(object.metadata.resourceVersion);
      return { header: { op: "P", rv, resource: group.resource, namespace, name }, json: JSON.stringify(object) };
    };
    return { rv: this.currentRv, count, next };
  }
}

function keyParts(object: KubernetesObject): [namespace: string, name: string] {
  return [object.metadata.namespace ?? "", object.metadata.name ?? ""];
}

function withResourceVersion(object: KubernetesObject, rv: number): KubernetesObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(rv) } };
}
