// What the API server fills in, by type: the same wherever the type is used. Source: Kubernetes' API reference
// (each field's "Defaults to") and what a real API server answers (cases/).
import { isObject } from "#base/json.ts";
import { fieldsAt, inField, inItems, withDefaults, withField } from "../edit.ts";
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
  return named;
}

/** For pods themselves, not for templates: limits become requests where none are given, and with hostNetwork each
 * container port is the host's port too. */
function pod(value: Fields): Fields {
  return inField(value, "spec", (spec) => {
    const port = (item: Fields): Fields =>
      item.containerPort === undefined ? item : withDefaults(item, { hostPort: item.containerPort });
    const edit = (item: Fields): Fields => {
      const requested = inField(item, "resources", requestsFromLimits);
      return spec.hostNetwork === true ? inItems(requested, "ports", port) : requested;
    };
    return inItems(inItems(spec, "containers", edit), "initContainers", edit);
  });
}

function requestsFromLimits(resources: Fields): Fields {
  if (!isObject(resources.limits)) return resources;
  const requests = withDefaults(isObject(resources.requests) ? resources.requests : {}, resources.limits);
  return Object.keys(requests).length === 0 ? resources : withField(resources, "requests", requests);
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

function job(value: Fields): Fields {
  return inField(value, "spec", jobSpec);
}

function jobSpec(value: Fields): Fields {
  const filled = withDefaults(value, {
    suspend: false,
    manualSelector: false,
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

function statefulSetSpec(value: Fields): Fields {
  const filled = withDefaults(value, {
    replicas: 1,
    podManagementPolicy: "OrderedReady",
    updateStrategy: {},
    revisionHistoryLimit: 10,
    persistentVolumeClaimRetentionPolicy: {},
  });
  return inItems(filled, "volumeClaimTemplates", (claim) =>
    inField(withDefaults(claim, { apiVersion: "v1", kind: "PersistentVolumeClaim", status: {} }), "status", (status) =>
      withDefaults(status, { phase: "Pending" }),
    ),
  );
}

const cpuMetric = {
  type: "Resource",
  resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } },
};

/** How fast to scale where only one direction, or none, is said. Source: "Horizontal Pod Autoscaling". */
function scalingBehavior(value: Fields): Fields {
  const percent = { type: "Percent", value: 100, periodSeconds: 15 };
  const up = withDefaults(fieldsAt(value, "scaleUp"), {
    stabilizationWindowSeconds: 0,
    selectPolicy: "Max",
    policies: [{ type: "Pods", value: 4, periodSeconds: 15 }, percent],
  });
  const down = withDefaults(fieldsAt(value, "scaleDown"), { selectPolicy: "Max", policies: [percent] });
  return { ...value, scaleUp: up, scaleDown: down };
}

/** Limits of a container follow from its maximum, and its requests from its limits, or its minimum. */
function limitRangeItem(value: Fields): Fields {
  if (value.type !== "Container") return value;
  const limits = withDefaults(fieldsAt(value, "default"), fieldsAt(value, "max"));
  const requests = withDefaults(withDefaults(fieldsAt(value, "defaultRequest"), limits), fieldsAt(value, "min"));
  const filled = Object.keys(limits).length === 0 ? value : withField(value, "default", limits);
  return Object.keys(requests).length === 0 ? filled : withField(filled, "defaultRequest", requests);
}

function webhook(value: Fields): Fields {
  return withDefaults(value, {
    failurePolicy: "Fail",
    matchPolicy: "Equivalent",
    namespaceSelector: {},
    objectSelector: {},
    timeoutSeconds: 10,
  });
}

function crdSpec(value: Fields): Fields {
  const named = inField(value, "names", (names) =>
    typeof names.kind === "string"
      ? withDefaults(names, { singular: names.kind.toLowerCase(), listKind: `${names.kind}List` })
      : names,
  );
  return withDefaults(named, { conversion: { strategy: "None" } });
}

/** Defaulters by type name, without `io.k8s.`. */
export const typeDefaults: Readonly<Record<string, Defaulter>> = {
  [`${core}Container`]: container,
  [`${core}EphemeralContainer`]: container,
  [`${core}ContainerPort`]: always({ protocol: "TCP" }),
  [`${core}Pod`]: pod,
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
  "api.apps.v1.StatefulSetSpec": statefulSetSpec,
  "api.apps.v1.StatefulSetUpdateStrategy": rollingUpdate({ partition: 0, maxUnavailable: 1 }),
  "api.apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy": always({
    whenDeleted: "Retain",
    whenScaled: "Retain",
  }),
  "api.batch.v1.Job": job,
  "api.batch.v1.CronJobSpec": always({
    concurrencyPolicy: "Allow",
    suspend: false,
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 1,
  }),
  "api.batch.v1.PodFailurePolicyOnPodConditionsPattern": always({ status: "True" }),
  "api.autoscaling.v1.HorizontalPodAutoscalerSpec": always({ minReplicas: 1, targetCPUUtilizationPercentage: 80 }),
  "api.autoscaling.v2.HorizontalPodAutoscalerSpec": (value) => {
    const metrics = Array.isArray(value.metrics) && value.metrics.length > 0 ? value.metrics : [cpuMetric];
    return withField(withDefaults(value, { minReplicas: 1 }), "metrics", metrics);
  },
  "api.autoscaling.v2.HorizontalPodAutoscalerBehavior": scalingBehavior,
  "api.autoscaling.v2.HorizontalPodAutoscalerStatus": always({ currentMetrics: null }),
  "api.storage.v1.CSIDriverSpec": always({
    attachRequired: true,
    podInfoOnMount: false,
    storageCapacity: false,
    fsGroupPolicy: "ReadWriteOnceWithFSType",
    volumeLifecycleModes: ["Persistent"],
    requiresRepublish: false,
    seLinuxMount: false,
    preventPodSchedulingIfMissing: false,
  }),
  "api.storage.v1.StorageClass": always({ reclaimPolicy: "Delete", volumeBindingMode: "Immediate" }),
  "api.scheduling.v1.PriorityClass": always({ preemptionPolicy: "PreemptLowerPriority" }),
  "api.rbac.v1.Role": always({ rules: null }),
  "api.rbac.v1.ClusterRole": always({ rules: null }),
  "api.discovery.v1.EndpointSlice": always({ endpoints: null, ports: null }),
  "api.discovery.v1.EndpointPort": always({ name: "", protocol: "TCP" }),
  "api.core.v1.EndpointPort": always({ protocol: "TCP" }),
  "api.core.v1.LimitRangeItem": limitRangeItem,
  "api.core.v1.NodeSpec": (value) =>
    typeof value.podCIDR === "string" && value.podCIDR !== ""
      ? withDefaults(value, { podCIDRs: [value.podCIDR] })
      : value,
  "api.core.v1.NodeStatus": (value) =>
    isObject(value.capacity) ? withDefaults(value, { allocatable: value.capacity }) : value,
  "api.core.v1.Event": always({
    eventTime: null,
    firstTimestamp: null,
    lastTimestamp: null,
  }),
  "api.events.v1.Event": always({ deprecatedFirstTimestamp: null, deprecatedLastTimestamp: null }),
  "api.admissionregistration.v1.MutatingWebhook": (value) =>
    withDefaults(webhook(value), { reinvocationPolicy: "Never" }),
  "api.admissionregistration.v1.ValidatingWebhook": webhook,
  "api.admissionregistration.v1.RuleWithOperations": always({ scope: "*" }),
  "api.admissionregistration.v1.NamedRuleWithOperations": always({ scope: "*" }),
  "api.admissionregistration.v1.MatchResources": always({
    matchPolicy: "Equivalent",
    namespaceSelector: {},
    objectSelector: {},
  }),
  "api.admissionregistration.v1.ValidatingAdmissionPolicySpec": always({ failurePolicy: "Fail" }),
  "api.admissionregistration.v1.MutatingAdmissionPolicySpec": always({ failurePolicy: "Fail" }),
  "api.admissionregistration.v1.ServiceReference": always({ port: 443 }),
  "kube-aggregator.pkg.apis.apiregistration.v1.ServiceReference": always({ port: 443 }),
  "apiextensions-apiserver.pkg.apis.apiextensions.v1.ServiceReference": always({ port: 443 }),
  "apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionSpec": crdSpec,
  "api.networking.v1.NetworkPolicyPort": always({ protocol: "TCP" }),
  "api.networking.v1.NetworkPolicySpec": (value) => {
    const egress = Array.isArray(value.egress) && value.egress.length > 0;
    return withDefaults(value, { podSelector: {}, policyTypes: egress ? ["Ingress", "Egress"] : ["Ingress"] });
  },
  "api.networking.v1.IngressClassParametersReference": always({ scope: "Cluster" }),
};
