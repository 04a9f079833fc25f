// Types of Kubernetes' own put in the place of fields of a custom resource's type, whose schema tells less: quantities,
// durations, pod specs. Pure. Source: Argo CD's "Diff Customization", Known Kubernetes types in CRDs.
import { anyType, objectMetaType } from "./schema.ts";
import type { TypeSchema } from "./schema.ts";

/**
 * Takes the type of a kind (undefined: the cluster has none) and fields with their types; returns the type with those
 * fields so. A list on the way stands for its elements. Fields that the type does not have are added.
 */
export function withFieldTypes(
  schema: TypeSchema | undefined,
  fields: readonly { readonly path: readonly string[]; readonly type: TypeSchema }[],
): TypeSchema {
  const whole = schema ?? {
    kind: "struct",
    fields: { metadata: objectMetaType },
    preserveUnknown: true,
  };
  return fields.reduce<TypeSchema>((at, { path, type }) => withField(at, path, type), whole);
}

function withField(schema: TypeSchema, path: readonly string[], type: TypeSchema): TypeSchema {
  const [name, ...rest] = path;
  if (name === undefined) return schema.kind === "list" && type.kind !== "list" ? { ...schema, items: type } : type;
  switch (schema.kind) {
    case "list":
      return { ...schema, items: withField(schema.items, path, type) };
    case "map":
      return { ...schema, value: withField(schema.value, rest, type) };
    case "struct": {
      const before = Object.hasOwn(schema.fields, name) ? schema.fields[name]! : anyType;
      return { ...schema, fields: { ...schema.fields, [name]: withField(before, rest, type) } };
    }
    default:
      if (schema.type !== "any") return schema;
      return { kind: "struct", fields: { [name]: withField(anyType, rest, type) }, preserveUnknown: true };
  }
}
