// What the service account admission adds to a new pod: the account's token as a volume, mounted in every container.
// Source: Kubernetes, "Managing Service Accounts: Bound service account token volume mechanism".
import { isObject, stringAt } from "#base/json.ts";
import { ApiError } from "../../contract.ts";
import type { PrepareContext } from "../../contract.ts";
import { inItems, withField } from "../edit.ts";
import type { Fields } from "../edit.ts";

const mountPath = "/var/run/secrets/kubernetes.io/serviceaccount";
const alphabet = "bcdfghjklmnpqrstvwxz2456789";
const expirationSeconds = 3607;

/**
 * Takes a new pod's spec and metadata; returns the spec with the token's volume and mounts, unless pod or account say
 * that no token is to be mounted. Errors: Forbidden where an account other than the default one does not exist (the
 * default one comes a moment after its namespace, and pods are not refused for that moment).
 */
export function withAccountToken(spec: Fields, metadata: Fields, context: PrepareContext): Fields {
  const namespace = stringAt(metadata, "namespace") ?? "";
  const name = stringAt(spec, "serviceAccountName") ?? "default";
  const account = context.reader.get({ group: "", kind: "ServiceAccount" }, namespace, name);
  if (account === undefined && name !== "default") throw noAccount(stringAt(metadata, "name") ?? "", namespace, name);
  const mounts = spec.automountServiceAccountToken ?? account?.["automountServiceAccountToken"] ?? true;
  if (mounts !== true) return spec;
  const volume = `kube-api-access-${suffixFrom(stringAt(metadata, "uid") ?? "")}`;
  const mounted = ["containers", "initContainers"].reduce((current, field) => withMounts(current, field, volume), spec);
  if (mounted === spec) return spec;
  const volumes: readonly unknown[] = Array.isArray(spec.volumes) ? spec.volumes : [];
  return withField(mounted, "volumes", [...volumes, tokenVolume(volume)]);
}

function withMounts(spec: Fields, field: string, volume: string): Fields {
  return inItems(spec, field, (container) => {
    const mounts: readonly unknown[] = Array.isArray(container.volumeMounts) ? container.volumeMounts : [];
    if (mounts.some((mount) => isObject(mount) && mount.mountPath === mountPath)) return container;
    return withField(container, "volumeMounts", [...mounts, { name: volume, readOnly: true, mountPath }]);
  });
}

function tokenVolume(name: string): Fields {
  const namespace = { path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } };
  const sources = [
    { serviceAccountToken: { expirationSeconds, path: "token" } },
    { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
    { downwardAPI: { items: [namespace] } },
  ];
  return { name, projected: { sources, defaultMode: 0o644 } };
}

/** Five letters that look random, and are the pod's own. */
function suffixFrom(uid: string): string {
  const digits = uid.replaceAll("-", "").padEnd(10, "0");
  return Array.from({ length: 5 }, (_, index) => {
    const value = Number.parseInt(digits.slice(index * 2, index * 2 + 2), 16) || 0;
    return alphabet[value % alphabet.length];
  }).join("");
}

function noAccount(pod: string, namespace: string, name: string): ApiError {
  const why = `error looking up service account ${namespace}/${name}: serviceaccount ${JSON.stringify(name)} not found`;
  return new ApiError({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: `pods ${JSON.stringify(pod)} is forbidden: ${why}`,
    reason: "Forbidden",
    details: { name: pod, kind: "pods" },
    code: 403,
  });
}
