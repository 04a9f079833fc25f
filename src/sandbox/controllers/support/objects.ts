// The parts of built-in kinds that controllers read and write, and small helpers for owners, conditions and status.
import { sameJson } from "#base/json.ts";
import { rfc3339 } from "#base/ports.ts";
import type { GroupKind, KubernetesObject, ObjectMeta, OwnerReference } from "#model/object.ts";
import { keyOf } from "#model/object.ts";
import type { Context } from "./controller.ts";
import type { LabelSelector } from "./selectors.ts";

export const kinds = {
  deployment: { group: "apps", kind: "Deployment" },
  replicaSet: { group: "apps", kind: "ReplicaSet" },
  statefulSet: { group: "apps", kind: "StatefulSet" },
  daemonSet: { group: "apps", kind: "DaemonSet" },
  controllerRevision: { group: "apps", kind: "ControllerRevision" },
  job: { group: "batch", kind: "Job" },
  cronJob: { group: "batch", kind: "CronJob" },
  pod: { group: "", kind: "Pod" },
  node: { group: "", kind: "Node" },
  service: { group: "", kind: "Service" },
  endpoints: { group: "", kind: "Endpoints" },
  endpointSlice: { group: "discovery.k8s.io", kind: "EndpointSlice" },
  ingress: { group: "networking.k8s.io", kind: "Ingress" },
  persistentVolumeClaim: { group: "", kind: "PersistentVolumeClaim" },
  persistentVolume: { group: "", kind: "PersistentVolume" },
  storageClass: { group: "storage.k8s.io", kind: "StorageClass" },
  horizontalPodAutoscaler: { group: "autoscaling", kind: "HorizontalPodAutoscaler" },
  podDisruptionBudget: { group: "policy", kind: "PodDisruptionBudget" },
  serviceAccount: { group: "", kind: "ServiceAccount" },
  configMap: { group: "", kind: "ConfigMap" },
  namespace: { group: "", kind: "Namespace" },
  resourceQuota: { group: "", kind: "ResourceQuota" },
  customResourceDefinition: { group: "apiextensions.k8s.io", kind: "CustomResourceDefinition" },
} as const satisfies Record<string, GroupKind>;

export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string | null;
  readonly lastUpdateTime?: string;
  readonly lastProbeTime?: string | null;
  readonly observedGeneration?: number;
}

export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly restartPolicy?: string;
  readonly resources?: {
    readonly requests?: Readonly<Record<string, string>>;
    readonly limits?: Readonly<Record<string, string>>;
  };
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number; readonly protocol?: string }[];
}

export interface PodSpec {
  readonly nodeName?: string;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly restartPolicy?: "Always" | "OnFailure" | "Never";
  readonly schedulingGates?: readonly { readonly name: string }[];
  readonly activeDeadlineSeconds?: number;
  readonly volumes?: readonly Readonly<Record<string, unknown>>[];
  readonly [field: string]: unknown;
}

export interface PodTemplate {
  readonly metadata?: ObjectMeta;
  readonly spec: PodSpec;
}

export interface TerminatedState {
  readonly exitCode: number;
  readonly reason: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
}

export interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly running?: { readonly startedAt?: string };
  readonly terminated?: TerminatedState;
}

export interface ContainerStatus {
  readonly name: string;
  readonly state?: ContainerState;
  readonly lastState?: ContainerState;
  readonly ready: boolean;
  readonly started?: boolean;
  readonly restartCount: number;
}

export interface PodStatus {
  readonly phase?: "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown";
  readonly conditions?: readonly Condition[];
  readonly reason?: string;
  readonly message?: string;
  readonly podIP?: string;
  readonly hostIP?: string;
  readonly startTime?: string;
  readonly containerStatuses?: readonly ContainerStatus[];
  readonly initContainerStatuses?: readonly ContainerStatus[];
  readonly [field: string]: unknown;
}

export interface Pod extends KubernetesObject {
  readonly spec: PodSpec;
  readonly status?: PodStatus;
}

export interface WorkloadStatus {
  readonly replicas?: number;
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
  readonly collisionCount?: number;
  readonly readyReplicas?: number;
  readonly availableReplicas?: number;
  readonly [field: string]: unknown;
}

export interface ReplicaSet extends KubernetesObject {
  readonly spec: {
    readonly replicas?: number;
    readonly minReadySeconds?: number;
    readonly selector: LabelSelector;
    readonly template: PodTemplate;
  };
  readonly status?: WorkloadStatus;
}

export function ownerRefTo(owner: KubernetesObject): OwnerReference {
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name ?? "",
    uid: owner.metadata.uid ?? "",
    controller: true,
    blockOwnerDeletion: true,
  };
}

export function controllerOf(object: KubernetesObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((ref) => ref.controller === true);
}

/** The objects of one kind that `owner` controls, oldest first. */
export function controlled<T extends KubernetesObject>(
  context: Context,
  owner: KubernetesObject,
  kind: GroupKind,
): T[] {
  const uid = owner.metadata.uid ?? "";
  const found: T[] = [];
  for (const object of context.client.dependents(uid)) {
    if (object.kind === kind.kind && controllerOf(object)?.uid === uid) found.push(object as T);
  }
  return found.sort(byAge);
}

export function byAge(a: KubernetesObject, b: KubernetesObject): number {
  const left = a.metadata.creationTimestamp ?? "";
  const right = b.metadata.creationTimestamp ?? "";
  if (left !== right) return left < right ? -1 : 1;
  return (a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1;
}

export function deleting(object: KubernetesObject): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

export function nowText(context: Context): string {
  return rfc3339(context.clock.now());
}

/** Writes status if it differs; returns the object as it is now. */
export function writeStatus<T extends KubernetesObject>(context: Context, object: T, status: unknown): T {
  if (sameJson((object as { status?: unknown }).status, status)) return object;
  return context.client.update({ ...object, status }, "status") as T;
}

export function remove(context: Context, object: KubernetesObject): void {
  context.client.delete(keyOf(object), { propagationPolicy: "Background", uid: object.metadata.uid ?? "" });
}

export function conditionOf(
  status: { readonly conditions?: readonly Condition[] } | undefined,
  type: string,
): Condition | undefined {
  return status?.conditions?.find((each) => each.type === type);
}

/**
 * Conditions with one set. Unchanged status keeps lastTransitionTime; nothing changes at all where status, reason and
 * message are the same.
 */
export function withCondition(
  conditions: readonly Condition[] | undefined,
  next: Condition,
  now: string,
): readonly Condition[] {
  const before = conditions?.find((each) => each.type === next.type);
  const same = before?.status === next.status;
  if (same && before?.reason === next.reason && before?.message === next.message) return conditions ?? [];
  const set = { ...next, lastTransitionTime: same ? (before?.lastTransitionTime ?? now) : now };
  const others = (conditions ?? []).filter((each) => each.type !== next.type);
  return [...others, set];
}

/** Milliseconds since the epoch of an RFC 3339 text; `fallback` where absent. */
export function timeOf(text: string | null | undefined, fallback = 0): number {
  return text == null ? fallback : Date.parse(text);
}

/** A number or percentage of `total`, as maxSurge and maxUnavailable are written. */
export function scaled(value: number | string | undefined, total: number, round: "up" | "down"): number {
  if (value === undefined) return 0;
  if (typeof value === "number") return value;
  const part = (Number.parseInt(value, 10) / 100) * total;
  return value.endsWith("%") ? (round === "up" ? Math.ceil(part) : Math.floor(part)) : Number.parseInt(value, 10);
}
