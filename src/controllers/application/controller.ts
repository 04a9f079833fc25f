// The application controller: which applications there are, what changed for each, and the loop that takes up what is
// dirty. What one pass does stands in reconcile.ts; this file only routes changes to passes.
import { DriftlessError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import type { Desired } from "./desired/desired.ts";
import { keyText, type ObjectKey } from "#model/object.ts";
import { annotation } from "#model/names.ts";
import { sameJson } from "#base/json.ts";
import type {
  AppProject,
  Application,
  ApplicationSource,
  ApplicationStatus,
  SyncOperation,
} from "#model/application.ts";
import type { SyncWindowsAnswer, WaitingFor } from "#protocol/rest.ts";
import type { LiveEntry } from "#kube/live.ts";
import { ReconcileLoop } from "#runtime/loop.ts";
import type { Informer, InformerChange } from "#runtime/informer.ts";
import type { Projects } from "../project/projects.ts";
import type { ApplicationControllerDeps, DestinationCluster } from "./deps.ts";
import { Dependencies } from "./operation/dependencies.ts";
import { Fights } from "./comparison/fights.ts";
import { Holds } from "./operation/holds.ts";
import { Orphans } from "./tree/orphans.ts";
import { Reconciler, type PlanOutlook } from "./reconcile.ts";
import { SpecGate } from "./spec-gate.ts";
import type { CustomHealth } from "./tree/custom-health.ts";
import { hardRefreshes } from "./hard-refresh.ts";
import { laneOf, passMetrics } from "./status/pass-metrics.ts";
import { newAppState, type AppState } from "./state.ts";
import type { RevisionChoice, Sources } from "./desired/sources.ts";
import type { Row } from "./comparison/table.ts";
import { rootTag } from "./tree/tree.ts";
import { UpdateFilter } from "./comparison/updates.ts";
import { operationWaits } from "./operation/waiting.ts";
import { Windows } from "./operation/windows.ts";

export interface ApplicationControllerOptions extends ApplicationControllerDeps {
  readonly applications: Informer<Application>;
  readonly projects: Pick<Projects, "onChange">;
  readonly health: CustomHealth;
  /** How many applications of one cluster are worked on at once. */
  readonly concurrencyPerCluster?: number;
  /** Nothing is written, synced or deleted, and an application is only worked on once somebody asked to look at it. */
  readonly onlyLooks?: boolean;
}

/** Up to this many applications at once are no reason to hold back events and repeated status writes. */
const calmApplications = 12;
/** How far apart the sweep's writes are. */
const sweepEveryMs = 200;

export interface LostApplications {
  readonly sources: readonly string[];
  readonly destinations: readonly string[];
}

/** Told when an application's live tree changed: for streams of the API. */
export type TreeListener = (application: string) => void;

export class ApplicationController {
  readonly #options: ApplicationControllerOptions;
  readonly #states = new Map<string, AppState>();
  readonly #byTag = new Map<string, AppState>();
  /** Which application desires an object, by cluster and key text: for objects that carry no tracking yet. */
  readonly #desiredBy = new Map<string, string>();
  readonly #loop: ReconcileLoop;
  readonly #updates: UpdateFilter;
  readonly #reconciler: Reconciler;
  readonly #gate: SpecGate;
  readonly #stops: (() => void)[] = [];
  readonly #treeListeners = new Set<TreeListener>();
  readonly sources: Sources;
  readonly #dependencies: Dependencies;
  readonly #windows: Windows;
  readonly #orphans: Orphans;
  /** With `onlyLooks`: the applications that were asked for, each with the end of its first pass. */
  readonly #looks = new Map<string, { readonly done: Promise<void>; readonly end: () => void }>();
  #cancelSweep: () => void = () => {};

  constructor(options: ApplicationControllerOptions) {
    this.#options = options;
    this.#updates = new UpdateFilter(options);
    this.sources = options.sources((applications, why) => {
      for (const key of applications) this.#sourceChanged(key, why);
    });
    this.#dependencies = new Dependencies({ states: this.#states, wake: (key) => this.#wakeKnown(key) });
    this.#orphans = new Orphans({
      managed: (cluster, entry) => this.#isManaged(cluster, entry),
      changed: (key) => {
        this.#wakeKnown(key);
        for (const listener of this.#treeListeners) listener(key);
      },
    });
    this.#windows = new Windows(options.clock, (key) => this.#wakeKnown(key));
    const { syncEnded, passEnded } = passMetrics(options.metrics);
    this.#gate = new SpecGate(options);
    this.#reconciler = new Reconciler({
      ...options,
      gate: this.#gate,
      sources: this.sources,
      states: this.#states,
      wake: (key, delayMs) => this.#wake(key, delayMs),
      busy: () => this.busy,
      desiredChanged: (state, before) => this.#indexDesired(state, before),
      dependencies: this.#dependencies,
      fights: new Fights(options.clock),
      orphans: this.#orphans,
      holds: new Holds(this.#windows, this.#dependencies),
      syncEnded,
    });
    this.#loop = new ReconcileLoop({
      name: "application",
      clock: options.clock,
      random: options.random,
      log: options.log,
      concurrencyPerLane: options.concurrencyPerCluster ?? 50,
      lane: (key) => laneOf(this.#states.get(key)?.app),
      reconcile: async (op, key) => {
        const look = this.#looks.get(key);
        if (options.onlyLooks && !look) return { next: "done" };
        return this.#reconciler.reconcile(op, key).finally(() => look?.end());
      },
      observe: ({ key, durationMs }) => passEnded(this.#states.get(key)?.app, durationMs),
    });
  }

  /** Starts to follow applications, projects and clusters. Returns once the applications were listed. */
  async start(): Promise<void> {
    const { applications, projects, clusters } = this.#options;
    this.#stops.push(
      applications.subscribe((change) => this.#applicationChanged(change)),
      projects.onChange((names) => this.#projectsChanged(names)),
      this.#options.health.onChange((uids) => this.#healthChanged(uids)),
      clusters.onStart((cluster) => this.#follow(cluster)),
      clusters.onChange(() => this.everythingAgain()),
    );
    for (const cluster of clusters.started()) this.#follow(cluster);
    if (this.#options.onlyLooks) return applications.start();
    this.#stops.push(
      hardRefreshes({
        ...this.#options,
        states: () => this.#states.values(),
        wake: (key, delayMs) => this.#wake(key, delayMs),
      }),
    );
    await applications.start();
    const { reconciliationMs } = this.#options.settings();
    if (reconciliationMs > 0) this.#cancelSweep = this.#options.clock.after(reconciliationMs, () => this.#sweep());
  }

  /**
   * With `onlyLooks`: resolves once the application was rendered and compared, or it stands why not; what comes after is
   * followed. At once for one that is not there.
   */
  async look(key: string): Promise<void> {
    if (!this.#states.has(key)) return;
    let look = this.#looks.get(key);
    if (!look) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#looks.set(key, (look = { done: promise, end: resolve }));
      this.#loop.enqueue(key);
    }
    await look.done;
  }

  /** The status that an application's last pass came to, also where nothing is written; undefined where there is none. */
  statusNow(key: string): ApplicationStatus | undefined {
    const state = this.#states.get(key);
    return state && this.#reconciler.statusNow(state);
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0)) stop();
    this.#cancelSweep();
    this.#windows.stop();
    await this.#loop.stop();
    this.sources.close();
  }

  /** Whether many applications are worked on or wait for it: what can wait should. */
  get busy(): boolean {
    return this.#loop.depth + this.#loop.working > calmApplications;
  }

  get queueDepth(): number {
    return this.#loop.depth;
  }

  /** The controller's view of an application, or undefined. */
  state(namespace: string, name: string): AppState | undefined {
    return this.#states.get(`${namespace}/${name}`);
  }

  /** Why an Application may not stand as it is: namespace, project, sources, destination; nothing where it may. */
  problemsOf(app: Application): readonly DriftlessError[] {
    return this.#gate.problems(app);
  }

  /** Which applications a change of their project would leave without what they use now, by name. */
  lostBy(change: { readonly before: AppProject; readonly after: AppProject }): LostApplications {
    const found = { sources: [] as string[], destinations: [] as string[] };
    for (const { app, tag } of this.#states.values()) {
      if ((app.spec.project || "default") !== change.before.metadata.name) continue;
      const { source, destination } = this.#gate.lost(app, change);
      if (source) found.sources.push(tag);
      if (destination) found.destinations.push(tag);
    }
    return found;
  }

  /** Error: PROJECT_FORBIDS where the application's project no longer permits it, or permits none of these sources. */
  requirePermitted(app: Application, sources: readonly ApplicationSource[]): void {
    const { project } = this.#gate.check(app);
    this.#gate.operation(project, sources);
  }

  /** What is to be known of an application that is not on the server, to render it; nothing of it is followed or kept. */
  outline(app: Application): AppState {
    const { namespace = this.#options.namespace, name = "" } = app.metadata;
    return newAppState(`${namespace}/${name}`, this.#tagOf(app), app, this.#options.health);
  }

  states(): IterableIterator<AppState> {
    return this.#states.values();
  }

  /** Compares everything anew: settings or clusters changed. */
  everythingAgain(): void {
    for (const state of this.#states.values()) {
      state.compareAll = true;
      state.desiredFor = "";
      state.table.invalidate();
      this.#loop.enqueue(state.key);
    }
  }

  /** Takes in an application that somebody of this process wrote, at once. */
  observe(app: Application): void {
    this.#options.applications.observe(app);
  }

  /** What the application would desire at other revisions; nothing changes. Errors: those of rendering. */
  desiredAt(op: Operation, state: AppState, revisions: readonly RevisionChoice[]): Promise<Desired> {
    return this.#reconciler.desiredAt(op, state, revisions);
  }

  /** The plan that an operation would have now; nothing is started. Errors: those of the application's spec and of rendering. */
  planAt(op: Operation, state: AppState, sync: SyncOperation): Promise<PlanOutlook> {
    return this.#reconciler.planAt(op, state, sync);
  }

  /** What the application's operation waits for now, with the reasons. */
  waitingFor(state: AppState): readonly WaitingFor[] {
    if (state.app.metadata.deletionTimestamp !== undefined) return this.#dependencies.deletionWaits(state);
    const held = [...this.#windows.waits(state), ...this.#dependencies.waits(state)];
    return held.length > 0 ? held : operationWaits(state, this.#options.clock.now());
  }

  /** Objects in the application's namespace that no application manages; none where its project does not ask for them. */
  orphansOf(state: AppState): readonly LiveEntry[] {
    const project = this.#options.project(state.app.spec.project || "default");
    return (project && this.#orphans.of(state, project)) ?? [];
  }

  #isManaged(cluster: DestinationCluster, entry: LiveEntry): boolean {
    if (entry.tag !== undefined && this.#byTag.has(entry.tag)) return true;
    return this.#desiredBy.has(`${cluster.server} ${keyText(entry.key)}`);
  }

  /** What a sync by hand would wait for before its first step, if it was asked for now. */
  startWaits(state: AppState): readonly WaitingFor[] {
    const project = this.#options.project(state.app.spec.project || "default");
    return [...(project ? this.#windows.outlook(state, project) : []), ...this.#dependencies.outlook(state)];
  }

  /** What the sync windows of the application's project say of it. Error: SPEC_INVALID where there is no such project. */
  windowsOf(state: AppState): SyncWindowsAnswer {
    const name = state.app.spec.project || "default";
    const project = this.#options.project(name);
    if (!project) throw new DriftlessError("SPEC_INVALID", `project ${name} does not exist`);
    return this.#windows.describe(state, project);
  }

  /** What the application depends on, with why that is not ready, and who depends on it. */
  dependenciesOf(state: AppState): ReturnType<Dependencies["of"]> {
    return this.#dependencies.of(state.key);
  }

  dependentsOf(state: AppState): readonly string[] {
    return this.#dependencies.dependentsOf(state.key);
  }

  /** How the live state would compare with another desired state; nothing changes. */
  compareWith(op: Operation, state: AppState, desired: Desired): Promise<readonly Row[]> {
    return this.#reconciler.compareWith(op, state, desired);
  }

  /** How the live state compares with these manifests, each a JSON text, by the API server's word; keeps and changes nothing. */
  compareManifests(op: Operation, state: AppState, manifests: readonly string[]): Promise<readonly Row[]> {
    return this.#reconciler.compareManifests(op, state, manifests);
  }

  /** Annotations of Secrets that are masked in answers besides their data. */
  get maskedAnnotations(): readonly string[] {
    return this.#options.settings().maskedAnnotations;
  }

  onTreeChange(listener: TreeListener): () => void {
    this.#treeListeners.add(listener);
    return () => this.#treeListeners.delete(listener);
  }

  #wake(key: string, delayMs: number): void {
    if (delayMs <= 0) this.#loop.enqueue(key);
    else this.#loop.enqueueAfter(key, delayMs);
  }

  #wakeKnown(key: string): void {
    if (this.#states.has(key)) this.#loop.enqueue(key);
  }

  #sourceChanged(key: string, why: "content" | "problem"): void {
    const state = this.#states.get(key);
    if (!state) return;
    if (why === "content") state.renderDirty = true;
    this.#loop.enqueue(key);
  }

  /**
   * Writes down, a few a second, under which revision applications stand that the commits in between did not touch: tools
   * read it, but it is not worth a write for each application and commit.
   */
  #sweep(): void {
    const { clock, random } = this.#options;
    let delayMs = 0;
    for (const state of this.#states.values()) {
      const written = state.app.status?.sync;
      const now = this.sources.revisions(state.key);
      const before = state.app.spec.sources?.length ? (written?.revisions ?? []) : [written?.revision];
      if (!state.desired || state.renderDirty || sameJson(now, before)) continue;
      state.revisionDue = true;
      this.#loop.enqueueAfter(state.key, (delayMs += sweepEveryMs));
    }
    const { reconciliationMs, reconciliationJitterMs } = this.#options.settings();
    if (reconciliationMs <= 0) return;
    this.#cancelSweep = clock.after(Math.max(delayMs, reconciliationMs) + random.next() * reconciliationJitterMs, () =>
      this.#sweep(),
    );
  }

  #applicationChanged({ before, after }: InformerChange<Application>): void {
    const named = (after ?? before)!;
    const key = `${named.metadata.namespace ?? ""}/${named.metadata.name ?? ""}`;
    const known = this.#states.get(key);
    if (!after) {
      if (known) this.#forget(known);
      return;
    }
    if (known && known.app.metadata.uid === after.metadata.uid) {
      const wanted = concerns(known.app, after);
      const ends = this.#endsOperation(known, after);
      const goes = after.metadata.deletionTimestamp !== undefined;
      const went = known.app.metadata.deletionTimestamp !== undefined;
      known.app = after;
      // The request is off the server: the next one is another, also where it asks for the same.
      if (after.operation === undefined) known.carriedOut = undefined;
      if (wanted) known.specDirty = true;
      this.#dependencies.changed(key, after);
      if (ends || (goes && !went)) known.interrupt?.();
      if (ends) this.#loop.hurry(key);
      else if (wanted) this.#loop.enqueue(key);
      return;
    }
    if (known) this.#forget(known);
    const state = newAppState(key, this.#tagOf(after), after, this.#options.health);
    this.#states.set(key, state);
    this.#byTag.set(state.tag, state);
    this.#dependencies.changed(key, after);
    this.#loop.enqueue(key);
  }

  /** Whether somebody asks for the end of the operation under way: by its phase, or by taking the request back. */
  #endsOperation(known: AppState, after: Application): boolean {
    const asked = after.status?.operationState;
    const current = known.operationState;
    const takenBack = known.running !== undefined && known.app.operation !== undefined && after.operation === undefined;
    if (asked?.phase !== "Terminating" && !takenBack) return false;
    if (current?.phase === "Terminating") return false;
    if (known.running === undefined) {
      // One that has ended here already is ended; the record of it is on its way.
      if (current?.finishedAt !== undefined && current.startedAt === asked?.startedAt) return false;
      known.operationState = asked;
    } else if (current) known.operationState = { ...current, phase: "Terminating" };
    return true;
  }

  #tagOf(app: Application): string {
    const { namespace = "", name = "" } = app.metadata;
    return namespace === this.#options.namespace ? name : `${namespace}/${name}`;
  }

  #forget(state: AppState): void {
    this.#states.delete(state.key);
    this.#byTag.delete(state.tag);
    this.#indexDesired({ ...state, desired: undefined }, state.desired);
    this.sources.forget(state.key);
    this.#loop.forget(state.key);
    this.#dependencies.gone(state.key);
    this.#orphans.forget(state.key);
  }

  #projectsChanged(names: ReadonlySet<string>): void {
    for (const state of this.#states.values()) {
      if (!names.has(state.app.spec.project || "default")) continue;
      // What of the live objects counts may be another.
      state.compareAll = true;
      state.table.invalidate();
      this.#loop.enqueue(state.key);
    }
  }

  #follow(cluster: DestinationCluster): void {
    this.#stops.push(
      cluster.cache.subscribe((change) => this.#liveChanged(cluster, change)),
      cluster.cache.subscribeTypes(() => this.#kindsChanged(cluster)),
    );
  }

  /** Applications that want a kind which their cluster did not know look again. */
  #kindsChanged(cluster: DestinationCluster): void {
    for (const state of this.#states.values()) {
      if (state.cluster === cluster && (state.desired?.unknownKinds.length ?? 0) > 0) this.#loop.enqueue(state.key);
    }
  }

  /** Looks again at rows whose health scripts say something new, and tells those who watch trees. */
  #healthChanged(uids: ReadonlySet<string>): void {
    for (const state of this.#states.values()) {
      for (const { text, live } of state.table.rows()) {
        if (live && uids.has(live.uid)) this.#markRow(state, text);
      }
      for (const listener of this.#treeListeners) listener(state.key);
    }
  }

  /** Marks what a change of a live object concerns: the application that tracking names, or that desires the object. */
  #liveChanged(cluster: DestinationCluster, { before, after }: { before?: LiveEntry; after?: LiveEntry }): void {
    const entry = (after ?? before)!;
    const text = keyText(entry.key);
    if (!after) this.#options.health.forget(entry.uid);
    const mark = (): void => {
      this.#markLive(cluster, before?.tag, text);
      if (after?.tag !== before?.tag) this.#markLive(cluster, after?.tag, text);
      const owner = this.#desiredBy.get(`${cluster.server} ${text}`);
      if (owner !== undefined) this.#markRow(this.#states.get(owner), text);
    };
    this.#orphans.liveChanged(cluster, before, after);
    // A sync under way may wait for any field.
    const syncing = after?.tag !== undefined && this.#byTag.get(after.tag)?.running !== undefined;
    if (syncing || this.#updates.counts(before, after, mark)) mark();
    if (this.#treeListeners.size > 0) this.#tellTrees(cluster, entry);
  }

  #markLive(cluster: DestinationCluster, tag: string | undefined, text: string): void {
    const state = tag === undefined ? undefined : this.#byTag.get(tag);
    if (state?.cluster === cluster) this.#markRow(state, text);
  }

  #markRow(state: AppState | undefined, text: string): void {
    if (!state) return;
    state.dirty.add(text);
    this.#loop.enqueue(state.key);
  }

  /** Tells the listeners about the application at the root of the object's owners. */
  #tellTrees(cluster: DestinationCluster, entry: LiveEntry): void {
    const tag = rootTag(cluster.cache, entry);
    const state = tag === undefined ? undefined : this.#byTag.get(tag);
    if (state) for (const listener of this.#treeListeners) listener(state.key);
  }

  #indexDesired(state: AppState, before: AppState["desired"]): void {
    const server = state.cluster?.server;
    if (server === undefined) return;
    const after = state.desired?.objects;
    const changed: ObjectKey[] = [];
    for (const [text, { key }] of before?.objects ?? []) {
      if (after?.has(text)) continue;
      changed.push(key);
      if (this.#desiredBy.get(`${server} ${text}`) === state.key) this.#desiredBy.delete(`${server} ${text}`);
    }
    for (const [text, { key }] of after ?? []) {
      if (!before?.objects.has(text)) changed.push(key);
      this.#desiredBy.set(`${server} ${text}`, state.key);
    }
    this.#orphans.desiresChanged(state.cluster!, changed);
  }

  /** The application that desires an object, if one does: to tell of objects that two applications want. */
  desiredBy(server: string, key: ObjectKey): string | undefined {
    return this.#desiredBy.get(`${server} ${keyText(key)}`);
  }
}

/** Whether the difference between two versions of an application asks for a pass: not where only its status changed. */
function concerns(before: Application, after: Application): boolean {
  if (before === after) return false;
  const phase = (app: Application): string | undefined => app.status?.operationState?.phase;
  return (
    !sameJson(before.spec, after.spec) ||
    !sameJson(before.operation, after.operation) ||
    before.metadata.deletionTimestamp !== after.metadata.deletionTimestamp ||
    !sameJson(before.metadata.finalizers, after.metadata.finalizers) ||
    (phase(after) === "Terminating" && phase(before) !== "Terminating") ||
    watchedAnnotations.some((name) => before.metadata.annotations?.[name] !== after.metadata.annotations?.[name])
  );
}

const watchedAnnotations = [
  annotation.refresh,
  annotation.skipReconcile,
  annotation.deletionApproved,
  annotation.dependsOn,
];
