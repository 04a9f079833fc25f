// Health of the Argo projects' own kinds: Application, Workflow, Rollout, AnalysisRun, Experiment.
import { at, numberAt, stringAt } from "#base/json.ts";
import type { HealthStatus, HealthStatusCode } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { KindChecks } from "../check.ts";
import { conditionsOf, health, statusNumber } from "../read.ts";

const codes = new Set<string>(["Healthy", "Progressing", "Degraded", "Suspended", "Missing", "Unknown"]);

function application(object: KubernetesObject): HealthStatus {
  const code = stringAt(object, "status", "health", "status");
  const message = stringAt(object, "status", "health", "message");
  // Not reconciled yet.
  if (code === undefined || code === "") return health("Progressing", message);
  return health(codes.has(code) ? (code as HealthStatusCode) : "Unknown", message);
}

function workflow(object: KubernetesObject): HealthStatus {
  const message = stringAt(object, "status", "message");
  switch (stringAt(object, "status", "phase") ?? "") {
    case "":
    case "Pending":
    case "Running":
      return health("Progressing", message);
    case "Succeeded":
      return health("Healthy", message);
    case "Failed":
    case "Error":
      return health("Degraded", message);
    default:
      return health("Unknown", message);
  }
}

function rollout(object: KubernetesObject): HealthStatus {
  // Text in some versions; early ones wrote a hash of the spec there, which says nothing of the generation.
  const seen = JSON.stringify(at(object, "status", "observedGeneration") ?? "").replaceAll('"', "");
  if (/^\d{1,9}$/.test(seen) && Number(seen) < (object.metadata.generation ?? 0)) {
    return health("Progressing", "Waiting for rollout spec update to be observed");
  }
  for (const condition of conditionsOf(object)) {
    if (condition.type === "InvalidSpec" && condition.status !== "False") return health("Degraded", condition.message);
    const aborted = condition.reason === "RolloutAborted" || condition.reason === "ProgressDeadlineExceeded";
    if (condition.type === "Progressing" && aborted) return health("Degraded", condition.message);
  }
  const phase = stringAt(object, "status", "phase");
  const message = stringAt(object, "status", "message");
  switch (phase) {
    case "Healthy":
      return health("Healthy", message);
    case "Degraded":
      return health("Degraded", message);
    case "Paused":
      return health("Suspended", message || "Rollout is paused");
    case "Progressing":
      return health("Progressing", message);
    default:
      break;
  }
  if (at(object, "spec", "paused") === true) return health("Suspended", "Rollout is paused");
  const wanted = numberAt(object, "spec", "replicas") ?? 1;
  const updated = statusNumber(object, "updatedReplicas");
  const available = statusNumber(object, "availableReplicas");
  if (object["status"] === undefined)
    return health("Progressing", "Waiting for rollout to finish: status has not been reconciled.");
  if (updated < wanted)
    return health("Progressing", "Waiting for roll out to finish: More replicas need to be updated");
  if (available < updated)
    return health("Progressing", "Waiting for roll out to finish: updated replicas are still becoming available");
  return health("Healthy");
}

// AnalysisRun and Experiment share their phases.
function analysis(object: KubernetesObject): HealthStatus {
  const message = stringAt(object, "status", "message");
  switch (stringAt(object, "status", "phase") ?? "") {
    case "":
    case "Pending":
    case "Running":
      return health("Progressing", message);
    case "Successful":
      return health("Healthy", message);
    case "Failed":
    case "Error":
      return health("Degraded", message);
    case "Inconclusive":
      return health("Unknown", message);
    default:
      return health("Unknown", message);
  }
}

export const argo: KindChecks = {
  "argoproj.io/Application": application,
  "argoproj.io/Workflow": workflow,
  "argoproj.io/Rollout": rollout,
  "argoproj.io/AnalysisRun": analysis,
  "argoproj.io/Experiment": analysis,
};
