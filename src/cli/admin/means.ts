// What `admin` commands need of the rest of the program, where the answer has to be the server's: types only. src/main makes
// it, and loads what each part needs when it is first asked for.
import type { Operation } from "#base/operation.ts";
import type { ActionInfo, Change } from "#core/actions/actions.ts";
import type { RuleSet } from "#core/policy/rbac.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { Cluster, Repository } from "../server/services.ts";
import type { AppProject, ApplicationStatus, HealthStatus } from "#model/application.ts";
import type { ConfigData, Settings } from "#model/settings.ts";

export interface AdminMeans {
  policies(): Promise<AdminPolicies>;
  secrets(): Promise<AdminSecrets>;
  /** Reconciles applications, `NAMESPACE/NAME`, in this process; tells of each before it is its turn. Writes nothing. */
  reconciled(
    keys: readonly string[],
    tell: (key: string) => void,
  ): Promise<ReadonlyMap<string, ApplicationStatus | undefined>>;
  /** The page and the API, in this process, from the cluster of the kubeconfig. Errors: PORT_IN_USE, CONFIG_INVALID. */
  dashboard(listen: {
    readonly host: string;
    readonly port: number;
  }): Promise<{ readonly link: string; stop(): Promise<void> }>;
  /** Whoever asks for it closes it. */
  overrides(settings: Settings): Promise<AdminOverrides>;
}

/** How the server reads RBAC policies. */
export interface AdminPolicies {
  /** Rules and grants of policy lines. Error: CONFIG_INVALID with the line. */
  readonly readPolicy: (text: string) => RuleSet;
  /** The policy lines of `argocd-rbac-cm`: `policy.csv` and every other `policy.NAME.csv`. */
  readonly configuredPolicy: (config: ConfigData) => string;
  /** The policy lines that a project's roles amount to. */
  readonly projectPolicy: (project: AppProject) => string;
}

/** How the server keeps repositories and clusters. */
export interface AdminSecrets {
  /** Error: INVALID_ARGUMENT with the field. */
  readonly repositorySecret: (
    kind: "repository",
    repository: Repository,
    at: { readonly namespace: string },
  ) => KubernetesObject;
  /** Error: INVALID_ARGUMENT. */
  readonly clusterSecret: (cluster: Cluster, namespace: string, known?: KubernetesObject) => KubernetesObject;
}

/** What settings make of one object, as the server does it. Errors of scripts: RENDER_FAILED, ENGINE_MISSING. */
export interface AdminOverrides {
  /** What is wrong with them, beyond what reading the settings found. */
  problems(): readonly string[];
  /** undefined: objects of the kind have no health. */
  health(op: Operation, object: KubernetesObject): Promise<HealthStatus | undefined>;
  /** The object without what comparing leaves out. */
  withoutDifferences(op: Operation, object: KubernetesObject): Promise<KubernetesObject>;
  /** The object without what wakes nobody when it changes. */
  withoutUpdates(op: Operation, object: KubernetesObject): Promise<KubernetesObject>;
  actions(op: Operation, object: KubernetesObject): Promise<readonly ActionInfo[]>;
  run(
    op: Operation,
    object: KubernetesObject,
    request: { readonly action: string; readonly params: Readonly<Record<string, string>> },
  ): Promise<readonly Change[]>;
  close(): Promise<void>;
}
