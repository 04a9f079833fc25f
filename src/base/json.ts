// JSON values and the few operations on them that every layer needs. Pure; never mutates its arguments.

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}
/** A JSON object under construction: the one mutable shape. */
export type MutableJson = null | boolean | number | string | MutableJson[] | MutableJsonObject;
export interface MutableJsonObject {
  [key: string]: MutableJson | undefined;
}

/** Whether a value is a JSON object: not null, not a list. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Deep equality of JSON values. A field that is `undefined` equals an absent one; key order does not count. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!sameJson(a[i], b[i])) return false;
    return true;
  }
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  let seen = 0;
  for (const key in left) {
    if (left[key] === undefined) continue;
    seen++;
    if (right[key] === undefined || !sameJson(left[key], right[key])) return false;
  }
  for (const key in right) if (right[key] !== undefined) seen--;
  return seen === 0;
}

/** JSON text with object keys sorted: equal values give equal texts, whatever order they were written in. */
export function stableStringify(value: unknown): string {
  if (value === undefined) return "null";
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => stableStringify(item)).join(",")}]`;
  const source = value as Record<string, unknown>;
  const parts: string[] = [];
  for (const key of Object.keys(source).sort()) {
    if (source[key] !== undefined) parts.push(`${JSON.stringify(key)}:${stableStringify(source[key])}`);
  }
  return `{${parts.join(",")}}`;
}

/** A deep copy that may be written to. */
export function cloneJson<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => cloneJson(item) as unknown) as T;
  const copy: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) copy[key] = cloneJson(item);
  return copy as T;
}

/** Reads a nested field; undefined where any step is absent or not an object. `at(o, "metadata", "name")`. */
export function at(value: unknown, ...path: (string | number)[]): unknown {
  let current: unknown = value;
  for (const step of path) {
    if (typeof current !== "object" || current === null) return undefined;
    current = (current as Record<string | number, unknown>)[step];
  }
  return current;
}

/** A nested string field, or undefined where it is absent or not a string. */
export function stringAt(value: unknown, ...path: (string | number)[]): string | undefined {
  const found = at(value, ...path);
  return typeof found === "string" ? found : undefined;
}

/** A nested number field, or undefined where it is absent or not a number. */
export function numberAt(value: unknown, ...path: (string | number)[]): number | undefined {
  const found = at(value, ...path);
  return typeof found === "number" ? found : undefined;
}

/** A nested list field; empty where it is absent or not a list. */
export function listAt(value: unknown, ...path: (string | number)[]): readonly unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** Deeper JSON than this is refused where it comes in: what reads it further on may recurse. */
export const maxJsonDepth = 500;

/**
 * What is wrong with a value that was read from JSON text, or undefined: it is nested deeper than `maxJsonDepth`, a number
 * in it is too large to be held, a text has half a character, or a field the one name that objects cannot be copied with.
 * Does not recurse.
 */
export function problemOfJson(value: unknown): string | undefined {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    const below: unknown[] = [];
    for (const each of level) {
      if (typeof each === "number" && !Number.isFinite(each)) return "a number is too large";
      if (typeof each === "string" && !each.isWellFormed()) return "a text holds half a character";
      if (typeof each !== "object" || each === null) continue;
      if (depth >= maxJsonDepth) return `it is nested deeper than ${maxJsonDepth} levels`;
      if (Array.isArray(each)) for (const item of each) below.push(item);
      else
        for (const [key, item] of Object.entries(each)) {
          if (!key.isWellFormed()) return "a name holds half a character";
          if (key === "__proto__") return 'a field may not have the name "__proto__"';
          below.push(item);
        }
    }
    level = below;
  }
  return undefined;
}
