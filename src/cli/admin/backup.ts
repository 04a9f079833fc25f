// Backups of an installation: which objects belong to one, how they are written down, and what restoring one changes. The
// stream is that of argocd's export and import. Pure: reads and writes nothing.
import { at, isObject, listAt, stringAt, type JsonObject } from "#base/json.ts";
import { differences } from "#core/compare/paths.ts";
import { anyType } from "#core/merge/schema.ts";
import { annotation, label } from "#model/names.ts";
import { parseApiVersion, type KubernetesObject, type ObjectMeta } from "#model/object.ts";

/** The ConfigMaps of a backup, in its order. */
export const backedUpConfigMaps = [
  "argocd-cm",
  "argocd-rbac-cm",
  "argocd-ssh-known-hosts-cm",
  "argocd-tls-certs-cm",
] as const;

/** Names of Secrets that the older way of configuring repositories, in argocd-cm, refers to. */
export function referencedSecrets(lists: readonly unknown[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const entry of lists.flatMap((list) => listAt({ list }, "list")))
    for (const [field, value] of Object.entries(isObject(entry) ? entry : {})) {
      const name = field.endsWith("Secret") ? stringAt(value, "name") : undefined;
      if (name) names.add(name);
    }
  return names;
}

/** Whether a Secret is part of the installation: its own, a repository's, a cluster's. */
export function isBackedUpSecret({ metadata }: KubernetesObject, referenced: ReadonlySet<string>): boolean {
  return (
    metadata.name === "argocd-secret" ||
    referenced.has(metadata.name ?? "") ||
    metadata.labels?.[label.secretType] !== undefined ||
    metadata.annotations?.["managed-by"] === "argocd.argoproj.io"
  );
}

/** An object as a backup holds it: of its metadata what people write, the namespace only where it is another. */
export function forBackup(object: KubernetesObject, own: string): KubernetesObject {
  const { name, namespace, labels, annotations, finalizers } = object.metadata;
  const metadata: ObjectMeta = {
    ...(name === undefined ? {} : { name }),
    ...(namespace === undefined || namespace === own ? {} : { namespace }),
    ...(isEmpty(labels) ? {} : { labels: labels! }),
    ...(isEmpty(annotations) ? {} : { annotations: annotations! }),
    ...(finalizers?.length ? { finalizers } : {}),
  };
  return { ...object, metadata };
}

const isEmpty = (value: object | undefined): boolean => value === undefined || Object.keys(value).length === 0;

/** The fields beside metadata that a restore brings back. */
const restored: Readonly<Record<string, readonly string[]>> = {
  "/Secret": ["data"],
  "/ConfigMap": ["data"],
  "argoproj.io/AppProject": ["spec"],
  "argoproj.io/Application": ["spec", "status"],
  "argoproj.io/ApplicationSet": ["spec"],
};

export const kindOf = ({ apiVersion, kind }: KubernetesObject): string =>
  `${parseApiVersion(apiVersion).group}/${kind}`;

/** Whether backups hold objects of this kind. */
export const isBackedUp = (object: KubernetesObject): boolean => Object.hasOwn(restored, kindOf(object));

export interface RestoreOptions {
  /** Ends operations that run. */
  readonly stopOperation: boolean;
  /** Objects that are tracked keep their tracking. */
  readonly ignoreTracking: boolean;
}

export interface Restore {
  /** The live object as it would be. */
  readonly object: KubernetesObject;
  /** Pointers to what changes, without values; none: nothing. */
  readonly changes: readonly string[];
}

/** What restoring an object makes of the live one: finalizers, annotations, labels and what the kind is about. */
export function restore(backup: KubernetesObject, live: KubernetesObject, options: RestoreOptions): Restore {
  const wanted = options.ignoreTracking ? keepingTracking(backup, live) : backup;
  const { annotations: _a, labels: _l, finalizers: _f, ...metadata } = live.metadata;
  const { annotations, labels, finalizers } = wanted.metadata;
  const fields: Record<string, unknown> = {};
  for (const field of restored[kindOf(live)] ?? [])
    if (field !== "status" || wanted[field] !== undefined) fields[field] = wanted[field];
  const { operation, ...rest } = live as KubernetesObject & { readonly operation?: unknown };
  const stops = options.stopOperation && kindOf(live) === "argoproj.io/Application" && operation !== undefined;
  const object = {
    ...rest,
    ...(operation === undefined || stops ? {} : { operation }),
    ...fields,
    metadata: {
      ...metadata,
      ...(isEmpty(annotations) ? {} : { annotations: annotations! }),
      ...(isEmpty(labels) ? {} : { labels: labels! }),
      ...(finalizers?.length ? { finalizers } : {}),
    },
  } as KubernetesObject;
  return { object, changes: differences(comparable(live), comparable(object), anyType, "report") };
}

/** Without what changes all by itself, and what kubectl notes. */
function comparable(object: KubernetesObject): JsonObject {
  const { [annotation.lastApplied]: _kubectl, ...annotations } = object.metadata.annotations ?? {};
  const { reconciledAt: _r, observedAt: _o, ...status } = isObject(object["status"]) ? object["status"] : {};
  return { ...object, metadata: { ...object.metadata, annotations }, status } as unknown as JsonObject;
}

function keepingTracking(backup: KubernetesObject, live: KubernetesObject): KubernetesObject {
  const kept = (field: "annotations" | "labels", name: string): object => {
    const [now, then] = [live.metadata[field]?.[name], backup.metadata[field]?.[name]];
    return now === undefined || then === undefined ? {} : { [field]: { ...backup.metadata[field], [name]: now } };
  };
  return {
    ...backup,
    metadata: { ...backup.metadata, ...kept("annotations", annotation.trackingId), ...kept("labels", label.instance) },
  };
}

/** Whether a label `KEY=VALUE` is on an object. */
export function hasLabel(object: KubernetesObject, written: string): boolean {
  const equals = written.indexOf("=");
  if (equals <= 0 || equals === written.length - 1) return false;
  return object.metadata.labels?.[written.slice(0, equals)] === written.slice(equals + 1);
}

/** A Secret whose readable data stands with the other, as the API server would make it. */
export function withoutStringData(object: KubernetesObject): KubernetesObject {
  const { stringData, ...rest } = object as KubernetesObject & {
    readonly stringData?: Readonly<Record<string, string>>;
  };
  if (!stringData) return object;
  const encoded = Object.entries(stringData).map(([key, value]) => [
    key,
    Buffer.from(value, "utf8").toString("base64"),
  ]);
  return { ...rest, data: { ...(at(rest, "data") as object), ...Object.fromEntries(encoded) } };
}
