// managedFields of an object, read into sets and written back as the API server does: one entry for each manager,
// operation, version and subresource, in a stable order. Source: Kubernetes' "Server-Side Apply", "Field management".
import { isObject } from "#base/json.ts";
import type { JsonObject } from "#base/json.ts";
import type { ManagedFieldsEntry } from "#model/object.ts";
import { fieldsFromV1, fieldsOfEntry, fieldsToV1, isEmptySet, sameFields, union } from "./fields.ts";
import type { Fields } from "./fields.ts";
import { parseInstant } from "./instant.ts";
import { isReadAsWritten } from "./raw-fields.ts";
import { reconcileWithSchema } from "./reconcile.ts";
import type { TypeSchema } from "./schema.ts";

export interface Manager {
  readonly name: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string | undefined;
  /** Read on first use where it comes from an entry: most writes concern few managers. */
  readonly set: Fields;
  /** The entry that this was read from: written back as it was, where nothing changed. */
  readonly entry?: ManagedFieldsEntry;
  /** FieldsV1 that says the same as `set`, where there is one. */
  readonly raw?: JsonObject;
}

/** Manager id → manager. */
export type Managers = Map<string, Manager>;

/** What makes two entries one: appliers are the same whatever version they apply. */
export function managerId(manager: Pick<Manager, "name" | "operation" | "apiVersion" | "subresource">): string {
  const version = manager.operation === "Apply" ? "" : manager.apiVersion;
  return `${manager.operation}\n${version}\n${manager.subresource}\n${manager.name}`;
}

/** A manager as its entry says, its set brought in line with the present schema when it is read. */
class RecordedManager implements Manager {
  readonly name: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string | undefined;
  readonly entry: ManagedFieldsEntry;
  readonly raw?: JsonObject;
  private readonly schema: TypeSchema;
  private parsed: Fields | undefined;

  constructor(entry: ManagedFieldsEntry, schema: TypeSchema) {
    this.name = entry.manager;
    this.operation = entry.operation;
    this.apiVersion = entry.apiVersion;
    this.subresource = entry.subresource ?? "";
    this.time = entry.time;
    this.entry = entry;
    this.schema = schema;
    const { fieldsV1 } = entry;
    if (isObject(fieldsV1) && isReadAsWritten(fieldsV1, schema)) this.raw = fieldsV1;
  }

  get set(): Fields {
    this.parsed ??= reconcileWithSchema(fieldsOfEntry(this.entry), this.schema);
    return this.parsed;
  }
}

/** Takes managedFields and the present type of their object: what has become atomic since is owned as a whole. */
export function readManagers(entries: readonly ManagedFieldsEntry[] | undefined, schema: TypeSchema): Managers {
  const managers: Managers = new Map();
  for (const entry of entries ?? []) {
    if ((entry.operation !== "Apply" && entry.operation !== "Update") || entry.fieldsType !== "FieldsV1") continue;
    const manager = new RecordedManager(entry, schema);
    managers.set(managerId(manager), manager);
  }
  return managers;
}

/** The same manager owning something else, or at another time. */
export function withSet(manager: Manager, set: Fields, time: string | undefined = manager.time): Manager {
  const { name, operation, apiVersion, subresource, entry } = manager;
  return { name, operation, apiVersion, subresource, time, set, ...(entry === undefined ? {} : { entry }) };
}

/** The same manager and fields, written anew by `to`. */
export function renewed(manager: Manager, to: { readonly apiVersion: string; readonly time: string }): Manager {
  const { name, operation, subresource, raw } = manager;
  return {
    name,
    operation,
    subresource,
    apiVersion: to.apiVersion,
    time: to.time,
    get set() {
      return manager.set;
    },
    ...(raw === undefined ? {} : { raw }),
  };
}

export function isEmptyManager(manager: Manager): boolean {
  if (manager.raw === undefined) return isEmptySet(manager.set);
  for (const _ in manager.raw) return false;
  return true;
}

/** Managers without fields are left out; undefined where none is left. */
export function writeManagers(managers: Managers): ManagedFieldsEntry[] | undefined {
  const entries: ManagedFieldsEntry[] = [];
  for (const manager of managers.values()) if (!isEmptyManager(manager)) entries.push(entryOf(manager));
  if (entries.length === 0) return undefined;
  return entries.length === 1 ? entries : entries.sort(compareEntries);
}

function entryOf(manager: Manager): ManagedFieldsEntry {
  const { entry } = manager;
  const fieldsV1 = writtenFields(manager);
  if (
    entry !== undefined &&
    entry.time === manager.time &&
    entry.apiVersion === manager.apiVersion &&
    entry.fieldsV1 === fieldsV1
  )
    return entry;
  return {
    manager: manager.name,
    operation: manager.operation,
    apiVersion: manager.apiVersion,
    ...(manager.time === undefined ? {} : { time: manager.time }),
    fieldsType: "FieldsV1",
    fieldsV1,
    ...(manager.subresource === "" ? {} : { subresource: manager.subresource }),
  };
}

/** FieldsV1 of the set: the entry's own where it says the same. */
function writtenFields(manager: Manager): JsonObject {
  if (manager.raw !== undefined) return manager.raw;
  const former = manager.entry?.fieldsV1;
  const { set } = manager;
  return isObject(former) && sameFields(fieldsFromV1(former), set) ? former : fieldsToV1(set);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareEntries(a: ManagedFieldsEntry, b: ManagedFieldsEntry): number {
  return (
    compareText(a.operation, b.operation) ||
    (a.time === b.time ? 0 : parseInstant(a.time) - parseInstant(b.time)) ||
    compareText(a.manager, b.manager) ||
    compareText(a.apiVersion, b.apiVersion) ||
    compareText(a.subresource ?? "", b.subresource ?? "")
  );
}

const maxUpdaters = 10;

/** Joins the oldest entries of updates, by version, as `ancient-changes`, until there are ten. */
export function capUpdaters(managers: Managers): void {
  if (managers.size <= maxUpdaters) return;
  const updaters = [...managers].filter(([, manager]) => manager.operation === "Update");
  let count = updaters.length;
  if (count <= maxUpdaters) return;
  updaters.sort(([, a], [, b]) => parseInstant(a.time) - parseInstant(b.time) || compareText(a.name, b.name));
  const firstOf = new Map<string, string>();
  for (const [id, manager] of updaters) {
    if (count <= maxUpdaters) return;
    const first = firstOf.get(manager.apiVersion);
    if (first === undefined) {
      firstOf.set(manager.apiVersion, id);
      continue;
    }
    const bucket: Manager = {
      name: "ancient-changes",
      operation: "Update",
      apiVersion: manager.apiVersion,
      subresource: "",
      time: manager.time,
      set: manager.set,
    };
    const bucketId = managerId(bucket);
    const earlier = managers.get(bucketId) ?? managers.get(first);
    if (!managers.has(bucketId)) managers.delete(first);
    managers.delete(id);
    managers.set(bucketId, earlier === undefined ? bucket : { ...bucket, set: union(manager.set, earlier.set) });
    count--;
  }
}
