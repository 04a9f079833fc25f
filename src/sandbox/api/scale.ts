// The scale subresource: any kind with replicas, seen as an autoscaling/v1 Scale.
import { at, isObject, type JsonObject, numberAt, stringAt } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { ScalePaths } from "../contract.ts";
import { type ApiAnswer, type Call, existing, mediaType, plainAnswer, rawBody, writeOptions } from "./call.ts";
import { applyJsonPatch, applyMergePatch } from "./merging.ts";
import { patchTypes } from "./patches.ts";
import { badRequest, conflict, invalid, methodNotAllowed, modified, noSuchResource, refusal } from "./status.ts";
import { storeChange } from "./writes.ts";

/** GET, PUT and PATCH of an object's scale. Errors: ApiError. */
export function scaleRequest(call: Call): ApiAnswer {
  const { request, definition } = call;
  const { scale } = definition;
  if (scale === undefined) throw noSuchResource();
  const old = existing(call);
  switch (request.method) {
    case "GET":
      return plainAnswer(call, 200, scaleOf(old, scale));
    case "PUT":
      return write(call, old, scale, rawBody(call));
    case "PATCH":
      return write(call, old, scale, patched(call, scaleOf(old, scale)));
    default:
      throw methodNotAllowed("", definition);
  }
}

function patched(call: Call, current: JsonObject): unknown {
  const type = patchTypes[mediaType(call.request)];
  if (type === undefined) {
    throw refusal({ code: 415, reason: "UnsupportedMediaType", message: "415: Unsupported Media Type", details: {} });
  }
  const body = rawBody(call);
  if (type !== "json") return applyMergePatch(current, body as JsonObject);
  if (!Array.isArray(body)) throw badRequest("error decoding patch: json: cannot unmarshal object");
  const result = applyJsonPatch(current, body as JsonObject[]);
  if (result.ok) return result.value;
  const message = "the server rejected our request due to an error in our request";
  throw refusal({ code: 422, reason: "Invalid", message, details: {} });
}

function write(call: Call, old: KubernetesObject, scale: ScalePaths, wanted: unknown): ApiAnswer {
  const { core, definition, name } = call;
  const given = stringAt(wanted, "metadata", "name") ?? "";
  if (given === "") {
    throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  }
  const rv = stringAt(wanted, "metadata", "resourceVersion") ?? "";
  if (rv !== "" && rv !== old.metadata.resourceVersion) throw conflict(definition, name, modified);
  const replicas = numberAt(wanted, "spec", "replicas") ?? 0;
  if (replicas < 0 || !Number.isInteger(replicas)) {
    const detail = "must be greater than or equal to 0";
    throw invalid({ group: "autoscaling", kind: "Scale" }, name, [
      { type: "Invalid value", field: "spec.replicas", value: replicas, detail },
    ]);
  }
  const next = withValue(old, stepsOf(scale.specReplicasPath), replicas) as KubernetesObject;
  const stored = storeChange(core, definition, { old, next }, { ...writeOptions(call), subresource: "scale" });
  return plainAnswer(call, 200, scaleOf(stored, scale));
}

function scaleOf(object: KubernetesObject, paths: ScalePaths) {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const replicas = numberAt(object, ...stepsOf(paths.specReplicasPath)) ?? 0;
  const selector =
    paths.labelSelectorPath === undefined ? "" : selectorText(at(object, ...stepsOf(paths.labelSelectorPath)));
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: replicas === 0 ? {} : { replicas },
    status: {
      replicas: numberAt(object, ...stepsOf(paths.statusReplicasPath)) ?? 0,
      ...(selector === "" ? {} : { selector }),
    },
  };
}

function stepsOf(path: string): string[] {
  return path.split(".").filter((step) => step !== "");
}

function withValue(value: unknown, [step, ...rest]: readonly string[], leaf: number): unknown {
  if (step === undefined) return leaf;
  const object = isObject(value) ? value : {};
  return { ...object, [step]: withValue(object[step], rest, leaf) };
}

/** A label selector as text: `a=b,c in (d,e)`. Plain maps and texts are taken too. */
function selectorText(selector: unknown): string {
  if (typeof selector === "string") return selector;
  if (!isObject(selector)) return "";
  const structured = isObject(selector["matchLabels"]) || Array.isArray(selector["matchExpressions"]);
  const labels = structured ? selector["matchLabels"] : selector;
  const parts = Object.entries(isObject(labels) ? labels : {}).map(([key, value]) => `${key}=${textOf(value)}`);
  const expressions = structured && Array.isArray(selector["matchExpressions"]) ? selector["matchExpressions"] : [];
  for (const expression of expressions) parts.push(expressionText(expression));
  return parts.sort().join(",");
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function expressionText(expression: unknown): string {
  const key = stringAt(expression, "key") ?? "";
  const values = at(expression, "values");
  const list = `(${(Array.isArray(values) ? values : []).map(String).sort().join(",")})`;
  switch (stringAt(expression, "operator")) {
    case "In":
      return `${key} in ${list}`;
    case "NotIn":
      return `${key} notin ${list}`;
    case "DoesNotExist":
      return `!${key}`;
    default:
      return key;
  }
}
