// Facts of Kubernetes' built-in types that their OpenAPI does not tell: which fields lose their zero value when they are
// stored, what the API server fills in, and what it or a controller picks. Data only; the defaults serve to tell what
// was filled in from what somebody set. Source: the Kubernetes API reference and the API server's own answers.
import type { Json } from "#base/json.ts";
import { zeroValues } from "./zero-values.ts";

export interface NativeFacts {
  /** Fields whose zero value is dropped. */
  readonly zero: ReadonlySet<string>;
  /** Field → the value that the API server fills in where it is left out. */
  readonly defaults: Readonly<Record<string, Json>>;
  /** Fields that the API server or a controller picks a value for where they are left out. */
  readonly assigned: ReadonlySet<string>;
}

const prefixes: readonly (readonly [string, string])[] = [
  ["io.k8s.api.", ""],
  ["io.k8s.apimachinery.pkg.apis.meta.v1.", "meta.v1."],
  ["io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.", "apiextensions.v1."],
  ["io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.", "apiregistration.v1."],
];

const mode0644 = 420;

/** `group.version.Type` → field → default. */
const defaults: Readonly<Record<string, Readonly<Record<string, Json>>>> = {
  "admissionregistration.v1.ValidatingWebhook": {
    failurePolicy: "Fail",
    matchPolicy: "Equivalent",
    namespaceSelector: {},
    objectSelector: {},
    timeoutSeconds: 10,
  },
  "admissionregistration.v1.MutatingWebhook": {
    failurePolicy: "Fail",
    matchPolicy: "Equivalent",
    namespaceSelector: {},
    objectSelector: {},
    reinvocationPolicy: "Never",
    timeoutSeconds: 10,
  },
  "admissionregistration.v1.RuleWithOperations": { scope: "*" },
  "admissionregistration.v1.NamedRuleWithOperations": { scope: "*" },
  "admissionregistration.v1.ServiceReference": { port: 443 },
  "admissionregistration.v1.ValidatingAdmissionPolicySpec": { failurePolicy: "Fail" },
  "admissionregistration.v1.MutatingAdmissionPolicySpec": { failurePolicy: "Fail" },
  "admissionregistration.v1.MatchResources": { matchPolicy: "Equivalent", namespaceSelector: {}, objectSelector: {} },
  "apiextensions.v1.CustomResourceDefinitionSpec": { conversion: { strategy: "None" } },
  "apiextensions.v1.ServiceReference": { port: 443 },
  "apiregistration.v1.ServiceReference": { port: 443 },
  "apps.v1.DeploymentSpec": {
    replicas: 1,
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    strategy: { type: "RollingUpdate" },
  },
  "apps.v1.DeploymentStrategy": {
    type: "RollingUpdate",
    rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" },
  },
  "apps.v1.RollingUpdateDeployment": { maxSurge: "25%", maxUnavailable: "25%" },
  "apps.v1.DaemonSetSpec": { revisionHistoryLimit: 10, updateStrategy: { type: "RollingUpdate" } },
  "apps.v1.DaemonSetUpdateStrategy": { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
  "apps.v1.RollingUpdateDaemonSet": { maxUnavailable: 1, maxSurge: 0 },
  "apps.v1.StatefulSetSpec": {
    replicas: 1,
    revisionHistoryLimit: 10,
    podManagementPolicy: "OrderedReady",
    updateStrategy: { type: "RollingUpdate" },
    persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
  },
  "apps.v1.StatefulSetUpdateStrategy": { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
  "apps.v1.RollingUpdateStatefulSetStrategy": { partition: 0, maxUnavailable: 1 },
  "apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy": { whenDeleted: "Retain", whenScaled: "Retain" },
  "apps.v1.ReplicaSetSpec": { replicas: 1 },
  "autoscaling.v1.HorizontalPodAutoscalerSpec": { minReplicas: 1 },
  "autoscaling.v2.HorizontalPodAutoscalerSpec": {
    minReplicas: 1,
    metrics: [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } }],
  },
  "autoscaling.v2.HPAScalingRules": { selectPolicy: "Max" },
  "autoscaling.v2.HorizontalPodAutoscalerBehavior": {
    scaleUp: {
      stabilizationWindowSeconds: 0,
      selectPolicy: "Max",
      policies: [
        { type: "Pods", value: 4, periodSeconds: 15 },
        { type: "Percent", value: 100, periodSeconds: 15 },
      ],
    },
    scaleDown: { selectPolicy: "Max", policies: [{ type: "Percent", value: 100, periodSeconds: 15 }] },
  },
  "batch.v1.JobSpec": {
    parallelism: 1,
    completions: 1,
    backoffLimit: 6,
    completionMode: "NonIndexed",
    suspend: false,
    podReplacementPolicy: "TerminatingOrFailed",
    manualSelector: false,
  },
  "batch.v1.CronJobSpec": {
    concurrencyPolicy: "Allow",
    suspend: false,
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 1,
  },
  "batch.v1.PodFailurePolicyOnPodConditionsPattern": { status: "True" },
  "core.v1.ConfigMapVolumeSource": { defaultMode: mode0644 },
  "core.v1.Container": {
    securityContext: {},
    imagePullPolicy: "IfNotPresent",
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
  },
  "core.v1.ContainerPort": { protocol: "TCP" },
  "core.v1.DownwardAPIVolumeSource": { defaultMode: mode0644 },
  "core.v1.EphemeralContainer": {
    imagePullPolicy: "IfNotPresent",
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
  },
  "core.v1.EndpointPort": { protocol: "TCP" },
  "core.v1.GRPCAction": { service: "" },
  "core.v1.HTTPGetAction": { path: "/", scheme: "HTTP" },
  "core.v1.HostPathVolumeSource": { type: "" },
  "core.v1.ISCSIVolumeSource": { iscsiInterface: "default" },
  "core.v1.ObjectFieldSelector": { apiVersion: "v1" },
  "core.v1.PersistentVolumeClaimSpec": { volumeMode: "Filesystem" },
  "core.v1.PersistentVolumeClaim": {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    status: { phase: "Pending" },
  },
  "core.v1.PersistentVolumeClaimStatus": { phase: "Pending" },
  "core.v1.PersistentVolumeSpec": { persistentVolumeReclaimPolicy: "Retain", volumeMode: "Filesystem" },
  "core.v1.PodSpec": {
    affinity: {},
    dnsPolicy: "ClusterFirst",
    enableServiceLinks: true,
    restartPolicy: "Always",
    schedulerName: "default-scheduler",
    serviceAccountName: "default",
    securityContext: {},
    terminationGracePeriodSeconds: 30,
  },
  "core.v1.Probe": { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 },
  "core.v1.ProjectedVolumeSource": { defaultMode: mode0644 },
  "core.v1.ResourceFieldSelector": { divisor: "0" },
  "core.v1.Secret": { type: "Opaque" },
  "core.v1.SecretVolumeSource": { defaultMode: mode0644 },
  "core.v1.ServiceAccountTokenProjection": { expirationSeconds: 3600 },
  "core.v1.ServicePort": { protocol: "TCP" },
  "core.v1.ServiceSpec": {
    type: "ClusterIP",
    sessionAffinity: "None",
    sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } },
    internalTrafficPolicy: "Cluster",
    externalTrafficPolicy: "Cluster",
    allocateLoadBalancerNodePorts: true,
  },
  "core.v1.Volume": { emptyDir: {} },
  "discovery.v1.EndpointPort": { name: "", protocol: "TCP" },
  "networking.v1.IngressClassParametersReference": { scope: "Cluster" },
  "networking.v1.NetworkPolicyPort": { protocol: "TCP" },
  "networking.v1.NetworkPolicySpec": { policyTypes: ["Ingress"] },
  "rbac.v1.RoleRef": { apiGroup: "rbac.authorization.k8s.io" },
  "rbac.v1.Subject": { apiGroup: "rbac.authorization.k8s.io" },
  "scheduling.v1.PriorityClass": { preemptionPolicy: "PreemptLowerPriority" },
  "storage.v1.CSIDriverSpec": {
    attachRequired: true,
    podInfoOnMount: false,
    storageCapacity: false,
    fsGroupPolicy: "ReadWriteOnceWithFSType",
    volumeLifecycleModes: ["Persistent"],
    requiresRepublish: false,
    seLinuxMount: false,
  },
  "storage.v1.StorageClass": { reclaimPolicy: "Delete", volumeBindingMode: "Immediate" },
};

/** `group.version.Type` → fields that are picked where they are left out. */
const assigned: Readonly<Record<string, readonly string[]>> = {
  "core.v1.LimitRangeItem": ["default", "defaultRequest"],
  "core.v1.ServiceSpec": ["clusterIP", "clusterIPs", "healthCheckNodePort", "ipFamilies", "ipFamilyPolicy"],
  "core.v1.ServicePort": ["nodePort"],
  "core.v1.PodSpec": ["nodeName", "priority", "serviceAccount"],
  "core.v1.PersistentVolumeClaimSpec": ["volumeName"],
  "meta.v1.ObjectMeta": ["creationTimestamp", "generation", "resourceVersion", "selfLink", "uid"],
};

const noFacts: NativeFacts = { zero: new Set(), defaults: {}, assigned: new Set() };

/** Reads the tables; returns a look-up from an OpenAPI definition's name to what is known of that type. */
export function nativeFacts(): (definition: string) => NativeFacts {
  const zero = new Map<string, ReadonlySet<string>>();
  for (const line of zeroValues.trim().split("\n")) {
    const [name = "", fields = ""] = line.split(": ");
    zero.set(name, new Set(fields.split(" ")));
  }
  return (definition) => {
    const prefix = prefixes.find(([text]) => definition.startsWith(text));
    if (prefix === undefined) return noFacts;
    const name = prefix[1] + definition.slice(prefix[0].length);
    return {
      zero: zero.get(name) ?? noFacts.zero,
      defaults: defaults[name] ?? noFacts.defaults,
      assigned: new Set(assigned[name]),
    };
  };
}
