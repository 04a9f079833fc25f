// What `admin` commands need of the rest of the program, where the answer has to be the server's: types only. src/main makes
// it, and loads what each part needs when it is first asked for.
import type { RuleSet } from "#core/policy/rbac.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { Cluster, Repository } from "./services.ts";
import type { AppProject } from "#model/application.ts";
import type { ConfigData } from "#model/settings.ts";

export interface AdminMeans {
  policies(): Promise<AdminPolicies>;
  secrets(): Promise<AdminSecrets>;
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
