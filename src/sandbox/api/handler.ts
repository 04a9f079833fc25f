// One request of the resource API, from its path to its answer: finds the kind, checks the method, reads options and
// body, calls the rule that does the work. No sockets here: server.ts brings bytes and takes the answer.
import { isObject } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";
import { ApiError, type ResourceDefinition, type Subresource } from "../contract.ts";
import {
  answer,
  type ApiAnswer,
  type ApiRequest,
  bodyObject,
  type Call,
  existing,
  named,
  placed,
  plainAnswer,
  runPatch,
  writeOptions,
} from "./call.ts";
import { type Core, readObject } from "./core.ts";
import { parseText } from "./decode.ts";
import { deleteAnswer, deleteObject, parseDeleteOptions } from "./deletes.ts";
import { type FormOptions, listText } from "./forms.ts";
import { listObjects, parseListOptions } from "./lists.ts";
import { isSet, negotiate } from "./request.ts";
import { reviewOf } from "./reviews.ts";
import { methodNotAllowed, noSuchResource, notFound, refusal } from "./status.ts";
import { subresourceRequest } from "./subresources.ts";
import { createObject, updateObject } from "./writes.ts";

const deprecatedBuiltins: Readonly<Record<string, string>> = {
  "/endpoints": "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
  "/componentstatuses": "v1 ComponentStatus is deprecated in v1.19+",
};

/** Answers one request. Errors: ApiError. */
export function handle(core: Core, request: ApiRequest): ApiAnswer {
  const { path } = request;
  const definition = core.kinds.find(path.group, path.version, path.plural);
  if (definition === undefined) {
    if (core.kinds.hasVersion(path.group, path.version)) throw noSuchResource();
    return { code: 404, plain: "404 page not found\n" };
  }
  if (definition.namespaced ? path.name !== undefined && path.namespace === undefined : path.namespace !== undefined) {
    if (definition.custom === true) return { code: 404, plain: "404 page not found\n" };
    throw noSuchResource();
  }
  const warnings: string[] = [];
  const call: Call = {
    core,
    request,
    definition,
    namespace: path.namespace ?? "",
    name: path.name ?? "",
    form: formOf(core, request),
    warnings,
    warn: (text) => {
      if (!warnings.includes(text)) warnings.push(text);
    },
  };
  const deprecation = definition.deprecation ?? deprecatedBuiltins[`${definition.group}/${definition.plural}`];
  if (deprecation !== undefined) call.warn(deprecation);
  if (path.subresource !== undefined) {
    if (!definition.subresources.includes(path.subresource as Subresource)) {
      throw definition.custom === true ? notFound(definition, call.name) : noSuchResource();
    }
    return subresourceRequest(call, path.subresource as Subresource);
  }
  const review = request.method === "POST" && path.name === undefined ? reviewOf(call) : undefined;
  if (review !== undefined) return review;
  return path.name === undefined ? collectionRequest(call) : itemRequest(call);
}

function formOf(core: Core, request: ApiRequest): FormOptions {
  const collection = request.path.name === undefined;
  const form = negotiate(request.header("accept"), ["table", "partial"], request.method === "GET" && collection);
  const include = request.query.get("includeObject");
  const includeObject = include === "None" || include === "Object" ? include : "Metadata";
  return { form, includeObject, nowMs: core.clock.now() };
}

function collectionRequest(call: Call): ApiAnswer {
  const { request, definition } = call;
  switch (request.method) {
    case "GET":
      if (request.path.watch === true || isSet(request.query.get("watch"))) return watch(call);
      requireVerb(definition, "list");
      return list(call);
    case "POST":
      requireVerb(definition, "create");
      if (definition.namespaced && request.path.namespace === undefined) throw methodNotAllowed("", definition);
      return create(call);
    case "DELETE":
      requireVerb(definition, "deletecollection");
      if (definition.namespaced && request.path.namespace === undefined) throw methodNotAllowed("", definition);
      return deleteCollection(call);
    default:
      throw methodNotAllowed("", definition);
  }
}

function itemRequest(call: Call): ApiAnswer {
  const { request, definition } = call;
  switch (request.method) {
    case "GET":
      if (request.path.watch === true || isSet(request.query.get("watch"))) return watch(call);
      requireVerb(definition, "get");
      if (call.form.form.list === true) throw wrongPartial(definition, false);
      return answer(call, 200, existing(call));
    case "PUT":
      requireVerb(definition, "update");
      return update(call);
    case "PATCH":
      requireVerb(definition, "patch");
      return patch(call);
    case "DELETE":
      requireVerb(definition, "delete");
      return remove(call);
    default:
      throw methodNotAllowed("", definition);
  }
}

function requireVerb(definition: ResourceDefinition, verb: string): void {
  if (!definition.verbs.includes(verb)) throw methodNotAllowed("", definition);
}

function list(call: Call): ApiAnswer {
  const { core, request, definition, form, warnings } = call;
  const options = parseListOptions(request.query, definition, request.path, false);
  if (form.form.list === false) throw wrongPartial(definition, true);
  const { objects, meta } = listObjects(core, definition, options);
  return { code: 200, text: listText(objects, definition, form, meta), form: form.form, warnings };
}

function wrongPartial({ group, kind, listKind }: ResourceDefinition, isList: boolean) {
  const internal = `*${group === "" ? "core" : group.split(".")[0]}.${isList ? listKind : kind}`;
  const message = isList
    ? `you requested PartialObjectMetadata, but the requested object is a list (${internal})`
    : `you requested PartialObjectMetadataList, but the requested object is not a list (${internal})`;
  return refusal({ code: 406, reason: "NotAcceptable", message });
}

function watch(call: Call): ApiAnswer {
  const { request, definition, form } = call;
  requireVerb(definition, "watch");
  const options = parseListOptions(request.query, definition, request.path, true);
  return { watch: { definition, list: options, form } };
}

function create(call: Call): ApiAnswer {
  const { core, definition, namespace } = call;
  const object = createObject(core, definition, namespace, placed(call, bodyObject(call)), writeOptions(call));
  return answer(call, 201, object);
}

/** Kinds that a PUT may create (Kubernetes: AllowCreateOnUpdate). */
const createdByUpdate = new Set(["/endpoints", "/events", "coordination.k8s.io/leases", "/limitranges"]);

function update(call: Call): ApiAnswer {
  const { core, definition, namespace } = call;
  const object = named(call, placed(call, bodyObject(call)));
  const absent = readObject(core, definition, namespace, call.name) === undefined;
  if (absent && createdByUpdate.has(`${definition.group}/${definition.plural}`)) {
    return answer(call, 201, createObject(core, definition, namespace, object, writeOptions(call)));
  }
  return answer(call, 200, updateObject(core, definition, namespace, object, writeOptions(call)));
}

function patch(call: Call): ApiAnswer {
  const { object, created } = runPatch(call);
  return answer(call, created ? 201 : 200, object);
}

function remove(call: Call): ApiAnswer {
  const { core, definition, namespace, name } = call;
  const options = deleteOptionsOf(call);
  const deleted = deleteObject(core, definition, { namespace, name }, options);
  const accepted = !deleted.gone && options.propagationPolicy !== undefined && options.propagationPolicy !== "Orphan";
  const code = accepted && isLegacyBackground(call) ? 202 : 200;
  const value = deleteAnswer(definition, deleted);
  if (isObject(value) && value["kind"] === "Status") return plainAnswer(call, code, value);
  return answer(call, code, value as KubernetesObject);
}

function isLegacyBackground({ request }: Call): boolean {
  return request.query.get("orphanDependents") === "false" || request.body.includes('"orphanDependents":false');
}

function deleteOptionsOf(call: Call) {
  const { request } = call;
  const { query } = request;
  const body = request.body === "" ? undefined : parseText(request.body, "json", false).value;
  if (isObject(body) && Object.keys(body).length > 0) {
    const options = parseDeleteOptions(body);
    return query.getAll("dryRun").includes("All") ? { ...options, dryRun: true } : options;
  }
  const grace = query.get("gracePeriodSeconds");
  return parseDeleteOptions({
    ...(query.get("propagationPolicy") === null ? {} : { propagationPolicy: query.get("propagationPolicy") }),
    ...(query.get("orphanDependents") === null ? {} : { orphanDependents: isSet(query.get("orphanDependents")) }),
    ...(grace === null ? {} : { gracePeriodSeconds: Number(grace) }),
    ...(query.has("dryRun") ? { dryRun: query.getAll("dryRun") } : {}),
  });
}

function deleteCollection(call: Call): ApiAnswer {
  const { core, request, definition, form, warnings } = call;
  const options = deleteOptionsOf(call);
  const selected = parseListOptions(request.query, definition, request.path, false);
  const { objects, meta } = listObjects(core, definition, selected);
  for (const { metadata } of objects) {
    const key = { namespace: metadata.namespace ?? "", name: metadata.name ?? "" };
    try {
      deleteObject(core, definition, key, options);
    } catch (error) {
      // Deleting one can take another with it.
      if (!(error instanceof ApiError) || error.code !== 404) throw error;
    }
  }
  return { code: 200, text: listText(objects, definition, form, meta), form: form.form, warnings };
}
