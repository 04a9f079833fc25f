// Every service of the API with what implements it: the one list that transports are given.
import type { Operation } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import type { ApplicationController } from "#controllers/application/controller.ts";
import type { Clusters } from "#kube/clusters.ts";
import type { KubeClient } from "#kube/types.ts";
import type { AppProject, Application } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { ConfigData, Settings } from "#model/settings.ts";
import type { Informer } from "#runtime/informer.ts";
import type { Metrics } from "#runtime/metrics.ts";
import { accountApi } from "./account/api.ts";
import type { ApplicationAccess } from "./application/access.ts";
import type { ActionMeans } from "./application/resources/action-means.ts";
import { applicationApi } from "./application/api.ts";
import { applicationSetApi } from "./applicationset/api.ts";
import { certificateApi } from "./certificate/api.ts";
import type { ApplicationService } from "./application/service.ts";
import { requireSource } from "./application/source-access.ts";
import type { Rbac } from "./auth/rbac.ts";
import { sessionService } from "./auth/service.ts";
import type { Sessions } from "./auth/sessions.ts";
import { clusterApi } from "./cluster/api.ts";
import { clustersOfProject } from "./cluster/secrets.ts";
import { gpgKeyApi } from "./gpgkey/api.ts";
import { linksOf } from "./links.ts";
import { notificationApi } from "./notification/api.ts";
import { projectApi } from "./project/api.ts";
import { repositoryApi, type RepositoryProbe, type SourceAsked } from "./repository/api.ts";
import { repoCredsApi } from "./repository/creds-api.ts";
import { shownFields, shownUrl, type RepositoryFields } from "./repository/secrets.ts";
import { RepositoryStore } from "./repository/store.ts";
import type { BoundService, Call } from "./rpc/service.ts";
import { settingsApi } from "./settings/api.ts";
import { versionService } from "./version/service.ts";

export interface ApiDeps {
  readonly control: KubeClient;
  readonly namespace: string;
  readonly clock: Clock;
  readonly version: string;
  readonly applications: Informer<Application>;
  readonly projects: Informer<AppProject>;
  readonly applicationSets: Informer<KubernetesObject>;
  /** Secrets that describe clusters and repositories. */
  readonly secrets: Informer<KubernetesObject>;
  readonly clusters: Clusters;
  readonly probe: RepositoryProbe;
  /** Names of the config management plugins that are there now. */
  plugins(op: Operation): Promise<readonly string[]>;
  /** What a template would lend a repository. */
  inherited(url: string): RepositoryFields | undefined;
  readonly controller: ApplicationController;
  readonly actions: ActionMeans;
  /** What would hold if a project was written so. */
  outlook(project: AppProject): AppProject;
  readonly sessions: Sessions;
  readonly metrics: Metrics;
  readonly rbac: Rbac;
  readonly access: ApplicationAccess;
  settings(): Settings;
  /** Data of a ConfigMap of the installation. */
  config(name: string): ConfigData | undefined;
  normaliseUrl(url: string): string;
  randomBytes(count: number): Uint8Array;
}

export function apiServices(deps: ApiDeps, application: ApplicationService): readonly BoundService[] {
  const repositories = new RepositoryStore(deps);
  const shared = {
    ...deps,
    repositories,
    randomId: () => Buffer.from(deps.randomBytes(16)).toString("hex"),
    sources: () => deps.controller.sources,
    lostBy: (change: Parameters<ApplicationController["lostBy"]>[0]) => deps.controller.lostBy(change),
    requireSource: (call: Call, asked: SourceAsked) =>
      requireSource(
        { ...deps, queries: application.queries, project: (name) => deps.actions.project(name) },
        call,
        asked,
      ),
    links: (op: Operation, project: AppProject) =>
      linksOf(
        op,
        deps.actions.evaluators,
        { key: "project.links", text: deps.config("argocd-cm")?.["project.links"] },
        { project },
      ),
    ofProject: (project: string) => ({
      repositories: repositories
        .list("repository")
        .filter(({ fields }) => fields["project"] === project)
        .map(({ fields }) => ({ repo: shownUrl(fields.url), ...shownFields(fields) })),
      clusters: clustersOfProject(deps.clusters, project),
    }),
  };
  return [
    accountApi(shared),
    applicationApi(deps, application),
    applicationSetApi(deps),
    certificateApi(deps),
    clusterApi(shared),
    gpgKeyApi(deps),
    notificationApi(deps),
    projectApi(shared),
    repositoryApi(shared),
    repoCredsApi(shared),
    sessionService(deps),
    settingsApi({ ...deps, config: () => deps.config("argocd-cm") ?? {} }),
    versionService(deps.version),
  ];
}
