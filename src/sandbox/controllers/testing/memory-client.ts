// A LocalClient in memory for tests of the controllers: uids, resourceVersions, generations, finalizers, graceful and
// propagated deletion, watch events on a later turn. No defaults and no validation, except what a test plugs in.
import { sameJson } from "#base/json.ts";
import { rfc3339, type Clock } from "#base/ports.ts";
import { gvkOf, keyOf, keyText, type GroupKind, type KubernetesObject, type ObjectKey } from "#model/object.ts";
import {
  ApiError,
  type LocalClient,
  type LocalDeleteOptions,
  type LocalEvent,
  type ResourceDefinition,
} from "../../contract.ts";

const clusterScoped = new Set([
  "Namespace",
  "Node",
  "PersistentVolume",
  "StorageClass",
  "CustomResourceDefinition",
  "ClusterThing",
]);

/** Kinds that every test cluster knows: `group/version/Kind`. */
const builtin = [
  "Namespace",
  "Node",
  "Pod",
  "Service",
  "Endpoints",
  "ConfigMap",
  "Secret",
  "ServiceAccount",
  "Event",
  "PersistentVolumeClaim",
  "PersistentVolume",
  "ResourceQuota",
  "ReplicationController",
].map((kind) => `/v1/${kind}`);
const grouped = [
  ...["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ControllerRevision"].map((kind) => `apps/v1/${kind}`),
  ...["Job", "CronJob"].map((kind) => `batch/v1/${kind}`),
  "discovery.k8s.io/v1/EndpointSlice",
  "networking.k8s.io/v1/Ingress",
  "storage.k8s.io/v1/StorageClass",
  "autoscaling/v2/HorizontalPodAutoscaler",
  "policy/v1/PodDisruptionBudget",
  "apiextensions.k8s.io/v1/CustomResourceDefinition",
];

export class MemoryClient implements LocalClient {
  readonly #clock: Clock;
  readonly #objects = new Map<string, KubernetesObject>();
  readonly #definitions: ResourceDefinition[] = [...builtin, ...grouped].map((text) => definition(text));
  readonly #listeners = new Map<string, Set<(event: LocalEvent) => void>>();
  readonly #kindListeners = new Set<() => void>();
  #version = 0;
  #uids = 0;
  /** Every write that took effect, as `verb group/kind/namespace/name`; for tests of how much is written. */
  readonly writes: string[] = [];
  /** Called before a create; may throw an ApiError. */
  refuse: ((object: KubernetesObject) => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  addKind(text: string): void {
    this.#definitions.push(definition(text));
    for (const listener of this.#kindListeners) this.#clock.after(0, listener);
  }

  kinds(): readonly ResourceDefinition[] {
    return this.#definitions;
  }

  onKinds(listener: () => void): () => void {
    this.#kindListeners.add(listener);
    return () => this.#kindListeners.delete(listener);
  }

  get(gk: GroupKind, namespace: string, name: string): KubernetesObject | undefined {
    return this.#objects.get(keyText({ group: gk.group, kind: gk.kind, namespace, name }));
  }

  list(gk: GroupKind, namespace?: string): readonly KubernetesObject[] {
    const prefix = namespace === undefined ? `${gk.group}/${gk.kind}/` : `${gk.group}/${gk.kind}/${namespace}/`;
    return [...this.#objects].filter(([key]) => key.startsWith(prefix)).map(([, object]) => object);
  }

  byUid(uid: string): KubernetesObject | undefined {
    return [...this.#objects.values()].find((each) => each.metadata.uid === uid);
  }

  dependents(uid: string): readonly KubernetesObject[] {
    return [...this.#objects.values()].filter((each) => each.metadata.ownerReferences?.some((ref) => ref.uid === uid));
  }

  create(object: KubernetesObject): KubernetesObject {
    this.refuse?.(object);
    const namespace = object.metadata.namespace ?? "";
    if (namespace !== "" && this.get({ group: "", kind: "Namespace" }, "", namespace)?.metadata.deletionTimestamp) {
      throw refusal(403, "Forbidden", `namespace ${namespace} is being terminated`, "NamespaceTerminating");
    }
    const name = object.metadata.name ?? `${object.metadata.generateName}${this.#uids}`;
    const key = keyText({ ...keyOf(object), name });
    if (this.#objects.has(key)) throw refusal(409, "AlreadyExists", `${key} already exists`);
    const { status: _, ...rest } = object;
    const keepsStatus = object.kind === "Event" || object.kind === "EndpointSlice" || object.kind === "Endpoints";
    const created: KubernetesObject = {
      ...(keepsStatus ? object : rest),
      ...(object.kind === "Namespace" ? { spec: { finalizers: ["kubernetes"] } } : {}),
      metadata: {
        ...object.metadata,
        name,
        uid: `uid-${++this.#uids}`,
        generation: 1,
        creationTimestamp: rfc3339(this.#clock.now()),
      },
    };
    return this.#store("create", created, undefined);
  }

  update(object: KubernetesObject, subresource?: string): KubernetesObject {
    const key = keyText(keyOf(object));
    const old = this.#objects.get(key);
    if (old === undefined) throw refusal(404, "NotFound", `${key} not found`);
    const { resourceVersion } = object.metadata;
    if (resourceVersion !== undefined && resourceVersion !== old.metadata.resourceVersion) {
      throw refusal(409, "Conflict", `${key}: the object has been modified`);
    }
    const next: KubernetesObject =
      subresource === "status"
        ? { ...old, status: object["status"] }
        : { ...object, status: old["status"], metadata: { ...object.metadata, uid: old.metadata.uid ?? "" } };
    if (sameJson({ ...next, metadata: { ...next.metadata, resourceVersion: "" } }, bare(old))) return old;
    const changed = subresource !== "status" && !sameJson(next["spec"], old["spec"]);
    const generation = (old.metadata.generation ?? 1) + (changed ? 1 : 0);
    const updated = { ...next, metadata: { ...next.metadata, generation } };
    if (this.#isGone(updated)) return this.#drop(updated);
    return this.#store(`update${subresource === undefined ? "" : `/${subresource}`}`, updated, old);
  }

  patch(
    gk: GroupKind,
    namespace: string,
    name: string,
    patch: { readonly type: string; readonly body: unknown },
    subresource?: string,
  ): KubernetesObject {
    const old = this.get(gk, namespace, name);
    if (old === undefined) throw refusal(404, "NotFound", `${gk.kind} ${namespace}/${name} not found`);
    return this.update(merge(old, patch.body) as KubernetesObject, subresource);
  }

  delete(key: ObjectKey, options: LocalDeleteOptions = {}): void {
    const old = this.#objects.get(keyText(key));
    if (old === undefined) return;
    if (options.uid !== undefined && options.uid !== old.metadata.uid) throw refusal(409, "Conflict", "uid differs");
    const finalizers = new Set(old.metadata.finalizers);
    if (options.propagationPolicy === "Foreground") finalizers.add("foregroundDeletion");
    if (options.propagationPolicy === "Orphan") finalizers.add("orphan");
    const scheduled = (old["spec"] as { nodeName?: string } | undefined)?.nodeName !== undefined;
    const graceful = key.kind === "Pod" && scheduled && options.gracePeriodSeconds !== 0;
    const grace = graceful ? (options.gracePeriodSeconds ?? 30) : 0;
    const deletionTimestamp = old.metadata.deletionTimestamp ?? rfc3339(this.#clock.now());
    const marked: KubernetesObject = {
      ...old,
      metadata: {
        ...old.metadata,
        ...(finalizers.size === 0 ? {} : { finalizers: [...finalizers] }),
        deletionTimestamp,
        deletionGracePeriodSeconds: grace,
      },
      ...(key.kind === "Namespace" ? { status: { ...(old["status"] as object), phase: "Terminating" } } : {}),
    };
    if (!graceful && this.#isGone(marked)) this.#drop(marked);
    else if (!sameJson(marked, old)) this.#store("delete", marked, old);
  }

  finalizeNamespace(name: string): void {
    const old = this.get({ group: "", kind: "Namespace" }, "", name);
    if (old === undefined) return;
    const next = { ...old, spec: { finalizers: [] } };
    if (this.#isGone(next)) this.#drop(next);
    else this.#store("update", next, old);
  }

  watch(gk: GroupKind, listener: (event: LocalEvent) => void): () => void {
    const kind = `${gk.group}/${gk.kind}`;
    const listeners = this.#listeners.get(kind) ?? new Set();
    this.#listeners.set(kind, listeners.add(listener));
    for (const object of this.list(gk)) this.#clock.after(0, () => listener({ type: "ADDED", object }));
    return () => listeners.delete(listener);
  }

  #isGone(object: KubernetesObject): boolean {
    const { deletionTimestamp, finalizers = [], deletionGracePeriodSeconds = 0 } = object.metadata;
    if (deletionTimestamp === undefined || finalizers.length > 0 || deletionGracePeriodSeconds > 0) return false;
    const kept = object.kind === "Namespace" ? (object["spec"] as { finalizers?: string[] }).finalizers : [];
    return (kept ?? []).length === 0;
  }

  #store(verb: string, object: KubernetesObject, old: KubernetesObject | undefined): KubernetesObject {
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.#version) } };
    const key = keyText(keyOf(stored));
    this.#objects.set(key, stored);
    this.writes.push(`${verb} ${key}`);
    this.#send(old === undefined ? { type: "ADDED", object: stored } : { type: "MODIFIED", object: stored, old });
    return stored;
  }

  #drop(object: KubernetesObject): KubernetesObject {
    const key = keyText(keyOf(object));
    const old = this.#objects.get(key);
    this.#objects.delete(key);
    this.writes.push(`remove ${key}`);
    this.#send({ type: "DELETED", object, ...(old === undefined ? {} : { old }) });
    return object;
  }

  #send(event: LocalEvent): void {
    const { group, kind } = gvkOf(event.object);
    for (const listener of this.#listeners.get(`${group}/${kind}`) ?? []) {
      this.#clock.after(0, () => listener(event));
    }
  }
}

function bare(object: KubernetesObject): KubernetesObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: "" } };
}

/** RFC 7386, as far as tests need it. */
function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> = { ...(target as object) };
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = merge(result[name], value);
  }
  return result;
}

function refusal(code: number, reason: string, message: string, cause?: string): ApiError {
  const details = cause === undefined ? {} : { details: { causes: [{ reason: cause, message }] } };
  return new ApiError({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    code,
    reason,
    message,
    ...details,
  });
}

function definition(text: string): ResourceDefinition {
  const [group = "", version = "", kind = ""] = text.split("/");
  const plural = `${kind.toLowerCase()}s`;
  return {
    group,
    version,
    kind,
    listKind: `${kind}List`,
    plural,
    singular: kind.toLowerCase(),
    shortNames: [],
    categories: [],
    namespaced: !clusterScoped.has(kind),
    verbs: ["get", "list", "watch", "create", "update", "patch", "delete"],
    subresources: ["status"],
  };
}
