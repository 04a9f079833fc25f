// From a request's bytes to an object: JSON or YAML, fields that appear twice, fields that the kind does not have,
// values of a wrong type. Follows Kubernetes' "Field validation". Knows schemas, not kinds.
import { isObject } from "#base/json.ts";
import type { TypeSchema } from "#core/merge/schema.ts";
import { parseDocument } from "yaml";
import { canonicalQuantity } from "#core/merge/quantity.ts";
import { badRequest } from "./status.ts";

export interface Parsed {
  readonly value: unknown;
  /** Paths of fields that appear twice: `data.a`. */
  readonly duplicates: readonly string[];
}

/** Parses JSON or YAML text. Errors: BadRequest. */
export function parseText(text: string, format: "json" | "yaml", lookForDuplicates: boolean): Parsed {
  if (format === "json" || /^\s*\{/.test(text)) {
    try {
      const value: unknown = JSON.parse(text);
      return { value, duplicates: lookForDuplicates ? duplicateFields(text) : [] };
    } catch (error) {
      if (format === "json") throw badRequest((error as Error).message);
    }
  }
  const document = parseDocument(text, { uniqueKeys: false, schema: "core" });
  const [problem] = document.errors;
  if (problem !== undefined) throw badRequest(`error decoding YAML: ${problem.message}`);
  const value: unknown = document.toJS();
  return { value, duplicates: [] };
}

/**
 * Paths of object keys that JSON text holds more than once; the text must be valid. A scan by characters, since
 * JSON.parse silently keeps the last.
 */
export function duplicateFields(text: string): string[] {
  const found: string[] = [];
  const frames: { keys: Set<string> | undefined; path: string; index: number }[] = [];
  let expectKey = false;
  let path = "";
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const frame = frames.at(-1);
    if (code === 0x22) {
      const start = i;
      for (i++; text.charCodeAt(i) !== 0x22; i++) if (text.charCodeAt(i) === 0x5c) i++;
      if (!expectKey || frame?.keys === undefined) continue;
      expectKey = false;
      const raw = text.slice(start, i + 1);
      const key = raw.includes("\\") ? (JSON.parse(raw) as string) : raw.slice(1, -1);
      path = frame.path === "" ? key : `${frame.path}.${key}`;
      if (frame.keys.has(key)) found.push(path);
      else frame.keys.add(key);
    } else if (code === 0x7b) {
      frames.push({ keys: new Set(), path: itemPath(frame, path), index: 0 });
      expectKey = true;
    } else if (code === 0x5b) {
      frames.push({ keys: undefined, path: itemPath(frame, path), index: 0 });
    } else if (code === 0x7d || code === 0x5d) {
      frames.pop();
      expectKey = false;
    } else if (code === 0x2c && frame !== undefined) {
      if (frame.keys === undefined) frame.index++;
      else expectKey = true;
    }
  }
  return found;
}

function itemPath(frame: { keys: Set<string> | undefined; path: string; index: number } | undefined, path: string) {
  if (frame === undefined) return "";
  return frame.keys === undefined ? `${frame.path}[${frame.index}]` : path;
}

export interface ShapeFindings {
  /** Paths of fields that the schema does not have; they are left out of the result. */
  readonly unknown: string[];
  /** What is of a wrong type, in the decoder's words. */
  readonly wrong: string[];
}

interface Walk extends ShapeFindings {
  /** Built-in kinds: nulls mean absent, scalars are checked, quantities are written canonically. */
  readonly typed: boolean;
  readonly kind: string;
}

/** The value as the kind's decoder takes it; the same value where nothing had to go. */
export function shape(
  value: unknown,
  schema: TypeSchema,
  options: { readonly typed: boolean; readonly kind: string },
): { readonly value: unknown; readonly findings: ShapeFindings } {
  const walk: Walk = { ...options, unknown: [], wrong: [] };
  const shaped = shapeValue(value, schema, "", walk);
  return { value: shaped, findings: walk };
}

function shapeValue(value: unknown, schema: TypeSchema, path: string, walk: Walk): unknown {
  if (value === null || value === undefined) return value;
  switch (schema.kind) {
    case "scalar":
      return walk.typed ? shapeScalar(value, schema, path, walk) : value;
    case "struct":
      return isObject(value) ? shapeStruct(value, schema, path, walk) : mismatch(value, "object", path, walk);
    case "map":
      return isObject(value)
        ? shapeMap(value, schema.value, path, walk)
        : mismatch(value, schema.value.kind === "scalar" ? "map[string]string" : "map", path, walk);
    case "list":
      return Array.isArray(value) ? shapeList(value, schema.items, path, walk) : mismatch(value, "array", path, walk);
  }
}

function shapeStruct(
  value: Readonly<Record<string, unknown>>,
  schema: Extract<TypeSchema, { kind: "struct" }>,
  path: string,
  walk: Walk,
): unknown {
  let copy: Record<string, unknown> | undefined;
  for (const key in value) {
    const item = value[key];
    const field = Object.hasOwn(schema.fields, key) ? schema.fields[key] : undefined;
    if (field === undefined) {
      if (schema.preserveUnknown === true) continue;
      walk.unknown.push(path === "" ? key : `${path}.${key}`);
      delete (copy ??= { ...value })[key];
      continue;
    }
    if (item === null) {
      if (walk.typed) delete (copy ??= { ...value })[key];
      continue;
    }
    const shaped = shapeValue(item, field, path === "" ? key : `${path}.${key}`, walk);
    if (walk.typed && isOmitted(shaped, field) && schema.required?.includes(key) !== true) {
      delete (copy ??= { ...value })[key];
      continue;
    }
    if (shaped !== item) (copy ??= { ...value })[key] = shaped;
  }
  return copy ?? value;
}

/** Built-in kinds leave empty lists and maps out of their JSON; objects of unknown fields are no maps. */
function isOmitted(value: unknown, schema: TypeSchema): boolean {
  if (schema.kind === "list") return Array.isArray(value) && value.length === 0;
  if (schema.kind !== "map" || !isObject(value) || Object.keys(value).length > 0) return false;
  return schema.value.kind !== "scalar" || schema.value.type !== "any";
}

function shapeMap(value: Readonly<Record<string, unknown>>, items: TypeSchema, path: string, walk: Walk): unknown {
  let copy: Record<string, unknown> | undefined;
  for (const key in value) {
    const item = value[key];
    const shaped = item === null && walk.typed ? zeroOf(items) : shapeValue(item, items, path, walk);
    if (shaped !== item) (copy ??= { ...value })[key] = shaped;
  }
  return copy ?? value;
}

function shapeList(value: readonly unknown[], items: TypeSchema, path: string, walk: Walk): unknown {
  let copy: unknown[] | undefined;
  for (let i = 0; i < value.length; i++) {
    const shaped = shapeValue(value[i], items, `${path}[${i}]`, walk);
    if (shaped !== value[i]) (copy ??= [...value])[i] = shaped;
  }
  return copy ?? value;
}

/** A null in a map of strings is the empty string to the decoder. */
function zeroOf(schema: TypeSchema): unknown {
  return schema.kind === "scalar" && schema.type === "string" && schema.format === undefined ? "" : null;
}

function shapeScalar(
  value: unknown,
  { type, format }: Extract<TypeSchema, { kind: "scalar" }>,
  path: string,
  walk: Walk,
): unknown {
  if (format === "quantity") {
    const canonical = typeof value === "string" || typeof value === "number" ? canonicalQuantity(value) : undefined;
    if (canonical !== undefined) return canonical;
    walk.wrong.push("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
    return value;
  }
  if (format === "int-or-string") {
    return typeof value === "string" || typeof value === "number" ? value : mismatch(value, "int32", path, walk);
  }
  switch (type) {
    case "string":
      if (typeof value !== "string") return mismatch(value, "string", path, walk);
      if (format === "byte") checkBase64(value, walk);
      return value;
    case "boolean":
      return typeof value === "boolean" ? value : mismatch(value, "bool", path, walk);
    case "integer":
      return Number.isInteger(value) ? value : mismatch(value, "int32", path, walk);
    case "number":
      return typeof value === "number" ? value : mismatch(value, "float64", path, walk);
    case "any":
      return value;
  }
}

function checkBase64(value: string, walk: Walk): void {
  const bare = value.replaceAll(/[\r\n]/g, "");
  if (bare.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(bare)) return;
  const bad = bare.search(/[^A-Za-z0-9+/]/);
  walk.wrong.push(`illegal base64 data at input byte ${bad < 0 ? bare.length - (bare.length % 4) : bad}`);
}

function mismatch(value: unknown, expected: string, path: string, walk: Walk): unknown {
  if (!walk.typed) return value;
  const got = Array.isArray(value) ? "array" : typeof value === "boolean" ? "bool" : typeof value;
  const shown = got === "number" && expected.startsWith("int") ? `number ${String(value)}` : got;
  const field = path.replaceAll(/\[\d+\]/g, "");
  const struct = structOf(field, walk.kind);
  walk.wrong.push(`json: cannot unmarshal ${shown} into Go struct field ${struct}.${field} of type ${expected}`);
  return value;
}

/** The Go type that holds a field, as far as Kubernetes' habits of naming tell. */
function structOf(field: string, kind: string): string {
  const parents = field.split(".").slice(0, -1);
  const parent = parents.at(-1) ?? "";
  if (parent === "") return kind;
  if (parent === "metadata") return "ObjectMeta";
  if (parent === "template") return "PodTemplateSpec";
  if (parent === "containers" || parent === "initContainers") return "Container";
  if (parents.at(-2) === "template") return "PodSpec";
  return `${kind}${parent.charAt(0).toUpperCase()}${parent.slice(1)}`;
}
