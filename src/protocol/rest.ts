// Wire shapes of the REST API that server and page share: types only. Names and fields follow Argo CD's API.
import type { Application, HealthStatus } from "#model/application.ts";

export interface ApplicationList {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly Application[];
}

/** A part of the list, with how many there are in all, and how many of each value. */
export interface ApplicationPage extends ApplicationList {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly total?: number;
    readonly counts?: Readonly<Partial<Record<string, Readonly<Record<string, number>>>>>;
  };
}

/** One event of `/api/v1/stream/applications`. */
export interface ApplicationEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly application: Application;
}

export interface ResourceRef {
  readonly group?: string;
  readonly version: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly uid?: string;
}

export interface ResourceNode extends ResourceRef {
  readonly parentRefs?: readonly ResourceRef[];
  readonly info?: readonly { readonly name: string; readonly value: string }[];
  readonly networkingInfo?: NetworkingInfo;
  readonly resourceVersion?: string;
  readonly images?: readonly string[];
  readonly health?: HealthStatus;
  readonly createdAt?: string;
}

/** Whom an object sends to, and where it answers. */
export interface NetworkingInfo {
  readonly targetLabels?: Readonly<Record<string, string>>;
  readonly targetRefs?: readonly Omit<ResourceRef, "version">[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly ingress?: readonly { readonly hostname?: string; readonly ip?: string }[];
  /** URLs, or `title|URL`. */
  readonly externalURLs?: readonly string[];
}

/** A node, and what is asked of it; in thousandths of cores and bytes. */
export interface HostResourceInfo {
  readonly resourceName: string;
  readonly requestedByApp?: number;
  readonly requestedByNeighbors?: number;
  readonly capacity?: number;
}

export interface HostInfo {
  readonly name: string;
  readonly resourcesInfo?: readonly HostResourceInfo[];
  /** Core/v1 NodeSystemInfo. */
  readonly systemInfo?: Readonly<Record<string, unknown>>;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface ApplicationTree {
  readonly nodes?: readonly ResourceNode[];
  /** Objects in the application's namespace that no application manages, where its project asks for them. */
  readonly orphanedNodes?: readonly ResourceNode[];
  /** The nodes that the application's pods run on. */
  readonly hosts?: readonly HostInfo[];
}

/** One object's states, each as JSON text; `"null"` where there is none. Secrets are masked. */
export interface ManagedResource {
  readonly group?: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly targetState?: string;
  readonly liveState?: string;
  readonly normalizedLiveState?: string;
  readonly predictedLiveState?: string;
  readonly resourceVersion?: string;
  readonly modified?: boolean;
  readonly hook?: boolean;
}

/** What the page shows of a core/v1 Event. */
export interface KubernetesEvent {
  readonly metadata: { readonly uid?: string; readonly name?: string; readonly creationTimestamp?: string };
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number;
  readonly firstTimestamp?: string | null;
  readonly lastTimestamp?: string | null;
  readonly eventTime?: string | null;
}

export interface RevisionMetadata {
  readonly author?: string;
  readonly date?: string;
  readonly message?: string;
  readonly tags?: readonly string[];
  /** What is known of the revision's signature, where the project asks for one. */
  readonly signatureInfo?: string;
}

export interface UserInfo {
  readonly loggedIn?: boolean;
  readonly username?: string;
  readonly iss?: string;
  readonly groups?: readonly string[];
}

/** Every error's body. `code` is gRPC's. */
export interface ErrorBody {
  readonly code?: number;
  readonly message?: string;
  readonly error?: string;
}

/** Something that a sync, its start, or a deletion waits for. */
export interface WaitingFor {
  readonly group?: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly for: WaitReason;
  /** `1 pod running for 40 s`, `1 of 3 updated replicas available`. */
  readonly reason: string;
  /** When the object that is waited for was made, or the wait began. */
  readonly since?: string;
}

export type WaitReason =
  | "health"
  | "hook"
  | "deletion"
  | "definition"
  | "confirmation"
  | "delay"
  | "retry"
  | "dependency"
  | "window";

export type PlanAction = "create" | "configure" | "unchanged" | "replace" | "skip" | "prune" | "keep" | "hook";

/** One step of a sync, in the order of execution. */
export interface PlanStep {
  readonly group?: string;
  readonly version: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly action: PlanAction;
  /** Why it is kept or skipped, or what the action needs first. */
  readonly note?: string;
  readonly hookType?: string;
  readonly deletePolicies?: readonly string[];
  /** Where live and desired differ, as JSON pointers. */
  readonly fields?: readonly string[];
  /** While a sync runs, or after it: what came of the step. */
  readonly result?: { readonly status?: string; readonly phase?: string; readonly message?: string };
}

export interface PlanWave {
  readonly wave: number;
  readonly steps: readonly PlanStep[];
}

export interface PlanPhase {
  readonly phase: string;
  readonly waves: readonly PlanWave[];
}

/** What a plan is asked for. */
export interface SyncPlanRequest {
  readonly revision?: string;
  readonly revisions?: readonly string[];
  readonly prune?: boolean;
  /** `GROUP:KIND:NAME` or `GROUP:KIND:NAMESPACE/NAME`. */
  readonly resources?: readonly string[];
  readonly syncOptions?: readonly string[];
  /** `apply` leaves hooks out. */
  readonly strategy?: string;
}

/** Answer of `/api/v1/applications/:name/plan`. */
export interface SyncPlanAnswer {
  readonly revisions: readonly string[];
  /** Whether this is the plan of the sync that runs now. */
  readonly running: boolean;
  /** Why a sync would be refused; the steps at fault carry the reason as their result. */
  readonly refused?: string;
  readonly warnings?: readonly string[];
  readonly phases: readonly PlanPhase[];
  /** What the sync that runs waits for, or what its start would wait for. */
  readonly waitingFor: readonly WaitingFor[];
}

/** A manager's last write of what it owns. */
export interface FieldWriter {
  readonly manager: string;
  readonly operation: string;
  readonly apiVersion: string;
  readonly subresource?: string;
  readonly time?: string;
}

/** A field that differs, and who set it. Values of Secrets are masked. */
export interface FieldDrift {
  /** A JSON pointer; "" is the whole object. */
  readonly path: string;
  /** `set`: the writers own it. `absent`: it is not live; the writer is who wrote to the object last. `unowned`. */
  readonly state: string;
  /** Absent where the field would be removed. */
  readonly desired?: unknown;
  readonly live?: unknown;
  readonly writers: readonly FieldWriter[];
  /** The writers in a sentence. */
  readonly who: string;
}

export interface ObjectDrift {
  readonly group?: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  /** `OutOfSync` or `Unknown`. */
  readonly status: string;
  /** Why it could not be compared, or its writers not be read. */
  readonly error?: string;
  readonly fields: readonly FieldDrift[];
}

/** Answer of `/api/v1/applications/:name/drift`. */
export interface DriftAnswer {
  readonly items: readonly ObjectDrift[];
}

export interface SyncWindowView {
  readonly kind: string;
  readonly schedule: string;
  readonly duration: string;
  readonly manualSync?: boolean;
}

/** Answer of `/api/v1/applications/:name/syncwindows`; `state` and `nextChange` are ours. */
export interface SyncWindowsAnswer {
  readonly activeWindows: readonly SyncWindowView[];
  readonly assignedWindows: readonly SyncWindowView[];
  /** Whether a person may sync. */
  readonly canSync: boolean;
  readonly state: "Sync Allowed" | "Manual Allowed" | "Sync Denied";
  readonly nextChange?: { readonly at: string; readonly state: string };
}

/** Answer of `/api/v1/applications/:name/waiting`. */
export interface WaitingAnswer {
  readonly waitingFor: readonly WaitingFor[];
  /** What the application depends on, with why it is not ready where it is not. */
  readonly dependsOn?: readonly { readonly application: string; readonly why?: string }[];
  /** Who depends on it. */
  readonly dependents?: readonly string[];
}
