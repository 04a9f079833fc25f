// Why a pod is not (yet) as it should be, in one line. Pure. Source: Kubernetes' "Pod Lifecycle" and the reasons that the
// scheduler and the kubelet write into a pod's status.
import { at, listAt, numberAt, stringAt } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";

/** What keeps a pod from running or from being ready; undefined where nothing does, or where it has ended well. */
export function podTrouble(pod: KubernetesObject): string | undefined {
  if (pod.metadata.deletionTimestamp !== undefined) return undefined;
  const phase = stringAt(pod, "status", "phase");
  if (phase === "Succeeded") return undefined;
  return unscheduled(pod) ?? stuck(pod) ?? (phase === "Failed" ? ended(pod) : (initialising(pod) ?? unready(pod)));
}

function unscheduled(pod: KubernetesObject): string | undefined {
  const scheduled = conditionOf(pod, "PodScheduled");
  if (stringAt(scheduled, "status") !== "False") return undefined;
  const reason = stringAt(scheduled, "reason") === "SchedulingGated" ? "held by scheduling gates" : "unschedulable";
  const message = stringAt(scheduled, "message") ?? "";
  return message === "" ? reason : `${reason}: ${message}`;
}

// Reasons that are part of every start.
const ordinary: ReadonlySet<string> = new Set(["ContainerCreating", "PodInitializing"]);

function stuck(pod: KubernetesObject): string | undefined {
  const statuses = [...listAt(pod, "status", "initContainerStatuses"), ...listAt(pod, "status", "containerStatuses")];
  for (const status of statuses) {
    const reason = stringAt(status, "state", "waiting", "reason");
    if (reason === undefined || ordinary.has(reason)) continue;
    const message = stringAt(status, "state", "waiting", "message") ?? "";
    const code = numberAt(status, "lastState", "terminated", "exitCode");
    const last = code === undefined ? "" : ` (last exit code ${code})`;
    return `${message === "" ? reason : `${reason}: ${message}`}${last}`;
  }
  return undefined;
}

function ended(pod: KubernetesObject): string {
  for (const status of listAt(pod, "status", "containerStatuses")) {
    const code = numberAt(status, "state", "terminated", "exitCode") ?? 0;
    if (code === 0) continue;
    const reason = stringAt(status, "state", "terminated", "reason");
    return `container ${stringAt(status, "name") ?? ""} ended with exit code ${code}${reason === "OOMKilled" ? " (OOMKilled)" : ""}`;
  }
  return stringAt(pod, "status", "message") || stringAt(pod, "status", "reason") || "failed";
}

function initialising(pod: KubernetesObject): string | undefined {
  const statuses = listAt(pod, "status", "initContainerStatuses");
  const open = statuses.find(
    (status) => at(status, "state", "running") !== undefined && at(status, "started") !== true,
  );
  return open === undefined ? undefined : `init container ${stringAt(open, "name") ?? ""} is running`;
}

function unready(pod: KubernetesObject): string | undefined {
  if (stringAt(pod, "status", "phase") !== "Running" || stringAt(pod, "spec", "restartPolicy") === "Never")
    return undefined;
  const statuses = listAt(pod, "status", "containerStatuses");
  const names = statuses
    .filter((status) => at(status, "ready") !== true)
    .map((status) => stringAt(status, "name") ?? "");
  if (names.length === 0) return undefined;
  return `container${names.length > 1 ? "s" : ""} ${names.join(", ")} not ready`;
}

function conditionOf(pod: KubernetesObject, type: string): unknown {
  return listAt(pod, "status", "conditions").find((condition) => stringAt(condition, "type") === type);
}
