// Health of Pod. Pods that end (restartPolicy Never or OnFailure) are mostly hooks: while they run they are Progressing,
// and a passing image pull error does not fail them.
import { at, listAt, numberAt, stringAt } from "#base/json.ts";
import { annotation } from "#model/names.ts";
import type { HealthStatus } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { KindChecks } from "../check.ts";
import { conditionOf, health } from "../read.ts";

function pod(object: KubernetesObject): HealthStatus {
  const message = stringAt(object, "status", "message");
  const lasting = isLasting(object);
  if (lasting) {
    const stuck = stuckContainers(object);
    if (stuck.length > 0) return health("Degraded", stuck.join(", "));
  }
  switch (stringAt(object, "status", "phase")) {
    case "Pending":
      return health("Progressing", message);
    case "Succeeded":
      return health("Healthy", message);
    case "Failed":
      return health("Degraded", message || failure(object));
    case "Running":
      return lasting ? running(object, message) : health("Progressing", message);
    default:
      return health("Unknown", message);
  }
}

function running(object: KubernetesObject, message: string | undefined): HealthStatus {
  if (conditionOf(object, "Ready")?.status === "True") return health("Healthy", message);
  const restarted = listAt(object, "status", "containerStatuses").some(
    (container) => at(container, "lastState", "terminated") !== undefined,
  );
  return health(restarted ? "Degraded" : "Progressing", message);
}

// Whether the pod should run forever. Absent counts as Always: the API server's default.
function isLasting(object: KubernetesObject): boolean {
  const policy = stringAt(object, "spec", "restartPolicy") ?? "Always";
  if (policy === "Always") return true;
  const annotations = object.metadata.annotations;
  return annotations?.[annotation.ignoreRestartPolicy] === "true" && annotations[annotation.hook] === undefined;
}

// What containers wait for that retrying alone rarely mends: ErrImagePull, ImagePullBackOff, CreateContainerError, …
function stuckContainers(object: KubernetesObject): string[] {
  const found: string[] = [];
  for (const container of listAt(object, "status", "containerStatuses")) {
    const reason = stringAt(container, "state", "waiting", "reason");
    if (reason === undefined) continue;
    if (reason.startsWith("Err") || reason.endsWith("Error") || reason.endsWith("BackOff")) {
      found.push(stringAt(container, "state", "waiting", "message") ?? "");
    }
  }
  return found;
}

function failure(object: KubernetesObject): string {
  const containers = [
    ...listAt(object, "status", "initContainerStatuses"),
    ...listAt(object, "status", "containerStatuses"),
  ];
  for (const container of containers) {
    const ended = at(container, "state", "terminated");
    if (ended === undefined) continue;
    const message = stringAt(ended, "message");
    if (message) return message;
    if (stringAt(ended, "reason") === "OOMKilled") return "OOMKilled";
    const code = numberAt(ended, "exitCode") ?? 0;
    if (code !== 0) return `container "${stringAt(container, "name")}" failed with exit code ${code}`;
  }
  return "";
}

export const pods: KindChecks = { "/Pod": pod };
