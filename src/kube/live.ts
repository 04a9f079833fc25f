// What the live cache of a cluster offers: types only, so that those who use it need not load what fills it.
import type { DriftlessError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import type { Clock, Random } from "#base/ports.ts";
import type { GroupKind, KubernetesObject, ObjectKey, ObjectMeta } from "#model/object.ts";
import type { ResourceType } from "./types.ts";

export interface LiveOwner {
  readonly uid: string;
  readonly kind: string;
  readonly name: string;
  readonly controller?: boolean;
}

export interface LiveFact {
  readonly name: string;
  readonly value: string;
}

/** One object of the cluster. A new entry for each change; an entry itself never changes. */
export interface LiveEntry {
  readonly key: ObjectKey;
  readonly version: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly owners: readonly LiveOwner[];
  /** What `options.tagOf` returned: the application that tracking names. */
  readonly tag?: string;
  readonly createdAt?: string;
  readonly deleting?: boolean;
  /** Whole, without managedFields (but see `keepAppliedBy` and `keepFieldsOf`): for objects of managed kinds that are tagged or that no controller owns. */
  readonly object?: KubernetesObject;
  /** What `options.describe` returned. */
  readonly info?: readonly LiveFact[];
}

export interface LiveChange {
  readonly before?: LiveEntry;
  readonly after?: LiveEntry;
}

export interface LiveProblem {
  readonly type: ResourceType;
  readonly error: DriftlessError;
}

export interface LiveCache {
  /** Returns when every listable kind is listed, or has failed (see `problems`). Throws where discovery itself fails. */
  start(op: Operation): Promise<void>;
  /** Whether `start` has returned. */
  readonly synced: boolean;
  /** Full objects from now on for these kinds; returns when they are listed. Unknown kinds are taken when they appear. */
  manage(kinds: Iterable<GroupKind>): Promise<void>;
  /** From now on objects of a kind keep what these field managers own; returns when they are listed so. */
  keepFieldsOf(kind: GroupKind, managers: readonly string[]): Promise<void>;
  get(key: ObjectKey): LiveEntry | undefined;
  tagged(tag: string): Iterable<LiveEntry>;
  children(uid: string): Iterable<LiveEntry>;
  inNamespace(namespace: string): Iterable<LiveEntry>;
  entries(): Iterable<LiveEntry>;
  readonly size: number;
  /** Takes an object as a write of ours got it back: known at once, unless something newer is known already. */
  observe(object: KubernetesObject): void;
  /** Called for each change, in order, also while kinds are listed. Listeners must be quick and must not throw. */
  subscribe(listener: (change: LiveChange) => void): () => void;
  /** Called when kinds appeared or disappeared. */
  subscribeTypes(listener: () => void): () => void;
  /**
   * The options' `include`, `describe` or `respectRbac` may answer otherwise now: watches are started, stopped or widened to
   * match; kinds of which `stale` says that their facts are others now are read again.
   */
  reconsider(stale: (kind: GroupKind) => boolean): void;
  types(): readonly ResourceType[];
  problems(): readonly LiveProblem[];
  stop(): Promise<void>;
}

export interface LiveCacheOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Which application an object is tracked by. Called with every object's metadata. */
  readonly tagOf: (meta: ObjectMeta, key: ObjectKey) => string | undefined;
  /** Of managedFields, the entries of this manager's server-side applies are kept: comparing needs them. */
  readonly keepAppliedBy?: string;
  /** Which kinds to watch at all; `defaultInclude` unless told. */
  readonly include?: (type: ResourceType) => boolean;
  /** Kinds of which small facts are kept: they are read in full, but not kept so. */
  readonly describe?: {
    readonly covers: (kind: GroupKind) => boolean;
    /** `kept`: the object itself is kept too. */
    readonly of: (object: KubernetesObject, kept: boolean) => readonly LiveFact[] | undefined;
    /** Of objects of which only metadata is read. */
    readonly ofMeta?: (meta: ObjectMeta) => readonly LiveFact[] | undefined;
  };
  /**
   * Kinds that may not be listed are no problem, but left out: all of them, or (strict) those for which an access review
   * says that listing is not allowed. Off unless told.
   */
  readonly respectRbac?: () => "off" | "normal" | "strict";
  /** Only these namespaces, and cluster-scoped kinds only where `clusterResources` is set. */
  readonly namespaces?: readonly string[];
  readonly clusterResources?: boolean;
  /** Kinds listed at once at the start; 8 unless told. */
  readonly parallelLists?: number;
}

/**
 * Kinds that change often and say nothing of what is deployed. Follows Argo CD's default resource.exclusions
 * ("Declarative Setup", Resource Exclusion), except that Endpoints and EndpointSlices are kept for the tree, as metadata.
 */
export function defaultInclude(type: GroupKind): boolean {
  switch (type.group) {
    case "events.k8s.io":
    case "metrics.k8s.io":
    case "custom.metrics.k8s.io":
    case "external.metrics.k8s.io":
    case "authentication.k8s.io":
    case "authorization.k8s.io":
    case "coordination.k8s.io":
    case "wgpolicyk8s.io":
      return false;
    case "":
      return type.kind !== "Event" && type.kind !== "Binding" && type.kind !== "ComponentStatus";
    case "certificates.k8s.io":
      return type.kind !== "CertificateSigningRequest";
    case "kyverno.io":
      return !/^(Cluster)?(AdmissionReport|BackgroundScanReport|EphemeralReport)$/.test(type.kind);
    case "reports.kyverno.io":
      return false;
    case "cilium.io":
      return !["CiliumIdentity", "CiliumEndpoint", "CiliumEndpointSlice"].includes(type.kind);
    default:
      return true;
  }
}
