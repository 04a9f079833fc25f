// A Deployment's status: counts, and the conditions Available, Progressing and ReplicaFailure with Kubernetes' reasons.
// Source: Kubernetes, "Deployments" (Deployment status).
import {
  conditionOf,
  nowText,
  timeOf,
  withCondition,
  writeStatus,
  type Condition,
  type ReplicaSet,
  type WorkloadStatus,
} from "../support/objects.ts";
import { maxUnavailable, statusSum, wantedOf, type Deployment, type Rollout } from "./model.ts";

/** Whether all replicas are of the newest revision, available, and no old pod is left. */
export function isComplete(deployment: Deployment, status: WorkloadStatus = deployment.status ?? {}): boolean {
  const wanted = wantedOf(deployment);
  return (
    (status["updatedReplicas"] ?? 0) === wanted &&
    (status.replicas ?? 0) === wanted &&
    (status.availableReplicas ?? 0) === wanted &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

/** Writes the status; returns milliseconds until the progress deadline, where it is being waited for. */
export function syncStatus(rollout: Rollout, current: ReplicaSet | undefined): number | undefined {
  const { context, deployment } = rollout;
  const counts = count(rollout, current);
  const conditions = progress(rollout, current, counts);
  const status: WorkloadStatus = { ...counts, ...(conditions.length === 0 ? {} : { conditions }) };
  rollout.deployment = writeStatus(context, deployment, status);
  return untilDeadlineMs(rollout, status);
}

function count(rollout: Rollout, current: ReplicaSet | undefined): WorkloadStatus {
  const { deployment, sets } = rollout;
  const replicas = statusSum(sets, "replicas");
  const updatedReplicas = current?.status?.replicas ?? 0;
  const readyReplicas = statusSum(sets, "readyReplicas");
  const availableReplicas = statusSum(sets, "availableReplicas");
  const unavailableReplicas = Math.max(
    0,
    sets.reduce((sum, set) => sum + (set.spec.replicas ?? 1), 0) - availableReplicas,
  );
  const terminatingReplicas = sets.reduce((sum, set) => sum + Number(set.status?.["terminatingReplicas"] ?? 0), 0);
  const collisionCount = deployment.status?.collisionCount;
  return {
    observedGeneration: deployment.metadata.generation ?? 0,
    ...(replicas === 0 ? {} : { replicas }),
    ...(updatedReplicas === 0 ? {} : { updatedReplicas }),
    ...(readyReplicas === 0 ? {} : { readyReplicas }),
    ...(availableReplicas === 0 ? {} : { availableReplicas }),
    ...(unavailableReplicas === 0 ? {} : { unavailableReplicas }),
    terminatingReplicas,
    ...(collisionCount === undefined ? {} : { collisionCount }),
  };
}

function progress(rollout: Rollout, current: ReplicaSet | undefined, counts: WorkloadStatus): readonly Condition[] {
  const { deployment } = rollout;
  const now = nowText(rollout.context);
  const set = (all: readonly Condition[], next: Condition | undefined): readonly Condition[] =>
    next === undefined ? all : withCondition(all, { ...next, lastUpdateTime: now }, now);
  let conditions: readonly Condition[] = deployment.status?.conditions ?? [];
  conditions = set(conditions, rollout.progress);
  const enough = (counts.availableReplicas ?? 0) >= wantedOf(deployment) - maxUnavailable(deployment);
  conditions = set(conditions, enough ? available : unavailable);
  const failure = rollout.sets.map((each) => conditionOf(each.status, "ReplicaFailure")).find(Boolean);
  if (failure !== undefined) conditions = set(conditions, failure);
  else conditions = conditions.filter((each) => each.type !== "ReplicaFailure");
  if (!hasDeadline(deployment)) return conditions.filter((each) => each.type !== "Progressing");
  if (deployment.spec.paused === true || rollout.progress !== undefined) return conditions;
  const before = conditionOf({ conditions }, "Progressing");
  const settled = before?.reason === "NewReplicaSetAvailable" && counts.replicas === counts["updatedReplicas"];
  if (settled) return conditions;
  const what =
    current === undefined ? `Deployment "${deployment.metadata.name}"` : `ReplicaSet "${current.metadata.name}"`;
  const type = "Progressing";
  if (isComplete(deployment, counts)) {
    const message = `${what} has successfully progressed.`;
    return set(conditions, { type, status: "True", reason: "NewReplicaSetAvailable", message });
  }
  if (hasProgressed(deployment, counts)) {
    const next = set(conditions, {
      type,
      status: "True",
      reason: "ReplicaSetUpdated",
      message: `${what} is progressing.`,
    });
    // Each step forward counts as an update: the deadline begins anew.
    return next.map((each) => (each.type === type ? { ...each, lastUpdateTime: now } : each));
  }
  const timedOut = untilDeadlineMs(rollout, { conditions }) === 0;
  if (!timedOut) return conditions;
  const message = `${what} has timed out progressing.`;
  return set(conditions, { type, status: "False", reason: "ProgressDeadlineExceeded", message });
}

const available: Condition = {
  type: "Available",
  status: "True",
  reason: "MinimumReplicasAvailable",
  message: "Deployment has minimum availability.",
};

const unavailable: Condition = {
  type: "Available",
  status: "False",
  reason: "MinimumReplicasUnavailable",
  message: "Deployment does not have minimum availability.",
};

/** Pausing and resuming show in Progressing, so that the deadline does not run meanwhile. */
export function notePause(rollout: Rollout): void {
  const { deployment } = rollout;
  const before = conditionOf(deployment.status, "Progressing");
  if (!hasDeadline(deployment) || before?.reason === "ProgressDeadlineExceeded") return;
  const paused = before?.reason === "DeploymentPaused";
  const type = "Progressing";
  if (deployment.spec.paused === true && !paused) {
    rollout.progress = { type, status: "Unknown", reason: "DeploymentPaused", message: "Deployment is paused" };
  } else if (deployment.spec.paused !== true && paused) {
    rollout.progress = { type, status: "Unknown", reason: "DeploymentResumed", message: "Deployment is resumed" };
  }
}

function hasProgressed(deployment: Deployment, counts: WorkloadStatus): boolean {
  const before = deployment.status ?? {};
  const old = (status: WorkloadStatus): number => (status.replicas ?? 0) - Number(status["updatedReplicas"] ?? 0);
  return (
    Number(counts["updatedReplicas"] ?? 0) > Number(before["updatedReplicas"] ?? 0) ||
    old(counts) < old(before) ||
    (counts.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (counts.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

/** The largest 32-bit number means: no deadline. */
function hasDeadline(deployment: Deployment): boolean {
  return (deployment.spec.progressDeadlineSeconds ?? 600) < 2_147_483_647;
}

function untilDeadlineMs(rollout: Rollout, status: WorkloadStatus): number | undefined {
  const { deployment, context } = rollout;
  const condition = conditionOf(status, "Progressing");
  if (condition === undefined || !hasDeadline(deployment) || deployment.spec.paused === true) return undefined;
  if (condition.reason === "NewReplicaSetAvailable" || condition.reason === "ProgressDeadlineExceeded")
    return undefined;
  const seconds = deployment.spec.progressDeadlineSeconds ?? 600;
  return Math.max(0, timeOf(condition.lastUpdateTime) + seconds * 1000 - context.clock.now());
}
