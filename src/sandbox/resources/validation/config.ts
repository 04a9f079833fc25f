// ConfigMaps, Secrets, and who may do what: Roles and their bindings.
import { isObject, listAt, sameJson, stringAt } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";
import { fieldsAt } from "../edit.ts";
import type { Faults } from "./faults.ts";
import { isConfigKey } from "./words.ts";

/** What all values of a ConfigMap or Secret may have together. */
const largestBytes = 1024 * 1024;
const frozen = "field is immutable when `immutable` is set";

function validateKeys(faults: Faults, path: string, data: unknown): void {
  if (!isObject(data)) return;
  for (const key of Object.keys(data)) faults.words(`${path}[${key}]`, key, isConfigKey(key));
}

function validateFrozen(
  faults: Faults,
  object: KubernetesObject,
  old: KubernetesObject | undefined,
  fields: readonly string[],
): void {
  if (old === undefined || old.immutable !== true) return;
  if (object.immutable !== true) faults.forbidden("immutable", frozen);
  for (const field of fields) if (!sameJson(object[field] ?? {}, old[field] ?? {})) faults.forbidden(field, frozen);
}

function bytes(text: unknown): number {
  return typeof text === "string" ? new TextEncoder().encode(text).length : 0;
}

function base64Bytes(text: unknown): number {
  return typeof text === "string" ? Math.floor((text.replace(/=+$/, "").length * 3) / 4) : 0;
}

const sum = (data: unknown, size: (value: unknown) => number): number =>
  isObject(data) ? Object.values(data).reduce<number>((total, value) => total + size(value), 0) : 0;

export function configMap(faults: Faults, object: KubernetesObject, old?: KubernetesObject): void {
  const { data, binaryData } = object;
  validateKeys(faults, "data", data);
  validateKeys(faults, "binaryData", binaryData);
  for (const key of Object.keys(fieldsAt(binaryData))) {
    if (fieldsAt(data)[key] !== undefined)
      faults.invalid(`data[${key}]`, key, "duplicate of key present in binaryData");
  }
  if (sum(data, bytes) + sum(binaryData, base64Bytes) > largestBytes) {
    faults.list.push({ type: "Too long", field: "", value: "", detail: `may not be more than ${largestBytes} bytes` });
  }
  validateFrozen(faults, object, old, ["data", "binaryData"]);
}

/** Keys that a type of Secret needs. */
const needed: Readonly<Record<string, readonly string[]>> = {
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
  "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
  "kubernetes.io/dockercfg": [".dockercfg"],
  "kubernetes.io/ssh-auth": ["ssh-privatekey"],
};

export function secret(faults: Faults, object: KubernetesObject, old?: KubernetesObject): void {
  const data = fieldsAt(object, "data");
  const type = stringAt(object, "type") ?? "";
  validateKeys(faults, "data", data);
  if (sum(data, base64Bytes) > largestBytes) {
    faults.list.push({
      type: "Too long",
      field: "data",
      value: "",
      detail: `may not be more than ${largestBytes} bytes`,
    });
  }
  for (const key of needed[type] ?? []) {
    if (data[key] === undefined) faults.required(`data[${key}]`);
    else if (key.startsWith(".docker")) dockerConfig(faults, `data[${key}]`, data[key]);
  }
  if (type === "kubernetes.io/basic-auth" && data.username === undefined && data.password === undefined) {
    faults.required("data[username]");
    faults.required("data[password]");
  }
  if (
    type === "kubernetes.io/service-account-token" &&
    !object.metadata.annotations?.["kubernetes.io/service-account.name"]
  ) {
    faults.required("metadata.annotations[kubernetes.io/service-account.name]");
  }
  if (old !== undefined && old.type !== object.type) faults.invalid("type", type, "field is immutable");
  validateFrozen(faults, object, old, ["data"]);
}

function dockerConfig(faults: Faults, path: string, value: unknown): void {
  try {
    JSON.parse(atob(typeof value === "string" ? value : ""));
  } catch {
    faults.invalid(path, "<secret contents redacted>", "unexpected end of JSON input");
  }
}

export function role(faults: Faults, object: KubernetesObject): void {
  const namespaced = object.kind === "Role";
  for (const [index, item] of listAt(object, "rules").entries()) {
    const rule = fieldsAt(item);
    const at = `rules[${index}]`;
    const urls = listAt(rule, "nonResourceURLs");
    if (listAt(rule, "verbs").length === 0) faults.required(`${at}.verbs`);
    if (urls.length > 0) {
      if (namespaced)
        faults.invalid(`${at}.nonResourceURLs`, urls, "namespaced rules cannot apply to non-resource URLs");
      if (
        listAt(rule, "apiGroups").length + listAt(rule, "resources").length + listAt(rule, "resourceNames").length >
        0
      ) {
        faults.invalid(
          `${at}.nonResourceURLs`,
          urls,
          "rules cannot apply to both regular resources and non-resource URLs",
        );
      }
      continue;
    }
    if (listAt(rule, "apiGroups").length === 0)
      faults.required(`${at}.apiGroups`, "resource rules must supply at least one api group");
    if (listAt(rule, "resources").length === 0)
      faults.required(`${at}.resources`, "resource rules must supply at least one resource");
  }
}

export function binding(faults: Faults, object: KubernetesObject, old?: KubernetesObject): void {
  const { apiGroup, kind, name } = fieldsAt(object, "roleRef");
  faults.oneOf("roleRef.apiGroup", apiGroup, ["rbac.authorization.k8s.io"]);
  faults.oneOf("roleRef.kind", kind ?? "", object.kind === "RoleBinding" ? ["Role", "ClusterRole"] : ["ClusterRole"]);
  if (name === undefined || name === "") faults.required("roleRef.name");
  for (const [index, item] of listAt(object, "subjects").entries()) {
    const subject = fieldsAt(item);
    const at = `subjects[${index}]`;
    if (!stringAt(subject, "name")) faults.required(`${at}.name`);
    faults.oneOf(`${at}.kind`, subject.kind ?? "", ["ServiceAccount", "User", "Group"]);
    if (subject.kind === "ServiceAccount" && object.kind === "ClusterRoleBinding" && !stringAt(subject, "namespace")) {
      faults.required(`${at}.namespace`);
    }
  }
  if (old !== undefined && !sameJson(object.roleRef, old.roleRef))
    faults.invalid("roleRef", object.roleRef, "field is immutable");
}
