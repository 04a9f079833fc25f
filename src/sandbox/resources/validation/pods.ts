// Pods and pod templates: policies, volumes, tolerations, what an update may change.
import { isObject, listAt, sameJson, stringAt } from "#base/json.ts";
import { fieldsAt, withField } from "../edit.ts";
import type { Fields } from "../edit.ts";
import { validateContainers, validateSecurity } from "./containers.ts";
import type { Faults } from "./faults.ts";
import { validateLabels, validateSelector } from "./selectors.ts";
import { dnsLabel, dnsSubdomain, qualifiedName } from "./words.ts";

const restartPolicies = ["Always", "OnFailure", "Never"];
const dnsPolicies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];

export function validatePodSpec(faults: Faults, path: string, spec: Fields): void {
  const volumes = listAt(spec, "volumes");
  validateVolumes(faults, `${path}.volumes`, volumes);
  const names = { volumes: new Set(volumes.map((item) => fieldsAt(item).name)), containers: new Set<unknown>() };
  const containers = listAt(spec, "containers");
  if (containers.length === 0) faults.required(`${path}.containers`);
  validateContainers(faults, `${path}.containers`, containers, names);
  validateContainers(faults, `${path}.initContainers`, listAt(spec, "initContainers"), names);
  faults.oneOf(`${path}.restartPolicy`, spec.restartPolicy, restartPolicies);
  faults.oneOf(`${path}.dnsPolicy`, spec.dnsPolicy, dnsPolicies);
  validateSecurity(faults, `${path}.securityContext`, fieldsAt(spec, "securityContext"));
  validateLabels(faults, `${path}.nodeSelector`, spec.nodeSelector);
  validateTolerations(faults, `${path}.tolerations`, listAt(spec, "tolerations"));
  validateSpread(faults, `${path}.topologySpreadConstraints`, listAt(spec, "topologySpreadConstraints"));
  const texts = { hostname: dnsLabel, subdomain: dnsLabel, serviceAccountName: dnsSubdomain, nodeName: dnsSubdomain };
  for (const [name, check] of Object.entries(texts)) {
    const value = spec[name];
    if (typeof value === "string" && value !== "") faults.words(`${path}.${name}`, value, check(value));
  }
  const deadline = spec.activeDeadlineSeconds;
  if (typeof deadline === "number" && (deadline < 1 || deadline > 2147483647)) {
    faults.invalid(`${path}.activeDeadlineSeconds`, deadline, "must be between 1 and 2147483647, inclusive");
  }
}

/** A template's metadata and spec; the labels' errors carry the path that Kubernetes gives them. */
export function validateTemplate(faults: Faults, path: string, template: unknown): void {
  const metadata = fieldsAt(template, "metadata");
  validateLabels(faults, `${path}.labels`, metadata.labels);
  if (isObject(metadata.annotations)) {
    for (const key of Object.keys(metadata.annotations))
      faults.words(`${path}.annotations`, key, qualifiedName(key.toLowerCase()));
  }
  validatePodSpec(faults, `${path}.spec`, fieldsAt(template, "spec"));
}

const modes = "must be a number between 0 and 0777 (octal), both inclusive";
const needed: Readonly<Record<string, string>> = {
  secret: "secretName",
  configMap: "name",
  persistentVolumeClaim: "claimName",
  hostPath: "path",
  csi: "driver",
};

function validateVolumes(faults: Faults, path: string, volumes: readonly unknown[]): void {
  const seen = new Set<unknown>();
  for (const [index, item] of volumes.entries()) {
    const { name, ...sources } = fieldsAt(item);
    const at = `${path}[${index}]`;
    if (typeof name !== "string" || name === "") faults.required(`${at}.name`);
    else if (seen.has(name)) faults.duplicate(`${at}.name`, name);
    else faults.words(`${at}.name`, name, dnsLabel(name));
    seen.add(name);
    const given = Object.entries(sources).filter(([, source]) => isObject(source));
    for (const [extra] of given.slice(1)) faults.forbidden(`${at}.${extra}`, "may not specify more than 1 volume type");
    if (given.length > 1) continue;
    for (const [type, source] of given) {
      const field = needed[type];
      if (field !== undefined && !stringAt(source, field)) faults.required(`${at}.${type}.${field}`);
      const mode = fieldsAt(source).defaultMode;
      if (typeof mode === "number" && (mode < 0 || mode > 0o777))
        faults.invalid(`${at}.${type}.defaultMode`, mode, modes);
    }
  }
}

function validateTolerations(faults: Faults, path: string, tolerations: readonly unknown[]): void {
  for (const [index, item] of tolerations.entries()) {
    const { key, operator = "Equal", value, effect } = fieldsAt(item);
    const at = `${path}[${index}]`;
    if (typeof key === "string" && key !== "") faults.words(`${at}.key`, key, qualifiedName(key));
    else if (operator !== "Exists")
      faults.invalid(
        `${at}.operator`,
        operator,
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      );
    if (operator === "Exists" && typeof value === "string" && value !== "") {
      faults.invalid(`${at}.operator`, value, "value must be empty when `operator` is 'Exists'");
    }
    if (operator !== "") faults.oneOf(`${at}.operator`, operator, ["Equal", "Exists"]);
    if (effect !== "") faults.oneOf(`${at}.effect`, effect, ["NoSchedule", "PreferNoSchedule", "NoExecute"]);
  }
}

function validateSpread(faults: Faults, path: string, constraints: readonly unknown[]): void {
  for (const [index, item] of constraints.entries()) {
    const { maxSkew, topologyKey, whenUnsatisfiable, labelSelector } = fieldsAt(item);
    const at = `${path}[${index}]`;
    if (typeof maxSkew !== "number" || maxSkew <= 0)
      faults.invalid(`${at}.maxSkew`, maxSkew ?? 0, "must be greater than zero");
    if (typeof topologyKey !== "string" || topologyKey === "") faults.required(`${at}.topologyKey`, "can not be empty");
    faults.oneOf(`${at}.whenUnsatisfiable`, whenUnsatisfiable, ["DoNotSchedule", "ScheduleAnyway"]);
    if (isObject(labelSelector)) validateSelector(faults, `${at}.labelSelector`, labelSelector);
  }
}

const mutable =
  "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

/** What may not change once a pod exists. */
export function validatePodUpdate(faults: Faults, spec: Fields, old: Fields): void {
  for (const list of ["containers", "initContainers"]) {
    if (listAt(spec, list).length !== listAt(old, list).length) {
      faults.forbidden(`spec.${list}`, "pod updates may not add or remove containers");
      return;
    }
  }
  if (!sameJson(comparable(spec), comparable(old))) faults.forbidden("spec", mutable);
}

/** Without what may change, and without what scheduling sets. */
function comparable(spec: Fields): Fields {
  let copy = spec;
  for (const list of ["containers", "initContainers"]) {
    if (Array.isArray(spec[list]))
      copy = withField(
        copy,
        list,
        listAt(spec, list).map((item) => ({ ...fieldsAt(item), image: "", resources: undefined })),
      );
  }
  for (const key of [
    "activeDeadlineSeconds",
    "tolerations",
    "terminationGracePeriodSeconds",
    "nodeName",
    "schedulingGates",
    "ephemeralContainers",
  ]) {
    copy = withField(copy, key, undefined);
  }
  return copy;
}
