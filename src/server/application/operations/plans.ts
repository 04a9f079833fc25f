// The plan of a sync before it runs, and what a sync waits for: ours, beside Argo CD's ApplicationService. Starts nothing.
import { DriftlessError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { PlanOutlook } from "#controllers/application/reconcile.ts";
import type { AppState } from "#controllers/application/state.ts";
import type { Row } from "#controllers/application/comparison/table.ts";
import type { SyncPlan } from "#core/sync/plan.ts";
import { resultId, taskId, type SyncTask } from "#core/sync/task.ts";
import type { ResourceResult, SyncOperation } from "#model/application.ts";
import { keyText } from "#model/object.ts";
import type {
  PlanAction,
  PlanPhase,
  PlanStep,
  SyncPlanAnswer,
  SyncPlanRequest,
  SyncWindowsAnswer,
  WaitingAnswer,
} from "#protocol/rest.ts";
import type { ApplicationServiceDeps } from "../deps.ts";
import type { ApplicationQueries, AppRef } from "../queries.ts";

/** So many differing fields of a step are named. */
const namedFields = 20;

export class ApplicationPlans {
  readonly #deps: Pick<ApplicationServiceDeps, "controller">;
  readonly #queries: ApplicationQueries;

  constructor(deps: Pick<ApplicationServiceDeps, "controller">, queries: ApplicationQueries) {
    this.#deps = deps;
    this.#queries = queries;
  }

  /**
   * The plan of the sync that runs, where one runs and nothing else is asked for; else the plan that a sync would have
   * now. Errors: NOT_FOUND, FAILED_PRECONDITION before the first pass, INVALID_ARGUMENT, and those of rendering.
   */
  async plan(op: Op, ref: AppRef, request: SyncPlanRequest): Promise<SyncPlanAnswer> {
    const state = this.#queries.state(ref);
    const waitingFor = this.#deps.controller.waitingFor(state);
    const asked = Object.values(request).some((value) => value !== undefined && value !== false && value.length !== 0);
    const running = asked ? undefined : runningPlan(state);
    if (running) {
      const results = state.operationState?.syncResult?.resources ?? [];
      return { ...answerOf(running, results), running: true, waitingFor };
    }
    const outlook = await this.#deps.controller.planAt(op, state, operationOf(state, request));
    const { controller } = this.#deps;
    return {
      ...answerOf(outlook, []),
      running: false,
      waitingFor: waitingFor.length > 0 ? waitingFor : controller.startWaits(state),
    };
  }

  /** What the application waits for now. */
  waiting(ref: AppRef): WaitingAnswer {
    const { controller } = this.#deps;
    const state = this.#queries.state(ref);
    const dependsOn = controller.dependenciesOf(state);
    const dependents = controller.dependentsOf(state);
    return {
      waitingFor: controller.waitingFor(state),
      ...(dependsOn.length > 0
        ? { dependsOn: dependsOn.map(({ key, why }) => ({ application: key, ...(why === undefined ? {} : { why }) })) }
        : {}),
      ...(dependents.length > 0 ? { dependents } : {}),
    };
  }

  /** What the sync windows of the application's project say of it, in Argo CD's shape, with the next change. */
  windows(ref: AppRef): SyncWindowsAnswer {
    return this.#deps.controller.windowsOf(this.#queries.state(ref));
  }
}

function runningPlan(state: AppState): PlanOutlook | undefined {
  const plan = state.running?.plan;
  const desired = state.running?.desired;
  if (!plan || !desired) return undefined;
  return { plan, desired, rows: new Map(state.table.rows().map((row) => [row.text, row])) };
}

function operationOf(state: AppState, request: SyncPlanRequest): SyncOperation {
  const { revision, revisions, prune, resources = [], syncOptions, strategy } = request;
  if (strategy !== undefined && strategy !== "apply" && strategy !== "hook")
    throw new DriftlessError("INVALID_ARGUMENT", `strategy ${strategy} is neither hook nor apply`, {
      details: { field: "strategy" },
    });
  const policy = state.app.spec.syncPolicy;
  const options = syncOptions?.length ? syncOptions : policy?.syncOptions;
  return {
    ...(revision ? { revision } : {}),
    ...(revisions?.length ? { revisions } : {}),
    ...((prune ?? policy?.automated?.prune === true) ? { prune: true } : {}),
    ...(resources.length > 0 ? { resources: resources.map(resourceRef) } : {}),
    ...(options ? { syncOptions: options } : {}),
    ...(strategy === "apply" ? { syncStrategy: { apply: {} } } : {}),
  };
}

function resourceRef(text: string): NonNullable<SyncOperation["resources"]>[number] {
  const [group, kind, where, ...rest] = text.split(":");
  const [namespace, name] = where?.includes("/") ? where.split("/", 2) : ["", where];
  if (group === undefined || !kind || !name || rest.length > 0)
    throw new DriftlessError("INVALID_ARGUMENT", `resource "${text}" is not GROUP:KIND:NAME`, {
      details: { field: "resource" },
    });
  return { ...(group === "" ? {} : { group }), kind, name, ...(namespace ? { namespace } : {}) };
}

type Answer = Pick<SyncPlanAnswer, "revisions" | "refused" | "warnings" | "phases">;

function answerOf({ plan, desired, rows }: PlanOutlook, recorded: readonly ResourceResult[]): Answer {
  const { revisions } = desired;
  if (!plan.ok) return { revisions, refused: plan.reason, phases: refusedPhases(plan) };
  const results = new Map(recorded.map((result) => [resultId(result), result]));
  const phases: { phase: string; waves: { wave: number; steps: PlanStep[] }[] }[] = [];
  for (const task of plan.tasks) {
    if (phases.at(-1)?.phase !== task.phase) phases.push({ phase: task.phase, waves: [] });
    const { waves } = phases.at(-1)!;
    if (waves.at(-1)?.wave !== task.wave) waves.push({ wave: task.wave, steps: [] });
    waves.at(-1)!.steps.push(stepOf(task, rows.get(keyText(task.key)), results.get(taskId(task))));
  }
  return { revisions, phases, ...(plan.warnings.length > 0 ? { warnings: plan.warnings } : {}) };
}

function stepOf(task: SyncTask, row: Row | undefined, result: ResourceResult | undefined): PlanStep {
  const { group, kind, namespace, name } = task.key;
  const action = actionOf(task, row);
  const note = noteOf(task, action);
  const fields = action === "configure" || action === "replace" ? (row?.paths ?? []).slice(0, namedFields) : [];
  return {
    ...(group === "" ? {} : { group }),
    version: task.version,
    kind,
    ...(namespace === "" ? {} : { namespace }),
    name,
    action,
    ...(note === undefined ? {} : { note }),
    ...(task.hookType ? { hookType: task.hookType } : {}),
    ...(task.deletePolicies?.length ? { deletePolicies: task.deletePolicies } : {}),
    ...(fields.length > 0 ? { fields } : {}),
    ...(result ? { result: resultView(result) } : {}),
  };
}

function resultView({ status, hookPhase, message }: ResourceResult): NonNullable<PlanStep["result"]> {
  return { ...(status ? { status } : {}), ...(hookPhase ? { phase: hookPhase } : {}), ...(message ? { message } : {}) };
}

function actionOf(task: SyncTask, row: Row | undefined): PlanAction {
  if (task.action === "hook") return "hook";
  if (task.action === "prune") return task.ignored === undefined ? "prune" : "keep";
  if (task.skipped) return "skip";
  if (task.live === undefined) return "create";
  if (task.options.replace) return "replace";
  return task.unchanged || (row?.sync === "Synced" && row.desired !== undefined) ? "unchanged" : "configure";
}

function noteOf(task: SyncTask, action: PlanAction): string | undefined {
  if (task.ignored !== undefined) return task.ignored;
  if (action === "skip") return "in sync already";
  if (action === "prune" && task.options.prune === "confirm") return "waits for a confirmation";
  if (task.definition !== undefined) return `waits for ${task.definition.name} to be established`;
  return task.createsNamespace ? "by CreateNamespace=true" : undefined;
}

/** The objects at fault, each with its reason. */
function refusedPhases(plan: Extract<SyncPlan, { ok: false }>): readonly PlanPhase[] {
  const phases = new Map<string, PlanStep[]>();
  for (const result of plan.results) {
    const { group, version, kind, namespace, name, syncPhase = "Sync" } = result;
    const step: PlanStep = {
      ...(group === "" ? {} : { group }),
      version,
      kind,
      ...(namespace === "" ? {} : { namespace }),
      name,
      action: result.hookType ? "hook" : "configure",
      ...(result.hookType ? { hookType: result.hookType } : {}),
      result: resultView(result),
    };
    phases.set(syncPhase, [...(phases.get(syncPhase) ?? []), step]);
  }
  return [...phases].map(([phase, steps]) => ({ phase, waves: [{ wave: 0, steps }] }));
}
