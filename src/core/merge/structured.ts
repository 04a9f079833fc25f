// Server-side apply and the tracking of who set which field, for all ways of writing an object. Decides nothing about
// validation, defaults or storage: callers do that with the object that comes back.
// Source: Kubernetes' "Server-Side Apply"; KEP-555.
import { isObject, sameJson, stableStringify } from "#base/json.ts";
import { fail, ok } from "#base/result.ts";
import type { Result } from "#base/result.ts";
import { annotation } from "#model/names.ts";
import type { KubernetesObject, ManagedFieldsEntry } from "#model/object.ts";
import {
  contains,
  difference,
  differenceBelow,
  intersection,
  isEmptySet,
  noFields,
  pathsOf,
  union,
  withNamedFields,
} from "./fields.ts";
import type { Fields } from "./fields.ts";
import { capUpdaters, isEmptyManager, managerId, readManagers, renewed, withSet, writeManagers } from "./managed.ts";
import type { Manager, Managers } from "./managed.ts";
import { containsRaw, overlapsRaw } from "./raw-fields.ts";
import { anyType } from "./schema.ts";
import type { TypeSchema } from "./schema.ts";
import { typeErrors } from "./type-errors.ts";
import { changesBetween, fieldsOf, mergeTyped, removeFields, withoutNulls } from "./typed.ts";
import type { Changes } from "./typed.ts";

export interface ApplyInput {
  readonly live?: KubernetesObject;
  readonly applied: KubernetesObject;
  readonly manager: string;
  /** Take the fields of others instead of failing. */
  readonly force: boolean;
  readonly schema?: TypeSchema;
  /** RFC 3339, seconds: written to the entry of this manager where it changed. */
  readonly time: string;
  readonly subresource?: string;
  /** Top-level fields that this request cannot write and nobody comes to own, such as `status`. */
  readonly resetFields?: readonly string[];
}

export interface Conflict {
  readonly manager: string;
  /** `.spec.replicas` */
  readonly field: string;
  /** `conflict with "manager" using apps/v1` */
  readonly cause: string;
  /** `conflict with "manager" using apps/v1: .spec.replicas` */
  readonly message: string;
}

export interface ApplyFailure {
  readonly conflicts: readonly Conflict[];
  /** What is wrong with the applied object by its type; there are no conflicts then. */
  readonly invalid?: readonly string[];
}

/** Fields that nobody owns: they name the object, or only the server writes them. */
const untracked: Fields = pathSet([
  ["apiVersion"],
  ["kind"],
  ["metadata"],
  ...["name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation", "managedFields"].map(
    (field) => ["metadata", field],
  ),
  ["metadata", "resourceVersion"],
]);

function pathSet(paths: readonly (readonly string[])[]): Fields {
  let set: Fields = noFields;
  for (const path of paths) {
    let branch: Fields = { own: true };
    for (const step of path.toReversed()) branch = { own: false, children: new Map([[`f:${step}`, branch]]) };
    set = union(set, branch);
  }
  return set;
}

function withoutManagedFields(object: KubernetesObject): KubernetesObject {
  if (object.metadata.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function withManagers(
  object: KubernetesObject,
  managers: Managers,
  former: readonly ManagedFieldsEntry[] | undefined,
): KubernetesObject {
  const entries = writeManagers(managers);
  if (entries === undefined) return withoutManagedFields(object);
  const same =
    former !== undefined && former.length === entries.length && entries.every((entry, i) => entry === former[i]);
  const managedFields = same ? former : entries;
  if (object.metadata.managedFields === managedFields) return object;
  return { ...object, metadata: { ...object.metadata, managedFields } };
}

/**
 * Applies an object for a manager. Returns the object with its managedFields and whether anything but them changed; or
 * the conflicts with other managers (never with `force`), or what is wrong with the applied object.
 */
export function applyServerSide(
  input: ApplyInput,
): Result<{ object: KubernetesObject; changed: boolean }, ApplyFailure> {
  const schema = input.schema ?? anyType;
  const invalid = typeErrors(input.applied, schema);
  if (invalid.length > 0) return fail({ conflicts: [], invalid });
  const first = applyOnce(input, schema);
  if (first.ok || input.manager !== "kubectl" || first.error.conflicts.length === 0) return first;
  // kubectl moving from client-side to server-side apply takes over what its last client-side apply had set.
  const allowed = lastAppliedFields(input, schema);
  if (allowed === undefined) return first;
  const remaining = first.error.conflicts.filter((conflict) => !allowed.has(conflict.field));
  return remaining.length > 0 ? fail({ conflicts: remaining }) : applyOnce({ ...input, force: true }, schema);
}

function applyOnce(
  input: ApplyInput,
  schema: TypeSchema,
): Result<{ object: KubernetesObject; changed: boolean }, ApplyFailure> {
  const { applied, manager, time } = input;
  const former = input.live?.metadata.managedFields;
  const live = input.live === undefined ? undefined : withoutManagedFields(input.live);
  const managers = readManagers(former, schema);
  if (managers.size === 0 && live !== undefined) trackFirst(live, managers, schema, input);
  const merged = mergeTyped(live, withoutManagedFields(applied), schema) as KubernetesObject;
  const self: Manager = {
    name: manager,
    operation: "Apply",
    apiVersion: applied.apiVersion,
    subresource: input.subresource ?? "",
    time,
    set: difference(resetIn(fieldsOf(applied, schema), input.resetFields), untracked),
  };
  const id = managerId(self);
  const last = managers.get(id);
  managers.set(id, { ...self, time: last?.time, ...(last?.entry === undefined ? {} : { entry: last.entry }) });
  let object = last === undefined ? merged : prune(merged, last.set, managers, schema);
  // Pruning leaves null of an object that it empties, even of one that is applied empty: a custom resource keeps that one.
  if (object !== merged && !isBuiltIn(schema))
    object = mergeTyped(object, withoutManagedFields(applied), schema) as KubernetesObject;
  const changes = changesBetween(live ?? emptyLike(applied), object, schema);
  const { force, resetFields } = input;
  const conflicts = settle(changes, { managers, self: id, force, resetFields });
  if (conflicts.length > 0) return fail({ conflicts });
  const stored = (isBuiltIn(schema) && object !== live ? withoutNulls(object, schema) : object) as KubernetesObject;
  const changed = live === undefined || (stored !== live && !sameJson(stored, live));
  // Who comes to own what is there already, and changes nothing, did so at no time.
  const owned = managers.get(id);
  if (owned !== undefined && changed) managers.set(id, withSet(owned, owned.set, time));
  const kept = changed ? stored : live;
  return ok({ object: lastAppliedSynced(withManagers(kept, managers, former), input), changed });
}

function emptyLike(object: KubernetesObject): KubernetesObject {
  return { apiVersion: object.apiVersion, kind: object.kind, metadata: {} };
}

function resetIn(set: Fields, fields: readonly string[] | undefined): Fields {
  return fields === undefined || fields.length === 0
    ? set
    : differenceBelow(set, pathSet(fields.map((field) => field.split("."))));
}

/** Built-in kinds have no nulls: a field that is emptied is gone. Custom resources keep them. */
function isBuiltIn(schema: TypeSchema): boolean {
  return schema.kind === "struct" && schema.fields["metadata"]?.omitEmpty === true;
}

/** An object that nobody tracked so far: all its fields go to `before-first-apply`. */
function trackFirst(live: KubernetesObject, managers: Managers, schema: TypeSchema, input: ApplyInput): void {
  const changes = changesBetween(emptyLike(live), live, schema);
  const set = difference(union(union(changes.added, changes.modified), noFields), untracked);
  const manager: Manager = {
    name: "before-first-apply",
    operation: "Update",
    apiVersion: live.apiVersion,
    subresource: input.subresource ?? "",
    time: input.time,
    set: resetIn(set, input.resetFields),
  };
  if (!isEmptySet(manager.set)) managers.set(managerId(manager), manager);
}

/** Removes what this manager applied last, applies no longer, and nobody else owns. */
function prune(merged: KubernetesObject, last: Fields, managers: Managers, schema: TypeSchema): KubernetesObject {
  const lastNamed = withNamedFields(last, schema);
  let owned: Fields = noFields;
  for (const manager of managers.values()) owned = union(owned, manager.set);
  const ownedNamed = withNamedFields(owned, schema);
  if (contains(ownedNamed, lastNamed)) return merged;
  const all = withNamedFields(fieldsOf(merged, schema), schema);
  const bare = removeFields(merged, lastNamed, schema);
  const bareSet = withNamedFields(fieldsOf(bare ?? {}, schema), schema);
  const withOwned = removeFields(merged, difference(all, union(bareSet, ownedNamed)), schema);
  const kept = withNamedFields(fieldsOf(withOwned ?? {}, schema), schema);
  const pruned = removeFields(merged, intersection(difference(all, kept), lastNamed), schema);
  return isObject(pruned) ? ({ ...pruned, metadata: pruned["metadata"] ?? {} } as unknown as KubernetesObject) : merged;
}

interface Settlement {
  readonly managers: Managers;
  /** The id of who writes. */
  readonly self: string | undefined;
  readonly force: boolean;
  readonly resetFields: readonly string[] | undefined;
}

/** Takes fields from the other managers by what changed. Returns the conflicts, and then has changed nothing. */
function settle(changes: Changes, to: Settlement): Conflict[] {
  const { managers } = to;
  const set = resetIn(union(changes.modified, changes.added), to.resetFields);
  const removed = resetIn(changes.removed, to.resetFields);
  if (isEmptySet(set) && isEmptySet(removed)) return dropEmpty(managers);
  const lost = new Map<string, Fields>();
  const conflicts: Conflict[] = [];
  for (const [id, manager] of managers) {
    if (id === to.self || !overlaps(manager, set)) continue;
    const overlap = intersection(manager.set, set);
    lost.set(id, overlap);
    if (!to.force) conflicts.push(...conflictsWith(manager, overlap));
  }
  if (conflicts.length > 0)
    return conflicts.sort((a, b) => (a.manager < b.manager ? -1 : a.manager > b.manager ? 1 : 0));
  for (const [id, manager] of managers) {
    if (id === to.self) continue;
    const overlap = lost.get(id);
    if (overlap === undefined && !overlaps(manager, removed)) continue;
    const left = difference(overlap === undefined ? manager.set : difference(manager.set, overlap), removed);
    managers.set(id, withSet(manager, left));
  }
  return dropEmpty(managers);
}

function overlaps(manager: Manager, other: Fields): boolean {
  const { raw } = manager;
  return raw === undefined ? !isEmptySet(intersection(manager.set, other)) : overlapsRaw(raw, other);
}

function dropEmpty(managers: Managers): Conflict[] {
  for (const [id, manager] of managers) if (isEmptyManager(manager)) managers.delete(id);
  return [];
}

function conflictsWith(manager: Manager, fields: Fields): Conflict[] {
  const subresource = manager.subresource === "" ? "" : ` with subresource ${JSON.stringify(manager.subresource)}`;
  const using = manager.operation === "Update" ? ` using ${manager.apiVersion}` : "";
  const cause = `conflict with ${JSON.stringify(manager.name)}${subresource}${using}`;
  return pathsOf(fields).map((field) => ({ manager: manager.name, field, cause, message: `${cause}: ${field}` }));
}

/** The message with which the API server refuses an apply. */
export function conflictMessage(conflicts: readonly Conflict[]): string {
  if (conflicts.length === 1) return `Apply failed with 1 conflict: ${conflicts[0]!.message}`;
  const groups = new Map<string, string[]>();
  for (const conflict of conflicts) {
    const lines = groups.get(conflict.cause);
    if (lines === undefined) groups.set(conflict.cause, [`- ${conflict.field}`]);
    else lines.push(`- ${conflict.field}`);
  }
  const parts = [...groups].map(
    ([cause, lines]) => `${cause.replace("conflict with", "conflicts with")}:\n${lines.join("\n")}`,
  );
  return `Apply failed with ${conflicts.length} conflicts: ${parts.join("\n")}`;
}

/** The paths that kubectl's last client-side apply set and that are still as it set them; undefined where there are none. */
function lastAppliedFields(input: ApplyInput, schema: TypeSchema): ReadonlySet<string> | undefined {
  const text = input.live?.metadata.annotations?.[annotation.lastApplied];
  if (text === undefined || text === "" || input.live === undefined) return undefined;
  let last: unknown;
  try {
    last = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(last) || last["apiVersion"] !== input.applied.apiVersion) return undefined;
  const changes = changesBetween(last, withoutManagedFields(input.live), schema);
  const set = difference(
    difference(difference(fieldsOf(last, schema), changes.modified), changes.added),
    changes.removed,
  );
  return new Set(pathsOf(set));
}

/** kubectl's server-side apply keeps the annotation of its client-side apply up to date where there is one. */
function lastAppliedSynced(object: KubernetesObject, input: ApplyInput): KubernetesObject {
  const before = object.metadata.annotations?.[annotation.lastApplied];
  if (input.manager !== "kubectl" || before === undefined || before === "") return object;
  const { annotations, ...metadata } = input.applied.metadata;
  const others = Object.entries(annotations ?? {}).filter(([name]) => name !== annotation.lastApplied);
  const kept = annotations === undefined ? metadata : { ...metadata, annotations: Object.fromEntries(others) };
  const text = `${stableStringify({ ...input.applied, metadata: kept })}\n`;
  if (text === before) return object;
  return {
    ...object,
    metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, [annotation.lastApplied]: text } },
  };
}

export interface TrackInput {
  /** Absent: the object is created. */
  readonly before?: KubernetesObject;
  readonly after: KubernetesObject;
  readonly manager: string;
  readonly schema?: TypeSchema;
  /** RFC 3339, seconds. */
  readonly time: string;
  readonly subresource?: string;
  /** Top-level fields that this request cannot write and nobody comes to own, such as `status`. */
  readonly resetFields?: readonly string[];
}

/**
 * The object that a create, update or patch leaves, with its managedFields: the manager comes to own what it changed and
 * others lose it. An object that nobody tracks stays untracked; `managedFields: []` or `[{}]` from the client resets them.
 */
export function trackUpdate(input: TrackInput): KubernetesObject {
  const schema = input.schema ?? anyType;
  const former = formerEntries(input);
  const managers = readManagers(former, schema);
  const after = withoutManagedFields(input.after);
  if (managers.size === 0 && input.before !== undefined) return after;
  const before = input.before === undefined ? emptyLike(after) : withoutManagedFields(input.before);
  const { resetFields } = input;
  const changes = changesBetween(before, after, schema);
  settle(changes, { managers, self: undefined, force: true, resetFields });
  const own = difference(resetIn(union(changes.modified, changes.added), resetFields), untracked);
  if (!isEmptySet(own)) trackOwn(input, own, managers);
  capUpdaters(managers);
  return withManagers(after, managers, former);
}

function trackOwn(input: TrackInput, own: Fields, managers: Managers): void {
  const { time } = input;
  const { apiVersion } = input.after;
  const self: Manager = {
    name: input.manager,
    operation: "Update",
    apiVersion,
    subresource: input.subresource ?? "",
    time,
    set: own,
  };
  const id = managerId(self);
  const earlier = managers.get(id);
  if (earlier === undefined) managers.set(id, self);
  else if (earlier.raw !== undefined && containsRaw(earlier.raw, own))
    managers.set(id, renewed(earlier, { apiVersion, time }));
  else managers.set(id, { ...self, set: union(earlier.set, own) });
}

function formerEntries(input: TrackInput): readonly ManagedFieldsEntry[] | undefined {
  const sent = input.after.metadata.managedFields;
  const before = input.before?.metadata.managedFields;
  if (sent === undefined || sent === before) return before;
  if (input.subresource !== undefined && input.subresource !== "") return before;
  if (sent.length === 0 || (sent.length === 1 && Object.keys(sent[0]!).length === 0)) return undefined;
  return readManagers(sent, anyType).size === 0 ? before : sent;
}

/** Whether two objects differ in nothing but the times of their managedFields: such a write is no write. */
export function sameButForTimes(a: KubernetesObject, b: KubernetesObject): boolean {
  if (a === b) return true;
  const timeless = (entries: readonly ManagedFieldsEntry[] | undefined): unknown =>
    entries?.map((entry) => ({ ...entry, time: undefined }));
  return (
    sameJson(withoutManagedFields(a), withoutManagedFields(b)) &&
    sameJson(timeless(a.metadata.managedFields), timeless(b.metadata.managedFields))
  );
}
