// What the API server fills in, by type: the same wherever the type is used. Source: Kubernetes' API reference
// (each field's "Defaults to") and what a real API server answers (cases/).
import { isObject } from "#base/json.ts";
import { fieldsAt, inField, withDefaults, withField } from "../edit.ts";
import type { Fields } from "../edit.ts";
import type { Defaulter } from "./walk.ts";

const core = "api.core.v1.";

const always =
  (defaults: Fields): Defaulter =>
  (value) =>
    withDefaults(value, defaults);

/** Without a tag, or with `latest`, an image is pulled anew at every start; a digest stands in for a tag. */
function pullPolicy(image: unknown): string {
  if (typeof image !== "string") return "IfNotPresent";
  const digest = image.indexOf("@");
  const named = digest < 0 ? image : image.slice(0, digest);
  const last = named.slice(named.lastIndexOf("/") + 1);
  const colon = last.indexOf(":");
  if (colon < 0) return digest < 0 ? "Always" : "IfNotPresent";
  return last.slice(colon + 1) === "latest" ? "Always" : "IfNotPresent";
}

function container(value: Fields): Fields {
  return withDefaults(value, {
    resources: {},
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
    imagePullPolicy: pullPolicy(value.image),
  });
}

/** Limits become requests where none are given. */
function resources(value: Fields): Fields {
  if (!isObject(value.limits)) return value;
  const requests = withDefaults(isObject(value.requests) ? value.requests : {}, value.limits);
  return Object.keys(requests).length === 0 ? value : withField(value, "requests", requests);
}

function podSpec(value: Fields): Fields {
  const filled = withDefaults(value, {
    restartPolicy: "Always",
    dnsPolicy: "ClusterFirst",
    schedulerName: "default-scheduler",
    terminationGracePeriodSeconds: 30,
    securityContext: {},
  });
  const account = filled.serviceAccountName ?? filled.serviceAccount;
  const named =
    typeof account === "string" && account !== ""
      ? withDefaults(filled, { serviceAccountName: account, serviceAccount: account })
      : filled;
  return named.hostNetwork === true ? hostPorts(named) : named;
}

/** With hostNetwork each container port is the host's port too. */
function hostPorts(spec: Fields): Fields {
  const port = (item: unknown): unknown =>
    isObject(item)
      ? withDefaults(item, item.containerPort === undefined ? {} : { hostPort: item.containerPort })
      : item;
  const ported = (item: unknown): unknown =>
    isObject(item) && Array.isArray(item.ports) ? { ...item, ports: item.ports.map(port) } : item;
  const edited: Record<string, unknown> = { ...spec };
  for (const key of ["containers", "initContainers"]) {
    const list = spec[key];
    if (Array.isArray(list)) edited[key] = list.map(ported);
  }
  return edited;
}

function volume(value: Fields): Fields {
  const sources = Object.keys(value).filter((key) => key !== "name" && value[key] !== undefined && value[key] !== null);
  return sources.length === 0 ? withField(value, "emptyDir", {}) : value;
}

function selectorDefaults(value: Fields): Fields {
  const labels = fieldsAt(value, "template", "metadata", "labels");
  return value.selector === undefined && Object.keys(labels).length > 0 ? withField(value, "selector", labels) : value;
}

const rollingUpdate = (defaults: Fields): Defaulter => {
  return (value) => {
    const typed = withDefaults(value, { type: "RollingUpdate" });
    if (typed.type !== "RollingUpdate") return typed;
    return inField(withDefaults(typed, { rollingUpdate: {} }), "rollingUpdate", (update) =>
      withDefaults(update, defaults),
    );
  };
};

function jobSpec(value: Fields): Fields {
  const filled = withDefaults(value, {
    suspend: false,
    ...(value.podReplacementPolicy === undefined && value.podFailurePolicy !== undefined
      ? { podReplacementPolicy: "Failed" }
      : {}),
  });
  const single = filled.completions === undefined && filled.parallelism === undefined;
  const indexedLimit = filled.backoffLimitPerIndex === undefined ? 6 : 2147483647;
  return withDefaults(filled, {
    ...(single ? { completions: 1 } : {}),
    parallelism: 1,
    backoffLimit: indexedLimit,
    completionMode: "NonIndexed",
    podReplacementPolicy: "TerminatingOrFailed",
  });
}

/** Defaulters by type name, without `io.k8s.`. */
export const typeDefaults: Readonly<Record<string, Defaulter>> = {
  [`${core}Container`]: container,
  [`${core}EphemeralContainer`]: container,
  [`${core}ContainerPort`]: always({ protocol: "TCP" }),
  [`${core}ResourceRequirements`]: resources,
  [`${core}PodSpec`]: podSpec,
  [`${core}Probe`]: always({ timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 }),
  [`${core}HTTPGetAction`]: (value) =>
    withDefaults(withDefaults(value.path === "" ? withField(value, "path", "/") : value, { path: "/" }), {
      scheme: "HTTP",
    }),
  [`${core}GRPCAction`]: always({ service: "" }),
  [`${core}ObjectFieldSelector`]: always({ apiVersion: "v1" }),
  [`${core}ResourceFieldSelector`]: always({ divisor: "0" }),
  [`${core}Volume`]: volume,
  [`${core}SecretVolumeSource`]: always({ defaultMode: 420 }),
  [`${core}ConfigMapVolumeSource`]: always({ defaultMode: 420 }),
  [`${core}DownwardAPIVolumeSource`]: always({ defaultMode: 420 }),
  [`${core}ProjectedVolumeSource`]: always({ defaultMode: 420 }),
  [`${core}ServiceAccountTokenProjection`]: always({ expirationSeconds: 3600 }),
  [`${core}HostPathVolumeSource`]: always({ type: "" }),
  [`${core}ISCSIVolumeSource`]: always({ iscsiInterface: "default" }),
  [`${core}ISCSIPersistentVolumeSource`]: always({ iscsiInterface: "default" }),
  [`${core}RBDVolumeSource`]: always({ pool: "rbd", user: "admin", keyring: "/etc/ceph/keyring" }),
  [`${core}RBDPersistentVolumeSource`]: always({ pool: "rbd", user: "admin", keyring: "/etc/ceph/keyring" }),
  [`${core}AzureDiskVolumeSource`]: always({
    cachingMode: "ReadWrite",
    fsType: "ext4",
    readOnly: false,
    kind: "Shared",
  }),
  [`${core}ScaleIOVolumeSource`]: always({ storageMode: "ThinProvisioned", fsType: "xfs" }),
  [`${core}PersistentVolumeClaimSpec`]: always({ volumeMode: "Filesystem" }),
  [`${core}PersistentVolumeSpec`]: always({ persistentVolumeReclaimPolicy: "Retain", volumeMode: "Filesystem" }),
  [`${core}ReplicationControllerSpec`]: (value) => withDefaults(selectorDefaults(value), { replicas: 1 }),
  "api.apps.v1.DeploymentSpec": always({
    replicas: 1,
    strategy: {},
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
  }),
  "api.apps.v1.DeploymentStrategy": rollingUpdate({ maxUnavailable: "25%", maxSurge: "25%" }),
  "api.apps.v1.ReplicaSetSpec": always({ replicas: 1 }),
  "api.apps.v1.DaemonSetSpec": always({ updateStrategy: {}, revisionHistoryLimit: 10 }),
  "api.apps.v1.DaemonSetUpdateStrategy": rollingUpdate({ maxUnavailable: 1, maxSurge: 0 }),
  "api.apps.v1.StatefulSetSpec": always({
    replicas: 1,
    podManagementPolicy: "OrderedReady",
    updateStrategy: {},
    revisionHistoryLimit: 10,
    persistentVolumeClaimRetentionPolicy: {},
  }),
  "api.apps.v1.StatefulSetUpdateStrategy": rollingUpdate({ partition: 0 }),
  "api.apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy": always({
    whenDeleted: "Retain",
    whenScaled: "Retain",
  }),
  "api.batch.v1.JobSpec": jobSpec,
  "api.batch.v1.CronJobSpec": always({
    concurrencyPolicy: "Allow",
    suspend: false,
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 1,
  }),
};
