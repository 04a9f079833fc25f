// The cells of `kubectl get` for the built-in kinds, by column name; which columns a kind has stands in the facts.
import { isObject, listAt, numberAt, stringAt } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { ResourceDefinition, TableColumn } from "../../contract.ts";
import { fieldsAt } from "../edit.ts";
import type { ResourceFacts } from "../facts.ts";
import { age, ageColumn, duration, nameColumn } from "./cells.ts";
import { podReady, podRestarts, podStatus } from "./pods.ts";
import * as text from "./texts.ts";

type Table = NonNullable<ResourceDefinition["table"]>;
type Cell = (object: KubernetesObject, nowMs: number) => unknown;
type Cells = Readonly<Record<string, Cell>>;

const string =
  (...path: (string | number)[]): Cell =>
  (object) =>
    stringAt(object, ...path) ?? "";
const number =
  (...path: string[]): Cell =>
  (object) =>
    numberAt(object, ...path) ?? 0;
const orNone =
  (...path: string[]): Cell =>
  (object) =>
    stringAt(object, ...path) ?? "<none>";
const orUnset =
  (...path: string[]): Cell =>
  (object) =>
    stringAt(object, ...path) ?? "<unset>";
const flag =
  (...path: string[]): Cell =>
  (object) =>
    fieldsAt(object, ...path.slice(0, -1))[path.at(-1) ?? ""] === true;
const size =
  (...path: string[]): Cell =>
  (object) =>
    listAt(object, ...path).length;
const since =
  (...path: string[]): Cell =>
  (object, nowMs) =>
    stringAt(object, ...path) === undefined ? "<none>" : age(stringAt(object, ...path), nowMs);

/** Cells that mean the same wherever they occur. */
const common: Cells = {
  Name: string("metadata", "name"),
  Age: (object, nowMs) => age(object.metadata.creationTimestamp, nowMs),
  "Created At": string("metadata", "creationTimestamp"),
  Containers: (object) => text.containerNames(fieldsAt(object, "spec", "template", "spec")),
  Images: (object) => text.containerImages(fieldsAt(object, "spec", "template", "spec")),
  Selector: (object) => text.selectorText(fieldsAt(object, "spec").selector),
};

const replicaSet: Cells = {
  Desired: number("spec", "replicas"),
  Current: number("status", "replicas"),
  Ready: number("status", "readyReplicas"),
};

const event: Cells = {
  "Last Seen": (object, nowMs) =>
    age(
      stringAt(object, "series", "lastObservedTime") ??
        stringAt(object, "lastTimestamp") ??
        stringAt(object, "deprecatedLastTimestamp") ??
        stringAt(object, "eventTime"),
      nowMs,
    ),
  "First Seen": (object, nowMs) =>
    age(
      stringAt(object, "firstTimestamp") ??
        stringAt(object, "deprecatedFirstTimestamp") ??
        stringAt(object, "eventTime"),
      nowMs,
    ),
  Type: string("type"),
  Reason: string("reason"),
  Object: (object) => {
    const { kind, name } = isObject(object.involvedObject) ? object.involvedObject : fieldsAt(object, "regarding");
    return `${text.plain(kind ?? "").toLowerCase()}/${text.plain(name ?? "")}`;
  },
  Subobject: (object) =>
    stringAt(object, "involvedObject", "fieldPath") ?? stringAt(object, "regarding", "fieldPath") ?? "",
  Source: (object) => {
    const source = isObject(object.source) ? object.source : fieldsAt(object, "deprecatedSource");
    const component =
      stringAt(source, "component") ??
      stringAt(object, "reportingComponent") ??
      stringAt(object, "reportingController") ??
      "";
    const host = stringAt(source, "host");
    return host === undefined ? component : `${component}, ${host}`;
  },
  Message: (object) => (stringAt(object, "message") ?? stringAt(object, "note") ?? "").trim(),
  Count: (object) =>
    numberAt(object, "series", "count") ?? numberAt(object, "count") ?? numberAt(object, "deprecatedCount") ?? 1,
};

const autoscaler: Cells = {
  Reference: (object) =>
    `${stringAt(object, "spec", "scaleTargetRef", "kind")}/${stringAt(object, "spec", "scaleTargetRef", "name")}`,
  Targets: (object) => {
    const metrics = listAt(object, "spec", "metrics");
    const cpu = numberAt(object, "spec", "targetCPUUtilizationPercentage");
    if (metrics.length === 0)
      return cpu === undefined
        ? "<none>"
        : `cpu: ${utilization(numberAt(object, "status", "currentCPUUtilizationPercentage"))}/${cpu}%`;
    return text.firstOf(
      metrics.map((metric, index) => metricText(metric, listAt(object, "status", "currentMetrics")[index])),
      2,
    );
  },
  MinPods: (object) => String(numberAt(object, "spec", "minReplicas") ?? "<unset>"),
  MaxPods: number("spec", "maxReplicas"),
  Replicas: number("status", "currentReplicas"),
};

function utilization(value: number | undefined): string {
  return value === undefined ? "<unknown>" : `${value}%`;
}

function metricText(metric: unknown, current: unknown): string {
  const type = stringAt(metric, "type") ?? "";
  const key = type.charAt(0).toLowerCase() + type.slice(1);
  const { target, name } = fieldsAt(metric, key);
  const now = fieldsAt(current, key, "current");
  const percent = numberAt(target, "averageUtilization");
  const label = type === "Resource" || type === "ContainerResource" ? `${text.plain(name)}: ` : "";
  if (percent !== undefined) return `${label}${utilization(numberAt(now, "averageUtilization"))}/${percent}%`;
  const average = stringAt(target, "averageValue");
  const suffix = average === undefined || label !== "" ? "" : " (avg)";
  return `${label}${stringAt(now, "averageValue") ?? stringAt(now, "value") ?? "<unknown>"}/${average ?? stringAt(target, "value") ?? ""}${suffix}`;
}

const binding: Cells = {
  Role: (object) => `${stringAt(object, "roleRef", "kind")}/${stringAt(object, "roleRef", "name")}`,
  Users: (object) => subjects(object, "User"),
  Groups: (object) => subjects(object, "Group"),
  ServiceAccounts: (object) => subjects(object, "ServiceAccount"),
};

function subjects(object: KubernetesObject, kind: string): string {
  const found = listAt(object, "subjects")
    .map((item) => fieldsAt(item))
    .filter((item) => item.kind === kind);
  return found
    .map(({ name, namespace }) =>
      kind === "ServiceAccount" ? `${text.plain(namespace)}/${text.plain(name)}` : text.plain(name),
    )
    .join(", ");
}

const webhooks: Cells = { Webhooks: size("webhooks") };

/** By `group/Kind`, then by column. */
const cells: Readonly<Record<string, Cells>> = {
  "/Pod": {
    Ready: podReady,
    Status: podStatus,
    Restarts: podRestarts,
    IP: orNone("status", "podIP"),
    Node: orNone("spec", "nodeName"),
    "Nominated Node": orNone("status", "nominatedNodeName"),
    "Readiness Gates": (object) => {
      const gates = listAt(object, "spec", "readinessGates").map((item) => fieldsAt(item).conditionType);
      if (gates.length === 0) return "<none>";
      const met = listAt(object, "status", "conditions").filter(
        (item) => gates.includes(fieldsAt(item).type) && fieldsAt(item).status === "True",
      );
      return `${met.length}/${gates.length}`;
    },
  },
  "/ConfigMap": {
    Data: (object) => Object.keys(fieldsAt(object, "data")).length + Object.keys(fieldsAt(object, "binaryData")).length,
  },
  "/Secret": { Type: string("type"), Data: (object) => Object.keys(fieldsAt(object, "data")).length },
  "/Namespace": { Status: string("status", "phase") },
  "/Endpoints": {
    Endpoints: (object) =>
      text.firstOf(
        listAt(object, "subsets").flatMap((subset) => {
          const addresses = listAt(subset, "addresses").map((item) => stringAt(item, "ip") ?? "");
          const ports = listAt(subset, "ports").map((item) => numberAt(item, "port"));
          return ports.length === 0
            ? addresses
            : ports.flatMap((port) => addresses.map((address) => `${address}:${port}`));
        }),
        3,
      ),
  },
  "/Event": event,
  "events.k8s.io/Event": event,
  "/Node": {
    Status: (object) => {
      const ready = listAt(object, "status", "conditions")
        .map((item) => fieldsAt(item))
        .find((item) => item.type === "Ready");
      const word = ready === undefined ? "Unknown" : ready.status === "True" ? "Ready" : "NotReady";
      return fieldsAt(object, "spec").unschedulable === true ? `${word},SchedulingDisabled` : word;
    },
    Roles: (object) => {
      const prefix = "node-role.kubernetes.io/";
      const found = Object.keys(object.metadata.labels ?? {}).filter((key) => key.startsWith(prefix));
      return text.joined(found.map((key) => key.slice(prefix.length)).sort());
    },
    Version: string("status", "nodeInfo", "kubeletVersion"),
    "Internal-IP": (object) => nodeAddress(object, "InternalIP"),
    "External-IP": (object) => nodeAddress(object, "ExternalIP"),
    "OS-Image": (object) => stringAt(object, "status", "nodeInfo", "osImage") || "<unknown>",
    "Kernel-Version": (object) => stringAt(object, "status", "nodeInfo", "kernelVersion") || "<unknown>",
    "Container-Runtime": (object) => stringAt(object, "status", "nodeInfo", "containerRuntimeVersion") || "<unknown>",
  },
  "/PersistentVolumeClaim": {
    Status: (object) =>
      object.metadata.deletionTimestamp === undefined ? (stringAt(object, "status", "phase") ?? "") : "Terminating",
    Volume: string("spec", "volumeName"),
    Capacity: (object) =>
      stringAt(object, "spec", "volumeName") === undefined
        ? ""
        : (stringAt(object, "status", "capacity", "storage") ?? ""),
    "Access Modes": (object) =>
      stringAt(object, "spec", "volumeName") === undefined
        ? ""
        : text.accessModes(listAt(object, "status", "accessModes")),
    StorageClass: string("spec", "storageClassName"),
    VolumeAttributesClass: orUnset("spec", "volumeAttributesClassName"),
    VolumeMode: orUnset("spec", "volumeMode"),
  },
  "/PersistentVolume": {
    Capacity: string("spec", "capacity", "storage"),
    "Access Modes": (object) => text.accessModes(listAt(object, "spec", "accessModes")),
    "Reclaim Policy": string("spec", "persistentVolumeReclaimPolicy"),
    Status: (object) =>
      object.metadata.deletionTimestamp === undefined ? (stringAt(object, "status", "phase") ?? "") : "Terminating",
    Claim: (object) => {
      const { namespace, name } = fieldsAt(object, "spec", "claimRef");
      return name === undefined ? "" : `${text.plain(namespace)}/${text.plain(name)}`;
    },
    StorageClass: string("spec", "storageClassName"),
    VolumeAttributesClass: orUnset("spec", "volumeAttributesClassName"),
    Reason: string("status", "reason"),
    VolumeMode: orUnset("spec", "volumeMode"),
  },
  "/PodTemplate": {
    Containers: (object) => text.containerNames(fieldsAt(object, "template", "spec")),
    Images: (object) => text.containerImages(fieldsAt(object, "template", "spec")),
    "Pod Labels": (object) => text.labelsText(fieldsAt(object, "template", "metadata").labels),
  },
  "/ReplicationController": { ...replicaSet, Selector: (object) => text.labelsText(fieldsAt(object, "spec").selector) },
  "/ResourceQuota": {
    Request: (object) => quota(object, (name) => !name.startsWith("limits.")),
    Limit: (object) => quota(object, (name) => name.startsWith("limits.")),
  },
  "/Service": {
    Type: string("spec", "type"),
    "Cluster-IP": (object) => stringAt(object, "spec", "clusterIP") || "<none>",
    "External-IP": externalAddress,
    "Port(s)": text.servicePorts,
    Selector: (object) => text.labelsText(fieldsAt(object, "spec").selector),
  },
  "apps/ControllerRevision": {
    Controller: (object) => {
      const owner = (object.metadata.ownerReferences ?? []).find((item) => item.controller === true);
      if (owner === undefined) return "<none>";
      const [group = ""] = owner.apiVersion.includes("/") ? owner.apiVersion.split("/") : [""];
      return `${owner.kind.toLowerCase()}${group === "" ? "" : `.${group}`}/${owner.name}`;
    },
    Revision: (object) => numberAt(object, "revision") ?? 0,
  },
  "apps/DaemonSet": {
    Desired: number("status", "desiredNumberScheduled"),
    Current: number("status", "currentNumberScheduled"),
    Ready: number("status", "numberReady"),
    "Up-to-date": number("status", "updatedNumberScheduled"),
    Available: number("status", "numberAvailable"),
    "Node Selector": (object) => text.labelsText(fieldsAt(object, "spec", "template", "spec").nodeSelector),
  },
  "apps/Deployment": {
    Ready: (object) =>
      `${numberAt(object, "status", "readyReplicas") ?? 0}/${numberAt(object, "spec", "replicas") ?? 0}`,
    "Up-to-date": number("status", "updatedReplicas"),
    Available: number("status", "availableReplicas"),
  },
  "apps/ReplicaSet": replicaSet,
  "apps/StatefulSet": {
    Ready: (object) =>
      `${numberAt(object, "status", "readyReplicas") ?? 0}/${numberAt(object, "spec", "replicas") ?? 0}`,
  },
  "batch/CronJob": {
    Schedule: string("spec", "schedule"),
    Timezone: orNone("spec", "timeZone"),
    Suspend: (object) => (fieldsAt(object, "spec").suspend === true ? "True" : "False"),
    Active: size("status", "active"),
    "Last Schedule": since("status", "lastScheduleTime"),
    Containers: (object) => text.containerNames(fieldsAt(object, "spec", "jobTemplate", "spec", "template", "spec")),
    Images: (object) => text.containerImages(fieldsAt(object, "spec", "jobTemplate", "spec", "template", "spec")),
    Selector: (object) => text.selectorText(fieldsAt(object, "spec", "jobTemplate", "spec").selector),
  },
  "batch/Job": {
    Status: jobStatus,
    Completions: (object) => {
      const done = numberAt(object, "status", "succeeded") ?? 0;
      const wanted = numberAt(object, "spec", "completions");
      const parallel = numberAt(object, "spec", "parallelism") ?? 1;
      return wanted !== undefined ? `${done}/${wanted}` : parallel > 1 ? `${done}/1 of ${parallel}` : `${done}/1`;
    },
    Duration: (object, nowMs) => {
      const start = stringAt(object, "status", "startTime");
      if (start === undefined) return "";
      const end = stringAt(object, "status", "completionTime");
      return duration((end === undefined ? nowMs : Date.parse(end)) - Date.parse(start));
    },
  },
  "autoscaling/HorizontalPodAutoscaler": autoscaler,
  "networking.k8s.io/IngressClass": {
    Controller: string("spec", "controller"),
    Parameters: (object) => {
      const { apiGroup, kind, name } = fieldsAt(object, "spec", "parameters");
      return name === undefined
        ? "<none>"
        : `${text.plain(kind)}${apiGroup === undefined ? "" : `.${text.plain(apiGroup)}`}/${text.plain(name)}`;
    },
  },
  "networking.k8s.io/Ingress": {
    Class: orNone("spec", "ingressClassName"),
    Hosts: (object) => {
      const hosts = listAt(object, "spec", "rules").flatMap((rule) => stringAt(rule, "host") || []);
      return hosts.length === 0 ? "*" : text.firstOf(hosts, 3);
    },
    Address: (object) =>
      listAt(object, "status", "loadBalancer", "ingress")
        .map((item) => stringAt(item, "ip") ?? stringAt(item, "hostname") ?? "")
        .join(","),
    Ports: (object) => (listAt(object, "spec", "tls").length > 0 ? "80, 443" : "80"),
  },
  "networking.k8s.io/NetworkPolicy": {
    "Pod-Selector": (object) => text.selectorText(fieldsAt(object, "spec").podSelector),
  },
  "networking.k8s.io/IPAddress": {
    ParentRef: (object) => {
      const { group, resource, namespace, name } = fieldsAt(object, "spec", "parentRef");
      return `${text.plain(resource ?? "")}${group ? `.${text.plain(group)}` : ""}/${namespace ? `${text.plain(namespace)}/` : ""}${text.plain(name ?? "")}`;
    },
  },
  "networking.k8s.io/ServiceCIDR": { CIDRs: (object) => text.joined(listAt(object, "spec", "cidrs"), "") },
  "policy/PodDisruptionBudget": {
    "Min Available": (object) => text.plain(fieldsAt(object, "spec").minAvailable ?? "N/A"),
    "Max Unavailable": (object) => text.plain(fieldsAt(object, "spec").maxUnavailable ?? "N/A"),
    "Allowed Disruptions": number("status", "disruptionsAllowed"),
  },
  "rbac.authorization.k8s.io/RoleBinding": binding,
  "rbac.authorization.k8s.io/ClusterRoleBinding": binding,
  "storage.k8s.io/CSIDriver": {
    AttachRequired: flag("spec", "attachRequired"),
    PodInfoOnMount: flag("spec", "podInfoOnMount"),
    StorageCapacity: flag("spec", "storageCapacity"),
    TokenRequests: (object) => {
      const audiences = listAt(object, "spec", "tokenRequests").map((item) => stringAt(item, "audience") ?? "");
      return audiences.length === 0 ? "<unset>" : audiences.join(",");
    },
    RequiresRepublish: flag("spec", "requiresRepublish"),
    Modes: (object) => text.joined(listAt(object, "spec", "volumeLifecycleModes")),
  },
  "storage.k8s.io/CSINode": { Drivers: size("spec", "drivers") },
  "storage.k8s.io/StorageClass": {
    Name: (object) => {
      const isDefault = object.metadata.annotations?.["storageclass.kubernetes.io/is-default-class"] === "true";
      return `${object.metadata.name ?? ""}${isDefault ? " (default)" : ""}`;
    },
    Provisioner: string("provisioner"),
    ReclaimPolicy: (object) => stringAt(object, "reclaimPolicy") ?? "Delete",
    VolumeBindingMode: orUnset("volumeBindingMode"),
    AllowVolumeExpansion: (object) => object.allowVolumeExpansion === true,
  },
  "storage.k8s.io/VolumeAttachment": {
    Attacher: string("spec", "attacher"),
    PV: string("spec", "source", "persistentVolumeName"),
    Node: string("spec", "nodeName"),
    Attached: flag("status", "attached"),
  },
  "storage.k8s.io/VolumeAttributesClass": { DriverName: string("driverName") },
  "scheduling.k8s.io/PriorityClass": {
    Value: number("value"),
    "Global-Default": flag("globalDefault"),
    PreemptionPolicy: string("preemptionPolicy"),
  },
  "coordination.k8s.io/Lease": { Holder: string("spec", "holderIdentity") },
  "discovery.k8s.io/EndpointSlice": {
    AddressType: string("addressType"),
    Ports: (object) => {
      const ports = listAt(object, "ports").map((item) => String(numberAt(item, "port") ?? "*"));
      return ports.length === 0 ? "<unset>" : text.firstOf(ports, 3);
    },
    Endpoints: (object) => {
      const addresses = listAt(object, "endpoints").flatMap((item) => listAt(item, "addresses").map(text.plain));
      return addresses.length === 0 ? "<unset>" : text.firstOf(addresses, 3);
    },
  },
  "apiextensions.k8s.io/CustomResourceDefinition": {
    Scope: string("spec", "scope"),
    Versions: (object) =>
      listAt(object, "spec", "versions")
        .map((item) => `${stringAt(item, "name")}${fieldsAt(item).storage === true ? "(storage)" : ""}`)
        .join(","),
    Group: string("spec", "group"),
    Kind: string("spec", "names", "kind"),
    ShortNames: (object) => listAt(object, "spec", "names", "shortNames").join(","),
    Established: (object) =>
      listAt(object, "status", "conditions").some(
        (item) => fieldsAt(item).type === "Established" && fieldsAt(item).status === "True",
      ),
  },
  "admissionregistration.k8s.io/MutatingWebhookConfiguration": webhooks,
  "admissionregistration.k8s.io/ValidatingWebhookConfiguration": webhooks,
  "admissionregistration.k8s.io/ValidatingAdmissionPolicy": {
    Validations: size("spec", "validations"),
    ParamKind: (object) => paramKind(object),
  },
  "admissionregistration.k8s.io/MutatingAdmissionPolicy": {
    Mutations: size("spec", "mutations"),
    ParamKind: (object) => paramKind(object),
  },
  "admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding": policyBinding(),
  "admissionregistration.k8s.io/MutatingAdmissionPolicyBinding": policyBinding(),
  "certificates.k8s.io/CertificateSigningRequest": {
    SignerName: string("spec", "signerName"),
    Requestor: string("spec", "username"),
    RequestedDuration: (object) => {
      const seconds = numberAt(object, "spec", "expirationSeconds");
      return seconds === undefined ? "<none>" : duration(seconds * 1000);
    },
    Condition: (object) => {
      const types = listAt(object, "status", "conditions").map((item) => stringAt(item, "type") ?? "");
      const word = types.length === 0 ? "Pending" : types.join(",");
      return stringAt(object, "status", "certificate") === undefined ? word : `${word},Issued`;
    },
  },
  "certificates.k8s.io/ClusterTrustBundle": { SignerName: string("spec", "signerName") },
  "node.k8s.io/RuntimeClass": { Handler: string("handler") },
  "apiregistration.k8s.io/APIService": {
    Service: (object) => {
      const { namespace, name } = fieldsAt(object, "spec", "service");
      return name === undefined ? "Local" : `${text.plain(namespace)}/${text.plain(name)}`;
    },
    Available: (object) => {
      const found = listAt(object, "status", "conditions")
        .map((item) => fieldsAt(item))
        .find((item) => item.type === "Available");
      if (found === undefined) return "Unknown";
      return found.status === "True" ? "True" : `${text.plain(found.status)} (${text.plain(found.reason)})`;
    },
  },
};

function policyBinding(): Cells {
  return {
    PolicyName: string("spec", "policyName"),
    ParamRef: (object) => {
      const { namespace, name } = fieldsAt(object, "spec", "paramRef");
      return name === undefined
        ? "<unset>"
        : `${namespace === undefined ? "*" : text.plain(namespace)}/${text.plain(name)}`;
    },
  };
}

function paramKind(object: KubernetesObject): string {
  const { apiVersion, kind } = fieldsAt(object, "spec", "paramKind");
  return kind === undefined ? "<unset>" : `${text.plain(apiVersion)}/${text.plain(kind)}`;
}

function nodeAddress(node: KubernetesObject, type: string): string {
  const found = listAt(node, "status", "addresses")
    .map((item) => fieldsAt(item))
    .find((item) => item.type === type);
  return stringAt(found, "address") ?? "<none>";
}

function quota(object: KubernetesObject, wanted: (name: string) => boolean): string {
  const hard = fieldsAt(object, "status", "hard");
  const used = fieldsAt(object, "status", "used");
  const names = Object.keys(hard).filter(wanted).sort();
  return names.map((name) => `${name}: ${text.plain(used[name] ?? "0")}/${text.plain(hard[name])}`).join(", ");
}

function externalAddress(service: KubernetesObject): string {
  const { type, externalName } = fieldsAt(service, "spec");
  const given = listAt(service, "spec", "externalIPs").map(text.plain);
  if (type === "ExternalName") return typeof externalName === "string" ? externalName : "<none>";
  if (type !== "LoadBalancer") return text.joined(given);
  const balanced = listAt(service, "status", "loadBalancer", "ingress").map(
    (item) => stringAt(item, "ip") ?? stringAt(item, "hostname") ?? "",
  );
  return text.joined([...balanced, ...given], "<pending>");
}

function jobStatus(job: KubernetesObject): string {
  const on = (type: string): boolean =>
    listAt(job, "status", "conditions").some(
      (item) => fieldsAt(item).type === type && fieldsAt(item).status === "True",
    );
  if (on("Complete")) return "Complete";
  if (on("Failed")) return "Failed";
  if (job.metadata.deletionTimestamp !== undefined) return "Terminating";
  if (on("Suspended")) return "Suspended";
  if (on("FailureTarget")) return "FailureTarget";
  return on("SuccessCriteriaMet") ? "SuccessCriteriaMet" : "Running";
}

/** The table of a built-in kind; a column that no cell is known for stays empty. */
export function builtinTable(facts: ResourceFacts): Table {
  const own = cells[`${facts.group}/${facts.kind}`] ?? {};
  const listed = facts.columns ?? [];
  const columns: TableColumn[] = listed.map(([name, type, format, priority]) => ({
    name: text.plain(name),
    type: type as TableColumn["type"],
    ...(format === "" || format === undefined ? {} : { format: text.plain(format) }),
    description: name === "Name" ? nameColumn.description : name === "Age" ? ageColumn.description : "",
    priority: Number(priority),
  }));
  const makers = columns.map((column) => own[column.name] ?? common[column.name]);
  return { columns, row: (object, nowMs) => makers.map((cell) => cell?.(object, nowMs) ?? null) };
}
