// Rules of metadata that hold for every kind: names, labels, annotations, finalizers, owners, what an update may not
// change. Follows apimachinery's validation of ObjectMeta, texts included. Pure.
import type { KubernetesObject, ObjectMeta, OwnerReference } from "#model/object.ts";
import type { FieldError, ResourceDefinition } from "../contract.ts";

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const qualifiedPart = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const labelValue = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const maxAnnotationBytes = 256 * 1024;

const subdomainText =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const labelText =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const qualifiedText =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const labelValueText =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

const standardFinalizers = new Set(["kubernetes", "orphan", "foregroundDeletion"]);
/** Kubernetes' Invalid values of an empty name read like this. */
const nameRequired: FieldError = {
  type: "Required value",
  field: "metadata.name",
  detail: "name or generateName is required",
};

/** What is wrong with the metadata of an object that is to be stored. */
export function validateMetadata(
  object: KubernetesObject,
  definition: ResourceDefinition,
  old?: KubernetesObject,
): FieldError[] {
  const { metadata } = object;
  const errors: FieldError[] = [];
  if (metadata.generateName !== undefined && old === undefined) {
    // It is the beginning of a name: what follows may make good for a dash at its end.
    const begun = metadata.generateName.replace(/-$/, "a");
    const rule = definition.nameRule ?? "subdomain";
    for (const error of nameErrors(begun, rule, "metadata.generateName")) {
      errors.push({ ...error, value: metadata.generateName });
    }
  }
  if (metadata.name === undefined || metadata.name === "") errors.push(nameRequired);
  else errors.push(...nameErrors(metadata.name, definition.nameRule ?? "subdomain", "metadata.name"));
  addLabelErrors(metadata.labels, errors);
  addAnnotationErrors(metadata.annotations, errors);
  // Custom resources and their definitions may have finalizers without a slash.
  const lenient = definition.custom === true || definition.group === "apiextensions.k8s.io";
  metadata.finalizers?.forEach((finalizer, index) => {
    const bad = qualifiedNameProblem(finalizer);
    const field = `metadata.finalizers[${index}]`;
    if (bad !== undefined) errors.push({ type: "Invalid value", field, value: finalizer, detail: bad });
    else if (!lenient && !finalizer.includes("/") && !standardFinalizers.has(finalizer)) {
      const detail = "name is neither a standard finalizer name nor is it fully qualified";
      errors.push({ type: "Invalid value", field, value: finalizer, detail });
    }
  });
  if (metadata.ownerReferences !== undefined) addOwnerErrors(metadata.ownerReferences, errors);
  return errors;
}

function nameErrors(name: string, rule: NonNullable<ResourceDefinition["nameRule"]>, field: string): FieldError[] {
  const wrong = (detail: string): FieldError[] => [{ type: "Invalid value", field, value: name, detail }];
  switch (rule) {
    case "none":
      return [];
    case "path":
      if (name === "." || name === "..") return wrong(`may not be '${name}'`);
      if (name.includes("/")) return wrong("may not contain '/'");
      return name.includes("%") ? wrong("may not contain '%'") : [];
    case "label":
    case "service":
      if (name.includes(".")) return wrong("must not contain dots");
      if (name.length > 63) return wrong("must be no more than 63 characters");
      return label.test(name) ? [] : wrong(labelText);
    case "subdomain":
      if (name.length > 253) return wrong("must be no more than 253 characters");
      return subdomain.test(name) ? [] : wrong(subdomainText);
  }
}

/** What is wrong with a label key or a finalizer; undefined where nothing is. */
export function qualifiedNameProblem(key: string): string | undefined {
  const slash = key.indexOf("/");
  const prefix = slash < 0 ? undefined : key.slice(0, slash);
  const name = key.slice(slash + 1);
  if (name.includes("/")) {
    return `a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`;
  }
  if (prefix === "") return "prefix part must be non-empty";
  if (prefix !== undefined && !subdomain.test(prefix)) return `prefix part ${subdomainText}`;
  if (name === "") return "name part must be non-empty";
  if (name.length > 63) return "name part must be no more than 63 characters";
  return qualifiedPart.test(name) ? undefined : qualifiedText;
}

function addLabelErrors(labels: ObjectMeta["labels"], errors: FieldError[]): void {
  for (const key in labels) {
    const bad = qualifiedNameProblem(key);
    if (bad !== undefined) errors.push({ type: "Invalid value", field: "metadata.labels", value: key, detail: bad });
    const value = labels[key] ?? "";
    if (value.length > 63) {
      errors.push({
        type: "Invalid value",
        field: "metadata.labels",
        value,
        detail: "must be no more than 63 characters",
      });
    } else if (!labelValue.test(value)) {
      errors.push({ type: "Invalid value", field: "metadata.labels", value, detail: labelValueText });
    }
  }
}

function addAnnotationErrors(annotations: ObjectMeta["annotations"], errors: FieldError[]): void {
  let bytes = 0;
  for (const key in annotations) {
    const bad = qualifiedNameProblem(key.toLowerCase());
    if (bad !== undefined)
      errors.push({ type: "Invalid value", field: "metadata.annotations", value: key, detail: bad });
    bytes += Buffer.byteLength(key) + Buffer.byteLength(annotations[key] ?? "");
  }
  if (bytes > maxAnnotationBytes) {
    const detail = `may not be more than ${maxAnnotationBytes} bytes`;
    errors.push({ type: "Too long", field: "metadata.annotations", value: "", detail });
  }
}

function addOwnerErrors(owners: readonly OwnerReference[], errors: FieldError[]): void {
  let controller: OwnerReference | undefined;
  owners.forEach((owner, index) => {
    const field = `metadata.ownerReferences[${index}]`;
    for (const part of ["apiVersion", "kind", "name", "uid"] as const) {
      if (owner[part]) continue;
      if (part === "uid") {
        errors.push({ type: "Required value", field: `${field}.uid`, detail: "must not be empty" });
        continue;
      }
      const detail = part === "apiVersion" ? "version must not be empty" : "must not be empty";
      errors.push({ type: "Invalid value", field: `${field}.${part}`, value: owner[part] ?? "", detail });
    }
    if (owner.controller !== true) return;
    if (controller !== undefined) {
      const detail = `Only one reference can have Controller set to true. Found "true" in references for ${controller.kind}/${controller.name} and ${owner.kind}/${owner.name}`;
      errors.push({ type: "Invalid value", field: "metadata.ownerReferences", value: owners, detail });
    }
    controller ??= owner;
  });
}

/** What an update of metadata may not change. */
export function validateMetadataUpdate(object: KubernetesObject, old: KubernetesObject): FieldError[] {
  const [next, before] = [object.metadata, old.metadata];
  if (before.deletionTimestamp === undefined) return [];
  const added = (next.finalizers ?? []).filter((each) => !(before.finalizers ?? []).includes(each));
  if (added.length === 0) return [];
  const detail = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((each) => JSON.stringify(each)).join(", ")}}`;
  return [{ type: "Forbidden", field: "metadata.finalizers", detail }];
}

const suffixAlphabet = "bcdfghjklmnpqrstvwxz2456789";
const maxGeneratedBase = 58;

/** A name from generateName: at most 58 characters of it, and five random ones. */
export function generatedName(base: string, random: () => number): string {
  let suffix = "";
  for (let i = 0; i < 5; i++) suffix += suffixAlphabet[Math.floor(random() * suffixAlphabet.length)];
  return base.slice(0, maxGeneratedBase) + suffix;
}
