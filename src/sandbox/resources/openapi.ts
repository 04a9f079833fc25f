// From facts to the schemas of the served OpenAPI documents, v3 and v2, with Kubernetes' extensions. Paths are the
// API's matter.
import type { Json, JsonObject } from "#base/json.ts";
import { isObject } from "#base/json.ts";
import { facts, fieldFacts, referredType, typePrefix } from "./facts.ts";
import type { FieldFacts, TypeFacts } from "./facts.ts";

type Mutable = Record<string, Json>;

const componentPrefix = "#/components/schemas/";
const types: Readonly<Record<string, string>> = { s: "string", i: "integer", n: "number", b: "boolean", o: "object" };

/** Takes a type's name without `io.k8s.`; returns its OpenAPI v3 component and every one that it refers to. */
export function componentsOf(root: string): Readonly<Record<string, JsonObject>> {
  const found: Record<string, JsonObject> = {};
  const waiting = [root];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const type = facts.types[name];
    if (type === undefined || found[typePrefix + name] !== undefined) continue;
    found[typePrefix + name] = component(type);
    for (const field of Object.values(type.f ?? {})) {
      const other = referredType(fieldFacts(field).t);
      if (other !== undefined) waiting.push(other);
    }
  }
  return found;
}

/** Every type's component. */
export function allComponents(): JsonObject {
  return Object.fromEntries(Object.entries(facts.types).map(([name, type]) => [typePrefix + name, component(type)]));
}

function component(type: TypeFacts): JsonObject {
  if (type.f === undefined) return type.raw ?? {};
  const properties: Mutable = {};
  for (const [name, field] of Object.entries(type.f)) properties[name] = fieldSchema(fieldFacts(field));
  const schema: Mutable = { type: "object", properties };
  if (type.r !== undefined) schema.required = type.r;
  if (type.g !== undefined) {
    schema["x-kubernetes-group-version-kind"] = type.g.map(([group, version, kind]) => ({ group, version, kind }));
  }
  return type.x === undefined ? schema : { ...schema, ...type.x };
}

function fieldSchema(field: FieldFacts): JsonObject {
  const schema: Mutable = field.t.startsWith("=")
    ? { allOf: [codeSchema(field.t)] }
    : ({ ...codeSchema(field.t, field.i) } as Mutable);
  if (field.d !== undefined) schema.default = field.d;
  if (field.e !== undefined) schema.enum = field.e;
  if (field.k !== undefined) schema["x-kubernetes-list-map-keys"] = field.k;
  if (field.l !== undefined) schema["x-kubernetes-list-type"] = field.l;
  if (field.m !== undefined) schema["x-kubernetes-patch-merge-key"] = field.m;
  if (field.p !== undefined) schema["x-kubernetes-patch-strategy"] = field.p;
  if (field.a === 1) schema["x-kubernetes-map-type"] = "atomic";
  return field.x === undefined ? schema : { ...schema, ...field.x };
}

/** `inner` are the values that the items of a list or map may have. */
function codeSchema(code: string, inner?: readonly string[]): JsonObject {
  const values = inner === undefined ? {} : { enum: inner };
  if (code.startsWith("=")) return { $ref: componentPrefix + typePrefix + code.slice(1) };
  if (code.startsWith("[")) return { type: "array", items: { ...codeSchema(code.slice(1)), ...values } };
  if (code.startsWith("{"))
    return { type: "object", additionalProperties: { ...codeSchema(code.slice(1)), ...values } };
  const [letter = "", format] = code.split(":");
  const type = types[letter] ?? "object";
  return format === undefined ? { type } : { type, format };
}

/** Keywords that OpenAPI v2 (Swagger) has no place for: kube-apiserver leaves them out of /openapi/v2. */
const onlyV3 = new Set(["default", "nullable", "oneOf", "anyOf", "not"]);

/**
 * Takes a schema of an OpenAPI v3 document; returns it as Kubernetes writes it in /openapi/v2: references to
 * `#/definitions/`, no v3-only keywords, int-or-string and quantity as plain strings.
 */
export function toOpenApiV2(schema: JsonObject): JsonObject {
  if (schema["x-kubernetes-int-or-string"] === true || schema.format === "int-or-string") {
    return { type: "string", format: "int-or-string" };
  }
  const all = schema.allOf;
  const only = Array.isArray(all) && all.length === 1 ? (all[0] as Json) : undefined;
  const { allOf: _, ...plain } = schema;
  const source: JsonObject = isObject(only) && typeof only.$ref === "string" ? { ...plain, $ref: only.$ref } : plain;
  const out: Mutable = {};
  for (const [key, value] of Object.entries(source)) {
    if (value === undefined || onlyV3.has(key)) continue;
    if (key === "$ref" && typeof value === "string") out.$ref = value.replace(componentPrefix, "#/definitions/");
    else if (key === "properties" && isObject(value)) out.properties = mapped(value);
    else if ((key === "items" || key === "additionalProperties") && isObject(value)) out[key] = toOpenApiV2(value);
    else out[key] = value;
  }
  if (isQuantity(schema)) out.type = "string";
  return out;
}

function mapped(properties: JsonObject): JsonObject {
  const out: Mutable = {};
  for (const [name, value] of Object.entries(properties))
    out[name] = isObject(value) ? toOpenApiV2(value) : (value ?? null);
  return out;
}

function isQuantity(schema: JsonObject): boolean {
  const one = schema.oneOf;
  return (
    schema.type === undefined && Array.isArray(one) && one.length === 2 && (one[0] as JsonObject).type === "string"
  );
}
