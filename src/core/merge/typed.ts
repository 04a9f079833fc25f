// The four walks over typed values that server-side apply is made of: which fields a value has, merging one value into
// another, removing fields, and what differs between two values. Pure; what does not change is shared, so that
// "nothing changed" is an identity. Source: KEP-555 "Server-side apply" and its merge rules.
import { isObject, sameJson } from "#base/json.ts";
import { elementKey } from "./elements.ts";
import { childOf, isEmptySet, noFields } from "./fields.ts";
import type { Fields, MutableFields } from "./fields.ts";
import { anyType } from "./schema.ts";
import type { ListSchema, TypeSchema } from "./schema.ts";

type Entries = Readonly<Record<string, unknown>>;

/** How a value is treated: as one leaf, field by field, or element by element. */
type Shape = "leaf" | "fields" | "elements";

function shapeOf(value: unknown, schema: TypeSchema): Shape {
  switch (schema.kind) {
    case "scalar":
      return schema.type === "any" && schema.atomic !== true && isObject(value) ? "fields" : "leaf";
    case "list":
      return schema.listType === "atomic" || !(Array.isArray(value) || value === null || value === undefined)
        ? "leaf"
        : "elements";
    default:
      return schema.atomic === true || !(isObject(value) || value === null || value === undefined) ? "leaf" : "fields";
  }
}

/** The shape of two values together: an absent one takes the form of the other. */
function sharedShape(left: unknown, right: unknown, schema: TypeSchema): Shape | "mixed" {
  if (left === undefined) return shapeOf(right, schema);
  if (right === undefined) return shapeOf(left, schema);
  const a = shapeOf(left, schema);
  const b = shapeOf(right, schema);
  if (a === b) return a;
  // Null goes along with whatever the other is, where the type itself does not say.
  if (schema.kind === "scalar" && (left === null || right === null)) return left === null ? b : a;
  return "mixed";
}

function isBlank(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value !== "object") return false;
  for (const key in value) if ((value as Entries)[key] !== undefined) return false;
  return true;
}

function declaredType(schema: TypeSchema, name: string): TypeSchema | undefined {
  return schema.kind === "struct" && Object.hasOwn(schema.fields, name) ? schema.fields[name] : undefined;
}

function fieldTypeOf(schema: TypeSchema, name: string): TypeSchema {
  return declaredType(schema, name) ?? (schema.kind === "map" ? schema.value : anyType);
}

/** All fields of a value: what a manager owns that applies it. */
export function fieldsOf(value: unknown, schema: TypeSchema): Fields {
  const root: MutableFields = { own: false };
  collect(value, schema, root);
  root.own = false;
  return root;
}

function collect(value: unknown, schema: TypeSchema, into: MutableFields): void {
  const shape = shapeOf(value, schema);
  if (shape === "leaf") {
    into.own = true;
    return;
  }
  if (isBlank(value)) return;
  if (shape === "fields") {
    for (const key in value as Entries) {
      const item = (value as Entries)[key];
      if (item === undefined) continue;
      const declared = declaredType(schema, key);
      const child = childOf(into, `f:${key}`);
      collect(item, declared ?? fieldTypeOf(schema, key), child);
      if (declared === undefined || item === null || (isObject(item) && isBlank(item))) child.own = true;
      if (!child.own && child.children === undefined) into.children!.delete(`f:${key}`);
    }
    return;
  }
  const list = schema as ListSchema;
  const twice = repeated(value as readonly unknown[], list);
  for (const item of value as readonly unknown[]) {
    const key = elementKey(item, list);
    if (key === undefined) continue;
    const child = childOf(into, key);
    child.own = true;
    if (!twice.has(key)) collect(item, list.items, child);
  }
}

const nothing: ReadonlySet<string> = new Set();

function repeated(list: readonly unknown[], schema: ListSchema): ReadonlySet<string> {
  if (list.length < 2) return nothing;
  const seen = new Set<string>();
  let twice: Set<string> | undefined;
  for (const item of list) {
    const key = elementKey(item, schema);
    if (key === undefined) continue;
    if (seen.has(key)) (twice ??= new Set()).add(key);
    else seen.add(key);
  }
  return twice ?? nothing;
}

/** Merges the applied value into the live one. Returns the live value itself where nothing changes. */
export function mergeTyped(live: unknown, applied: unknown, schema: TypeSchema): unknown {
  if (applied === undefined || applied === live) return live;
  if (live === undefined) return applied;
  const shape = sharedShape(live, applied, schema);
  if (shape === "leaf" || shape === "mixed") return sameJson(live, applied) ? live : applied;
  if (isBlank(applied)) return isBlank(live) ? (sameJson(live, applied) ? live : applied) : live;
  if (isBlank(live)) return applied;
  return shape === "fields"
    ? mergeFields(live as Entries, applied as Entries, schema)
    : mergeElements(live as readonly unknown[], applied as readonly unknown[], schema as ListSchema);
}

function mergeFields(live: Entries, applied: Entries, schema: TypeSchema): Entries {
  let result: Record<string, unknown> | undefined;
  for (const key in applied) {
    const value = applied[key];
    if (value === undefined) continue;
    const before = live[key];
    const merged = mergeTyped(before, value, fieldTypeOf(schema, key));
    if (merged !== before) (result ??= { ...live })[key] = merged;
  }
  return result ?? live;
}

/**
 * Elements of both lists: those that are applied come in the applied order, the others stay where they were among them.
 */
function mergeElements(live: readonly unknown[], applied: readonly unknown[], schema: ListSchema): readonly unknown[] {
  const liveKeys = live.map((item) => elementKey(item, schema) ?? "");
  const appliedKeys = applied.map((item) => elementKey(item, schema) ?? "");
  const liveAt = new Map<string, unknown>();
  for (const [i, key] of liveKeys.entries()) liveAt.set(key, liveAt.has(key) ? undefined : live[i]);
  const wanted = new Set(appliedKeys);
  const shared = appliedKeys.filter((key) => liveAt.has(key));
  const done = new Set<string>();
  const result: unknown[] = [];
  let nextShared = 0;
  let l = 0;
  let a = 0;
  const take = (): void => {
    const key = appliedKeys[a]!;
    done.add(key);
    result.push(mergeTyped(liveAt.get(key), applied[a], schema.items));
    if (shared[nextShared] === key) nextShared++;
    a++;
  };
  while (l < live.length || a < applied.length) {
    if (l < live.length && a < applied.length) {
      const key = liveKeys[l]!;
      if (key === appliedKeys[a]) {
        take();
        l++;
        continue;
      }
      if (wanted.has(key) && shared[nextShared] !== undefined && shared[nextShared] !== key) {
        l++;
        continue;
      }
    }
    if (l < live.length) {
      const key = liveKeys[l]!;
      if (!wanted.has(key)) {
        result.push(live[l++]);
        continue;
      }
      if (done.has(key)) l++;
    }
    if (a < applied.length) take();
  }
  return result.length === live.length && result.every((item, i) => item === live[i]) ? live : result;
}

/**
 * Removes the fields of the set. Returns the value itself where nothing is removed, and null where nothing is left: the
 * field is still there, empty.
 */
export function removeFields(value: unknown, remove: Fields, schema: TypeSchema): unknown {
  if (isEmptySet(remove)) return value;
  const shape = shapeOf(value, schema);
  if (shape === "leaf" || isBlank(value)) return value;
  if (shape === "elements") return removeElements(value as readonly unknown[], remove, schema as ListSchema);
  let result: Record<string, unknown> | undefined;
  for (const [element, found] of remove.children ?? []) {
    const key = element.slice(2);
    const before = element.startsWith("f:") ? (value as Entries)[key] : undefined;
    if (before === undefined) continue;
    const kept = found.own ? undefined : removeFields(before, found, fieldTypeOf(schema, key));
    if (kept === before) continue;
    result ??= { ...(value as Entries) };
    if (kept === undefined) delete result[key];
    else result[key] = kept;
  }
  return result === undefined ? value : isBlank(result) ? null : result;
}

function removeElements(list: readonly unknown[], remove: Fields, schema: ListSchema): unknown {
  const result: unknown[] = [];
  let changed = false;
  for (const item of list) {
    const found = remove.children?.get(elementKey(item, schema) ?? "");
    const kept = found === undefined ? item : found.own ? undefined : removeFields(item, found, schema.items);
    if (kept !== item) changed = true;
    if (kept !== undefined) result.push(kept);
  }
  return !changed ? list : result.length > 0 ? result : null;
}

/**
 * The value without fields that are null, as a built-in kind is stored. In a map of texts null is the empty text, where
 * the type is told.
 */
export function withoutNulls(value: unknown, schema?: TypeSchema): unknown {
  if (Array.isArray(value)) {
    const items = schema?.kind === "list" ? schema.items : undefined;
    let list: unknown[] | undefined;
    for (const [i, item] of value.entries()) {
      const next = withoutNulls(item, items);
      if (next !== item) (list ??= [...(value as unknown[])])[i] = next;
    }
    return list ?? value;
  }
  if (!isObject(value)) return value;
  let result: Record<string, unknown> | undefined;
  for (const key in value) {
    const item = value[key];
    if (item === null) {
      if (isTextMap(schema)) (result ??= { ...value })[key] = "";
      else delete (result ??= { ...value })[key];
      continue;
    }
    if (typeof item !== "object") continue;
    const next = withoutNulls(item, schema === undefined ? undefined : fieldTypeOf(schema, key));
    if (next !== item) (result ??= { ...value })[key] = next;
  }
  return result ?? value;
}

function isTextMap(schema: TypeSchema | undefined): boolean {
  if (schema?.kind !== "map" || schema.value.kind !== "scalar") return false;
  return schema.value.type === "string" && schema.value.format === undefined;
}

/** What differs between two values, as sets of fields below one node. */
export interface Changes {
  readonly removed: Fields;
  readonly modified: Fields;
  readonly added: Fields;
}

type Change = keyof Changes;

/** A place in both values; its nodes in the three sets are made when something is marked there. */
interface Place {
  readonly parent: Place | undefined;
  readonly element: string;
  removed: MutableFields | undefined;
  modified: MutableFields | undefined;
  added: MutableFields | undefined;
}

/** Compares two values by type. Costs as much as what differs: what is shared is not walked. */
export function changesBetween(before: unknown, after: unknown, schema: TypeSchema): Changes {
  const root = below(undefined, "");
  compareTyped(before, after, schema, root);
  for (const set of [root.removed, root.modified, root.added]) if (set !== undefined) set.own = false;
  return {
    removed: root.removed ?? noFields,
    modified: root.modified ?? noFields,
    added: root.added ?? noFields,
  };
}

function below(parent: Place | undefined, element: string): Place {
  return { parent, element, removed: undefined, modified: undefined, added: undefined };
}

function mark(place: Place, change: Change): void {
  nodeAt(place, change).own = true;
}

function nodeAt(place: Place, change: Change): MutableFields {
  const made = place[change];
  if (made !== undefined) return made;
  const node: MutableFields =
    place.parent === undefined ? { own: false } : childOf(nodeAt(place.parent, change), place.element);
  place[change] = node;
  return node;
}

function compareTyped(before: unknown, after: unknown, schema: TypeSchema, at: Place): void {
  if (before === after) return;
  const shape = sharedShape(before, after, schema);
  if (shape === "mixed") {
    compareChildren(before, undefined, schema, at);
    compareChildren(undefined, after, schema, at);
  }
  if (shape === "leaf" || shape === "mixed" || (isBlank(before) && isBlank(after))) {
    if (before === undefined) mark(at, "added");
    else if (after === undefined) mark(at, "removed");
    else if (!sameJson(before, after)) mark(at, "modified");
    return;
  }
  compareChildren(before, after, schema, at);
  if (before === undefined) mark(at, "added");
  else if (after === undefined) mark(at, "removed");
}

function compareChildren(before: unknown, after: unknown, schema: TypeSchema, at: Place): void {
  const value = isBlank(before) ? after : before;
  const shape = shapeOf(value, schema);
  if (shape === "fields") {
    const left = (isObject(before) ? before : {}) as Entries;
    const right = (isObject(after) ? after : {}) as Entries;
    const present = before !== undefined;
    for (const key in left)
      if (left[key] !== undefined && left[key] !== right[key])
        compareTyped(
          left[key],
          zeroOr(right[key], schema, key, after !== undefined),
          fieldTypeOf(schema, key),
          below(at, `f:${key}`),
        );
    for (const key in right)
      if (right[key] !== undefined && left[key] === undefined)
        compareTyped(
          zeroOr(undefined, schema, key, present),
          right[key],
          fieldTypeOf(schema, key),
          below(at, `f:${key}`),
        );
  } else if (shape === "elements") {
    const left = Array.isArray(before) ? (before as readonly unknown[]) : [];
    const right = Array.isArray(after) ? (after as readonly unknown[]) : [];
    compareElements(left, right, schema as ListSchema, at);
  }
}

const emptyStruct: Entries = {};

/**
 * Built-in kinds have structs that are never absent, and required lists that are null instead: a parent that is there
 * has them, written or not.
 */
function zeroOr(value: unknown, schema: TypeSchema, key: string, parentPresent: boolean): unknown {
  if (value !== undefined || !parentPresent || schema.kind !== "struct") return value;
  const type = declaredType(schema, key);
  if (type === undefined || type.omitEmpty !== true) return undefined;
  if (type.kind === "struct") return emptyStruct;
  if ((type.kind === "list" || type.kind === "map") && schema.required?.includes(key) === true) return null;
  return undefined;
}

function compareElements(left: readonly unknown[], right: readonly unknown[], schema: ListSchema, at: Place): void {
  const before = grouped(left, schema);
  const after = grouped(right, schema);
  for (const [key, l] of before) {
    const r = after.get(key);
    if (l.length !== 1 || r?.length !== 1 || l[0] !== r[0]) compareGroups(l, r ?? none, schema, below(at, key));
  }
  for (const [key, r] of after) if (!before.has(key)) compareGroups(none, r, schema, below(at, key));
}

const none: readonly unknown[] = [];

/** Elements by what names them; those that nothing names are left out. */
function grouped(list: readonly unknown[], schema: ListSchema): Map<string, unknown[]> {
  const groups = new Map<string, unknown[]>();
  for (const item of list) {
    const key = elementKey(item, schema);
    if (key === undefined) continue;
    const same = groups.get(key);
    if (same === undefined) groups.set(key, [item]);
    else same.push(item);
  }
  return groups;
}

function compareGroups(l: readonly unknown[], r: readonly unknown[], schema: ListSchema, at: Place): void {
  if (l.length <= 1 && r.length <= 1) compareTyped(l[0], r[0], schema.items, at);
  else if (l.length > 1 && r.length > 1) {
    if (!sameJson(l, r)) mark(at, "modified");
  } else if (l.length > 1) {
    if (r.length > 0) compareTyped(undefined, r[0], schema.items, at);
    mark(at, "removed");
  } else {
    if (l.length > 0) compareTyped(l[0], undefined, schema.items, at);
    mark(at, "added");
  }
}
