// Which live objects of an application the flags of `app actions` mean.
import type { ActionTarget, ApiClient, AppRef } from "../../../server/api.ts";
import type { Operation } from "#base/operation.ts";
import { text } from "../../../flags.ts";

export const targetFlags = {
  group: text("Group of the resource"),
  kind: text("Kind of the resource"),
  namespace: text("Namespace of the resource"),
  "resource-name": text("Name of the resource"),
  "app-namespace": text("Namespace of the application", { short: "N" }),
};

interface Wanted {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly "resource-name": string;
}

/**
 * The live objects of the application's tree that the flags match. Where no kind and no name is given, only those that
 * the application itself brings: their pods are not meant.
 */
export async function targetsOf(
  op: Operation,
  api: ApiClient,
  ref: AppRef,
  wanted: Wanted,
): Promise<readonly ActionTarget[]> {
  const { nodes } = await api.applications.tree(op, ref);
  const deep = wanted.kind !== "" || wanted["resource-name"] !== "";
  return (nodes ?? [])
    .filter((node) => node.uid !== undefined && (deep || !node.parentRefs?.length))
    .map((node) => ({
      group: node.group ?? "",
      version: node.version ?? "",
      kind: node.kind,
      namespace: node.namespace ?? "",
      resourceName: node.name,
    }))
    .filter(
      (target) =>
        (wanted.group === "" || target.group === wanted.group) &&
        (wanted.kind === "" || target.kind === wanted.kind) &&
        (wanted.namespace === "" || target.namespace === wanted.namespace) &&
        (wanted["resource-name"] === "" || target.resourceName === wanted["resource-name"]),
    );
}
