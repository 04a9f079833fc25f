// Autoscalers, disruption budgets, volumes and claims, classes, quotas, leases, webhooks.
import { isObject, listAt, sameJson, stringAt } from "#base/json.ts";
import { quantityNanos } from "#core/merge/quantity.ts";
import type { KubernetesObject } from "#model/object.ts";
import { fieldsAt } from "../edit.ts";
import type { Faults } from "./faults.ts";
import { validateSelector } from "./selectors.ts";
import { intOrPercent } from "./words.ts";

export function autoscaler(faults: Faults, object: KubernetesObject): void {
  const {
    minReplicas = 1,
    maxReplicas = 0,
    scaleTargetRef,
    metrics,
  } = fieldsAt(object, "spec") as {
    minReplicas?: number;
    maxReplicas?: number;
    scaleTargetRef?: unknown;
    metrics?: unknown;
  };
  const scalesToZero = listAt(metrics).some((metric) =>
    ["Object", "External"].includes(stringAt(metric, "type") ?? ""),
  );
  if (minReplicas < 0) faults.invalid("spec.minReplicas", minReplicas, "must be greater than or equal to 1");
  else if (minReplicas === 0 && !scalesToZero) {
    faults.forbidden(
      "spec.metrics",
      "must specify at least one Object or External metric to support scaling to zero replicas",
    );
  }
  if (maxReplicas < 1) faults.required("spec.maxReplicas");
  if (maxReplicas < minReplicas)
    faults.invalid("spec.maxReplicas", maxReplicas, "must be greater than or equal to `minReplicas`");
  const target = fieldsAt(scaleTargetRef);
  if (!stringAt(target, "kind")) faults.required("spec.scaleTargetRef.kind");
  if (!stringAt(target, "name")) faults.required("spec.scaleTargetRef.name");
  const apiVersion = stringAt(target, "apiVersion") ?? "";
  if (!apiVersion.includes("/") && target.kind !== "ReplicationController") {
    faults.invalid("spec.scaleTargetRef.apiVersion", apiVersion, "apiVersion must specify API group");
  }
}

export function disruptionBudget(faults: Faults, object: KubernetesObject): void {
  const spec = fieldsAt(object, "spec");
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) {
    faults.invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set");
  }
  for (const name of ["minAvailable", "maxUnavailable"]) {
    if (spec[name] !== undefined) faults.words(`spec.${name}`, spec[name], intOrPercent(spec[name]));
  }
  if (isObject(spec.selector)) validateSelector(faults, "spec.selector", spec.selector);
}

const accessModes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

export function claim(faults: Faults, object: KubernetesObject, old?: KubernetesObject): void {
  const spec = fieldsAt(object, "spec");
  const modes = listAt(spec, "accessModes");
  if (modes.length === 0) faults.required("spec.accessModes", "at least 1 access mode is required");
  for (const mode of modes) faults.oneOf("spec.accessModes", mode, accessModes);
  const storage = fieldsAt(spec, "resources", "requests").storage;
  if (storage === undefined) faults.required("spec.resources[storage]");
  else if ((quantityNanos(storage) ?? 0n) <= 0n)
    faults.invalid("spec.resources[storage]", storage, "must be greater than zero");
  faults.oneOf("spec.volumeMode", spec.volumeMode, ["Block", "Filesystem"]);
  if (old !== undefined) claimUpdate(faults, spec, fieldsAt(old, "spec"), stringAt(old, "status", "phase") === "Bound");
}

/** Left open by whoever made the claim, and filled in once by the controller that binds it. */
const setOnce: ReadonlySet<string> = new Set(["volumeName", "storageClassName"]);

function claimUpdate(
  faults: Faults,
  spec: Record<string, unknown>,
  old: Record<string, unknown>,
  bound: boolean,
): void {
  for (const name of new Set([...Object.keys(spec), ...Object.keys(old)])) {
    if (sameJson(spec[name], old[name]) || (setOnce.has(name) && old[name] === undefined)) continue;
    if (bound && (name === "resources" || name === "volumeAttributesClassName")) continue;
    const words =
      "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
    faults.forbidden("spec", words);
    return;
  }
}

const volumeFields = new Set([
  "accessModes",
  "capacity",
  "claimRef",
  "mountOptions",
  "nodeAffinity",
  "persistentVolumeReclaimPolicy",
  "storageClassName",
  "volumeAttributesClassName",
  "volumeMode",
]);

export function volume(faults: Faults, object: KubernetesObject): void {
  const spec = fieldsAt(object, "spec");
  const modes = listAt(spec, "accessModes");
  if (modes.length === 0) faults.required("spec.accessModes");
  for (const mode of modes) faults.oneOf("spec.accessModes", mode, accessModes);
  const capacity = fieldsAt(spec, "capacity");
  if (Object.keys(capacity).length === 0) faults.required("spec.capacity");
  if (capacity.storage === undefined || Object.keys(capacity).length > 1) {
    faults.unsupported("spec.capacity", spec.capacity ?? null, ["storage"]);
  } else if ((quantityNanos(capacity.storage) ?? 0n) <= 0n) {
    faults.invalid("spec.capacity[storage]", capacity.storage, "must be greater than zero");
  }
  const policy = spec.persistentVolumeReclaimPolicy;
  if (policy !== "") faults.oneOf("spec.persistentVolumeReclaimPolicy", policy, ["Delete", "Recycle", "Retain"]);
  const sources = Object.keys(spec).filter((name) => !volumeFields.has(name) && isObject(spec[name]));
  if (sources.length === 0) faults.required("spec", "must specify a volume type");
  for (const extra of sources.slice(1)) faults.forbidden(`spec.${extra}`, "may not specify more than 1 volume type");
}

export function storageClass(faults: Faults, object: KubernetesObject, old?: KubernetesObject): void {
  if (!stringAt(object, "provisioner")) faults.required("provisioner");
  faults.oneOf("reclaimPolicy", object.reclaimPolicy, ["Delete", "Retain"]);
  faults.oneOf("volumeBindingMode", object.volumeBindingMode, ["Immediate", "WaitForFirstConsumer"]);
  if (old === undefined) return;
  if (!sameJson(object.parameters, old.parameters)) faults.invalid("parameters", null, "field is immutable");
  for (const name of ["provisioner", "reclaimPolicy", "volumeBindingMode"]) {
    if (object[name] !== old[name]) faults.invalid(name, object[name], "field is immutable");
  }
}

const highestUserPriority = 1_000_000_000;

export function priorityClass(faults: Faults, object: KubernetesObject, old?: KubernetesObject): void {
  const system = object.metadata.name?.startsWith("system-") === true;
  if (typeof object.value === "number" && object.value > highestUserPriority && !system) {
    faults.forbidden("value", `maximum allowed value of a user defined priority is ${highestUserPriority}`);
  }
  faults.oneOf("preemptionPolicy", object.preemptionPolicy, ["Never", "PreemptLowerPriority"]);
  if (old !== undefined && old.value !== object.value) faults.forbidden("value", "may not be changed in an update.");
}

export function resourceQuota(faults: Faults, object: KubernetesObject): void {
  for (const [name, value] of Object.entries(fieldsAt(object, "spec", "hard"))) {
    if ((quantityNanos(value) ?? 0n) < 0n)
      faults.invalid(`spec.hard[${name}]`, value, "must be greater than or equal to 0");
  }
}

export function limitRange(faults: Faults, object: KubernetesObject): void {
  for (const [index, item] of listAt(object, "spec", "limits").entries()) {
    const limits = fieldsAt(item);
    const at = `spec.limits[${index}]`;
    for (const [name, low] of Object.entries(fieldsAt(limits, "min"))) {
      const least = quantityNanos(low) ?? 0n;
      const against = { max: "max", defaultRequest: "default request", default: "default" };
      for (const [field, words] of Object.entries(against)) {
        const other = fieldsAt(limits, field)[name] as string | undefined;
        if (other === undefined || least <= (quantityNanos(other) ?? 0n)) continue;
        const path = field === "max" ? `${at}.min[${name}]` : `${at}.${field}[${name}]`;
        faults.invalid(
          path,
          field === "defaultRequest" ? other : low,
          `min value ${low as string} is greater than ${words} value ${other}`,
        );
      }
    }
  }
}

export function lease(faults: Faults, object: KubernetesObject): void {
  const { leaseDurationSeconds: duration, leaseTransitions } = fieldsAt(object, "spec");
  if (typeof duration === "number" && duration <= 0)
    faults.invalid("spec.leaseDurationSeconds", duration, "must be greater than 0");
  faults.notNegative("spec.leaseTransitions", leaseTransitions);
}

export function webhooks(faults: Faults, object: KubernetesObject): void {
  for (const [index, item] of listAt(object, "webhooks").entries()) {
    const { name, sideEffects, clientConfig, admissionReviewVersions, failurePolicy } = fieldsAt(item);
    const at = `webhooks[${index}]`;
    if (typeof name !== "string" || name.split(".").length < 3) {
      faults.invalid(`${at}.name`, name, "should be a domain with at least three segments separated by dots");
    }
    if (sideEffects === undefined || sideEffects === null)
      faults.required(`${at}.sideEffects`, "must specify one of None, NoneOnDryRun");
    else faults.oneOf(`${at}.sideEffects`, sideEffects, ["None", "NoneOnDryRun"]);
    const { url, service } = fieldsAt(clientConfig);
    if ((url === undefined) === (service === undefined))
      faults.required(`${at}.clientConfig`, "exactly one of url or service is required");
    if (listAt(admissionReviewVersions).length === 0) {
      faults.required(`${at}.admissionReviewVersions`, "must specify one of v1, v1beta1");
    }
    faults.oneOf(`${at}.failurePolicy`, failurePolicy, ["Fail", "Ignore"]);
  }
}
