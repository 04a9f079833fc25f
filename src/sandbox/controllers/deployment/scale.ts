// Scaling ReplicaSets: one, or all in proportion when a Deployment is scaled amid a rollout; and old ones' removal.
import { deleting, remove, type ReplicaSet } from "../support/objects.ts";
import {
  desiredAnnotation,
  isActiveSet,
  isRolling,
  maxAnnotation,
  maxSurge,
  revisionOf,
  sourceName,
  specReplicas,
  wantedOf,
  type Rollout,
} from "./model.ts";
import { oldReplicaSets, replicaAnnotations, updateSet } from "./revisions.ts";

/** Whether the number of replicas changed since the ReplicaSets were last scaled. */
export function isScaling(rollout: Rollout): boolean {
  const wanted = String(wantedOf(rollout.deployment));
  return rollout.sets.some((set) => {
    const desired = set.metadata.annotations?.[desiredAnnotation];
    return isActiveSet(set) && desired !== undefined && desired !== wanted;
  });
}

/** Sets one ReplicaSet's replicas, with the annotations that remember the Deployment's; tells by an event. */
export function scaleTo(rollout: Rollout, set: ReplicaSet, replicas: number): boolean {
  const before = set.spec.replicas ?? 1;
  const annotations = replicaAnnotations(rollout);
  const current = set.metadata.annotations ?? {};
  const noted = Object.entries(annotations).every(([name, value]) => current[name] === value);
  if (before === replicas && noted) return false;
  updateSet(rollout, {
    ...set,
    metadata: { ...set.metadata, annotations: { ...current, ...annotations } },
    spec: { ...set.spec, replicas },
  });
  if (before === replicas) return false;
  const direction = before < replicas ? "up" : "down";
  rollout.context.events.normal(
    rollout.deployment,
    sourceName,
    "ScalingReplicaSet",
    `Scaled ${direction} replica set ${set.metadata.name} from ${before} to ${replicas}`,
  );
  return true;
}

/** Brings the ReplicaSets to the Deployment's replicas without moving the rollout on. */
export function scaleProportionally(rollout: Rollout, current: ReplicaSet | undefined): void {
  const { deployment } = rollout;
  const wanted = wantedOf(deployment);
  const active = rollout.sets.filter(isActiveSet);
  const only = active.length > 1 ? undefined : (active[0] ?? current ?? newest(rollout.sets));
  if (only !== undefined) {
    scaleTo(rollout, only, wanted);
    return;
  }
  if (active.length === 0) return;
  if (current !== undefined && isSaturated(current, wanted)) {
    for (const set of active) if (set.metadata.uid !== current.metadata.uid) scaleTo(rollout, set, 0);
    return;
  }
  if (!isRolling(deployment)) return;
  const total = specReplicas(active);
  const allowed = wanted > 0 ? wanted + maxSurge(deployment) : 0;
  const toAdd = allowed - total;
  // Larger ones first; of equals the newer first when growing, the older first when shrinking.
  const ordered = [...active].sort((a, b) => {
    const bySize = (b.spec.replicas ?? 1) - (a.spec.replicas ?? 1);
    return bySize !== 0 ? bySize : toAdd > 0 ? revisionOf(b) - revisionOf(a) : revisionOf(a) - revisionOf(b);
  });
  let added = 0;
  const sizes = ordered.map((set) => {
    const share = proportion(set, toAdd, added, allowed);
    added += share;
    return (set.spec.replicas ?? 1) + share;
  });
  sizes[0] = Math.max(0, (sizes[0] ?? 0) + toAdd - added);
  ordered.forEach((set, index) => scaleTo(rollout, set, sizes[index] ?? 0));
}

function proportion(set: ReplicaSet, toAdd: number, added: number, allowed: number): number {
  const replicas = set.spec.replicas ?? 1;
  if (replicas === 0 || toAdd === 0 || toAdd === added) return 0;
  const before = Number(set.metadata.annotations?.[maxAnnotation] ?? allowed) || allowed;
  const share = Math.round((replicas * allowed) / before) - replicas;
  return toAdd > 0 ? Math.min(share, toAdd - added) : Math.max(share, toAdd - added);
}

function isSaturated(set: ReplicaSet, wanted: number): boolean {
  const desired = Number(set.metadata.annotations?.[desiredAnnotation] ?? Number.NaN);
  return set.spec.replicas === wanted && desired === wanted && set.status?.availableReplicas === wanted;
}

function newest(sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  return [...sets].sort((a, b) => revisionOf(b) - revisionOf(a))[0];
}

/** Removes old ReplicaSets without pods beyond `revisionHistoryLimit`, oldest revision first. */
export function cleanUp(rollout: Rollout, current: ReplicaSet | undefined): void {
  const limit = rollout.deployment.spec.revisionHistoryLimit ?? 10;
  const idle = oldReplicaSets(rollout, current).filter((set) => !deleting(set));
  const surplus = idle.length - limit;
  if (surplus <= 0) return;
  idle.sort((a, b) => revisionOf(a) - revisionOf(b));
  for (const set of idle.slice(0, surplus)) {
    const observed = (set.status?.observedGeneration ?? 0) >= (set.metadata.generation ?? 0);
    if ((set.status?.replicas ?? 0) !== 0 || isActiveSet(set) || !observed) continue;
    remove(rollout.context, set);
    rollout.sets = rollout.sets.filter((each) => each !== set);
  }
}
