// How a hook's live object stands: whose run it is of, whether it has ended and how, and whether we still hold it. Pure.
// Source: Argo CD's "Resource Hooks".
import type { HealthStatus, OperationPhase } from "#model/application.ts";
import { annotation, finalizer } from "#model/names.ts";
import type { KubernetesObject, ObjectKey } from "#model/object.ts";

/** How a hook's object stands: by its health; a kind without health is done when it is created. */
export function hookOutcome(
  live: KubernetesObject,
  key: ObjectKey,
  healthOf: (object: KubernetesObject) => HealthStatus | undefined,
): { phase: OperationPhase; message: string } {
  const deleting = live.metadata.deletionTimestamp !== undefined;
  // Our finalizer can hold an object that ended and is being deleted: its end counts.
  const { deletionTimestamp: _, ...metadata } = live.metadata;
  const health = healthOf(deleting ? { ...live, metadata } : live);
  const message = health?.message ?? "";
  switch (health?.status) {
    case undefined:
      return { phase: "Succeeded", message: `${key.name} created` };
    case "Healthy":
      return { phase: "Succeeded", message };
    case "Degraded":
    case "Unknown":
      return { phase: "Failed", message };
    default:
      // A pod still ends while it is deleted; anything else that somebody deletes will not.
      return deleting && key.kind !== "Pod"
        ? { phase: "Failed", message: goneMessage(key) }
        : { phase: "Running", message };
  }
}

/** Whether this run created the object. */
export function isOfRun(live: KubernetesObject, run: string | undefined): boolean {
  return run !== undefined && live.metadata.annotations?.[annotation.hookRun] === run;
}

/** Whether our finalizer holds the object. */
export function holds(live: KubernetesObject): boolean {
  return live.metadata.finalizers?.includes(finalizer.hook) === true;
}

export function goneMessage(key: ObjectKey): string {
  return `Resource ${shownKey(key)} is missing, it might have been deleted`;
}

/** As Argo CD's operation messages name objects: `apps/Deployment/web`, `/ConfigMap/web`. */
export function shownKey(key: ObjectKey): string {
  return `${key.group}/${key.kind}/${key.name}`;
}

/** What holds an object that is being deleted, for people; "" where nothing does. */
export function heldBy(live: KubernetesObject | undefined): string {
  const held = live?.metadata.finalizers ?? [];
  return held.length > 0 ? `held by ${held.join(", ")}` : "";
}
