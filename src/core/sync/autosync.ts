// Whether automated sync starts an operation now. Pure. Source: Argo CD's "Automated Sync Policy".
import { sameJson } from "#base/json.ts";
import type {
  Application,
  ApplicationSource,
  Operation,
  OperationPhase,
  ResourceStatus,
  SyncOperation,
  SyncStatusCode,
} from "#model/application.ts";
import { sourcesOf } from "#model/application.ts";

export interface SelfHealBackoff {
  readonly firstMs: number;
  readonly factor: number;
  readonly maxMs: number;
  /** After this long without a heal the count starts anew. */
  readonly cooldownMs: number;
}

export const defaultSelfHealBackoff: SelfHealBackoff = {
  firstMs: 2_000,
  factor: 3,
  maxMs: 300_000,
  cooldownMs: 330_000,
};

export interface AutoSyncInput {
  readonly application: Application;
  /** The latest comparison. */
  readonly status: SyncStatusCode;
  readonly revision: string;
  /** One for each source, for applications with several. */
  readonly revisions?: readonly string[];
  readonly resources: readonly ResourceStatus[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly selfHealBackoff?: SelfHealBackoff;
  /** What the project's sync windows say of automated syncs. */
  readonly window?: { readonly allowed: boolean; readonly changesAt?: number };
  /** The new revision touches none of this application's sources: the old one counts as the same. */
  readonly sourcesUnchanged?: boolean;
}

export type AutoSyncDecision =
  | { readonly start: Operation }
  | {
      readonly skip: string;
      /** Look again at this time, in ms since the epoch. */
      readonly retryAt?: number;
      /** The message of a SyncError condition that the application shall show. */
      readonly condition?: string;
    };

/** Decides. The gates are in order: the first that closes gives the reason. */
export function autoSync(input: AutoSyncInput): AutoSyncDecision {
  return notNow(input) ?? nothingToDo(input) ?? attempt(input);
}

function notNow({ application, window }: AutoSyncInput): AutoSyncDecision | undefined {
  const automated = application.spec.syncPolicy?.automated;
  if (automated === undefined || automated.enabled === false) return { skip: "automated sync is not enabled" };
  const running = application.status?.operationState?.phase;
  if (application.operation !== undefined || running === "Running" || running === "Terminating") {
    return { skip: "another operation is in progress" };
  }
  if (application.metadata.deletionTimestamp !== undefined) return { skip: "deletion in progress" };
  if (window?.allowed === false) {
    return {
      skip: "Sync prevented by sync window",
      ...(window.changesAt === undefined ? {} : { retryAt: window.changesAt }),
    };
  }
  return undefined;
}

function nothingToDo(input: AutoSyncInput): AutoSyncDecision | undefined {
  const { application, status, resources } = input;
  const automated = application.spec.syncPolicy?.automated;
  if (status !== "OutOfSync") return { skip: `application status is ${status}` };
  if (automated?.prune !== true) {
    const needs = resources.some((resource) => resource.status !== "Synced" && resource.requiresPruning !== true);
    if (!needs) return { skip: "need to prune extra resources only but automated prune is disabled" };
  } else if (automated.allowEmpty !== true && resources.every((resource) => resource.requiresPruning === true)) {
    const condition = `Skipping sync attempt to ${target(input)}: auto-sync will wipe out all resources`;
    return { skip: condition, condition };
  }
  return undefined;
}

function attempt(input: AutoSyncInput): AutoSyncDecision {
  const { application, now } = input;
  const last = lastAttempt(input);
  if (last === undefined) return { start: operation(input, {}) };
  if (last !== "Succeeded") {
    const message = application.status?.operationState?.message ?? "";
    const condition = `Failed last sync attempt to ${target(input)}: ${message}`;
    return { skip: `failed previous sync attempt to ${target(input)}`, condition };
  }
  if (application.spec.syncPolicy?.automated?.selfHeal !== true) {
    return { skip: `most recent sync already to ${target(input)}` };
  }
  const heal = selfHealAt(input);
  if (heal.at > now) {
    return { skip: `already attempted sync to ${target(input)}; next self-heal is held back`, retryAt: heal.at };
  }
  const drifted = input.resources.filter((resource) => resource.status !== "Synced");
  return {
    start: operation(input, {
      autoHealAttemptsCount: heal.attempts + 1,
      resources: drifted.map(({ group, kind, name, namespace }) => ({
        ...(group ? { group } : {}),
        kind,
        name,
        ...(namespace ? { namespace } : {}),
      })),
    }),
  };
}

// The phase in which the last operation ended, if that was to these revisions and sources.
function lastAttempt(input: AutoSyncInput): OperationPhase | undefined {
  const { application, revision, revisions, sourcesUnchanged } = input;
  const state = application.status?.operationState;
  if (state?.operation.sync === undefined || state.syncResult === undefined) return undefined;
  const { syncResult } = state;
  const several = (application.spec.sources?.length ?? 0) > 0;
  if (!sourcesUnchanged) {
    const same = several ? sameJson(syncResult.revisions ?? [], revisions ?? []) : syncResult.revision === revision;
    if (!same) return undefined;
  }
  const synced = several ? (syncResult.sources ?? []) : syncResult.source ? [syncResult.source] : [];
  // The target revision does not count: HEAD and main can mean the same commit.
  const same = sameJson(sourcesOf(application.spec).map(withoutTarget), synced.map(withoutTarget));
  return same ? state.phase : undefined;
}

function withoutTarget(source: ApplicationSource): unknown {
  return { ...source, targetRevision: undefined };
}

/** When the next self-heal may start (ms since the epoch; 0 for at once), and how many went before it in this series. */
function selfHealAt(input: AutoSyncInput): { at: number; attempts: number } {
  const { application, now, selfHealBackoff: backoff = defaultSelfHealBackoff } = input;
  const state = application.status?.operationState;
  const finished = state?.finishedAt === undefined ? undefined : Date.parse(state.finishedAt);
  const cooled = finished !== undefined && now - finished > backoff.cooldownMs && state?.phase === "Succeeded";
  const attempts = cooled ? 0 : (state?.operation.sync?.autoHealAttemptsCount ?? 0);
  // The first heal is immediate, the second waits the first delay, and so on.
  if (attempts === 0) return { at: 0, attempts };
  const wait = Math.min(backoff.firstMs * backoff.factor ** (attempts - 1), backoff.maxMs);
  return { at: (finished ?? now) + wait, attempts };
}

function operation(input: AutoSyncInput, more: Partial<SyncOperation>): Operation {
  const policy = input.application.spec.syncPolicy;
  const several = (input.application.spec.sources?.length ?? 0) > 0;
  return {
    sync: {
      ...(several ? { revisions: input.revisions ?? [] } : { revision: input.revision }),
      ...(policy?.automated?.prune ? { prune: true } : {}),
      ...(policy?.syncOptions ? { syncOptions: policy.syncOptions } : {}),
      ...more,
    },
    initiatedBy: { automated: true },
    retry: policy?.retry ?? { limit: 5 },
  };
}

function target(input: AutoSyncInput): string {
  return (input.application.spec.sources?.length ?? 0) > 0 ? (input.revisions ?? []).join(", ") : input.revision;
}
