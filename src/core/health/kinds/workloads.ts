// Health of Deployment, ReplicaSet, StatefulSet and DaemonSet (apps, and extensions where old clusters serve them).
import { at, numberAt, stringAt } from "#base/json.ts";
import type { HealthStatus } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { KindChecks } from "../check.ts";
import { conditionOf, health, observed, statusNumber } from "../read.ts";

function deployment(object: KubernetesObject): HealthStatus {
  if (at(object, "spec", "paused") === true) return health("Suspended", "Deployment is paused");
  if (!observed(object)) {
    return health(
      "Progressing",
      "Waiting for rollout to finish: observed deployment generation less than desired generation",
    );
  }
  if (conditionOf(object, "Progressing")?.reason === "ProgressDeadlineExceeded") {
    return health("Degraded", `Deployment "${object.metadata.name}" exceeded its progress deadline`);
  }
  const wanted = numberAt(object, "spec", "replicas");
  const updated = statusNumber(object, "updatedReplicas");
  if (wanted !== undefined && updated < wanted) {
    return waiting(`${updated} out of ${wanted} new replicas have been updated...`);
  }
  const old = statusNumber(object, "replicas") - updated;
  if (old > 0) return waiting(`${old} old replicas are pending termination...`);
  const available = statusNumber(object, "availableReplicas");
  if (available < updated) return waiting(`${available} of ${updated} updated replicas are available...`);
  return health("Healthy");
}

function replicaSet(object: KubernetesObject): HealthStatus {
  if (!observed(object)) {
    return health(
      "Progressing",
      "Waiting for rollout to finish: observed replica set generation less than desired generation",
    );
  }
  const failure = conditionOf(object, "ReplicaFailure");
  if (failure?.status === "True") return health("Degraded", failure.message);
  const wanted = numberAt(object, "spec", "replicas");
  const available = statusNumber(object, "availableReplicas");
  if (wanted !== undefined && available < wanted) {
    return waiting(`${available} out of ${wanted} new replicas are available...`);
  }
  return health("Healthy");
}

function statefulSet(object: KubernetesObject): HealthStatus {
  if (statusNumber(object, "observedGeneration") === 0 || !observed(object)) {
    return health("Progressing", "Waiting for statefulset spec update to be observed...");
  }
  const wanted = numberAt(object, "spec", "replicas");
  const ready = statusNumber(object, "readyReplicas");
  const updated = statusNumber(object, "updatedReplicas");
  if (wanted !== undefined && ready < wanted) {
    return health("Progressing", `Waiting for ${wanted - ready} pods to be ready...`);
  }
  const strategy = stringAt(object, "spec", "updateStrategy", "type");
  const rolling = at(object, "spec", "updateStrategy", "rollingUpdate");
  if (strategy === "RollingUpdate" && rolling !== undefined && rolling !== null) {
    const partition = numberAt(rolling, "partition");
    if (wanted !== undefined && partition !== undefined && updated < wanted - partition) {
      return health(
        "Progressing",
        `Waiting for partitioned roll out to finish: ${updated} out of ${wanted - partition} new pods have been updated...`,
      );
    }
    return health("Healthy", `partitioned roll out complete: ${updated} new pods have been updated...`);
  }
  if (strategy === "OnDelete") return health("Healthy", `statefulset has ${ready} ready pods`);
  const next = stringAt(object, "status", "updateRevision") ?? "";
  const current = stringAt(object, "status", "currentRevision") ?? "";
  if (next !== current) {
    return health(
      "Progressing",
      `waiting for statefulset rolling update to complete ${updated} pods at revision ${next}...`,
    );
  }
  const count = statusNumber(object, "currentReplicas");
  return health("Healthy", `statefulset rolling update complete ${count} pods at revision ${current}...`);
}

function daemonSet(object: KubernetesObject): HealthStatus {
  if (!observed(object)) {
    return health(
      "Progressing",
      "Waiting for rollout to finish: observed daemon set generation less than desired generation",
    );
  }
  const wanted = statusNumber(object, "desiredNumberScheduled");
  const updated = statusNumber(object, "updatedNumberScheduled");
  const available = statusNumber(object, "numberAvailable");
  if (stringAt(object, "spec", "updateStrategy", "type") === "OnDelete") {
    return health("Healthy", `daemon set ${updated} out of ${wanted} new pods have been updated`);
  }
  const rollout = `Waiting for daemon set "${object.metadata.name}" rollout to finish:`;
  if (updated < wanted) {
    return health("Progressing", `${rollout} ${updated} out of ${wanted} new pods have been updated...`);
  }
  if (available < wanted) {
    return health("Progressing", `${rollout} ${available} of ${wanted} updated pods are available...`);
  }
  return health("Healthy");
}

function waiting(what: string): HealthStatus {
  return health("Progressing", `Waiting for rollout to finish: ${what}`);
}

export const workloads: KindChecks = {
  "apps/Deployment": deployment,
  "apps/ReplicaSet": replicaSet,
  "apps/StatefulSet": statefulSet,
  "apps/DaemonSet": daemonSet,
  "extensions/Deployment": deployment,
  "extensions/ReplicaSet": replicaSet,
  "extensions/DaemonSet": daemonSet,
};
