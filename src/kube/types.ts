// What the rest of the program sees of a Kubernetes API server: kinds, the client and its options. Types only.
import type { DriftlessError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import type { TypeSchema } from "#core/merge/schema.ts";
import type { GroupVersionKind, KubernetesObject } from "#model/object.ts";

/** One kind as discovery describes it, in one version of its group. */
export interface ResourceType {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly subresources: readonly string[];
}

/** What an address needs of a kind. */
export type ResourcePath = Pick<ResourceType, "group" | "version" | "plural" | "namespaced">;

export interface ObjectRef {
  readonly namespace?: string;
  readonly name: string;
}

export interface GetOptions {
  readonly subresource?: string;
  /** Only metadata comes back, as a PartialObjectMetadata. */
  readonly metadataOnly?: boolean;
}

/** Entries of managedFields that are kept: comparing needs them. */
export interface KeptFields {
  /** What this manager applied server-side. */
  readonly appliedBy?: string | undefined;
  /** Whatever these managers own. */
  readonly managers?: readonly string[];
}

export interface ListOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Objects per page; 500 unless told. All pages are read in either case. */
  readonly limit?: number;
  readonly metadataOnly?: boolean;
  /** Leaves out metadata.managedFields, which are half of most answers and costly to parse. */
  readonly dropManagedFields?: boolean;
  /** With `dropManagedFields`: what stays, as `fieldsText`. */
  readonly keepFields?: KeptFields | undefined;
  /** "0": whatever the API server's cache holds, unpaged and without a read from etcd. Absent: the most recent. */
  readonly resourceVersion?: string;
}

export interface ListResult {
  readonly items: readonly KubernetesObject[];
  readonly resourceVersion: string;
}

export interface WatchOptions {
  readonly resourceVersion?: string;
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly metadataOnly?: boolean;
  /** The list comes as ADDED events first, ended by a bookmark with `initialEventsEnd` (KEP-3157). */
  readonly sendInitialEvents?: boolean;
  readonly dropManagedFields?: boolean;
  /** With `dropManagedFields`: what stays, as `fieldsText`. */
  readonly keepFields?: KeptFields | undefined;
  /** Called when the server has accepted the watch, before its first event. */
  readonly onOpen?: () => void;
  /** After how long the server ends the watch. */
  readonly timeoutSeconds?: number;
}

export interface WatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK";
  readonly object: KubernetesObject;
  /** Set on the bookmark that ends the initial events of a streaming list. */
  readonly initialEventsEnd?: boolean;
}

export interface WriteOptions {
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
  readonly fieldValidation?: "Ignore" | "Warn" | "Strict";
}

export interface DeleteOptions {
  readonly propagationPolicy?: "Foreground" | "Background" | "Orphan";
  /** Preconditions: CONFLICT where the object has another. */
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly gracePeriodSeconds?: number;
  readonly dryRun?: boolean;
}

export type PatchType = "json" | "merge" | "strategic" | "apply";

export interface ServerVersion {
  readonly gitVersion: string;
  readonly major: string;
  readonly minor: string;
}

export interface Discovery {
  /** Every kind in its group's preferred version. Groups that cannot be read are left out and named by `failures`. */
  all(op: Operation): Promise<readonly ResourceType[]>;
  /** One kind; of the preferred version where none is named. Asks the server again (at most once a second) for a
   * kind that it does not know. */
  find(op: Operation, kind: { group: string; version?: string; kind: string }): Promise<ResourceType | undefined>;
  /** Group-versions whose kinds could not be read at the last discovery, with the reason. */
  failures(): readonly { readonly groupVersion: string; readonly message: string }[];
  /** The next question asks the server. */
  invalidate(): void;
}

export interface Schemas {
  /** The merge schema of a kind, from OpenAPI v3; undefined where the server has none or it cannot be read. */
  typeOf(op: Operation, kind: GroupVersionKind): Promise<TypeSchema | undefined>;
  /** One of Kubernetes' own types by Argo CD's names: `core/v1/PodSpec`, `core/Quantity`, `meta/v1/Duration`. */
  named(op: Operation, type: string): Promise<TypeSchema | undefined>;
  invalidate(): void;
}

export interface ExecRequest {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly command: readonly string[];
  readonly tty: boolean;
}

export interface ExecHandlers {
  onOutput(bytes: Uint8Array): void;
  /** Called once, unless it was closed from here: without an error where the process succeeded. `details.exitCode`. */
  onEnd(error?: DriftlessError): void;
}

export interface ExecSession {
  write(bytes: Uint8Array): void;
  resize(columns: number, rows: number): void;
  /** No more output for now. */
  pause(): void;
  resume(): void;
  /** What was written and is not sent yet. */
  readonly waitingBytes: number;
  close(): void;
}

/**
 * One API server with one identity. Errors are DriftlessErrors: NOT_FOUND, ALREADY_EXISTS, CONFLICT, RESOURCE_EXPIRED,
 * KUBERNETES_REFUSED (400, 422, 500 …), PERMISSION_DENIED (401, 403), TOO_MANY_REQUESTS, CLUSTER_UNREACHABLE, CANCELLED;
 * `details.status` and `details.reason` are the server's, the message is as it wrote it.
 */
export interface KubeClient {
  readonly name: string;
  readonly server: string;
  version(op: Operation): Promise<ServerVersion>;
  readonly discovery: Discovery;
  readonly schemas: Schemas;
  /** undefined: not found. */
  get(op: Operation, type: ResourcePath, ref: ObjectRef, options?: GetOptions): Promise<KubernetesObject | undefined>;
  /** All pages. */
  list(op: Operation, type: ResourcePath, options?: ListOptions): Promise<ListResult>;
  /** Ends when the server ends it; throws RESOURCE_EXPIRED where the resourceVersion is too old. */
  watch(op: Operation, type: ResourcePath, options: WatchOptions): AsyncIterable<WatchEvent>;
  create(
    op: Operation,
    type: ResourcePath,
    object: KubernetesObject,
    options?: WriteOptions & { readonly subresource?: string },
  ): Promise<KubernetesObject>;
  replace(
    op: Operation,
    type: ResourcePath,
    object: KubernetesObject,
    options?: WriteOptions & { readonly subresource?: string },
  ): Promise<KubernetesObject>;
  patch(
    op: Operation,
    type: ResourcePath,
    ref: ObjectRef,
    patch: { readonly type: PatchType; readonly body: unknown },
    options?: WriteOptions & { readonly force?: boolean; readonly subresource?: string },
  ): Promise<KubernetesObject>;
  /** An object that is not there is no error. */
  delete(op: Operation, type: ResourcePath, ref: ObjectRef, options?: DeleteOptions): Promise<void>;
  /** Any other path of the API server (logs, /readyz, a subresource of its own): the answer's body as text. */
  raw(op: Operation, request: { method: "GET" | "POST" | "PUT"; path: string; body?: string }): Promise<string>;
  /** The answer's lines as they come, those at hand together, until the server ends it: pods' logs. Silence is no end. */
  lines(op: Operation, path: string): AsyncIterable<readonly string[]>;
  /** Starts a process in a container, with its terminal; the operation's end is the process's connection's. */
  exec(op: Operation, request: ExecRequest, handlers: ExecHandlers): Promise<ExecSession>;
  /** The same server and connections, each request sent as another user (`Impersonate-User`). */
  impersonating(user: string): ObjectClient;
  close(): Promise<void>;
}

/** What of a client reads and writes objects. */
export type ObjectClient = Pick<
  KubeClient,
  "name" | "server" | "discovery" | "schemas" | "get" | "list" | "create" | "replace" | "patch" | "delete"
>;
