// The API as an OpenAPI 2 document, from the services' descriptors and HTTP bindings: what `/swagger.json` answers.
// Pure. Source: Swagger 2.0; names of definitions and operations follow those of Argo CD's document.
import type { DescField, DescMessage, DescMethod } from "@bufbuild/protobuf";
import type { JsonObject, MutableJsonObject } from "#base/json.ts";
import { bindingsOf, services, type Binding } from "./services.ts";
import { specialOf } from "./special.ts";

/** A path that stands beside the services. */
export interface ExtraPath {
  readonly verb: "get" | "post";
  /** With `{name}` for what varies. */
  readonly path: string;
  readonly about: string;
}

const jsonType = "application/json";

/** Takes the program's version and what is there besides the services; returns the document. */
export function openApi(version: string, extra: readonly ExtraPath[]): JsonObject {
  const definitions: MutableJsonObject = {};
  const paths: Record<string, MutableJsonObject> = {};
  const put = (path: string, verb: string, operation: MutableJsonObject): void => {
    // Older names of a method share its binding: the first stands.
    (paths[path] ??= {})[verb] ??= operation;
  };
  for (const service of services) {
    for (const method of service.methods) {
      if (method.methodKind === "client_streaming") continue;
      bindingsOf(method).forEach((binding, index) =>
        put(plainPath(binding.path), binding.verb.toLowerCase(), operationOf(definitions, method, binding, index)),
      );
    }
  }
  for (const { verb, path, about } of extra) {
    const parameters = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => pathParameter(name!));
    put(path, verb, {
      tags: ["Driftless"],
      summary: about,
      operationId: `Driftless_${verb}_${path.split("/").at(-1)!}`,
      parameters,
      responses: { "200": { description: "Done.", schema: { type: "object" } }, default: errorAnswer },
    });
  }
  const security = { BearerToken: { type: "apiKey", in: "header", name: "Authorization" } };
  return {
    swagger: "2.0",
    info: { title: "Driftless API", description: "Argo CD's API, and what Driftless adds to it.", version },
    consumes: [jsonType],
    produces: [jsonType],
    securityDefinitions: security,
    security: [{ BearerToken: [] }],
    paths: Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))),
    definitions: {
      ...Object.fromEntries(Object.entries(definitions).sort(([a], [b]) => (a < b ? -1 : 1))),
      runtimeError: {
        type: "object",
        properties: {
          code: { type: "integer", format: "int32" },
          error: { type: "string" },
          message: { type: "string" },
        },
      },
    },
  };
}

const errorAnswer = {
  description: "An unexpected error response.",
  schema: { $ref: "#/definitions/runtimeError" },
};

function operationOf(
  definitions: MutableJsonObject,
  method: DescMethod,
  binding: Binding,
  index: number,
): MutableJsonObject {
  const inPath = [...binding.path.matchAll(/\{([^}=]+)/g)].map(([, name]) => name!);
  const parameters: MutableJsonObject[] = inPath.map((name) => pathParameter(name));
  if (binding.body === "*")
    parameters.push({ name: "body", in: "body", required: true, schema: schemaOf(definitions, method.input) });
  else {
    const body = method.input.fields.find((field) => field.name === binding.body);
    if (body) parameters.push({ name: "body", in: "body", required: true, schema: fieldSchema(definitions, body) });
    for (const field of method.input.fields) if (field !== body) parameters.push(...queryOf(field, inPath, ""));
  }
  const answer = schemaOf(definitions, method.output);
  const streamed = {
    type: "object",
    properties: { result: answer, error: { $ref: "#/definitions/runtimeError" } },
  };
  return {
    tags: [method.parent.name],
    operationId: `${method.parent.name}_${method.name}${index === 0 ? "" : index + 1}`,
    parameters,
    responses: {
      "200":
        method.methodKind === "server_streaming"
          ? { description: "A successful response.(streaming responses)", schema: streamed }
          : { description: "A successful response.", schema: answer },
      default: errorAnswer,
    },
  };
}

function plainPath(path: string): string {
  return path.replace(/=\*\*\}/g, "}");
}

function pathParameter(name: string): MutableJsonObject {
  return { name, in: "path", required: true, type: "string" };
}

/** A field in the query; one level of messages is spelt with dots. */
function queryOf(field: DescField, inPath: readonly string[], prefix: string): MutableJsonObject[] {
  const name = `${prefix}${field.name}`;
  if (inPath.includes(name)) return [];
  const given = { name, in: "query", required: false };
  if (field.fieldKind === "scalar") return [{ ...given, ...scalarSchema(field.scalar) }];
  if (field.fieldKind === "list" && field.listKind === "scalar")
    return [{ ...given, type: "array", items: scalarSchema(field.scalar), collectionFormat: "multi" }];
  if (field.fieldKind !== "message") return [];
  if (specialOf(field.message.typeName)) return [{ ...given, type: "string" }];
  return prefix === "" ? field.message.fields.flatMap((inner) => queryOf(inner, inPath, `${name}.`)) : [];
}

/** `v1alpha1Application`, as grpc-gateway shortens names: the package's last part and the message. */
function definitionName({ typeName }: DescMessage): string {
  const [last = "", name = ""] = typeName.split(".").slice(-2);
  return `${last}${name}`;
}

function schemaOf(definitions: MutableJsonObject, message: DescMessage): MutableJsonObject {
  const special = freeSchemas[message.typeName.split(".").at(-1)!];
  if (special && specialOf(message.typeName)) return { ...special };
  const name = definitionName(message);
  if (!(name in definitions)) {
    // Before its fields: messages may hold themselves.
    definitions[name] = {};
    definitions[name] = {
      type: "object",
      properties: Object.fromEntries(message.fields.flatMap((field) => propertiesOf(definitions, field))),
    };
  }
  return { $ref: `#/definitions/${name}` };
}

/** A field as it stands in JSON: those of a part that Go's type embeds stand one level up. */
function propertiesOf(definitions: MutableJsonObject, field: DescField): [string, MutableJsonObject][] {
  const embedded = ["resourceRef", "resId", "gvk"].includes(field.name) && field.fieldKind === "message";
  if (embedded) return field.message.fields.flatMap((inner) => propertiesOf(definitions, inner));
  return [[field.name === "jSONPointers" ? "jsonPointers" : field.name, fieldSchema(definitions, field)]];
}

/** Messages that stand for something else than the object of their fields. */
const freeSchemas: Readonly<Record<string, MutableJsonObject>> = {
  Time: { type: "string", format: "date-time" },
  MicroTime: { type: "string", format: "date-time" },
  FieldsV1: { type: "object" },
  JSON: {},
  RawExtension: { type: "object" },
  IntOrString: { type: "string", format: "int-or-string" },
  OptionalArray: { type: "array", items: { type: "string" } },
  OptionalMap: { type: "object", additionalProperties: { type: "string" } },
};

function fieldSchema(definitions: MutableJsonObject, field: DescField): MutableJsonObject {
  switch (field.fieldKind) {
    case "scalar":
      return scalarSchema(field.scalar);
    case "message":
      return schemaOf(definitions, field.message);
    case "list":
      return { type: "array", items: valueSchema(definitions, field) };
    case "map":
      return { type: "object", additionalProperties: valueSchema(definitions, field) };
    case "enum":
      return { type: "integer", format: "int32" };
  }
}

function valueSchema(
  definitions: MutableJsonObject,
  field: DescField & { fieldKind: "list" | "map" },
): MutableJsonObject {
  return field.message ? schemaOf(definitions, field.message) : scalarSchema(field.scalar ?? 5);
}

/** Takes a scalar type's number in FieldDescriptorProto. */
function scalarSchema(type: number): MutableJsonObject {
  if (type === 3) return { type: "integer", format: "int64" };
  if (type === 5) return { type: "integer", format: "int32" };
  if (type === 8) return { type: "boolean" };
  if (type === 12) return { type: "string", format: "byte" };
  if (type === 1) return { type: "number", format: "double" };
  return { type: "string" };
}
