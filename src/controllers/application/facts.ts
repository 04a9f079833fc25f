// Small facts of objects that applications own without desiring them (pods, replica sets): enough for the tree, so that
// the objects themselves need not be kept. Pure.
import { healthOf } from "#core/health/health.ts";
import { listAt, numberAt, stringAt } from "#base/json.ts";
import type { LiveCacheOptions, LiveFact } from "#kube/live.ts";
import type { KubernetesObject } from "#model/object.ts";
import { imagesOf } from "#model/images.ts";
import { podTrouble } from "#core/waits/pods.ts";

/** Which kinds are described, and how: health, images, and what the tree shows beside a pod or replica set. */
export const describePod: NonNullable<LiveCacheOptions["describe"]> = {
  kinds: [
    { group: "", kind: "Pod" },
    { group: "apps", kind: "ReplicaSet" },
    { group: "batch", kind: "Job" },
  ],
  of: factsOf,
};

function factsOf(object: KubernetesObject): readonly LiveFact[] {
  const facts: LiveFact[] = [];
  const health = healthOf(object);
  if (health) facts.push({ name: "health", value: health.status });
  if (health?.message) facts.push({ name: "health message", value: health.message });
  const images = imagesOf(object);
  if (images.length > 0) facts.push({ name: "images", value: images.join(" ") });
  if (object.kind === "Pod") facts.push(...podFacts(object));
  const trouble = object.kind === "Pod" ? podTrouble(object) : undefined;
  if (trouble !== undefined) facts.push({ name: "trouble", value: trouble });
  const revision = object.metadata.annotations?.["deployment.kubernetes.io/revision"];
  if (object.kind === "ReplicaSet" && revision !== undefined)
    facts.push({ name: "Revision", value: `Rev:${revision}` });
  return facts;
}

function podFacts(pod: KubernetesObject): LiveFact[] {
  const statuses = listAt(pod, "status", "containerStatuses");
  const waiting = statuses
    .map((status) => stringAt(status, "state", "waiting", "reason"))
    .find((reason) => reason !== undefined);
  const terminated = statuses
    .map((status) => stringAt(status, "state", "terminated", "reason"))
    .find((reason) => reason !== undefined);
  const phase =
    pod.metadata.deletionTimestamp === undefined ? (stringAt(pod, "status", "phase") ?? "Pending") : "Terminating";
  const ready = statuses.filter((status) => (status as { ready?: boolean }).ready === true).length;
  const restarts = statuses.reduce<number>((sum, status) => sum + (numberAt(status, "restartCount") ?? 0), 0);
  const facts: LiveFact[] = [
    { name: "Status Reason", value: waiting ?? terminated ?? stringAt(pod, "status", "reason") ?? phase },
    { name: "Containers", value: `${ready}/${listAt(pod, "spec", "containers").length}` },
  ];
  const node = stringAt(pod, "spec", "nodeName");
  if (node !== undefined) facts.push({ name: "Node", value: node });
  if (restarts > 0) facts.push({ name: "Restart Count", value: String(restarts) });
  return facts;
}
