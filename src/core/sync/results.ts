// The results of a sync's steps, in the shape of status.operationState.syncResult.resources. Pure.
import type { OperationPhase, ResourceResult, ResultCode } from "#model/application.ts";
import { imagesOf } from "#model/images.ts";
import type { SyncTask } from "./task.ts";
import { resultId, taskId } from "./task.ts";

/** What came of one executed action. */
export interface SyncOutcome {
  readonly task: SyncTask;
  /** Whether the cluster accepted it. */
  readonly ok: boolean;
  /** As kubectl says it (`deployment.apps/web configured`), or the API server's error. */
  readonly message: string;
  /** Dry run: nothing was changed. */
  readonly dryRun?: boolean;
  /** A prune that was not done after all: the object is another's by now. */
  readonly kept?: boolean;
}

/**
 * Adds executed applies, hook creations and prunes to the results. Takes outcomes of those actions only: what became of
 * a deletion of a hook is no result, except that it failed (see `recordHookDeletionFailure`).
 */
export function recordOutcomes(
  results: readonly ResourceResult[],
  outcomes: readonly SyncOutcome[],
): readonly ResourceResult[] {
  if (outcomes.length === 0) return results;
  const book = new ResultBook(results);
  for (const outcome of outcomes) {
    const { task } = outcome;
    if (!outcome.ok) {
      book.set(task, { status: "SyncFailed", hookPhase: "Failed", message: outcome.message });
    } else if (outcome.kept) {
      book.set(task, { status: "PruneSkipped", hookPhase: "Succeeded", message: outcome.message });
    } else if (task.action === "prune") {
      const message = outcome.dryRun ? "pruned (dry run)" : outcome.message || "pruned";
      book.set(task, { status: "Pruned", hookPhase: "Succeeded", message });
    } else {
      const hookPhase = outcome.dryRun ? "Succeeded" : "Running";
      book.set(task, { status: "Synced", hookPhase, message: outcome.message });
    }
  }
  return book.list();
}

/** A hook whose object could not be deleted or released: recorded as an error of that hook. */
export function recordHookDeletionFailure(
  results: readonly ResourceResult[],
  task: SyncTask,
  error: string,
): readonly ResourceResult[] {
  const book = new ResultBook(results);
  const status = book.get(task)?.status;
  book.set(task, { ...(status ? { status } : {}), hookPhase: "Error", message: `failed to delete resource: ${error}` });
  return book.list();
}

export interface ResultChange {
  readonly status?: ResultCode;
  readonly hookPhase?: OperationPhase;
  readonly message?: string;
}

/** Results by task, in the order in which they first came. The given list is never changed. */
export class ResultBook {
  #changed = false;
  readonly #original: readonly ResourceResult[];
  readonly #byId = new Map<string, ResourceResult>();

  constructor(results: readonly ResourceResult[]) {
    this.#original = results;
    for (const result of results) this.#byId.set(resultId(result), result);
  }

  get(task: SyncTask): ResourceResult | undefined {
    return this.#byId.get(taskId(task));
  }

  /** Sets a task's result; an empty message keeps the one before. */
  set(task: SyncTask, change: ResultChange): void {
    const id = taskId(task);
    const before = this.#byId.get(id);
    const message = change.message || before?.message;
    if (
      before !== undefined &&
      before.status === change.status &&
      before.hookPhase === change.hookPhase &&
      before.message === message
    ) {
      return;
    }
    this.#changed = true;
    this.#byId.set(id, { ...(before ?? blank(task)), ...change, ...(message === undefined ? {} : { message }) });
  }

  /** Sets the result of something that is not in the plan any more. */
  settle(result: ResourceResult, change: ResultChange): void {
    this.#changed = true;
    this.#byId.set(resultId(result), { ...result, ...change });
  }

  /** The given list itself where nothing changed. */
  list(): readonly ResourceResult[] {
    return this.#changed ? [...this.#byId.values()] : this.#original;
  }
}

function blank(task: SyncTask): ResourceResult {
  const object = task.desired ?? task.live;
  const images = object === undefined ? [] : imagesOf(object);
  return {
    group: task.key.group,
    version: task.version,
    kind: task.key.kind,
    namespace: task.key.namespace,
    name: task.key.name,
    ...(task.hookType ? { hookType: task.hookType } : {}),
    syncPhase: task.phase,
    ...(images.length > 0 ? { images } : {}),
  };
}
