// HorizontalPodAutoscaler between autoscaling/v1 and v2, in which it is stored. What v1 has no field for travels in the
// annotations that Kubernetes uses for it, as v2 writes it.
import { isObject, listAt, numberAt, stringAt } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";
import { fieldsAt } from "./edit.ts";
import type { Fields } from "./edit.ts";

const metricsKey = "autoscaling.alpha.kubernetes.io/metrics";
const behaviorKey = "autoscaling.alpha.kubernetes.io/behavior";

/** Takes either version; returns the one of `apiVersion`. */
export function convertAutoscaler(object: KubernetesObject, apiVersion: string): KubernetesObject {
  if (object.apiVersion === apiVersion) return object;
  return apiVersion === "autoscaling/v1" ? toV1(object, apiVersion) : toV2(object, apiVersion);
}

function isCpu(metric: unknown): boolean {
  const { name, target } = fieldsAt(metric, "resource");
  return (
    stringAt(metric, "type") === "Resource" && name === "cpu" && numberAt(target, "averageUtilization") !== undefined
  );
}

function withAnnotations(object: KubernetesObject, added: Fields): KubernetesObject["metadata"] {
  const { [metricsKey]: _m, [behaviorKey]: _b, ...kept } = object.metadata.annotations ?? {};
  const annotations = { ...kept, ...added } as Record<string, string>;
  const { annotations: _, ...metadata } = object.metadata;
  return Object.keys(annotations).length === 0 ? metadata : { ...metadata, annotations };
}

function toV1(object: KubernetesObject, apiVersion: string): KubernetesObject {
  const { metrics, behavior, ...spec } = fieldsAt(object, "spec");
  const { currentMetrics, conditions: _, ...status } = fieldsAt(object, "status");
  const others = listAt(metrics).filter((metric) => !isCpu(metric));
  const target = numberAt(listAt(metrics).find(isCpu), "resource", "target", "averageUtilization");
  const current = numberAt(
    listAt(currentMetrics).find((metric) => stringAt(metric, "resource", "name") === "cpu"),
    "resource",
    "current",
    "averageUtilization",
  );
  return {
    ...object,
    apiVersion,
    metadata: withAnnotations(object, {
      ...(others.length === 0 ? {} : { [metricsKey]: JSON.stringify(others) }),
      ...(isObject(behavior) ? { [behaviorKey]: JSON.stringify(behavior) } : {}),
    }),
    spec: { ...spec, ...(target === undefined ? {} : { targetCPUUtilizationPercentage: target }) },
    status: { ...status, ...(current === undefined ? {} : { currentCPUUtilizationPercentage: current }) },
  };
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined;
  }
}

function toV2(object: KubernetesObject, apiVersion: string): KubernetesObject {
  const { targetCPUUtilizationPercentage: target, ...spec } = fieldsAt(object, "spec");
  const { currentCPUUtilizationPercentage: current, ...status } = fieldsAt(object, "status");
  const others = parsed(object.metadata.annotations?.[metricsKey]);
  const behavior = parsed(object.metadata.annotations?.[behaviorKey]);
  const cpu = (field: string, value: Fields): unknown => ({
    type: "Resource",
    resource: { name: "cpu", [field]: value },
  });
  const metrics = [
    ...(Array.isArray(others) ? (others as unknown[]) : []),
    ...(target === undefined ? [] : [cpu("target", { type: "Utilization", averageUtilization: target })]),
  ];
  return {
    ...object,
    apiVersion,
    metadata: withAnnotations(object, {}),
    spec: { ...spec, ...(metrics.length === 0 ? {} : { metrics }), ...(isObject(behavior) ? { behavior } : {}) },
    status: {
      ...status,
      currentMetrics: current === undefined ? null : [cpu("current", { averageUtilization: current })],
    },
  };
}
