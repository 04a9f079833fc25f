// Health of HorizontalPodAutoscaler: v1 keeps its conditions in an annotation, later versions in status.
import type { HealthStatus } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { KindChecks } from "../check.ts";
import type { Condition } from "../read.ts";
import { conditionsOf, health } from "../read.ts";

const v1Conditions = "autoscaling.alpha.kubernetes.io/conditions";

/** type/reason pairs that decide, tried for each condition in the object's order. */
const degraded = new Set([
  "AbleToScale/FailedGetScale",
  "AbleToScale/FailedUpdateScale",
  "ScalingActive/FailedGetResourceMetric",
  "ScalingActive/InvalidSelector",
]);
const healthy = new Set([
  "AbleToScale/SucceededRescale",
  "ScalingLimited/DesiredWithinRange",
  "ScalingLimited/TooFewReplicas",
  "ScalingLimited/TooManyReplicas",
]);

function autoscaler(object: KubernetesObject): HealthStatus {
  const conditions = object.apiVersion === "autoscaling/v1" ? annotated(object) : conditionsOf(object);
  if (typeof conditions === "string") return health("Unknown", conditions);
  for (const condition of conditions) {
    const pair = `${condition.type}/${condition.reason}`;
    if (degraded.has(pair)) return health("Degraded", condition.message);
    if (healthy.has(pair)) return health("Healthy", condition.message);
  }
  return health("Progressing", "Waiting to Autoscale");
}

// The annotation's conditions, or what is wrong with it.
function annotated(object: KubernetesObject): readonly Condition[] | string {
  const text = object.metadata.annotations?.[v1Conditions];
  if (text === undefined) return conditionsOf(object);
  try {
    return conditionsOf({ status: { conditions: JSON.parse(text) as unknown } });
  } catch (thrown) {
    return `failed to convert conditions annotation to typed: ${(thrown as Error).message}`;
  }
}

export const autoscaling: KindChecks = { "autoscaling/HorizontalPodAutoscaler": autoscaler };
