// Health of PodDisruptionBudget.
import type { HealthStatus } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { KindChecks } from "../check.ts";
import { conditionOf, health, observed } from "../read.ts";

function disruptionBudget(object: KubernetesObject): HealthStatus {
  if (object["status"] === undefined || !observed(object)) return health("Progressing", "Waiting for status");
  const allowed = conditionOf(object, "DisruptionAllowed");
  if (allowed === undefined) return health("Progressing", "Waiting for status");
  if (allowed.status === "True") return health("Healthy", "PodDisruptionBudget has SufficientPods");
  // Reconciling it failed; merely having no disruption left is what a budget is for.
  if (allowed.reason === "SyncFailed") {
    return health("Degraded", `PodDisruptionBudget has ${allowed.reason}`);
  }
  return health("Progressing", `PodDisruptionBudget has ${allowed.reason}`);
}

export const policy: KindChecks = { "policy/PodDisruptionBudget": disruptionBudget };
