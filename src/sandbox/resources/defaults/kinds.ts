// What the API server fills in or changes for a whole object, beyond its types' defaults: the beginnings of status,
// addresses allocated, labels that a kind carries, and the fields an update takes over from the stored object.
import { isObject } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { PrepareContext } from "../../contract.ts";
import { fieldsAt, inField, inItems, withDefaults, withField } from "../edit.ts";
import type { Fields } from "../edit.ts";
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
    for (const [key, value] of Object.entries(strings)) data[key] = base64(String(value));
    current = withField(withField(current, "stringData", undefined), "data", data);
  }
  const oldType = context.operation === "update" ? context.old?.type : undefined;
  return withDefaults(current, { type: oldType ?? "Opaque" });
}

const status =
  (initial: Fields): Preparation =>
  (object, context) =>
    context.operation === "create" ? withField(object, "status", initial) : object;

/** What pods start with; the scheduler and the kubelet go on from here. */
function pod(object: Fields, context: PrepareContext): Fields {
  const current = context.operation === "create" ? admitted(object) : object;
  if (context.operation !== "create") return current;
  return withField(current, "status", { phase: "Pending", qosClass: qosClass(fieldsAt(current, "spec")) });
}

/** What the admission plugins that every cluster runs add: service account, priority, default tolerations. */
function admitted(object: Fields): Fields {
  return inField(object, "spec", (spec) => {
    const account =
      typeof spec.serviceAccountName === "string" && spec.serviceAccountName !== ""
        ? spec.serviceAccountName
        : "default";
    const filled = withDefaults(
      { ...spec, serviceAccountName: account, serviceAccount: account },
      { priority: 0, preemptionPolicy: "PreemptLowerPriority", enableServiceLinks: true },
    );
    return withField(filled, "tolerations", withTolerations(filled.tolerations));
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

const webhooks = (kind: Fields): Preparation => {
  return (object) =>
    inItems(object, "webhooks", (webhook) => {
      const filled = withDefaults(webhook, {
        failurePolicy: "Fail",
        matchPolicy: "Equivalent",
        namespaceSelector: {},
        objectSelector: {},
        timeoutSeconds: 10,
        ...kind,
      });
      const ruled = inItems(filled, "rules", (rule) => withDefaults(rule, { scope: "*" }));
      return inField(ruled, "clientConfig", (config) =>
        inField(config, "service", (service) => withDefaults(service, { port: 443 })),
      );
    });
};

const rbacGroup = "rbac.authorization.k8s.io";

function binding(object: Fields): Fields {
  const filled = inField(object, "roleRef", (ref) =>
    typeof ref.apiGroup === "string" && ref.apiGroup !== "" ? ref : withField(ref, "apiGroup", rbacGroup),
  );
  return inItems(filled, "subjects", (subject) =>
    subject.kind === "User" || subject.kind === "Group" ? withDefaults(subject, { apiGroup: rbacGroup }) : subject,
  );
}

const networkPolicy: Preparation = (object) =>
  inField(object, "spec", (spec) => {
    const ports = (rule: Fields): Fields => inItems(rule, "ports", (port) => withDefaults(port, { protocol: "TCP" }));
    const ruled = inItems(inItems(spec, "ingress", ports), "egress", ports);
    const egress = Array.isArray(spec.egress) && spec.egress.length > 0;
    return withDefaults(withDefaults(ruled, { podSelector: {} }), {
      policyTypes: egress ? ["Ingress", "Egress"] : ["Ingress"],
    });
  });

/** By `group/Kind`. */
export const kindDefaults: Readonly<Record<string, Preparation>> = {
  "/Namespace": namespace,
  "/Secret": secret,
  "/Pod": pod,
  "/Service": prepareService,
  "/PersistentVolumeClaim": status({ phase: "Pending" }),
  "/PersistentVolume": status({ phase: "Pending" }),
  "/Endpoints": (object) =>
    inItems(object, "subsets", (subset) => inItems(subset, "ports", (port) => withDefaults(port, { protocol: "TCP" }))),
  "discovery.k8s.io/EndpointSlice": (object) =>
    inItems(object, "ports", (port) => withDefaults(port, { name: "", protocol: "TCP" })),
  "storage.k8s.io/StorageClass": (object) =>
    withDefaults(object, { reclaimPolicy: "Delete", volumeBindingMode: "Immediate" }),
  "rbac.authorization.k8s.io/RoleBinding": binding,
  "rbac.authorization.k8s.io/ClusterRoleBinding": binding,
  "networking.k8s.io/NetworkPolicy": networkPolicy,
  "admissionregistration.k8s.io/MutatingWebhookConfiguration": webhooks({ reinvocationPolicy: "Never" }),
  "admissionregistration.k8s.io/ValidatingWebhookConfiguration": webhooks({}),
};

/** Runs a kind's preparation on a Kubernetes object. */
export function prepareKind(key: string, object: KubernetesObject, context: PrepareContext): KubernetesObject {
  const preparation = kindDefaults[key];
  return preparation === undefined ? object : (preparation(object, context) as unknown as KubernetesObject);
}
