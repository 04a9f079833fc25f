// status.history and rollback. Pure. Source: Argo CD's `argocd app history`, `argocd app rollback`, "Application
// Specification" (revisionHistoryLimit).
import type { Result } from "#base/result.ts";
import { fail, ok } from "#base/result.ts";
import type { Application, Operation, OperationState, RevisionHistory, SyncOperation } from "#model/application.ts";

const defaultLimit = 10;

/** Whether an operation that ended belongs into the history: a whole sync of a source that succeeded. Local manifests have no revision to come back to. */
export function entersHistory(state: OperationState): boolean {
  const { sync } = state.operation;
  if (state.phase !== "Succeeded" || sync === undefined || sync.dryRun === true) return false;
  return (sync.resources?.length ?? 0) === 0 && (sync.manifests?.length ?? 0) === 0;
}

/**
 * The history with one more entry, the oldest dropped past the limit (`spec.revisionHistoryLimit`, 10 where absent; 0
 * keeps none). Ids count on from the last entry. Takes the end of the operation as RFC 3339.
 */
export function appendHistory(
  history: readonly RevisionHistory[] | undefined,
  state: OperationState,
  deployedAt: string,
  limit: number = defaultLimit,
): readonly RevisionHistory[] {
  const result = state.syncResult;
  if (result === undefined) return history ?? [];
  const entry: RevisionHistory = {
    id: (history?.at(-1)?.id ?? -1) + 1,
    ...(result.revisions?.length ? { revisions: result.revisions } : { revision: result.revision }),
    deployedAt,
    deployStartedAt: state.startedAt,
    ...(result.sources?.length ? { sources: result.sources } : result.source ? { source: result.source } : {}),
    ...(state.operation.initiatedBy ? { initiatedBy: state.operation.initiatedBy } : {}),
  };
  const all = [...(history ?? []), entry];
  return all.slice(Math.max(0, all.length - Math.max(limit, 0)));
}

/** Why there is no going back: the deployment is not known, or the application is in no state for it. */
export interface RollbackRefusal {
  readonly missing: boolean;
  readonly message: string;
}

/** The operation that brings back a history entry, or why it must not be. `prune` and `dryRun` as the caller asks. */
export function rollbackOperation(
  application: Application,
  id: number | undefined,
  how: Pick<SyncOperation, "prune" | "dryRun"> & { readonly username?: string },
): Result<Operation, RollbackRefusal> {
  const refuse = (message: string, missing = false): Result<never, RollbackRefusal> => fail({ missing, message });
  const automated = application.spec.syncPolicy?.automated;
  if (automated !== undefined && automated.enabled !== false) {
    return refuse("rollback cannot be initiated when auto-sync is enabled");
  }
  const history = application.status?.history ?? [];
  // Without an id: the deployment before the present one.
  const entry = id === undefined ? history.at(-2) : history.find((candidate) => candidate.id === id);
  if (entry === undefined) {
    const which = id === undefined ? "a previous deployment" : `deployment with id ${id}`;
    return refuse(`application ${application.metadata.name} does not have ${which}`, true);
  }
  if (entry.source === undefined && (entry.sources?.length ?? 0) === 0) {
    return refuse(`cannot roll back to deployment ${entry.id}: its source was not recorded`);
  }
  // Going back is urgent: it does not wait for the applications that this one depends on.
  const options = [...(application.spec.syncPolicy?.syncOptions ?? []), "IgnoreDependencies=true"];
  return ok({
    sync: {
      ...(entry.revisions?.length
        ? { revisions: entry.revisions }
        : entry.revision
          ? { revision: entry.revision }
          : {}),
      ...(entry.sources?.length ? { sources: entry.sources } : entry.source ? { source: entry.source } : {}),
      ...(how.prune ? { prune: true } : {}),
      ...(how.dryRun ? { dryRun: true } : {}),
      syncOptions: options,
      syncStrategy: { apply: {} },
    },
    ...(how.username === undefined ? {} : { initiatedBy: { username: how.username } }),
  });
}
