// Sets of fields that were written under an older schema: what was granular and is atomic now is owned as a whole.
// Source: Kubernetes' "Server-Side Apply", "Changing the topology".
import { elementType } from "./fields.ts";
import type { Fields } from "./fields.ts";
import type { TypeSchema } from "./schema.ts";

/** Takes a set and the type of its object; returns the set itself where nothing changed. */
export function reconcileWithSchema(set: Fields, schema: TypeSchema): Fields {
  if (set.children === undefined) return set;
  if (schema.kind === "scalar") return set;
  if (schema.kind === "list" ? schema.listType === "atomic" : schema.atomic === true) return { own: true };
  let children: Map<string, Fields> | undefined;
  for (const [element, child] of set.children) {
    const type = elementType(schema, element);
    if (type === undefined || child.children === undefined) continue;
    const next = reconcileWithSchema(child, type);
    if (next !== child) (children ??= new Map(set.children)).set(element, next);
  }
  return children === undefined ? set : { own: set.own, children };
}
