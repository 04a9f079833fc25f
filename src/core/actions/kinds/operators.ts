// Actions of operators' resources: Flux, External Secrets, KEDA, CloudNativePG.
import { listAt, stringAt } from "#base/json.ts";
import { rfc3339 } from "#base/ports.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { BuiltinAction, KindActions } from "../action.ts";
import {
  countParam,
  createLook,
  nested,
  ownedBy,
  pauseLook,
  restartLook,
  resumeLook,
  setting,
  stampedName,
  stamping,
  suspendable,
  suspendLook,
} from "../words.ts";

const icon = (name: string): string => `fa fa-fw fa-${name}`;
const seconds = (nowMs: number): string => String(Math.floor(nowMs / 1000));

const reconcile = stamping(
  "reconcile",
  { displayName: "Reconcile", iconClass: icon("sync") },
  "reconcile.fluxcd.io/requestedAt",
);
const flux: KindActions = Object.fromEntries([
  ...[
    "source.toolkit.fluxcd.io/Bucket",
    "source.toolkit.fluxcd.io/GitRepository",
    "source.toolkit.fluxcd.io/HelmChart",
    "source.toolkit.fluxcd.io/HelmRepository",
    "source.toolkit.fluxcd.io/OCIRepository",
    "helm.toolkit.fluxcd.io/HelmRelease",
    "kustomize.toolkit.fluxcd.io/Kustomization",
    "image.toolkit.fluxcd.io/ImageRepository",
    "image.toolkit.fluxcd.io/ImageUpdateAutomation",
    "notification.toolkit.fluxcd.io/Receiver",
  ].map((kind): [string, readonly BuiltinAction[]] => [kind, [reconcile, ...suspendable]]),
  ...["notification.toolkit.fluxcd.io/Alert", "notification.toolkit.fluxcd.io/Provider"].map(
    (kind): [string, readonly BuiltinAction[]] => [kind, suspendable],
  ),
]);

const paused = "autoscaling.keda.sh/paused";
const pausedReplicas = "autoscaling.keda.sh/paused-replicas";
const has = (object: KubernetesObject, name: string): boolean => object.metadata.annotations?.[name] !== undefined;
const pauseScaler = setting("pause", pauseLook, ["metadata", "annotations", paused], "true");
const resumeScaler: BuiltinAction = {
  name: "resume",
  ...resumeLook,
  disabled: (object) => !has(object, paused) && !has(object, pausedReplicas),
  run: () => ({ patch: { metadata: { annotations: { [paused]: null, [pausedReplicas]: null } } } }),
};

const hibernation = ["metadata", "annotations", "cnpg.io/hibernation"];
const loop = "cnpg.io/reconciliationLoop";
const postgres: readonly BuiltinAction[] = [
  stamping("restart", restartLook, "kubectl.kubernetes.io/restartedAt"),
  stamping("reload", { displayName: "Reload", iconClass: icon("redo-alt") }, "cnpg.io/reloadedAt"),
  {
    name: "promote",
    displayName: "Promote Replica",
    iconClass: icon("angles-up"),
    params: (object) => [{ name: "instance", default: replicasOf(object)[0] ?? "" }],
    disabled: (object) => replicasOf(object).length === 0,
    run(object, { params, nowMs }) {
      const instance = params["instance"] ?? "";
      if (!replicasOf(object).includes(instance))
        return { refused: `the parameter instance must be one of ${replicasOf(object).join(", ")}` };
      return {
        patch: {
          status: {
            targetPrimary: instance,
            targetPrimaryTimestamp: rfc3339(nowMs),
            phase: "Switchover in progress",
            phaseReason: `Switching over to ${instance}`,
          },
        },
      };
    },
  },
  setting("suspend", suspendLook, ["metadata", "annotations", loop], "disabled"),
  {
    name: "resume",
    ...resumeLook,
    disabled: (object) => object.metadata.annotations?.[loop] !== "disabled",
    run: () => ({ patch: nested(["metadata", "annotations", loop], null) }),
  },
  setting("hibernate", { displayName: "Hibernate", iconClass: icon("moon") }, hibernation, "on", "off"),
  setting("rehydrate", { displayName: "Rehydrate", iconClass: icon("sun") }, hibernation, "off", "off"),
];

function replicasOf(cluster: KubernetesObject): readonly string[] {
  const primary = stringAt(cluster, "status", "currentPrimary");
  return listAt(cluster, "status", "instanceNames").filter(
    (name): name is string => typeof name === "string" && name !== primary,
  );
}

function backupOf(schedule: KubernetesObject, nowMs: number): KubernetesObject {
  const spec = (schedule["spec"] ?? {}) as Readonly<Record<string, unknown>>;
  const { name = "", namespace } = schedule.metadata;
  const kept = ["cluster", "target", "method", "online", "onlineConfiguration", "pluginConfiguration"];
  return {
    apiVersion: schedule.apiVersion,
    kind: "Backup",
    metadata: {
      name: stampedName(name, nowMs),
      ...(namespace === undefined ? {} : { namespace }),
      ...(spec["backupOwnerReference"] === "self" ? { ownerReferences: [ownedBy(schedule)] } : {}),
    },
    spec: Object.fromEntries(kept.flatMap((field) => (spec[field] === undefined ? [] : [[field, spec[field]]]))),
  };
}

export const operators: KindActions = {
  ...flux,
  "external-secrets.io/ExternalSecret": [
    stamping("refresh", { displayName: "Refresh", iconClass: icon("sync") }, "force-sync", seconds),
  ],
  "external-secrets.io/PushSecret": [
    stamping("push", { displayName: "Push", iconClass: icon("upload") }, "force-sync", seconds),
  ],
  "keda.sh/ScaledObject": [
    pauseScaler,
    {
      name: "paused-replicas",
      displayName: "Pause at Replicas",
      iconClass: icon("pause-circle"),
      params: () => [{ name: "replicas", default: "0" }],
      run(_object, { params }) {
        const replicas = countParam(params, "replicas");
        if (typeof replicas !== "number") return replicas;
        return { patch: nested(["metadata", "annotations", pausedReplicas], String(replicas)) };
      },
    },
    resumeScaler,
  ],
  "keda.sh/ScaledJob": [pauseScaler, resumeScaler],
  "postgresql.cnpg.io/Cluster": postgres,
  "postgresql.cnpg.io/ScheduledBackup": [
    {
      name: "create-backup",
      ...createLook("Backup"),
      run: (schedule, { nowMs }) => ({ create: backupOf(schedule, nowMs) }),
    },
    ...suspendable,
  ],
};
