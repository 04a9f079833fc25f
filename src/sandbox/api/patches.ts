// PATCH: JSON patch, merge patch, strategic merge patch and server-side apply, each turned into one update (or, for
// apply, a create). The merging itself is core/merge's.
import { isObject, type Json, type JsonObject, stringAt } from "#base/json.ts";
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
      throw badRequest(
        "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp",
      );
    }
    const result = applyJsonPatch(current, body as JsonObject[]);
    if (result.ok) return result.value;
    throw refusal({
      code: 422,
      reason: "Invalid",
      message: "the server rejected our request due to an error in our request",
      details: {},
    });
  }
  if (!isObject(body)) {
    const got = Array.isArray(body) ? "array" : typeof body;
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${got} into Go value of type map[string]interface {}`,
    );
  }
  if (type === "merge") return applyMergePatch(current, body);
  if (definition.custom === true || definition.type === undefined) {
    throw unsupportedMediaType([
      "application/json-patch+json",
      "application/merge-patch+json",
      "application/apply-patch+yaml",
    ]);
  }
  const result = applyStrategicPatch(current, body, definition.type);
  if (result.ok) return result.value;
  throw refusal({ code: 500, reason: "", message: result.error });
}

function checkIdentity(definition: ResourceDefinition, old: KubernetesObject, next: KubernetesObject): void {
  const name = old.metadata.name ?? "";
  if (next.kind !== old.kind || next.apiVersion !== old.apiVersion) {
    throw badRequest(
      `${next.kind} in version ${JSON.stringify(next.apiVersion)} cannot be handled as a ${definition.kind}: the patch changes what the object is`,
    );
  }
  const given = next.metadata.name ?? "";
  if (given !== name)
    throw badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`);
  if (next.metadata.namespace !== old.metadata.namespace) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  if (next.metadata.uid === old.metadata.uid || next.metadata.uid === undefined) return;
  throw invalid(definition, name, [
    { type: "Invalid value", field: "metadata.uid", value: next.metadata.uid, detail: "field is immutable" },
  ]);
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
  const wantedRv = applied.metadata.resourceVersion ?? "";
  const wantedUid = applied.metadata.uid ?? "";
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
    applied,
    manager: options.manager,
    force: patch.force === true,
    ...(definition.type === undefined ? {} : { schema: definition.type }),
    time: nowText(core),
    ...(options.subresource === undefined ? {} : { subresource: options.subresource }),
    resetFields: fieldsOutOfReach(definition, applied, options.subresource),
  });
  if (!merged.ok) {
    const given = isObject(patch.body) ? stringAt(patch.body, "metadata", "namespace") : undefined;
    throw applyFailure(definition, `${given ?? ""}/${key.name}`, merged.error);
  }
  const object = options.shape?.(merged.value.object) ?? merged.value.object;
  if (old !== undefined) {
    const change = { old, next: object };
    return { object: storeChange(core, definition, change, { ...options, applied: true }), created: false };
  }
  if (options.subresource !== undefined) throw notFound(definition, key.name);
  const { resourceVersion: _, ...metadata } = object.metadata;
  const created = { ...object, metadata };
  return {
    object: createObject(core, definition, key.namespace, created, { ...options, applied: true }),
    created: true,
  };
}

function appliedObject(
  definition: ResourceDefinition,
  key: { readonly namespace: string; readonly name: string },
  body: unknown,
): KubernetesObject {
  if (!isObject(body)) throw badRequest("error decoding YAML: the patch is not an object");
  const metadata = isObject(body["metadata"]) ? body["metadata"] : {};
  const apiVersion = stringAt(body, "apiVersion") ?? "";
  const kind = stringAt(body, "kind") ?? "";
  if (apiVersion === "" || kind === "") {
    const [group, version] = apiVersion.includes("/") ? apiVersion.split("/") : ["", apiVersion];
    throw badRequest(`invalid object type: ${group}/${version}, Kind=${kind}`);
  }
  if (apiVersion !== apiVersionOf(definition) || kind !== definition.kind) {
    const expected = `${apiVersionOf(definition)}, Kind=${definition.kind}`;
    throw badRequest(
      `Incorrect version specified in apply patch. Specified patch version: ${apiVersion}, Kind=${kind}, expected: ${expected}`,
    );
  }
  if (metadata["managedFields"] !== undefined && metadata["managedFields"] !== null) {
    throw badRequest("metadata.managedFields must be nil");
  }
  const name = stringAt(metadata, "name") ?? "";
  if (name === "") {
    throw badRequest(`the name of the object (${key.name} based on URL) was undeterminable: name must be provided`);
  }
  if (name !== key.name) {
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${key.name})`);
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
