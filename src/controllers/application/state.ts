// What the controller keeps in memory of one application between passes. No logic beyond bookkeeping.
import type { DriftlessError } from "#base/errors.ts";
import type { ReadyPlan } from "#core/sync/plan.ts";
import type { FightLog } from "#core/sync/fights.ts";
import type { SyncProgress } from "#core/sync/progress.ts";
import type {
  AppProject,
  Application,
  HealthStatusCode,
  Operation,
  OperationState,
  RevisionHistory,
  SyncOperation,
  SyncStatusCode,
} from "#model/application.ts";
import { builtinHealth, type ObjectHealth } from "./tree/custom-health.ts";
import type { Desired } from "./desired/desired.ts";
import type { WindowDecision } from "#core/policy/windows.ts";
import type { DestinationCluster } from "./deps.ts";
import { ComparisonTable } from "./comparison/table.ts";

/** An operation that has begun and not ended. */
export interface RunningOperation {
  readonly operation: Operation;
  /** The commits that the operation has begun to bring: a resumed one and its retries stay with them. */
  readonly pinned: Pick<SyncOperation, "revision" | "revisions"> | undefined;
  plan: ReadyPlan | undefined;
  /** What the plan was made from. */
  desired: Desired | undefined;
  /** The project as it was then: the plan's objects were held against it. */
  project?: AppProject;
  /** Its start stands on the server, or will stand there with the next status patch. */
  announce: boolean;
  /** The plan whose applies were tried by dry runs before its first prune. */
  rehearsed?: ReadyPlan;
  /** Keys that a direct read found missing. */
  readonly missing: Set<string>;
  lastWaveAtMs: number | undefined;
  /** After a failure: when the next attempt starts, on the wall clock. */
  retryAtMs: number | undefined;
  /** What the present wave waits for, for people. */
  waits: SyncProgress["waits"];
  /** Until when it pauses between waves, on the wall clock. */
  pauseUntilMs?: number | undefined;
}

/** Why a sync does not start: the applications that it depends on. */
export interface DependencyHold {
  /** It never will, as things are. */
  readonly refused?: string;
  /** Those that it waits for. */
  readonly names: readonly string[];
}

export interface AppState {
  /** `namespace/name` of the Application. */
  readonly key: string;
  /** The application as tracking names it: `name`, or `namespace/name` outside the controller's namespace. */
  readonly tag: string;
  app: Application;
  /** The health of objects, the same for everybody who asks. */
  readonly health: ObjectHealth;
  readonly table: ComparisonTable;
  cluster: DestinationCluster | undefined;
  /** Breaks off the pass under way, where there is one. */
  interrupt: (() => void) | undefined;
  /** Hooks of the application's deletion that failed: how often, and when they are run again, on the wall clock. */
  hookRetry: { readonly failures: number; readonly atMs: number | undefined } | undefined;
  desired: Desired | undefined;
  /** What the desired state was computed from: spec, project and settings; another text means: compute again. */
  desiredFor: string;
  /** Why there is no desired state, or why it may be out of date. */
  failure: DriftlessError | undefined;
  /** The sources have changed, or have never been rendered. */
  renderDirty: boolean;
  compareAll: boolean;
  readonly dirty: Set<string>;
  running: RunningOperation | undefined;
  /** The last operation's state, ahead of what was written to the server. */
  operationState: OperationState | undefined;
  /** The request that has been carried out, until the server has taken it off the application. */
  carriedOut: Operation | undefined;
  /** When the status was last written, on the monotonic clock. */
  lastWriteMs: number;
  /** The revision has moved without touching the application, and it is time to write that down. */
  revisionDue: boolean;
  /** It is time to render and compare it anew, whatever has changed. */
  hardRefreshDue: boolean;
  /** When automated sync will be considered again, on the wall clock. */
  retryAtMs: number | undefined;
  /** The spec or another part of the application that passes read has changed since the last pass began. */
  specDirty: boolean;
  /** What the last pass found: ahead of what was written to the server. */
  verdict: { readonly sync?: SyncStatusCode; readonly health?: HealthStatusCode };
  /** Fields that were healed lately, and may be fought over. */
  fights?: FightLog | undefined;
  /** Applications that a sync which is due waits for, or why it is refused. */
  dependencyHold: DependencyHold | undefined;
  /** The windows keep a sync that is due, or that runs, out. */
  windowHold: WindowDecision | undefined;
  /** Why automated sync does not start, where a person should know. */
  syncCondition: string | undefined;
  /** The history, ahead of what was written to the server. */
  history: readonly RevisionHistory[] | undefined;
  /** The content that the last operation of this process worked on: the same under another revision is no news. */
  syncedHash: string | undefined;
}

export function newAppState(
  key: string,
  tag: string,
  app: Application,
  health: ObjectHealth = builtinHealth,
): AppState {
  return {
    key,
    tag,
    app,
    health,
    table: new ComparisonTable(),
    cluster: undefined,
    interrupt: undefined,
    hookRetry: undefined,
    desired: undefined,
    desiredFor: "",
    failure: undefined,
    renderDirty: true,
    compareAll: true,
    dirty: new Set(),
    running: undefined,
    operationState: app.status?.operationState,
    carriedOut: undefined,
    lastWriteMs: Number.NEGATIVE_INFINITY,
    revisionDue: false,
    hardRefreshDue: false,
    retryAtMs: undefined,
    specDirty: false,
    verdict: {},
    dependencyHold: undefined,
    windowHold: undefined,
    syncCondition: undefined,
    history: undefined,
    syncedHash: undefined,
  };
}
