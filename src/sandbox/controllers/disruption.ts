// PodDisruptionBudgets' status: how many pods may be evicted now. Source: Kubernetes, "Disruptions".
import { numberAt } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { Context, Controller } from "./support/controller.ts";
import { keyFor, splitKey } from "./support/controller.ts";
import { SelectorIndex } from "./support/label-index.ts";
import {
  controllerOf,
  deleting,
  kinds,
  nowText,
  scaled,
  withCondition,
  writeStatus,
  type Condition,
  type Pod,
} from "./support/objects.ts";
import { isActive, isReady } from "./support/pods.ts";
import type { LabelSelector } from "./support/selectors.ts";

interface Budget extends KubernetesObject {
  readonly spec: {
    readonly selector?: LabelSelector;
    readonly minAvailable?: number | string;
    readonly maxUnavailable?: number | string;
  };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

export function disruptionController(context: Context): Controller {
  const selectors = new SelectorIndex();
  return {
    name: "disruption-controller",
    watches: [
      {
        kind: kinds.podDisruptionBudget,
        keys: ({ type, object }) => {
          const selector = type === "DELETED" ? undefined : (object as Budget).spec.selector;
          selectors.set(keyFor(object), object.metadata.namespace ?? "", selector);
          return [keyFor(object)];
        },
      },
      {
        kind: kinds.pod,
        keys: ({ object }) => selectors.matching(object.metadata.namespace ?? "", object.metadata.labels),
      },
    ],
    reconcile: (key) => {
      const [namespace, name] = splitKey(key);
      const budget = context.client.get(kinds.podDisruptionBudget, namespace, name) as Budget | undefined;
      if (budget !== undefined && !deleting(budget)) count(context, budget);
      return undefined;
    },
  };
}

function count(context: Context, budget: Budget): void {
  const all = context.pods.select(budget.metadata.namespace ?? "", budget.spec.selector) as readonly Pod[];
  const pods = all.filter(isActive);
  const { minAvailable, maxUnavailable } = budget.spec;
  const expectedPods = typeof minAvailable === "number" ? pods.length : expected(context, pods);
  const desiredHealthy =
    maxUnavailable === undefined
      ? scaled(minAvailable ?? 1, expectedPods, "up")
      : Math.max(0, expectedPods - scaled(maxUnavailable, expectedPods, "up"));
  const currentHealthy = pods.filter(isReady).length;
  const disruptionsAllowed = expectedPods > 0 ? Math.max(0, currentHealthy - desiredHealthy) : 0;
  const observedGeneration = budget.metadata.generation ?? 0;
  const condition: Condition = {
    type: "DisruptionAllowed",
    status: disruptionsAllowed > 0 ? "True" : "False",
    reason: disruptionsAllowed > 0 ? "SufficientPods" : "InsufficientPods",
    message: "",
    observedGeneration,
  };
  writeStatus(context, budget, {
    observedGeneration,
    disruptionsAllowed,
    currentHealthy,
    desiredHealthy,
    expectedPods,
    conditions: withCondition(budget.status?.conditions, condition, nowText(context)),
  });
}

/** The pods that there should be: the sum over the pods' controllers of their replicas. */
function expected(context: Context, pods: readonly Pod[]): number {
  const owners = new Set(pods.map((pod) => controllerOf(pod)?.uid).filter((uid) => uid !== undefined));
  let sum = pods.filter((pod) => controllerOf(pod) === undefined).length;
  for (const uid of owners) sum += numberAt(context.client.byUid(uid), "spec", "replicas") ?? 1;
  return sum;
}
