// StatefulSets: pods with stable names and claims, made and removed in order. Source: Kubernetes, "StatefulSets".
import { keyOf, type KubernetesObject } from "#model/object.ts";
import type { Context, Controller } from "./support/controller.ts";
import { controlledBy, itself, splitKey } from "./support/controller.ts";
import { claim } from "./support/claim.ts";
import { deleting, kinds, remove, writeStatus, type Pod, type PodTemplate } from "./support/objects.ts";
import { isFinished, isReady, podFrom, untilAvailableMs } from "./support/pods.ts";
import { revisionLabel, revisionsOf, templateOf, truncateHistory, type Revision } from "./support/revisions.ts";
import type { LabelSelector } from "./support/selectors.ts";

const source = "statefulset-controller";

interface StatefulSet extends KubernetesObject {
  readonly spec: {
    readonly replicas?: number;
    readonly serviceName?: string;
    readonly selector: LabelSelector;
    readonly template: PodTemplate;
    readonly podManagementPolicy?: "OrderedReady" | "Parallel";
    readonly updateStrategy?: { readonly type?: string; readonly rollingUpdate?: { readonly partition?: number } };
    readonly volumeClaimTemplates?: readonly KubernetesObject[];
    readonly revisionHistoryLimit?: number;
    readonly minReadySeconds?: number;
    readonly ordinals?: { readonly start?: number };
  };
  readonly status?: { readonly currentRevision?: string; readonly collisionCount?: number };
}

/** One pass over one StatefulSet. */
interface Pass {
  readonly context: Context;
  readonly set: StatefulSet;
  readonly current: Revision;
  readonly update: Revision;
  /** By ordinal, from `start` on; undefined where there is none. */
  readonly wanted: (Pod | undefined)[];
  /** Beyond the replicas, highest ordinal first. */
  readonly condemned: readonly Pod[];
  readonly start: number;
  /** Milliseconds until a pod becomes available by time alone. */
  again: number | undefined;
}

export function statefulSetController(context: Context): Controller {
  return {
    name: source,
    watches: [itself(kinds.statefulSet), controlledBy(kinds.pod, kinds.statefulSet)],
    reconcile: (key) => {
      const [namespace, name] = splitKey(key);
      const set = context.client.get(kinds.statefulSet, namespace, name) as StatefulSet | undefined;
      if (set === undefined) return undefined;
      const candidates = context.pods.select(namespace, set.spec.selector).filter((pod) => ordinalOf(set, pod) >= 0);
      const pods = claim<Pod>(context, set, kinds.pod, candidates);
      if (deleting(set)) return undefined;
      const revisions = revisionsOf(context, set);
      const pass = passOf(context, set, pods, revisions);
      move(pass);
      updateStatus(pass, revisions);
      return pass.again;
    },
  };
}

function ordinalOf(set: StatefulSet, pod: KubernetesObject): number {
  const prefix = `${set.metadata.name}-`;
  const name = pod.metadata.name ?? "";
  const rest = name.startsWith(prefix) ? name.slice(prefix.length) : "";
  return /^\d+$/.test(rest) ? Number(rest) : -1;
}

function passOf(context: Context, set: StatefulSet, pods: readonly Pod[], revisions: readonly Revision[]): Pass {
  const start = set.spec.ordinals?.start ?? 0;
  const replicas = set.spec.replicas ?? 1;
  const wanted: (Pod | undefined)[] = Array.from({ length: replicas }, () => undefined);
  const condemned: Pod[] = [];
  for (const pod of pods) {
    const ordinal = ordinalOf(set, pod);
    if (ordinal >= start && ordinal < start + replicas) wanted[ordinal - start] = pod;
    else condemned.push(pod);
  }
  condemned.sort((a, b) => ordinalOf(set, b) - ordinalOf(set, a));
  const update = revisions.at(-1) as Revision;
  const current = revisions.find((each) => each.metadata.name === set.status?.currentRevision) ?? update;
  return { context, set, current, update, wanted, condemned, start, again: undefined };
}

function isAvailable(pass: Pass, pod: Pod): boolean {
  const wait = untilAvailableMs(pod, pass.set.spec.minReadySeconds ?? 0, pass.context.clock.now());
  if (wait !== undefined && wait > 0) pass.again = Math.min(pass.again ?? wait, wait);
  return wait === 0;
}

/** Whether a pod lets the next one take its turn. */
function isHealthy(pass: Pass, pod: Pod | undefined): boolean {
  return pod !== undefined && !deleting(pod) && pod.status?.phase === "Running" && isAvailable(pass, pod);
}

function move(pass: Pass): void {
  const ordered = pass.set.spec.podManagementPolicy !== "Parallel";
  for (let index = 0; index < pass.wanted.length; index++) {
    const pod = pass.wanted[index];
    if (pod === undefined) createPod(pass, index);
    else if (isFinished(pod) && !deleting(pod)) removePod(pass, pod, "is recreating failed");
    else if (!ordered || isHealthy(pass, pod)) continue;
    if (ordered) return;
  }
  for (const pod of pass.condemned) {
    if (ordered && deleting(pod)) return;
    if (!deleting(pod)) removePod(pass, pod, "");
    if (ordered) return;
  }
  rollOn(pass);
}

/** Replaces the highest pod that is not of the newest revision, once all above it are healthy. */
function rollOn(pass: Pass): void {
  const { updateStrategy } = pass.set.spec;
  if (updateStrategy?.type === "OnDelete") return;
  const from = Math.max(0, (updateStrategy?.rollingUpdate?.partition ?? 0) - pass.start);
  for (let index = pass.wanted.length - 1; index >= from; index--) {
    const pod = pass.wanted[index];
    if (pod !== undefined && !deleting(pod) && pod.metadata.labels?.[revisionLabel] !== pass.update.metadata.name) {
      removePod(pass, pod, "");
      return;
    }
    if (!isHealthy(pass, pod)) return;
  }
}

function removePod(pass: Pass, pod: Pod, _why: string): void {
  const { context, set } = pass;
  remove(context, pod);
  const message = `Delete Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name} successful`;
  context.events.normal(set, source, "SuccessfulDelete", message);
}

function createPod(pass: Pass, index: number): void {
  const { context, set } = pass;
  const ordinal = pass.start + index;
  const name = `${set.metadata.name}-${ordinal}`;
  // Pods below the partition keep the revision that is current.
  const partition = set.spec.updateStrategy?.rollingUpdate?.partition ?? 0;
  const revision = ordinal < partition ? pass.current : pass.update;
  const template = templateOf(revision) ?? set.spec.template;
  const volumes = claims(pass, name);
  const pod = podFrom(context, set, template, {
    name,
    labels: {
      "apps.kubernetes.io/pod-index": String(ordinal),
      [revisionLabel]: revision.metadata.name ?? "",
      "statefulset.kubernetes.io/pod-name": name,
    },
  });
  const others = (pod.spec.volumes ?? []).filter((volume) => !volumes.some((each) => each.name === volume["name"]));
  const spec = {
    ...pod.spec,
    hostname: name,
    ...(set.spec.serviceName === undefined || set.spec.serviceName === "" ? {} : { subdomain: set.spec.serviceName }),
    ...(volumes.length === 0 ? {} : { volumes: [...volumes, ...others] }),
  };
  pass.wanted[index] = context.client.create({ ...pod, spec }) as Pod;
  const message = `Create Pod ${name} in StatefulSet ${set.metadata.name} successful`;
  context.events.normal(set, source, "SuccessfulCreate", message);
}

interface ClaimVolume {
  readonly name: string;
  readonly persistentVolumeClaim: { readonly claimName: string };
}

/** Makes the claims of a pod that do not exist yet; returns the volumes that refer to them. */
function claims(pass: Pass, pod: string): readonly ClaimVolume[] {
  const { context, set } = pass;
  const namespace = set.metadata.namespace ?? "";
  return (set.spec.volumeClaimTemplates ?? []).map((template) => {
    const claimName = `${template.metadata.name}-${pod}`;
    if (context.client.get(kinds.persistentVolumeClaim, namespace, claimName) === undefined) {
      const labels = { ...template.metadata.labels, ...set.spec.selector.matchLabels };
      const { status: _, ...rest } = template;
      context.client.create({
        ...rest,
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: {
          name: claimName,
          namespace,
          labels,
          ...(template.metadata.annotations === undefined ? {} : { annotations: template.metadata.annotations }),
        },
      });
      const message = `Create Claim ${claimName} Pod ${pod} in StatefulSet ${set.metadata.name} success`;
      context.events.normal(set, source, "SuccessfulCreate", message);
    }
    return { name: template.metadata.name ?? "", persistentVolumeClaim: { claimName } };
  });
}

function updateStatus(pass: Pass, revisions: readonly Revision[]): void {
  const { context, set, update } = pass;
  const updateRevision = update.metadata.name ?? "";
  let currentRevision = pass.current.metadata.name ?? "";
  const pods = [...pass.wanted, ...pass.condemned]
    .filter((pod): pod is Pod => pod !== undefined)
    .map((pod) => (context.client.get(kinds.pod, keyOf(pod).namespace, keyOf(pod).name) as Pod | undefined) ?? pod);
  const alive = pods.filter((pod) => !deleting(pod));
  const revision = (pod: Pod): string | undefined => pod.metadata.labels?.[revisionLabel];
  const readyReplicas = pods.filter((pod) => pod.status?.phase === "Running" && isReady(pod)).length;
  const availableReplicas = pods.filter((pod) => pod.status?.phase === "Running" && isAvailable(pass, pod)).length;
  const updatedReplicas = alive.filter((pod) => revision(pod) === updateRevision).length;
  const replicas = pods.length;
  const isRolling = set.spec.updateStrategy?.type !== "OnDelete";
  const rolledOut = updatedReplicas === replicas && readyReplicas === replicas;
  if (isRolling && rolledOut && (set.spec.updateStrategy?.rollingUpdate?.partition ?? 0) === 0) {
    currentRevision = updateRevision;
  }
  const currentReplicas = alive.filter((pod) => revision(pod) === currentRevision).length;
  writeStatus(context, set, {
    observedGeneration: set.metadata.generation ?? 0,
    replicas,
    availableReplicas,
    ...(readyReplicas === 0 ? {} : { readyReplicas }),
    ...(currentReplicas === 0 ? {} : { currentReplicas }),
    ...(updatedReplicas === 0 ? {} : { updatedReplicas }),
    currentRevision,
    updateRevision,
    collisionCount: set.status?.collisionCount ?? 0,
  });
  const inUse = new Set([currentRevision, updateRevision, ...pods.map((pod) => revision(pod) ?? "")]);
  truncateHistory(context, set, revisions, inUse);
}
