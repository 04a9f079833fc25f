// Changes of one live object of an application's tree, as somebody asks for them by hand: patching and deleting. Names and
// semantics follow Argo CD's PatchResource and DeleteResource.
import { DriftlessError, toError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { ApplicationController } from "#controllers/application/controller.ts";
import { maskSecrets } from "#core/compare/mask.ts";
import type { DeleteOptions, PatchType } from "#kube/types.ts";
import { displayKey } from "#model/object.ts";
import { readJson } from "../../bodies.ts";
import { clusterOf, type ObjectName } from "./objects.ts";
import type { AppRef } from "../queries.ts";
import type { ApplicationService } from "../service.ts";

export interface ResourceWriteDeps {
  readonly controller: ApplicationController;
}

interface Asked extends ObjectName {
  readonly ref: AppRef;
}

const fieldManager = "argocd-server";

const patchTypes: Readonly<Record<string, PatchType>> = {
  "": "merge",
  json: "json",
  merge: "merge",
  strategic: "strategic",
  apply: "apply",
  "application/json-patch+json": "json",
  "application/merge-patch+json": "merge",
  "application/strategic-merge-patch+json": "strategic",
  "application/apply-patch+yaml": "apply",
};

/** The object as JSON after the patch, secrets masked. Errors: INVALID_ARGUMENT, NOT_FOUND, FAILED_PRECONDITION, the cluster's. */
export async function patchResource(
  op: Op,
  service: ApplicationService,
  deps: ResourceWriteDeps,
  asked: Asked & { readonly patch?: string; readonly patchType?: string },
): Promise<string> {
  const type = patchTypes[asked.patchType ?? ""];
  if (!type)
    throw new DriftlessError("INVALID_ARGUMENT", `patch type ${JSON.stringify(asked.patchType)} is not supported`, {
      details: { field: "patchType" },
    });
  const body = readJson(asked.patch ?? "", "patch");
  if ((type === "json") !== Array.isArray(body))
    throw new DriftlessError("INVALID_ARGUMENT", `patch: ${type === "json" ? "a list" : "an object"} is expected`, {
      details: { field: "patch" },
    });
  const { cluster, kind, at, shown } = found(service, deps, asked);
  const written = await cluster.client
    .patch(op, kind, at, { type, body }, { fieldManager, ...(type === "apply" ? { force: true } : {}) })
    .catch((thrown: unknown) => {
      throw gone(thrown, shown);
    });
  cluster.cache.observe(written);
  const { managedFields: _managed, ...metadata } = written.metadata;
  const live = { ...written, metadata };
  return JSON.stringify(maskSecrets({ live }, deps.controller.maskedAnnotations).live);
}

/**
 * Deletes the object, in the foreground unless `force` (at once, without grace) or `orphan` (leaving what it owns) is asked
 * for. One that has taken its name meanwhile stays. Errors: NOT_FOUND, FAILED_PRECONDITION, CONFLICT, the cluster's.
 */
export async function deleteResource(
  op: Op,
  service: ApplicationService,
  deps: ResourceWriteDeps,
  asked: Asked & { readonly force?: boolean; readonly orphan?: boolean },
): Promise<void> {
  const { cluster, kind, at, uid } = found(service, deps, asked);
  const how: DeleteOptions = asked.orphan
    ? { propagationPolicy: "Orphan" }
    : asked.force
      ? { propagationPolicy: "Background", gracePeriodSeconds: 0 }
      : { propagationPolicy: "Foreground" };
  await cluster.client.delete(op, kind, at, { ...how, uid });
}

function found(service: ApplicationService, deps: ResourceWriteDeps, asked: Asked) {
  const { ref, group = "", kind: kindName = "", namespace = "", resourceName: name = "" } = asked;
  const node = service.resources.node(ref, { group, kind: kindName, namespace, name });
  const shown = displayKey({ group, kind: kindName, namespace, name });
  if (!node.uid) throw new DriftlessError("NOT_FOUND", `${shown} does not exist on the cluster`);
  const cluster = clusterOf(deps, service.queries.find(ref));
  const kind = cluster.typeOf({ group, version: node.version, kind: kindName });
  if (!kind) throw new DriftlessError("FAILED_PRECONDITION", `the cluster does not know the kind of ${shown}`);
  return { cluster, kind, at: { name, ...(namespace ? { namespace } : {}) }, uid: node.uid, shown };
}

function gone(thrown: unknown, shown: string): DriftlessError {
  const error = toError(thrown);
  return error.code === "NOT_FOUND"
    ? new DriftlessError("NOT_FOUND", `${shown} does not exist on the cluster`, { cause: thrown })
    : error;
}
