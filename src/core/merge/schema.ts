// The type of a value, for merging and comparing: read from the OpenAPI v3 documents of an API server, or from the
// structural schema of a CustomResourceDefinition. Says nothing of validation beyond what merging needs.
// Sources: Kubernetes' "Server-Side Apply" (merge strategy markers), "Custom Resources: structural schema".
import { isObject } from "#base/json.ts";
import type { Json, JsonObject } from "#base/json.ts";
import type { GroupVersionKind } from "#model/object.ts";
import { nativeFacts } from "./facts.ts";
import type { NativeFacts } from "./facts.ts";

export type ScalarFormat = "quantity" | "int-or-string" | "date-time" | "micro-time" | "byte" | "duration";

interface Common {
  /** What the schema itself says: for list keys that are left out, and for custom resources. */
  readonly default?: Json;
  /** What the API server fills in where the field is left out, though its OpenAPI does not say so. */
  readonly serverDefault?: Json;
  /** The API server or a controller picks a value where the field is left out. */
  readonly assigned?: boolean;
  /** The API server drops the zero value (`""`, 0, false, `[]`, `{}`): it is the same as an absent field. */
  readonly omitEmpty?: boolean;
}
export interface ScalarSchema extends Common {
  readonly kind: "scalar";
  /** `any`: whatever JSON; objects in it merge field by field, unless atomic. */
  readonly type: "string" | "integer" | "number" | "boolean" | "any";
  readonly format?: ScalarFormat;
  /** A quantity that the API server rounds up to thousandths: those of resource lists. */
  readonly scale?: "milli";
  readonly atomic?: boolean;
}
export interface StructSchema extends Common {
  readonly kind: "struct";
  readonly fields: Readonly<Record<string, TypeSchema>>;
  readonly required?: readonly string[];
  readonly atomic?: boolean;
  readonly preserveUnknown?: boolean;
  readonly patchStrategy?: string;
}
export interface MapSchema extends Common {
  readonly kind: "map";
  readonly value: TypeSchema;
  readonly atomic?: boolean;
  readonly patchStrategy?: string;
}
export interface ListSchema extends Common {
  readonly kind: "list";
  readonly items: TypeSchema;
  readonly listType: "atomic" | "set" | "map";
  readonly keys?: readonly string[];
  /** `merge`, `replace`, `retainKeys`; several separated by commas. */
  readonly patchStrategy?: string;
  readonly patchMergeKey?: string;
}
/** Recursive types are cyclic graphs: never walk one without a value beside it. */
export type TypeSchema = ScalarSchema | StructSchema | MapSchema | ListSchema;

export interface SchemaCatalogue {
  typeOf(gvk: GroupVersionKind): TypeSchema | undefined;
  /** A definition that some kind uses, by its name: `io.k8s.api.core.v1.PodSpec`. */
  named(definition: string): TypeSchema | undefined;
}

/** Any JSON; objects in it merge field by field, lists are replaced. */
export const anyType: ScalarSchema = { kind: "scalar", type: "any" };
const atomicAny: ScalarSchema = { kind: "scalar", type: "any", atomic: true };
const stringType: ScalarSchema = { kind: "scalar", type: "string" };
const stringMap: MapSchema = { kind: "map", value: stringType, omitEmpty: true };

const quantityType: ScalarSchema = { kind: "scalar", type: "any", format: "quantity", atomic: true };
const milliQuantityType: ScalarSchema = { ...quantityType, scale: "milli" };

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1.";
/** Definitions that are recognised by name, whatever their text. */
const namedTypes: Readonly<Record<string, TypeSchema>> = {
  "io.k8s.apimachinery.pkg.api.resource.Quantity": quantityType,
  "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {
    kind: "scalar",
    type: "any",
    format: "int-or-string",
    atomic: true,
  },
  [`${meta}Time`]: { kind: "scalar", type: "string", format: "date-time" },
  [`${meta}MicroTime`]: { kind: "scalar", type: "string", format: "micro-time" },
  [`${meta}Duration`]: { kind: "scalar", type: "string", format: "duration" },
  "io.k8s.apimachinery.pkg.runtime.RawExtension": atomicAny,
};

const refPrefix = "#/components/schemas/";

function refOf(node: JsonObject): string | undefined {
  const all = node["allOf"];
  const ref = node["$ref"] ?? (Array.isArray(all) && all.length === 1 && isObject(all[0]) ? all[0]["$ref"] : undefined);
  return typeof ref === "string" && ref.startsWith(refPrefix) ? ref.slice(refPrefix.length) : undefined;
}

function textOf(node: JsonObject, key: string): string | undefined {
  const value = node[key];
  return typeof value === "string" ? value : undefined;
}

function textsOf(node: JsonObject, key: string): string[] | undefined {
  const value = node[key];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : undefined;
}

function isEmptyObject(value: unknown): boolean {
  return isObject(value) && Object.keys(value).length === 0;
}

/** Copies without the fields that are undefined, so that schemas compare and print cleanly. */
function tidy<T extends object>(value: T): T {
  const copy: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) if (item !== undefined) copy[key] = item;
  return copy as T;
}

class Reader {
  private readonly definitions: ReadonlyMap<string, JsonObject>;
  readonly types = new Map<string, TypeSchema>();
  private readonly facts = nativeFacts();

  constructor(definitions: ReadonlyMap<string, JsonObject>) {
    this.definitions = definitions;
  }

  /** The type of a definition. A struct is entered before its fields are read: that is what ends recursion. */
  named(name: string): TypeSchema {
    const known = this.types.get(name) ?? namedTypes[name];
    if (known !== undefined) return known;
    const definition = this.definitions.get(name);
    if (definition === undefined) return anyType;
    if (isObject(definition["properties"])) {
      const fields: Record<string, TypeSchema> = {};
      const type = this.structOf(definition, fields);
      this.types.set(name, type);
      this.readFields(definition, fields, name);
      return type;
    }
    this.types.set(name, anyType);
    const type = this.read(definition);
    this.types.set(name, type);
    return type;
  }

  read(node: JsonObject): TypeSchema {
    const ref = refOf(node);
    if (ref !== undefined) return this.overridden(this.named(ref), node);
    const common = { default: node["default"] };
    if (node["x-kubernetes-int-or-string"] === true || node["format"] === "int-or-string")
      return tidy<ScalarSchema>({
        kind: "scalar",
        type: "any",
        format: intOrStringFormat(node),
        atomic: true,
        ...common,
      });
    switch (node["type"]) {
      case "object":
        return this.objectOf(node);
      case "array":
        return this.listOf(node);
      case "string":
      case "integer":
      case "number":
      case "boolean":
        return tidy<ScalarSchema>({ kind: "scalar", type: node["type"], format: formatOf(node), ...common });
      default:
        return isNumberOrString(node)
          ? tidy<ScalarSchema>({ kind: "scalar", type: "any", format: "quantity", atomic: true, ...common })
          : isObject(node["properties"])
            ? this.objectOf(node)
            : tidy<ScalarSchema>({ kind: "scalar", type: "any", ...common });
    }
  }

  private objectOf(node: JsonObject): TypeSchema {
    const common = { default: node["default"], atomic: atomicOf(node) };
    const properties = node["properties"];
    const embedded = node["x-kubernetes-embedded-resource"] === true;
    if (isObject(properties) || embedded) {
      const fields: Record<string, TypeSchema> = {};
      const type = this.structOf(node, fields);
      this.readFields(node, fields);
      if (embedded) addObjectFields(fields);
      return type;
    }
    const values = node["additionalProperties"];
    const value = isObject(values) ? this.read(values) : anyType;
    return tidy<MapSchema>({
      kind: "map",
      value: value === quantityType ? milliQuantityType : value,
      patchStrategy: textOf(node, "x-kubernetes-patch-strategy"),
      ...common,
    });
  }

  private structOf(node: JsonObject, fields: Record<string, TypeSchema>): StructSchema {
    const required = textsOf(node, "required");
    const preserve = node["x-kubernetes-preserve-unknown-fields"] === true || node["additionalProperties"] === true;
    return tidy<StructSchema>({
      kind: "struct",
      fields,
      required: required !== undefined && required.length > 0 ? required : undefined,
      atomic: atomicOf(node),
      preserveUnknown: preserve || undefined,
      patchStrategy: textOf(node, "x-kubernetes-patch-strategy"),
      default: node["default"],
    });
  }

  private readFields(node: JsonObject, fields: Record<string, TypeSchema>, definition?: string): void {
    const facts = definition?.startsWith("io.k8s.") === true ? this.facts(definition) : undefined;
    for (const [name, property] of Object.entries(isObject(node["properties"]) ? node["properties"] : {})) {
      if (!isObject(property)) continue;
      const type = this.read(property);
      fields[name] = facts === undefined ? type : withFacts(type, property, name, facts);
    }
  }

  private listOf(node: JsonObject): ListSchema {
    const items = node["items"];
    const patchStrategy = textOf(node, "x-kubernetes-patch-strategy");
    const patchMergeKey = textOf(node, "x-kubernetes-patch-merge-key");
    const declared = textOf(node, "x-kubernetes-list-type");
    const merges = patchStrategy?.split(",").includes("merge") === true;
    const listType =
      declared === "map" || declared === "set" || declared === "atomic"
        ? declared
        : merges
          ? patchMergeKey === undefined
            ? "set"
            : "map"
          : "atomic";
    const keys = textsOf(node, "x-kubernetes-list-map-keys") ?? (patchMergeKey === undefined ? [] : [patchMergeKey]);
    return tidy<ListSchema>({
      kind: "list",
      items: isObject(items) ? this.read(items) : atomicAny,
      listType,
      keys: listType === "map" ? keys : undefined,
      patchStrategy,
      patchMergeKey,
      default: node["default"],
    });
  }

  /** A reference with words of its own beside it. The copy shares `fields`, which may still be filling. */
  private overridden(type: TypeSchema, node: JsonObject): TypeSchema {
    const patchStrategy = textOf(node, "x-kubernetes-patch-strategy");
    const mapType = textOf(node, "x-kubernetes-map-type");
    const fallback = node["default"];
    if (patchStrategy === undefined && mapType === undefined && fallback === undefined) return type;
    const changes: Record<string, unknown> = {};
    if (fallback !== undefined) changes["default"] = fallback;
    if (patchStrategy !== undefined) changes["patchStrategy"] = patchStrategy;
    if (mapType !== undefined && type.kind !== "list") changes["atomic"] = mapType === "atomic";
    return { ...type, ...changes };
  }
}

/** What is known of a built-in type's field beyond its OpenAPI: see facts.ts. */
function withFacts(type: TypeSchema, property: JsonObject, name: string, facts: NativeFacts): TypeSchema {
  const omitEmpty =
    facts.zero.has(name) ||
    type.kind === "list" ||
    type.kind === "map" ||
    (type.kind === "struct" && isEmptyObject(property["default"]));
  const serverDefault = facts.defaults[name];
  const assigned = facts.assigned.has(name);
  if (!omitEmpty && serverDefault === undefined && !assigned) return type;
  const known = tidy({ ...type, omitEmpty: omitEmpty || undefined, serverDefault, assigned: assigned || undefined });
  return assigned && known.kind === "map" ? { ...known, value: { ...known.value, assigned } } : known;
}

function atomicOf(node: JsonObject): boolean | undefined {
  return node["x-kubernetes-map-type"] === "atomic" ? true : undefined;
}

function isNumberOrString(node: JsonObject): boolean {
  const one = node["oneOf"];
  if (!Array.isArray(one) || one.length !== 2) return false;
  const types = one.map((item) => (isObject(item) ? item["type"] : undefined));
  return types.includes("string") && types.includes("number");
}

/** The generators of CRDs write a Quantity as int-or-string with the pattern of its suffixes. */
function intOrStringFormat(node: JsonObject): ScalarFormat {
  return textOf(node, "pattern")?.includes("numkMGTPE") === true ? "quantity" : "int-or-string";
}

function formatOf(node: JsonObject): ScalarFormat | undefined {
  const format = node["format"];
  return format === "date-time" || format === "byte" || format === "duration" ? format : undefined;
}

/** ObjectMeta, for custom resources, whose own schema says nothing of it. */
export const objectMetaType: StructSchema = {
  kind: "struct",
  fields: {
    name: stringType,
    generateName: { ...stringType, omitEmpty: true },
    namespace: { ...stringType, omitEmpty: true },
    selfLink: { ...stringType, omitEmpty: true },
    uid: { ...stringType, omitEmpty: true },
    resourceVersion: { ...stringType, omitEmpty: true },
    generation: { kind: "scalar", type: "integer", omitEmpty: true },
    creationTimestamp: { kind: "scalar", type: "string", format: "date-time" },
    deletionTimestamp: { kind: "scalar", type: "string", format: "date-time" },
    deletionGracePeriodSeconds: { kind: "scalar", type: "integer" },
    labels: stringMap,
    annotations: stringMap,
    ownerReferences: {
      kind: "list",
      listType: "map",
      keys: ["uid"],
      patchStrategy: "merge",
      patchMergeKey: "uid",
      omitEmpty: true,
      items: {
        kind: "struct",
        atomic: true,
        required: ["apiVersion", "kind", "name", "uid"],
        fields: {
          apiVersion: stringType,
          kind: stringType,
          name: stringType,
          uid: stringType,
          controller: { kind: "scalar", type: "boolean" },
          blockOwnerDeletion: { kind: "scalar", type: "boolean" },
        },
      },
    },
    finalizers: { kind: "list", listType: "set", items: stringType, patchStrategy: "merge", omitEmpty: true },
    managedFields: { kind: "list", listType: "atomic", items: anyType, omitEmpty: true },
  },
};

function addObjectFields(fields: Record<string, TypeSchema>): void {
  fields["apiVersion"] ??= stringType;
  fields["kind"] ??= stringType;
  fields["metadata"] = objectMetaType;
}

/**
 * Takes the documents below `/openapi/v3/` of one API server, in any number; returns the types of all kinds that they
 * define. The documents are read at once and not kept. Definitions of one name are taken to be the same in all.
 */
export function catalogueFromOpenApiV3(documents: Iterable<JsonObject>): SchemaCatalogue {
  const definitions = new Map<string, JsonObject>();
  for (const document of documents) {
    const components = document["components"];
    const schemas = isObject(components) ? components["schemas"] : undefined;
    for (const [name, schema] of Object.entries(isObject(schemas) ? schemas : {}))
      if (isObject(schema) && !definitions.has(name)) definitions.set(name, schema);
  }
  const reader = new Reader(definitions);
  const kinds = new Map<string, TypeSchema>();
  for (const [name, definition] of definitions) {
    const list = definition["x-kubernetes-group-version-kind"];
    if (!Array.isArray(list)) continue;
    for (const gvk of list)
      if (isObject(gvk))
        kinds.set(`${textOf(gvk, "group")}/${textOf(gvk, "version")}/${textOf(gvk, "kind")}`, reader.named(name));
  }
  const { types } = reader;
  return {
    typeOf: (gvk) => kinds.get(`${gvk.group}/${gvk.version}/${gvk.kind}`),
    named: (definition) => namedTypes[definition] ?? types.get(definition),
  };
}

/**
 * Takes `spec.versions[].schema.openAPIV3Schema` of a CustomResourceDefinition; returns the type of its objects, with
 * apiVersion, kind and metadata as every object has them.
 */
export function schemaFromStructural(openAPIV3Schema: JsonObject): TypeSchema {
  const type = new Reader(new Map()).read({ type: "object", properties: {}, ...openAPIV3Schema });
  if (type.kind !== "struct") return type;
  const fields: Record<string, TypeSchema> = { ...type.fields };
  addObjectFields(fields);
  return { ...type, fields };
}
