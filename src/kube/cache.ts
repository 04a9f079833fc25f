// The live objects of one cluster, kept current by watches: full objects of managed kinds, metadata of the others. Starts
// and stops one reflector for each kind as kinds come and go. Decides nothing about applications.
import { DriftlessError, toError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import { gvkOf, type GroupKind, type KubernetesObject } from "#model/object.ts";
import { Aborts } from "./aborts.ts";
import { Limiter } from "./limiter.ts";
import { defaultInclude, type LiveCache, type LiveCacheOptions, type LiveChange, type LiveProblem } from "./live.ts";
import { Reflector, type Depth, type ReflectorContext } from "./reflector.ts";
import { kindText, LiveStore, type Entry } from "./store.ts";
import type { KeptFields, KubeClient, ResourceType } from "./types.ts";

export type { LiveCache, LiveCacheOptions, LiveChange, LiveEntry, LiveFact, LiveOwner, LiveProblem } from "./live.ts";

const accessReviewType = {
  group: "authorization.k8s.io",
  version: "v1",
  plural: "selfsubjectaccessreviews",
  namespaced: false,
};
/** After a CRD or APIService changed: how long changes are gathered before discovery is asked. */
const gatherMs = 100;
/** A CRD is served a little after it is written: how often to look again, at growing intervals. */
const looksForNewKind = 9;
const refreshMs = 5 * 60_000;
/** When a start that takes long says what it waits for, and how many kinds it names. */
const slowStartMs = 5_000;
const kindsNamed = 10;
const refreshAfterFailureMs = 30_000;

export function createLiveCache(client: KubeClient, options: LiveCacheOptions): LiveCache {
  return new Cache(client, options);
}

class Cache implements LiveCache {
  synced = false;
  readonly #client: KubeClient;
  readonly #options: LiveCacheOptions;
  readonly #store = new LiveStore();
  /** By kind; several where only some namespaces are watched. */
  readonly #reflectors = new Map<string, Reflector[]>();
  readonly #managed = new Set<string>();
  /** By kind: what is kept of managedFields, where that is more than this cache keeps anyhow. */
  readonly #kept = new Map<string, KeptFields>();
  /** Kinds that are left out for they may not be listed, until kinds are looked at anew. */
  readonly #dropped = new Set<string>();
  /** Kinds that are left out from now on, and whose objects are still in the store. */
  readonly #hidden = new Set<string>();
  readonly #typeListeners = new Set<() => void>();
  readonly #stop = new AbortController();
  readonly #lists: Limiter;
  readonly #server = { streaming: true, quietUntilMs: 0 };
  #op: Operation | undefined;
  #types: readonly ResourceType[] = [];
  #refreshing: Promise<void> | undefined;
  #cancelTimer: (() => void) | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #looks = 0;

  constructor(client: KubeClient, options: LiveCacheOptions) {
    this.#client = client;
    this.#options = options;
    this.#lists = new Limiter(options.parallelLists ?? 8, new Aborts());
    this.#store.subscribe((change) => this.#onChange(change));
  }

  async start(op: Operation): Promise<void> {
    this.#op = { signal: AbortSignal.any([op.signal, this.#stop.signal]), log: op.log };
    await this.#refresh(this.#op);
    const cancel = this.#options.clock.after(slowStartMs, () => this.#sayUnlisted(op));
    await this.#allListed().finally(cancel);
    this.synced = true;
    this.#scheduleNext();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#cancelTimer?.();
    await this.#refreshing?.catch(() => {});
    await Promise.all([...this.#reflectors.values()].flat().map((reflector) => reflector.stop()));
  }

  async manage(kinds: Iterable<GroupKind>): Promise<void> {
    const waiting: Promise<void>[] = [];
    for (const { group, kind } of kinds) {
      const text = kindText(group, kind);
      this.#managed.add(text);
      for (const reflector of this.#reflectors.get(text) ?? []) {
        if (reflector.depth !== "full" && this.#op !== undefined) reflector.deepen(this.#op, "full");
        waiting.push(reflector.listed);
      }
    }
    await Promise.all(waiting);
  }

  async keepFieldsOf({ group, kind }: GroupKind, managers: readonly string[]): Promise<void> {
    const text = kindText(group, kind);
    const known = this.#kept.get(text)?.managers ?? [];
    const more = managers.filter((manager) => !known.includes(manager));
    const reflectors = this.#reflectors.get(text) ?? [];
    if (more.length > 0) {
      this.#kept.set(text, { appliedBy: this.#options.keepAppliedBy, managers: [...known, ...more] });
      if (this.#op !== undefined)
        for (const reflector of reflectors) if (reflector.depth === "full") reflector.readAgain(this.#op);
    }
    await Promise.all(reflectors.map((reflector) => reflector.listed));
  }

  get: LiveCache["get"] = (key) => (this.#isHidden(key) ? undefined : this.#store.get(key));
  tagged: LiveCache["tagged"] = (tag) => this.#seen(this.#store.tagged(tag));
  children: LiveCache["children"] = (uid) => this.#store.children(uid);
  inNamespace: LiveCache["inNamespace"] = (namespace) => this.#store.inNamespace(namespace);
  entries: LiveCache["entries"] = () => this.#store.entries();
  subscribe: LiveCache["subscribe"] = (listener) => this.#store.subscribe(listener);

  get size(): number {
    return this.#store.size;
  }

  subscribeTypes(listener: () => void): () => void {
    this.#typeListeners.add(listener);
    return () => this.#typeListeners.delete(listener);
  }

  observe(object: KubernetesObject): void {
    const { group, kind } = gvkOf(object);
    const namespace = object.metadata.namespace;
    for (const reflector of this.#reflectors.get(kindText(group, kind)) ?? []) {
      if (reflector.namespace === undefined || reflector.namespace === namespace) reflector.observe(object);
    }
  }

  types(): readonly ResourceType[] {
    return this.#types;
  }

  problems(): readonly LiveProblem[] {
    const found: LiveProblem[] = [];
    for (const reflectors of this.#reflectors.values()) {
      for (const { type, error } of reflectors) if (error !== undefined) found.push({ type, error });
    }
    return found;
  }

  /** Who waits for the cluster is to learn which kinds hold it up. */
  #sayUnlisted(op: Operation): void {
    const kinds = [...this.#reflectors].flatMap(([text, reflectors]) =>
      reflectors.every(({ isListed }) => isListed) ? [] : text,
    );
    op.log.warn("still waiting for the first list of some kinds", {
      cluster: this.#client.name,
      kinds: kinds.slice(0, kindsNamed).join(", "),
      count: kinds.length,
    });
  }

  /** Waits until nothing is being listed: a tagged object may make its kind be listed again. */
  async #allListed(): Promise<void> {
    for (;;) {
      const waiting = [...this.#reflectors.values()].flat().map((reflector) => reflector.listed);
      await Promise.all(waiting);
      const now = [...this.#reflectors.values()].flat().map((reflector) => reflector.listed);
      if (now.length === waiting.length && now.every((each, i) => each === waiting[i])) return;
    }
  }

  /** Asks which kinds there are, and starts and stops reflectors to match. One at a time. */
  #refresh(op: Operation): Promise<void> {
    this.#refreshing ??= this.#readTypes(op).finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #readTypes(op: Operation): Promise<void> {
    const { discovery } = this.#client;
    const all = await discovery.all(op);
    const uncertain = new Set(discovery.failures().map(({ groupVersion }) => groupVersion.split("/")[0] ?? ""));
    const include = this.#options.include ?? defaultInclude;
    const wanted = new Map<string, ResourceType>();
    for (const type of all) {
      const text = kindText(type.group, type.kind);
      if (isWatchable(type) && include(type) && this.#inScope(type) && !this.#dropped.has(text)) wanted.set(text, type);
    }
    const gone: string[] = [];
    for (const [text, [reflector]] of this.#reflectors) {
      if (wanted.has(text) || reflector === undefined) continue;
      if (this.#dropped.has(text) || !include(reflector.type)) await this.#remove(text);
      else if (!uncertain.has(reflector.type.group)) gone.push(text);
    }
    this.#types = all;
    let changed = await this.#removeGone(op, gone);
    for (const [text, type] of wanted) {
      if (await this.#startKind(op, text, type)) changed = true;
    }
    if (changed && this.synced) for (const listener of this.#typeListeners) listener();
  }

  /**
   * Stops watching kinds that discovery no longer names and that a list says are not served. An API server that is
   * starting names too few kinds for a moment; dropping their objects would look like deletions.
   */
  async #removeGone(op: Operation, gone: readonly string[]): Promise<boolean> {
    let changed = false;
    for (const text of gone) {
      const [first] = this.#reflectors.get(text) ?? [];
      if (first === undefined || !(await this.#isGone(op, first))) continue;
      await this.#remove(text);
      changed = true;
    }
    return changed;
  }

  async #remove(text: string): Promise<void> {
    const reflectors = this.#reflectors.get(text) ?? [];
    this.#reflectors.delete(text);
    for (const reflector of reflectors) await reflector.remove();
  }

  /** A kind could not be listed: left out where that is no problem. */
  async #forbidden(text: string): Promise<void> {
    const mode = this.#options.respectRbac?.() ?? "off";
    const type = this.#reflectors.get(text)?.[0]?.type;
    if (mode === "off" || type === undefined || this.#op === undefined) return;
    if (mode === "strict" && (await this.#mayList(this.#op, type))) return;
    this.#dropped.add(text);
    this.#op.log.info("a kind is left out, for it may not be listed", { cluster: this.#client.name, kind: text });
    await this.#remove(text);
  }

  /** What an access review says of listing a kind; where none can be had, that it is allowed, so that the problem shows. */
  async #mayList(op: Operation, { group, version, plural }: ResourceType): Promise<boolean> {
    const review: KubernetesObject = {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      metadata: {},
      spec: { resourceAttributes: { group, version, resource: plural, verb: "list" } },
    };
    try {
      const answer = await this.#client.create(op, accessReviewType, review);
      return (answer["status"] as { allowed?: boolean } | undefined)?.allowed !== false;
    } catch {
      return true;
    }
  }

  #isHidden({ group, kind }: GroupKind): boolean {
    return this.#hidden.size > 0 && this.#hidden.has(kindText(group, kind));
  }

  #seen(entries: Iterable<Entry>): Iterable<Entry> {
    return this.#hidden.size === 0 ? entries : [...entries].filter(({ key }) => !this.#isHidden(key));
  }

  reconsider(stale: (kind: GroupKind) => boolean): void {
    const op = this.#op;
    if (op === undefined) return;
    this.#dropped.clear();
    // Gone from one moment to the next: what is no longer desired must not look as if it were to be pruned.
    const include = this.#options.include ?? defaultInclude;
    this.#hidden.clear();
    for (const [text, [reflector]] of this.#reflectors)
      if (reflector !== undefined && !include(reflector.type)) this.#hidden.add(text);
    for (const [text, reflectors] of this.#reflectors) {
      const depth = this.#depth(text);
      for (const reflector of reflectors) {
        const deeper = depth !== reflector.depth;
        if ((deeper && depth !== "metadata") || stale(reflector.type)) reflector.readAgain(op, depth);
      }
    }
    this.#schedule(0);
  }

  async #isGone(op: Operation, { type, namespace }: Reflector): Promise<boolean> {
    try {
      const scope = namespace === undefined ? {} : { namespace };
      await this.#client.list(op, type, { ...scope, fieldSelector: "metadata.name=none", metadataOnly: true });
      return false;
    } catch (thrown) {
      return thrown instanceof DriftlessError && thrown.code === "NOT_FOUND";
    }
  }

  async #startKind(op: Operation, text: string, type: ResourceType): Promise<boolean> {
    const there = this.#reflectors.get(text);
    if (there?.[0] !== undefined) {
      const { version, plural, namespaced } = there[0].type;
      if (version === type.version && plural === type.plural && namespaced === type.namespaced) return false;
      for (const reflector of there) await reflector.stop();
    }
    const namespaces = type.namespaced && this.#options.namespaces?.length ? this.#options.namespaces : [undefined];
    const reflectors = namespaces.map(
      (namespace) => new Reflector(type, this.#depth(text), this.#context(text, namespace)),
    );
    this.#reflectors.set(text, reflectors);
    for (const reflector of reflectors) reflector.start(op);
    return true;
  }

  #isDescribed(text: string): boolean {
    const slash = text.indexOf("/");
    return this.#options.describe?.covers({ group: text.slice(0, slash), kind: text.slice(slash + 1) }) ?? false;
  }

  #depth(text: string): Depth {
    return this.#managed.has(text) ? "full" : this.#isDescribed(text) ? "facts" : "metadata";
  }

  #context(text: string, namespace: string | undefined): ReflectorContext {
    const { clock, random, tagOf, describe, keepAppliedBy } = this.#options;
    const nothingMore: KeptFields = { appliedBy: keepAppliedBy };
    return {
      client: this.#client,
      store: this.#store,
      clock,
      random,
      tagOf,
      keepFields: () => this.#kept.get(text) ?? nothingMore,
      describe,
      namespace,
      server: this.#server,
      listSlot: async (signal) => {
        await this.#lists.acquire(signal);
        let held = true;
        return () => {
          if (held) this.#lists.release();
          held = false;
        };
      },
      onTagged: (kind) => {
        if (this.#managed.has(text)) return;
        this.#managed.add(text);
        queueMicrotask(() => void this.manage([kind]));
      },
      onForbidden: () => void this.#forbidden(text),
      onGone: () => this.#refreshSoon(),
    };
  }

  #inScope(type: ResourceType): boolean {
    const { namespaces, clusterResources } = this.#options;
    return type.namespaced || !namespaces?.length || clusterResources === true;
  }

  #onChange({ before, after }: LiveChange): void {
    const key = (after ?? before)?.key;
    if (key === undefined || !definesKinds(key)) return;
    if (this.synced) this.#refreshSoon();
  }

  #refreshSoon(): void {
    this.#looks = 0;
    this.#client.discovery.invalidate();
    this.#client.schemas.invalidate();
    this.#schedule(gatherMs);
  }

  /** Asks again after `delayMs`, or earlier where that is planned already. */
  #schedule(delayMs: number): void {
    const { clock } = this.#options;
    const atMs = clock.monotonic() + delayMs;
    if (this.#stop.signal.aborted || atMs >= this.#timerAtMs) return;
    this.#cancelTimer?.();
    this.#timerAtMs = atMs;
    this.#cancelTimer = clock.after(delayMs, () => {
      this.#timerAtMs = Number.POSITIVE_INFINITY;
      void this.#refreshByTimer();
    });
  }

  async #refreshByTimer(): Promise<void> {
    const op = this.#op;
    if (op === undefined || op.signal.aborted) return;
    this.#client.discovery.invalidate();
    this.#dropped.clear();
    try {
      await this.#refresh(op);
    } catch (thrown) {
      if (op.signal.aborted) return;
      op.log.warn("kinds not known", { cluster: this.#client.name, error: toError(thrown).message });
    }
    this.#scheduleNext();
  }

  /** Soon where a CRD is not served yet, or one is still served that is gone; else after minutes. */
  #scheduleNext(): void {
    const settled = this.#looks >= looksForNewKind || this.#kindsMatchDefinitions();
    if (!settled) this.#schedule(gatherMs * 2 ** this.#looks++);
    else this.#schedule(this.#client.discovery.failures().length > 0 ? refreshAfterFailureMs : refreshMs);
  }

  #kindsMatchDefinitions(): boolean {
    const served = new Set(this.#types.map(({ group, plural }) => `${plural}.${group}`));
    const defined = this.#store.kind("apiextensions.k8s.io", "CustomResourceDefinition", "v1");
    for (const { name, deleting } of defined.values()) if (!deleting && !served.has(name)) return false;
    return true;
  }
}

function isWatchable({ verbs }: ResourceType): boolean {
  return verbs.includes("list") && verbs.includes("watch");
}

function definesKinds({ group, kind }: GroupKind): boolean {
  return (
    (group === "apiextensions.k8s.io" && kind === "CustomResourceDefinition") ||
    (group === "apiregistration.k8s.io" && kind === "APIService")
  );
}
