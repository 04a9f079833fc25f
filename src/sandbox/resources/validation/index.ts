// Validation of the built-in kinds: which validator is whose. Metadata is the API's matter; a status update is not
// validated here.
import type { KubernetesObject } from "#model/object.ts";
import type { FieldError } from "../../contract.ts";
import { fieldsAt } from "../edit.ts";
import * as config from "./config.ts";
import { customResourceDefinition } from "./crds.ts";
import { Faults } from "./faults.ts";
import * as network from "./network.ts";
import { validatePodSpec, validatePodUpdate, validateTemplate } from "./pods.ts";
import * as policies from "./policies.ts";
import * as workloads from "./workloads.ts";

type Validate = (faults: Faults, object: KubernetesObject, old?: KubernetesObject) => void;

const pod: Validate = (faults, object, old) => {
  const spec = fieldsAt(object, "spec");
  if (old === undefined) validatePodSpec(faults, "spec", spec);
  else validatePodUpdate(faults, spec, fieldsAt(old, "spec"));
};

const validators: Readonly<Record<string, Validate>> = {
  "/Pod": pod,
  "/PodTemplate": (faults, object) => validateTemplate(faults, "template", object.template),
  "/Service": network.service,
  "/ConfigMap": config.configMap,
  "/Secret": config.secret,
  "/PersistentVolumeClaim": policies.claim,
  "/PersistentVolume": policies.volume,
  "/ResourceQuota": policies.resourceQuota,
  "/LimitRange": policies.limitRange,
  "apps/Deployment": workloads.deployment,
  "apps/ReplicaSet": workloads.replicaSet,
  "apps/StatefulSet": workloads.statefulSet,
  "apps/DaemonSet": workloads.daemonSet,
  "batch/Job": workloads.job,
  "batch/CronJob": workloads.cronJob,
  "networking.k8s.io/Ingress": network.ingress,
  "networking.k8s.io/NetworkPolicy": network.networkPolicy,
  "discovery.k8s.io/EndpointSlice": network.endpointSlice,
  "rbac.authorization.k8s.io/Role": config.role,
  "rbac.authorization.k8s.io/ClusterRole": config.role,
  "rbac.authorization.k8s.io/RoleBinding": config.binding,
  "rbac.authorization.k8s.io/ClusterRoleBinding": config.binding,
  "autoscaling/HorizontalPodAutoscaler": policies.autoscaler,
  "policy/PodDisruptionBudget": policies.disruptionBudget,
  "storage.k8s.io/StorageClass": policies.storageClass,
  "scheduling.k8s.io/PriorityClass": policies.priorityClass,
  "coordination.k8s.io/Lease": policies.lease,
  "admissionregistration.k8s.io/MutatingWebhookConfiguration": policies.webhooks,
  "admissionregistration.k8s.io/ValidatingWebhookConfiguration": policies.webhooks,
  "apiextensions.k8s.io/CustomResourceDefinition": customResourceDefinition,
};

/** Every fault of an object of a built-in kind (`group/Kind`), and of its change where `old` is given. */
export function validateBuiltin(
  key: string,
  object: KubernetesObject,
  old?: KubernetesObject,
  subresource?: string,
): readonly FieldError[] {
  const validate = validators[key];
  if (validate === undefined || (subresource !== undefined && subresource !== "scale")) return [];
  const faults = new Faults();
  validate(faults, object, old);
  return faults.list;
}
