// Sets of fields, as server-side apply keeps them for each manager: a trie of path elements, read from and written to
// FieldsV1. Values are immutable once built; operations share what they can. Source: KEP-555 "Server-side apply".
import { isObject } from "#base/json.ts";
import type { Json, JsonObject } from "#base/json.ts";
import type { ManagedFieldsEntry } from "#model/object.ts";
import { keyText } from "./elements.ts";
import type { TypeSchema } from "./schema.ts";
import { anyType } from "./schema.ts";

/**
 * A node of the trie. The root stands for the object. Path elements are as FieldsV1 writes them: `f:spec`,
 * `k:{"name":"web"}`, `v:"a"`, `i:0`.
 */
export interface Fields {
  /** Whether the path that ends here is in the set. */
  readonly own: boolean;
  readonly children?: ReadonlyMap<string, Fields>;
}

/** A node under construction. */
export interface MutableFields {
  own: boolean;
  children?: Map<string, MutableFields>;
}

export const noFields: Fields = { own: false };
const leaf: Fields = { own: true };

export function isEmptySet(set: Fields | undefined): boolean {
  return set === undefined || (!set.own && (set.children === undefined || set.children.size === 0));
}

function node(own: boolean, children: Map<string, Fields> | undefined): Fields {
  if (children === undefined || children.size === 0) return own ? leaf : noFields;
  return { own, children };
}

/** The child of a node under construction, made if it is not there. */
export function childOf(parent: MutableFields, element: string): MutableFields {
  parent.children ??= new Map();
  let child = parent.children.get(element);
  if (child === undefined) {
    child = { own: false };
    parent.children.set(element, child);
  }
  return child;
}

/** All paths of either set. */
export function union(a: Fields, b: Fields): Fields {
  if (a === b || isEmptySet(b)) return a;
  if (isEmptySet(a)) return b;
  if (b.children === undefined) return a.own || !b.own ? a : node(true, a.children as Map<string, Fields>);
  if (a.children === undefined) return b.own || !a.own ? b : node(true, b.children as Map<string, Fields>);
  let children: Map<string, Fields> | undefined;
  for (const [element, right] of b.children) {
    const left = a.children.get(element);
    const both = left === undefined ? right : union(left, right);
    if (both !== left) (children ??= new Map(a.children)).set(element, both);
  }
  if (children === undefined && (a.own || !b.own)) return a;
  return node(a.own || b.own, children ?? (a.children as Map<string, Fields>));
}

/** The paths that are in both sets. */
export function intersection(a: Fields, b: Fields): Fields {
  if (a === b) return a;
  let children: Map<string, Fields> | undefined;
  if (a.children !== undefined && b.children !== undefined)
    for (const [element, left] of a.children) {
      const right = b.children.get(element);
      if (right === undefined) continue;
      const both = intersection(left, right);
      if (!isEmptySet(both)) (children ??= new Map()).set(element, both);
    }
  return node(a.own && b.own, children);
}

/** The paths of the first set that are not in the second, one by one: a parent says nothing of its children. */
export function difference(a: Fields, b: Fields): Fields {
  return subtract(a, b, false);
}

/** Like `difference`, and a path of the second set takes everything below it along. */
export function differenceBelow(a: Fields, b: Fields): Fields {
  return subtract(a, b, true);
}

function subtract(a: Fields, b: Fields, below: boolean): Fields {
  if (a === b) return noFields;
  const own = a.own && !b.own;
  if (a.children === undefined || b.children === undefined)
    return own === a.own ? a : node(own, a.children as Map<string, Fields>);
  const children = new Map<string, Fields>();
  let changed = own !== a.own;
  for (const [element, left] of a.children) {
    const right = b.children.get(element);
    if (right === undefined) children.set(element, left);
    else if (below && right.own) changed = true;
    else {
      const rest = subtract(left, right, below);
      if (rest !== left) changed = true;
      if (!isEmptySet(rest)) children.set(element, rest);
    }
  }
  return changed ? node(own, children) : a;
}

/** Whether both sets hold the same paths. */
export function sameFields(a: Fields, b: Fields): boolean {
  if (a === b) return true;
  if (a.own !== b.own || (a.children?.size ?? 0) !== (b.children?.size ?? 0)) return false;
  if (a.children === undefined || b.children === undefined) return true;
  for (const [element, left] of a.children) {
    const right = b.children.get(element);
    if (right === undefined || !sameFields(left, right)) return false;
  }
  return true;
}

/** Whether every path of the second set is in the first. */
export function contains(a: Fields, b: Fields): boolean {
  if (a === b) return true;
  if (b.own && !a.own) return false;
  for (const [element, right] of b.children ?? []) {
    const left = a.children?.get(element);
    if (left === undefined ? !isEmptySet(right) : !contains(left, right)) return false;
  }
  return true;
}

/**
 * Adds the declared fields of structs that lead to a path of the set: who owns `spec.replicas` owns `spec`, in so far as
 * pruning goes; entries of maps and elements of lists are not added.
 */
export function withNamedFields(set: Fields, schema: TypeSchema): Fields {
  if (set.children === undefined) return set;
  let changed = false;
  const children = new Map<string, Fields>();
  for (const [element, child] of set.children) {
    const type = elementType(schema, element);
    let next = withNamedFields(child, type ?? anyType);
    if (!next.own && next.children !== undefined && isDeclared(schema, element))
      next = { own: true, children: next.children };
    if (next !== child) changed = true;
    children.set(element, next);
  }
  return changed ? { own: set.own, children } : set;
}

function isDeclared(schema: TypeSchema, element: string): boolean {
  return schema.kind === "struct" && element.startsWith("f:") && Object.hasOwn(schema.fields, element.slice(2));
}

/** The type below a path element, or undefined where the type has nothing there. */
export function elementType(schema: TypeSchema, element: string): TypeSchema | undefined {
  if (element.startsWith("f:")) {
    if (schema.kind === "struct") {
      const name = element.slice(2);
      if (Object.hasOwn(schema.fields, name)) return schema.fields[name];
      return schema.preserveUnknown === true ? anyType : undefined;
    }
    return schema.kind === "map"
      ? schema.value
      : schema.kind === "scalar" && schema.type === "any"
        ? anyType
        : undefined;
  }
  return schema.kind === "list" ? schema.items : undefined;
}

/** The set of a managedFields entry, whichever way it holds it. */
export function fieldsOfEntry({ fieldsV1, fieldsText }: ManagedFieldsEntry): Fields {
  return fieldsFromV1(fieldsText === undefined ? fieldsV1 : (JSON.parse(fieldsText) as Json));
}

/** Takes `fieldsV1` of a managedFields entry; returns the set. What cannot be read is left out. */
export function fieldsFromV1(fields: Json | undefined): Fields {
  const set = readNode(fields);
  return set === leaf ? noFields : set;
}

function readNode(value: Json | undefined): Fields {
  if (!isObject(value)) return leaf;
  let own = false;
  let children: Map<string, Fields> | undefined;
  for (const key in value) {
    if (key === ".") own = true;
    else {
      const element = canonicalElement(key);
      if (element !== undefined) (children ??= new Map()).set(element, readNode(value[key]));
    }
  }
  return children === undefined ? leaf : { own, children };
}

/** Other writers may escape JSON text in another way: only then it is read and written anew. */
function canonicalElement(key: string): string | undefined {
  if (key.startsWith("f:") || key.startsWith("i:")) return key;
  if (!key.startsWith("k:") && !key.startsWith("v:")) return undefined;
  if (!key.includes("\\") && !key.includes(" ")) return key;
  try {
    const value: unknown = JSON.parse(key.slice(2));
    if (!isObject(value)) return key.slice(0, 2) + JSON.stringify(value);
    const names = Object.keys(value).sort();
    return `${key.slice(0, 2)}{${names.map((name) => `${JSON.stringify(name)}:${JSON.stringify(value[name])}`).join(",")}}`;
  } catch {
    return undefined;
  }
}

/** Takes a set; returns its FieldsV1, in the order in which the API server writes it. */
export function fieldsToV1(set: Fields): JsonObject {
  const result: Record<string, Json> = {};
  for (const [element, child] of sorted(set.children)) result[element] = writeNode(child);
  return result;
}

function writeNode(set: Fields): JsonObject {
  const result: Record<string, Json> = {};
  if (set.children === undefined || set.children.size === 0) return result;
  if (set.own) result["."] = {};
  for (const [element, child] of sorted(set.children)) result[element] = writeNode(child);
  return result;
}

function sorted(children: ReadonlyMap<string, Fields> | undefined): [string, Fields][] {
  if (children === undefined) return [];
  const entries = [...children];
  return entries.length < 2 ? entries : entries.sort((a, b) => compareElements(a[0], b[0]));
}

const rank: Readonly<Record<string, number>> = { f: 0, k: 1, v: 2, i: 3 };

function compareElements(a: string, b: string): number {
  const first = a[0]!;
  if (first !== b[0]) return (rank[first] ?? 4) - (rank[b[0]!] ?? 4);
  if (first === "f" || !/\d/.test(a)) return a < b ? -1 : a > b ? 1 : 0;
  return compareValues(parsed(a), parsed(b));
}

function parsed(element: string): unknown {
  try {
    return JSON.parse(element.slice(2)) as unknown;
  } catch {
    return element;
  }
}

function compareValues(a: unknown, b: unknown): number {
  if (isObject(a) && isObject(b)) {
    const left = Object.entries(a);
    const right = Object.entries(b);
    for (let i = 0; i < left.length && i < right.length; i++) {
      const [nameA, valueA] = left[i]!;
      const [nameB, valueB] = right[i]!;
      if (nameA !== nameB) return nameA < nameB ? -1 : 1;
      const order = compareValues(valueA, valueB);
      if (order !== 0) return order;
    }
    return left.length - right.length;
  }
  if (typeof a === "number" && typeof b === "number") return a - b;
  const x = String(a);
  const y = String(b);
  return x < y ? -1 : x > y ? 1 : 0;
}

/** The paths of a set as kubectl prints them: `.spec.template.spec.containers[name="web"].image`. */
export function pathsOf(set: Fields): string[] {
  const paths: string[] = [];
  const visit = (current: Fields, prefix: string): void => {
    for (const [element, child] of sorted(current.children)) {
      const path = prefix + elementText(element);
      if (child.own) paths.push(path);
      visit(child, path);
    }
  };
  visit(set, "");
  return paths;
}

function elementText(element: string): string {
  const rest = element.slice(2);
  switch (element[0]) {
    case "f":
      return `.${rest}`;
    case "k":
    case "v":
      return keyText(element);
    default:
      return `[${rest}]`;
  }
}
