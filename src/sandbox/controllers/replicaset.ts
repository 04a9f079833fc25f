// ReplicaSets keep a number of pods. Source: Kubernetes, "ReplicaSet".
import type { Controller, Context } from "./support/controller.ts";
import { controlledBy, keyFor, splitKey } from "./support/controller.ts";
import { claim } from "./support/claim.ts";
import { SelectorIndex } from "./support/label-index.ts";
import {
  controllerOf,
  deleting,
  kinds,
  nowText,
  remove,
  withCondition,
  writeStatus,
  type Condition,
  type Pod,
  type ReplicaSet,
  type WorkloadStatus,
} from "./support/objects.ts";
import { compareForRemoval, isActive, isFinished, isReady, podFrom, untilAvailableMs } from "./support/pods.ts";
import { matches } from "./support/selectors.ts";
import { ApiError } from "../contract.ts";

const source = "replicaset-controller";

export function replicaSetController(context: Context): Controller {
  // ReplicaSets by selector: whom an orphaned pod may belong to.
  const selectors = new SelectorIndex();
  return {
    name: source,
    watches: [
      {
        kind: kinds.replicaSet,
        keys: ({ type, object }) => {
          const key = keyFor(object);
          const selector = type === "DELETED" ? undefined : (object as ReplicaSet).spec.selector;
          selectors.set(key, object.metadata.namespace ?? "", selector);
          return [key];
        },
      },
      controlledBy(kinds.pod, kinds.replicaSet),
      {
        kind: kinds.pod,
        keys: ({ type, object }) =>
          type === "DELETED" || controllerOf(object) !== undefined
            ? []
            : selectors.matching(object.metadata.namespace ?? "", object.metadata.labels),
      },
    ],
    reconcile: (key) => reconcile(context, key),
  };
}

function reconcile(context: Context, key: string): number | undefined {
  const [namespace, name] = splitKey(key);
  const set = context.client.get(kinds.replicaSet, namespace, name) as ReplicaSet | undefined;
  if (set === undefined) return undefined;
  const candidates = context.pods.select(namespace, set.spec.selector);
  let pods = claim<Pod>(context, set, kinds.pod, candidates);
  let failure: ManageFailure | undefined;
  if (!deleting(set)) {
    const wanted = set.spec.replicas ?? 1;
    const active = pods.filter(isActive);
    if (active.length !== wanted) {
      failure = manage(context, set, active);
      pods = claim<Pod>(context, set, kinds.pod, []);
    }
  }
  const again = updateStatus(context, set, pods, failure);
  if (failure !== undefined) throw failure.error;
  return again;
}

interface ManageFailure {
  readonly reason: "FailedCreate" | "FailedDelete";
  readonly error: unknown;
}

function manage(context: Context, set: ReplicaSet, active: readonly Pod[]): ManageFailure | undefined {
  const difference = (set.spec.replicas ?? 1) - active.length;
  if (difference > 0) {
    for (let i = 0; i < difference; i++) {
      try {
        const pod = context.client.create(podFrom(context, set, set.spec.template));
        context.events.normal(set, source, "SuccessfulCreate", `Created pod: ${pod.metadata.name}`);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        context.events.warning(set, source, "FailedCreate", `Error creating: ${message}`);
        return { reason: "FailedCreate", error };
      }
    }
    return undefined;
  }
  for (const pod of [...active].sort(compareForRemoval).slice(0, -difference)) {
    remove(context, pod);
    context.events.normal(set, source, "SuccessfulDelete", `Deleted pod: ${pod.metadata.name}`);
  }
  return undefined;
}

function updateStatus(
  context: Context,
  set: ReplicaSet,
  pods: readonly Pod[],
  failure: ManageFailure | undefined,
): number | undefined {
  const active = pods.filter(isActive);
  const terminatingReplicas = pods.filter((pod) => deleting(pod) && !isFinished(pod)).length;
  const minReadySeconds = set.spec.minReadySeconds ?? 0;
  const nowMs = context.clock.now();
  const labels = { matchLabels: set.spec.template.metadata?.labels ?? {} };
  let readyReplicas = 0;
  let availableReplicas = 0;
  let fullyLabeledReplicas = 0;
  let again: number | undefined;
  for (const pod of active) {
    if (matches(labels, pod.metadata.labels)) fullyLabeledReplicas++;
    if (isReady(pod)) readyReplicas++;
    const wait = untilAvailableMs(pod, minReadySeconds, nowMs);
    if (wait === 0) availableReplicas++;
    else if (wait !== undefined) again = Math.min(again ?? wait, wait);
  }
  const status: WorkloadStatus = {
    replicas: active.length,
    ...(fullyLabeledReplicas === 0 ? {} : { fullyLabeledReplicas }),
    ...(readyReplicas === 0 ? {} : { readyReplicas }),
    ...(availableReplicas === 0 ? {} : { availableReplicas }),
    terminatingReplicas,
    observedGeneration: set.metadata.generation ?? 0,
    ...conditions(context, set, failure),
  };
  writeStatus(context, set, status);
  return again;
}

function conditions(
  context: Context,
  set: ReplicaSet,
  failure: ManageFailure | undefined,
): { conditions?: readonly Condition[] } {
  const before = set.status?.conditions;
  if (failure === undefined) {
    const left = before?.filter((each) => each.type !== "ReplicaFailure") ?? [];
    return left.length === 0 ? {} : { conditions: left };
  }
  const message = failure.error instanceof ApiError ? failure.error.message : String(failure.error);
  const condition: Condition = { type: "ReplicaFailure", status: "True", reason: failure.reason, message };
  return { conditions: withCondition(before, condition, nowText(context)) };
}
