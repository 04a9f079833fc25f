// Deployments roll a pod template out through ReplicaSets. This file decides which step a Deployment takes; the steps
// are in deployment/. Source: Kubernetes, "Deployments".
import type { KubernetesObject } from "#model/object.ts";
import type { Controller, Context } from "./support/controller.ts";
import { controlledBy, keyFor, splitKey } from "./support/controller.ts";
import { claim } from "./support/claim.ts";
import { LabelIndex, SelectorIndex } from "./support/label-index.ts";
import { controllerOf, deleting, kinds, type ReplicaSet } from "./support/objects.ts";
import type { Deployment, Rollout } from "./deployment/model.ts";
import { sourceName as source, templateHashes } from "./deployment/model.ts";
import { cleanUp, isScaling, scaleProportionally } from "./deployment/scale.ts";
import { newReplicaSet, oldReplicaSets } from "./deployment/revisions.ts";
import { isComplete, notePause, syncStatus } from "./deployment/status.ts";
import { recreate, rollingUpdate } from "./deployment/strategies.ts";

export function deploymentController(context: Context): Controller {
  const selectors = new SelectorIndex();
  const orphans = new LabelIndex();
  const hashes = templateHashes();
  const orphan = (set: KubernetesObject | undefined): KubernetesObject | undefined =>
    set === undefined || controllerOf(set) !== undefined ? undefined : set;
  return {
    name: source,
    watches: [
      {
        kind: kinds.deployment,
        keys: ({ type, object }) => {
          const key = keyFor(object);
          const selector = type === "DELETED" ? undefined : (object as Deployment).spec.selector;
          selectors.set(key, object.metadata.namespace ?? "", selector);
          return [key];
        },
      },
      controlledBy(kinds.replicaSet, kinds.deployment),
      {
        kind: kinds.replicaSet,
        keys: ({ type, object, old }) => {
          const now = orphan(type === "DELETED" ? undefined : object);
          orphans.put(now, orphan(old ?? (type === "DELETED" ? object : undefined)));
          return now === undefined ? [] : selectors.matching(object.metadata.namespace ?? "", object.metadata.labels);
        },
      },
      {
        // Recreate waits for the last old pod to be gone: its end is the Deployment's business.
        kind: kinds.pod,
        keys: ({ type, object }) => {
          const owner = type === "DELETED" ? controllerOf(object) : undefined;
          if (owner?.kind !== "ReplicaSet") return [];
          const set = context.client.byUid(owner.uid);
          const parent = set === undefined ? undefined : controllerOf(set);
          return parent?.kind === "Deployment" ? [`${object.metadata.namespace ?? ""}/${parent.name}`] : [];
        },
      },
    ],
    reconcile: (key) => {
      const [namespace, name] = splitKey(key);
      const deployment = context.client.get(kinds.deployment, namespace, name) as Deployment | undefined;
      if (deployment === undefined) return undefined;
      const candidates = orphans.select(namespace, deployment.spec.selector);
      return reconcile({ context, deployment, hashes, sets: [] }, candidates);
    },
  };
}

function reconcile(rollout: Rollout, candidates: readonly KubernetesObject[]): number | undefined {
  const { context, deployment } = rollout;
  rollout.sets = claim<ReplicaSet>(context, deployment, kinds.replicaSet, candidates);
  if (deleting(deployment)) return syncStatus(rollout, newReplicaSet(rollout, "find"));
  notePause(rollout);
  if (deployment.spec.paused === true) {
    const current = newReplicaSet(rollout, "find");
    scaleProportionally(rollout, current);
    if (oldReplicaSets(rollout, current).length > 0) cleanUp(rollout, current);
    return syncStatus(rollout, newReplicaSet(rollout, "find"));
  }
  if (isScaling(rollout)) {
    const current = newReplicaSet(rollout, "find");
    scaleProportionally(rollout, current);
    return syncStatus(rollout, newReplicaSet(rollout, "find"));
  }
  const current = deployment.spec.strategy?.type === "Recreate" ? recreate(rollout) : rollingUpdate(rollout);
  if (current !== undefined && isComplete(rollout.deployment)) cleanUp(rollout, current);
  return syncStatus(rollout, current);
}
