// Health of Job and CronJob.
import { at } from "#base/json.ts";
import type { HealthStatus } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { KindChecks } from "../check.ts";
import { conditionsOf, health } from "../read.ts";

function job(object: KubernetesObject): HealthStatus {
  let complete: string | undefined;
  let suspended: string | undefined;
  for (const condition of conditionsOf(object)) {
    if (condition.status === "False") continue;
    if (condition.type === "Failed") return health("Degraded", condition.message);
    if (condition.type === "Complete") complete = condition.message;
    if (condition.type === "Suspended") suspended = condition.message;
  }
  if (complete !== undefined) return health("Healthy", complete);
  return suspended === undefined ? health("Progressing") : health("Suspended", suspended);
}

// A CronJob has no health of its own, except that a suspended one says so.
function cronJob(object: KubernetesObject): HealthStatus | undefined {
  return at(object, "spec", "suspend") === true ? health("Suspended", "CronJob is Suspended") : undefined;
}

export const batch: KindChecks = { "batch/Job": job, "batch/CronJob": cronJob };
