// Helpers of the tests that compare with a real API server's answers. For tests only.
import { isObject } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";
import { parseApiVersion } from "#model/object.ts";
import type { FieldError, PrepareContext, ResourceDefinition } from "../../contract.ts";
import { fieldErrorText } from "../../api/status.ts";
import { builtinResources } from "../definitions.ts";

type Fields = Record<string, unknown>;

export function definitionOf(object: KubernetesObject): ResourceDefinition {
  const { group, version } = parseApiVersion(object.apiVersion);
  const found = builtinResources().find(
    (item) =>
      item.group === group && item.version === version && item.kind === object.kind && item.verbs.includes("list"),
  );
  if (found === undefined) throw new Error(`no definition of ${object.apiVersion} ${object.kind}`);
  return found;
}

/** What the API does around `prepare`: status apart where the kind has the subresource. */
export function stored(object: KubernetesObject, context: PrepareContext): KubernetesObject {
  const definition = definitionOf(object);
  let current: KubernetesObject = { ...object, metadata: { ...object.metadata, uid: "UID" } };
  if (definition.subresources.includes("status") && !(object.kind === "Node" && context.operation === "create")) {
    const { status: _, ...rest } = current;
    current =
      context.operation === "create"
        ? rest
        : {
            ...rest,
            ...(context.old?.status === undefined ? {} : { status: context.old.status }),
          };
  }
  return definition.prepare?.(current, context) ?? current;
}

/** Addresses and ports that a cluster allocates are replaced; metadata that the API sets is left out. */
export function comparable(object: KubernetesObject): unknown {
  const metadata: Fields = { ...object.metadata };
  for (const key of ["generation", "namespace", "uid", "creationTimestamp"]) delete metadata[key];
  const copy: Fields = { ...object, metadata };
  // Not done here: both need a controller that takes them off again.
  if (object.kind.startsWith("PersistentVolume")) delete metadata.finalizers;
  // The real cluster's controller was quicker than the patch.
  if (object.kind === "Deployment") {
    copy.status = {};
    delete metadata.annotations;
  }
  if (object.kind === "Node" && isObject(object.spec)) copy.spec = { ...object.spec, taints: undefined };
  if (object.kind === "CertificateSigningRequest")
    copy.spec = { ...(object.spec as Fields), username: undefined, groups: undefined, uid: undefined };
  if (object.kind === "PersistentVolume")
    copy.status = { ...(object.status as Fields), lastPhaseTransitionTime: undefined };
  if (object.kind === "Service" && isObject(object.spec)) copy.spec = withoutAllocated(object.spec);
  return copy;
}

function withoutAllocated(spec: Fields): Fields {
  const copy = { ...spec };
  if (typeof copy.clusterIP === "string" && copy.clusterIP.startsWith("10.")) copy.clusterIP = "allocated";
  if (Array.isArray(copy.clusterIPs) && String(copy.clusterIPs[0]).startsWith("10.")) copy.clusterIPs = ["allocated"];
  if (Array.isArray(copy.ports)) {
    copy.ports = copy.ports.map((port: Fields) =>
      port.nodePort === undefined ? port : { ...port, nodePort: "allocated" },
    );
  }
  if (copy.healthCheckNodePort !== undefined) copy.healthCheckNodePort = "allocated";
  return copy;
}

export interface Refusal {
  readonly causes?: readonly { readonly field?: string; readonly message: string }[];
  readonly message: string;
}

/** The texts of a refusal's causes, or of our errors: both sorted, since the server's order is not its contract. */
export function causesOf(refusal: Refusal): string[] {
  return (refusal.causes ?? []).map((cause) => `${cause.field}: ${cause.message}`).sort();
}
export function textsOf(errors: readonly FieldError[]): string[] {
  return errors.map((error) => `${error.field}: ${fieldErrorText(error)}`).sort();
}

/** RFC 7386, for the cases' patches. */
export function mergePatch<T>(target: T, patch: unknown): T {
  if (!isObject(patch)) return patch as T;
  const result: Fields = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result as T;
}
