// PersistentVolumeClaims are bound at once: to the smallest volume that fits, or to one made for them. Claims and
// volumes that are used are kept until they are not. Source: Kubernetes, "Persistent Volumes".
import { listAt, stringAt } from "#base/json.ts";
import { quantityNanos } from "#core/merge/quantity.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { Context, Controller } from "./support/controller.ts";
import { itself, keyFor, splitKey } from "./support/controller.ts";
import { deleting, kinds, writeStatus } from "./support/objects.ts";

const source = "persistentvolume-controller";
const defaultClass = "standard";
const provisioner = "sandbox.driftless.dev/volumes";

interface Claim extends KubernetesObject {
  readonly spec: {
    readonly accessModes?: readonly string[];
    readonly storageClassName?: string;
    readonly volumeName?: string;
    readonly volumeMode?: string;
    readonly resources?: { readonly requests?: Readonly<Record<string, string>> };
  };
  readonly status?: { readonly phase?: string };
}

interface Volume extends KubernetesObject {
  readonly spec: {
    readonly claimRef?: { readonly namespace?: string; readonly name?: string; readonly uid?: string };
    readonly persistentVolumeReclaimPolicy?: string;
    readonly capacity?: Readonly<Record<string, string>>;
    readonly accessModes?: readonly string[];
    readonly storageClassName?: string;
    readonly volumeMode?: string;
  };
  readonly status?: { readonly phase?: string };
}

const protection = { claim: "kubernetes.io/pvc-protection", volume: "kubernetes.io/pv-protection" };

export function volumeController(context: Context): Controller {
  ensureClass(context);
  return {
    name: source,
    watches: [
      itself(kinds.persistentVolumeClaim),
      {
        // A volume's key has an empty namespace; the claim that it names may have waited for it, or be gone.
        kind: kinds.persistentVolume,
        keys: ({ type, object }) => [
          `/${object.metadata.name}`,
          ...claimOf(object as Volume),
          ...(type === "ADDED" ? waitingClaims(context) : []),
        ],
      },
      { kind: kinds.pod, keys: ({ type, object }) => (type === "DELETED" ? claimsUsedBy(object) : []) },
    ],
    reconcile: (key) => {
      const [namespace, name] = splitKey(key);
      if (namespace === "") {
        settleVolume(context, name);
        return undefined;
      }
      const claim = context.client.get(kinds.persistentVolumeClaim, namespace, name) as Claim | undefined;
      if (claim === undefined) releaseVolumes(context, namespace, name);
      else if (deleting(claim)) letClaimGo(context, claim);
      else bind(context, claim);
      return undefined;
    },
  };
}

function claimOf({ spec }: Volume): string[] {
  const { namespace, name } = spec.claimRef ?? {};
  return namespace === undefined || name === undefined ? [] : [`${namespace}/${name}`];
}

/** A new volume may be what a claim waits for. */
function waitingClaims(context: Context): string[] {
  const claims = context.client.list(kinds.persistentVolumeClaim) as readonly Claim[];
  return claims.filter(({ status }) => status?.phase !== "Bound").map((claim) => keyFor(claim));
}

function claimsUsedBy(pod: KubernetesObject): string[] {
  const names = listAt(pod, "spec", "volumes").map((volume) => stringAt(volume, "persistentVolumeClaim", "claimName"));
  return names.filter((name) => name !== undefined).map((name) => `${pod.metadata.namespace ?? ""}/${name}`);
}

function letClaimGo(context: Context, claim: Claim): void {
  const pods = context.client.list(kinds.pod, claim.metadata.namespace);
  if (pods.some((pod) => claimsUsedBy(pod).includes(keyFor(claim)))) return;
  withoutFinalizer(context, claim, protection.claim);
}

function withoutFinalizer(context: Context, object: KubernetesObject, finalizer: string): void {
  const finalizers = object.metadata.finalizers ?? [];
  if (!finalizers.includes(finalizer)) return;
  const left = finalizers.filter((each) => each !== finalizer);
  context.client.update({ ...object, metadata: { ...object.metadata, finalizers: left } });
}

/** The smallest free volume of the claim's class that is large enough and can be used as the claim asks. */
function fittingVolume(context: Context, claim: Claim): Volume | undefined {
  const { namespace, name } = claim.metadata;
  const size = (volume: Volume): bigint => quantityNanos(volume.spec.capacity?.["storage"]) ?? 0n;
  const wanted = quantityNanos(claim.spec.resources?.requests?.["storage"]) ?? 0n;
  const fits = (volume: Volume): boolean => {
    const { claimRef, accessModes = [], storageClassName = "", volumeMode = "Filesystem" } = volume.spec;
    const free = claimRef === undefined || (claimRef.namespace === namespace && claimRef.name === name);
    return (
      free &&
      !deleting(volume) &&
      storageClassName === (claim.spec.storageClassName ?? defaultClass) &&
      volumeMode === (claim.spec.volumeMode ?? "Filesystem") &&
      (claim.spec.accessModes ?? []).every((mode) => accessModes.includes(mode)) &&
      size(volume) >= wanted
    );
  };
  const volumes = (context.client.list(kinds.persistentVolume) as readonly Volume[]).filter(fits);
  return [...volumes].sort((a, b) => (size(a) < size(b) ? -1 : size(a) > size(b) ? 1 : 0))[0];
}

function ensureClass(context: Context): void {
  if (context.client.get(kinds.storageClass, "", defaultClass) !== undefined) return;
  context.client.create({
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: { name: defaultClass, annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
    provisioner,
    reclaimPolicy: "Delete",
    volumeBindingMode: "Immediate",
  });
}

function bind(context: Context, claim: Claim): void {
  const volumeName = claim.spec.volumeName ?? "";
  const fitting = volumeName === "" ? fittingVolume(context, claim) : volumeOf(context, volumeName);
  let volume = fitting ?? (volumeName === "" ? provision(context, claim) : undefined);
  if (volume === undefined) {
    writeStatus(context, claim, { ...claim.status, phase: "Pending" });
    return;
  }
  const { claimRef } = volume.spec;
  const { namespace, name, uid } = claim.metadata;
  if (claimRef === undefined) {
    const ref = { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace, name, uid };
    volume = context.client.update({ ...volume, spec: { ...volume.spec, claimRef: ref } }) as Volume;
  } else if (claimRef.namespace !== namespace || claimRef.name !== name || (claimRef.uid ?? uid) !== uid) {
    writeStatus(context, claim, { ...claim.status, phase: "Pending" });
    return;
  }
  let bound = claim;
  if (volumeName === "") {
    const annotations = {
      ...claim.metadata.annotations,
      "pv.kubernetes.io/bind-completed": "yes",
      "pv.kubernetes.io/bound-by-controller": "yes",
      ...(fitting === undefined ? { "volume.kubernetes.io/storage-provisioner": provisioner } : {}),
    };
    const spec = {
      ...claim.spec,
      volumeName: volume.metadata.name ?? "",
      ...(claim.spec.storageClassName === undefined ? { storageClassName: defaultClass } : {}),
    };
    bound = context.client.update({ ...claim, metadata: { ...claim.metadata, annotations }, spec }) as Claim;
  }
  writeStatus(context, volume, { ...volume.status, phase: "Bound" });
  writeStatus(context, bound, {
    phase: "Bound",
    accessModes: volume.spec.accessModes ?? [],
    capacity: volume.spec.capacity ?? {},
  });
}

function volumeOf(context: Context, name: string): Volume | undefined {
  return context.client.get(kinds.persistentVolume, "", name) as Volume | undefined;
}

function provision(context: Context, claim: Claim): Volume | undefined {
  const storageClassName = claim.spec.storageClassName ?? defaultClass;
  // An empty class asks for no provisioning; an unknown one is waited for.
  if (context.client.get(kinds.storageClass, "", storageClassName) === undefined) return undefined;
  const { namespace, name, uid } = claim.metadata;
  const volumeName = `pvc-${uid}`;
  const there = volumeOf(context, volumeName);
  if (there !== undefined) return there;
  const volume = context.client.create({
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name: volumeName, annotations: { "pv.kubernetes.io/provisioned-by": provisioner } },
    spec: {
      accessModes: claim.spec.accessModes ?? ["ReadWriteOnce"],
      capacity: { storage: claim.spec.resources?.requests?.["storage"] ?? "1Gi" },
      claimRef: { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace, name, uid },
      hostPath: { path: `/sandbox/${volumeName}` },
      persistentVolumeReclaimPolicy: "Delete",
      storageClassName,
      volumeMode: claim.spec.volumeMode ?? "Filesystem",
    },
  });
  context.events.normal(claim, provisioner, "ProvisioningSucceeded", `Successfully provisioned volume ${volumeName}`);
  return volume as Volume;
}

function releaseVolumes(context: Context, namespace: string, name: string): void {
  for (const volume of context.client.list(kinds.persistentVolume) as readonly Volume[]) {
    const { claimRef } = volume.spec;
    if (claimRef?.namespace === namespace && claimRef.name === name) settleVolume(context, volume.metadata.name ?? "");
  }
}

/** A volume is available, bound, or released; one that was made for its claim goes with it. */
function settleVolume(context: Context, name: string): void {
  const volume = volumeOf(context, name);
  if (volume === undefined) return;
  if (deleting(volume)) {
    if (volume.status?.phase !== "Bound" || !claimIsThere(context, volume)) {
      withoutFinalizer(context, volume, protection.volume);
    }
    return;
  }
  const { claimRef } = volume.spec;
  if (claimRef?.uid === undefined) {
    if (volume.status?.phase !== "Available") writeStatus(context, volume, { ...volume.status, phase: "Available" });
    return;
  }
  if (claimIsThere(context, volume)) return;
  const ours = volume.metadata.annotations?.["pv.kubernetes.io/provisioned-by"] === provisioner;
  if (ours && volume.spec.persistentVolumeReclaimPolicy === "Delete") {
    context.client.delete({ ...kinds.persistentVolume, namespace: "", name });
  } else writeStatus(context, volume, { ...volume.status, phase: "Released" });
}

/** Whether the very claim that a volume is bound to is still there. */
function claimIsThere(context: Context, volume: Volume): boolean {
  const { namespace = "", name = "", uid } = volume.spec.claimRef ?? {};
  return uid !== undefined && context.client.get(kinds.persistentVolumeClaim, namespace, name)?.metadata.uid === uid;
}
