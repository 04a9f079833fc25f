// managedFields of an object, read into sets and written back as the API server does: one entry for each manager,
// operation, version and subresource, in a stable order. Source: Kubernetes' "Server-Side Apply", "Field management".
import { parseInstant } from "./instant.ts";
import { fieldsFromV1, fieldsToV1, isEmptySet, sameFields, union } from "./fields.ts";
import type { Fields } from "./fields.ts";
import type { ManagedFieldsEntry } from "#model/object.ts";

export interface Manager {
  readonly name: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string | undefined;
  readonly set: Fields;
  /** The entry that this was read from: written back as it was, where nothing changed. */
  readonly entry?: ManagedFieldsEntry;
}

/** Manager id → manager. */
export type Managers = Map<string, Manager>;

/** What makes two entries one: appliers are the same whatever version they apply. */
export function managerId(manager: Pick<Manager, "name" | "operation" | "apiVersion" | "subresource">): string {
  const version = manager.operation === "Apply" ? "" : manager.apiVersion;
  return JSON.stringify([manager.name, manager.operation, version, manager.subresource]);
}

export function readManagers(entries: readonly ManagedFieldsEntry[] | undefined): Managers {
  const managers: Managers = new Map();
  for (const entry of entries ?? []) {
    if ((entry.operation !== "Apply" && entry.operation !== "Update") || entry.fieldsType !== "FieldsV1") continue;
    const manager: Manager = {
      name: entry.manager,
      operation: entry.operation,
      apiVersion: entry.apiVersion,
      subresource: entry.subresource ?? "",
      time: entry.time,
      set: fieldsFromV1(entry.fieldsV1),
      entry,
    };
    managers.set(managerId(manager), manager);
  }
  return managers;
}

/** Managers without fields are left out; undefined where none is left. */
export function writeManagers(managers: Managers): ManagedFieldsEntry[] | undefined {
  const entries: ManagedFieldsEntry[] = [];
  for (const manager of managers.values()) if (!isEmptySet(manager.set)) entries.push(entryOf(manager));
  return entries.length === 0 ? undefined : entries.sort(compareEntries);
}

function entryOf(manager: Manager): ManagedFieldsEntry {
  const { entry } = manager;
  if (
    entry !== undefined &&
    entry.time === manager.time &&
    entry.apiVersion === manager.apiVersion &&
    entry.fieldsV1 !== undefined
  ) {
    if (sameFields(fieldsFromV1(entry.fieldsV1), manager.set)) return entry;
  }
  return {
    manager: manager.name,
    operation: manager.operation,
    apiVersion: manager.apiVersion,
    ...(manager.time === undefined ? {} : { time: manager.time }),
    fieldsType: "FieldsV1",
    fieldsV1: fieldsToV1(manager.set),
    ...(manager.subresource === "" ? {} : { subresource: manager.subresource }),
  };
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareEntries(a: ManagedFieldsEntry, b: ManagedFieldsEntry): number {
  return (
    compareText(a.operation, b.operation) ||
    parseInstant(a.time) - parseInstant(b.time) ||
    compareText(a.manager, b.manager) ||
    compareText(a.apiVersion, b.apiVersion) ||
    compareText(a.subresource ?? "", b.subresource ?? "")
  );
}

const maxUpdaters = 10;

/** Joins the oldest entries of updates, by version, as `ancient-changes`, until there are ten. */
export function capUpdaters(managers: Managers): void {
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
