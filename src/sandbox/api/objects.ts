// From a parsed body to an object of one kind: the kind must be the path's, fields that it does not have are dropped
// and reported as the client asked, values of a wrong type refused.
import { isObject } from "#base/json.ts";
import { objectMetaType, type TypeSchema } from "#core/merge/schema.ts";
import { apiVersionOf, type KubernetesObject } from "#model/object.ts";
import type { ResourceDefinition } from "../contract.ts";
import { shape, type ShapeFindings } from "./decode.ts";
import { badRequest, invalid } from "./status.ts";

export type FieldValidation = "Strict" | "Warn" | "Ignore";

export interface ShapeOptions {
  readonly validation: FieldValidation;
  /** Fields that the body has twice. */
  readonly duplicates: readonly string[];
  warn(text: string): void;
  /** Whether some other kind of the cluster is called so. */
  isKind?(given: { readonly apiVersion: string; readonly kind: string }): boolean;
}

/** Reads the query's fieldValidation. Errors: Invalid. */
export function parseFieldValidation(text: string | null): FieldValidation {
  if (text === null || text === "") return "Warn";
  if (text === "Strict" || text === "Warn" || text === "Ignore") return text;
  const detail = 'supported values: "", "Ignore", "Strict", "Warn"';
  throw invalid({ group: "meta.k8s.io", kind: "CreateOptions" }, "", [
    { type: "Unsupported value", field: "fieldValidation", value: text, detail },
  ]);
}

/** The body as an object of the definition's kind. Errors: BadRequest. */
export function objectOf(value: unknown, definition: ResourceDefinition, options: ShapeOptions): KubernetesObject {
  if (!isObject(value)) {
    const message = "couldn't get version/kind; json parse error: json: cannot unmarshal into Go value of type struct";
    throw badRequest(`the object provided is unrecognized (must be of type ${definition.kind}): ${message}`);
  }
  const expected = apiVersionOf(definition);
  const apiVersion = value["apiVersion"] ?? expected;
  const kind = value["kind"] ?? definition.kind;
  if (apiVersion !== expected || kind !== definition.kind) {
    const given = { apiVersion: textOf(apiVersion), kind: textOf(kind) };
    throw badRequest(wrongKind(given, definition, options.isKind?.(given) ?? false));
  }
  const metadata = isObject(value["metadata"]) ? value["metadata"] : {};
  return shapeObject({ ...value, apiVersion: expected, kind: definition.kind, metadata }, definition, options);
}

function wrongKind(
  given: { apiVersion: string; kind: string },
  definition: ResourceDefinition,
  known: boolean,
): string {
  const version = given.apiVersion.slice(given.apiVersion.indexOf("/") + 1);
  const { group, kind } = definition;
  const handled = `${given.kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}`;
  if (known) {
    const from = `${version}.${given.kind}`;
    const to = `${group === "" ? "core" : group.split(".")[0]}.${kind}`;
    return `${handled}: converting (${from}) to (${to}): unknown conversion`;
  }
  const registered = `no kind ${JSON.stringify(given.kind)} is registered for version ${JSON.stringify(given.apiVersion)}`;
  return `${handled}: ${registered} in scheme "pkg/runtime/scheme.go:111"`;
}

/** Drops what the kind does not have, and says so as asked. Errors: BadRequest (strict, or a wrong type). */
export function shapeObject(
  object: KubernetesObject,
  definition: ResourceDefinition,
  options: ShapeOptions,
): KubernetesObject {
  const { type, kind } = definition;
  const { value, findings } =
    type === undefined
      ? { value: object, findings: none }
      : definition.custom === true
        ? shapeCustom(object, type, kind)
        : shape(object, type, { typed: true, kind });
  const handled = `${kind} in version ${JSON.stringify(definition.version)} cannot be handled as a ${kind}`;
  const [wrong] = findings.wrong;
  if (wrong !== undefined) throw badRequest(`${handled}: ${wrong}`);
  if (options.validation === "Ignore") return value as KubernetesObject;
  const problems = [
    ...findings.unknown.map((path) => `unknown field ${JSON.stringify(path)}`),
    ...options.duplicates.map((path) => `duplicate field ${JSON.stringify(path)}`),
  ];
  if (problems.length > 0 && options.validation === "Strict") {
    throw badRequest(`${handled}: strict decoding error: ${problems.join(", ")}`);
  }
  for (const problem of problems) options.warn(problem);
  return value as KubernetesObject;
}

const none: ShapeFindings = { unknown: [], wrong: [] };

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** A custom object's metadata is typed, the rest is checked later, by its own schema. */
function shapeCustom(object: KubernetesObject, type: TypeSchema, kind: string) {
  const body = shape(object, type, { typed: false, kind });
  const metadata = shape(object.metadata, objectMetaType, { typed: true, kind: "ObjectMeta" });
  const wrong = metadata.findings.wrong.map((text) => text.replace("ObjectMeta.", "ObjectMeta.metadata."));
  const unknown = [
    ...body.findings.unknown.filter((path) => !path.startsWith("metadata.")),
    ...metadata.findings.unknown.map((path) => `metadata.${path}`),
  ].sort();
  const value = { ...(body.value as KubernetesObject), metadata: metadata.value as KubernetesObject["metadata"] };
  return { value, findings: { unknown, wrong } };
}
