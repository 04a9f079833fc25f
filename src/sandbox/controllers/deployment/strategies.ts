// The two strategies: RollingUpdate moves pods over within maxSurge and maxUnavailable, Recreate stops all old ones
// first. Each takes at most one step in a pass; the next event brings the next step.
import { controlled, kinds, type Pod, type ReplicaSet } from "../support/objects.ts";
import { isFinished } from "../support/pods.ts";
import { isActiveSet, maxUnavailable, specReplicas, statusSum, wantedOf, type Rollout } from "./model.ts";
import { newReplicaSet, oldReplicaSets, replicasOfNew } from "./revisions.ts";
import { scaleTo } from "./scale.ts";

export function rollingUpdate(rollout: Rollout): ReplicaSet | undefined {
  const current = newReplicaSet(rollout, "make");
  if (current === undefined) return undefined;
  if (!scaleNew(rollout, current)) scaleDownOld(rollout, current);
  return rollout.sets.find((set) => set.metadata.uid === current.metadata.uid) ?? current;
}

function scaleNew(rollout: Rollout, current: ReplicaSet): boolean {
  const wanted = wantedOf(rollout.deployment);
  const now = current.spec.replicas ?? 1;
  if (now === wanted) return false;
  return scaleTo(rollout, current, now > wanted ? wanted : replicasOfNew(rollout, current));
}

function scaleDownOld(rollout: Rollout, current: ReplicaSet): void {
  const { deployment } = rollout;
  const old = oldReplicaSets(rollout, current).filter(isActiveSet);
  if (specReplicas(old) === 0) return;
  const least = wantedOf(deployment) - maxUnavailable(deployment);
  const newUnavailable = (current.spec.replicas ?? 1) - (current.status?.availableReplicas ?? 0);
  let most = specReplicas(rollout.sets) - least - newUnavailable;
  if (most <= 0) return;
  // Pods that are not available anyway go first: they cost nothing.
  for (const set of old) {
    if (most <= 0) break;
    const replicas = set.spec.replicas ?? 1;
    const unhealthy = Math.min(most, replicas - (set.status?.availableReplicas ?? 0));
    if (unhealthy <= 0) continue;
    scaleTo(rollout, set, replicas - unhealthy);
    most -= unhealthy;
  }
  let spare = statusSum(rollout.sets, "availableReplicas") - least;
  for (const { metadata } of old) {
    const set = rollout.sets.find((each) => each.metadata.uid === metadata.uid);
    const replicas = set?.spec.replicas ?? 1;
    if (set === undefined || spare <= 0 || replicas === 0) continue;
    const down = Math.min(replicas, spare);
    scaleTo(rollout, set, replicas - down);
    spare -= down;
  }
}

export function recreate(rollout: Rollout): ReplicaSet | undefined {
  const found = newReplicaSet(rollout, "find");
  let scaled = false;
  for (const set of oldReplicaSets(rollout, found).filter(isActiveSet)) scaled = scaleTo(rollout, set, 0) || scaled;
  if (scaled || oldPodsRun(rollout, found)) return found;
  const current = newReplicaSet(rollout, "make");
  if (current !== undefined) scaleTo(rollout, current, wantedOf(rollout.deployment));
  return rollout.sets.find((set) => set.metadata.uid === current?.metadata.uid) ?? current;
}

function oldPodsRun(rollout: Rollout, current: ReplicaSet | undefined): boolean {
  return oldReplicaSets(rollout, current).some((set) =>
    controlled<Pod>(rollout.context, set, kinds.pod).some((pod) => !isFinished(pod)),
  );
}
