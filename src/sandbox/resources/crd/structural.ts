// Validates a custom resource against its structural schema, with the API server's wording. Expressions
// (x-kubernetes-validations) are not evaluated. Source: Kubernetes' "Custom Resources: Specifying a structural schema".
import type { Json, JsonObject } from "#base/json.ts";
import { isObject, sameJson, stableStringify } from "#base/json.ts";
import type { FieldError } from "../../contract.ts";
import { formatOf } from "./formats.ts";

type Report = (error: FieldError) => void;

/** Takes an object and its version's schema; returns every fault. apiVersion, kind and metadata are the API's matter. */
export function validateCustom(object: unknown, schema: JsonObject): readonly FieldError[] {
  const errors: FieldError[] = [];
  const properties = isObject(schema.properties) ? schema.properties : {};
  const { apiVersion: _a, kind: _k, metadata: _m, ...rest } = properties;
  const required = Array.isArray(schema.required)
    ? (schema.required as string[]).filter((name) => !["apiVersion", "kind", "metadata"].includes(name))
    : [];
  check(object, { ...schema, properties: rest, required }, "", (error) => errors.push(error));
  return errors;
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

function typeFits(value: unknown, type: string): boolean {
  const name = typeName(value);
  return name === type || (type === "number" && name === "integer");
}

function check(value: unknown, schema: JsonObject, path: string, report: Report): void {
  if (value === null && schema.nullable === true) return;
  const typed = checkType(value, schema, path, report);
  if (Array.isArray(schema.enum) && !schema.enum.some((item: Json) => sameJson(item, value))) {
    const supported = (schema.enum as Json[]).map((item) => JSON.stringify(item)).join(", ");
    report({ type: "Unsupported value", field: path, value, detail: `supported values: ${supported}` });
  }
  if (!typed) return;
  if (typeof value === "string") checkText(value, schema, path, report);
  if (typeof value === "number") checkNumber(value, schema, path, report);
  if (Array.isArray(value)) checkList(value, schema, path, report);
  if (isObject(value)) checkObject(value, schema, path, report);
  checkCombined(value, schema, path, report);
}

function checkType(value: unknown, schema: JsonObject, path: string, report: Report): boolean {
  if (schema["x-kubernetes-int-or-string"] === true) {
    if (typeof value === "string" || typeFits(value, "integer")) return true;
    wrongType(value, "integer,string", path, report);
    return false;
  }
  if (typeof schema.type !== "string" || schema.type === "" || typeFits(value, schema.type)) return true;
  wrongType(value, schema.type, path, report);
  return false;
}

function wrongType(value: unknown, type: string, path: string, report: Report): void {
  const got = typeName(value);
  report({
    type: "Invalid value",
    field: path,
    value: got,
    detail: `${path} in body must be of type ${type}: "${got}"`,
    reason: "FieldValueTypeInvalid",
  });
}

function checkText(value: string, schema: JsonObject, path: string, report: Report): void {
  const fault = (detail: string): void =>
    report({ type: "Invalid value", field: path, value, detail: `${path} in body ${detail}` });
  const length = Array.from(value).length;
  if (typeof schema.maxLength === "number" && length > schema.maxLength) {
    report({ type: "Too long", field: path, value: "", detail: `may not be more than ${schema.maxLength} bytes` });
    return;
  }
  if (typeof schema.minLength === "number" && length < schema.minLength)
    fault(`should be at least ${schema.minLength} chars long`);
  if (typeof schema.pattern === "string" && !patternMatches(schema.pattern, value))
    fault(`should match '${schema.pattern}'`);
  if (typeof schema.format === "string" && formatOf(schema.format)?.(value) === false) {
    const detail = `${path} in body must be of type ${schema.format}: ${JSON.stringify(value)}`;
    report({ type: "Invalid value", field: path, value, detail, reason: "FieldValueTypeInvalid" });
  }
}

/** A pattern that this engine cannot read refuses nothing. */
function patternMatches(pattern: string, value: string): boolean {
  try {
    return new RegExp(pattern, "u").test(value);
  } catch {
    return true;
  }
}

function checkNumber(value: number, schema: JsonObject, path: string, report: Report): void {
  const fault = (detail: string): void =>
    report({ type: "Invalid value", field: path, value, detail: `${path} in body ${detail}` });
  const { minimum, maximum, multipleOf } = schema;
  if (typeof minimum === "number") {
    if (schema.exclusiveMinimum === true ? value <= minimum : value < minimum) {
      fault(`should be greater than ${schema.exclusiveMinimum === true ? "" : "or equal to "}${minimum}`);
    }
  }
  if (typeof maximum === "number") {
    if (schema.exclusiveMaximum === true ? value >= maximum : value > maximum) {
      fault(`should be less than ${schema.exclusiveMaximum === true ? "" : "or equal to "}${maximum}`);
    }
  }
  if (typeof multipleOf === "number" && !Number.isInteger(value / multipleOf))
    fault(`should be a multiple of ${multipleOf}`);
  if (schema.format === "int32" && (value > 2147483647 || value < -2147483648))
    fault(`must be of type int32: "${value}"`);
}

function checkList(value: readonly unknown[], schema: JsonObject, path: string, report: Report): void {
  if (typeof schema.maxItems === "number" && value.length > schema.maxItems) {
    report({
      type: "Too many",
      field: path,
      value: value.length,
      detail: `must have at most ${schema.maxItems} items`,
    });
  }
  if (typeof schema.minItems === "number" && value.length < schema.minItems) {
    report({
      type: "Invalid value",
      field: path,
      value: value.length,
      detail: `${path} in body should have at least ${schema.minItems} items`,
    });
  }
  if (isObject(schema.items)) {
    for (let i = 0; i < value.length; i++) check(value[i], schema.items, `${path}[${i}]`, report);
  }
  checkUnique(value, schema, path, report);
}

function checkUnique(value: readonly unknown[], schema: JsonObject, path: string, report: Report): void {
  const listType = schema["x-kubernetes-list-type"];
  if (listType !== "set" && listType !== "map") return;
  const keys = schema["x-kubernetes-list-map-keys"];
  const seen = new Set<string>();
  for (let i = 0; i < value.length; i++) {
    if (listType === "map" && !isObject(value[i])) {
      const detail = "must be an object for an array of list-type map";
      report({ type: "Invalid value", field: `${path}[${i}]`, value: value[i], detail });
      continue;
    }
    const key = listType === "set" ? value[i] : keyFields(value[i], Array.isArray(keys) ? (keys as string[]) : []);
    const text = stableStringify(key);
    if (seen.has(text)) report({ type: "Duplicate value", field: `${path}[${i}]`, value: key, detail: "" });
    seen.add(text);
  }
}

function keyFields(item: unknown, keys: readonly string[]): unknown {
  return isObject(item) ? Object.fromEntries(keys.map((key) => [key, item[key]])) : item;
}

function checkObject(value: JsonObject, schema: JsonObject, path: string, report: Report): void {
  const below = (name: string): string => (path === "" ? name : `${path}.${name}`);
  if (Array.isArray(schema.required)) {
    for (const name of schema.required as string[]) {
      if (value[name] === undefined) report({ type: "Required value", field: below(name), detail: "" });
    }
  }
  const properties = isObject(schema.properties) ? schema.properties : {};
  const additional = schema.additionalProperties;
  for (const name in value) {
    const item = value[name];
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (item === undefined) continue;
    if (isObject(property)) check(item, property, below(name), report);
    else if (isObject(additional)) check(item, additional, below(name), report);
  }
  const count = Object.keys(value).length;
  if (typeof schema.maxProperties === "number" && count > schema.maxProperties) {
    report({ type: "Too many", field: path, value: count, detail: `must have at most ${schema.maxProperties} items` });
  }
  if (typeof schema.minProperties === "number" && count < schema.minProperties) {
    report({
      type: "Invalid value",
      field: path,
      value: count,
      detail: `${path} in body should have at least ${schema.minProperties} properties`,
    });
  }
  if (schema["x-kubernetes-embedded-resource"] === true) checkEmbedded(value, path, report);
}

function checkEmbedded(value: JsonObject, path: string, report: Report): void {
  for (const name of ["apiVersion", "kind"]) {
    if (typeof value[name] !== "string" || value[name] === "") {
      report({ type: "Required value", field: path === "" ? name : `${path}.${name}`, detail: "" });
    }
  }
}

function faultsOf(value: unknown, schema: Json, path: string): readonly FieldError[] {
  const found: FieldError[] = [];
  if (isObject(schema)) check(value, schema, path, (error) => found.push(error));
  return found;
}

/** allOf, anyOf, oneOf, not. Where no alternative fits, the faults of the nearest one are told too. */
function checkCombined(value: unknown, schema: JsonObject, path: string, report: Report): void {
  const fault = (detail: string): void =>
    report({ type: "Invalid value", field: "<nil>", value: "", detail: `"${path}" ${detail}` });
  if (Array.isArray(schema.allOf)) {
    const faults = (schema.allOf as Json[]).flatMap((part) => faultsOf(value, part, path));
    faults.forEach(report);
    if (faults.length > 0) fault("must validate all the schemas (allOf)");
  }
  if (Array.isArray(schema.anyOf)) {
    const results = (schema.anyOf as Json[]).map((part) => faultsOf(value, part, path));
    if (!results.some((faults) => faults.length === 0)) {
      fault("must validate at least one schema (anyOf)");
      nearest(results).forEach(report);
    }
  }
  if (Array.isArray(schema.oneOf)) {
    const results = (schema.oneOf as Json[]).map((part) => faultsOf(value, part, path));
    const count = results.filter((faults) => faults.length === 0).length;
    const why = count === 0 ? "Found none valid" : `Found ${count} valid alternatives`;
    if (count !== 1) fault(`must validate one and only one schema (oneOf). ${why}`);
    if (count === 0) nearest(results).forEach(report);
  }
  if (isObject(schema.not) && faultsOf(value, schema.not, path).length === 0)
    fault("must not validate the schema (not)");
}

function nearest(results: readonly (readonly FieldError[])[]): readonly FieldError[] {
  return results.reduce((best, faults) => (faults.length < best.length ? faults : best), results[0] ?? []);
}
