// Fills a custom resource's absent fields from its structural schema. Source: Kubernetes' "Defaulting": an absent
// field gets its default; a null whose schema is not nullable counts as absent; defaults apply inside what they set.
import type { JsonObject } from "#base/json.ts";
import { cloneJson, isObject } from "#base/json.ts";
import { withField } from "../edit.ts";
import type { Fields } from "../edit.ts";

/** Takes a value and its schema; returns the value itself where no default applies. */
export function withSchemaDefaults(value: unknown, schema: JsonObject): unknown {
  if (Array.isArray(value)) return isObject(schema.items) ? inList(value as unknown[], schema.items) : value;
  if (!isObject(value)) return value;
  const { properties } = schema;
  let current: Fields = value;
  if (isObject(properties)) {
    for (const [name, property] of Object.entries(properties)) {
      if (isObject(property)) current = inProperty(current, name, property);
    }
  }
  if (isObject(schema.additionalProperties)) {
    for (const name of Object.keys(current)) {
      if (isObject(properties) && properties[name] !== undefined) continue;
      current = withField(current, name, withSchemaDefaults(current[name], schema.additionalProperties));
    }
  }
  return current;
}

function inProperty(object: Fields, name: string, schema: JsonObject): Fields {
  const given = object[name];
  const absent = given === undefined || (given === null && schema.nullable !== true);
  const value = absent ? cloneJson(schema.default) : given;
  if (value === undefined) return given === null ? withField(object, name, undefined) : object;
  return withField(object, name, withSchemaDefaults(value, schema));
}

function inList(list: readonly unknown[], items: JsonObject): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (let i = 0; i < list.length; i++) {
    const edited = withSchemaDefaults(list[i], items);
    if (edited !== list[i]) (copy ??= [...list])[i] = edited;
  }
  return copy ?? list;
}
