// The operation of one application: which one runs (asked for, automated, or found running after a restart), its plan,
// and its way through core/sync's decisions to an end that is recorded. It can stop at any point and be taken up again.
import { DriftlessError, toError } from "#base/errors.ts";
import { sameJson } from "#base/json.ts";
import type { Operation as Op } from "#base/operation.ts";
import { rfc3339 } from "#base/ports.ts";
import { autoSync } from "#core/sync/autosync.ts";
import { appendHistory, entersHistory } from "#core/sync/history.ts";
import { advance, type SyncProgress } from "#core/sync/progress.ts";
import { deletionApproved } from "#core/sync/plan.ts";
import { recordHookDeletionFailure, recordOutcomes, type SyncOutcome } from "#core/sync/results.ts";
import { nextRetry, retriedMessage, retryingMessage, timedOut } from "#core/sync/retry.ts";
import { planFromEvidence } from "#core/sync/termination.ts";
import { whyForbidden } from "#core/policy/project.ts";
import { ownerApplication } from "#core/track/track.ts";
import {
  type AppProject,
  type Application,
  type ApplicationCondition,
  type Operation,
  type OperationState,
  type ResourceStatus,
  type RevisionHistory,
} from "#model/application.ts";
import { annotation } from "#model/names.ts";
import { keyText, type KubernetesObject, type ObjectKey } from "#model/object.ts";
import type { ApplicationControllerDeps, DestinationCluster } from "../deps.ts";
import { executeSteps, rehearse, type ExecuteContext } from "./execute.ts";
import { clientFor } from "./impersonation.ts";
import { emptyResult, followingNow, newRunning, pinnedBy, resumed, revisionFields } from "./operation-record.ts";
import { hashOf, makePlan } from "./planning.ts";
import type { Sources } from "../desired/sources.ts";
import type { Held, Holds } from "./holds.ts";
import type { Fights } from "../comparison/fights.ts";
import { failureText } from "./sync-failure.ts";
import type { SpecGate } from "../spec-gate.ts";
import type { AppState, RunningOperation } from "../state.ts";
import type { Row } from "../comparison/table.ts";

export interface OperationGateOptions extends Omit<ApplicationControllerDeps, "sources"> {
  readonly sources: Sources;
  /** Writes the application's status now; returns when it stands. */
  record(op: Op, state: AppState): Promise<void>;
  /** Compares again what our own writes changed. */
  recompare(op: Op, state: AppState): Promise<void>;
  /** The object to apply where ignored fields keep their live value (RespectIgnoreDifferences). */
  respected(
    op: Op,
    state: AppState,
    ends: { readonly key: ObjectKey; readonly desired: KubernetesObject; readonly live: KubernetesObject },
  ): Promise<KubernetesObject>;
  /** Told when an operation has ended, for metrics. */
  syncEnded(app: Application, ended: OperationState): void;
  /** What keeps operations from starting or going on. */
  readonly holds: Holds;
  readonly fights: Fights;
  readonly gate: SpecGate;
}

interface Given {
  readonly project: AppProject | undefined;
  readonly failure: DriftlessError | undefined;
}

/** Turns of one pass; a sync that goes on longer continues in the next pass. */
const turnsPerPass = 200;
/** How long ending an operation may wait for the destination before it ends without. */
const terminationMs = 3000;

export class OperationGate {
  readonly #options: OperationGateOptions;

  constructor(options: OperationGateOptions) {
    this.#options = options;
  }

  /** One step of the application's operation, or the start of one. Returns when to look again, in ms from now. */
  async step(op: Op, state: AppState, given: Given): Promise<number | undefined> {
    const { clock } = this.#options;
    if (!state.running && !this.#start(state, given)) return waitUntil(state.retryAtMs, clock.now());
    const running = state.running!;
    if (running.retryAtMs !== undefined && state.operationState?.phase !== "Terminating") {
      if (clock.now() < running.retryAtMs) return running.retryAtMs - clock.now();
      this.#retry(state, running);
    }
    try {
      return await this.#work(op, state, given);
    } catch (thrown) {
      const error = toError(thrown);
      if (error.code === "CANCELLED") throw error;
      await this.#end(op, state, { phase: "Error", message: error.message });
      return waitUntil(state.running?.retryAtMs, clock.now());
    }
  }

  history(state: AppState): readonly RevisionHistory[] | undefined {
    return state.history ?? state.app.status?.history;
  }

  conditions(state: AppState): readonly ApplicationCondition[] {
    return state.syncCondition === undefined ? [] : [{ type: "SyncError", message: state.syncCondition }];
  }

  /** Finds what is to be done: the operation that was under way, that somebody asked for, or that automation starts. */
  #start(state: AppState, given: Given): boolean {
    const recorded = state.operationState;
    const requested = state.app.operation;
    if (recorded && (recorded.phase === "Running" || recorded.phase === "Terminating")) {
      state.running = resumed(recorded);
      return true;
    }
    if (requested) {
      // Its end may not have reached the server yet; it must not run twice.
      if (state.carriedOut && sameJson(state.carriedOut, requested)) return false;
      this.#begin(state, requested, true);
      return true;
    }
    state.carriedOut = undefined;
    const automated = this.#automated(state, given);
    if (!automated) return false;
    this.#begin(state, automated, false);
    return true;
  }

  #begin(state: AppState, operation: Operation, announce: boolean): void {
    const { clock, events } = this.#options;
    state.running = newRunning(operation, { announce });
    const before = Date.parse(state.operationState?.startedAt ?? "") || 0;
    state.operationState = {
      operation,
      phase: "Running",
      // The start names the operation's hooks, in seconds: no two operations may have the same.
      startedAt: rfc3339(Math.max(clock.now(), before + 1000)),
      syncResult: emptyResult(state, operation.sync),
    };
    state.syncCondition = undefined;
    const { automated, username } = operation.initiatedBy ?? {};
    // What somebody asked for by the API, the API has told of.
    if (username && !automated) return;
    const revision = operation.sync?.revision ?? state.desired?.revisions.join(",") ?? "";
    events.record(state.app, {
      type: "Normal",
      reason: "OperationStarted",
      message: `Initiated ${automated ? "automated sync" : "by someone"} to '${revision}'`,
    });
  }

  #automated(state: AppState, { project, failure }: Given): Operation | undefined {
    state.retryAtMs = undefined;
    this.#options.holds.release(state);
    if (failure || !state.desired || !project || !state.cluster) return undefined;
    if (state.desired.unknownKinds.length > 0 && state.desired.objects.size === 0) return undefined;
    const { clock } = this.#options;
    const rows = state.table.rows().filter((row) => !row.isHook && !row.ignored);
    const unknown = rows.some((row) => row.sync === "Unknown");
    const status = unknown ? "Unknown" : rows.some((row) => row.sync === "OutOfSync") ? "OutOfSync" : "Synced";
    const calmAt = this.#options.fights.saw(state, rows);
    if (status !== "OutOfSync") {
      state.syncCondition = undefined;
      state.retryAtMs = calmAt;
      return undefined;
    }
    const decision = autoSync({
      application: withOperationState(state),
      status,
      revision: state.desired.revisions[0] ?? "",
      revisions: state.desired.revisions,
      resources: rows.map(resourceOf),
      now: clock.now(),
      selfHealBackoff: this.#options.settings().selfHeal,
      ...(isAutomated(state.app) ? { window: this.#options.holds.automatedWindow(state, project) } : {}),
      sourcesUnchanged: state.syncedHash !== undefined && state.syncedHash === hashOf(state.desired),
    });
    if ("start" in decision) {
      if (this.#options.holds.automated(state, decision.start)) return undefined;
      const restrained = this.#options.fights.restrain(state, decision.start, rows);
      if ("start" in restrained) return restrained.start;
      state.retryAtMs = restrained.retryAt;
      return undefined;
    }
    // Without automation, a sync that failed stays told of until the next one, or until nothing differs.
    if (isAutomated(state.app)) {
      const { condition } = decision;
      state.syncCondition = condition && failureText(condition, state.operationState, state.desired);
    }
    state.retryAtMs = decision.retryAt;
    return undefined;
  }

  /** The next attempt: of the same commits, or of the newest where the retry strategy says so. */
  #retry(state: AppState, running: RunningOperation): void {
    const refresh = running.operation.retry?.refresh === true;
    const operation = refresh ? followingNow(running.operation, state.desired?.revisions) : running.operation;
    const { finishedAt: _finished, ...current } = state.operationState!;
    const pinned = refresh ? undefined : (running.pinned ?? pinnedBy(current));
    state.running = newRunning(operation, { announce: true, pinned });
    state.operationState = { ...current, operation, phase: "Running", syncResult: emptyResult(state, operation.sync) };
  }

  async #work(op: Op, state: AppState, given: Given): Promise<number | undefined> {
    const { clock } = this.#options;
    const running = state.running!;
    const cluster = state.cluster;
    if (state.operationState!.phase === "Terminating") return this.#terminate(op, state);
    if (!running.operation.sync) {
      const message = "Invalid operation request: no operation specified";
      return this.#end(op, state, { phase: "Failed", message });
    }
    const held = given.project && this.#options.holds.underWay(state, given.project);
    if (held) return this.#held(op, state, held);
    if (!running.plan) {
      // One that had begun waits until its source or cluster answers again; what it has done so far is not lost.
      if (given.failure?.entry.retryable && running.pinned) return this.#waitFor(state, given.failure);
      if (given.failure) throw given.failure;
      await this.#options.fights.identify(op, state);
      const refused = await this.#plan(op, state, this.#permitting(state));
      if (refused) return this.#end(op, state, refused);
    }
    if (timedOut(state.operationState!, this.#options.settings().syncTimeoutMs, clock.now())) {
      state.operationState = { ...state.operationState!, phase: "Terminating" };
      return this.#terminate(op, state);
    }
    const plan = running.plan!;
    if (!plan.pruneConfirmed && deletionApproved(state.app, state.operationState!.startedAt)) {
      running.plan = { ...plan, pruneConfirmed: true };
    }
    const scripted = plan.tasks.filter(({ key }) => state.health.isCustom(key));
    for (let turn = 0; turn < turnsPerPass; turn++) {
      await state.health.learn(
        op,
        scripted.flatMap(({ key }) => cluster!.cache.get(key)?.object ?? []),
      );
      const progress = this.#advance(state, running, cluster!);
      const waits = progress.steps.length === 0 && progress.verify.length === 0;
      await this.#takeIn(op, state, progress);
      if (progress.verify.length > 0) await this.#verify(op, running, cluster!, progress.verify);
      if (progress.steps.length > 0) await this.#execute(op, state, progress);
      if (progress.phase !== "Running" && progress.phase !== "Terminating") return this.#end(op, state, progress);
      if (waits) return progress.retryAt === undefined ? undefined : Math.max(0, progress.retryAt - clock.now());
    }
    return 0;
  }

  /** An operation that may not go on says so, and waits to be woken; one that cannot start as things are ends. */
  async #held(op: Op, state: AppState, held: Held): Promise<number | undefined> {
    if ("refuse" in held) return this.#end(op, state, { phase: "Error", message: held.refuse });
    state.operationState = { ...state.operationState!, message: held.wait };
    return undefined;
  }

  #waitFor(state: AppState, failure: DriftlessError): undefined {
    state.operationState = { ...state.operationState!, message: `waiting to go on: ${failure.message}` };
    return undefined;
  }

  /** Stores what a turn found out, on the server too where the next steps depend on it or destroy its evidence. */
  async #takeIn(op: Op, state: AppState, progress: SyncProgress): Promise<void> {
    const running = state.running!;
    running.waits = progress.waits;
    running.pauseUntilMs = progress.retryAt;
    const current = state.operationState!;
    if (current.message !== progress.message || current.syncResult?.resources !== progress.results) {
      state.operationState = {
        ...current,
        message: progress.message,
        syncResult: { ...current.syncResult!, resources: progress.results },
      };
    }
    const careful = running.plan!.tasks.some((task) => task.action !== "apply");
    if (progress.persistFirst || (careful && progress.steps.length > 0)) {
      running.announce = true;
      await this.#options.record(op, state);
    }
  }

  async #execute(op: Op, state: AppState, progress: SyncProgress): Promise<void> {
    const running = state.running!;
    const context = this.#executing(state);
    const prunes = progress.steps.some(({ actions }) => actions.some((action) => action.type === "prune"));
    const refused = prunes && running.rehearsed !== running.plan ? await this.#rehearse(op, state, progress) : [];
    const { outcomes, undeleted, cancelled } =
      refused.length > 0
        ? { outcomes: refused, undeleted: [], cancelled: false }
        : await executeSteps(op, context, progress.steps);
    let results = recordOutcomes(progress.results, outcomes);
    for (const { task, error } of undeleted) results = recordHookDeletionFailure(results, task, error);
    running.lastWaveAtMs = this.#options.clock.now();
    state.operationState = {
      ...state.operationState!,
      syncResult: { ...state.operationState!.syncResult!, resources: results },
    };
    if (cancelled) throw new DriftlessError("CANCELLED", "the sync was broken off");
  }

  /** The project, where it lets the operation go on as it is now. Errors: those of the application's spec. */
  #permitting(state: AppState): AppProject {
    const { gate } = this.#options;
    if (state.operationState?.phase === "Terminating") {
      const project = gate.project(state.app);
      if (project instanceof DriftlessError) throw project;
      return project;
    }
    const { project } = gate.check(state.app);
    const sync = state.running?.operation.sync;
    gate.operation(project, sync?.sources ?? (sync?.source ? [sync.source] : []));
    return project;
  }

  /** How the application's objects are changed: in whose name, and by which rules. */
  #executing(state: AppState): ExecuteContext {
    const options = this.#options;
    const cluster = state.cluster!;
    // The project may have been narrowed since the plan was made.
    const project = this.#permitting(state);
    const asPlanned = project === state.running?.project;
    const { server, name } = cluster;
    const manager = state.app.metadata.annotations?.[annotation.migrationManager];
    return {
      cluster,
      client: clientFor(state.app, { project, cluster, settings: options.settings() }),
      clock: options.clock,
      random: options.random,
      ...(manager ? { migrationManager: manager } : {}),
      forbids: (key) =>
        asPlanned
          ? undefined
          : whyForbidden(project, key, key.namespace !== "", { server, name, namespace: key.namespace }),
      owns: (meta, key) => ownerApplication(meta, key, options.tracking()) === state.tag,
      respected: (op, { key, desired }, live) => options.respected(op, state, { key, desired: desired!, live }),
    };
  }

  /** Ends the operation under way where somebody asked for it, whatever else is wrong with the application. */
  async endWhereAsked(op: Op, state: AppState): Promise<void> {
    if (state.operationState?.phase === "Terminating") await this.abandon(op, state);
  }

  /** Ends the operation under way at once, whatever it waits for; returns when that stands. */
  async abandon(op: Op, state: AppState): Promise<void> {
    const recorded = state.operationState?.phase;
    if (state.running === undefined && recorded !== "Running" && recorded !== "Terminating") return;
    state.running ??= resumed(state.operationState!);
    state.operationState = { ...state.operationState!, phase: "Terminating" };
    await this.#terminate(op, state);
    await this.#options.record(op, state);
  }

  /** Running hooks are deleted, nobody is waited for; a destination that does not answer holds nothing up for long. */
  async #terminate(op: Op, state: AppState): Promise<undefined> {
    let how: { phase: OperationState["phase"]; message: string } = { phase: "Failed", message: "Operation terminated" };
    const late = new AbortController();
    const cancel = this.#options.clock.after(terminationMs, () => late.abort());
    const bounded: Op = { ...op, signal: AbortSignal.any([op.signal, late.signal]) };
    try {
      const failed = await this.#cleanUp(bounded, state);
      if (failed !== undefined) how = { phase: "Error", message: `Operation termination had errors: ${failed}` };
    } catch (thrown) {
      const error = toError(thrown);
      if (op.signal.aborted) throw error;
      const why = late.signal.aborted ? "the destination does not answer" : error.message;
      how = { phase: "Error", message: `Operation terminated; its running hooks could not be deleted: ${why}` };
    } finally {
      cancel();
    }
    await this.#end(op, state, how);
    return undefined;
  }

  /** Deletes what still runs of the operation's hooks; returns why one could not be deleted. */
  async #cleanUp(op: Op, state: AppState): Promise<string | undefined> {
    const found = this.#options.clusters.find(state.app.spec.destination);
    const cluster = state.cluster ?? (found instanceof DriftlessError ? undefined : found);
    if (!cluster) return undefined;
    state.cluster = cluster;
    await cluster.ready(op);
    const running = state.running!;
    // Without the plan (another process made it, or it was never made) the live hooks themselves tell of it.
    const tagged = [...cluster.cache.tagged(state.tag)].flatMap(({ object }) => object ?? []);
    running.plan ??= planFromEvidence(tagged, state.operationState!);
    const progress = this.#advance(state, running, cluster);
    await this.#takeIn(op, state, progress);
    await this.#execute(op, state, progress);
    const failures = state.operationState!.syncResult?.resources?.filter(({ hookPhase }) => hookPhase === "Error");
    return failures?.find(({ message }) => message?.startsWith("failed to delete"))?.message;
  }

  /** Which of the plan's objects that are still to be applied the cluster would refuse. */
  async #rehearse(op: Op, state: AppState, progress: SyncProgress): Promise<readonly SyncOutcome[]> {
    const running = state.running!;
    running.rehearsed = running.plan!;
    const done = new Set(
      progress.results.map(({ group, kind, namespace, name }) => keyText({ group, kind, namespace, name })),
    );
    const left = running.plan!.tasks.filter(({ key }) => !done.has(keyText(key)));
    return rehearse(op, this.#executing(state), left);
  }

  async #verify(
    op: Op,
    running: RunningOperation,
    cluster: DestinationCluster,
    keys: readonly ObjectKey[],
  ): Promise<void> {
    for (const key of keys) {
      const type = cluster.typeOf(key) ?? (await cluster.client.discovery.find(op, key));
      const ref = key.namespace === "" ? { name: key.name } : { namespace: key.namespace, name: key.name };
      const found = type && (await cluster.client.get(op, type, ref));
      if (found) cluster.cache.observe(found);
      else running.missing.add(keyText(key));
    }
  }

  #advance(state: AppState, running: RunningOperation, cluster: DestinationCluster): SyncProgress {
    const { clock, settings } = this.#options;
    return advance(running.plan!, {
      phase: state.operationState!.phase,
      results: state.operationState!.syncResult?.resources ?? [],
      live: (key) => cluster.cache.get(key)?.object,
      health: (object) => state.health.forSync(object),
      missing: running.missing,
      now: clock.now(),
      waveDelayMs: settings().syncWaveDelayMs,
      ...(running.lastWaveAtMs === undefined ? {} : { lastWaveAt: running.lastWaveAtMs }),
    });
  }

  /** Makes the plan; returns how the operation ends where it is refused. */
  async #plan(
    op: Op,
    state: AppState,
    project: AppProject,
  ): Promise<{ phase: "Failed" | "Error"; message: string } | undefined> {
    const running = state.running!;
    const cluster = state.cluster!;
    const sync = { ...running.operation.sync, ...running.pinned };
    const automated = running.operation.initiatedBy?.automated === true;
    const current = state.operationState!;
    // Before anything is done: without a service account to act as, nothing may be.
    clientFor(state.app, { project, cluster, settings: this.#options.settings() });
    const context = { state, project, cluster, sources: this.#options.sources, tracking: this.#options.tracking() };
    const { plan, desired } = await makePlan(op, context, {
      sync,
      automated,
      startedAt: current.startedAt,
      attempt: current.retryCount ?? 0,
      pruneConfirmed: deletionApproved(state.app, current.startedAt),
    });
    const forbidden = desired.forbidden[0];
    running.desired = desired;
    state.operationState = {
      ...current,
      syncResult: { ...current.syncResult!, ...revisionFields(state.app, desired.revisions) },
    };
    if (plan.ok) {
      // What a wave waits for is read from the live objects, so they are kept whole: the created namespace's too.
      await cluster.cache.manage(plan.tasks.map(({ key }) => key));
      running.plan = plan;
      running.project = project;
      return undefined;
    }
    state.operationState = {
      ...state.operationState,
      syncResult: { ...state.operationState.syncResult!, resources: plan.results },
    };
    return {
      phase: "Failed",
      message: forbidden ? `${forbidden.object.file}:${forbidden.object.line}: ${plan.reason}` : plan.reason,
    };
  }

  /** Ends the operation, or sets it up for another attempt; the record goes out with the pass's status. */
  async #end(
    op: Op,
    state: AppState,
    how: { phase: OperationState["phase"]; message: string },
  ): Promise<number | undefined> {
    const { clock, events } = this.#options;
    const running = state.running!;
    const nowMs = clock.now();
    const current = state.operationState!;
    const retryCount = current.retryCount ?? 0;
    if (how.phase !== "Succeeded" && current.phase !== "Terminating") {
      const retry = nextRetry(running.operation.retry, retryCount, nowMs);
      if (running.operation.sync?.dryRun !== true)
        state.syncCondition = failureText(`Failed last sync attempt: ${how.message}`, current, running.desired);
      if (retry.retry) {
        running.retryAtMs = retry.at;
        running.announce = true;
        state.operationState = {
          ...current,
          phase: "Running",
          // As Argo CD tells a pause before the next attempt from an attempt: another process waits from here on.
          finishedAt: rfc3339(nowMs),
          retryCount: retryCount + 1,
          message: retryingMessage(how.message, retryCount, rfc3339(retry.at)),
        };
        return retry.at - nowMs;
      }
    }
    const ended: OperationState = {
      ...current,
      phase: how.phase,
      message: retriedMessage(how.message, retryCount),
      finishedAt: rfc3339(nowMs),
    };
    state.operationState = ended;
    state.running = undefined;
    state.carriedOut = state.app.operation;
    if (how.phase === "Succeeded") state.syncCondition = undefined;
    if (running.desired) state.syncedHash = hashOf(running.desired);
    if (entersHistory(ended)) {
      state.history = appendHistory(this.history(state), ended, rfc3339(nowMs), state.app.spec.revisionHistoryLimit);
    }
    const succeeded = how.phase === "Succeeded";
    events.record(state.app, {
      type: succeeded ? "Normal" : "Warning",
      reason: "OperationCompleted",
      message: succeeded
        ? `Sync operation to ${ended.syncResult?.revision || ended.syncResult?.revisions?.join(",") || ""} succeeded`
        : `Sync operation to ${ended.syncResult?.revision ?? ""} failed: ${how.message}`,
    });
    this.#options.syncEnded(state.app, ended);
    await this.#options.recompare(op, state);
    return undefined;
  }
}

function waitUntil(atMs: number | undefined, nowMs: number): number | undefined {
  return atMs === undefined ? undefined : Math.max(0, atMs - nowMs);
}

function isAutomated({ spec }: Application): boolean {
  return spec.syncPolicy?.automated !== undefined && spec.syncPolicy.automated.enabled !== false;
}

function resourceOf(row: Row): ResourceStatus {
  const { group, kind, namespace, name } = row.key;
  return { group, kind, namespace, name, status: row.sync, ...(row.requiresPruning ? { requiresPruning: true } : {}) };
}

/** The application with the operation's state as we know it, which may be ahead of the server's. */
function withOperationState(state: AppState): Application {
  const { app, operationState } = state;
  return operationState && operationState !== app.status?.operationState
    ? { ...app, status: { ...app.status, operationState } }
    : app;
}
