// Copy-on-write edits of JSON objects, for defaults: what does not change is shared, and an object that needs no
// change comes back as the same one.
import { isObject } from "#base/json.ts";

export type Fields = Readonly<Record<string, unknown>>;

/** The object with these fields where it has none (undefined or null). */
export function withDefaults(object: Fields, defaults: Fields): Fields {
  let copy: Record<string, unknown> | undefined;
  for (const key in defaults) {
    if (object[key] === undefined || object[key] === null) (copy ??= { ...object })[key] = defaults[key];
  }
  return copy ?? object;
}

/** The object with one field set; undefined removes it. */
export function withField(object: Fields, key: string, value: unknown): Fields {
  if (object[key] === value) return object;
  if (value !== undefined) return { ...object, [key]: value };
  const { [key]: _, ...rest } = object;
  return rest;
}

/** Edits a nested object; absent ones stay absent. */
export function inField(object: Fields, key: string, edit: (value: Fields) => Fields): Fields {
  const value = object[key];
  return isObject(value) ? withField(object, key, edit(value)) : object;
}

/** Edits each object of a list; the same list comes back where none changes. */
export function inItems(object: Fields, key: string, edit: (value: Fields, index: number) => Fields): Fields {
  const list = object[key];
  if (!Array.isArray(list)) return object;
  let copy: unknown[] | undefined;
  for (let i = 0; i < list.length; i++) {
    const item: unknown = list[i];
    if (!isObject(item)) continue;
    const edited = edit(item, i);
    if (edited !== item) (copy ??= [...list])[i] = edited;
  }
  return copy === undefined ? object : withField(object, key, copy);
}

/** A nested object, or an empty one. */
export function fieldsAt(object: unknown, ...path: string[]): Fields {
  let current: unknown = object;
  for (const step of path) current = isObject(current) ? current[step] : undefined;
  return isObject(current) ? current : {};
}
