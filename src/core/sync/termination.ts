// Ends an operation whose plan is not at hand (another process made it, or it was never made): its live hooks, which
// carry the mark of their run, tell what is still to be cleaned up. Pure.
import type { OperationState, SyncPhase } from "#model/application.ts";
import { annotation } from "#model/names.ts";
import type { KubernetesObject } from "#model/object.ts";
import { gvkOf, keyOf } from "#model/object.ts";
import { deletePoliciesOf, waveOf } from "./hooks.ts";
import { defaultSyncOptions } from "./options.ts";
import type { ReadyPlan } from "./plan.ts";
import { runName } from "./plan.ts";
import type { SyncTask } from "./task.ts";

const phases: readonly SyncPhase[] = ["PreSync", "Sync", "PostSync", "SyncFail"];

/** Takes live objects of the application; returns a plan that holds nothing but this operation's hooks. */
export function planFromEvidence(live: readonly KubernetesObject[], operation: OperationState): ReadyPlan {
  const { startedAt, retryCount } = operation;
  const runs = new Map(phases.map((phase) => [runName({ startedAt, attempt: retryCount ?? 0 }, phase), phase]));
  const tasks: SyncTask[] = [];
  for (const object of live) {
    const run = object.metadata.annotations?.[annotation.hookRun] ?? "";
    const phase = runs.get(run);
    if (phase === undefined) continue;
    tasks.push({
      key: keyOf(object),
      version: gvkOf(object).version,
      phase,
      wave: waveOf(object),
      action: "hook",
      desired: object,
      hookType: phase,
      deletePolicies: deletePoliciesOf(object),
      run,
      options: defaultSyncOptions,
      order: tasks.length,
    });
  }
  return {
    ok: true,
    tasks,
    options: defaultSyncOptions,
    dryRun: operation.operation.sync?.dryRun === true,
    pruneConfirmed: false,
    warnings: [],
  };
}
