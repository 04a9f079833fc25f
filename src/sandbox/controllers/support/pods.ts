// What controllers ask of pods (ready, available, finished) and how they make them from a template.
import type { KubernetesObject } from "#model/object.ts";
import type { Context } from "./controller.ts";
import { conditionOf, deleting, ownerRefTo, timeOf, type Pod, type PodTemplate } from "./objects.ts";
import { randomSuffix } from "./hash.ts";

export function isReady(pod: Pod): boolean {
  return conditionOf(pod.status, "Ready")?.status === "True";
}

export function isFinished(pod: Pod): boolean {
  return pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
}

/** Neither finished nor being deleted. */
export function isActive(pod: Pod): boolean {
  return !isFinished(pod) && !deleting(pod);
}

/** Milliseconds until a ready pod counts as available (0: it does; undefined: it is not ready). */
export function untilAvailableMs(pod: Pod, minReadySeconds: number, nowMs: number): number | undefined {
  const ready = conditionOf(pod.status, "Ready");
  if (ready?.status !== "True") return undefined;
  if (minReadySeconds === 0) return 0;
  return Math.max(0, timeOf(ready.lastTransitionTime) + minReadySeconds * 1000 - nowMs);
}

/** A pod from a template, controlled by `owner`. A name may be given; otherwise it is generated. */
export function podFrom(
  context: Context,
  owner: KubernetesObject,
  template: PodTemplate,
  more: { readonly name?: string; readonly labels?: Readonly<Record<string, string>> } = {},
): KubernetesObject & { readonly spec: PodTemplate["spec"] } {
  const meta = template.metadata ?? {};
  const generateName = `${owner.metadata.name}-`;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: more.name ?? `${generateName}${randomSuffix(context.random)}`,
      generateName,
      namespace: owner.metadata.namespace ?? "",
      labels: { ...meta.labels, ...more.labels },
      ...(meta.annotations === undefined ? {} : { annotations: meta.annotations }),
      ...(meta.finalizers === undefined ? {} : { finalizers: meta.finalizers }),
      ownerReferences: [ownerRefTo(owner)],
    },
    spec: template.spec,
  };
}

/** Whom to remove first: not yet assigned, then pending, not ready, cheapest by annotation, youngest. */
export function compareForRemoval(a: Pod, b: Pod): number {
  const rank = (pod: Pod): number =>
    (pod.spec.nodeName === undefined ? 0 : 1) * 4 + (pod.status?.phase === "Running" ? 2 : 0) + (isReady(pod) ? 1 : 0);
  const difference = rank(a) - rank(b);
  if (difference !== 0) return difference;
  const cost = (pod: Pod): number =>
    Number(pod.metadata.annotations?.["controller.kubernetes.io/pod-deletion-cost"] ?? 0);
  if (cost(a) !== cost(b)) return cost(a) - cost(b);
  const left = a.metadata.creationTimestamp ?? "";
  const right = b.metadata.creationTimestamp ?? "";
  if (left !== right) return left > right ? -1 : 1;
  return (a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1;
}
