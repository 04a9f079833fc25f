// Before anything is pruned: asks the cluster, by dry runs, whether it would refuse what the same sync applies. Nothing
// may be taken away for a change that does not come. Changes nothing on the cluster.
import { toError, type DriftlessError } from "#base/errors.ts";
import type { SyncOutcome } from "#core/sync/results.ts";
import type { SyncTask } from "#core/sync/task.ts";
import { atOnce } from "./at-once.ts";

/** Dry runs of these tasks; returns those that the cluster refuses, with the reason. `apply` throws what it answers. */
export async function refusals(
  tasks: readonly SyncTask[],
  apply: (task: SyncTask) => Promise<unknown>,
  limit: number,
): Promise<readonly SyncOutcome[]> {
  const outcomes = await atOnce(limit, rehearsable(tasks), async (task): Promise<SyncOutcome | undefined> => {
    try {
      await apply(task);
      return undefined;
    } catch (thrown) {
      const error = toError(thrown);
      if (error.code === "CANCELLED") throw error;
      return isRefusal(error) ? { task, ok: false, message: error.message } : undefined;
    }
  });
  return outcomes.filter((outcome) => outcome !== undefined);
}

/** What a dry run can tell of: not what is in sync, nor what needs an object that this sync makes first. */
function rehearsable(tasks: readonly SyncTask[]): readonly SyncTask[] {
  const made = new Set(
    tasks.filter(({ key, live }) => key.kind === "Namespace" && live === undefined).map(({ key }) => key.name),
  );
  return tasks.filter(
    ({ action, unchanged, skipped, definition, options, key }) =>
      action === "apply" &&
      unchanged !== true &&
      skipped !== true &&
      definition === undefined &&
      !options.force &&
      !made.has(key.namespace),
  );
}

/** Whether the object itself is at fault, and not the moment: a port or quota may become free by the very pruning. */
function isRefusal({ code, message }: DriftlessError): boolean {
  if (/already allocated|exceeded quota|does not support dry run/.test(message)) return false;
  return code === "KUBERNETES_REFUSED" || code === "PERMISSION_DENIED" || code === "NOT_FOUND";
}
