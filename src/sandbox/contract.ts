// Where the sandbox's parts meet: what the API needs to know of a kind (resources/), what the built-in controllers may
// do with a cluster (controllers/), and the error that both speak. Types and one error class; no behaviour.
import type { Clock, Random } from "#base/ports.ts";
import type { JsonObject } from "#base/json.ts";
import type { Logger } from "#base/operation.ts";
import type { GroupKind, KubernetesObject, ObjectKey } from "#model/object.ts";
import type { TypeSchema } from "#core/merge/schema.ts";

export type Subresource = "status" | "scale" | "binding" | "eviction" | "log" | "token" | "finalize" | "approval";

export interface FieldError {
  readonly type:
    | "Required value"
    | "Invalid value"
    | "Not found"
    | "Duplicate value"
    | "Unsupported value"
    | "Forbidden"
    | "Too long"
    | "Too many";
  /** As Kubernetes writes paths: `spec.template.spec.containers[0].image`. */
  readonly field: string;
  readonly value?: unknown;
  readonly detail: string;
  /** The cause's reason, where it is not the one that goes with `type`. */
  readonly reason?: "FieldValueTypeInvalid";
}

/** Reads of the cluster's present state, for defaults that depend on other objects (cluster IPs, limit ranges). */
export interface ObjectReader {
  get(gk: GroupKind, namespace: string, name: string): KubernetesObject | undefined;
  list(gk: GroupKind, namespace?: string): readonly KubernetesObject[];
}

export interface PrepareContext {
  readonly operation: "create" | "update";
  /** The stored object before the update. */
  readonly old?: KubernetesObject;
  /** "status", "scale", … when the write came through a subresource. */
  readonly subresource?: string;
  /** RFC 3339, seconds. */
  readonly now: string;
  readonly reader: ObjectReader;
  /** Collects a Warning header's text. */
  warn(text: string): void;
}

export interface TableColumn {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  readonly format?: string;
  readonly description: string;
  /** 0 is always shown, greater only with `-o wide`. */
  readonly priority: number;
}

/** JSON paths as CRDs write them: `.spec.replicas`. */
export interface ScalePaths {
  readonly specReplicasPath: string;
  readonly statusReplicasPath: string;
  readonly labelSelectorPath?: string;
}

/**
 * What the API needs to know of one group, version and kind. Built-ins come from resources/, custom ones from CRDs.
 *
 * Who does what on a write, in this order:
 * 1. api/ parses, drops and reports fields that `type` does not know (struct with preserveUnknown: kept), refuses
 *    values of a wrong scalar type for built-ins, and sets metadata (name, namespace, uid, creationTimestamp,
 *    generation, deletion*, managedFields, resourceVersion).
 * 2. api/ separates spec and status: where `subresources` has "status", a plain create drops status, a plain update
 *    keeps the old one, and a status update keeps everything but status.
 * 3. `prepare` returns the object with defaults filled in and what is special to the kind; it need not do 1 or 2.
 * 4. api/ validates metadata; `validate` everything else, immutable fields included.
 * Objects are immutable: `prepare` returns the same object when there is nothing to change, and shares structure.
 */
export interface ResourceDefinition {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly listKind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly subresources: readonly Subresource[];
  /** The version in which objects are kept; every version of one group and plural names the same. Default: `version`. */
  readonly storageVersion?: string;
  /** Between served and stored version, where they differ by more than apiVersion. Takes either, returns apiVersion `to`. */
  convert?(object: KubernetesObject, to: string): KubernetesObject;
  /** Whether it was made from a CustomResourceDefinition. */
  readonly custom?: boolean;
  /** What every request of a deprecated version is warned with. */
  readonly deprecation?: string;
  /** Whether metadata.generation counts changes outside metadata and status. Default: whether it has "status". */
  readonly generation?: boolean;
  readonly type?: TypeSchema;
  /** OpenAPI: the component's name (`io.k8s.api.apps.v1.Deployment`), and it with all that it refers to, with
   * references written `#/components/schemas/NAME`. Read lazily. */
  readonly openapi?: { readonly name: string; components(): Readonly<Record<string, JsonObject>> };
  /** How the name is checked; default "subdomain". "path": anything without / and %. */
  readonly nameRule?: "subdomain" | "label" | "service" | "path" | "none";
  prepare?(object: KubernetesObject, context: PrepareContext): KubernetesObject;
  validate?(object: KubernetesObject, old?: KubernetesObject, subresource?: string): readonly FieldError[];
  /** `row` returns the cells after… including the name, one for each column. `nowMs` since the epoch, for ages. */
  readonly table?: {
    readonly columns: readonly TableColumn[];
    row(object: KubernetesObject, nowMs: number): readonly unknown[];
  };
  /** Fields for fieldSelector besides metadata.name and metadata.namespace: `spec.nodeName` → value, "" when absent. */
  readonly selectableFields?: Readonly<Record<string, (object: KubernetesObject) => string>>;
  readonly scale?: ScalePaths;
}

export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

/** `kind: Status` as the API server answers errors. */
export interface Status {
  readonly kind: "Status";
  readonly apiVersion: "v1";
  readonly metadata: JsonObject;
  readonly status: "Failure" | "Success";
  readonly message?: string;
  /** NotFound, AlreadyExists, Conflict, Invalid, … */
  readonly reason?: string;
  readonly details?: {
    readonly name?: string;
    readonly group?: string;
    readonly kind?: string;
    readonly uid?: string;
    readonly causes?: readonly StatusCause[];
    readonly retryAfterSeconds?: number;
  };
  readonly code: number;
}

/** A refusal by the API, with the Status that a client sees. */
export class ApiError extends Error {
  readonly status: Status;

  constructor(status: Status) {
    super(status.message ?? status.reason ?? String(status.code));
    this.name = "ApiError";
    this.status = status;
  }

  get code(): number {
    return this.status.code;
  }

  get reason(): string {
    return this.status.reason ?? "";
  }
}

export interface LocalDeleteOptions {
  readonly propagationPolicy?: "Foreground" | "Background" | "Orphan";
  readonly gracePeriodSeconds?: number;
  readonly uid?: string;
  readonly resourceVersion?: string;
}

export interface LocalEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: KubernetesObject;
  /** What it was before; absent for ADDED. */
  readonly old?: KubernetesObject;
}

/**
 * In-process access for the built-in controllers: synchronous, with the HTTP API's rules (validation, admission,
 * finalizers, watch events), without HTTP. Objects are the stored ones, in their storage version: never write to them.
 * Writes throw ApiError. An `update` whose metadata.resourceVersion is not the stored one conflicts; leave it out to
 * overwrite. Updates that change nothing cost nothing and send no event.
 */
export interface LocalClient extends ObjectReader {
  create(object: KubernetesObject): KubernetesObject;
  update(object: KubernetesObject, subresource?: string): KubernetesObject;
  patch(
    gk: GroupKind,
    namespace: string,
    name: string,
    patch: { readonly type: "json" | "merge" | "strategic" | "apply"; readonly body: unknown },
    subresource?: string,
  ): KubernetesObject;
  /** Deleting what is not there is not an error. */
  delete(key: ObjectKey, options?: LocalDeleteOptions): void;
  /** Objects that exist come first, as ADDED, then changes in order. The listener is never called inside the call
   * that made the change nor inside `watch`; it runs soon after, on a later turn. Returns the end of it. */
  watch(gk: GroupKind, listener: (event: LocalEvent) => void): () => void;
  /** One definition for each group and kind (its storage version), custom ones included. */
  kinds(): readonly ResourceDefinition[];
  /** Called on a later turn, after kinds came or went. */
  onKinds(listener: () => void): () => void;
  /** Objects whose ownerReferences name this uid. */
  dependents(uid: string): readonly KubernetesObject[];
  byUid(uid: string): KubernetesObject | undefined;
  /** Removes a namespace's last finalizer "kubernetes" and with it the namespace, as namespaces/finalize does. */
  finalizeNamespace(name: string): void;
}

/** What controllers/index.ts exports as `startControllers`. */
export type StartControllers = (client: LocalClient, options: ControllerOptions) => { stop(): void };

export interface ControllerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** PEM of the cluster's CA, for the ConfigMap kube-root-ca.crt. */
  readonly caCertificate: string;
}
