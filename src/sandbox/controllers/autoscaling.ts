// HorizontalPodAutoscalers without metrics: the bounds are enforced, and the status says why there is no more.
// Source: Kubernetes, "Horizontal Pod Autoscaling".
import { parseApiVersion, type KubernetesObject } from "#model/object.ts";
import { numberAt } from "#base/json.ts";
import type { Context, Controller } from "./support/controller.ts";
import { keyFor, splitKey } from "./support/controller.ts";
import { deleting, kinds, nowText, withCondition, writeStatus, type Condition } from "./support/objects.ts";

const source = "horizontal-pod-autoscaler";

interface Autoscaler extends KubernetesObject {
  readonly spec: {
    readonly minReplicas?: number;
    readonly maxReplicas: number;
    readonly scaleTargetRef: { readonly apiVersion?: string; readonly kind: string; readonly name: string };
  };
  readonly status?: { readonly conditions?: readonly Condition[]; readonly lastScaleTime?: string };
}

export function autoscalingController(context: Context): Controller {
  /** Autoscalers by their target, `namespace/kind/name`. */
  const byTarget = new Map<string, string>();
  const target = (autoscaler: Autoscaler): string =>
    `${autoscaler.metadata.namespace}/${autoscaler.spec.scaleTargetRef.kind}/${autoscaler.spec.scaleTargetRef.name}`;
  const targets = [kinds.deployment, kinds.statefulSet, kinds.replicaSet].map((kind) => ({
    kind,
    keys: ({ object }: { readonly object: KubernetesObject }) => {
      const key = byTarget.get(`${object.metadata.namespace}/${object.kind}/${object.metadata.name}`);
      return key === undefined ? [] : [key];
    },
  }));
  return {
    name: source,
    watches: [
      {
        kind: kinds.horizontalPodAutoscaler,
        keys: ({ type, object }) => {
          if (type === "DELETED") byTarget.delete(target(object as Autoscaler));
          else byTarget.set(target(object as Autoscaler), keyFor(object));
          return [keyFor(object)];
        },
      },
      ...targets,
    ],
    reconcile: (key) => {
      const [namespace, name] = splitKey(key);
      const found = context.client.get(kinds.horizontalPodAutoscaler, namespace, name);
      if (found !== undefined && !deleting(found)) scale(context, found as Autoscaler);
      return undefined;
    },
  };
}

function scale(context: Context, autoscaler: Autoscaler): void {
  const { scaleTargetRef, minReplicas = 1, maxReplicas } = autoscaler.spec;
  const { group } = parseApiVersion(scaleTargetRef.apiVersion ?? "apps/v1");
  const kind = { group, kind: scaleTargetRef.kind };
  const workload = context.client.get(kind, autoscaler.metadata.namespace ?? "", scaleTargetRef.name);
  const now = nowText(context);
  if (workload === undefined) {
    const message = `the HPA controller was unable to get the target's current scale: ${scaleTargetRef.kind.toLowerCase()}s.${group} "${scaleTargetRef.name}" not found`;
    const failed: Condition = { type: "AbleToScale", status: "False", reason: "FailedGetScale", message };
    const conditions = withCondition(autoscaler.status?.conditions, failed, now);
    writeStatus(context, autoscaler, { ...autoscaler.status, ...counts(0, 0), conditions });
    return;
  }
  const replicas = numberAt(workload, "spec", "replicas") ?? 1;
  // A target of zero is switched off by its owner: autoscaling is disabled.
  const desired = replicas === 0 ? 0 : Math.min(Math.max(replicas, minReplicas), maxReplicas);
  let { lastScaleTime } = autoscaler.status ?? {};
  if (desired !== replicas) {
    const spec = { ...(workload["spec"] as object), replicas: desired };
    context.client.update({ ...workload, spec });
    lastScaleTime = now;
    const why =
      replicas < desired
        ? "Current number of replicas below Spec.MinReplicas"
        : "Current number of replicas above Spec.MaxReplicas";
    context.events.normal(autoscaler, source, "SuccessfulRescale", `New size: ${desired}; reason: ${why}`);
  }
  const able: Condition = {
    type: "AbleToScale",
    status: "True",
    reason: desired === replicas ? "ReadyForNewScale" : "SucceededRescale",
    message:
      desired === replicas
        ? "recommended size matches current size"
        : `the HPA controller was able to update the target scale to ${desired}`,
  };
  const active: Condition =
    replicas === 0
      ? {
          type: "ScalingActive",
          status: "False",
          reason: "ScalingDisabled",
          message: "scaling is disabled since the replica count of the target is zero",
        }
      : {
          type: "ScalingActive",
          status: "True",
          reason: "ValidMetricFound",
          message: "the HPA was able to successfully calculate a replica count",
        };
  let conditions = withCondition(autoscaler.status?.conditions, able, now);
  conditions = withCondition(conditions, active, now);
  if (replicas > 0) conditions = withCondition(conditions, limits(replicas, minReplicas, maxReplicas), now);
  writeStatus(context, autoscaler, {
    ...counts(numberAt(workload, "status", "replicas") ?? 0, desired),
    observedGeneration: autoscaler.metadata.generation ?? 0,
    ...(lastScaleTime === undefined ? {} : { lastScaleTime }),
    currentMetrics: null,
    conditions,
  });
}

function limits(replicas: number, minReplicas: number, maxReplicas: number): Condition {
  const type = "ScalingLimited";
  if (replicas < minReplicas) {
    const message = "the desired replica count is less than the minimum replica count";
    return { type, status: "True", reason: "TooFewReplicas", message };
  }
  if (replicas > maxReplicas) {
    const message = "the desired replica count is more than the maximum replica count";
    return { type, status: "True", reason: "TooManyReplicas", message };
  }
  return {
    type,
    status: "False",
    reason: "DesiredWithinRange",
    message: "the desired count is within the acceptable range",
  };
}

function counts(currentReplicas: number, desiredReplicas: number): object {
  return { currentReplicas, desiredReplicas };
}
