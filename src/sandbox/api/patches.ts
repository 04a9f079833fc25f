// PATCH: JSON patch, merge patch, strategic merge patch and server-side apply, each turned into one update (or, for
// apply, a create). The merging itself is core/merge's.
import { isObject, type Json, type JsonObject } from "#base/json.ts";
import { apiVersionOf, type KubernetesObject } from "#model/object.ts";
import type { ResourceDefinition } from "../contract.ts";
import { type Core, nowText, readObject, type WriteOptions } from "./core.ts";
import type { ApplyFailure } from "#core/merge/structured.ts";
import { applyJsonPatch, applyMergePatch, applyServerSide, applyStrategicPatch, conflictMessage } from "./merging.ts";
import { badRequest, conflict, invalid, modified, notFound, refusal, unsupportedMediaType } from "./status.ts";
import { createObject, fieldsOutOfReach, storeChange } from "./writes.ts";

export type PatchType = "json" | "merge" | "strategic" | "apply";

export interface PatchRequest {
  readonly type: PatchType;
  readonly body: unknown;
  /** For apply: take fields over from other managers. */
  readonly force?: boolean;
}

export interface PatchOptions extends WriteOptions {
  /** Drops and reports what the kind does not have; the patched object goes through it as a created one does. */
  shape?(object: KubernetesObject): KubernetesObject;
}

export const patchTypes: Readonly<Record<string, PatchType>> = {
  "application/json-patch+json": "json",
  "application/merge-patch+json": "merge",
  "application/strategic-merge-patch+json": "strategic",
  "application/apply-patch+yaml": "apply",
};

/** Patches an object; apply creates one that is not there. Errors: NotFound, Conflict, Invalid, BadRequest. */
export function patchObject(
  core: Core,
  definition: ResourceDefinition,
  key: { readonly namespace: string; readonly name: string },
  patch: PatchRequest,
  options: PatchOptions,
): { readonly object: KubernetesObject; readonly created: boolean } {
  const old = readObject(core, definition, key.namespace, key.name);
  if (patch.type === "apply")
    return applyObject(core, definition, { ...key, ...(old === undefined ? {} : { old }) }, patch, options);
  if (old === undefined) throw notFound(definition, key.name);
  const patched = patchedObject(definition, old, patch);
  const next = options.shape?.(patched) ?? patched;
  checkIdentity(definition, old, next);
  const rv = next.metadata.resourceVersion ?? "";
  if (rv !== "" && rv !== "0" && rv !== old.metadata.resourceVersion) throw conflict(definition, key.name, modified);
  return { object: storeChange(core, definition, { old, next }, options), created: false };
}

function patchedObject(definition: ResourceDefinition, old: KubernetesObject, patch: PatchRequest): KubernetesObject {
  const current = old as unknown as JsonObject;
  const result = patchedJson(definition, current, patch);
  if (!isObject(result) || !isObject(result["metadata"])) throw badRequest("the patched object is not a valid object");
  return result as unknown as KubernetesObject;
}

function patchedJson(definition: ResourceDefinition, current: JsonObject, { type, body }: PatchRequest): Json {
  if (type === "json") {
    if (!Array.isArray(body)) {
      throw badRequest("error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch");
    }
    const result = applyJsonPatch(current, body as JsonObject[]);
    if (result.ok) return result.value;
    throw refusal({
      code: 422,
      reason: "Invalid",
      message: "the server rejected our request due to an error in our request",
      details: { causes: [{ reason: "", message: result.error }] },
    });
  }
  if (!isObject(body)) {
    const got = Array.isArray(body) ? "array" : typeof body;
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${got} into Go value of type map[string]interface {}`,
    );
  }
  if (type === "merge") return applyMergePatch(current, body as JsonObject);
  if (definition.custom === true || definition.type === undefined) {
    throw unsupportedMediaType([
      "application/json-patch+json",
      "application/merge-patch+json",
      "application/apply-patch+yaml",
    ]);
  }
  const result = applyStrategicPatch(current, body as JsonObject, definition.type);
  if (result.ok) return result.value;
  throw badRequest(result.error);
}

function checkIdentity(definition: ResourceDefinition, old: KubernetesObject, next: KubernetesObject): void {
  const name = old.metadata.name ?? "";
  if (next.kind !== old.kind || next.apiVersion !== old.apiVersion) {
    throw badRequest(
      `${next.kind} in version ${JSON.stringify(next.apiVersion)} cannot be handled as a ${definition.kind}: the patch changes what the object is`,
    );
  }
  const wrongName = next.metadata.name !== old.metadata.name;
  if (!wrongName && next.metadata.uid === old.metadata.uid) return;
  const [field, value] = wrongName ? ["metadata.name", next.metadata.name] : ["metadata.uid", next.metadata.uid];
  throw invalid(definition, name, [{ type: "Invalid value", field, value, detail: "field is immutable" }]);
}

function applyObject(
  core: Core,
  definition: ResourceDefinition,
  key: { readonly namespace: string; readonly name: string; readonly old?: KubernetesObject },
  patch: PatchRequest,
  options: PatchOptions,
): { readonly object: KubernetesObject; readonly created: boolean } {
  const { old } = key;
  const applied = appliedObject(definition, key, patch.body);
  const shaped = options.shape?.(applied) ?? applied;
  const wantedRv = shaped.metadata.resourceVersion ?? "";
  const wantedUid = shaped.metadata.uid ?? "";
  if (old === undefined && wantedUid !== "") {
    throw conflict(
      definition,
      key.name,
      `uid mismatch: the provided object specified uid ${wantedUid}, and no existing object was found`,
    );
  }
  if (old !== undefined && wantedRv !== "" && wantedRv !== old.metadata.resourceVersion) {
    throw conflict(definition, key.name, modified);
  }
  const merged = applyServerSide({
    ...(old === undefined ? {} : { live: old }),
    applied: shaped,
    manager: options.manager,
    force: patch.force === true,
    ...(definition.type === undefined ? {} : { schema: definition.type }),
    time: nowText(core),
    ...(options.subresource === undefined ? {} : { subresource: options.subresource }),
    resetFields: fieldsOutOfReach(definition, shaped, options.subresource),
  });
  if (!merged.ok) {
    const name = key.namespace === "" ? key.name : `${key.namespace}/${key.name}`;
    throw applyFailure(definition, name, merged.error);
  }
  if (old !== undefined) {
    const change = { old, next: merged.value.object };
    return { object: storeChange(core, definition, change, { ...options, applied: true }), created: false };
  }
  if (options.subresource !== undefined) throw notFound(definition, key.name);
  const { resourceVersion: _, ...metadata } = merged.value.object.metadata;
  const object = createObject(
    core,
    definition,
    key.namespace,
    { ...merged.value.object, metadata },
    { ...options, applied: true },
  );
  return { object, created: true };
}

function appliedObject(
  definition: ResourceDefinition,
  key: { readonly namespace: string; readonly name: string },
  body: unknown,
): KubernetesObject {
  if (!isObject(body)) throw badRequest("error decoding YAML: the patch is not an object");
  const metadata = isObject(body["metadata"]) ? body["metadata"] : {};
  const apiVersion = body["apiVersion"];
  if (apiVersion !== apiVersionOf(definition) || body["kind"] !== definition.kind) {
    const got = `${String(apiVersion ?? "")}, Kind=${String(body["kind"] ?? "")}`;
    throw badRequest(
      `Incorrect version specified in apply patch. Specified patch version: ${got}, expected: ${apiVersionOf(definition)}, Kind=${definition.kind}`,
    );
  }
  if (metadata["managedFields"] !== undefined && metadata["managedFields"] !== null) {
    throw badRequest("metadata.managedFields must be nil");
  }
  const name = metadata["name"] ?? key.name;
  if (name !== key.name) {
    throw badRequest(`the name of the object (${String(name)}) does not match the name on the URL (${key.name})`);
  }
  const namespace = metadata["namespace"] ?? key.namespace;
  if (definition.namespaced && namespace !== key.namespace) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  const place = definition.namespaced ? { namespace: key.namespace } : {};
  return { ...body, metadata: { ...metadata, name: key.name, ...place } } as unknown as KubernetesObject;
}

function applyFailure(definition: ResourceDefinition, name: string, failure: ApplyFailure) {
  const { conflicts, invalid = [] } = failure;
  if (conflicts.length === 0) {
    const message = `failed to create typed patch object (${name}; ${apiVersionOf(definition)}, Kind=${definition.kind}): ${invalid.join("\n")}`;
    return refusal({ code: 500, reason: "", message });
  }
  const causes = conflicts.map(({ cause, field }) => ({ reason: "FieldManagerConflict", message: cause, field }));
  return refusal({ code: 409, reason: "Conflict", message: conflictMessage(conflicts), details: { causes } });
}
