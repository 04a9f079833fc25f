// What a sync waits for, with the reason, for people: "1 pod running for 40 s", "1 of 3 updated replicas available", "held by
// finalizer x". Pure: the live object, its health and its pods come as arguments, and so does the time.
import { at, listAt, numberAt, stringAt } from "#base/json.ts";
import type { HealthStatus } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";

/** A pod below the object that is waited for. */
export interface PodView {
  readonly name: string;
  /** `Running`, `Pending`, `Completed`, `ImagePullBackOff`, …: what `kubectl get pods` shows. */
  readonly reason: string;
  /** Whether it has ended. */
  readonly ended: boolean;
  /** What keeps it (see pods.ts). */
  readonly trouble?: string;
  readonly createdAt?: string;
}

export interface WaitSubject {
  /** undefined: it does not exist (yet). */
  readonly object: KubernetesObject | undefined;
  readonly health?: HealthStatus;
  readonly pods?: readonly PodView[];
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Why an object is not healthy, or a hook not complete, yet. */
export function whyNotReady(subject: WaitSubject): string {
  const { object } = subject;
  if (object === undefined) return "it does not exist yet";
  if (object.metadata.deletionTimestamp !== undefined) return whyNotGone(subject);
  return joined([kinds[object.kind]?.(object, subject) ?? general(object, subject), podTroubles(subject)]);
}

/** Why an object that is being deleted still exists. */
export function whyNotGone({ object, now, pods = [] }: WaitSubject): string {
  if (object === undefined) return "gone in a moment";
  const since = Date.parse(object.metadata.deletionTimestamp ?? "");
  const age = Number.isFinite(since) ? `being deleted for ${durationText(now - since)}` : "not being deleted yet";
  const finalizers = object.metadata.finalizers ?? [];
  const blocked = listAt(object, "status", "conditions")
    .filter((condition) => stringAt(condition, "status") === "True")
    .map((condition) => stringAt(condition, "message") ?? "");
  const held = finalizers.includes("foregroundDeletion") ? "what it owns goes first" : "";
  const others = finalizers.filter((name) => name !== "foregroundDeletion");
  const living = pods.filter((pod) => !pod.ended).length;
  return joined([
    age,
    others.length > 0 ? `held by finalizer${others.length > 1 ? "s" : ""} ${others.join(", ")}` : "",
    object.kind === "Namespace" ? blocked.join(" ") : held,
    living > 0 ? `${count(living, "pod")} left` : "",
  ]);
}

type Explain = (object: KubernetesObject, subject: WaitSubject) => string | undefined;

const kinds: Readonly<Record<string, Explain>> = {
  Job: job,
  Pod: (object, { health, now }) =>
    health?.message || `${stringAt(object, "status", "phase") ?? "Pending"} for ${ageText(object, now)}`,
  Deployment: (object) =>
    numberAt(object, "status", "observedGeneration") !== object.metadata.generation
      ? "its controller has not seen the change yet"
      : replicas(object, "updatedReplicas", "availableReplicas"),
  StatefulSet: (object) => replicas(object, "updatedReplicas", "readyReplicas"),
  ReplicaSet: (object) => replicas(object, "replicas", "availableReplicas"),
  DaemonSet: daemonSet,
  PersistentVolumeClaim: (object) =>
    joined([
      `${stringAt(object, "status", "phase") ?? "Pending"}: no volume is bound`,
      stringAt(object, "spec", "storageClassName") === undefined
        ? "it names no storage class"
        : `storage class ${stringAt(object, "spec", "storageClassName")}`,
    ]),
  Service: () => "no load balancer has given it an address yet",
  Ingress: () => "no load balancer has given it an address yet",
  CustomResourceDefinition: (object) =>
    conditionText(object, ["NamesAccepted", "Established"]) ?? "the cluster has not established it yet",
};

function job(object: KubernetesObject, { pods = [], now }: WaitSubject): string {
  if (at(object, "spec", "suspend") === true) return "suspended";
  const wanted = numberAt(object, "spec", "completions") ?? 1;
  const done = numberAt(object, "status", "succeeded") ?? 0;
  const failed = numberAt(object, "status", "failed") ?? 0;
  const limit = numberAt(object, "spec", "backoffLimit") ?? 6;
  const active = pods.filter((pod) => !pod.ended);
  const running = active.filter((pod) => pod.reason === "Running");
  const other = active.length - running.length;
  const none = numberAt(object, "status", "active") ?? 0;
  return joined([
    wanted > 1 ? `${done} of ${wanted} completions` : "",
    running.length > 0 ? `${count(running.length, "pod")} running for ${oldest(running, now)}` : "",
    other > 0 ? `${count(other, "pod")} not running yet` : "",
    active.length > 0
      ? ""
      : none > 0
        ? `${count(none, "pod")} active`
        : failed > 0
          ? "no pod at present"
          : "no pod yet",
    failed > 0 ? `${count(failed, "pod")} failed (${limit === 1 ? "1 retry" : `${limit} retries`} allowed)` : "",
  ]);
}

function replicas(object: KubernetesObject, updatedField: string, readyField: string): string | undefined {
  const wanted = numberAt(object, "spec", "replicas") ?? 1;
  const updated = numberAt(object, "status", updatedField) ?? 0;
  const ready = Math.min(numberAt(object, "status", readyField) ?? 0, updated);
  const total = numberAt(object, "status", "replicas") ?? 0;
  const quota = listAt(object, "status", "conditions").find(
    (condition) => stringAt(condition, "type") === "ReplicaFailure" && stringAt(condition, "status") === "True",
  );
  const refused = stringAt(quota, "message") ?? "";
  if (updated < wanted) return joined([`${updated} of ${wanted} replicas updated`, `${ready} available`, refused]);
  if (ready < wanted) return joined([`${ready} of ${wanted} updated replicas available`, refused]);
  return total > updated ? `${count(total - updated, "old replica")} to end` : undefined;
}

function daemonSet(object: KubernetesObject): string | undefined {
  const wanted = numberAt(object, "status", "desiredNumberScheduled") ?? 0;
  const updated = numberAt(object, "status", "updatedNumberScheduled") ?? 0;
  const available = numberAt(object, "status", "numberAvailable") ?? 0;
  if (updated < wanted) return `${updated} of ${wanted} nodes updated`;
  return available < wanted ? `available on ${available} of ${wanted} nodes` : undefined;
}

// Any other kind: what its health check says, else the condition that is not met, else its phase.
function general(object: KubernetesObject, { health }: WaitSubject): string {
  const phase = stringAt(object, "status", "phase") ?? stringAt(object, "status", "state");
  return (
    health?.message ||
    conditionText(object, wantedConditions) ||
    (phase === undefined ? undefined : `its phase is ${phase}`) ||
    (object["status"] === undefined
      ? "its controller has written no status yet"
      : `it is ${health?.status ?? "Unknown"}`)
  );
}

const wantedConditions = [
  "Ready",
  "Available",
  "Synced",
  "Established",
  "Programmed",
  "Accepted",
  "Reconciled",
  "Healthy",
  "Complete",
];

function conditionText(object: KubernetesObject, types: readonly string[]): string | undefined {
  const conditions = listAt(object, "status", "conditions");
  for (const type of types) {
    const found = conditions.find((condition) => stringAt(condition, "type") === type);
    if (found === undefined || stringAt(found, "status") === "True") continue;
    return (
      stringAt(found, "message") || stringAt(found, "reason") || `${type} is ${stringAt(found, "status") ?? "Unknown"}`
    );
  }
  return undefined;
}

// Pods that are kept by something, the same words once.
function podTroubles({ object, pods = [] }: WaitSubject): string {
  const byText = new Map<string, string[]>();
  for (const { name, trouble, ended } of pods) {
    if (trouble === undefined || name === object?.metadata.name || (ended && object?.kind !== "Job")) continue;
    byText.set(trouble, [...(byText.get(trouble) ?? []), name]);
  }
  const texts = [...byText].map(([text, names]) =>
    names.length === 1 ? `pod ${names[0]}: ${text}` : `${names.length} pods (${names[0]}, …): ${text}`,
  );
  return joined([...texts.slice(0, 2), texts.length > 2 ? `and ${texts.length - 2} more reasons` : ""]);
}

/** `40 s`, `3 min 05 s`, `2 h 10 min`, `3 d 4 h`; never below 0. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min${seconds % 60 === 0 ? "" : ` ${String(seconds % 60).padStart(2, "0")} s`}`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h${minutes % 60 === 0 ? "" : ` ${minutes % 60} min`}`;
  return `${Math.floor(hours / 24)} d${hours % 24 === 0 ? "" : ` ${hours % 24} h`}`;
}

function oldest(pods: readonly PodView[], now: number): string {
  const times = pods.map((pod) => Date.parse(pod.createdAt ?? "")).filter((time) => Number.isFinite(time));
  return durationText(times.length === 0 ? 0 : now - Math.min(...times));
}

function ageText(object: KubernetesObject, now: number): string {
  const created = Date.parse(object.metadata.creationTimestamp ?? "");
  return durationText(Number.isFinite(created) ? now - created : 0);
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;
const joined = (parts: readonly (string | undefined)[]): string => parts.filter((part) => part).join("; ");
