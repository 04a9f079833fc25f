// What the API server fills in or changes for a whole object, beyond its types' defaults: the beginnings of status,
// addresses allocated, labels that a kind carries, and the fields an update takes over from the stored object.
import { isObject, sameJson } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { PrepareContext } from "../../contract.ts";
import { fieldsAt, inField, inItems, withDefaults, withField } from "../edit.ts";
import type { Fields } from "../edit.ts";
import { withAccountToken } from "./service-account.ts";
import { prepareService } from "./service.ts";

export type Preparation = (object: Fields, context: PrepareContext) => Fields;

const encoder = new TextEncoder();

/** Standard base64 of a text's UTF-8 bytes. */
function base64(text: string): string {
  let binary = "";
  for (const byte of encoder.encode(text)) binary += String.fromCharCode(byte);
  return btoa(binary);
}

function namespace(object: Fields, context: PrepareContext): Fields {
  const metadata = fieldsAt(object, "metadata");
  const name = metadata.name;
  let current = object;
  const labels = fieldsAt(metadata, "labels");
  if (typeof name === "string" && labels["kubernetes.io/metadata.name"] !== name) {
    current = withField(current, "metadata", {
      ...metadata,
      labels: { ...labels, "kubernetes.io/metadata.name": name },
    });
  }
  if (context.operation === "create") {
    const finalizers = fieldsAt(current, "spec").finalizers;
    const list: readonly unknown[] = Array.isArray(finalizers) ? finalizers : [];
    if (!list.includes("kubernetes")) {
      current = withField(current, "spec", { ...fieldsAt(current, "spec"), finalizers: [...list, "kubernetes"] });
    }
    return withField(current, "status", { phase: "Active" });
  }
  return context.subresource === undefined && context.old !== undefined
    ? withField(current, "spec", context.old.spec)
    : current;
}

function secret(object: Fields, context: PrepareContext): Fields {
  let current = object;
  const strings = object.stringData;
  if (isObject(strings)) {
    const data: Record<string, unknown> = { ...fieldsAt(object, "data") };
    for (const [key, value] of Object.entries(strings)) data[key] = base64(typeof value === "string" ? value : "");
    current = withField(withField(current, "stringData", undefined), "data", data);
  }
  const oldType = context.operation === "update" ? context.old?.type : undefined;
  return withDefaults(current, { type: oldType ?? "Opaque" });
}

/** What pods start with; the scheduler and the kubelet go on from here. */
function pod(object: Fields, context: PrepareContext): Fields {
  if (context.operation !== "create") return context.subresource === undefined ? readmitted(object) : object;
  const current = admitted(object, context);
  return withField(current, "status", { phase: "Pending", qosClass: qosClass(fieldsAt(current, "spec")) });
}

/** What the admission plugins that every cluster runs add: service account, priority, default tolerations. */
function admitted(object: Fields, context: PrepareContext): Fields {
  return inField(object, "spec", (spec) => {
    const account =
      typeof spec.serviceAccountName === "string" && spec.serviceAccountName !== ""
        ? spec.serviceAccountName
        : "default";
    const filled = withDefaults(
      { ...spec, serviceAccountName: account, serviceAccount: account },
      { priority: 0, preemptionPolicy: "PreemptLowerPriority", enableServiceLinks: true },
    );
    const tolerant = withField(filled, "tolerations", withTolerations(filled.tolerations));
    return withAccountToken(tolerant, fieldsAt(object, "metadata"), context);
  });
}

/** DefaultTolerationSeconds looks at updates too. */
function readmitted(object: Fields): Fields {
  return inField(object, "spec", (spec) => {
    const tolerations = withTolerations(spec.tolerations);
    const before = Array.isArray(spec.tolerations) ? spec.tolerations.length : 0;
    return tolerations.length === before ? spec : withField(spec, "tolerations", tolerations);
  });
}

function withTolerations(given: unknown): readonly unknown[] {
  const list = Array.isArray(given) ? (given as unknown[]) : [];
  const covers = (key: string): boolean =>
    list.some((item) => {
      const toleration = isObject(item) ? item : {};
      const effect = toleration.effect === undefined || toleration.effect === "" || toleration.effect === "NoExecute";
      return (
        effect &&
        (toleration.key === key ||
          ((toleration.key === undefined || toleration.key === "") && toleration.operator === "Exists"))
      );
    });
  const added = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"].filter((key) => !covers(key));
  if (added.length === 0) return list;
  return [...list, ...added.map((key) => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 }))];
}

/** Guaranteed, Burstable or BestEffort, by cpu and memory of every container. Source: "Pod Quality of Service Classes". */
function qosClass(spec: Fields): string {
  const containers = [spec.containers, spec.initContainers].flatMap((list) =>
    Array.isArray(list) ? (list as unknown[]) : [],
  );
  let some = false;
  let all = true;
  for (const container of containers) {
    const limits = fieldsAt(container, "resources", "limits");
    const requests = fieldsAt(container, "resources", "requests");
    for (const name of ["cpu", "memory"]) {
      if (limits[name] !== undefined || requests[name] !== undefined) some = true;
      if (limits[name] === undefined || (requests[name] ?? limits[name]) !== limits[name]) all = false;
    }
  }
  return !some ? "BestEffort" : all ? "Guaranteed" : "Burstable";
}

const rbacGroup = "rbac.authorization.k8s.io";

function binding(object: Fields): Fields {
  const filled = inField(object, "roleRef", (ref) =>
    typeof ref.apiGroup === "string" && ref.apiGroup !== "" ? ref : withField(ref, "apiGroup", rbacGroup),
  );
  return inItems(filled, "subjects", (subject) =>
    subject.kind === "User" || subject.kind === "Group" ? withDefaults(subject, { apiGroup: rbacGroup }) : subject,
  );
}

/** Unless the selector is the user's matter, a Job's pods are found by the Job's uid. */
function job(object: Fields, context: PrepareContext): Fields {
  const spec = fieldsAt(object, "spec");
  if (context.operation !== "create" || spec.manualSelector === true) return object;
  const metadata = fieldsAt(object, "metadata");
  const labels: Record<string, unknown> = {
    "controller-uid": metadata.uid,
    "job-name": metadata.name,
    "batch.kubernetes.io/controller-uid": metadata.uid,
    "batch.kubernetes.io/job-name": metadata.name,
  };
  const template = fieldsAt(spec, "template");
  const templateMeta = fieldsAt(template, "metadata");
  const labelled = { ...fieldsAt(templateMeta, "labels"), ...labels };
  const selected = {
    ...spec,
    selector: withDefaults(fieldsAt(spec, "selector"), {
      matchLabels: { "batch.kubernetes.io/controller-uid": metadata.uid },
    }),
    template: { ...template, metadata: { ...templateMeta, labels: labelled } },
  };
  return withTemplateLabels({ ...object, spec: selected }, context);
}

/** Jobs and ReplicationControllers without labels carry those of their template. */
function withTemplateLabels(object: Fields, context: PrepareContext): Fields {
  const metadata = fieldsAt(object, "metadata");
  const labels = fieldsAt(object, "spec", "template", "metadata", "labels");
  if (context.operation !== "create" || Object.keys(labels).length === 0) return object;
  return Object.keys(fieldsAt(metadata, "labels")).length > 0
    ? object
    : withField(object, "metadata", { ...metadata, labels });
}

const generationKey = "deprecated.daemonset.template.generation";

/** Counts changes of a DaemonSet's template in the annotation that stands for an old field. */
function daemonSet(object: Fields, context: PrepareContext): Fields {
  const metadata = fieldsAt(object, "metadata");
  const annotations = fieldsAt(metadata, "annotations");
  let count = 1;
  if (context.operation === "update") {
    const before = Number(fieldsAt(context.old, "metadata", "annotations")[generationKey] ?? 1);
    const template = fieldsAt(object, "spec").template;
    count = before + (sameJson(template, fieldsAt(context.old, "spec").template) ? 0 : 1);
  }
  if (annotations[generationKey] === String(count)) return object;
  return withField(object, "metadata", {
    ...metadata,
    annotations: { ...annotations, [generationKey]: String(count) },
  });
}

/** The two ways to name a source say the same. */
function claim(object: Fields, context: PrepareContext): Fields {
  const current = inField(object, "spec", (spec) => {
    const source = isObject(spec.dataSource) ? withDefaults(spec.dataSource, { apiGroup: null }) : undefined;
    if (source !== undefined) return withDefaults(withField(spec, "dataSource", source), { dataSourceRef: source });
    const reference = fieldsAt(spec, "dataSourceRef");
    return isObject(spec.dataSourceRef) && reference.namespace === undefined
      ? withField(spec, "dataSource", spec.dataSourceRef)
      : spec;
  });
  if (context.operation !== "create") return current;
  return withFinalizer(withField(current, "status", { phase: "Pending" }), "kubernetes.io/pvc-protection");
}

function volume(object: Fields, context: PrepareContext): Fields {
  if (context.operation !== "create") return object;
  const status = { phase: "Pending", lastPhaseTransitionTime: context.now };
  return withFinalizer(withField(object, "status", status), "kubernetes.io/pv-protection");
}

/** Storage in use is protected: the volume controller takes the finalizer away when nothing uses it. */
function withFinalizer(object: Fields, finalizer: string): Fields {
  const metadata = fieldsAt(object, "metadata");
  const finalizers: readonly unknown[] = Array.isArray(metadata.finalizers) ? metadata.finalizers : [];
  if (finalizers.includes(finalizer)) return object;
  return withField(object, "metadata", { ...metadata, finalizers: [...finalizers, finalizer] });
}

function customResourceDefinition(object: Fields, context: PrepareContext): Fields {
  const versions = fieldsAt(object, "spec").versions;
  const storage = (Array.isArray(versions) ? versions : [])
    .map((version) => fieldsAt(version))
    .find((version) => version.storage === true);
  if (storage === undefined) return object;
  if (context.operation === "create") {
    const accepted = { plural: "", kind: "" };
    return withField(object, "status", { conditions: null, acceptedNames: accepted, storedVersions: [storage.name] });
  }
  const status = fieldsAt(object, "status");
  const stored: readonly unknown[] = Array.isArray(status.storedVersions) ? status.storedVersions : [];
  if (stored.includes(storage.name)) return object;
  return withField(object, "status", { ...status, storedVersions: [...stored, storage.name] });
}

/** By `group/Kind`. */
export const kindDefaults: Readonly<Record<string, Preparation>> = {
  "/Namespace": namespace,
  "/Secret": secret,
  "/Pod": pod,
  "/Service": prepareService,
  "/PersistentVolumeClaim": claim,
  "/PersistentVolume": volume,
  "rbac.authorization.k8s.io/RoleBinding": binding,
  "rbac.authorization.k8s.io/ClusterRoleBinding": binding,
  "/ReplicationController": withTemplateLabels,
  "batch/Job": job,
  "apps/DaemonSet": daemonSet,
  "apiextensions.k8s.io/CustomResourceDefinition": customResourceDefinition,
};

/** Runs a kind's preparation on a Kubernetes object. */
export function prepareKind(key: string, object: KubernetesObject, context: PrepareContext): KubernetesObject {
  const preparation = kindDefaults[key];
  return preparation === undefined ? object : (preparation(object, context) as unknown as KubernetesObject);
}
