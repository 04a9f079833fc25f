// The desired object as the API server would take it, before it is compared: what only the server writes is left out,
// Secrets' stringData is data, and a few kinds have fields that are never the author's. Pure; returns the object itself
// where there is nothing to do.
import { annotation } from "#model/names.ts";
import type { KubernetesObject } from "#model/object.ts";
import { parseApiVersion } from "#model/object.ts";
import { base64 } from "./base64.ts";

type Entries = Readonly<Record<string, unknown>>;

/** Metadata that only the API server writes. */
const serverMetadata = [
  "creationTimestamp",
  "deletionGracePeriodSeconds",
  "deletionTimestamp",
  "generation",
  "managedFields",
  "resourceVersion",
  "selfLink",
  "uid",
] as const;

export interface NormalizeOptions {
  readonly status: "ignore" | "compare";
}

/** Takes a desired (or last applied) object; returns what of it an apply can set. */
export function normalized(object: KubernetesObject, options: NormalizeOptions): KubernetesObject {
  let result: Entries = object;
  const metadata = (object.metadata ?? {}) as unknown as Entries;
  const meta = withoutKeys(metadata, serverMetadata);
  const annotations = meta["annotations"] as Entries | undefined | null;
  const cleaned =
    annotations !== undefined && annotations !== null && annotations[annotation.lastApplied] !== undefined
      ? { ...meta, annotations: withoutKeys(annotations, [annotation.lastApplied]) }
      : meta;
  if (cleaned !== metadata) result = { ...result, metadata: cleaned };
  if (options.status === "ignore" && result["status"] !== undefined) result = withoutKeys(result, ["status"]);
  return byKind(result) as unknown as KubernetesObject;
}

function byKind(object: Entries): Entries {
  const group = parseApiVersion(String(object["apiVersion"])).group;
  if (group === "" && object["kind"] === "Secret") return withSecretData(object);
  if (group === "rbac.authorization.k8s.io" && object["kind"] === "ClusterRole" && isEntries(object["aggregationRule"]))
    return withoutKeys(object, ["rules"]); // The controller manager fills them in.
  return object;
}

function isEntries(value: unknown): value is Entries {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function withoutKeys(object: Entries, keys: readonly string[]): Entries {
  let result: Record<string, unknown> | undefined;
  for (const key of keys)
    if (object[key] !== undefined) {
      result ??= { ...object };
      delete result[key];
    }
  return result ?? object;
}

/** Taints for which the API server gives every Pod a toleration of five minutes. */
const toleratedTaints = new Set<unknown>(["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]);

/** A Pod with the tolerations that admission added to the live one: their list is replaced as a whole. */
export function withAdmitted(desired: KubernetesObject, live: KubernetesObject): KubernetesObject {
  if (desired.kind !== "Pod" || desired.apiVersion !== "v1") return desired;
  const spec = desired["spec"];
  const found = isEntries(live["spec"]) ? live["spec"]["tolerations"] : undefined;
  if (!isEntries(spec) || !Array.isArray(found)) return desired;
  const own: readonly unknown[] = Array.isArray(spec["tolerations"]) ? spec["tolerations"] : [];
  if (spec["tolerations"] === undefined) return desired;
  const keys = new Set(own.map((item) => (isEntries(item) ? item["key"] : undefined)));
  const added = found.filter(
    (item) =>
      isEntries(item) &&
      toleratedTaints.has(item["key"]) &&
      item["tolerationSeconds"] === 300 &&
      !keys.has(item["key"]),
  );
  return added.length === 0 ? desired : { ...desired, spec: { ...spec, tolerations: [...own, ...added] } };
}

/** stringData is written into data, encoded, and is never stored. */
function withSecretData(secret: Entries): Entries {
  const text = secret["stringData"];
  if (text === undefined) return secret;
  const { stringData: _, ...rest } = secret;
  if (!isEntries(text)) return rest;
  const data: Record<string, unknown> = isEntries(rest["data"]) ? { ...rest["data"] } : {};
  for (const [key, value] of Object.entries(text)) if (typeof value === "string") data[key] = base64(value);
  return { ...rest, data };
}
