// A step of a sync, and the order of steps. Pure. Source: Argo CD's "Sync Phases and Waves".
import type { HookType, ResourceResult, SyncPhase } from "#model/application.ts";
import type { KubernetesObject, ObjectKey } from "#model/object.ts";
import { keyText } from "#model/object.ts";
import type { HookDeletePolicy } from "./hooks.ts";
import type { ResourceSyncOptions } from "./options.ts";

export interface SyncTask {
  readonly key: ObjectKey;
  readonly version: string;
  readonly phase: SyncPhase;
  readonly wave: number;
  readonly action: "apply" | "prune" | "hook";
  /** What to apply or create; absent for a prune. Namespace, name, hook mark and finalizer are filled in. */
  readonly desired?: KubernetesObject;
  /** The live object when the plan was made; for a prune, the one to delete (its uid is the precondition). */
  readonly live?: KubernetesObject;
  readonly hookType?: HookType;
  readonly deletePolicies?: readonly HookDeletePolicy[];
  /** Names the run that a hook belongs to (operation, attempt, phase): the value of its hook-run annotation. */
  readonly run?: string;
  readonly options: ResourceSyncOptions;
  /** Comparing found live equal to desired: applying changes nothing. */
  readonly unchanged?: boolean;
  /** Only what is out of sync is applied, and this is not (ApplyOutOfSyncOnly). */
  readonly skipped?: boolean;
  /** A prune that is not done, with the reason ("ignored (requires pruning)"). */
  readonly ignored?: string;
  /** The cluster does not know the kind yet; this CustomResourceDefinition of the same sync brings it. */
  readonly definition?: ObjectKey;
  /** A dry run cannot try it, with the reason: what it needs comes with the same sync. */
  readonly untriable?: string;
  /** The namespace that CreateNamespace=true adds. */
  readonly createsNamespace?: boolean;
  /** Place in the plan, from 0. */
  readonly order: number;
}

/** Where a kind stands among those of its wave: lower goes first; what no list names goes last. */
export function kindRank(kind: string): number {
  return kindOrder.get(kind) ?? 0;
}

export const phaseOrder: Readonly<Record<SyncPhase, number>> = {
  PreDelete: -2,
  PreSync: -1,
  Sync: 0,
  PostSync: 1,
  SyncFail: 2,
  PostDelete: 3,
};

/** Kinds that go first in a wave, in this order; all others follow. */
const kindOrder: ReadonlyMap<string, number> = new Map(
  [
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
  ].map((kind, index, all) => [kind, index - all.length]),
);

/** Phase, then wave, then kind, then name; then namespace and group, so that no two runs differ. */
export function compareTasks(a: SyncTask, b: SyncTask): number {
  return (
    phaseOrder[a.phase] - phaseOrder[b.phase] ||
    a.wave - b.wave ||
    kindRank(a.key.kind) - kindRank(b.key.kind) ||
    compareText(a.key.name, b.key.name) ||
    compareText(a.key.namespace, b.key.namespace) ||
    compareText(a.key.group, b.key.group) ||
    compareText(a.key.kind, b.key.kind)
  );
}

/** Names the result of a task: one object can have one in each phase. */
export function taskId(task: Pick<SyncTask, "key" | "phase">): string {
  return `${keyText(task.key)}:${task.phase}`;
}

/** The same name for a recorded result. */
export function resultId(result: ResourceResult): string {
  return `${keyText(result)}:${result.syncPhase ?? "Sync"}`;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
