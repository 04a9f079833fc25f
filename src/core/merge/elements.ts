// What names one element of a list whose elements have identity: its keys (list type map) or itself (set), as the path
// elements of FieldsV1 write them. Source: KEP-555 "Server-side apply", field paths.
import { isObject } from "#base/json.ts";
import type { ListSchema } from "./schema.ts";

/** Keys of objects and scalars as JSON text: canonical as long as names come in one order. */
function scalarText(value: unknown): string | undefined {
  switch (typeof value) {
    case "string":
    case "number":
    case "boolean":
      return JSON.stringify(value);
    default:
      return value === null ? "null" : typeof value === "object" ? JSON.stringify(value) : undefined;
  }
}

/**
 * Takes an element and its list's type (map or set); returns `k:{"name":"web"}` or `v:"a"`, or undefined where the
 * element has no identity (no key at all, null, an object in a set). Keys left out take their default.
 */
export function elementKey(item: unknown, schema: ListSchema): string | undefined {
  if (schema.listType === "set")
    return typeof item === "object" ? undefined : item === undefined ? undefined : `v:${scalarText(item)}`;
  if (typeof item !== "object" || item === null || Array.isArray(item)) return undefined;
  const fields = item as Readonly<Record<string, unknown>>;
  const keys = schema.keys ?? [];
  if (keys.length === 1) {
    const name = keys[0]!;
    const value = fields[name] ?? keyDefault(schema, name);
    return value === undefined ? undefined : `k:{${JSON.stringify(name)}:${scalarText(value)}}`;
  }
  let text = "";
  for (const name of keys.toSorted()) {
    const value = fields[name] ?? keyDefault(schema, name);
    if (value !== undefined) text += `${text === "" ? "" : ","}${JSON.stringify(name)}:${scalarText(value)}`;
  }
  return text === "" ? undefined : `k:{${text}}`;
}

function keyDefault(schema: ListSchema, name: string): unknown {
  const items = schema.items;
  return items.kind === "struct" && Object.hasOwn(items.fields, name) ? items.fields[name]!.default : undefined;
}

/** `k:{"name":"web"}` → `[name="web"]`, `v:1` → `[=1]`. */
export function keyText(key: string): string {
  const rest = key.slice(2);
  if (key.startsWith("v:")) return `[=${rest}]`;
  const keys: unknown = JSON.parse(rest);
  if (!isObject(keys)) return `[${rest}]`;
  return `[${Object.entries(keys)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(",")}]`;
}
