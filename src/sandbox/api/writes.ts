// Creating and updating objects: the steps of contract.ts in order, then one call into the store. Every writer comes
// through here: HTTP, patches, subresources and the built-in controllers.
import { isObject, sameJson } from "#base/json.ts";
import { apiVersionOf, type KubernetesObject, type ObjectMeta } from "#model/object.ts";
import type { PrepareContext, ResourceDefinition } from "../contract.ts";
import { type Core, nowText, readerOf, readObject, type WriteOptions } from "./core.ts";
import { coreEvent, eventsGroup, trackedEvent } from "./events.ts";
import { inVersionOf, resourceId } from "./kinds.ts";
import { sameButForTimes, trackUpdate } from "./merging.ts";
import { generatedName, validateMetadata, validateMetadataUpdate } from "./metadata.ts";
import { alreadyExists, conflict, forbidden, invalid, modified, notFound, refusal } from "./status.ts";

const namespaces = { group: "", plural: "namespaces" };
const generateAttempts = 8;

/** Kinds whose updates must name the resourceVersion they change (Kubernetes: AllowUnconditionalUpdate). */
const needsResourceVersion = new Set([
  "coordination.k8s.io/leases",
  "apiextensions.k8s.io/customresourcedefinitions",
  "policy/poddisruptionbudgets",
]);

/** Creates an object. Takes it decoded, in the version of `definition`. Returns what was stored. */
export function createObject(
  core: Core,
  definition: ResourceDefinition,
  namespace: string,
  input: KubernetesObject,
  options: StoreOptions,
): KubernetesObject {
  checkNamespaceOpen(core, definition, namespace, input.metadata.name ?? "");
  if (input.metadata.resourceVersion !== undefined && input.metadata.resourceVersion !== "") {
    const message = "resourceVersion should not be set on objects to be created";
    throw refusal({ code: 500, reason: "", message });
  }
  const named = withName(core, definition, namespace, input.metadata);
  const now = nowText(core);
  let object = ordered(definition, withoutStatus(input, definition), {
    ...named,
    ...(definition.namespaced ? { namespace } : {}),
    uid: core.newUid(),
    // Takes the place where Kubernetes writes it; the store fills it in.
    resourceVersion: unstored,
    ...(tracksGeneration(definition) ? { generation: 1 } : {}),
    creationTimestamp: now,
    ...(options.applied === true ? {} : { managedFields: undefined }),
  });
  object = prepare(core, definition, object, { operation: "create", now }, options);
  check(definition, object, undefined, options.subresource);
  const { name = "" } = object.metadata;
  if (core.store.get(resourceId(definition), namespace, name) !== undefined) throw alreadyExists(definition, name);
  if (options.applied !== true) object = tracked(core, definition, object, options, now);
  return commit(core, definition, object, options);
}

export interface StoreOptions extends WriteOptions {
  /** After a server-side apply: managedFields are what the merge made them. */
  readonly applied?: boolean;
}

/** The object as an update may store it: what clients cannot set comes from the old one. */
export interface Change {
  readonly old: KubernetesObject;
  readonly next: KubernetesObject;
}

/** Replaces an object (PUT). */
export function updateObject(
  core: Core,
  definition: ResourceDefinition,
  namespace: string,
  input: KubernetesObject,
  options: WriteOptions,
): KubernetesObject {
  const name = input.metadata.name ?? "";
  const old = readObject(core, definition, namespace, name);
  if (old === undefined) throw notFound(definition, name);
  const { resourceVersion = "", uid = "" } = input.metadata;
  if (!/^\d*$/.test(resourceVersion)) {
    const message = `strconv.ParseUint: parsing ${JSON.stringify(resourceVersion)}: invalid syntax`;
    throw refusal({ code: 500, reason: "", message });
  }
  if (resourceVersion === "" && requiresResourceVersion(definition)) {
    const detail = "must be specified for an update";
    throw invalid(definition, name, [{ type: "Invalid value", field: "metadata.resourceVersion", value: 0, detail }]);
  }
  if (resourceVersion !== "" && resourceVersion !== "0" && resourceVersion !== old.metadata.resourceVersion) {
    throw conflict(definition, name, modified);
  }
  if (uid !== "" && uid !== old.metadata.uid) {
    const key = `/registry/${definition.plural}/${namespace === "" ? "" : `${namespace}/`}${name}`;
    const why = `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`;
    throw conflict(definition, name, why);
  }
  return storeChange(core, definition, { old, next: input }, options);
}

/** Stores what an update made of an object: the part that PUT, patches and subresources share. */
export function storeChange(
  core: Core,
  definition: ResourceDefinition,
  { old, next }: Change,
  options: StoreOptions,
): KubernetesObject {
  const now = nowText(core);
  const { subresource } = options;
  let object = subresource === "status" ? withStatusOf(old, next, definition) : withSpecOf(old, next, definition);
  const context = { operation: "update" as const, old, now, ...(subresource === undefined ? {} : { subresource }) };
  object = prepare(core, definition, object, context, options);
  if (tracksGeneration(definition) && subresource !== "status") object = withGeneration(object, old, definition);
  check(definition, object, old, subresource);
  if (options.applied !== true) object = track(definition, old, object, options, now);
  if (sameButForTimes(object, old)) return old;
  if (isReleased(object)) {
    if (options.dryRun !== true) removeObject(core, definition, object);
    return object;
  }
  return commit(core, definition, object, options);
}

const unstored = "0";

function withoutUnstored(object: KubernetesObject): KubernetesObject {
  if (object.metadata.resourceVersion !== unstored) return object;
  const { resourceVersion: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** Removes an object from the store; returns its last state in the version of `definition`. */
export function removeObject(
  core: Core,
  definition: ResourceDefinition,
  last: KubernetesObject,
): KubernetesObject | undefined {
  const removed = core.store.delete(resourceId(definition), inStorageVersion(last, definition));
  if (removed === undefined) return undefined;
  core.afterWrite.get(resourceId(definition))?.(removed, true);
  return inVersionOf(removed, definition);
}

/** Being deleted, with nothing left that holds it. */
export function isReleased({ metadata, ...rest }: KubernetesObject): boolean {
  if (metadata.deletionTimestamp === undefined || (metadata.deletionGracePeriodSeconds ?? 0) > 0) return false;
  if (metadata.finalizers !== undefined && metadata.finalizers.length > 0) return false;
  const spec = rest["spec"];
  const held = rest.kind === "Namespace" && rest.apiVersion === "v1" && isObject(spec) ? spec["finalizers"] : undefined;
  return !Array.isArray(held) || held.length === 0;
}

function commit(
  core: Core,
  definition: ResourceDefinition,
  object: KubernetesObject,
  options: WriteOptions,
): KubernetesObject {
  if (options.dryRun === true) return withoutUnstored(object);
  const stored = core.store.put(resourceId(definition), inStorageVersion(object, definition));
  core.afterWrite.get(resourceId(definition))?.(stored, false);
  return inVersionOf(stored, definition);
}

export function inStorageVersion(object: KubernetesObject, definition: ResourceDefinition): KubernetesObject {
  const { group, version, storageVersion = version } = definition;
  if (group === eventsGroup && definition.kind === "Event") return coreEvent(object);
  if (storageVersion === version) return object;
  const apiVersion = apiVersionOf({ group, version: storageVersion });
  return definition.convert?.(object, apiVersion) ?? { ...object, apiVersion };
}

function checkNamespaceOpen(core: Core, definition: ResourceDefinition, namespace: string, name: string): void {
  if (!definition.namespaced) return;
  const found = core.store.get("/namespaces", "", namespace);
  if (found === undefined) throw notFound(namespaces, namespace);
  if (found.metadata.deletionTimestamp === undefined) return;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  throw forbidden(definition, name, why, [
    {
      reason: "NamespaceTerminating",
      message: `namespace ${namespace} is being terminated`,
      field: "metadata.namespace",
    },
  ]);
}

function withName(core: Core, definition: ResourceDefinition, namespace: string, metadata: ObjectMeta): ObjectMeta {
  const { name = "", generateName = "" } = metadata;
  if (name !== "" || generateName === "") return metadata;
  const resource = resourceId(definition);
  let generated = "";
  for (let attempt = 0; attempt < generateAttempts; attempt++) {
    generated = generatedName(generateName, () => core.random());
    if (core.store.get(resource, namespace, generated) === undefined) break;
  }
  return { ...metadata, name: generated };
}

export function tracksGeneration(definition: ResourceDefinition): boolean {
  return definition.generation ?? (definition.custom === true || hasStatus(definition));
}

function hasStatus(definition: ResourceDefinition): boolean {
  return definition.subresources.includes("status");
}

function requiresResourceVersion(definition: ResourceDefinition): boolean {
  return definition.custom === true || needsResourceVersion.has(resourceId(definition));
}

/** Nodes alone are created with the status that comes with them. */
function withoutStatus(input: KubernetesObject, definition: ResourceDefinition): KubernetesObject {
  if (!hasStatus(definition) || input["status"] === undefined) return input;
  if (definition.kind === "Node" && definition.group === "") return input;
  const { status: _, ...rest } = input;
  return rest;
}

/** apiVersion, kind and metadata first, so that all texts of one kind begin alike. */
function ordered(definition: ResourceDefinition, input: KubernetesObject, metadata: ObjectMeta): KubernetesObject {
  const { apiVersion: _apiVersion, kind: _kind, metadata: _metadata, ...rest } = input;
  const {
    deletionTimestamp: _at,
    deletionGracePeriodSeconds: _grace,
    selfLink: _link,
    ...kept
  } = metadata as ObjectMeta & {
    selfLink?: string;
  };
  return { apiVersion: apiVersionOf(definition), kind: definition.kind, metadata: withoutEmpty(kept), ...rest };
}

/** Kubernetes leaves empty strings, lists and maps of metadata out. */
function withoutEmpty(metadata: ObjectMeta): ObjectMeta {
  let copy: Record<string, unknown> | undefined;
  for (const key in metadata) {
    const value = metadata[key as keyof ObjectMeta] as unknown;
    if (value === undefined || value === "" || value === null || isEmpty(value)) {
      delete (copy ??= { ...metadata })[key];
    }
  }
  return (copy as ObjectMeta | undefined) ?? metadata;
}

function isEmpty(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  for (const _ in value) return false;
  return true;
}

/** A plain update: status stays, and so does what the server sets in metadata. */
function withSpecOf(old: KubernetesObject, next: KubernetesObject, definition: ResourceDefinition): KubernetesObject {
  const fixed = serverMetadata(old.metadata);
  const { managedFields = old.metadata.managedFields, ...wanted } = next.metadata;
  const metadata = {
    ...wanted,
    ...(managedFields === undefined ? {} : { managedFields }),
  } as Record<string, unknown>;
  for (const key of Object.keys(fixed) as (keyof typeof fixed)[]) {
    if (fixed[key] === undefined) delete metadata[key];
    else metadata[key] = fixed[key];
  }
  const { apiVersion: _apiVersion, kind: _kind, metadata: _metadata, ...rest } = next;
  const object: Record<string, unknown> = {
    apiVersion: apiVersionOf(definition),
    kind: definition.kind,
    metadata: withoutEmpty(metadata),
    ...rest,
  };
  if (hasStatus(definition)) {
    if (old["status"] === undefined) delete object["status"];
    else object["status"] = old["status"];
  }
  return object as unknown as KubernetesObject;
}

function serverMetadata(old: ObjectMeta) {
  return {
    name: old.name,
    generateName: old.generateName,
    namespace: old.namespace,
    uid: old.uid,
    resourceVersion: old.resourceVersion,
    generation: old.generation,
    creationTimestamp: old.creationTimestamp,
    deletionTimestamp: old.deletionTimestamp,
    deletionGracePeriodSeconds: old.deletionGracePeriodSeconds,
  };
}

/** A status update: everything but status stays; of built-in kinds metadata may change too, but for what is special. */
function withStatusOf(old: KubernetesObject, next: KubernetesObject, definition: ResourceDefinition): KubernetesObject {
  const { status: _, ...rest } = old;
  const managedFields = next.metadata.managedFields ?? old.metadata.managedFields;
  const own = definition.custom === true || definition.group === "apiextensions.k8s.io";
  let { metadata } = own ? old : withSpecOf(old, next, definition);
  if (managedFields !== undefined && metadata.managedFields !== managedFields)
    metadata = { ...metadata, managedFields };
  if (definition.kind === "Deployment" && metadata.labels !== old.metadata.labels) {
    const { labels: _labels, ...unlabelled } = metadata;
    metadata = old.metadata.labels === undefined ? unlabelled : { ...unlabelled, labels: old.metadata.labels };
  }
  const object = { ...rest, apiVersion: apiVersionOf(definition), metadata } as KubernetesObject;
  return next["status"] === undefined ? object : { ...object, status: next["status"] };
}

function withGeneration(
  object: KubernetesObject,
  old: KubernetesObject,
  definition: ResourceDefinition,
): KubernetesObject {
  const skipStatus = hasStatus(definition);
  const keys = new Set([...Object.keys(object), ...Object.keys(old)]);
  for (const key of keys) {
    if (key === "metadata" || key === "apiVersion" || key === "kind" || (skipStatus && key === "status")) continue;
    if (object[key] === old[key] || sameJson(object[key], old[key])) continue;
    return { ...object, metadata: { ...object.metadata, generation: (old.metadata.generation ?? 0) + 1 } };
  }
  return object;
}

function prepare(
  core: Core,
  definition: ResourceDefinition,
  object: KubernetesObject,
  context: Omit<PrepareContext, "reader" | "warn">,
  options: WriteOptions,
): KubernetesObject {
  if (definition.prepare === undefined) return object;
  const warn = options.warn ?? (() => {});
  return definition.prepare(object, { ...context, reader: readerOf(core), warn });
}

function check(
  definition: ResourceDefinition,
  object: KubernetesObject,
  old: KubernetesObject | undefined,
  subresource: string | undefined,
): void {
  const errors = validateMetadata(object, definition, old);
  if (old !== undefined) errors.push(...validateMetadataUpdate(object, old));
  const special = definition.validate?.(object, old, subresource);
  if (special !== undefined) errors.push(...special);
  if (errors.length > 0) throw invalid(definition, object.metadata.name ?? "", errors);
}

/** A created object with its managedFields. */
function tracked(
  core: Core,
  definition: ResourceDefinition,
  object: KubernetesObject,
  options: WriteOptions,
  time: string,
): KubernetesObject {
  const make = (): KubernetesObject => track(definition, undefined, object, options, time);
  if (definition.kind !== "Event" || definition.custom === true) return make();
  return trackedEvent(core.eventShapes, object, { manager: options.manager, time }, make);
}

function track(
  definition: ResourceDefinition,
  before: KubernetesObject | undefined,
  after: KubernetesObject,
  { manager, subresource }: WriteOptions,
  time: string,
): KubernetesObject {
  return trackUpdate({
    ...(before === undefined ? {} : { before }),
    after,
    manager,
    time,
    ...(definition.type === undefined ? {} : { schema: definition.type }),
    ...(subresource === undefined ? {} : { subresource }),
    resetFields: fieldsOutOfReach(definition, after, subresource),
  });
}

const statusFields = new Set(["status", "metadata"]);

/** Top-level fields that such a write leaves alone whatever the client sends. */
export function fieldsOutOfReach(
  definition: ResourceDefinition,
  object: KubernetesObject,
  subresource: string | undefined,
): readonly string[] {
  if (subresource === undefined) return hasStatus(definition) ? ["status"] : [];
  return subresource === "status" ? Object.keys(object).filter((field) => !statusFields.has(field)) : [];
}
