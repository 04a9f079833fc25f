// Small readers of live objects that actions share. Pure.
import { listAt, stringAt } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";

/** Whether `status.conditions` has a condition of this type and status. */
export function conditionIs(object: KubernetesObject, type: string, status: string): boolean {
  return listAt(object, "status", "conditions").some(
    (entry) => stringAt(entry, "type") === type && stringAt(entry, "status") === status,
  );
}
