// From client-side to server-side apply: who owns an object's fields is rewritten so that what was applied client-side
// counts as applied server-side. Pure. Source: Kubernetes "Server-Side Apply", Migration between client-side and
// server-side apply.
import { isObject, type JsonObject } from "#base/json.ts";
import { annotation } from "#model/names.ts";
import type { KubernetesObject } from "#model/object.ts";

interface Entry {
  readonly manager?: string;
  readonly operation?: string;
  readonly subresource?: string;
  readonly apiVersion?: string;
  readonly fieldsType?: string;
  readonly fieldsV1?: JsonObject;
}

/**
 * The object's managedFields with all that `from` (and whoever wrote the last-applied annotation) set by updates in one
 * entry of `to` by apply; undefined where nothing is to be moved.
 */
export function migratedManagers(
  object: KubernetesObject,
  { from, to }: { readonly from: readonly string[]; readonly to: string },
): readonly unknown[] | undefined {
  const entries = (object.metadata["managedFields"] as readonly Entry[] | undefined) ?? [];
  const moves = (entry: Entry): boolean =>
    entry.operation === "Update" &&
    !entry.subresource &&
    (from.includes(entry.manager ?? "") || wroteLastApplied(entry));
  const moved = entries.filter(moves);
  if (moved.length === 0) return undefined;
  const own = entries.find((entry) => entry.operation === "Apply" && entry.manager === to && !entry.subresource);
  const fields = [own, ...moved].reduce<JsonObject>((sum, entry) => union(sum, entry?.fieldsV1 ?? {}), {});
  const base = own ?? moved[0]!;
  const joined = { ...base, manager: to, operation: "Apply", fieldsType: "FieldsV1", fieldsV1: fields };
  return [joined, ...entries.filter((entry) => entry !== own && !moves(entry))];
}

function wroteLastApplied({ fieldsV1 }: Entry): boolean {
  const metadata = fieldsV1?.["f:metadata"];
  const annotations = isObject(metadata) ? metadata["f:annotations"] : undefined;
  return isObject(annotations) && annotations[`f:${annotation.lastApplied}`] !== undefined;
}

/** Of two sets of fields all: FieldsV1 are trees whose leaves are empty objects. */
function union(a: JsonObject, b: JsonObject): JsonObject {
  const sum: Record<string, JsonObject[string]> = { ...a };
  for (const [name, value] of Object.entries(b)) {
    const known = sum[name];
    sum[name] = isObject(known) && isObject(value) ? union(known, value) : value;
  }
  return sum;
}
