// Deleting objects: preconditions, grace periods, finalizers and propagation. Follows Kubernetes' "Garbage Collection"
// and "Finalizers". What depends on a deleted object is the garbage collector's business, not ours.
import { isObject, numberAt, stringAt } from "#base/json.ts";
import { rfc3339 } from "#base/ports.ts";
import { apiVersionOf, type KubernetesObject } from "#model/object.ts";
import type { LocalDeleteOptions, ResourceDefinition } from "../contract.ts";
import { type Core, readObject } from "./core.ts";
import { inVersionOf, resourceId } from "./kinds.ts";
import { conflict, forbidden, invalid, notFound } from "./status.ts";
import { inStorageVersion, isReleased, removeObject, tracksGeneration } from "./writes.ts";

export interface DeleteOptions extends LocalDeleteOptions {
  readonly dryRun?: boolean;
}

export interface Deleted {
  /** Its last state, or its state while finalizers or the grace period hold it. */
  readonly object: KubernetesObject;
  /** Whether it is gone. */
  readonly gone: boolean;
}

const immortalNamespaces = new Set(["default", "kube-system", "kube-public"]);
const policies = new Set(["Foreground", "Background", "Orphan"]);
const defaultPodGraceS = 30;

/** Takes DeleteOptions as they come in a body; returns them typed. Errors: Invalid. */
export function parseDeleteOptions(value: unknown): DeleteOptions {
  const policy = stringAt(value, "propagationPolicy");
  if (policy !== undefined && !policies.has(policy)) {
    const detail = `supported values: "Foreground", "Background", "Orphan", "nil"`;
    throw invalid({ group: "meta.k8s.io", kind: "DeleteOptions" }, "", [
      { type: "Unsupported value", field: "propagationPolicy", value: policy, detail },
    ]);
  }
  const orphan = isObject(value) ? value["orphanDependents"] : undefined;
  if (policy !== undefined && typeof orphan === "boolean") {
    const detail = "orphanDependents and deletionPropagation cannot be both set";
    throw invalid({ group: "meta.k8s.io", kind: "DeleteOptions" }, "", [
      { type: "Invalid value", field: "propagationPolicy", value: policy, detail },
    ]);
  }
  const propagation = policy ?? (orphan === true ? "Orphan" : orphan === false ? "Background" : undefined);
  const gracePeriodSeconds = numberAt(value, "gracePeriodSeconds");
  const uid = stringAt(value, "preconditions", "uid");
  const resourceVersion = stringAt(value, "preconditions", "resourceVersion");
  const dryRun = isObject(value) && Array.isArray(value["dryRun"]) && value["dryRun"].includes("All");
  return {
    ...(propagation === undefined ? {} : { propagationPolicy: propagation as "Foreground" }),
    ...(gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(dryRun ? { dryRun } : {}),
  };
}

/** Deletes an object, or marks it as being deleted. Errors: NotFound, Conflict (preconditions), Forbidden. */
export function deleteObject(
  core: Core,
  definition: ResourceDefinition,
  key: { readonly namespace: string; readonly name: string },
  options: DeleteOptions,
): Deleted {
  const stored = core.store.get(resourceId(definition), key.namespace, key.name);
  if (stored === undefined) throw notFound(definition, key.name);
  const object = inVersionOf(stored, definition);
  checkPreconditions(definition, object, options);
  if (isNamespace(definition) && immortalNamespaces.has(key.name)) {
    throw forbidden(definition, key.name, "this namespace may not be deleted");
  }
  const next = marked(core, definition, object, options);
  if (isReleased(next)) {
    // What goes at once never was seen being deleted, but for pods.
    const last = object.metadata.deletionTimestamp === undefined && !isPod(definition) ? object : next;
    if (options.dryRun === true) return { object: last, gone: true };
    return { object: removeObject(core, definition, last) ?? last, gone: true };
  }
  if (next === object || options.dryRun === true) return { object: next, gone: false };
  core.store.put(resourceId(definition), inStorageVersion(next, definition));
  const after = readObject(core, definition, key.namespace, key.name) ?? next;
  core.afterWrite.get(resourceId(definition))?.(after, false);
  return { object: after, gone: false };
}

function checkPreconditions(definition: ResourceDefinition, object: KubernetesObject, options: DeleteOptions): void {
  const { uid = "", resourceVersion = "", name = "" } = object.metadata;
  const kind = { group: definition.group, plural: definition.kind };
  if (options.uid !== undefined && options.uid !== uid) {
    const why = `the UID in the precondition (${options.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`;
    throw conflict(kind, name, why);
  }
  if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion) {
    const why = `the ResourceVersion in the precondition (${options.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`;
    throw conflict(kind, name, why);
  }
}

/** The object with what a delete writes into its metadata; the same one where it is being deleted already. */
function marked(
  core: Core,
  definition: ResourceDefinition,
  object: KubernetesObject,
  options: DeleteOptions,
): KubernetesObject {
  const finalizers = finalizersFor(object, options.propagationPolicy);
  const graceS = gracePeriodS(definition, object, options.gracePeriodSeconds);
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = object.metadata;
  if (deletionTimestamp !== undefined) {
    const shorter = graceS < deletionGracePeriodSeconds;
    if (!shorter && finalizers === object.metadata.finalizers) return object;
    const kept = { ...object.metadata, ...(finalizers === undefined ? {} : { finalizers }) };
    if (!shorter) return { ...object, metadata: kept };
    const started = Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1000;
    const metadata = {
      ...kept,
      deletionTimestamp: rfc3339(started + graceS * 1000),
      deletionGracePeriodSeconds: graceS,
    };
    return { ...object, metadata };
  }
  const metadata = {
    ...object.metadata,
    ...(finalizers === undefined ? {} : { finalizers }),
    ...(tracksGeneration(definition) ? { generation: (object.metadata.generation ?? 0) + 1 } : {}),
    deletionTimestamp: rfc3339(core.clock.now() + graceS * 1000),
    deletionGracePeriodSeconds: graceS,
  };
  if (!isNamespace(definition)) return { ...object, metadata };
  const { deletionGracePeriodSeconds: _, ...withoutGrace } = metadata;
  const status = isObject(object["status"]) ? object["status"] : {};
  return { ...object, metadata: withoutGrace, status: { ...status, phase: "Terminating" } };
}

function finalizersFor(
  object: KubernetesObject,
  policy: LocalDeleteOptions["propagationPolicy"],
): readonly string[] | undefined {
  const present = object.metadata.finalizers;
  if (policy === undefined) return present;
  const wanted = policy === "Orphan" ? "orphan" : policy === "Foreground" ? "foregroundDeletion" : undefined;
  const kept = (present ?? []).filter((each) => each !== "orphan" && each !== "foregroundDeletion");
  const next = wanted === undefined ? kept : [...kept, wanted];
  const same = next.length === (present?.length ?? 0) && next.every((each) => present?.includes(each));
  return same ? present : next;
}

/** Only pods are deleted gracefully, and only while they run somewhere. */
function gracePeriodS(definition: ResourceDefinition, object: KubernetesObject, asked: number | undefined): number {
  if (!isPod(definition)) return 0;
  const phase = stringAt(object, "status", "phase");
  if ((stringAt(object, "spec", "nodeName") ?? "") === "" || phase === "Failed" || phase === "Succeeded") return 0;
  const graceS = asked ?? numberAt(object, "spec", "terminationGracePeriodSeconds") ?? defaultPodGraceS;
  return graceS < 0 ? 1 : graceS;
}

function isPod(definition: ResourceDefinition): boolean {
  return definition.group === "" && definition.kind === "Pod";
}

function isNamespace(definition: ResourceDefinition): boolean {
  return definition.group === "" && definition.kind === "Namespace";
}

/** Kinds whose DELETE answers with the object rather than with a Status. */
const answersWithObject = new Set([
  "/pods",
  "/services",
  "/serviceaccounts",
  "/persistentvolumeclaims",
  "/persistentvolumes",
  "/podtemplates",
  "/resourcequotas",
]);

/** What DELETE answers with. */
export function deleteAnswer(definition: ResourceDefinition, { object, gone }: Deleted): unknown {
  if (!gone || answersWithObject.has(resourceId(definition))) {
    return object.apiVersion === apiVersionOf(definition) ? object : inVersionOf(object, definition);
  }
  const { name, uid } = object.metadata;
  const group = definition.group === "" ? {} : { group: definition.group };
  const details = { name, ...group, kind: definition.plural, uid };
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details };
}
