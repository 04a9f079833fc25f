// A CustomResourceDefinition as ResourceDefinitions, one for each served version. Unknown fields are dropped by the
// API along `type`; conversion is by apiVersion alone (strategy None).
import type { JsonObject } from "#base/json.ts";
import { isObject, listAt, stringAt } from "#base/json.ts";
import { schemaFromStructural } from "#core/merge/schema.ts";
import type { TypeSchema } from "#core/merge/schema.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { ResourceDefinition, ScalePaths, Subresource } from "../../contract.ts";
import { fieldsAt } from "../edit.ts";
import type { Fields } from "../edit.ts";
import { componentsOf } from "../openapi.ts";
import { withSchemaDefaults } from "./defaulting.ts";
import { textAt } from "./jsonpath.ts";
import { validateCustom } from "./structural.ts";
import { customTable } from "./table.ts";

const verbs = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
const objectMeta = "apimachinery.pkg.apis.meta.v1.ObjectMeta";

/** Takes a valid CustomResourceDefinition (apiextensions.k8s.io/v1); returns a definition for each served version. */
export function customResource(crd: KubernetesObject): readonly ResourceDefinition[] {
  const versions = listAt(crd, "spec", "versions").map((version) => fieldsAt(version));
  const storage =
    stringAt(
      versions.find((version) => version.storage === true),
      "name",
    ) ?? "";
  return versions
    .filter((version) => version.served === true)
    .map((version) => versionDefinition(crd, version, storage));
}

function versionDefinition(crd: KubernetesObject, version: Fields, storageVersion: string): ResourceDefinition {
  const names = fieldsAt(crd, "spec", "names");
  const group = stringAt(crd, "spec", "group") ?? "";
  const name = stringAt(version, "name") ?? "";
  const kind = stringAt(names, "kind") ?? "";
  const schema = fieldsAt(version, "schema", "openAPIV3Schema") as JsonObject;
  const subresources = fieldsAt(version, "subresources");
  const scale = scalePaths(subresources.scale);
  let type: TypeSchema | undefined;
  return {
    group,
    version: name,
    kind,
    listKind: stringAt(names, "listKind") ?? `${kind}List`,
    plural: stringAt(names, "plural") ?? "",
    singular: stringAt(names, "singular") ?? kind.toLowerCase(),
    shortNames: listAt(names, "shortNames") as string[],
    categories: listAt(names, "categories") as string[],
    namespaced: stringAt(crd, "spec", "scope") === "Namespaced",
    verbs,
    subresources: (["status", "scale"] as Subresource[]).filter((each) => isObject(subresources[each])),
    storageVersion,
    custom: true,
    generation: true,
    get type() {
      return (type ??= schemaFromStructural(schema));
    },
    openapi: openapiOf({ group, version: name, kind }, schema),
    ...(scale === undefined ? {} : { scale }),
    ...selectable(version),
    table: customTable(version),
    prepare: (object) => withSchemaDefaults(object, schema) as KubernetesObject,
    validate: (object) => validateCustom(object, schema),
  };
}

function scalePaths(scale: unknown): ScalePaths | undefined {
  const specReplicasPath = stringAt(scale, "specReplicasPath");
  const statusReplicasPath = stringAt(scale, "statusReplicasPath");
  if (specReplicasPath === undefined || statusReplicasPath === undefined) return undefined;
  const labelSelectorPath = stringAt(scale, "labelSelectorPath");
  return { specReplicasPath, statusReplicasPath, ...(labelSelectorPath === undefined ? {} : { labelSelectorPath }) };
}

function selectable(version: Fields): Pick<ResourceDefinition, "selectableFields"> {
  const paths = listAt(version, "selectableFields").flatMap((item) => stringAt(item, "jsonPath") ?? []);
  if (paths.length === 0) return {};
  return {
    selectableFields: Object.fromEntries(
      paths.map((path) => [path.replace(/^\./, ""), (object: KubernetesObject) => textAt(object, path)]),
    ),
  };
}

function openapiOf(
  gvk: { group: string; version: string; kind: string },
  schema: JsonObject,
): ResourceDefinition["openapi"] {
  const name = `${gvk.group.split(".").reverse().join(".")}.${gvk.version}.${gvk.kind}`;
  return {
    name,
    components(): Readonly<Record<string, JsonObject>> {
      const { required, properties, ...rest } = schema;
      const root: JsonObject = {
        ...rest,
        type: "object",
        ...(required === undefined ? {} : { required }),
        properties: {
          ...(isObject(properties) ? properties : {}),
          apiVersion: { type: "string" },
          kind: { type: "string" },
          metadata: { allOf: [{ $ref: `#/components/schemas/io.k8s.${objectMeta}` }] },
        },
        "x-kubernetes-group-version-kind": [gvk],
      };
      return { [name]: root, ...componentsOf(objectMeta) };
    },
  };
}
