// One pass over one application: a list of gates (spec, project, cluster, desired state, comparison, operation), then
// one status patch. Each failure becomes one condition; what was known is kept, and nothing is pruned on doubt.
import { DriftlessError, toError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { JsonObject } from "#base/json.ts";
import { sameJson, stableStringify } from "#base/json.ts";
import {
  sourcesOf,
  type Application,
  type ApplicationCondition,
  type ApplicationStatus,
  type AppProject,
  type HealthStatusCode,
  type OperationState,
  type SyncOperation,
  type SyncStatusCode,
} from "#model/application.ts";
import { annotation } from "#model/names.ts";
import { displayKey, gvkOf, keyText, type KubernetesObject, type ObjectKey, parseKeyText } from "#model/object.ts";
import type { SyncPlan } from "#core/sync/plan.ts";
import { rfc3339 } from "#base/ports.ts";
import { isDestinationPermitted, isSourcePermitted } from "#core/policy/project.ts";
import { sourceProblem } from "#core/policy/sources.ts";
import type { LiveEntry } from "#kube/live.ts";
import { Aborts } from "#kube/aborts.ts";
import type { Informer } from "#runtime/informer.ts";
import type { Outcome } from "#runtime/loop.ts";
import { ComparePolicy } from "./compare-policy.ts";
import { applicationType } from "./application-type.ts";
import { DeletionGate } from "./deletion.ts";
import type { ApplicationControllerDeps, DestinationCluster } from "./deps.ts";
import type { Dependencies } from "./dependencies.ts";
import type { Fights } from "./fights.ts";
import type { Orphans } from "./orphans.ts";
import type { Holds } from "./holds.ts";
import type { Desired } from "./desired.ts";
import { desiredAt, followRequest, scopeOf, toDesired } from "./requests.ts";
import { describeSourceError, type RevisionChoice, type Sources } from "./sources.ts";
import { localSource } from "./local-manifests.ts";
import { OperationGate } from "./operation.ts";
import { makePlan } from "./planning.ts";
import type { AppState } from "./state.ts";
import { buildStatus, statusPatch } from "./status.ts";
import { fittingStatus } from "./status-size.ts";
import { ComparisonTable, type Row, type TableInputs } from "./table.ts";
import { wholeObjects } from "./whole-objects.ts";

export { applicationType };

/** Status writes of one application come at most this often, but for those that must stand before a step is taken. */
const writeEveryMs = 1000;
/** The same while more applications ask for a pass than can be worked on. */
const writeEveryBusyMs = 5000;
/** The same where neither sync status nor operation have changed: health goes up and down while others wait to be synced. */
const healthBusyMs = 30_000;
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
  readonly dependencies: Dependencies;
  readonly holds: Holds;
  readonly fights: Fights;
  readonly orphans: Orphans;
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
  readonly #deletions: DeletionGate;
  readonly #aborts = new Aborts();
  readonly #policy: ComparePolicy;
  readonly #answers = new WeakMap<AppProject, Map<string, boolean>>();

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#policy = new ComparePolicy(options);
    this.#operations = new OperationGate({
      ...options,
      record: (op, state) => this.#write(op, state, { urgent: true }),
      recompare: (op, state) => this.#recompare(op, state),
      respected: (op, state, ends) => this.#policy.respected(op, { state, cluster: state.cluster! }, ends),
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
    const waitMs = await this.#operations.step(op, state, pass);
    await this.#write(op, state, { pass });
    return this.#outcome(pass, waitMs);
  }

  /** What the application would desire at other revisions; changes nothing. Errors: those of its spec and of rendering. */
  async desiredAt(op: Op, state: AppState, revisions: readonly RevisionChoice[]): Promise<Desired> {
    const project = this.#specGate(state, this.#options.project(state.app.spec.project || "default"));
    const cluster = this.#permittedCluster(state, project);
    await cluster.ready(op);
    const tracking = this.#options.tracking();
    return desiredAt(op, { state, project, cluster, tracking, sources: this.#options.sources }, { revisions });
  }

  /** How the live state would compare with another desired state; keeps and changes nothing. */
  async compareWith(op: Op, state: AppState, desired: Desired): Promise<readonly Row[]> {
    const project = this.#specGate(state, this.#options.project(state.app.spec.project || "default"));
    const cluster = this.#permittedCluster(state, project);
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
    const project = this.#specGate(state, this.#options.project(state.app.spec.project || "default"));
    const cluster = this.#permittedCluster(state, project);
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
    const project = this.#specGate(state, this.#options.project(state.app.spec.project || "default"));
    const cluster = this.#permittedCluster(state, project);
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
    const project = this.#specGate(state, pass.project);
    const cluster = this.#clusterGate(state, project);
    await cluster.ready(op);
    await this.#desiredGate(op, state, { pass, project, cluster });
    await this.#deletions.prepare(op, state);
    await this.#compareGate(op, state, cluster);
  }

  /** What the application desires, rendered where it is not known. Errors: those of its spec and of rendering. */
  async #desiredNow(op: Op, state: AppState): Promise<Desired> {
    const project = this.#specGate(state, this.#options.project(state.app.spec.project || "default"));
    const cluster = this.#clusterGate(state, project);
    await cluster.ready(op);
    const pass: Pass = { project, refresh: undefined, failure: undefined, warnings: [] };
    await this.#desiredGate(op, state, { pass, project, cluster });
    return state.desired!;
  }

  #specGate(state: AppState, project: AppProject | undefined): AppProject {
    const { spec } = state.app;
    if (!project) {
      throw new DriftlessError(
        "SPEC_INVALID",
        `Application references project ${spec.project || "default"}, which does not exist`,
        { details: { field: "spec.project" } },
      );
    }
    const problem = sourceProblem(spec);
    if (problem) throw new DriftlessError("SPEC_INVALID", problem.message, { details: { field: problem.field } });
    for (const source of sourcesOf(spec)) {
      if (!this.#permits(project, `source ${source.repoURL}`, () => isSourcePermitted(project.spec, source.repoURL))) {
        throw new DriftlessError(
          "PROJECT_FORBIDS",
          `application repo ${source.repoURL} is not permitted in project '${project.metadata.name}'`,
          { details: { field: "spec.source.repoURL" } },
        );
      }
    }
    return project;
  }

  /** A project's answer, asked once: patterns are compiled for each question. */
  #permits(project: AppProject, question: string, ask: () => boolean): boolean {
    let answers = this.#answers.get(project);
    if (!answers) this.#answers.set(project, (answers = new Map()));
    let answer = answers.get(question);
    if (answer === undefined) answers.set(question, (answer = ask()));
    return answer;
  }

  #clusterGate(state: AppState, project: AppProject): DestinationCluster {
    const cluster = this.#permittedCluster(state, project);
    if (state.cluster !== cluster) {
      state.cluster = cluster;
      state.table.clear();
      state.compareAll = true;
      state.desiredFor = "";
    }
    return cluster;
  }

  #permittedCluster(state: AppState, project: AppProject): DestinationCluster {
    const { destination } = state.app.spec;
    const cluster = this.#options.clusters.find(destination);
    if (cluster instanceof DriftlessError) throw cluster;
    const { server, name } = cluster;
    const namespace = destination.namespace ?? "";
    const permits = (): boolean => isDestinationPermitted(project.spec, { server, name, namespace });
    if (!this.#permits(project, `destination ${server} ${name} ${namespace}`, permits)) {
      throw new DriftlessError(
        "PROJECT_FORBIDS",
        `application destination server '${server}' and namespace '${namespace}' do not match any of the allowed destinations in project '${project.metadata.name}'`,
        { details: { field: "spec.destination" } },
      );
    }
    return cluster;
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
      if (changed) state.table.updateKeys(inputs, changed);
      else state.table.updateAll(inputs);
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
    return {
      application: state.tag,
      desired,
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

  async #write(op: Op, state: AppState, how: { pass?: Pass; urgent?: boolean }): Promise<void> {
    const { clock, control } = this.#options;
    const refresh = how.pass?.refresh;
    const app = state.app;
    const status = buildStatus({
      app,
      rows: state.table.rows(),
      desired: state.desired,
      conditions: this.#conditions(state, how.pass),
      operationState: state.operationState,
      history: this.#operations.history(state),
      nowMs: clock.now(),
      refreshed: refresh !== undefined,
      persistHealth: this.#options.settings().persistHealth,
    });
    const wanted = fittingStatus(status);
    this.#options.dependencies.judged(state, wanted);
    const extra = extraPatch(state, refresh);
    const patch = statusPatch(app, wanted, extra);
    if (!patch || (extra === undefined && !state.revisionDue && !worthWriting(app, wanted))) return;
    const sinceMs = clock.monotonic() - state.lastWriteMs;
    if (!how.urgent && extra === undefined && sinceMs < this.#pauseMs(app, wanted)) {
      this.#options.wake(state.key, writeEveryMs - (sinceMs % writeEveryMs));
      return;
    }
    state.lastWriteMs = clock.monotonic();
    state.revisionDue = false;
    const ref = { namespace: app.metadata.namespace ?? "", name: app.metadata.name ?? "" };
    try {
      const written = await control.patch(op, applicationType, ref, { type: "merge", body: patch });
      this.#announce(app, written as Application);
      // The answer may hold what somebody else changed meanwhile: whoever follows applications compares and asks for a pass.
      this.#options.applications.observe(written as Application);
      state.app = this.#options.applications.get(ref.namespace, ref.name) ?? (written as Application);
      if (extra?.["operation"] === null) this.#tookOff(state);
    } catch (thrown) {
      const error = toError(thrown);
      if (error.code === "NOT_FOUND") return;
      state.lastWriteMs = Number.NEGATIVE_INFINITY;
      throw error;
    }
  }

  /** The request that was carried out is off the server: one that stands there now came after it, and is another. */
  #tookOff(state: AppState): void {
    state.carriedOut = undefined;
    if (state.app.operation !== undefined) this.#options.wake(state.key, 0);
  }

  /** How long after its last write an application's status is written again. */
  #pauseMs(app: Application, wanted: ApplicationStatus): number {
    if (!this.#options.busy()) return writeEveryMs;
    const sync =
      app.status?.sync?.status === wanted.sync?.status &&
      app.status?.operationState?.phase === wanted.operationState?.phase;
    return sync ? healthBusyMs : writeEveryBusyMs;
  }

  #conditions(state: AppState, pass: Pass | undefined): readonly ApplicationCondition[] {
    const found: ApplicationCondition[] = [];
    const failure = pass ? pass.failure : state.failure;
    if (failure) found.push({ type: failure.entry.condition ?? "UnknownError", message: failure.message });
    const problem = failure ? undefined : this.#options.sources.problem(state.key);
    if (problem)
      found.push({ type: "ComparisonError", message: `compared with the last known commit: ${problem.message}` });
    const desired = state.desired;
    if (desired) {
      found.push(...desired.conditions);
      for (const object of desired.unknownKinds.slice(0, 1)) {
        found.push({
          type: "ComparisonError",
          message: `${object.file}:${object.line}: the cluster does not know the kind of ${displayKey(object.key)} (${object.object.apiVersion})${desired.unknownKinds.length > 1 ? `, nor ${desired.unknownKinds.length - 1} more` : ""}: install its CustomResourceDefinition first`,
        });
      }
      for (const { object, reason } of desired.forbidden.slice(0, 1)) {
        found.push({
          type: "InvalidSpecError",
          message: `${object.file}:${object.line}: ${displayKey(object.key)}: ${reason}`,
        });
      }
      const broken = state.table.rows().find((row) => row.error !== undefined);
      if (broken) found.push({ type: "ComparisonError", message: `${displayKey(broken.key)}: ${broken.error}` });
      found.push(...healthProblems(state));
      found.push(...sharedWarnings(state));
    }
    found.push(...this.#options.dependencies.conditions(state), ...this.#options.fights.conditions(state));
    if (desired && pass) found.push(...this.#options.orphans.conditions(state, pass.project));
    else found.push(...(state.app.status?.conditions ?? []).filter(({ type }) => type === "OrphanedResourceWarning"));
    // A sync that failed for a reason that stands here already is not told of twice.
    if (!found.some(({ type }) => type.endsWith("Error"))) found.push(...this.#operations.conditions(state));
    return found;
  }

  /** Events for changes of sync and health status, as Argo CD words them. */
  #announce(before: Application, after: Application): void {
    const syncs = [before.status?.sync?.status ?? "", after.status?.sync?.status ?? ""] as [
      SyncStatusCode | "",
      SyncStatusCode | "",
    ];
    if (syncs[0] !== syncs[1]) {
      this.#options.events.record(after, {
        type: "Normal",
        reason: "ResourceUpdated",
        message: `Updated sync status: ${syncs[0]} -> ${syncs[1]}`,
      });
    }
    const healths = [before.status?.health?.status ?? "", after.status?.health?.status ?? ""] as [
      HealthStatusCode | "",
      HealthStatusCode | "",
    ];
    if (healths[0] !== healths[1]) {
      this.#options.events.record(after, {
        type: "Normal",
        reason: "ResourceUpdated",
        message: `Updated health status: ${healths[0]} -> ${healths[1]}`,
      });
    }
  }
}

/** What goes with a status patch: the refresh that was answered, the operation that has ended. */
function extraPatch(state: AppState, refresh: string | undefined): JsonObject | undefined {
  const { carriedOut } = state;
  // A request that came since, and was not begun yet, stays.
  const ended = carriedOut !== undefined && state.running === undefined && sameJson(state.app.operation, carriedOut);
  const started = state.running?.announce === true && state.app.operation === undefined;
  if (refresh === undefined && !ended && !started) return undefined;
  return {
    ...(refresh === undefined ? {} : { metadata: { annotations: { [annotation.refresh]: null } } }),
    ...(ended ? { operation: null } : {}),
    ...(started ? { operation: state.running!.operation as unknown as JsonObject } : {}),
  };
}

/** A new revision that changed nothing of the application is not worth a write by itself; the slow sweep brings it. */
function worthWriting(app: Application, wanted: Application["status"]): boolean {
  const before = app.status;
  const blank = (status: Application["status"]): unknown => ({
    ...status,
    reconciledAt: "",
    sync: { ...status?.sync, revision: "", revisions: [] },
  });
  return before === undefined || !sameJson(blank(before), blank(wanted));
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

/** The first health script that failed: the objects themselves say it too. */
function healthProblems(state: AppState): ApplicationCondition[] {
  let problem: string | undefined;
  let others = -1;
  for (const { key, live } of state.table.rows()) {
    if (!live?.object || !state.health.isCustom(key)) continue;
    const said = state.health.problem(live.object);
    if (said === undefined) continue;
    problem ??= said;
    others++;
  }
  if (problem === undefined) return [];
  const more = others === 0 ? "" : ` (and ${others} more)`;
  return [{ type: "ComparisonError", message: `error setting app health: ${problem}${more}` }];
}

function sharedWarnings(state: AppState): ApplicationCondition[] {
  const shared = state.table
    .rows()
    .find((row) => row.desired && row.live?.tag !== undefined && row.live.tag !== state.tag);
  if (!shared) return [];
  return [
    {
      type: "SharedResourceWarning",
      message: `${displayKey(shared.key)} is part of applications ${state.tag} and ${shared.live!.tag}`,
    },
  ];
}
