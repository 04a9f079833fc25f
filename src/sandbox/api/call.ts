// What the steps of one request share: the request, its answer, reading bodies and options. No decisions about verbs.
import { isObject } from "#base/json.ts";
import { type KubernetesObject, parseApiVersion } from "#model/object.ts";
import { ApiError, type ResourceDefinition } from "../contract.ts";
import type { User } from "./access.ts";
import { type Core, readObject } from "./core.ts";
import { parseText } from "./decode.ts";
import { type FormOptions, objectText } from "./forms.ts";
import { objectOf, parseFieldValidation, shapeObject } from "./objects.ts";
import { patchObject, patchTypes } from "./patches.ts";
import { type AcceptedForm, isSet, type ResourcePath } from "./request.ts";
import { badRequest, invalid, notFound, refusal, unsupportedMediaType } from "./status.ts";
import type { WatchRequest } from "./watch.ts";

export interface ApiRequest {
  readonly method: string;
  readonly path: ResourcePath;
  readonly query: URLSearchParams;
  readonly header: (name: string) => string | undefined;
  readonly body: string;
  readonly user: User;
}

export type ApiAnswer =
  | { readonly code: number; readonly text: string; readonly form: AcceptedForm; readonly warnings: readonly string[] }
  | { readonly watch: WatchRequest }
  | {
      readonly code: number;
      readonly plain: string;
      /** Keeps the answer open until it calls back; returns how to stop waiting. */
      readonly until?: (end: () => void) => () => void;
    };

/** What every step below works with. */
export interface Call {
  readonly core: Core;
  readonly request: ApiRequest;
  readonly definition: ResourceDefinition;
  readonly namespace: string;
  readonly name: string;
  readonly form: FormOptions;
  readonly warnings: string[];
  readonly warn: (text: string) => void;
}

export function existing({ core, definition, namespace, name }: Call): KubernetesObject {
  const object = readObject(core, definition, namespace, name);
  if (object === undefined) throw notFound(definition, name);
  return object;
}

export function answer(call: Call, code: number, object: KubernetesObject): ApiAnswer {
  const { form, definition, warnings } = call;
  return { code, text: objectText(object, definition, form), form: form.form, warnings };
}

/** An answer that is not an object of the path's kind. */
export function plainAnswer({ form, warnings }: Call, code: number, value: unknown): ApiAnswer {
  return { code, text: JSON.stringify(value), form: { ...form.form, as: "object" }, warnings };
}

export function writeOptions(call: Call) {
  const { request } = call;
  const dryRun = request.query.getAll("dryRun");
  const bad = dryRun.find((value) => value !== "All" && value !== "");
  if (bad !== undefined) {
    const detail = 'supported values: "All"';
    throw invalid({ group: "meta.k8s.io", kind: "CreateOptions" }, "", [
      { type: "Unsupported value", field: "dryRun", value: dryRun, detail },
    ]);
  }
  return { manager: managerOf(request), dryRun: dryRun.includes("All"), warn: call.warn };
}

const maxManagerLength = 128;

/** Who writes: the query's fieldManager, else the program at the head of User-Agent. */
function managerOf(request: ApiRequest): string {
  const named = request.query.get("fieldManager") ?? "";
  if (named.length > maxManagerLength) {
    const detail = `may not be more than ${maxManagerLength} bytes`;
    throw invalid({ group: "meta.k8s.io", kind: "PatchOptions" }, "", [
      { type: "Too long", field: "fieldManager", detail },
    ]);
  }
  if (named !== "") return named;
  const agent = request.header("user-agent") ?? "";
  return agent.split("/")[0]?.slice(0, maxManagerLength) || "unknown";
}

const read = new Set(["", "*/*", "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"]);
const readMediaTypes = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];

/** The body as an object of the path's kind. */
export function bodyObject(call: Call, definition: ResourceDefinition = call.definition): KubernetesObject {
  const { request, warn } = call;
  const type = mediaType(request);
  if (!read.has(type)) throw unsupportedMediaType(readMediaTypes);
  const validation = parseFieldValidation(request.query.get("fieldValidation"));
  const format = type === "application/yaml" ? "yaml" : "json";
  const { value, duplicates } = parseBody(call, format, definition.kind);
  const isKind = (given: { apiVersion: string; kind: string }): boolean => {
    const { group, version } = parseApiVersion(given.apiVersion);
    return call.core.kinds.inVersion(group, version).some((each) => each.kind === given.kind);
  };
  return objectOf(value, definition, { validation, duplicates, warn, isKind });
}

/** The body as it came: subresources have bodies of other kinds. Undefined where there is none. */
export function rawBody(call: Call): unknown {
  const { body } = call.request;
  if (body === "") return undefined;
  return parseBody(call, mediaType(call.request).endsWith("yaml") ? "yaml" : "json", call.definition.kind).value;
}

function parseBody({ request }: Call, format: "json" | "yaml", kind: string) {
  const { body } = request;
  const lookForDuplicates = request.query.get("fieldValidation") !== "Ignore";
  try {
    return parseText(body, format, lookForDuplicates);
  } catch (error) {
    if (format === "yaml") throw error;
    const shown = body === "" ? "<empty>" : body.length > 30 ? `${body.slice(0, 30)} ...` : body;
    const why = body === "" ? "unexpected end of JSON input" : (error as Error).message;
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; json parse error: ${why} (${shown})`,
    );
  }
}

export function mediaType(request: ApiRequest): string {
  return (request.header("content-type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
}

/** The body's place must be the path's: an absent namespace is filled in, another one refused. */
export function placed(call: Call, object: KubernetesObject): KubernetesObject {
  const { definition, namespace } = call;
  const given = object.metadata.namespace ?? "";
  if (given !== "" && given !== namespace) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  if (!definition.namespaced || given === namespace) return object;
  return { ...object, metadata: { ...object.metadata, namespace } };
}

/** The body's name must be the path's. */
export function named(call: Call, object: KubernetesObject): KubernetesObject {
  const { name = "" } = object.metadata;
  if (name === call.name) return object;
  if (name === "")
    throw badRequest(`the name of the object (${call.name} based on URL) was undeterminable: name must be provided`);
  throw badRequest(`the name of the object (${name}) does not match the name on the URL (${call.name})`);
}

/** Runs a PATCH of the object or of one of its subresources. */
export function runPatch(call: Call, subresource?: string): { object: KubernetesObject; created: boolean } {
  const { core, request, definition, namespace, name, warn } = call;
  const type = patchTypes[mediaType(request)];
  if (type === undefined) {
    throw refusal({ code: 415, reason: "UnsupportedMediaType", message: "415: Unsupported Media Type", details: {} });
  }
  const { value, duplicates } = parsePatch(request.body, type === "apply");
  const options = writeOptions(call);
  if (type === "apply" && (request.query.get("fieldManager") ?? "") === "") {
    throw invalid({ group: "meta.k8s.io", kind: "PatchOptions" }, "", [
      { type: "Required value", field: "fieldManager", detail: "is required for apply patch" },
    ]);
  }
  if (type !== "apply" && request.query.has("force")) {
    throw invalid({ group: "meta.k8s.io", kind: "PatchOptions" }, "", [
      { type: "Forbidden", field: "force", detail: "may not be specified for non-apply patch" },
    ]);
  }
  const validation = parseFieldValidation(request.query.get("fieldValidation"));
  return patchObject(
    core,
    definition,
    { namespace, name },
    { type, body: value, force: isSet(request.query.get("force")) },
    {
      ...options,
      ...(subresource === undefined ? {} : { subresource }),
      // What an apply may not name, the merge refuses by itself.
      shape: (object) => {
        if (type === "apply") return shapeObject(object, definition, { validation: "Ignore", duplicates, warn });
        try {
          return shapeObject(object, definition, { validation, duplicates, warn });
        } catch (error) {
          const shown = type === "strategic" ? goText(value) : JSON.stringify(object);
          throw error instanceof ApiError ? badPatch(shown, error) : error;
        }
      },
    },
  );
}

/** A value as Go prints maps and lists: `map[a:1 b:[x y]]`. */
function goText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goText).join(" ")}]`;
  if (value === null) return "<nil>";
  if (!isObject(value)) return typeof value === "string" ? value : JSON.stringify(value);
  const parts = Object.keys(value)
    .sort()
    .map((key) => `${key}:${goText(value[key])}`);
  return `map[${parts.join(" ")}]`;
}

/** A patch whose result is no object of the kind is answered as an invalid patch, with all of the result. */
function badPatch(shown: string, error: ApiError): ApiError {
  const detail = error.message.replace(/^.* cannot be handled as a [^:]*: /, "");
  return invalid({ group: "", kind: "" }, "", [{ type: "Invalid value", field: "patch", value: shown, detail }]);
}

function parsePatch(body: string, yaml: boolean) {
  try {
    return parseText(body, yaml ? "yaml" : "json", true);
  } catch (error) {
    if (!yaml) throw badRequest("invalid JSON patch");
    throw badRequest(`error decoding YAML: ${(error as Error).message}`);
  }
}
