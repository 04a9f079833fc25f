// Whether a server-side apply would plainly leave an object as it is: all that is applied stands there with the same
// meaning, and all that the manager owns is applied again. The quick way for the most frequent answer: a yes is what
// the structured merge would say, a no says nothing. Pure.
import { isObject } from "#base/json.ts";
import type { JsonObject } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";
import { isAbsent, sameValue } from "#core/merge/equal.ts";
import { elementType } from "#core/merge/fields.ts";
import { anyType } from "#core/merge/schema.ts";
import type { ListSchema, TypeSchema } from "#core/merge/schema.ts";
import { isFilledIn } from "./predict.ts";

type Entries = Readonly<Record<string, unknown>>;

/** Takes what is applied (normalised), what is live, their type, and who applies. */
export function isPlainlyUnchanged(
  applied: KubernetesObject,
  live: KubernetesObject,
  type: TypeSchema,
  manager: string,
): boolean {
  const entries = live.metadata.managedFields ?? [];
  const own = entries.filter((entry) => entry.manager === manager && entry.operation === "Apply" && !entry.subresource);
  if (own.length !== 1) return false;
  if (!stands(applied, live, type, "")) return false;
  const { fieldsText, fieldsV1 } = own[0]!;
  const owned = fieldsText === undefined ? fieldsV1 : (JSON.parse(fieldsText) as JsonObject);
  return owned !== undefined && covers(applied, owned, type);
}

function isEntries(value: unknown): value is Entries {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether an applied value stands in the live one: what is live beside it does not matter, unless the type is atomic. */
function stands(applied: unknown, live: unknown, type: TypeSchema, name: string): boolean {
  if (applied === live && typeof applied !== "object") return true;
  switch (type.kind) {
    case "scalar":
      return type.type === "any" && type.atomic !== true && isEntries(applied)
        ? isEntries(live) && fieldsStand(applied, live, type)
        : sameValue(applied, live, type);
    case "list":
      if (!Array.isArray(applied) || !Array.isArray(live)) return false;
      return type.listType === "atomic"
        ? sameWhole(applied, live, type)
        : elementsStand(applied as readonly unknown[], live as readonly unknown[], type, name);
    default:
      if (!isEntries(applied) || !isEntries(live)) return false;
      return type.atomic === true ? sameWhole(applied, live, type) : fieldsStand(applied, live, type);
  }
}

function fieldType(type: TypeSchema, key: string): TypeSchema | undefined {
  if (type.kind === "map") return type.value;
  if (type.kind !== "struct") return anyType;
  const known = type.fields[key];
  return known !== undefined && Object.hasOwn(type.fields, key)
    ? known
    : type.preserveUnknown === true
      ? anyType
      : undefined;
}

function fieldsStand(applied: Entries, live: Entries, type: TypeSchema): boolean {
  for (const key in applied) {
    const value = applied[key];
    if (value === undefined) continue;
    const field = fieldType(type, key);
    // The API server refuses fields that it does not know: the long way says so.
    if (field === undefined) return false;
    const there = live[key];
    if (there === undefined ? !isAbsent(value, field) : !stands(value, there, field, key)) return false;
  }
  return true;
}

function elementsStand(applied: readonly unknown[], live: readonly unknown[], type: ListSchema, name: string): boolean {
  if (type.listType === "set") {
    const distinct = new Set(applied);
    return distinct.size === applied.length && applied.every((item) => typeof item !== "object" && live.includes(item));
  }
  const keys = type.keys ?? [];
  let last = -1;
  let moved = false;
  for (const item of applied) {
    if (!isEntries(item)) return false;
    const at = indexOf(live, item, last + 1, keys, type);
    if (at < 0) return false;
    if (at <= last) moved = true;
    last = at;
    if (!fieldsStand(item, live[at] as Entries, type.items)) return false;
  }
  // Two of the same would be refused; the order of init containers counts.
  return !moved || (name !== "initContainers" && areDistinct(applied as readonly Entries[], keys, type));
}

function keyOf(item: Entries, key: string, type: ListSchema): unknown {
  return item[key] ?? (type.items.kind === "struct" ? type.items.fields[key]?.default : undefined);
}

function sameKeys(a: Entries, b: Entries, keys: readonly string[], type: ListSchema): boolean {
  for (const key of keys) {
    const value = keyOf(a, key, type);
    if (value === undefined || value !== keyOf(b, key, type)) return false;
  }
  return keys.length > 0;
}

function indexOf(
  live: readonly unknown[],
  item: Entries,
  from: number,
  keys: readonly string[],
  type: ListSchema,
): number {
  for (let n = 0; n < live.length; n++) {
    const at = (from + n) % live.length;
    const other = live[at];
    if (isEntries(other) && sameKeys(item, other, keys, type)) return at;
  }
  return -1;
}

function areDistinct(items: readonly Entries[], keys: readonly string[], type: ListSchema): boolean {
  return items.every((item, i) => !items.slice(i + 1).some((other) => sameKeys(item, other, keys, type)));
}

/** Of what is replaced as a whole: nothing else may be live, but what the API server fills in. */
function sameWhole(applied: unknown, live: unknown, type: TypeSchema): boolean {
  if (applied === live) return true;
  if (Array.isArray(applied)) {
    if (!Array.isArray(live) || applied.length !== live.length) return false;
    const items = type.kind === "list" ? type.items : anyType;
    return applied.every((item, i) => sameWhole(item, live[i], items));
  }
  if (!isEntries(applied) || !isEntries(live)) return sameValue(applied, live, type);
  for (const key in applied) {
    const value = applied[key];
    const field = fieldType(type, key);
    if (field === undefined) return false;
    const there = live[key];
    if (there === undefined ? !isAbsent(value, field) : !sameWhole(value, there, field)) return false;
  }
  for (const key in live)
    if (applied[key] === undefined && !isFilledIn(live[key], fieldType(type, key) ?? anyType)) return false;
  return true;
}

/** Whether every path that is owned is applied. */
function covers(applied: unknown, owned: JsonObject, type: TypeSchema): boolean {
  for (const element in owned) {
    if (element === ".") continue;
    const child = owned[element];
    const value = valueUnder(applied, element, type);
    if (value === undefined || value === null || !isObject(child)) return false;
    if (!covers(value, child, elementType(type, element) ?? anyType)) return false;
  }
  return true;
}

function valueUnder(applied: unknown, element: string, type: TypeSchema): unknown {
  const rest = element.slice(2);
  if (element.startsWith("f:")) return isEntries(applied) ? applied[rest] : undefined;
  if (!Array.isArray(applied) || type.kind !== "list") return undefined;
  const list = applied as readonly unknown[];
  const wanted: unknown = JSON.parse(rest);
  if (!isEntries(wanted)) return list.find((item) => item === wanted);
  const keys = Object.keys(wanted);
  return list.find((item) => isEntries(item) && keys.every((key) => keyOf(item, key, type) === wanted[key]));
}
