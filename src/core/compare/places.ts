// Places in a value, as a tree of JSON pointer steps: what is left out of a comparison, and putting it back from another
// value. A `*` step stands for every key or element. Pure; shares what it does not change.
import { elementKey } from "#core/merge/elements.ts";
import type { Fields } from "#core/merge/fields.ts";
import { elementType } from "#core/merge/fields.ts";
import { anyType } from "#core/merge/schema.ts";
import type { ListSchema, TypeSchema } from "#core/merge/schema.ts";
import type { Steps } from "./paths.ts";

type Entries = Readonly<Record<string, unknown>>;

/** A node: without children it names the whole value that stands there. */
export interface Places {
  readonly children?: ReadonlyMap<string, Places>;
}

const whole: Places = {};

function isEntries(value: unknown): value is Entries {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Takes pointers' steps; returns their tree, or undefined where there are none. A pointer to everything is left out. */
export function placesOf(pointers: Iterable<Steps>): Places | undefined {
  let root: Places | undefined;
  for (const steps of pointers) if (steps.length > 0) root = withPointer(root, steps, 0);
  return root;
}

function withPointer(node: Places | undefined, steps: Steps, from: number): Places {
  const step = steps[from];
  if (step === undefined) return whole;
  if (node !== undefined && node.children === undefined) return node;
  const children = new Map(node?.children);
  children.set(step, withPointer(children.get(step), steps, from + 1));
  return { children };
}

/** All places of both. */
export function joined(a: Places | undefined, b: Places | undefined): Places | undefined {
  if (a === undefined || a === b) return b;
  if (b === undefined || a.children === undefined) return a;
  if (b.children === undefined) return b;
  const children = new Map(a.children);
  for (const [step, child] of b.children) children.set(step, joined(children.get(step), child)!);
  return { children };
}

/** The value without what stands at the places; the value itself where nothing does. Indexes are those of `value`. */
export function withoutPlaces(value: unknown, places: Places | undefined): unknown {
  if (places?.children === undefined) return value;
  if (Array.isArray(value)) return withoutElements(value as readonly unknown[], places.children);
  if (!isEntries(value)) return value;
  let result: Record<string, unknown> | undefined;
  for (const [step, found] of places.children)
    for (const key of step === "*" ? Object.keys(value) : [step]) {
      const before = (result ?? value)[key];
      if (before === undefined) continue;
      if (found.children === undefined) delete (result ??= { ...value })[key];
      else {
        const after = withoutPlaces(before, found);
        if (after !== before) (result ??= { ...value })[key] = after;
      }
    }
  return result ?? value;
}

function withoutElements(list: readonly unknown[], children: ReadonlyMap<string, Places>): readonly unknown[] {
  const every = children.get("*");
  let result: unknown[] | undefined;
  for (const [i, item] of list.entries()) {
    const found = joined(children.get(String(i)), every);
    const after = found === undefined ? item : found.children === undefined ? undefined : withoutPlaces(item, found);
    if (after !== item) result ??= list.slice(0, i);
    if (after !== undefined) result?.push(after);
  }
  return result ?? list;
}

/**
 * Takes a value, another one with the same meaning of places, and the places in that other; returns the value with what
 * stands there taken over. Elements of keyed lists are found by their keys, those of other lists by their index.
 */
export function restored(value: unknown, from: unknown, places: Places, schema: TypeSchema): unknown {
  if (places.children === undefined) return from;
  if (Array.isArray(from))
    return Array.isArray(value)
      ? restoredList(value as readonly unknown[], from as readonly unknown[], places.children, schema)
      : value;
  if (!isEntries(from)) return value;
  if (value !== undefined && value !== null && !isEntries(value)) return value;
  let result: Record<string, unknown> | undefined;
  for (const [step, found] of places.children)
    for (const key of step === "*" ? Object.keys(from) : [step]) {
      const source = from[key];
      if (source === undefined) continue;
      const before = (result ?? value)?.[key];
      const after = restored(before, source, found, typeAt(schema, key));
      if (after !== before) (result ??= { ...value })[key] = after;
    }
  return result ?? value;
}

function typeAt(schema: TypeSchema, key: string): TypeSchema {
  return elementType(schema, `f:${key}`) ?? anyType;
}

function restoredList(
  value: readonly unknown[],
  from: readonly unknown[],
  children: ReadonlyMap<string, Places>,
  schema: TypeSchema,
): readonly unknown[] {
  const list = schema.kind === "list" ? schema : undefined;
  const keyed = list !== undefined && list.listType !== "atomic" ? list : undefined;
  const every = children.get("*");
  let result: unknown[] | undefined;
  for (const [i, source] of from.entries()) {
    const found = joined(children.get(String(i)), every);
    if (found === undefined) continue;
    const now = result ?? value;
    const at = keyed === undefined ? (found.children === undefined ? -1 : i) : indexByKey(now, source, keyed);
    if (at >= 0 && at < now.length) {
      const after = restored(now[at], source, found, list?.items ?? anyType);
      if (after !== now[at]) (result ??= [...value])[at] = after;
    } else if (found.children === undefined) (result ??= [...value]).splice(Math.min(i, now.length), 0, source);
  }
  return result ?? value;
}

function indexByKey(items: readonly unknown[], item: unknown, list: ListSchema): number {
  const key = elementKey(item, list);
  return key === undefined ? -1 : items.findIndex((other) => elementKey(other, list) === key);
}

/**
 * The places of what a set of fields names in a value: each leaf, without the keys that name elements. An element that
 * `other` lacks is named as a whole, where the set has it.
 */
export function placesOfFields(value: unknown, other: unknown, set: Fields, schema: TypeSchema): Places | undefined {
  if (set.children === undefined) return undefined;
  const children = new Map<string, Places>();
  for (const [element, child] of set.children) {
    const found = locate(value, element, schema);
    if (found === undefined) continue;
    const beside = locate(other, element, schema);
    const missing = child.own && !element.startsWith("f:") && beside === undefined;
    const below =
      child.children === undefined || missing
        ? whole
        : placesOfFields(
            found.value,
            beside?.value,
            withoutKeysOf(child, element),
            elementType(schema, element) ?? anyType,
          );
    if (below !== undefined) children.set(found.step, below);
  }
  return children.size === 0 ? undefined : { children };
}

interface Located {
  readonly step: string;
  readonly value: unknown;
}

/** Where a path element leads in a value; undefined: nowhere. */
export function locate(value: unknown, element: string, schema: TypeSchema): Located | undefined {
  const rest = element.slice(2);
  if (element.startsWith("f:")) {
    const found = isEntries(value) && Object.hasOwn(value, rest) ? value[rest] : undefined;
    return found === undefined ? undefined : { step: rest, value: found };
  }
  if (!Array.isArray(value)) return undefined;
  const list = value as readonly unknown[];
  if (element.startsWith("i:"))
    return Number(rest) < list.length ? { step: rest, value: list[Number(rest)] } : undefined;
  if (schema.kind !== "list") return undefined;
  const at = list.findIndex((item) => elementKey(item, schema) === element);
  return at < 0 ? undefined : { step: String(at), value: list[at] };
}

function withoutKeysOf(set: Fields, element: string): Fields {
  if (!element.startsWith("k:") || set.children === undefined) return set;
  const keys = Object.keys(JSON.parse(element.slice(2)) as object).map((key) => `f:${key}`);
  if (!keys.some((key) => set.children?.has(key))) return set;
  const children = new Map(set.children);
  for (const key of keys) children.delete(key);
  return { own: set.own, children };
}
