// A pod in `kubectl get`: how many containers are ready, what state it is in, how often it restarted.
// Source: kubectl's documentation of pod status, "Pod Lifecycle".
import { isObject, listAt, numberAt, stringAt } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";
import { fieldsAt } from "../edit.ts";
import type { Fields } from "../edit.ts";
import { age } from "./cells.ts";

const statuses = (pod: KubernetesObject, list: string): Fields[] =>
  listAt(pod, "status", list).map((item) => fieldsAt(item));

/** Init containers that restart always go on beside the others and count with them. */
function sidecars(pod: KubernetesObject): ReadonlySet<unknown> {
  const found = listAt(pod, "spec", "initContainers").map((item) => fieldsAt(item));
  return new Set(found.filter((item) => item.restartPolicy === "Always").map((item) => item.name));
}

/** `1/2` */
export function podReady(pod: KubernetesObject): string {
  const beside = sidecars(pod);
  const total = listAt(pod, "spec", "containers").length + beside.size;
  const running = [
    ...statuses(pod, "containerStatuses"),
    ...statuses(pod, "initContainerStatuses").filter((status) => beside.has(status.name)),
  ];
  const ready = running.filter((status) => status.ready === true && isObject(fieldsAt(status, "state").running)).length;
  return `${ready}/${total}`;
}

/** `3`, or `3 (5m ago)` where the last restart's time is known. */
export function podRestarts(pod: KubernetesObject, nowMs: number): string {
  const beside = sidecars(pod);
  let counted = statuses(pod, "containerStatuses");
  const initial = statuses(pod, "initContainerStatuses");
  counted = initializing(pod) ? initial : [...counted, ...initial.filter((status) => beside.has(status.name))];
  const count = counted.reduce((sum, status) => sum + (numberAt(status, "restartCount") ?? 0), 0);
  const ends = counted.flatMap((status) => stringAt(status, "lastState", "terminated", "finishedAt") ?? []).sort();
  const last = ends.at(-1);
  return count > 0 && last !== undefined ? `${count} (${age(last, nowMs)} ago)` : String(count);
}

function initializing(pod: KubernetesObject): boolean {
  return initState(pod) !== undefined && !isInitialized(pod);
}

/** The one word (or two) that says how the pod is. */
export function podStatus(pod: KubernetesObject): string {
  const phase = stringAt(pod, "status", "phase") ?? "Unknown";
  let word = stringAt(pod, "status", "reason") ?? phase;
  const gated = listAt(pod, "status", "conditions").some(
    (item) => fieldsAt(item).type === "PodScheduled" && fieldsAt(item).reason === "SchedulingGated",
  );
  if (gated) word = "SchedulingGated";
  const init = initState(pod);
  if (init !== undefined && !isInitialized(pod)) word = init;
  else word = containersState(pod, word);
  if (pod.metadata.deletionTimestamp === undefined) return word;
  if (stringAt(pod, "status", "reason") === "NodeLost") return "Unknown";
  return phase === "Failed" || phase === "Succeeded" ? word : "Terminating";
}

function isInitialized(pod: KubernetesObject): boolean {
  return listAt(pod, "status", "conditions").some(
    (item) => fieldsAt(item).type === "Initialized" && fieldsAt(item).status === "True",
  );
}

/** What the first init container that is not done says; undefined where all are. */
function initState(pod: KubernetesObject): string | undefined {
  const beside = sidecars(pod);
  const list = statuses(pod, "initContainerStatuses");
  for (const [index, status] of list.entries()) {
    const { terminated, waiting } = fieldsAt(status, "state");
    if (isObject(terminated) && terminated.exitCode === 0) continue;
    if (beside.has(status.name) && status.started === true) continue;
    if (isObject(terminated)) return `Init:${endedBy(terminated)}`;
    const reason = stringAt(waiting, "reason");
    if (reason !== undefined && reason !== "PodInitializing") return `Init:${reason}`;
    return `Init:${index}/${listAt(pod, "spec", "initContainers").length}`;
  }
  return undefined;
}

function endedBy(terminated: Fields): string {
  const reason = stringAt(terminated, "reason");
  if (reason !== undefined && reason !== "") return reason;
  const signal = numberAt(terminated, "signal") ?? 0;
  return signal !== 0 ? `Signal:${signal}` : `ExitCode:${numberAt(terminated, "exitCode") ?? 0}`;
}

/** The first container that waits or ended names the state; with one that runs, a completed pod is not yet done. */
function containersState(pod: KubernetesObject, phase: string): string {
  let word = phase;
  let running = false;
  for (const status of statuses(pod, "containerStatuses").reverse()) {
    const { waiting, terminated, running: runs } = fieldsAt(status, "state");
    const reason = stringAt(waiting, "reason");
    if (reason !== undefined && reason !== "") word = reason;
    else if (isObject(terminated)) word = endedBy(terminated);
    else if (status.ready === true && isObject(runs)) running = true;
  }
  if (word !== "Completed" || !running) return word;
  const ready = listAt(pod, "status", "conditions").some(
    (item) => fieldsAt(item).type === "Ready" && fieldsAt(item).status === "True",
  );
  return ready ? "Running" : "NotReady";
}
