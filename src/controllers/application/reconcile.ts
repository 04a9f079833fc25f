// One pass over one application: a list of gates (spec, project, cluster, desired state, comparison, operation), then
// one status patch. Each failure becomes one condition; what was known is kept, and nothing is pruned on doubt.
import { DriftlessError, toError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import { sameJson, stableStringify } from "#base/json.ts";
import type {
  ApplicationStatus,
  Application,
  ApplicationCondition,
  AppProject,
  OperationState,
  SyncOperation,
} from "#model/application.ts";
import { annotation } from "#model/names.ts";
import { displayKey, gvkOf, keyText, type KubernetesObject, type ObjectKey, parseKeyText } from "#model/object.ts";
import type { SyncPlan } from "#core/sync/plan.ts";
import { rfc3339 } from "#base/ports.ts";
import type { LiveEntry } from "#kube/live.ts";
import { Aborts } from "#kube/aborts.ts";
import type { Informer } from "#runtime/informer.ts";
import type { Outcome } from "#runtime/loop.ts";
import { Turns } from "#base/turns.ts";
import { ComparePolicy } from "./comparison/compare-policy.ts";
import { conditionsOf } from "./status/conditions.ts";
import { DeletionGate } from "./deletion/deletion.ts";
import type { ApplicationControllerDeps, DestinationCluster } from "./deps.ts";
import type { Dependencies } from "./operation/dependencies.ts";
import type { Fights } from "./comparison/fights.ts";
import type { Orphans } from "./tree/orphans.ts";
import type { Holds } from "./operation/holds.ts";
import type { Desired } from "./desired/desired.ts";
import { desiredAt, followRequest, scopeOf, toDesired } from "./desired/requests.ts";
import { describeSourceError, type RevisionChoice, type Sources } from "./desired/sources.ts";
import { localSource } from "./desired/local-manifests.ts";
import { OperationGate } from "./operation/operation.ts";
import { makePlan } from "./operation/planning.ts";
import { livePermits } from "./comparison/live-permits.ts";
import type { SpecGate } from "./spec-gate.ts";
import type { AppState } from "./state.ts";
import { StatusWriter } from "./status/status-writer.ts";
import { ComparisonTable, type Row, type TableInputs } from "./comparison/table.ts";
import { wholeObjects } from "./comparison/whole-objects.ts";

/** After a comparison lacked what it asks the engine or the API server for. */
const askAgainMs = 10_000;

export interface ReconcilerOptions extends Omit<ApplicationControllerDeps, "sources"> {
  readonly applications: Informer<Application>;
  readonly sources: Sources;
  syncEnded(app: Application, ended: OperationState): void;
  readonly states: ReadonlyMap<string, AppState>;
  wake(key: string, delayMs: number): void;
  /** Whether more applications ask for a pass than are worked on. */
  busy(): boolean;
  desiredChanged(state: AppState, before: Desired | undefined): void;
  /** Passes end with the comparison: nothing is written, synced or deleted. */
  readonly onlyLooks?: boolean;
  readonly dependencies: Dependencies;
  readonly holds: Holds;
  readonly fights: Fights;
  readonly orphans: Orphans;
  readonly gate: SpecGate;
}

/** A plan before it runs. */
export interface PlanOutlook {
  readonly plan: SyncPlan;
  readonly desired: Desired;
  readonly rows: ReadonlyMap<string, Row>;
}

interface Pass {
  readonly project: AppProject | undefined;
  /** The refresh that was asked for by annotation, which this pass answers. */
  readonly refresh: string | undefined;
  failure: DriftlessError | undefined;
  readonly warnings: ApplicationCondition[];
}

export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #operations: OperationGate;
  readonly #writer: StatusWriter<Pass>;
  readonly #deletions: DeletionGate;
  readonly #aborts = new Aborts();
  readonly #policy: ComparePolicy;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#policy = new ComparePolicy(options);
    this.#operations = new OperationGate({
      ...options,
      record: (op, state) => this.#writer.write(op, state, { urgent: true }),
      recompare: (op, state) => this.#recompare(op, state),
      respected: (op, state, ends) => this.#policy.respected(op, { state, cluster: state.cluster! }, ends),
    });
    const operations = (state: AppState): readonly ApplicationCondition[] => this.#operations.conditions(state);
    this.#writer = new StatusWriter({
      ...options,
      history: (state) => this.#operations.history(state),
      conditions: (state, pass) => conditionsOf({ ...options, operations }, state, pass),
    });
    this.#deletions = new DeletionGate({
      ...options,
      abandon: (op, state) => this.#operations.abandon(op, state),
      desired: (op, state) => this.#desiredNow(op, state),
      observe: (_state, written) => options.applications.observe(written),
      goFirst: (state) => options.dependencies.deletionHold(state),
    });
  }

  async reconcile(op: Op, key: string): Promise<Outcome> {
    const state = this.#options.states.get(key);
    if (!state) return { next: "done" };
    if (this.#options.onlyLooks) return this.#look(op, state);
    if (state.app.metadata.annotations?.[annotation.skipReconcile] === "true") return { next: "done" };
    await this.#operations.endWhereAsked(op, state);
    const breaking = new AbortController();
    const breakOff = (): void => breaking.abort();
    this.#aborts.on(op.signal, breakOff);
    state.interrupt = breakOff;
    try {
      return await this.#pass({ ...op, signal: breaking.signal }, state);
    } catch (thrown) {
      state.interrupt = undefined;
      if (op.signal.aborted || !breaking.signal.aborted) throw thrown;
      // Broken off for what cannot wait for an answer that may never come.
      await this.#operations.endWhereAsked(op, state);
      return { next: "requeue-after", delayMs: 0 };
    } finally {
      state.interrupt = undefined;
      this.#aborts.off(op.signal, breakOff);
    }
  }

  /** The gates without what comes of them; a refresh that is asked for is left to whoever writes the status. */
  async #look(op: Op, state: AppState): Promise<Outcome> {
    const project = this.#options.project(state.app.spec.project || "default");
    const pass: Pass = { project, refresh: undefined, failure: undefined, warnings: [] };
    state.specDirty = false;
    try {
      const { project: permitted, cluster } = this.#specGate(state);
      await cluster.ready(op);
      await this.#desiredGate(op, state, { pass, project: permitted, cluster });
      await this.#compareGate(op, state, cluster);
    } catch (thrown) {
      pass.failure = toError(thrown);
      if (pass.failure.code === "CANCELLED") throw thrown;
    }
    state.failure = pass.failure;
    return this.#outcome(pass, undefined);
  }

  async #pass(op: Op, state: AppState): Promise<Outcome> {
    if (state.app.metadata.deletionTimestamp !== undefined) return this.#deletions.step(op, state);
    const pass: Pass = {
      project: this.#options.project(state.app.spec.project || "default"),
      refresh: state.app.metadata.annotations?.[annotation.refresh],
      failure: undefined,
      warnings: [],
    };
    state.specDirty = false;
    try {
      await this.#passGates(op, state, pass);
    } catch (thrown) {
      pass.failure = toError(thrown);
      if (pass.failure.code === "CANCELLED") throw thrown;
    }
    state.failure = pass.failure;
    const turns = new Turns(this.#options.clock);
    const waitMs = await this.#operations.step(op, state, pass);
    await turns.pause();
    await this.#writer.write(op, state, { pass });
    return this.#outcome(pass, waitMs);
  }

  /** The status that the last pass came to, also where nothing is written. */
  statusNow(state: AppState): ApplicationStatus {
    return this.#writer.current(state);
  }

  /** What the application would desire at other revisions; changes nothing. Errors: those of its spec and of rendering. */
  async desiredAt(op: Op, state: AppState, revisions: readonly RevisionChoice[]): Promise<Desired> {
    const { project, cluster } = this.#options.gate.check(state.app);
    await cluster.ready(op);
    const tracking = this.#options.tracking();
    return desiredAt(op, { state, project, cluster, tracking, sources: this.#options.sources }, { revisions });
  }

  /** How the live state would compare with another desired state; keeps and changes nothing. */
  async compareWith(op: Op, state: AppState, desired: Desired): Promise<readonly Row[]> {
    const { cluster } = this.#options.gate.check(state.app);
    await cluster.ready(op);
    const objects = [...desired.objects.values()];
    await cluster.learnKinds(
      op,
      objects.map(({ object }) => object),
    );
    const whole = await wholeObjects(op, cluster, objects);
    const inputs = this.#tableInputs(state, cluster, desired);
    const live = (key: ObjectKey): LiveEntry | undefined => whole.get(keyText(key)) ?? inputs.live(key);
    const { inputs: complete } = await this.#policy.complete(op, { state, cluster }, { ...inputs, live }, objects);
    const table = new ComparisonTable();
    table.updateAll(complete);
    return table.rows();
  }

  /**
   * How the live state compares with these manifests, by dry runs of a server-side apply. Errors: MANIFEST_INVALID;
   * PROJECT_FORBIDS; NOT_FOUND for an object that is live and not this application's.
   */
  async compareManifests(op: Op, state: AppState, manifests: readonly string[]): Promise<readonly Row[]> {
    const { project, cluster } = this.#options.gate.check(state.app);
    await cluster.ready(op);
    const namespace = state.app.spec.destination.namespace ?? "";
    // Nothing is applied: signatures are asked for when it is.
    const unsigned = { ...project, spec: { ...project.spec, signatureKeys: [], sourceIntegrity: undefined } };
    const source = localSource(manifests, { project: unsigned, namespace });
    const desired = await toDesired(op, { state, project, cluster, tracking: this.#options.tracking() }, [source]);
    const [forbidden] = desired.forbidden;
    if (forbidden) throw new DriftlessError("PROJECT_FORBIDS", forbidden.reason);
    for (const { key, text } of desired.objects.values()) {
      const live = cluster.cache.get(key);
      if (live && live.tag !== state.tag && !state.table.row(text))
        throw new DriftlessError(
          "NOT_FOUND",
          `${displayKey(key)} is not part of application ${state.app.metadata.name}`,
        );
    }
    const { metadata } = state.app;
    const before = metadata.annotations?.[annotation.compareOptions];
    const asked = [...(before ? [before] : []), "ServerSideDiff=true"].join(",");
    const annotations = { ...metadata.annotations, [annotation.compareOptions]: asked };
    return this.compareWith(op, { ...state, app: { ...state.app, metadata: { ...metadata, annotations } } }, desired);
  }

  /** The plan that an operation would have now, with how each object compares; starts and changes nothing. */
  async planAt(op: Op, state: AppState, sync: SyncOperation): Promise<PlanOutlook> {
    const { project, cluster } = this.#options.gate.check(state.app);
    await cluster.ready(op);
    const { sources, clock } = this.#options;
    const context = { state, project, cluster, sources, tracking: this.#options.tracking() };
    const startedAt = rfc3339(clock.now());
    const request = { sync, automated: false, startedAt, attempt: 0, pruneConfirmed: false };
    const { plan, desired } = await makePlan(op, context, request);
    const rows = desired === state.desired ? state.table.rows() : await this.compareWith(op, state, desired);
    return { plan, desired, rows: new Map(rows.map((row) => [row.text, row])) };
  }

  /** What comes next: failures that time may mend are tried again; the rest waits for a change. */
  #outcome(pass: Pass, waitMs: number | undefined): Outcome {
    if (pass.failure?.entry.retryable) return { next: "retry", error: pass.failure };
    if (waitMs !== undefined) return { next: "requeue-after", delayMs: waitMs };
    return pass.failure ? { next: "terminal", error: pass.failure } : { next: "done" };
  }

  async #passGates(op: Op, state: AppState, pass: Pass): Promise<void> {
    const { project, cluster } = this.#specGate(state);
    await cluster.ready(op);
    const turns = new Turns(this.#options.clock);
    await this.#desiredGate(op, state, { pass, project, cluster });
    await this.#deletions.prepare(op, state);
    await turns.pause();
    await this.#compareGate(op, state, cluster);
  }

  /** What the application desires, rendered where it is not known. Errors: those of its spec and of rendering. */
  async #desiredNow(op: Op, state: AppState): Promise<Desired> {
    const { project, cluster } = this.#specGate(state);
    await cluster.ready(op);
    const pass: Pass = { project, refresh: undefined, failure: undefined, warnings: [] };
    await this.#desiredGate(op, state, { pass, project, cluster });
    return state.desired!;
  }

  /** Project and cluster of the application, which is moved there. Errors: those of its spec. */
  #specGate(state: AppState): { readonly project: AppProject; readonly cluster: DestinationCluster } {
    const { project, cluster } = this.#options.gate.check(state.app);
    if (state.cluster !== cluster) {
      state.cluster = cluster;
      state.table.clear();
      state.compareAll = true;
      state.desiredFor = "";
    }
    return { project, cluster };
  }

  async #desiredGate(
    op: Op,
    state: AppState,
    given: { pass: Pass; project: AppProject; cluster: DestinationCluster },
  ): Promise<void> {
    const { pass, project, cluster } = given;
    const { sources } = this.#options;
    const hard = pass.refresh === "hard" || state.hardRefreshDue;
    const request = { ...followRequest(state.app, state.key, cluster), again: hard };
    if (pass.refresh !== undefined || hard) {
      state.hardRefreshDue = false;
      if (hard) {
        cluster.client.discovery.invalidate();
        this.#policy.forgetAnswers();
        state.table.invalidate();
      }
      await sources.refresh(op, request);
      state.renderDirty = true;
      state.compareAll = true;
    }
    const wantedFor = stableStringify([
      state.app.spec.source,
      state.app.spec.sources,
      state.app.spec.destination,
      request.generatePaths,
      project.spec,
      state.cluster?.server,
      this.#options.tracking(),
    ]);
    // A kind that was unknown and is served now decides anew where its objects go.
    const kindsArrived = state.desired?.unknownKinds.some(
      ({ object }) => scopeOf(cluster, gvkOf(object)) !== undefined,
    );
    const settingsChanged = state.desiredFor !== wantedFor || kindsArrived === true;
    if (!state.renderDirty && !settingsChanged && state.desired) {
      this.#moveRevisions(state);
      return;
    }
    const before = state.desired;
    state.renderDirty = false;
    try {
      const rendered = await sources.follow(op, request);
      state.desired = await toDesired(op, { state, project, cluster, tracking: this.#options.tracking() }, rendered);
    } catch (thrown) {
      state.renderDirty = true;
      state.desired = undefined;
      const error = toError(thrown);
      throw new DriftlessError(error.code, describeSourceError(error, request.sources), {
        details: error.details,
        cause: error,
      });
    }
    state.desiredFor = wantedFor;
    this.#options.desiredChanged(state, before);
    this.#markChanged(state, before);
    await cluster.cache.manage([...state.desired.objects.values(), ...state.desired.hooks].map(({ key }) => key));
  }

  /** Unaffected by the commits in between, the desired state is also that of the revision that is followed now. */
  #moveRevisions(state: AppState): void {
    const now = this.#options.sources.revisions(state.key);
    if (
      state.desired &&
      now.length === state.desired.revisions.length &&
      now.every((sha) => sha !== undefined) &&
      !sameJson(now, state.desired.revisions)
    ) {
      state.desired = { ...state.desired, revisions: now };
    }
  }

  #markChanged(state: AppState, before: Desired | undefined): void {
    if (!before) {
      state.compareAll = true;
      return;
    }
    const after = state.desired!.objects;
    for (const [text, object] of after) if (before.objects.get(text)?.hash !== object.hash) state.dirty.add(text);
    for (const text of before.objects.keys()) if (!after.has(text)) state.dirty.add(text);
  }

  async #compareGate(op: Op, state: AppState, cluster: DestinationCluster): Promise<void> {
    const desired = state.desired!;
    if (this.#policy.changed(state)) {
      state.compareAll = true;
      state.table.invalidate();
    }
    const changed = state.compareAll ? undefined : [...state.dirty];
    const objects = changed
      ? changed.flatMap((text) => desired.objects.get(text) ?? [])
      : [...desired.objects.values()];
    await cluster.learnKinds(
      op,
      objects.map(({ object }) => object),
    );
    await state.health.learn(op, scripted(state, cluster, changed));
    // What changes from here on marks its row anew: the row may be compared with what is known now.
    for (const text of changed ?? state.dirty) state.dirty.delete(text);
    state.compareAll = false;
    try {
      const given = { state, cluster };
      const { inputs, again } = await this.#policy.complete(
        op,
        given,
        this.#tableInputs(state, cluster, desired),
        objects,
      );
      await state.table.updateInTurns(inputs, changed, new Turns(this.#options.clock));
      if (again.length === 0) return;
      for (const text of again) state.dirty.add(text);
      this.#options.wake(state.key, askAgainMs);
    } catch (thrown) {
      if (!changed) state.compareAll = true;
      for (const text of changed ?? []) state.dirty.add(text);
      throw thrown;
    }
  }

  #tableInputs(state: AppState, cluster: DestinationCluster, desired: Desired): TableInputs {
    const project = this.#options.project(state.app.spec.project || "default");
    return {
      application: state.tag,
      desired,
      permits: project ? livePermits(project, cluster) : () => false,
      live: (key: ObjectKey) => cluster.cache.get(key),
      tagged: () => cluster.cache.tagged(state.tag),
      schemaOf: (object: Parameters<DestinationCluster["schemaOf"]>[0]) => cluster.schemaOf(object),
      settingsFor: (key, object) => this.#policy.of(state).settingsFor(key, object),
      health: state.health,
    };
  }

  /** Takes in answers of the cluster to our own writes: compares the rows of these keys again, within the pass. */
  async #recompare(op: Op, state: AppState): Promise<void> {
    if (state.cluster && state.desired) await this.#compareGate(op, state, state.cluster);
  }
}

/** The live objects of these rows (of all, where none are named) whose health a script decides. */
function scripted(
  state: AppState,
  cluster: DestinationCluster,
  changed: readonly string[] | undefined,
): readonly KubernetesObject[] {
  const found: KubernetesObject[] = [];
  const take = (key: ObjectKey): void => {
    if (!state.health.isCustom(key)) return;
    const object = cluster.cache.get(key)?.object;
    if (object) found.push(object);
  };
  for (const text of changed ?? state.desired!.objects.keys()) take(parseKeyText(text));
  if (!changed) for (const entry of cluster.cache.tagged(state.tag)) take(entry.key);
  return found;
}
