// What an API server's answer to a dry run of a server-side apply says of an object: the live object with what this
// manager's apply would change, and by request with what admission webhooks would. Pure.
// Source: Argo CD's "Diff strategies", Server-Side Diff.
import type { KubernetesObject, ManagedFieldsEntry } from "#model/object.ts";
import { difference, fieldsOfEntry, intersection, isEmptySet, noFields, union } from "#core/merge/fields.ts";
import type { Fields } from "#core/merge/fields.ts";
import type { TypeSchema } from "#core/merge/schema.ts";
import { changesBetween, fieldsOf, mergeTyped, removeFields } from "#core/merge/typed.ts";

export interface AnswerOptions {
  readonly manager: string;
  readonly mutations: "exclude" | "include";
  readonly status: "ignore" | "compare";
}

/** Takes the live object, the answer and their type; returns the live object as an apply would leave it. */
export function answered(
  live: KubernetesObject,
  answer: KubernetesObject,
  type: TypeSchema,
  options: AnswerOptions,
): KubernetesObject {
  const after = withServerFieldsOf(answer, live, options.status);
  if (options.mutations === "include") return after;
  const changes = changesBetween(live, after, type);
  const own = appliedBy(answer.metadata.managedFields, options.manager);
  const before = appliedBy(live.metadata.managedFields, options.manager);
  const changed = union(changes.modified, changes.added);
  const foreign = union(difference(changed, own), difference(changes.removed, before));
  if (isEmptySet(foreign)) return after;
  // From the live object on: without what this manager gave up, with what it applies.
  const left = removeFields(live, intersection(changes.removed, before), type);
  const applied = removeFields(after, difference(fieldsOf(after, type), own), type);
  const merged = mergeTyped(left, applied, type) as KubernetesObject;
  return { ...merged, metadata: { ...merged.metadata, ...identityOf(live) } };
}

/** What an applier's entry holds: the one for the object itself, not for a subresource. */
function appliedBy(entries: readonly ManagedFieldsEntry[] | undefined, manager: string): Fields {
  const own = entries?.filter(
    (entry) => entry.manager === manager && entry.operation === "Apply" && (entry.subresource ?? "") === "",
  );
  return (own ?? []).reduce<Fields>((set, entry) => union(set, fieldsOfEntry(entry)), noFields);
}

/** Metadata that every write changes, and that says nothing of drift. */
const serverFields = ["creationTimestamp", "generation", "managedFields", "resourceVersion", "uid"] as const;

function withServerFieldsOf(
  answer: KubernetesObject,
  live: KubernetesObject,
  status: AnswerOptions["status"],
): KubernetesObject {
  const metadata: Record<string, unknown> = { ...answer.metadata };
  for (const field of serverFields) {
    if (live.metadata[field] === undefined) delete metadata[field];
    else metadata[field] = live.metadata[field];
  }
  const result: Record<string, unknown> = { ...answer, metadata };
  if (status === "ignore") {
    if (live["status"] === undefined) delete result["status"];
    else result["status"] = live["status"];
  }
  return result as unknown as KubernetesObject;
}

function identityOf(live: KubernetesObject): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const field of serverFields) if (live.metadata[field] !== undefined) found[field] = live.metadata[field];
  return found;
}
