// What is wrong with an applied object by its type, in the API server's words. Only what server-side apply itself refuses:
// unknown fields, wrong types, elements without identity. Validation proper is not here.
import { isObject } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";
import { parseApiVersion } from "#model/object.ts";
import { elementKey, keyText } from "./elements.ts";
import type { ListSchema, TypeSchema } from "./schema.ts";

/** Takes a value and its type; returns one line for each error (`.spec.foo: field not declared in schema`). */
export function typeErrors(value: unknown, schema: TypeSchema, path = ""): string[] {
  if (value === undefined || value === null) return [];
  switch (schema.kind) {
    case "scalar":
      return scalarErrors(value, schema.type, path);
    case "list": {
      if (!Array.isArray(value)) return [`${path}: expected list, got &{${JSON.stringify(value)}}`];
      const errors = schema.listType === "atomic" ? [] : keyErrors(value, schema, path);
      for (const [i, item] of value.entries())
        errors.push(...typeErrors(item, schema.items, itemPath(path, i, item, schema)));
      return errors;
    }
    default:
      return isObject(value)
        ? fieldErrors(value, schema, path)
        : [`${path}: expected map, got &{${JSON.stringify(value)}}`];
  }
}

function fieldErrors(value: Readonly<Record<string, unknown>>, schema: TypeSchema, path: string): string[] {
  const errors: string[] = [];
  for (const [key, item] of Object.entries(value)) {
    if (schema.kind === "map") errors.push(...typeErrors(item, schema.value, `${path}.${key}`));
    else if (schema.kind === "struct" && Object.hasOwn(schema.fields, key))
      errors.push(...typeErrors(item, schema.fields[key]!, `${path}.${key}`));
    else if (schema.kind === "struct" && schema.preserveUnknown !== true && item !== undefined) {
      errors.push(`${path}.${key}: field not declared in schema`);
    }
  }
  return errors;
}

function scalarErrors(value: unknown, type: string, path: string): string[] {
  switch (type) {
    case "integer":
    case "number":
      return typeof value === "number" ? [] : [`${path}: expected numeric (int or float), got ${kindText(value)}`];
    case "string":
      return typeof value === "string"
        ? []
        : [`${path}: expected string, got &value.valueUnstructured{Value:${JSON.stringify(value)}}`];
    case "boolean":
      return typeof value === "boolean" ? [] : [`${path}: expected boolean, got &{${JSON.stringify(value)}}`];
    default:
      return [];
  }
}

function kindText(value: unknown): string {
  return Array.isArray(value) ? "list" : typeof value === "object" ? "map" : typeof value;
}

function keyErrors(list: readonly unknown[], schema: ListSchema, path: string): string[] {
  const errors: string[] = [];
  const seen = new Set<string>();
  for (const [i, item] of list.entries()) {
    const key = elementKey(item, schema);
    if (key === undefined) errors.push(`${path}: element ${i}: ${withoutKey(item, schema)}`);
    else if (seen.has(key)) errors.push(`${path}: duplicate entries for key ${keyText(key)}`);
    else seen.add(key);
  }
  return errors;
}

function withoutKey(item: unknown, schema: ListSchema): string {
  if (schema.listType === "set")
    return item === null
      ? "associative list without keys has an element that's an explicit null"
      : "associative list without keys has an element that's a map type";
  if (item === null) return "associative list with keys may not have a null element";
  if (!isObject(item)) return "associative list with keys may not have non-map elements";
  const keys = (schema.keys ?? []).map((key) => JSON.stringify(key)).join(" ");
  return `associative list with keys has an element that omits all key fields [${keys}] (and doesn't have default values for any key fields)`;
}

function itemPath(path: string, index: number, item: unknown, schema: ListSchema): string {
  const key = schema.listType === "atomic" ? undefined : elementKey(item, schema);
  return key === undefined ? `${path}[${index}]` : path + keyText(key);
}

/** The message with which the API server refuses an applied object that is wrong by its type. */
export function typeErrorMessage(object: KubernetesObject, errors: readonly string[]): string {
  const { group, version } = parseApiVersion(object.apiVersion);
  const kind = `${group === "" ? "" : `${group}/`}${version}, Kind=${object.kind}`;
  const name = `${object.metadata.namespace ?? ""}/${object.metadata.name ?? ""}`;
  const text = errors.length === 1 ? errors[0]! : `errors:\n  ${errors.toSorted().join("\n  ")}`;
  return `failed to create typed patch object (${name}; ${kind}): ${text}`;
}
