// What the steps of a Deployment's rollout share: the fields they read, and small sums over ReplicaSets.
import { sameJson } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { Context } from "../support/controller.ts";
import { shortHash } from "../support/hash.ts";
import { scaled, type Condition, type PodTemplate, type ReplicaSet, type WorkloadStatus } from "../support/objects.ts";
import type { LabelSelector } from "../support/selectors.ts";

export const sourceName = "deployment-controller";
export const hashLabel = "pod-template-hash";
export const revisionAnnotation = "deployment.kubernetes.io/revision";
export const desiredAnnotation = "deployment.kubernetes.io/desired-replicas";
export const maxAnnotation = "deployment.kubernetes.io/max-replicas";

export interface Deployment extends KubernetesObject {
  readonly spec: {
    readonly replicas?: number;
    readonly minReadySeconds?: number;
    readonly paused?: boolean;
    readonly progressDeadlineSeconds?: number;
    readonly revisionHistoryLimit?: number;
    readonly selector: LabelSelector;
    readonly strategy?: {
      readonly type?: "RollingUpdate" | "Recreate";
      readonly rollingUpdate?: { readonly maxSurge?: number | string; readonly maxUnavailable?: number | string };
    };
    readonly template: PodTemplate;
  };
  readonly status?: WorkloadStatus;
}

/** One pass over one Deployment. `deployment` and `sets` are replaced as the pass writes them. */
export interface Rollout {
  readonly context: Context;
  readonly hashes: TemplateHashes;
  deployment: Deployment;
  sets: ReplicaSet[];
  /** What the pass itself says of Progressing: a ReplicaSet created or found, a pause. */
  progress?: Condition;
}

/** Hash of a template, remembered as long as the template lives. */
export type TemplateHashes = (template: PodTemplate, collisionCount: number | undefined) => string;

export function templateHashes(): TemplateHashes {
  const known = new WeakMap<PodTemplate, string>();
  return (template, collisionCount) => {
    if (collisionCount !== undefined) return shortHash(template, collisionCount);
    let hash = known.get(template);
    if (hash === undefined) known.set(template, (hash = shortHash(template, undefined)));
    return hash;
  };
}

/** Whether a ReplicaSet carries this template, its hash label apart. */
export function sameTemplate(set: ReplicaSet, template: PodTemplate): boolean {
  const { [hashLabel]: _, ...labels } = set.spec.template.metadata?.labels ?? {};
  const { [hashLabel]: __, ...wanted } = template.metadata?.labels ?? {};
  const meta = set.spec.template.metadata ?? {};
  return (
    sameJson(set.spec.template.spec, template.spec) &&
    sameJson(labels, wanted) &&
    sameJson(meta.annotations ?? {}, template.metadata?.annotations ?? {})
  );
}

export function wantedOf(deployment: Deployment): number {
  return deployment.spec.replicas ?? 1;
}

export function isRolling(deployment: Deployment): boolean {
  return deployment.spec.strategy?.type !== "Recreate";
}

export function maxSurge(deployment: Deployment): number {
  if (!isRolling(deployment)) return 0;
  return scaled(deployment.spec.strategy?.rollingUpdate?.maxSurge ?? "25%", wantedOf(deployment), "up");
}

export function maxUnavailable(deployment: Deployment): number {
  const wanted = wantedOf(deployment);
  if (!isRolling(deployment) || wanted === 0) return 0;
  const value = scaled(deployment.spec.strategy?.rollingUpdate?.maxUnavailable ?? "25%", wanted, "down");
  // Both being zero would never move.
  return Math.min(value === 0 && maxSurge(deployment) === 0 ? 1 : value, wanted);
}

export function specReplicas(sets: readonly ReplicaSet[]): number {
  return sets.reduce((sum, set) => sum + (set.spec.replicas ?? 1), 0);
}

export function statusSum(
  sets: readonly ReplicaSet[],
  field: "replicas" | "readyReplicas" | "availableReplicas",
): number {
  return sets.reduce((sum, set) => sum + (set.status?.[field] ?? 0), 0);
}

export function isActiveSet(set: ReplicaSet): boolean {
  return (set.spec.replicas ?? 1) > 0;
}

export function revisionOf(object: KubernetesObject): number {
  return Number(object.metadata.annotations?.[revisionAnnotation] ?? 0) || 0;
}
