// Small readers of live objects that the health checks share. Pure.
import { listAt, numberAt, stringAt } from "#base/json.ts";
import type { HealthStatus, HealthStatusCode } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

/** A health status; an empty message is left out. */
export function health(status: HealthStatusCode, message?: string): HealthStatus {
  return message ? { status, message } : { status };
}

/** All of `status.conditions`, in the object's order. */
export function conditionsOf(object: unknown): readonly Condition[] {
  return listAt(object, "status", "conditions").map((entry) => ({
    type: stringAt(entry, "type") ?? "",
    status: stringAt(entry, "status") ?? "",
    reason: stringAt(entry, "reason") ?? "",
    message: stringAt(entry, "message") ?? "",
  }));
}

/** The condition of a type, where the object has one. */
export function conditionOf(object: unknown, type: string): Condition | undefined {
  for (const entry of listAt(object, "status", "conditions")) {
    if (stringAt(entry, "type") !== type) continue;
    return {
      type,
      status: stringAt(entry, "status") ?? "",
      reason: stringAt(entry, "reason") ?? "",
      message: stringAt(entry, "message") ?? "",
    };
  }
  return undefined;
}

/** A number of `status`; 0 where it is absent, as the API server leaves zeros out. */
export function statusNumber(object: KubernetesObject, field: string): number {
  return numberAt(object, "status", field) ?? 0;
}

/** Whether the controller has seen the object's present spec. */
export function observed(object: KubernetesObject): boolean {
  return (object.metadata.generation ?? 0) <= statusNumber(object, "observedGeneration");
}
