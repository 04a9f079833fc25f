// What the tree tells of a pod: in which state it is, as kubectl has it in one word, on which node, how many containers are
// ready, what it asks of its node. Pure.
// Source: Kubernetes, "Resource Management for Pods and Containers" and "Sidecar Containers"; kubectl's column STATUS.
import { at, isObject, listAt, numberAt, stringAt } from "#base/json.ts";
import { quantityNanos } from "#core/merge/quantity.ts";
import type { LiveFact } from "#kube/live.ts";
import type { KubernetesObject } from "#model/object.ts";

/** What hosts are compared by, in the order of `requests`. */
export const hostResources = ["cpu", "memory", "storage"] as const;

/** Name of the fact with what a pod asks of its node, in thousandths, by `hostResources`; not for people. */
export const requestsFact = "requests";

/** Takes a pod; returns its facts. A pod that has ended asks nothing of its node. */
export function podFacts(pod: KubernetesObject): readonly LiveFact[] {
  const statuses = listAt(pod, "status", "containerStatuses");
  const early = listAt(pod, "status", "initContainerStatuses");
  const sidecars = new Set(
    listAt(pod, "spec", "initContainers").flatMap((container) => (isSidecar(container) ? [nameOf(container)] : [])),
  );
  const ready = [...statuses, ...early.filter((status) => sidecars.has(nameOf(status)))].filter(
    (status) => at(status, "ready") === true,
  ).length;
  const total = listAt(pod, "spec", "containers").length + sidecars.size;
  const restarts = [...early, ...statuses].reduce<number>(
    (sum, each) => sum + (numberAt(each, "restartCount") ?? 0),
    0,
  );
  const node = stringAt(pod, "spec", "nodeName");
  return [
    { name: "Status Reason", value: reasonOf(pod, { statuses, early, sidecars }) },
    { name: "Containers", value: `${ready}/${total}` },
    ...(node === undefined ? [] : [{ name: "Node", value: node }]),
    ...(restarts > 0 ? [{ name: "Restart Count", value: String(restarts) }] : []),
    ...(hasEnded(pod) ? [] : [{ name: requestsFact, value: requestsOf(pod).join(" ") }]),
  ];
}

interface Containers {
  readonly statuses: readonly unknown[];
  readonly early: readonly unknown[];
  readonly sidecars: ReadonlySet<string>;
}

function reasonOf(pod: KubernetesObject, containers: Containers): string {
  const phase = stringAt(pod, "status", "phase") ?? "Pending";
  const told = stringAt(pod, "status", "reason") || phase;
  if (pod.metadata.deletionTimestamp !== undefined) {
    if (told === "NodeLost") return "Unknown";
    if (!hasEnded(pod)) return "Terminating";
  }
  const conditions = listAt(pod, "status", "conditions");
  const gated = conditions.some(
    (each) => stringAt(each, "type") === "PodScheduled" && stringAt(each, "reason") === "SchedulingGated",
  );
  const initialized = conditions.some(
    (each) => stringAt(each, "type") === "Initialized" && stringAt(each, "status") === "True",
  );
  const starting = initialized ? undefined : initReason(pod, containers);
  return starting ?? containersReason(containers) ?? (gated ? "SchedulingGated" : told);
}

/** What the first init container that is not done says. */
function initReason(pod: KubernetesObject, { early, sidecars }: Containers): string | undefined {
  const index = early.findIndex(
    (status) =>
      numberAt(status, "state", "terminated", "exitCode") !== 0 &&
      !(sidecars.has(nameOf(status)) && at(status, "started") === true),
  );
  if (index < 0) return undefined;
  const status = early[index];
  const ended = endOf(status);
  if (ended !== undefined) return `Init:${ended}`;
  const waiting = stringAt(status, "state", "waiting", "reason");
  return waiting && waiting !== "PodInitializing"
    ? `Init:${waiting}`
    : `Init:${index}/${listAt(pod, "spec", "initContainers").length}`;
}

/** What the first container that does not run says. */
function containersReason({ statuses }: Containers): string | undefined {
  const reason = statuses
    .map((status) => stringAt(status, "state", "waiting", "reason") || endOf(status))
    .find((each) => each !== undefined);
  const runs = statuses.some((each) => at(each, "ready") === true && at(each, "state", "running") !== undefined);
  return reason === "Completed" && runs ? "Running" : reason;
}

/** How a container ended; undefined where it did not. */
function endOf(status: unknown): string | undefined {
  const ended = at(status, "state", "terminated");
  if (!isObject(ended)) return undefined;
  const signal = numberAt(ended, "signal") ?? 0;
  return (
    stringAt(ended, "reason") || (signal === 0 ? `ExitCode:${numberAt(ended, "exitCode") ?? 0}` : `Signal:${signal}`)
  );
}

function hasEnded(pod: KubernetesObject): boolean {
  const phase = stringAt(pod, "status", "phase");
  return phase === "Succeeded" || phase === "Failed";
}

/** In thousandths: of the whole pod, else the sum of its containers or what its init containers need, whichever is more. */
function requestsOf(pod: KubernetesObject): readonly number[] {
  return hostResources.map((resource) => {
    const ofPod = at(pod, "spec", "resources", "requests", resource);
    const overhead = millisOf(at(pod, "spec", "overhead", resource));
    if (ofPod !== undefined) return millisOf(ofPod) + overhead;
    const asked = (container: unknown): number => millisOf(at(container, "resources", "requests", resource));
    let sidecars = 0;
    let most = 0;
    for (const container of listAt(pod, "spec", "initContainers")) {
      if (isSidecar(container)) sidecars += asked(container);
      most = Math.max(most, sidecars + (isSidecar(container) ? 0 : asked(container)));
    }
    const running = listAt(pod, "spec", "containers").reduce<number>((sum, each) => sum + asked(each), sidecars);
    return Math.max(running, most) + overhead;
  });
}

/** A quantity in thousandths; 0 where it is none. */
export function millisOf(quantity: unknown): number {
  return Math.ceil(Number(quantityNanos(quantity) ?? 0n) / 1e6);
}

const nameOf = (container: unknown): string => stringAt(container, "name") ?? "";
const isSidecar = (container: unknown): boolean => stringAt(container, "restartPolicy") === "Always";
