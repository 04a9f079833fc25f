// Puts the system together for one control cluster: settings, repositories, clusters, the application controller, the
// API. Used by `driftless up`, by end-to-end tests and by benches. The only place, with its neighbours, that wires ports.
import { randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { toError } from "#base/errors.ts";
import { sameJson } from "#base/json.ts";
import type { Operation } from "#base/operation.ts";
import { clusterDirectory } from "#controllers/application/clusters.ts";
import { ApplicationController } from "#controllers/application/controller.ts";
import { applicationMetrics } from "#controllers/application/status/metrics.ts";
import { createNeighbours } from "#controllers/application/desired/neighbours.ts";
import { createSignatureGate } from "#controllers/application/desired/signatures.ts";
import { createArtifacts } from "#controllers/application/desired/artifacts.ts";
import { Sources } from "#controllers/application/desired/sources.ts";
import { CustomHealth } from "#controllers/application/tree/custom-health.ts";
import { describeObjects } from "#controllers/application/tree/facts.ts";
import { ownerApplication } from "#core/track/track.ts";
import { releaseProjects } from "#controllers/project/finalizers.ts";
import { Projects } from "#controllers/project/projects.ts";
import { followedNamespaces, isApplicationNamespace } from "#core/policy/project.ts";
import { createPoller, type Poller } from "#git/poller.ts";
import { createGitRepositories } from "#git/repository.ts";
import { createUrlFiles } from "#git/url-files.ts";
import { normalizeUrl, sameRepository } from "#git/urls.ts";
import type { GitRepositories } from "#git/types.ts";
import { parseWebhook } from "#git/webhook.ts";
import { Clusters, isClusterSecret } from "#kube/clusters.ts";
import type { KubeClient, ResourcePath } from "#kube/types.ts";
import type { AppProject, Application } from "#model/application.ts";
import { group, label, version } from "#model/names.ts";
import type { GroupKind, KubernetesObject } from "#model/object.ts";
import type { Settings } from "#model/settings.ts";
import { createRegistries } from "#registry/registries.ts";
import { findEngine } from "#render/engine/binary.ts";
import { createEvaluators } from "#render/engine/evaluate.ts";
import { createEnginePool } from "#render/engine/pool.ts";
import { Informer } from "#runtime/informer.ts";
import { createMetrics, type Metrics } from "#runtime/metrics.ts";
import { systemClock, systemRandom } from "#runtime/system.ts";
import { startServer, type RunningServer } from "#server/server.ts";
import { bootstrap } from "./bootstrap.ts";
import { Configuration } from "./configuration.ts";
import { eventRecorders } from "./events.ts";
import { createRepositoryProbe, lentFields } from "./repository-probe.ts";
import { serverTls } from "./server-tls.ts";
import { pluginsOf, rendererFor, type RenderingFlags } from "./rendering.ts";
import { excludedBy, reconsiderOnChange } from "./live-kinds.ts";

export interface SystemOptions {
  /** The cluster on which Applications stand; also the destination https://kubernetes.default.svc. */
  readonly control: KubeClient;
  readonly namespace: string;
  /** Mirrors and caches stand here. */
  readonly dataDir: string;
  readonly git: { readonly path: string; readonly env: Readonly<Record<string, string>> };
  readonly listen: { readonly host: string; readonly port: number };
  /** Where metrics are answered without a login. */
  readonly listenForMetrics?: { readonly host: string; readonly port: number };
  /** Whether TLS is spoken; undefined: as `server.insecure` says, else everywhere but on loopback. */
  readonly tls?: boolean;
  /** Folder of the built page; the API alone is served without it. */
  readonly uiDir?: string;
  readonly version: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /**
   * With it, nothing is run but the API, for one caller, who has this token and all rights: nothing is set up, synced or
   * written to a status, and applications are looked at when they are asked for.
   */
  readonly caller?: { readonly token: string };
  /** How sources are rendered, where it is not as usual. */
  readonly rendering?: RenderingFlags;
  /** Reasons of the Kubernetes Events that are written, as `--enable-k8s-event` takes them. */
  readonly events?: string;
}

export interface System {
  readonly server: RunningServer;
  readonly controller: ApplicationController;
  readonly applications: Informer<Application>;
  readonly metrics: Metrics;
  /** The generated admin password, where it has not been removed. */
  initialPassword(op: Operation): Promise<string | undefined>;
  /** Tells that a repository was pushed to; resolves when what changed is being worked on. */
  pushed(url: string, refs: readonly { readonly ref: string; readonly after?: string }[]): Promise<void>;
  stop(): Promise<void>;
}

const configMapType: ResourcePath = { group: "", version: "v1", plural: "configmaps", namespaced: true };
const secretType: ResourcePath = { group: "", version: "v1", plural: "secrets", namespaced: true };
const custom = (plural: string): ResourcePath => ({ group, version, plural, namespaced: true });

/** Starts everything; returns when applications are being worked on and the API answers. */
export async function startSystem(op: Operation, options: SystemOptions): Promise<System> {
  const { control, namespace } = options;
  const stopping = new AbortController();
  const life: Operation = { signal: AbortSignal.any([op.signal, stopping.signal]), log: op.log };
  if (!options.caller) await bootstrap(life, control, namespace);
  const ports = { clock: systemClock, random: systemRandom };
  const informer = <T extends KubernetesObject>(type: ResourcePath, labelSelector?: string): Informer<T> =>
    new Informer<T>({
      client: control,
      type,
      namespace,
      ...ports,
      op: life,
      ...(labelSelector ? { labelSelector } : {}),
    });
  let followed = (): readonly string[] | undefined => [namespace];
  const counts = ({ metadata }: KubernetesObject): boolean =>
    isApplicationNamespace(configuration.settings.applicationNamespaces, metadata.namespace ?? "", namespace);
  const configMaps = informer(configMapType, "app.kubernetes.io/part-of=argocd");
  const secrets = informer(secretType, label.secretType);
  const applications = new Informer<Application>({
    client: control,
    type: custom("applications"),
    ...ports,
    op: life,
    namespaces: () => followed(),
    include: counts,
  });
  const projects = informer<AppProject>(custom("appprojects"));
  const applicationSets = informer(custom("applicationsets"));
  const ownSecrets = informer(secretType, "app.kubernetes.io/part-of=argocd");
  await Promise.all([
    configMaps.start(),
    secrets.start(),
    ownSecrets.start(),
    projects.start(),
    applicationSets.start(),
  ]);

  const configuration = new Configuration(life, namespace, configMaps, secrets);
  const metrics = createMetrics();
  const engine = createEnginePool({
    locate: () => findEngine(options.environment),
    clock: systemClock,
    processes: Math.min(8, availableParallelism()),
  });
  const evaluators = createEvaluators(engine);
  const settings = (): Settings => configuration.settings;
  const health = new CustomHealth({ evaluators, clock: systemClock, op: life, log: life.log, settings });
  const excludes = (kind: GroupKind, server: string): boolean => excludedBy(configuration.settings, kind, server);
  const clusters = new Clusters(life, {
    ...ports,
    userAgent: `driftless/${options.version}`,
    environment: options.environment,
    inCluster: control,
    cache: ({ server }) => ({
      tagOf: (meta, key) => ownerApplication(meta, key, configuration.tracking),
      include: (type) => !excludes(type, server),
      respectRbac: () => configuration.settings.respectRbac,
      describe: describeObjects({ health, customLabels: () => configuration.settings.customLabels }),
    }),
  });
  await followClusterSecrets(life, secrets, clusters);

  const repositories = createGitRepositories({
    dir: join(options.dataDir, "git"),
    clock: systemClock,
    git: options.git.path,
    env: options.git.env,
    timeoutMs: configuration.settings.gitTimeoutMs,
  });
  const { dataDir, environment, rendering } = options;
  const registries = createRegistries({
    dir: join(dataDir, "registry"),
    clock: systemClock,
    env: options.git.env,
    mediaTypes: () => configuration.settings.oci.mediaTypes,
    maxArtifactBytes: () => configuration.settings.oci.maxUnpackedBytes,
  });
  const kustomize = (): Settings["kustomize"] => configuration.settings.kustomize;
  const plugins = pluginsOf(life, { ...rendering, environment });
  const renderer = rendererFor(life, { ...rendering, engine, plugins, dataDir, environment, kustomize });
  const recorder = eventRecorders(life, {
    client: control,
    wanted: options.events ?? environment["ARGOCD_ENABLE_K8S_EVENT"],
    settings,
    project: (name) => projectOf(name),
  });
  const events = recorder("argocd-application-controller", { busy: () => controller.busy });
  const poller = createPoller(life, {
    ...ports,
    intervalMs: configuration.settings.reconciliationMs,
    jitterMs: configuration.settings.reconciliationJitterMs,
    onResult: (url, error) => controller.sources.polled(url, error),
  });
  const directory = clusterDirectory(clusters, excludes);
  const holding = new Projects({
    projects,
    namespace,
    settings,
    repositories: () => configuration.repositories,
    clusters: () => clusters.list().map(({ spec }) => spec),
  });
  const projectOf = (name: string): AppProject | undefined => holding.get(name);
  const signatures = createSignatureGate({
    ...ports,
    project: projectOf,
    keyring: () => configuration.keyring(),
    enabled: options.environment["ARGOCD_GPG_ENABLED"] !== "false",
  });
  const urlFiles = createUrlFiles({ clock: systemClock });
  const controller = new ApplicationController({
    ...ports,
    onlyLooks: options.caller !== undefined,
    op: life,
    log: life.log,
    metrics,
    events,
    control,
    namespace,
    applications,
    projects: holding,
    clusters: directory,
    evaluators,
    health,
    settings,
    tracking: () => configuration.tracking,
    project: projectOf,
    sources: (affected) =>
      new Sources({
        repositories: polled(repositories, poller),
        artifacts: createArtifacts({
          registries,
          poller,
          access: (url, project) => configuration.registryAccess(url, project),
        }),
        renderer,
        access: (url, project) => configuration.access(url, project),
        signatures,
        expireFiles: () => {
          urlFiles.expire();
          registries.askAnew();
        },
        neighbours: createNeighbours({
          project: projectOf,
          access: (url, project) => configuration.access(url, project),
          openQuietly: (access) => repositories.open(access),
          files: urlFiles,
          signatures,
          submodules: () =>
            configuration.settings.gitSubmodules && options.environment["ARGOCD_GIT_MODULES_ENABLED"] !== "false",
          chartRepository: (written, project) => configuration.registryAccess(written, project)?.url,
          valuesFileSchemes: () => configuration.settings.helmValuesFileSchemes,
        }),
        affected,
        op: life,
      }),
  });
  applicationMetrics(metrics, controller, directory);
  reconsiderOnChange(settings, (listener) => configuration.onChange(listener), clusters);
  projects.subscribe((change) => holding.look(change));
  secrets.subscribe(() => holding.look());
  clusters.onChange(() => holding.look());
  configuration.onChange(() => {
    holding.look();
    controller.everythingAgain();
  });
  await controller.start();
  // Other namespaces come after its own: one that may not be read keeps nobody from starting.
  followed = () => followedNamespaces(configuration.settings.applicationNamespaces, namespace);
  void followApplications(applications, configuration).then(() => {
    if (options.caller || life.signal.aborted) return;
    releaseProjects(life, { control, clock: systemClock, namespace, projects, applications });
  });

  const pushed: System["pushed"] = async (url, refs) => {
    await controller.sources.refreshMatching(life, (other) => sameRepository(other, url), { pushed: refs });
  };
  const server = await startServer(life, {
    control,
    namespace,
    clock: systemClock,
    applications,
    projects,
    applicationSets,
    ownSecrets,
    settings: () => configuration.settings,
    config: (name) => configuration.data(name),
    secrets,
    clusters,
    probe: createRepositoryProbe({
      repositories,
      registries,
      access: (url, project) => configuration.access(url, project),
      registryAccess: (url, project) => configuration.registryAccess(url, project),
      accessOf: (found) => configuration.accessOf(found),
      registryAccessOf: (found) => configuration.registryAccessOf(found),
    }),
    plugins: async (inner) => (await plugins.list(inner)).map(({ name }) => name),
    inherited: (url) => lentFields(configuration.template(url)),
    controller,
    actions: { evaluators, settings, project: projectOf },
    outlook: (project) => holding.outlook(project),
    events: recorder("argocd-server"),
    metrics,
    version: options.version,
    listen: options.listen,
    ...(options.listenForMetrics ? { listenForMetrics: options.listenForMetrics } : {}),
    ...serverTls(life, options, configuration, ports),
    ...(options.caller ? { caller: options.caller } : {}),
    ...(options.uiDir === undefined ? {} : { uiDir: options.uiDir }),
    normaliseUrl: normalizeUrl,
    randomBytes: (count) => randomBytes(count),
    webhook: async (request) => {
      const push = parseWebhook(request, configuration.webhookSecrets(await readSecret(life, control, namespace)));
      if (!push) return;
      const matches = (url: string): boolean => push.repositoryUrls.some((other) => sameRepository(other, url));
      await controller.sources.refreshMatching(life, matches, { pushed: push.changes });
    },
  });
  return {
    server,
    controller,
    applications,
    metrics,
    initialPassword: (inner) => server.sessions.initialPassword(inner),
    pushed,
    async stop() {
      await server.close();
      await controller.stop();
      stopping.abort();
      poller.stop();
      await Promise.allSettled([
        repositories.close(),
        registries.close(),
        urlFiles.close(),
        renderer.close(),
        clusters.close(),
        applications.stop(),
        projects.stop(),
        applicationSets.stop(),
        configMaps.stop(),
        secrets.stop(),
        ownSecrets.stop(),
      ]);
      await control.close();
    },
  };
}

/** Follows the namespaces in which Applications count, also where the settings come to name others; returns when those of now were listed. */
async function followApplications(applications: Informer<Application>, configuration: Configuration): Promise<void> {
  let known = configuration.settings.applicationNamespaces;
  configuration.onChange(() => {
    const { applicationNamespaces } = configuration.settings;
    if (sameJson(applicationNamespaces, known)) return;
    known = applicationNamespaces;
    void applications.follow();
  });
  if (known.length > 0) await applications.follow();
}

async function readSecret(
  op: Operation,
  control: KubeClient,
  namespace: string,
): Promise<KubernetesObject | undefined> {
  return control.get(op, secretType, { namespace, name: "argocd-secret" });
}

async function followClusterSecrets(
  op: Operation,
  secrets: Informer<KubernetesObject>,
  clusters: Clusters,
): Promise<void> {
  const set = async (secret: KubernetesObject): Promise<void> => {
    try {
      await clusters.setSecret(secret);
    } catch (thrown) {
      op.log.warn("cluster Secret not usable", { error: toError(thrown).message });
    }
  };
  for (const secret of secrets.values()) if (isClusterSecret(secret)) await set(secret);
  secrets.subscribe(({ before, after }) => {
    if (after && isClusterSecret(after)) void set(after);
    else if (before && isClusterSecret(before)) void clusters.removeSecret(before);
  });
}

/** Every repository that is opened is polled from then on, once each. */
function polled(repositories: GitRepositories, poller: Poller): GitRepositories {
  const using = new Set<string>();
  return {
    open(access) {
      const repository = repositories.open(access);
      if (!using.has(repository.url)) {
        using.add(repository.url);
        poller.use(repository);
      }
      return repository;
    },
    close: () => repositories.close(),
  };
}
