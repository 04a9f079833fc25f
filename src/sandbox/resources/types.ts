// From facts to the merge layer's TypeSchema. Lazy: a type is built when its fields are first read, so that starting
// costs nothing and recursive types (JSONSchemaProps) end.
import type { Json } from "#base/json.ts";
import type { TypeSchema } from "#core/merge/schema.ts";
import { facts, fieldFacts } from "./facts.ts";
import type { FieldFacts, TypeFacts } from "./facts.ts";

type Struct = Extract<TypeSchema, { kind: "struct" }>;
type Scalar = Extract<TypeSchema, { kind: "scalar" }>;

const any: TypeSchema = { kind: "scalar", type: "any" };
const openStruct: TypeSchema = { kind: "struct", fields: {}, preserveUnknown: true };

/** Types that are not structs, by their short names. */
const special: Readonly<Record<string, TypeSchema>> = {
  "apimachinery.pkg.api.resource.Quantity": { kind: "scalar", type: "string", format: "quantity" },
  "apimachinery.pkg.util.intstr.IntOrString": { kind: "scalar", type: "any", format: "int-or-string" },
  "apimachinery.pkg.apis.meta.v1.Time": { kind: "scalar", type: "string", format: "date-time" },
  "apimachinery.pkg.apis.meta.v1.MicroTime": { kind: "scalar", type: "string", format: "micro-time" },
  "apimachinery.pkg.apis.meta.v1.FieldsV1": any,
  "apimachinery.pkg.runtime.RawExtension": any,
};

const scalars: Readonly<Record<string, Scalar["type"]>> = { s: "string", i: "integer", n: "number", b: "boolean" };

/** Builds TypeSchemas from facts; one instance keeps what it built. */
export class FactTypes {
  readonly #built = new Map<string, TypeSchema>();

  /** Takes a type's name without `io.k8s.`; returns its schema, or undefined where there is no such type. */
  named(name: string): TypeSchema | undefined {
    const found = this.#built.get(name);
    if (found !== undefined) return found;
    const type = facts.types[name];
    if (type === undefined) return undefined;
    const built = special[name] ?? (type.f === undefined ? rawType(type) : this.#struct(type));
    this.#built.set(name, built);
    return built;
  }

  #struct(type: TypeFacts): TypeSchema {
    let fields: Record<string, TypeSchema> | undefined;
    const build = (): Record<string, TypeSchema> => {
      const made: Record<string, TypeSchema> = {};
      for (const [name, field] of Object.entries(type.f ?? {})) made[name] = this.#field(fieldFacts(field));
      return made;
    };
    return {
      kind: "struct",
      get fields() {
        return (fields ??= build());
      },
      ...(type.r === undefined ? {} : { required: type.r }),
      ...(type.x?.["x-kubernetes-map-type"] === "atomic" ? { atomic: true } : {}),
      ...(type.x?.["x-kubernetes-preserve-unknown-fields"] === true ? { preserveUnknown: true } : {}),
    };
  }

  #field(field: FieldFacts): TypeSchema {
    const base = this.#code(field.t, field);
    if (field.t.startsWith("[")) return base;
    if (field.t.startsWith("=")) return refined(base, field);
    return field.d === undefined ? base : { ...base, default: field.d };
  }

  #code(code: string, field?: FieldFacts): TypeSchema {
    if (code.startsWith("=")) return this.named(code.slice(1)) ?? any;
    if (code.startsWith("[")) return this.#list(this.#code(code.slice(1)), field);
    if (code.startsWith("{")) {
      return { kind: "map", value: this.#code(code.slice(1)), ...(field?.a === 1 ? { atomic: true } : {}) };
    }
    const [letter = "", format] = code.split(":");
    const type = scalars[letter];
    if (type === undefined) return openStruct;
    return format === "byte" || format === "date-time" ? { kind: "scalar", type, format } : { kind: "scalar", type };
  }

  #list(items: TypeSchema, field: FieldFacts | undefined): TypeSchema {
    const listType = field?.l === "map" || field?.l === "set" ? field.l : "atomic";
    return {
      kind: "list",
      items,
      listType,
      ...(field?.k === undefined ? {} : { keys: field.k }),
      ...(field?.p === undefined ? {} : { patchStrategy: field.p }),
      ...(field?.m === undefined ? {} : { patchMergeKey: field.m }),
      ...(field?.d === undefined ? {} : { default: field.d }),
    };
  }
}

function rawType(type: TypeFacts): TypeSchema {
  return type.raw?.type === "object" ? openStruct : any;
}

/** A referred type with what the field adds to it; the type's fields stay lazy and shared. */
function refined(base: TypeSchema, field: FieldFacts): TypeSchema {
  const empty = field.d !== undefined && isEmptyObject(field.d);
  if ((field.d === undefined || empty) && field.p === undefined && field.a === undefined) return base;
  if (base.kind !== "struct") return field.d === undefined ? base : { ...base, default: field.d };
  const struct: Struct = base;
  return {
    kind: "struct",
    get fields() {
      return struct.fields;
    },
    ...(struct.required === undefined ? {} : { required: struct.required }),
    ...(struct.atomic === true || field.a === 1 ? { atomic: true } : {}),
    ...(struct.preserveUnknown === true ? { preserveUnknown: true } : {}),
    ...(field.p === undefined ? {} : { patchStrategy: field.p }),
    ...(field.d === undefined || empty ? {} : { default: field.d }),
  };
}

function isEmptyObject(value: Json): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
}
