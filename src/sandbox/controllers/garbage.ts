// The garbage collector: objects whose owners are all gone go too; foreground and orphan deletion. Never on doubt:
// an owner counts as gone only when its kind is known and neither its uid nor its name leads to it.
// Source: Kubernetes, "Garbage Collection", "Owners and Dependents".
import { sameJson } from "#base/json.ts";
import { keyOf, parseApiVersion, type KubernetesObject, type OwnerReference } from "#model/object.ts";
import type { LocalDeleteOptions } from "../contract.ts";
import type { Context, Controller } from "./support/controller.ts";
import { deleting } from "./support/objects.ts";

const foreground = "foregroundDeletion";
const orphan = "orphan";

export function garbageCollector(context: Context): Controller {
  return {
    name: "garbage-collector",
    watches: [
      {
        kind: "all",
        keys: ({ type, object, old }) => {
          const { metadata } = object;
          const uid = metadata.uid ?? "";
          const owners = metadata.ownerReferences ?? [];
          if (type === "DELETED") {
            const keys = owners.filter((ref) => ref.blockOwnerDeletion === true).map((ref) => ref.uid);
            for (const dependent of context.client.dependents(uid)) keys.push(dependent.metadata.uid ?? "");
            return keys;
          }
          const isNew = old === undefined || !sameJson(old.metadata.ownerReferences, metadata.ownerReferences);
          const toCheck = isNew && owners.some((ref) => context.client.byUid(ref.uid) === undefined);
          const finalizers = metadata.finalizers ?? [];
          const toProcess = deleting(object) && (finalizers.includes(foreground) || finalizers.includes(orphan));
          // A dependent that no longer blocks its deleting owner lets it go on.
          const freed =
            isNew || (deleting(object) && old !== undefined && !deleting(old))
              ? [...owners, ...(old?.metadata.ownerReferences ?? [])].filter((ref) => waits(context, ref.uid))
              : [];
          return [...(toCheck || toProcess || freed.length > 0 ? [uid] : []), ...freed.map((ref) => ref.uid)];
        },
      },
    ],
    reconcile: (uid) => {
      const object = context.client.byUid(uid);
      if (object !== undefined) collect(context, object);
      return undefined;
    },
  };
}

function waits(context: Context, uid: string): boolean {
  const owner = context.client.byUid(uid);
  return owner !== undefined && isWaiting(owner);
}

function isWaiting(owner: KubernetesObject): boolean {
  return deleting(owner) && (owner.metadata.finalizers ?? []).includes(foreground);
}

function collect(context: Context, object: KubernetesObject): void {
  const finalizers = object.metadata.finalizers ?? [];
  if (deleting(object)) {
    if (finalizers.includes(orphan)) orphanDependents(context, object);
    else if (finalizers.includes(foreground)) awaitDependents(context, object);
    return;
  }
  const owners = object.metadata.ownerReferences ?? [];
  if (owners.length === 0) return;
  const states = owners.map((ref) => ownerState(context, object, ref));
  const solid = owners.filter((_, index) => states[index] === "solid" || states[index] === "doubtful");
  if (solid.length === owners.length) return;
  if (solid.length > 0) {
    context.client.update({ ...object, metadata: { ...object.metadata, ownerReferences: solid } });
    return;
  }
  const hasDependents = context.client.dependents(object.metadata.uid ?? "").length > 0;
  const propagationPolicy = states.includes("waiting") && hasDependents ? "Foreground" : policyOf(finalizers);
  context.client.delete(keyOf(object), { propagationPolicy, uid: object.metadata.uid ?? "" });
}

function policyOf(finalizers: readonly string[]): NonNullable<LocalDeleteOptions["propagationPolicy"]> {
  return finalizers.includes(orphan) ? "Orphan" : finalizers.includes(foreground) ? "Foreground" : "Background";
}

/** waiting: it is being deleted in the foreground. doubtful: it cannot be said, so nothing is done. */
type OwnerState = "solid" | "waiting" | "absent" | "doubtful";

function ownerState(context: Context, object: KubernetesObject, ref: OwnerReference): OwnerState {
  const { group, version } = parseApiVersion(ref.apiVersion);
  const definition = context.client.kinds().find((each) => each.group === group && each.kind === ref.kind);
  if (definition === undefined || version === "") return "doubtful";
  const namespace = object.metadata.namespace ?? "";
  // A cluster-scoped object cannot be owned by a namespaced one: Kubernetes reports that and leaves it alone.
  if (definition.namespaced && namespace === "") {
    context.events.warning(
      object,
      "garbage-collector-controller",
      "OwnerRefInvalidNamespace",
      `ownerRef [${ref.apiVersion}/${ref.kind}, namespace: , name: ${ref.name}, uid: ${ref.uid}] does not exist in namespace ""`,
    );
    return "doubtful";
  }
  const owner = context.client.get(definition, definition.namespaced ? namespace : "", ref.name);
  if (owner === undefined || owner.metadata.uid !== ref.uid) return "absent";
  return isWaiting(owner) ? "waiting" : "solid";
}

function orphanDependents(context: Context, owner: KubernetesObject): void {
  const uid = owner.metadata.uid ?? "";
  for (const dependent of context.client.dependents(uid)) {
    const left = (dependent.metadata.ownerReferences ?? []).filter((ref) => ref.uid !== uid);
    const { ownerReferences: _, ...rest } = dependent.metadata;
    const metadata = left.length === 0 ? rest : { ...rest, ownerReferences: left };
    context.client.update({ ...dependent, metadata });
  }
  dropFinalizer(context, owner, orphan);
}

function awaitDependents(context: Context, owner: KubernetesObject): void {
  const uid = owner.metadata.uid ?? "";
  const dependents = context.client.dependents(uid);
  for (const dependent of dependents) if (!deleting(dependent)) collect(context, dependent);
  const blocked = context.client
    .dependents(uid)
    .some((each) => each.metadata.ownerReferences?.some((ref) => ref.uid === uid && ref.blockOwnerDeletion === true));
  if (!blocked) dropFinalizer(context, owner, foreground);
}

function dropFinalizer(context: Context, owner: KubernetesObject, name: string): void {
  const present = context.client.byUid(owner.metadata.uid ?? "");
  if (present === undefined) return;
  const finalizers = (present.metadata.finalizers ?? []).filter((each) => each !== name);
  context.client.update({ ...present, metadata: { ...present.metadata, finalizers } });
}
