// From an HTTP request to a method's request: fields stand in the path, the query and the body, as the binding says.
// Pure. Source: google.api.http; unknown names in the query are ignored, as Argo CD's gateway does.
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { DriftlessError } from "#base/errors.ts";
import { isObject, type JsonObject, type MutableJson, type MutableJsonObject } from "#base/json.ts";
import type { Binding } from "./services.ts";

export interface HttpParts {
  /** By the names in the binding's path: `name`, `id.value`. */
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: unknown;
}

/** Takes the parts of an HTTP request; returns the method's request as JSON. Error: INVALID_ARGUMENT with the field. */
export function requestOf(input: DescMessage, binding: Binding, parts: HttpParts): JsonObject {
  const request: MutableJsonObject = {};
  if (binding.body === "*") {
    if (parts.body !== undefined && parts.body !== null)
      Object.assign(request, fieldsIn(input, objectBody(parts.body)));
  } else if (binding.body !== "") {
    if (parts.body !== undefined && parts.body !== null) request[binding.body] = parts.body as MutableJson;
  }
  if (binding.body !== "*") {
    for (const [name, given] of Object.entries(parts.query)) {
      const texts = typeof given === "string" ? [given] : (given ?? []);
      if (texts.length > 0) put(input, request, name.split("."), texts);
    }
  }
  for (const [name, value] of Object.entries(parts.path)) put(input, request, name.split("."), [value]);
  return request;
}

function objectBody(body: unknown): MutableJsonObject {
  if (!isObject(body)) throw new DriftlessError("INVALID_ARGUMENT", "a JSON object is required as the body");
  return body as MutableJsonObject;
}

/** As Go's decoder has it, null is absent; and clients by protobuf's own JSON write int64 as texts, here they are numbers. */
function fieldsIn(input: DescMessage, body: MutableJsonObject): MutableJsonObject {
  const changed: MutableJsonObject = { ...body };
  for (const field of input.fields) {
    const value = body[field.name];
    if (value === null) delete changed[field.name];
    const integer = field.fieldKind === "scalar" && [int64, int32].includes(field.scalar);
    if (integer && typeof value === "string") changed[field.name] = scalarOf(field.scalar, value, field.name);
  }
  return changed;
}

function put(
  message: DescMessage,
  target: MutableJsonObject,
  steps: readonly string[],
  texts: readonly string[],
  path = steps.join("."),
): void {
  const [name, ...rest] = steps as [string, ...string[]];
  const field = message.fields.find((candidate) => candidate.name === name);
  if (!field) return;
  if (rest.length > 0) {
    if (field.fieldKind === "map" && rest.length === 1) {
      const map = isObject(target[name]) ? { ...target[name] } : {};
      map[rest[0]!] = texts.at(-1)!;
      target[name] = map;
    } else if (field.fieldKind === "message") {
      const inner = isObject(target[name]) ? { ...target[name] } : {};
      put(field.message, inner, rest, texts, path);
      target[name] = inner;
    }
    return;
  }
  if (field.fieldKind === "list") {
    if (field.listKind === "scalar") target[name] = texts.map((text) => scalarOf(field.scalar, text, path));
    return;
  }
  const value = valueOf(field, texts.at(-1)!, path);
  if (value !== undefined) target[name] = value;
}

function valueOf(field: DescField, text: string, path: string): MutableJson | undefined {
  if (field.fieldKind === "scalar") return scalarOf(field.scalar, text, path);
  // Times stand in queries as their text.
  if (field.fieldKind === "message" && /\.(Time|MicroTime)$/.test(field.message.typeName)) return text;
  return undefined;
}

// Numbers of the scalar types in FieldDescriptorProto.
const [int64, int32, bool] = [3, 5, 8] as readonly number[];

function scalarOf(type: number, text: string, path: string): MutableJson {
  const bad = (wanted: string): DriftlessError =>
    new DriftlessError(
      "INVALID_ARGUMENT",
      `${path}: ${wanted} is expected, not ${JSON.stringify(text.slice(0, 100))}`,
      {
        details: { field: path },
      },
    );
  if (type === bool) {
    if (/^(1|t|true)$/i.test(text)) return true;
    if (/^(0|f|false)$/i.test(text)) return false;
    throw bad("true or false");
  }
  if (type === int64 || type === int32) {
    const number = Number(text);
    if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(number)) throw bad("an integer");
    return number;
  }
  return text;
}
