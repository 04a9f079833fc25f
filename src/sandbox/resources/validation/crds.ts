// CustomResourceDefinitions: names, versions and structural schemas. Expressions are not checked.
import type { JsonObject } from "#base/json.ts";
import { isObject, listAt, stringAt } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";
import { validateCustom } from "../crd/structural.ts";
import { fieldsAt } from "../edit.ts";
import type { Faults } from "./faults.ts";
import { dns1035, dnsSubdomain } from "./words.ts";

export function customResourceDefinition(faults: Faults, object: KubernetesObject, old?: KubernetesObject): void {
  const spec = fieldsAt(object, "spec");
  const group = stringAt(spec, "group") ?? "";
  const names = fieldsAt(spec, "names");
  const { name = "" } = object.metadata;
  if (group === "") faults.required("spec.group");
  else {
    faults.words("spec.group", group, dnsSubdomain(group));
    if (!group.includes(".")) faults.invalid("spec.group", group, "should be a domain with at least one dot");
  }
  if (name !== `${stringAt(names, "plural") ?? ""}.${group}` && dnsSubdomain(name) === undefined) {
    faults.invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group');
  }
  if (spec.scope === undefined || spec.scope === "") faults.required("spec.scope");
  else faults.oneOf("spec.scope", spec.scope, ["Cluster", "Namespaced"]);
  validateNames(faults, names);
  validateVersions(faults, spec, listAt(spec, "versions"));
  if (old === undefined) return;
  const before = fieldsAt(old, "spec");
  for (const field of ["group", "scope"]) faults.immutable(`spec.${field}`, before[field] === spec[field], spec[field]);
  for (const field of ["kind", "plural"]) {
    const value = names[field];
    faults.immutable(`spec.names.${field}`, fieldsAt(before, "names")[field] === value, value);
  }
}

function validateNames(faults: Faults, names: Record<string, unknown>): void {
  for (const field of ["plural", "singular", "kind", "listKind"]) {
    const value = stringAt(names, field) ?? "";
    const mixed = field === "kind" || field === "listKind";
    const at = `spec.names.${field}`;
    if (value === "") faults.required(at);
    else {
      const words = dns1035(mixed ? value.toLowerCase() : value);
      faults.words(
        at,
        value,
        words === undefined || !mixed ? words : `may have mixed case, but should otherwise match: ${words}`,
      );
    }
  }
  for (const field of ["shortNames", "categories"]) {
    for (const [index, value] of listAt(names, field).entries())
      faults.words(`spec.names.${field}[${index}]`, value, dns1035(value as string));
  }
  if (names.kind !== undefined && names.kind === names.listKind) {
    faults.invalid("spec.names.listKind", names.listKind, "kind and listKind may not be the same");
  }
}

function validateVersions(faults: Faults, spec: Record<string, unknown>, versions: readonly unknown[]): void {
  const seen = new Set<unknown>();
  let stored = 0;
  let unique = true;
  for (const [index, item] of versions.entries()) {
    const { name, storage, schema } = fieldsAt(item);
    const at = `spec.versions[${index}]`;
    if (storage === true) stored++;
    if (seen.has(name)) unique = false;
    seen.add(name);
    faults.words(`${at}.name`, name, dns1035(typeof name === "string" ? name : ""));
    const { openAPIV3Schema } = fieldsAt(schema);
    // With one version Kubernetes tells where the schema once stood.
    const path = versions.length === 1 ? "spec.validation.openAPIV3Schema" : `${at}.schema.openAPIV3Schema`;
    if (!isObject(openAPIV3Schema)) faults.required(`${at}.schema.openAPIV3Schema`);
    else validateRoot(faults, path, openAPIV3Schema);
  }
  if (!unique) faults.invalid("spec.versions", versions, "must contain unique version names");
  if (stored !== 1) {
    faults.invalid("spec.versions", versions, "must have exactly one version marked as storage version");
    if (stored === 0) faults.invalid("status.storedVersions", null, "must have at least one stored version");
  }
  const { strategy } = fieldsAt(spec, "conversion");
  faults.oneOf("spec.conversion.strategy", strategy, ["None", "Webhook"]);
}

function validateRoot(faults: Faults, path: string, schema: JsonObject): void {
  if (schema.type === undefined || schema.type === "") faults.required(`${path}.type`, "must not be empty at the root");
  else if (schema.type !== "object") faults.invalid(`${path}.type`, schema.type, "must be object at the root");
  validateSchema(faults, path, schema, true);
}

function validateSchema(faults: Faults, path: string, schema: JsonObject, root: boolean): void {
  const free = schema["x-kubernetes-int-or-string"] === true || schema["x-kubernetes-preserve-unknown-fields"] === true;
  if (!root && (schema.type === undefined || schema.type === "") && !free) {
    const what = path.endsWith(".items") ? "array items" : "object fields";
    faults.required(`${path}.type`, `must not be empty for specified ${what}`);
  }
  if (schema.type === "array" && !isObject(schema.items)) faults.required(`${path}.items`, "must be specified");
  if (isObject(schema.items)) validateSchema(faults, `${path}.items`, schema.items, false);
  if (isObject(schema.properties)) {
    if (schema.additionalProperties !== undefined && Object.keys(schema.properties).length > 0) {
      faults.forbidden(`${path}.additionalProperties`, "additionalProperties and properties are mutual exclusive");
    }
    for (const [name, property] of Object.entries(schema.properties)) {
      if (isObject(property)) validateSchema(faults, `${path}.properties[${name}]`, property, false);
    }
  }
  if (isObject(schema.additionalProperties))
    validateSchema(faults, `${path}.additionalProperties`, schema.additionalProperties, false);
  if (schema["x-kubernetes-list-type"] === "map" && listAt(schema, "x-kubernetes-list-map-keys").length === 0) {
    faults.required(`${path}.x-kubernetes-list-map-keys`, "must not be empty if x-kubernetes-list-type is map");
  }
  if (schema.default !== undefined) {
    const { default: value, ...rest } = schema;
    for (const fault of validateCustom(value, rest))
      faults.list.push({ ...fault, field: `${path}.default${fault.field === "" ? "" : `.${fault.field}`}` });
  }
}
