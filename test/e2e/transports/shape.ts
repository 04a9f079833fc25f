// The one shape that every driver's answers are compared in: without what is empty, as programs in Go write more of that
// than JSON of the API has, and without what differs from one run to the next.
import { isObject } from "#base/json.ts";

/** What is written in place of each pattern. */
export type Replacements = readonly (readonly [pattern: RegExp | string, instead: string])[];

/** Fields that count writes, or name one. */
const volatile = new Set(["uid", "resourceVersion", "generation", "managedFields", "sessionToken"]);

const always: Replacements = [
  [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?[+-]\d{4} UTC|Z)?/g, "TIME"],
  // Which node a pod came to.
  [/\bnode-\d\b/g, "NODE"],
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "UID"],
];

/** Takes any JSON; returns it in the shape; undefined where nothing is left of it. */
export function shapeOf(value: unknown, own: Replacements): unknown {
  if (typeof value === "string") {
    if (value === "") return undefined;
    // Objects stand as texts in some answers.
    const object = value.startsWith("{") ? parsed(value) : undefined;
    if (object !== undefined) return shapeOf(object, own);
    return [...own, ...always].reduce((text, [pattern, instead]) => text.replaceAll(pattern, instead), value);
  }
  if (value === null || value === false || value === 0) return undefined;
  if (Array.isArray(value)) {
    const items = value.map((item) => shapeOf(item, own) ?? null);
    return items.length === 0 ? undefined : items;
  }
  if (!isObject(value)) return value;
  const fields = Object.entries(value).flatMap(([key, field]) => {
    const shaped = volatile.has(key) ? undefined : shapeOf(field, own);
    return shaped === undefined ? [] : [[String(shapeOf(key, own)), shaped] as const];
  });
  return fields.length === 0 ? undefined : Object.fromEntries(fields.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
