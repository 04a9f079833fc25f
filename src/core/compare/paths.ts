// JSON pointers (RFC 6901), and what differs between two objects, told in pointers. Pure.
import { isAbsent, sameValue } from "#core/merge/equal.ts";
import { anyType } from "#core/merge/schema.ts";
import type { TypeSchema } from "#core/merge/schema.ts";
import { elementKey } from "#core/merge/elements.ts";
import { isFilledIn } from "./predict.ts";

type Entries = Readonly<Record<string, unknown>>;
/** A pointer's steps, unescaped. */
export type Steps = readonly string[];

function isEntries(value: unknown): value is Entries {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `/metadata/annotations/a~1b` → its steps. A pointer without leading slash is taken as if it had one. */
export function parsePointer(pointer: string): Steps {
  const text = pointer.startsWith("/") ? pointer.slice(1) : pointer;
  return text === "" ? [] : text.split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

export function formatPointer(steps: Steps): string {
  return steps.map((step) => `/${step.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/**
 * Takes the live and the predicted object; returns pointers to what differs, in the predicted object where it is there,
 * else in the live one. `filledIn: ignore` leaves out what only the live object has and the API server put there.
 */
export function differences(
  live: unknown,
  predicted: unknown,
  schema: TypeSchema,
  filledIn: "ignore" | "report",
): string[] {
  const found: string[] = [];
  const steps: string[] = [];
  const visit = (before: unknown, after: unknown, type: TypeSchema): void => {
    if (before === after) return;
    if (filledIn === "ignore" && isAbsent(after, type) && isFilledIn(before, type)) return;
    if (isEntries(before) && isEntries(after)) visitObject(before, after, type);
    else if (Array.isArray(before) && Array.isArray(after)) visitList(before, after, type);
    else if (!sameValue(before, after, type)) found.push(formatPointer(steps));
  };
  const step = (name: string, before: unknown, after: unknown, type: TypeSchema): void => {
    steps.push(name);
    visit(before, after, type);
    steps.pop();
  };
  const visitObject = (before: Entries, after: Entries, type: TypeSchema): void => {
    for (const key in after) if (before[key] !== after[key]) step(key, before[key], after[key], typeAt(type, key));
    for (const key in before)
      if (after[key] === undefined && before[key] !== undefined) step(key, before[key], undefined, typeAt(type, key));
  };
  const visitList = (before: readonly unknown[], after: readonly unknown[], type: TypeSchema): void => {
    const items = type.kind === "list" ? type.items : anyType;
    if (type.kind === "list" && type.listType === "map" && visitKeyed(before, after, type)) return;
    if (before.length !== after.length || (type.kind === "list" && type.listType === "set")) {
      if (!sameValue(before, after, type)) found.push(formatPointer(steps));
    } else for (const [i, item] of after.entries()) step(String(i), before[i], item, items);
  };
  const visitKeyed = (
    before: readonly unknown[],
    after: readonly unknown[],
    type: TypeSchema & { kind: "list" },
  ): boolean => {
    const left = new Map<string, unknown>();
    for (const item of before) {
      const key = elementKey(item, type);
      if (key === undefined || left.has(key)) return false;
      left.set(key, item);
    }
    const keys = after.map((item) => elementKey(item, type));
    if (keys.includes(undefined) || new Set(keys).size !== keys.length) return false;
    // Init containers run in their order: the one keyed list that differs by it.
    const shared = keys.filter((key) => left.has(key!));
    if (
      steps.at(-1) === "initContainers" &&
      [...left.keys()].filter((key) => keys.includes(key)).join() !== shared.join()
    )
      found.push(formatPointer(steps));
    for (const [i, item] of after.entries()) step(String(i), left.get(keys[i]!), item, type.items);
    for (const [i, item] of before.entries())
      if (!keys.includes(elementKey(item, type))) step(String(i), item, undefined, type.items);
    return true;
  };
  visit(live, predicted, schema);
  return found;
}

function typeAt(type: TypeSchema, key: string): TypeSchema {
  if (type.kind === "struct") return type.fields[key] ?? anyType;
  return type.kind === "map" ? type.value : anyType;
}

/** What a pointer leads to; undefined: nothing. */
export function valueAt(value: unknown, pointer: string): unknown {
  let at: unknown = value;
  for (const step of parsePointer(pointer)) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as Readonly<Record<string, unknown>>)[step];
  }
  return at;
}
