// The built-in kinds as ResourceDefinitions, made from the facts, the defaults, the validation and the tables.
import { at } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { PrepareContext, ResourceDefinition, ScalePaths, Subresource } from "../contract.ts";
import { convertAutoscaler } from "./autoscaling.ts";
import { prepareKind } from "./defaults/kinds.ts";
import { typeDefaults } from "./defaults/types.ts";
import { compileDefaults } from "./defaults/walk.ts";
import type { RootDefaulter } from "./defaults/walk.ts";
import { facts, typeNameOf, typePrefix } from "./facts.ts";
import type { ResourceFacts } from "./facts.ts";
import { componentsOf } from "./openapi.ts";
import { builtinTable } from "./tables/builtin.ts";
import { BuiltinTypes } from "./types.ts";
import { validateBuiltin } from "./validation/index.ts";

/** Subresources that the sandbox serves; others (proxy, exec, …) are left out of its discovery. */
const served: ReadonlySet<string> = new Set<Subresource>([
  "status",
  "scale",
  "binding",
  "eviction",
  "log",
  "token",
  "finalize",
  "approval",
]);

const nameRules: Readonly<Record<string, ResourceDefinition["nameRule"]>> = {
  "/Namespace": "label",
  "/Service": "service",
  "rbac.authorization.k8s.io/Role": "path",
  "rbac.authorization.k8s.io/RoleBinding": "path",
  "rbac.authorization.k8s.io/ClusterRole": "path",
  "rbac.authorization.k8s.io/ClusterRoleBinding": "path",
};

const scalePaths: ScalePaths = {
  specReplicasPath: ".spec.replicas",
  statusReplicasPath: ".status.replicas",
  labelSelectorPath: ".spec.selector",
};

/** Kinds that have a status but no generation. */
const withoutGeneration = new Set([
  "/Namespace",
  "/Node",
  "/PersistentVolume",
  "/PersistentVolumeClaim",
  "/ResourceQuota",
  "/Service",
  "apiregistration.k8s.io/APIService",
  "certificates.k8s.io/CertificateSigningRequest",
]);
/** Kinds without a status whose generation counts. */
const withGeneration = new Set([
  "/PodTemplate",
  "admissionregistration.k8s.io/MutatingAdmissionPolicy",
  "admissionregistration.k8s.io/MutatingAdmissionPolicyBinding",
  "admissionregistration.k8s.io/MutatingWebhookConfiguration",
  "admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding",
  "admissionregistration.k8s.io/ValidatingWebhookConfiguration",
  "discovery.k8s.io/EndpointSlice",
  "networking.k8s.io/IngressClass",
  "networking.k8s.io/NetworkPolicy",
  "scheduling.k8s.io/PriorityClass",
]);

const field =
  (...path: string[]) =>
  (object: KubernetesObject): string => {
    const value = at(object, ...path);
    return typeof value === "string" ? value : value === undefined || value === null ? "" : JSON.stringify(value);
  };
const eventFields = (reference: string): Record<string, (object: KubernetesObject) => string> =>
  Object.fromEntries(
    ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"].map((name) => [
      `${reference}.${name}`,
      field(reference, name),
    ]),
  );
/** What fieldSelector may name, besides metadata.name and metadata.namespace. */
const selectableFields: Readonly<Record<string, ResourceDefinition["selectableFields"]>> = {
  "/Pod": {
    "spec.nodeName": field("spec", "nodeName"),
    "spec.restartPolicy": field("spec", "restartPolicy"),
    "spec.schedulerName": field("spec", "schedulerName"),
    "spec.serviceAccountName": field("spec", "serviceAccountName"),
    "spec.hostNetwork": (object) => (at(object, "spec", "hostNetwork") === true ? "true" : "false"),
    "status.phase": field("status", "phase"),
    "status.podIP": field("status", "podIP"),
    "status.podIPs": field("status", "podIP"),
    "status.nominatedNodeName": field("status", "nominatedNodeName"),
  },
  "/Event": {
    ...eventFields("involvedObject"),
    reason: field("reason"),
    reportingComponent: field("reportingComponent"),
    source: (object) => field("source", "component")(object) || field("reportingComponent")(object),
    type: field("type"),
  },
  "/Namespace": { "status.phase": field("status", "phase") },
  "/Node": { "spec.unschedulable": (object) => (at(object, "spec", "unschedulable") === true ? "true" : "false") },
  "/Secret": { type: field("type") },
  "/Service": { "spec.clusterIP": field("spec", "clusterIP"), "spec.type": field("spec", "type") },
  "/ReplicationController": { "status.replicas": (object) => field("status", "replicas")(object) || "0" },
  "apps/ReplicaSet": { "status.replicas": (object) => field("status", "replicas")(object) || "0" },
  "batch/Job": { "status.successful": (object) => field("status", "succeeded")(object) || "0" },
  "certificates.k8s.io/CertificateSigningRequest": { "spec.signerName": field("spec", "signerName") },
};

const definitions: readonly ResourceDefinition[] = makeDefinitions();

/** Every built-in kind that the sandbox can serve: one definition for each group, version and kind. */
export function builtinResources(): readonly ResourceDefinition[] {
  return definitions;
}

function makeDefinitions(): ResourceDefinition[] {
  const types = new BuiltinTypes();
  const defaults = compileDefaults(typeDefaults);
  return facts.resources.map((resource) => define(resource, types, defaults));
}

function define(
  resource: ResourceFacts,
  types: BuiltinTypes,
  defaults: (root: string) => RootDefaulter,
): ResourceDefinition {
  const { group, version, kind } = resource;
  const key = `${group}/${kind}`;
  const typeName = typeNameOf(group, version, kind);
  const subresources = (resource.subresources ?? []).map((sub) => sub[0] ?? "").filter((name) => served.has(name));
  const generation = withoutGeneration.has(key) ? false : withGeneration.has(key) ? true : undefined;
  const nameRule = nameRules[key];
  const defaulter = typeName === undefined ? undefined : defaults(typeName);
  return {
    group,
    version,
    kind,
    listKind: `${kind}List`,
    plural: resource.plural,
    singular: resource.singular,
    shortNames: resource.shortNames ?? [],
    categories: resource.categories ?? [],
    namespaced: resource.namespaced,
    verbs: resource.verbs.split(" "),
    subresources: subresources as Subresource[],
    ...(generation === undefined ? {} : { generation }),
    ...(nameRule === undefined ? {} : { nameRule }),
    ...(subresources.includes("scale") ? { scale: scalePaths } : {}),
    ...(key === "autoscaling/HorizontalPodAutoscaler" ? { storageVersion: "v2", convert: convertAutoscaler } : {}),
    get type() {
      return types.typeOf(resource);
    },
    ...(typeName === undefined
      ? {}
      : { openapi: { name: typePrefix + typeName, components: () => componentsOf(typeName) } }),
    ...(resource.columns === undefined ? {} : { table: builtinTable(resource) }),
    ...(selectableFields[key] === undefined ? {} : { selectableFields: selectableFields[key] }),
    validate: (object, old, subresource) => validateBuiltin(key, object, old, subresource),
    prepare(object: KubernetesObject, context: PrepareContext): KubernetesObject {
      const filled = defaulter === undefined ? object : (defaulter(object, context.old) as unknown as KubernetesObject);
      return prepareKind(key, filled, context);
    },
  };
}
