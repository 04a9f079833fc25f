// A CustomResourceDefinition as ResourceDefinitions, one for each served version.
import { listAt, stringAt } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { ResourceDefinition, Subresource } from "../../contract.ts";
import { fieldsAt } from "../edit.ts";

const verbs = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];

/** Takes a valid CustomResourceDefinition (apiextensions.k8s.io/v1); returns a definition for each served version. */
export function customResource(crd: KubernetesObject): readonly ResourceDefinition[] {
  const versions = listAt(crd, "spec", "versions").map((version) => fieldsAt(version));
  const storage = versions.find((version) => version.storage === true);
  return versions
    .filter((version) => version.served === true)
    .map((version) => versionDefinition(crd, version, String(storage?.name ?? version.name)));
}

function versionDefinition(
  crd: KubernetesObject,
  version: Record<string, unknown>,
  storageVersion: string,
): ResourceDefinition {
  const names = fieldsAt(crd, "spec", "names");
  const kind = stringAt(names, "kind") ?? "";
  const plural = stringAt(names, "plural") ?? "";
  const subresources = fieldsAt(version, "subresources");
  return {
    group: stringAt(crd, "spec", "group") ?? "",
    version: String(version.name),
    kind,
    listKind: stringAt(names, "listKind") ?? `${kind}List`,
    plural,
    singular: stringAt(names, "singular") ?? kind.toLowerCase(),
    shortNames: listAt(names, "shortNames").map(String),
    categories: listAt(names, "categories").map(String),
    namespaced: stringAt(crd, "spec", "scope") === "Namespaced",
    verbs,
    subresources: (["status", "scale"] as Subresource[]).filter((name) => subresources[name] !== undefined),
    storageVersion,
    custom: true,
    generation: true,
  };
}
