// FieldsV1 as it stands in an object, asked without making a set of it: most writes concern few of the managers, and
// those only in passing. Answers what fields.ts would answer after reading; reads only what the question needs.
import { isObject } from "#base/json.ts";
import type { Json, JsonObject } from "#base/json.ts";
import { elementType, type Fields } from "./fields.ts";
import type { TypeSchema } from "./schema.ts";

/**
 * Whether reading this FieldsV1, bringing it in line with the schema and writing it again would change nothing in what
 * it says; the functions below are meant for such ones alone.
 */
export function isReadAsWritten(fields: JsonObject, schema: TypeSchema): boolean {
  return fields["."] === undefined && isPlain(fields, schema);
}

function isPlain(fields: JsonObject, schema: TypeSchema | undefined): boolean {
  if (schema !== undefined && isAtomic(schema)) return false;
  for (const key in fields) {
    const value = fields[key];
    if (!isObject(value)) return false;
    if (key === ".") continue;
    if (!isCanonical(key)) return false;
    if (isLeaf(value)) continue;
    if (!isPlain(value, schema === undefined ? undefined : elementType(schema, key))) return false;
  }
  return true;
}

function isAtomic(schema: TypeSchema): boolean {
  if (schema.kind === "scalar") return false;
  return schema.kind === "list" ? schema.listType === "atomic" : schema.atomic === true;
}

function isCanonical(key: string): boolean {
  if (key.startsWith("f:") || key.startsWith("i:")) return true;
  return (key.startsWith("k:") || key.startsWith("v:")) && !key.includes("\\") && !key.includes(" ");
}

function isLeaf(fields: JsonObject): boolean {
  for (const _ in fields) return false;
  return true;
}

function owns(fields: Json | undefined): boolean {
  return isObject(fields) && (fields["."] !== undefined || isLeaf(fields));
}

/** Whether a path of the set is in the fields. */
export function overlapsRaw(fields: JsonObject, set: Fields): boolean {
  if (set.children === undefined) return false;
  for (const [element, child] of set.children) {
    const found = fields[element];
    if (!isObject(found)) continue;
    if ((child.own && owns(found)) || overlapsRaw(found, child)) return true;
  }
  return false;
}

/** Whether all paths of the set are in the fields. */
export function containsRaw(fields: JsonObject, set: Fields): boolean {
  if (set.children === undefined) return true;
  for (const [element, child] of set.children) {
    const found = fields[element];
    if (!isObject(found) || (child.own && !owns(found)) || !containsRaw(found, child)) return false;
  }
  return true;
}
