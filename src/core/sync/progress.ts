// What a sync does next. Pure: plan, recorded results, live objects and time in; actions, waits, results, phase out.
// An executor loops: progress = advance(plan, state); store progress.results (before the actions where `persistFirst`
// says so); execute progress.steps; add what came of them (recordOutcomes); repeat at once after actions, else when a
// live object changes or at `retryAt`. It can stop at any point: advance on the stored results goes on without running
// a hook or a prune again. Source: Argo CD's "Sync Phases and Waves", "Resource Hooks".
import { listAt, stringAt } from "#base/json.ts";
import type { HealthStatus, OperationPhase, ResourceResult } from "#model/application.ts";
import type { KubernetesObject, ObjectKey } from "#model/object.ts";
import { keyText } from "#model/object.ts";
import { goneMessage, heldBy, holds, hookOutcome, isOfRun, shownKey } from "./hook-outcome.ts";
import type { HookDeletePolicy } from "./hooks.ts";
import type { PropagationPolicy } from "./options.ts";
import type { ReadyPlan } from "./plan.ts";
import { ResultBook, type ResultChange } from "./results.ts";
import { resultId, taskId, type SyncTask } from "./task.ts";

export interface SyncState {
  /** `operationState.phase`: Running, or Terminating when somebody asked to end it. */
  readonly phase: OperationPhase;
  /** `operationState.syncResult.resources`, as last stored or recorded. */
  readonly results: readonly ResourceResult[];
  /** The live object, never older than what the executor's own last write of it returned. */
  live(key: ObjectKey): KubernetesObject | undefined;
  /** Health, customisations included. */
  health(object: KubernetesObject): HealthStatus | undefined;
  /** Keys (keyText) that a direct read found missing, after `verify` asked for it. */
  readonly missing?: ReadonlySet<string>;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** When the last batch of applies ended, in ms; absent after a restart. */
  readonly lastWaveAt?: number;
  /** `controller.sync.wave.delay.seconds`, in ms: how long controllers have to react before a wave's health counts. */
  readonly waveDelayMs?: number;
}

/**
 * One thing to do. `apply`: create or change task.desired as its options say (a hook's creation is one too).
 * `prune`: delete task.live, with its uid as precondition. `delete-hook`: take our finalizer from the hook's object, then
 * delete it. `release-hook`: only take our finalizer from it.
 */
export type SyncAction =
  | { readonly type: "apply"; readonly task: SyncTask; readonly dryRun: boolean }
  | {
      readonly type: "prune";
      readonly task: SyncTask;
      readonly propagation: PropagationPolicy;
      readonly dryRun: boolean;
    }
  | { readonly type: "delete-hook"; readonly task: SyncTask; readonly object: KubernetesObject }
  | { readonly type: "release-hook"; readonly task: SyncTask; readonly object: KubernetesObject };

/** Actions to execute side by side; the next step follows when all ended, failed ones too unless `stopOnFailure`. */
export interface SyncStep {
  readonly actions: readonly SyncAction[];
  readonly stopOnFailure?: boolean;
}

export interface SyncWait {
  readonly key: ObjectKey;
  readonly for: "health" | "hook" | "deletion" | "definition" | "confirmation";
  /** `waiting for healthy state of apps/Deployment/web: 1 of 3 updated replicas are available...` */
  readonly reason: string;
}

export interface SyncProgress {
  /** The operation's phase: Running, or final: Succeeded, Failed. Store a final phase after its (last) steps are executed. */
  readonly phase: OperationPhase;
  readonly message: string;
  readonly steps: readonly SyncStep[];
  readonly waits: readonly SyncWait[];
  /** Results to store; the list that came in where nothing changed. */
  readonly results: readonly ResourceResult[];
  /** The steps destroy evidence (a hook's object): store the results before executing them. */
  readonly persistFirst: boolean;
  /** Objects that should exist but that `live` did not find: read them directly, and pass those missing as `missing`. */
  readonly verify: readonly ObjectKey[];
  /** When to call again even if nothing changes, in ms since the epoch. */
  readonly retryAt?: number;
}

/** A task with all that is known of it now. */
interface Item {
  readonly task: SyncTask;
  live?: KubernetesObject | undefined;
}

class Run {
  readonly plan: ReadyPlan;
  readonly state: SyncState;
  readonly book: ResultBook;
  readonly items: readonly Item[];
  /** All but SyncFail hooks and objects that are in sync already. */
  readonly main: readonly Item[];
  readonly verify: ObjectKey[] = [];
  /** In the last wave hooks are waited for, but not health. */
  readonly #unawaited: SyncTask | undefined;

  constructor(plan: ReadyPlan, state: SyncState) {
    this.plan = plan;
    this.state = state;
    this.book = new ResultBook(state.results);
    this.items = plan.tasks.map((task) => ({ task, live: state.live(task.key) }));
    this.main = this.items.filter((item) => item.task.phase !== "SyncFail" && !this.idle(item));
    this.#unawaited = this.main.at(-1)?.task;
  }

  /** Whether the sync goes on only once this is healthy, or, for a hook, complete. */
  awaited(item: Item): boolean {
    if (item.task.action === "hook" || this.#unawaited === undefined) return true;
    return !sameWave(item.task, this.#unawaited);
  }

  phaseOf(item: Item): OperationPhase | undefined {
    return this.book.get(item.task)?.hookPhase;
  }
  pending(item: Item): boolean {
    const phase = this.phaseOf(item);
    // A prune that was announced and not done: its object is still there.
    return phase === undefined || (phase === "Running" && item.task.action === "prune");
  }
  running(item: Item): boolean {
    return this.phaseOf(item) === "Running" && item.task.action !== "prune";
  }
  /** In sync already, and nothing but out-of-sync objects is applied. */
  idle(item: Item): boolean {
    return item.task.skipped === true && this.pending(item);
  }
  failed(item: Item): boolean {
    const phase = this.phaseOf(item);
    return phase === "Failed" || phase === "Error";
  }
}

/** What to do now. See the head of this file for the loop around it. */
export function advance(plan: ReadyPlan, state: SyncState): SyncProgress {
  const run = new Run(plan, state);
  settleAnnounced(run);
  settleBeforeStart(run);
  if (state.phase === "Terminating") return terminate(run);
  if (lastWaveApplied(run)) return succeed(run, "successfully synced (all tasks run)");
  observe(run);
  const waiting = waitForRunning(run) ?? waitForPrunes(run);
  if (waiting !== undefined) return waiting;
  const { main } = run;
  if (main.some((item) => run.failed(item))) return fail(run);
  const pending = main.filter((item) => run.pending(item));
  return pending.length === 0 ? succeed(run, "successfully synced (no more tasks)") : startWave(run, pending);
}

// Prunes that an earlier process announced before it did them, and that a plan made since then no longer has.
function settleAnnounced(run: Run): void {
  if (!run.state.results.some(isAnnounced)) return;
  const planned = new Set(run.items.map(({ task }) => taskId(task)));
  for (const result of run.state.results) {
    if (!isAnnounced(result) || planned.has(resultId(result))) continue;
    const gone = run.state.live(result) === undefined;
    const change: ResultChange = gone
      ? { status: "Pruned", hookPhase: "Succeeded", message: "pruned" }
      : { status: "PruneSkipped", hookPhase: "Succeeded", message: "ignored (no longer to be pruned)" };
    run.book.settle(result, change);
  }
}

function isAnnounced({ status, hookPhase }: ResourceResult): boolean {
  return status === "Pruned" && hookPhase === "Running";
}

// What needs no action to be known: hooks that an earlier process created, objects that are gone, prunes that are ignored.
function settleBeforeStart(run: Run): void {
  for (const item of run.items) {
    const { task, live } = item;
    if (task.action === "hook") {
      if (run.pending(item) && live !== undefined && isOfRun(live, task.run)) {
        run.book.set(task, { status: "Synced", hookPhase: "Running", message: `${task.key.name} created` });
      }
    } else if (task.action === "prune" && live?.metadata.uid !== task.live?.metadata.uid) {
      // Another object of that name is not the one that the plan decided on.
      item.live = undefined;
      // Gone since the plan was made: what was wanted. The record may have been lost with the process that did it.
      if (run.pending(item) && task.ignored === undefined) {
        run.book.set(task, { status: "Pruned", hookPhase: "Succeeded", message: "pruned" });
      }
    }
  }
}

// The last wave counts as done when it is applied, without waiting for health, where it has no hooks.
function lastWaveApplied(run: Run): boolean {
  let ran = false;
  for (const item of run.main) {
    if (run.running(item) && !run.awaited(item)) ran = true;
    else if (run.phaseOf(item) !== "Succeeded") return false;
  }
  return ran && run.main.every((item) => item.task.action !== "hook" || !run.running(item));
}

// Brings the results of running tasks up to date with the live objects.
function observe(run: Run): void {
  for (const item of run.items) {
    if (!run.running(item) || item.task.action === "prune") continue;
    if (item.live === undefined) missing(run, item);
    else if (item.task.action === "hook") observeHook(run, item, item.live);
    else if (run.awaited(item)) observeResource(run, item, item.live);
  }
}

function observeHook(run: Run, item: Item, live: KubernetesObject): void {
  const status = run.book.get(item.task)?.status ?? "Synced";
  const { phase, message } = hookOutcome(live, item.task.key, (object) => run.state.health(object));
  run.book.set(item.task, { status, hookPhase: phase, message });
}

function observeResource(run: Run, item: Item, live: KubernetesObject): void {
  const before = run.book.get(item.task);
  const status = before?.status ?? "Synced";
  const health = run.state.health(live);
  if (health === undefined || health.status === "Healthy") {
    run.book.set(item.task, { status, hookPhase: "Succeeded", message: health?.message ?? "" });
  } else if (health.status === "Degraded") {
    run.book.set(item.task, { status, hookPhase: "Failed", message: health.message ?? "" });
  }
}

function missing(run: Run, item: Item): void {
  const { key } = item.task;
  if (run.state.missing?.has(keyText(key))) {
    run.book.set(item.task, { status: "SyncFailed", hookPhase: "Error", message: goneMessage(key) });
  } else run.verify.push(key);
}

// A running task holds back the waves after its own, and a running hook also the end.
function waitForRunning(run: Run): SyncProgress | undefined {
  const next = run.main.find((item) => run.pending(item))?.task;
  const failed = run.items.some((item) => run.failed(item));
  const held = run.items.filter((item) => {
    if (!run.running(item)) return false;
    // The rest of a wave that was begun goes on beside what runs of it.
    if (!failed && next !== undefined && sameWave(item.task, next)) return false;
    // Once something failed, only hooks are waited for: they must not run on beside the SyncFail hooks.
    return item.task.action === "hook" || (run.awaited(item) && !failed);
  });
  if (held.length === 0) return undefined;
  return wait(run, held, held.some((item) => item.task.action === "hook") ? "hook" : "health");
}

// Pruned objects that finalizers still hold.
function waitForPrunes(run: Run): SyncProgress | undefined {
  const held = run.items.filter(
    (item) =>
      item.task.action === "prune" &&
      run.book.get(item.task)?.status === "Pruned" &&
      item.live?.metadata.deletionTimestamp !== undefined,
  );
  return held.length === 0 ? undefined : wait(run, held, "deletion");
}

function startWave(run: Run, pending: readonly Item[]): SyncProgress {
  const { task: first } = pending[0] as Item;
  const wave = pending.filter((item) => sameWave(item.task, first));
  const early = delay(run, first);
  if (early !== undefined) return early;
  const { dryRun } = run.plan;

  const prunes: SyncAction[] = [];
  const unconfirmed: Item[] = [];
  for (const item of wave) {
    const { task } = item;
    if (task.action !== "prune") continue;
    if (task.ignored !== undefined) {
      run.book.set(task, { status: "PruneSkipped", hookPhase: "Succeeded", message: task.ignored });
    } else if (task.options.prune === "confirm" && !run.plan.pruneConfirmed && !dryRun) {
      unconfirmed.push(item);
    } else if (item.live?.metadata.deletionTimestamp !== undefined) {
      run.book.set(task, { status: "Pruned", hookPhase: "Succeeded", message: "pruned" });
    } else {
      // Announced, so that its result is not lost with the process that does it: the object tells nothing once it is gone.
      if (!dryRun) run.book.set(task, { status: "Pruned", hookPhase: "Running", message: "is being pruned" });
      prunes.push({ type: "prune", task, propagation: task.options.prunePropagationPolicy, dryRun });
    }
  }
  if (unconfirmed.length > 0) return waitForConfirmation(run, unconfirmed);

  const creates = wave.filter((item) => item.task.action !== "prune" && !(dryRun && leftOut(run, item.task)));
  const old = dryRun ? [] : creates.filter((item) => isInTheWay(item));
  const pruneStep: readonly SyncStep[] = prunes.length > 0 ? [{ actions: prunes, stopOnFailure: true }] : [];
  if (old.length > 0) {
    const deletions: SyncAction[] = [];
    for (const { task, live } of old) {
      if (live !== undefined && (live.metadata.deletionTimestamp === undefined || holds(live))) {
        deletions.push({ type: "delete-hook", task, object: live });
      }
    }
    return wait(run, old, "deletion", [...pruneStep, ...(deletions.length > 0 ? [{ actions: deletions }] : [])]);
  }
  const ready = creates.filter((item) => dryRun || !lacksDefinition(run, item.task));
  const steps = [...pruneStep, ...groupByKind(ready, dryRun)];
  if (steps.length === 0) {
    const blocked = creates.filter((item) => !ready.includes(item));
    if (blocked.length > 0) return waitForDefinition(run, blocked);
    // Only ignored prunes stood here: on to what follows.
    return advance(run.plan, { ...run.state, results: run.book.list() });
  }
  return progress(run, { phase: "Running", message: "one or more tasks are running", steps });
}

// A dry run says of what it cannot try that it was not tried.
function leftOut(run: Run, task: SyncTask): boolean {
  if (task.untriable === undefined) return false;
  run.book.set(task, { status: "Synced", hookPhase: "Succeeded", message: `not tried (dry run): ${task.untriable}` });
  return true;
}

// An earlier run's object, which the hook's policy says to delete before it is created again.
function isInTheWay(item: Item): boolean {
  const { task, live } = item;
  if (task.action !== "hook" || live === undefined) return false;
  return task.deletePolicies?.includes("BeforeHookCreation") === true || live.metadata.deletionTimestamp !== undefined;
}

// One step a kind, in the wave's order: what comes later may need what comes earlier to be admitted.
function groupByKind(items: readonly Item[], dryRun: boolean): SyncStep[] {
  const steps: { actions: SyncAction[] }[] = [];
  let kind: string | undefined;
  for (const { task } of items) {
    if (task.key.kind !== kind || steps.length === 0) steps.push({ actions: [] });
    kind = task.key.kind;
    steps.at(-1)?.actions.push({ type: "apply", task, dryRun });
  }
  return steps;
}

// A kind whose definition comes in this sync can be applied once that is established.
function lacksDefinition(run: Run, task: SyncTask): boolean {
  if (task.definition === undefined) return false;
  const live = run.state.live(task.definition);
  return !listAt(live, "status", "conditions").some(
    (condition) => stringAt(condition, "type") === "Established" && stringAt(condition, "status") === "True",
  );
}

function waitForDefinition(run: Run, blocked: readonly Item[]): SyncProgress {
  const key = blocked[0]?.task.definition as ObjectKey;
  // Names that clash with another definition's are never accepted: this does not mend itself.
  const refused = listAt(run.state.live(key), "status", "conditions").find(
    (condition) => stringAt(condition, "type") === "NamesAccepted" && stringAt(condition, "status") === "False",
  );
  if (refused !== undefined) {
    for (const { task } of blocked) {
      const message = `CRD names have not been accepted: ${stringAt(refused, "message") ?? ""}`;
      run.book.set(task, { status: "SyncFailed", hookPhase: "Failed", message });
    }
    return fail(run);
  }
  const message = `waiting for healthy state of ${shownKey(key)}`;
  const why = notEstablished(run.state.live(key));
  const reason = why === "" ? message : `${message}: ${why}`;
  return progress(run, { phase: "Running", message, waits: [{ key, for: "definition", reason }] });
}

function notEstablished(definition: KubernetesObject | undefined): string {
  const said = listAt(definition, "status", "conditions").find(
    (condition) =>
      stringAt(condition, "type") !== "Terminating" &&
      stringAt(condition, "status") === "False" &&
      stringAt(condition, "message"),
  );
  return said === undefined ? "" : `it is not established: ${stringAt(said, "message") ?? ""}`;
}

function waitForConfirmation(run: Run, items: readonly Item[]): SyncProgress {
  const first = items[0]?.task;
  const name = `${first?.live?.apiVersion ?? ""}/${first?.key.kind}/${first?.key.name}`;
  const more = items.length > 1 ? ` and ${items.length - 1} more resources` : "";
  const message = `Waiting for pruning confirmation of ${name}${more}`;
  const waits = items.map(({ task }): SyncWait => ({ key: task.key, for: "confirmation", reason: message }));
  return progress(run, { phase: "Running", message, waits });
}

// After a wave that controllers react to, the next one waits a little, so that its health is not that of before.
function delay(run: Run, next: SyncTask): SyncProgress | undefined {
  const { lastWaveAt, waveDelayMs = 0, now } = run.state;
  if (lastWaveAt === undefined || waveDelayMs <= 0 || run.plan.dryRun) return undefined;
  const until = lastWaveAt + waveDelayMs;
  if (now >= until) return undefined;
  const before = run.items.filter(
    ({ task }) =>
      task.order < next.order && !sameWave(task, next) && !task.createsNamespace && task.phase !== "SyncFail",
  );
  const previous = before.at(-1)?.task;
  if (previous === undefined) return undefined;
  const reacts = before.some(
    (item) => sameWave(item.task, previous) && item.live !== undefined && run.state.health(item.live) !== undefined,
  );
  if (!reacts) return undefined;
  return progress(run, { phase: "Running", message: "waiting for the delay between sync waves", retryAt: until });
}

function succeed(run: Run, message: string): SyncProgress {
  const steps = run.plan.dryRun ? [] : endHooks(run);
  return progress(run, { phase: "Succeeded", message, steps });
}

// What was announced and not done is not left as if it were.
function takeBackAnnounced(run: Run): void {
  for (const { task } of run.items) {
    const result = task.action === "prune" ? run.book.get(task) : undefined;
    if (result === undefined || !isAnnounced(result)) continue;
    run.book.set(task, {
      status: "PruneSkipped",
      hookPhase: "Succeeded",
      message: "not pruned: the sync ended before",
    });
  }
}

// Something failed: run the SyncFail hooks, then fail.
function fail(run: Run): SyncProgress {
  takeBackAnnounced(run);
  const { main } = run;
  const rejected = main.some((item) => run.book.get(item.task)?.status === "SyncFailed");
  const what = rejected
    ? "one or more objects failed to apply"
    : "one or more synchronization tasks completed unsuccessfully";
  let message = withReasons(what, run, main);
  const failHooks = run.plan.dryRun ? [] : run.items.filter((item) => item.task.phase === "SyncFail");
  const start = failHooks.filter((item) => run.pending(item));
  const old = start.filter((item) => isInTheWay(item));
  if (old.length > 0) {
    const actions = old
      .filter(({ live }) => live !== undefined && (live.metadata.deletionTimestamp === undefined || holds(live)))
      .map(({ task, live }): SyncAction => ({ type: "delete-hook", task, object: live as KubernetesObject }));
    return wait(run, old, "deletion", actions.length > 0 ? [{ actions }] : []);
  }
  if (start.length > 0) {
    return progress(run, { phase: "Running", message, steps: groupByKind(start, false) });
  }
  if (failHooks.some((item) => run.failed(item))) {
    message += `\n${withReasons("one or more SyncFail hooks failed", run, failHooks)}`;
  }
  return progress(run, { phase: "Failed", message, steps: run.plan.dryRun ? [] : endHooks(run) });
}

function withReasons(message: string, run: Run, items: readonly Item[]): string {
  const reasons = new Set<string>();
  for (const item of items) {
    const text = run.failed(item) ? run.book.get(item.task)?.message : undefined;
    if (text) reasons.add(text);
  }
  return reasons.size === 0 ? message : `${message}, reason: ${[...reasons].join(",")}`;
}

// At the end of the operation: hooks whose policy matches how they ended are deleted, the others let go.
function endHooks(run: Run): SyncStep[] {
  const actions: SyncAction[] = [];
  for (const item of run.items) {
    const { task, live } = item;
    if (task.action !== "hook" || live === undefined || !isOfRun(live, task.run)) continue;
    const policy: HookDeletePolicy = run.failed(item) ? "HookFailed" : "HookSucceeded";
    const ended = run.failed(item) || run.phaseOf(item) === "Succeeded";
    if (ended && task.deletePolicies?.includes(policy)) {
      if (live.metadata.deletionTimestamp === undefined || holds(live)) {
        actions.push({ type: "delete-hook", task, object: live });
      }
    } else if (holds(live)) actions.push({ type: "release-hook", task, object: live });
  }
  return actions.length > 0 ? [{ actions }] : [];
}

// Ends the operation at once: running hooks are deleted, nobody is waited for.
function terminate(run: Run): SyncProgress {
  takeBackAnnounced(run);
  const actions: SyncAction[] = [];
  for (const item of run.items) {
    const { task, live } = item;
    if (task.action !== "hook") continue;
    const status = run.book.get(task)?.status ?? "Synced";
    if (run.running(item)) {
      const outcome =
        live === undefined ? undefined : hookOutcome(live, task.key, (object) => run.state.health(object));
      const ended = outcome !== undefined && outcome.phase !== "Running";
      run.book.set(task, {
        status,
        hookPhase: ended ? outcome.phase : "Failed",
        message: ended ? outcome.message : "Terminated",
      });
      const unwanted = !ended || task.deletePolicies?.includes("HookFailed");
      if (live !== undefined) actions.push({ type: unwanted ? "delete-hook" : "release-hook", task, object: live });
    } else if (live !== undefined && holds(live) && isOfRun(live, task.run)) {
      // Recorded as terminated by a process that ended before it deleted the object, or completed earlier.
      const unwanted = run.book.get(task)?.message === "Terminated";
      actions.push({ type: unwanted ? "delete-hook" : "release-hook", task, object: live });
    }
  }
  return progress(run, {
    phase: "Failed",
    message: "Operation terminated",
    steps: actions.length > 0 ? [{ actions }] : [],
  });
}

function wait(
  run: Run,
  items: readonly Item[],
  why: "health" | "hook" | "deletion",
  steps: readonly SyncStep[] = [],
): SyncProgress {
  const hooks = items.filter((item) => item.task.action === "hook");
  const first = hooks[0] ?? items[0];
  const words =
    why === "deletion"
      ? hooks.length > 0
        ? "deletion of hook"
        : "deletion of"
      : hooks.length > 0
        ? "completion of hook"
        : "healthy state of";
  const others = items.length - 1;
  const kinds = hooks.length === items.length ? "hooks" : "resources";
  const more = others > 0 ? ` and ${others} more ${kinds}` : "";
  const message = first === undefined ? "" : `waiting for ${words} ${shownKey(first.task.key)}${more}`;
  const waits = items.map((item) => waitOf(run, item, why));
  return progress(run, { phase: "Running", message, waits, steps });
}

function waitOf(run: Run, item: Item, why: "health" | "hook" | "deletion"): SyncWait {
  const { key, action } = item.task;
  const own = why === "deletion" ? why : action === "hook" ? "hook" : "health";
  const words = own === "deletion" ? "deletion of" : own === "hook" ? "completion of hook" : "healthy state of";
  const detail = own === "deletion" ? heldBy(item.live) : stateText(run, item);
  return { key, for: own, reason: `waiting for ${words} ${shownKey(key)}${detail ? `: ${detail}` : ""}` };
}

function stateText(run: Run, item: Item): string {
  const health = item.live === undefined ? undefined : run.state.health(item.live);
  return health === undefined ? "" : health.message || health.status;
}

function sameWave(a: SyncTask, b: SyncTask): boolean {
  return a.phase === b.phase && a.wave === b.wave;
}

function progress(run: Run, what: Partial<SyncProgress> & Pick<SyncProgress, "phase" | "message">): SyncProgress {
  const steps = what.steps ?? [];
  const destroys = steps.some((step) =>
    step.actions.some(
      ({ type, task }) =>
        type === "delete-hook" ||
        type === "release-hook" ||
        // An object of several phases is written over: the mark of the phase before goes.
        (type === "apply" && task.action === "hook" && run.state.live(task.key) !== undefined),
    ),
  );
  return { steps: [], waits: [], ...what, results: run.book.list(), persistFirst: destroys, verify: run.verify };
}
