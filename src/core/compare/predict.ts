// The live object as an apply of the desired one would leave it: three-way by what was applied last, merging objects,
// and lists by key where the type says so, as kubectl apply does; what the API server fills in, rounds or reorders by
// itself is left as it is. Returns the live value itself, shared, wherever nothing would change: that is what makes a
// comparison cheap. Source: "Declarative Management of Kubernetes Objects", how apply calculates changes.
import { isAbsent, sameValue } from "#core/merge/equal.ts";
import { anyType } from "#core/merge/schema.ts";
import type { ListSchema, TypeSchema } from "#core/merge/schema.ts";
import { withoutNulls } from "#core/merge/typed.ts";

type Entries = Readonly<Record<string, unknown>>;

/**
 * `merge`: what is live and not desired stays, unless it was applied before. `replace`: it goes, unless the API server
 * put it there. `retain`: it goes where anything else changed (a union's other members).
 */
type Mode = "merge" | "replace" | "retain";

function isEntries(value: unknown): value is Entries {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The type of a field; undefined where the type has no such field and keeps none that it does not know. */
function knownType(schema: TypeSchema, key: string): TypeSchema | undefined {
  switch (schema.kind) {
    case "struct":
      if (Object.hasOwn(schema.fields, key)) return schema.fields[key];
      return schema.preserveUnknown === true ? anyType : undefined;
    case "map":
      return schema.value;
    default:
      return anyType;
  }
}

/**
 * Takes what was applied last (undefined: nothing known), what is desired, what is live and their type; returns what
 * would be live after an apply.
 */
export function predict(original: unknown, desired: unknown, live: unknown, schema: TypeSchema): unknown {
  return merged(original, desired, live, { schema, mode: "merge", name: "" });
}

interface At {
  readonly schema: TypeSchema;
  readonly mode: Mode;
  /** The field's name, for the few whose order means something. */
  readonly name: string;
}

function merged(original: unknown, desired: unknown, live: unknown, at: At): unknown {
  if (desired === live) return live;
  if (isAbsent(live, at.schema))
    return isAbsent(desired, at.schema) || isDefault(desired, at.schema) ? live : withoutNulls(desired);
  if (isEntries(desired)) {
    if (!isEntries(live)) return withoutNulls(desired);
    return mergedObject(isEntries(original) ? original : undefined, desired, live, at);
  }
  if (Array.isArray(desired)) {
    if (!Array.isArray(live)) return withoutNulls(desired);
    const before = Array.isArray(original) ? (original as readonly unknown[]) : undefined;
    return mergedList(before, desired as readonly unknown[], live as readonly unknown[], at);
  }
  return sameValue(desired, live, at.schema) ? live : desired;
}

function modeOf(type: TypeSchema, mode: Mode): Mode {
  if (mode === "replace") return mode;
  if (type.kind !== "struct" && type.kind !== "map") return "merge";
  const strategy = type.patchStrategy;
  return strategy === undefined
    ? "merge"
    : strategy.includes("retainKeys")
      ? "retain"
      : strategy === "replace"
        ? "replace"
        : "merge";
}

function mergedObject(original: Entries | undefined, desired: Entries, live: Entries, at: At): Entries {
  const { schema, mode } = at;
  let result: Record<string, unknown> | undefined;
  for (const key in desired) {
    const wanted = desired[key];
    const before = live[key];
    if (wanted === before || wanted === null || wanted === undefined) continue;
    const type = knownType(schema, key);
    // A field that the API server does not know is not stored: it cannot differ.
    if (type === undefined) continue;
    if (isAbsent(wanted, type)) {
      // A zero value that is not stored: as if the field were left out, except that another value is not left alone.
      if (isFilledIn(before, type)) continue;
      if (typeof wanted !== "object") {
        delete (result ??= { ...live })[key];
        continue;
      }
    }
    const next = merged(original?.[key], wanted, before, { schema: type, mode: modeOf(type, mode), name: key });
    if (next !== before) (result ??= { ...live })[key] = next;
  }
  const source = mode === "merge" ? original : live;
  if (source === undefined) return result ?? live;
  const changed = result !== undefined;
  for (const key in source) {
    if (isSet(desired[key]) || !isSet(source[key])) continue;
    const before = live[key];
    const type = knownType(schema, key);
    if (type === undefined || isAbsent(before, type)) continue;
    if (mode === "retain" ? !changed && isFilledIn(before, type) : isFilledIn(before, type)) continue;
    result ??= { ...live };
    delete result[key];
  }
  return result ?? live;
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** Whether a value is what the API server takes for granted where the field is left out. */
function isDefault(value: unknown, type: TypeSchema): boolean {
  return type.serverDefault !== undefined && matchesDefault(value, type.serverDefault, type);
}

/** Whether a value that nobody asked for is what the API server puts there by itself. */
export function isFilledIn(value: unknown, type: TypeSchema): boolean {
  if (type.assigned === true || isAbsent(value, type) || isDefault(value, type)) return true;
  if (type.default !== undefined && matchesDefault(value, type.default, type)) return true;
  if (type.kind === "struct" && type.omitEmpty === true && isEntries(value)) return matchesDefault(value, {}, type);
  return false;
}

/** A default of an object is filled in turn with the defaults of its fields. */
function matchesDefault(value: unknown, fallback: unknown, type: TypeSchema): boolean {
  if (!isEntries(value) || !isEntries(fallback)) return sameValue(value, fallback, type);
  for (const key in fallback) if (!isSet(value[key]) && !isAbsent(fallback[key], knownType(type, key))) return false;
  for (const key in value) {
    const field = knownType(type, key) ?? anyType;
    const wanted = fallback[key];
    if (isSet(wanted) ? !matchesDefault(value[key], wanted, field) : !isFilledIn(value[key], field)) return false;
  }
  return true;
}

function mergedList(
  original: readonly unknown[] | undefined,
  desired: readonly unknown[],
  live: readonly unknown[],
  at: At,
): readonly unknown[] {
  const list = at.schema.kind === "list" ? at.schema : undefined;
  if (list === undefined) return replacedList(desired, live, anyType);
  const merges = at.mode !== "replace" && list.patchStrategy?.includes("merge") === true;
  const keys =
    list.listType === "map" ? list.keys : list.patchMergeKey === undefined ? undefined : [list.patchMergeKey];
  if (
    keys !== undefined &&
    (merges || list.listType === "map") &&
    hasKeys(desired, keys, list) &&
    hasKeys(live, keys, list)
  ) {
    const retain = merges && list.patchStrategy?.includes("retainKeys") === true;
    const mode: Mode = merges ? (retain ? "retain" : "merge") : "replace";
    return keyedList(merges ? original : live, desired, live, {
      list,
      keys,
      mode,
      ordered: at.name === "initContainers",
    });
  }
  if (merges || list.listType === "set") return setList(merges ? original : live, desired, live, list.items);
  return replacedList(desired, live, list.items);
}

function hasKeys(items: readonly unknown[], keys: readonly string[], list: ListSchema): boolean {
  for (const item of items) {
    if (!isEntries(item)) return false;
    let any = false;
    for (const key of keys) if (keyValue(item, key, list) !== undefined) any = true;
    if (!any) return false;
  }
  return true;
}

function keyValue(item: Entries, key: string, list: ListSchema): unknown {
  const value = item[key];
  if (value !== undefined && value !== null) return value;
  const items = list.items;
  return items.kind === "struct" ? (items.fields[key]?.default ?? items.fields[key]?.serverDefault) : undefined;
}

function sameKeys(a: unknown, b: unknown, keys: readonly string[], list: ListSchema): boolean {
  if (!isEntries(a) || !isEntries(b)) return false;
  for (const key of keys) if (keyValue(a, key, list) !== keyValue(b, key, list)) return false;
  return true;
}

/** The index of the element with the keys of `item`, looked for from `start` on and round the end; -1 if there is none. */
function indexOf(
  items: readonly unknown[],
  item: unknown,
  start: number,
  by: { readonly keys: readonly string[]; readonly list: ListSchema },
): number {
  for (let i = start; i < items.length; i++) if (sameKeys(items[i], item, by.keys, by.list)) return i;
  for (let i = 0; i < start && i < items.length; i++) if (sameKeys(items[i], item, by.keys, by.list)) return i;
  return -1;
}

interface Keyed {
  readonly list: ListSchema;
  readonly keys: readonly string[];
  readonly mode: Mode;
  readonly ordered: boolean;
}

/** `original`: elements that go when they are not desired. */
function keyedList(
  original: readonly unknown[] | undefined,
  desired: readonly unknown[],
  live: readonly unknown[],
  by: Keyed,
): readonly unknown[] {
  const replaced: (readonly [number, unknown])[] = [];
  const added: unknown[] = [];
  let previous = -1;
  let moved = false;
  let start = 0;
  let lastApplied = 0;
  for (const item of desired) {
    const at = indexOf(live, item, start, by);
    if (at < 0) {
      added.push(withoutNulls(item));
      continue;
    }
    if (at < previous) moved = true;
    previous = at;
    start = at + 1;
    let before: unknown;
    if (original !== undefined && original !== live) {
      const found = indexOf(original, item, lastApplied, by);
      if (found >= 0) {
        before = original[found];
        lastApplied = found + 1;
      }
    }
    const next = merged(before, item, live[at], { schema: by.list.items, mode: by.mode, name: "" });
    if (next !== live[at]) replaced.push([at, next]);
  }
  const gone = original === undefined ? undefined : elementsGone(original, desired, live, by);
  if (replaced.length === 0 && added.length === 0 && gone === undefined && !(moved && by.ordered)) return live;
  let result: unknown[] = [...live];
  for (const [at, item] of replaced) result[at] = item;
  if (gone !== undefined) result = result.filter((_, i) => !gone.has(i));
  result.push(...added);
  return by.ordered ? inOrderOf(result, desired, by) : result;
}

function elementsGone(
  original: readonly unknown[],
  desired: readonly unknown[],
  live: readonly unknown[],
  by: Keyed,
): ReadonlySet<number> | undefined {
  let gone: Set<number> | undefined;
  let start = 0;
  for (const item of original) {
    const kept = indexOf(desired, item, start, by);
    if (kept >= 0) {
      start = kept + 1;
      continue;
    }
    const at = indexOf(live, item, 0, by);
    if (at >= 0) (gone ??= new Set()).add(at);
  }
  return gone;
}

/** The desired elements in the desired order, each other one behind the element that it follows now. */
function inOrderOf(items: readonly unknown[], desired: readonly unknown[], by: Keyed): readonly unknown[] {
  const wanted = desired.map((item) => items[indexOf(items, item, 0, by)]);
  const slots = items.map((item) => indexOf(desired, item, 0, by) >= 0);
  let next = 0;
  return items.map((item, i) => (slots[i] === true ? wanted[next++] : item));
}

function setList(
  original: readonly unknown[] | undefined,
  desired: readonly unknown[],
  live: readonly unknown[],
  items: TypeSchema,
): readonly unknown[] {
  const has = (list: readonly unknown[], value: unknown): boolean =>
    list.includes(value) || list.some((other) => sameValue(other, value, items));
  const added = desired.filter((item) => isSet(item) && !has(live, item));
  const gone = (original ?? []).filter((item) => !has(desired, item));
  const kept = gone.length === 0 ? live : live.filter((item) => !has(gone, item));
  return added.length === 0 && kept.length === live.length ? live : [...kept, ...added];
}

function replacedList(desired: readonly unknown[], live: readonly unknown[], items: TypeSchema): readonly unknown[] {
  if (desired.length !== live.length) return withoutNulls(desired) as readonly unknown[];
  let result: unknown[] | undefined;
  for (const [i, before] of live.entries()) {
    const next = merged(undefined, desired[i], before, { schema: items, mode: "replace", name: "" });
    if (next !== before) (result ??= [...live])[i] = next;
  }
  return result ?? live;
}
