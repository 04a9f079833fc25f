// Small facts of objects that applications own without desiring them (pods, replica sets): enough for the tree, so that
// the objects themselves need not be kept. Pure.
import { builtinCheck, healthOf } from "#core/health/health.ts";
import { listAt, numberAt, stringAt } from "#base/json.ts";
import type { LiveCacheOptions, LiveFact } from "#kube/live.ts";
import type { HealthStatusCode } from "#model/application.ts";
import { gvkOf, type KubernetesObject, type ObjectMeta } from "#model/object.ts";
import type { CustomHealth } from "./custom-health.ts";
import { imagesOf } from "#model/images.ts";
import { podTrouble } from "#core/waits/pods.ts";

/** Small facts of objects that are not kept: health, images, and what the tree shows beside a pod or replica set. */
export interface FactsOptions {
  /** Where a script decides an object's health, its result comes later, and by itself. */
  readonly health: Pick<CustomHealth, "isCustom" | "offer">;
  /** Argo CD's `resource.customLabels`. */
  readonly customLabels: () => readonly string[];
}

/** Which kinds are described: those with a health check, and those whose labels or images are shown. */
export function describeObjects(options: FactsOptions): NonNullable<LiveCacheOptions["describe"]> {
  return {
    covers: (kind) => options.health.isCustom(kind) || builtinCheck(kind.group, kind.kind) !== undefined,
    of: (object, kept) => factsOf(object, { ...options, kept }),
    ofMeta(meta) {
      const facts = labelFacts(meta, options.customLabels());
      return facts.length > 0 ? facts : undefined;
    },
  };
}

function factsOf(object: KubernetesObject, options: FactsOptions & { readonly kept: boolean }): readonly LiveFact[] {
  const facts: LiveFact[] = [];
  const { health: scripts, customLabels, kept } = options;
  const custom = scripts.isCustom(gvkOf(object));
  if (custom) scripts.offer(object);
  // Of an object that is kept, these are read from it.
  const health = custom || kept ? undefined : healthOf(object);
  if (health) facts.push({ name: "health", value: health.status });
  if (health?.message) facts.push({ name: "health message", value: health.message });
  const images = kept ? [] : imagesOf(object);
  if (images.length > 0) facts.push({ name: "images", value: images.join(" ") });
  if (object.kind === "Pod") facts.push(...podFacts(object));
  const trouble = object.kind === "Pod" ? podTrouble(object) : undefined;
  if (trouble !== undefined) facts.push({ name: "trouble", value: trouble });
  const revision = object.metadata.annotations?.["deployment.kubernetes.io/revision"];
  if (object.kind === "ReplicaSet" && revision !== undefined)
    facts.push({ name: "Revision", value: `Rev:${revision}` });
  facts.push(...labelFacts(object.metadata, customLabels()));
  if (facts.length === 0) return none;
  if (facts.length > 1 || health === undefined) return facts;
  // Most say only this: one list for all of them.
  return health.message === undefined ? bare[health.status] : facts;
}

function labelFacts({ labels }: ObjectMeta, names: readonly string[]): readonly LiveFact[] {
  return names.flatMap((name) => {
    const value = labels?.[name];
    return value === undefined ? [] : [{ name, value }];
  });
}

const none: readonly LiveFact[] = [];
const bare: Readonly<Record<HealthStatusCode, readonly LiveFact[]>> = {
  Healthy: [{ name: "health", value: "Healthy" }],
  Progressing: [{ name: "health", value: "Progressing" }],
  Degraded: [{ name: "health", value: "Degraded" }],
  Suspended: [{ name: "health", value: "Suspended" }],
  Missing: [{ name: "health", value: "Missing" }],
  Unknown: [{ name: "health", value: "Unknown" }],
};

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
