// Argo CD's Application and AppProject, argoproj.io/v1alpha1, as users write them and as we write their status.
// Source: Argo CD's "Application Specification Reference" and "Project Specification Reference".
import type { JsonObject } from "#base/json.ts";
import type { KubernetesObject } from "./object.ts";

export interface NameValue {
  readonly name: string;
  readonly value: string;
}

export interface DirectorySource {
  readonly recurse?: boolean;
  readonly include?: string;
  readonly exclude?: string;
  readonly disableExtensionFilter?: boolean;
  readonly jsonnet?: {
    readonly extVars?: readonly { name: string; value: string; code?: boolean }[];
    readonly tlas?: readonly { name: string; value: string; code?: boolean }[];
    readonly libs?: readonly string[];
  };
}

export interface ApplicationSource {
  readonly repoURL: string;
  readonly path?: string;
  readonly targetRevision?: string;
  readonly chart?: string;
  readonly ref?: string;
  readonly name?: string;
  readonly tagPrefix?: string;
  readonly directory?: DirectorySource;
  readonly helm?: JsonObject;
  readonly kustomize?: JsonObject;
  readonly plugin?: JsonObject;
}

export interface ApplicationDestination {
  readonly server?: string;
  readonly name?: string;
  readonly namespace?: string;
}

export interface RetryStrategy {
  readonly limit?: number;
  readonly backoff?: { readonly duration?: string; readonly factor?: number; readonly maxDuration?: string };
  readonly refresh?: boolean;
}

export interface SyncPolicy {
  readonly automated?: {
    readonly prune?: boolean;
    readonly selfHeal?: boolean;
    readonly allowEmpty?: boolean;
    readonly enabled?: boolean;
  };
  readonly syncOptions?: readonly string[];
  readonly retry?: RetryStrategy;
  readonly managedNamespaceMetadata?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

export interface IgnoreDifference {
  readonly group?: string;
  readonly kind: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly jsonPointers?: readonly string[];
  readonly jqPathExpressions?: readonly string[];
  readonly managedFieldsManagers?: readonly string[];
}

export interface ApplicationSpec {
  readonly project: string;
  readonly source?: ApplicationSource;
  readonly sources?: readonly ApplicationSource[];
  readonly destination: ApplicationDestination;
  readonly syncPolicy?: SyncPolicy;
  readonly ignoreDifferences?: readonly IgnoreDifference[];
  readonly info?: readonly NameValue[];
  readonly revisionHistoryLimit?: number;
  readonly sourceHydrator?: JsonObject;
}

export type SyncStatusCode = "Synced" | "OutOfSync" | "Unknown";
export type HealthStatusCode = "Healthy" | "Progressing" | "Degraded" | "Suspended" | "Missing" | "Unknown";
export type OperationPhase = "Running" | "Terminating" | "Failed" | "Error" | "Succeeded";
export type SyncPhase = "PreSync" | "Sync" | "PostSync" | "SyncFail" | "PreDelete" | "PostDelete";
export type HookType = SyncPhase | "Skip";
export type ResultCode = "Synced" | "SyncFailed" | "Pruned" | "PruneSkipped";

export interface HealthStatus {
  readonly status: HealthStatusCode;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

/** Names objects of a selective sync; each part may be `*`. */
export interface SyncResourceRef {
  readonly group?: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
  /** Everything but these. */
  readonly exclude?: boolean;
}

export interface SyncOperation {
  readonly revision?: string;
  readonly revisions?: readonly string[];
  readonly prune?: boolean;
  readonly dryRun?: boolean;
  readonly syncStrategy?: {
    readonly apply?: { readonly force?: boolean };
    readonly hook?: { readonly force?: boolean };
  };
  readonly resources?: readonly SyncResourceRef[];
  readonly source?: ApplicationSource;
  readonly sources?: readonly ApplicationSource[];
  readonly manifests?: readonly string[];
  readonly syncOptions?: readonly string[];
  readonly autoHealAttemptsCount?: number;
}

export interface Operation {
  readonly sync?: SyncOperation;
  readonly initiatedBy?: { readonly username?: string; readonly automated?: boolean };
  readonly info?: readonly NameValue[];
  readonly retry?: RetryStrategy;
}

export interface ResourceResult {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly status?: ResultCode;
  readonly message?: string;
  readonly hookType?: HookType;
  readonly hookPhase?: OperationPhase;
  readonly syncPhase?: SyncPhase;
  readonly images?: readonly string[];
}

export interface SyncOperationResult {
  readonly revision: string;
  readonly revisions?: readonly string[];
  readonly source?: ApplicationSource;
  readonly sources?: readonly ApplicationSource[];
  readonly resources?: readonly ResourceResult[];
  readonly managedNamespaceMetadata?: JsonObject;
}

export interface OperationState {
  readonly operation: Operation;
  readonly phase: OperationPhase;
  readonly message?: string;
  readonly startedAt: string;
  readonly finishedAt?: string;
  readonly retryCount?: number;
  readonly syncResult?: SyncOperationResult;
}

export interface ResourceStatus {
  readonly group?: string;
  readonly version?: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly status?: SyncStatusCode;
  readonly health?: HealthStatus;
  readonly hook?: boolean;
  readonly requiresPruning?: boolean;
  readonly requiresDeletionConfirmation?: boolean;
  readonly syncWave?: number;
}

export type ConditionType =
  | "ComparisonError"
  | "DeletionError"
  | "DependencyError"
  | "DependencyWarning"
  | "ExcludedResourceWarning"
  | "FieldFightWarning"
  | "InvalidSpecError"
  | "OrphanedResourceWarning"
  | "RepeatedResourceWarning"
  | "SharedResourceWarning"
  | "SyncError"
  | "UnknownError"
  | "WaitingForDependencies";

export interface ApplicationCondition {
  readonly type: ConditionType;
  readonly message: string;
  readonly lastTransitionTime?: string;
}

export interface RevisionHistory {
  readonly id: number;
  readonly revision?: string;
  readonly revisions?: readonly string[];
  readonly deployedAt: string;
  readonly deployStartedAt?: string;
  readonly source?: ApplicationSource;
  readonly sources?: readonly ApplicationSource[];
  readonly initiatedBy?: { readonly username?: string; readonly automated?: boolean };
}

export interface ComparedTo {
  readonly source?: ApplicationSource;
  readonly sources?: readonly ApplicationSource[];
  readonly destination: ApplicationDestination;
  readonly ignoreDifferences?: readonly IgnoreDifference[];
}

export interface ApplicationStatus {
  readonly sync?: {
    readonly status: SyncStatusCode;
    readonly revision?: string;
    readonly revisions?: readonly string[];
    readonly comparedTo?: ComparedTo;
  };
  readonly health?: HealthStatus;
  readonly resources?: readonly ResourceStatus[];
  readonly conditions?: readonly ApplicationCondition[];
  readonly operationState?: OperationState;
  readonly history?: readonly RevisionHistory[];
  readonly summary?: {
    readonly images?: readonly string[];
    readonly externalURLs?: readonly string[];
    readonly isAppOfApps?: boolean;
  };
  readonly reconciledAt?: string;
  readonly observedAt?: string;
  readonly sourceType?: SourceType;
  readonly sourceTypes?: readonly SourceType[];
  readonly resourceHealthSource?: string;
  readonly controllerNamespace?: string;
}

export type SourceType = "Directory" | "Helm" | "Kustomize" | "Plugin";

export interface Application extends KubernetesObject {
  readonly spec: ApplicationSpec;
  readonly operation?: Operation;
  readonly status?: ApplicationStatus;
}

export interface ResourceMatch {
  readonly group: string;
  readonly kind: string;
  readonly name?: string;
}

export interface AppProjectSpec {
  readonly description?: string;
  readonly sourceRepos?: readonly string[];
  readonly sourceNamespaces?: readonly string[];
  readonly destinations?: readonly ApplicationDestination[];
  readonly clusterResourceWhitelist?: readonly ResourceMatch[];
  readonly clusterResourceBlacklist?: readonly ResourceMatch[];
  readonly namespaceResourceWhitelist?: readonly ResourceMatch[];
  readonly namespaceResourceBlacklist?: readonly ResourceMatch[];
  readonly orphanedResources?: {
    readonly warn?: boolean;
    readonly ignore?: readonly { group?: string; kind?: string; name?: string }[];
  };
  readonly syncWindows?: readonly JsonObject[];
  readonly roles?: readonly JsonObject[];
  readonly signatureKeys?: readonly { keyID: string }[];
  readonly sourceIntegrity?: {
    readonly git?: {
      readonly policies?: readonly {
        readonly repos?: readonly { url: string }[];
        readonly gpg?: { readonly mode?: string; readonly keys?: readonly string[] };
      }[];
    };
  };
  readonly destinationServiceAccounts?: readonly {
    server?: string;
    namespace?: string;
    defaultServiceAccount: string;
  }[];
  readonly permitOnlyProjectScopedClusters?: boolean;
}

export interface AppProject extends KubernetesObject {
  readonly spec: AppProjectSpec;
}

/** The sources of an application, whichever of `source` and `sources` it uses. */
export function sourcesOf(spec: ApplicationSpec): readonly ApplicationSource[] {
  return spec.sources && spec.sources.length > 0 ? spec.sources : spec.source ? [spec.source] : [];
}
