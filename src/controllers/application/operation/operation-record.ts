// An operation's record as it begins: what runs, to which commits it keeps, what it has come to so far. Pure.
import { nextRetry } from "#core/sync/retry.ts";
import type { Application, Operation, OperationState, SyncOperation } from "#model/application.ts";
import type { AppState, RunningOperation } from "../state.ts";

/** An operation that has not planned anything yet. */
export function newRunning(
  operation: Operation,
  how: { readonly announce: boolean; readonly pinned?: RunningOperation["pinned"] },
): RunningOperation {
  return {
    operation,
    pinned: how.pinned,
    plan: undefined,
    desired: undefined,
    announce: how.announce,
    missing: new Set(),
    lastWaveAtMs: undefined,
    retryAtMs: undefined,
    waits: [],
  };
}

/** An operation that was found under way: it stays with its commits, and waits on where it waited for another attempt. */
export function resumed(recorded: OperationState): RunningOperation {
  const running = newRunning(recorded.operation, { announce: true, pinned: pinnedBy(recorded) });
  if (recorded.finishedAt === undefined) return running;
  const retry = nextRetry(recorded.operation.retry, (recorded.retryCount ?? 1) - 1, Date.parse(recorded.finishedAt));
  return { ...running, retryAtMs: retry.retry ? retry.at : Date.parse(recorded.finishedAt) };
}

/** The commits that an operation was resolved to. */
export function pinnedBy({ syncResult, operation }: OperationState): RunningOperation["pinned"] {
  if (syncResult === undefined || operation.sync?.manifests?.length) return undefined;
  const { revision, revisions } = syncResult;
  if (revisions?.length) return { revisions };
  return revision === "" ? undefined : { revision };
}

/** The operation with the commits that are followed now; one to sources of its own stays as it is. */
export function followingNow(operation: Operation, revisions: readonly string[] | undefined): Operation {
  const { sync } = operation;
  if (!sync || sync.source || sync.sources || !revisions) return operation;
  if (sync.revisions) return { ...operation, sync: { ...sync, revisions } };
  return sync.revision ? { ...operation, sync: { ...sync, revision: revisions[0] ?? sync.revision } } : operation;
}

/** What a sync has come to when it begins: nothing yet. */
export function emptyResult(
  state: AppState,
  sync: SyncOperation | undefined,
): NonNullable<OperationState["syncResult"]> {
  const source = sync?.source ?? state.app.spec.source;
  const sources = sync?.sources ?? state.app.spec.sources;
  return {
    revision: sync?.revision ?? "",
    ...(sync?.revisions ? { revisions: sync.revisions } : {}),
    ...(source ? { source } : {}),
    ...(sources ? { sources } : {}),
  };
}

/** The commits of a sync, as its record has them. */
export function revisionFields(
  app: Application,
  revisions: readonly string[],
): { revision: string; revisions?: readonly string[] } {
  return app.spec.sources?.length ? { revision: "", revisions } : { revision: revisions[0] ?? "" };
}
