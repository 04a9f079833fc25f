// Messages of the protocol as Kubernetes writes them in JSON, both ways: times are RFC 3339, int64 are numbers, empty
// fields are left out, and where Kubernetes' types hold free JSON it stands there as it is. This is not protobuf's own
// JSON mapping. Source: the JSON that Kubernetes and Argo CD write for the same types.
import { create, type DescField, type DescMessage, type Message } from "@bufbuild/protobuf";
import { base64Decode, base64Encode } from "@bufbuild/protobuf/wire";
import { DriftlessError } from "#base/errors.ts";
import { isObject, type Json, type JsonObject } from "#base/json.ts";
import { keepsZero } from "./presence.ts";
import { specialOf, type Special } from "./special.ts";

type Fields = Record<string, unknown>;

interface Field {
  readonly desc: DescField;
  readonly local: string;
  readonly keepsZero: boolean;
}

interface Shape {
  readonly desc: DescMessage;
  readonly special: Special | undefined;
  readonly fields: readonly Field[];
  readonly byName: ReadonlyMap<string, Field>;
}

/** What is known of each message type, worked out once. */
const shapes = new WeakMap<DescMessage, Shape>();

function shapeOf(desc: DescMessage): Shape {
  let shape = shapes.get(desc);
  if (!shape) {
    const kept = keepsZero(desc.typeName);
    const fields = desc.fields.map((field) => ({
      desc: field,
      local: field.localName,
      keepsZero: kept === "all" || kept.has(field.name),
    }));
    const byName = new Map(fields.map((field) => [field.desc.name, field]));
    shapes.set(desc, (shape = { desc, special: specialOf(desc.typeName), fields, byName }));
  }
  return shape;
}

/**
 * A message's JSON. A message that stands for free JSON gives that value. Error: INVALID_ARGUMENT with the type whose value
 * JSON cannot hold.
 */
export function toJson(desc: DescMessage, message: Message): Json {
  const shape = shapeOf(desc);
  if (shape.special)
    return shape.special.toJson(
      message,
      (inner) => plainToJson(shape, inner),
      (problem) => invalid(desc.name, problem),
    );
  return plainToJson(shape, message);
}

function plainToJson(shape: Shape, message: Fields): JsonObject {
  const json: Record<string, Json> = {};
  for (const field of shape.fields) {
    if (!Object.hasOwn(message, field.local)) continue;
    const value = fieldToJson(field, message[field.local]);
    if (value !== undefined) json[field.desc.name] = value;
  }
  return json;
}

function fieldToJson({ desc, keepsZero: keeps }: Field, value: unknown): Json | undefined {
  if (value === undefined) return undefined;
  switch (desc.fieldKind) {
    case "scalar": {
      const scalar = scalarToJson(value);
      return keeps || (scalar !== "" && scalar !== 0 && scalar !== false) ? scalar : undefined;
    }
    case "message": {
      const json = toJson(desc.message, value as Message);
      return json === null ? undefined : json;
    }
    case "list": {
      const list = value as readonly unknown[];
      if (list.length === 0) return undefined;
      const { message } = desc;
      return list.map((item) => (message ? toJson(message, item as Message) : scalarToJson(item)));
    }
    case "map": {
      const entries = Object.entries(value as Fields);
      if (entries.length === 0) return undefined;
      const { message } = desc;
      return Object.fromEntries(
        entries.map(([key, item]) => [key, message ? toJson(message, item as Message) : scalarToJson(item)]),
      );
    }
    case "enum":
      return Number(value);
  }
}

function scalarToJson(value: unknown): Json {
  if (typeof value === "bigint") {
    if (!Number.isSafeInteger(Number(value)))
      throw new DriftlessError("INVALID_ARGUMENT", `request: the integer ${value} is too large`);
    return Number(value);
  }
  return value instanceof Uint8Array ? base64Encode(value) : (value as Json);
}

/**
 * Takes JSON as Kubernetes writes it; returns the message. Fields that the type does not have are ignored, as Go's
 * encoding/json does; `null` is absent. Error: INVALID_ARGUMENT with the field whose value has the wrong type.
 */
export function fromJson(desc: DescMessage, json: unknown, path = ""): Message {
  const shape = shapeOf(desc);
  if (shape.special) {
    const fields = shape.special.fromJson(json, (problem) => invalid(path, problem));
    return fields === "plain" ? plainFromJson(shape, json, path) : create(desc, fields);
  }
  return plainFromJson(shape, json, path);
}

function plainFromJson(shape: Shape, json: unknown, path: string): Message {
  if (!isObject(json)) throw invalid(path, "an object is expected");
  const message = create(shape.desc) as unknown as Fields;
  const source = shape.special?.unflatten ? shape.special.unflatten(json) : json;
  for (const [name, value] of Object.entries(source)) {
    const field = shape.byName.get(name);
    if (!field || value === undefined || value === null) continue;
    message[field.local] = fieldFromJson(field.desc, value, path === "" ? name : `${path}.${name}`);
  }
  return message as unknown as Message;
}

function fieldFromJson(desc: DescField, value: Json, path: string): unknown {
  switch (desc.fieldKind) {
    case "scalar":
      return scalarFromJson(desc.scalar, value, path);
    case "message":
      return fromJson(desc.message, value, path);
    case "list":
      if (!Array.isArray(value)) throw invalid(path, "a list is expected");
      return value.map((item: Json, index) => element(desc, item, `${path}[${index}]`));
    case "map":
      if (!isObject(value)) throw invalid(path, "an object is expected");
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key.toWellFormed(), element(desc, item ?? null, `${path}.${key}`)]),
      );
    case "enum":
      return scalarFromJson(int32, value, path);
  }
}

function element(desc: DescField & { fieldKind: "list" | "map" }, value: Json, path: string): unknown {
  if (desc.message) return fromJson(desc.message, value, path);
  return scalarFromJson(desc.scalar ?? int32, value, path);
}

// Numbers of the scalar types in FieldDescriptorProto.
const [int64, int32, bool, text, bytes] = [3, 5, 8, 9, 12];

function scalarFromJson(type: number, value: Json, path: string): unknown {
  switch (type) {
    case int64:
    case int32: {
      const number = typeof value === "string" && /^-?\d+$/.test(value) ? Number(value) : value;
      if (typeof number !== "number" || !Number.isSafeInteger(number)) throw invalid(path, "an integer is expected");
      if (type === int64) return BigInt(number);
      const short = number | 0;
      if (short !== number) throw invalid(path, "an integer of 32 bits is expected");
      return short;
    }
    case bool:
      if (typeof value !== "boolean") throw invalid(path, "true or false is expected");
      return value;
    case text:
      if (typeof value !== "string") throw invalid(path, "a text is expected");
      // Half a character cannot be written in UTF-8; Go's decoder puts the same in its place.
      return value.toWellFormed();
    case bytes:
      try {
        if (typeof value === "string") return base64Decode(value);
      } catch {
        // Told below.
      }
      throw invalid(path, "base64 is expected");
    default:
      throw new DriftlessError("INTERNAL", `no mapping for protobuf's scalar type ${type} at ${path}`);
  }
}

function invalid(path: string, problem: string): DriftlessError {
  return new DriftlessError("INVALID_ARGUMENT", path === "" ? `request: ${problem}` : `${path}: ${problem}`, {
    details: path === "" ? {} : { field: path },
  });
}
