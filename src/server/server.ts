// Starts the API server: sessions, the application service over REST and streams, webhooks, the page. Wires routes only.
import { existsSync } from "node:fs";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import { DriftlessError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import type { ApplicationController } from "#controllers/application/controller.ts";
import type { Clusters } from "#kube/clusters.ts";
import type { KubeClient } from "#kube/types.ts";
import type { AppProject, Application } from "#model/application.ts";
import { apiVersion } from "#model/names.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { ConfigData, Settings } from "#model/settings.ts";
import type { EventRecorder } from "#runtime/events.ts";
import type { Informer } from "#runtime/informer.ts";
import type { Metrics } from "#runtime/metrics.ts";
import { ApplicationAccess } from "./application/access.ts";
import type { ActionMeans } from "./application/resources/action-means.ts";
import { clusterOf } from "./application/resources/objects.ts";
import type { AppRef } from "./application/queries.ts";
import { applicationService } from "./application/service.ts";
import { entrance } from "./auth/entrance.ts";
import type { Account } from "./auth/account.ts";
import { authenticate } from "./auth/authenticate.ts";
import { secretName } from "./auth/accounts.ts";
import { Rbac } from "./auth/rbac.ts";
import { secretData } from "./auth/secret.ts";
import { endedName, Sessions } from "./auth/sessions.ts";
import { createHttp } from "./http.ts";
import { lookFirst } from "./look-first.ts";
import { listenForMetrics } from "./metrics-listener.ts";
import { audited, type AuditDeps } from "./rpc/audit.ts";
import type { AuditedKind } from "./rpc/audited-methods.ts";
import { grpcHandler, type HttpHandler } from "./rpc/grpc.ts";
import { limitsOf, OpenStreams, type ServerLimits } from "./rpc/limits.ts";
import { listen, type Listener, type ListenOptions } from "./rpc/listener.ts";
import { RouteTable } from "./route-table.ts";
import { apiRoutes } from "./routes.ts";
import type { RepositoryProbe } from "./repository/api.ts";
import type { RepositoryFields } from "./repository/secrets.ts";
import { apiServices } from "./services.ts";
import { terminalUpgrade, type TerminalDoorDeps } from "./terminal/upgrade.ts";
import { firstCertificate, followCertificates } from "./tls/certificates.ts";
import type { TlsSettings } from "./tls/settings.ts";

export interface ServerOptions {
  readonly control: KubeClient;
  readonly namespace: string;
  readonly clock: Clock;
  readonly applications: Informer<Application>;
  readonly controller: ApplicationController;
  readonly actions: ActionMeans;
  /** What would hold if a project was written so. */
  outlook(project: AppProject): AppProject;
  /** Events of what is done by the API. */
  readonly events: Pick<EventRecorder, "record">;
  readonly metrics: Metrics;
  readonly projects: Informer<AppProject>;
  readonly applicationSets: Informer<KubernetesObject>;
  settings(): Settings;
  /** Data of a ConfigMap of the installation. */
  config(name: string): ConfigData | undefined;
  /** Secrets that describe clusters and repositories. */
  readonly secrets: Informer<KubernetesObject>;
  readonly clusters: Clusters;
  readonly probe: RepositoryProbe;
  /** Names of the config management plugins that are there now. */
  plugins(op: Op): Promise<readonly string[]>;
  /** What a template of credentials would lend a repository. */
  inherited(url: string): RepositoryFields | undefined;
  /** The installation's own Secrets, followed. */
  readonly ownSecrets: Informer<KubernetesObject>;
  readonly version: string;
  readonly listen: { readonly host: string; readonly port: number };
  /** Where metrics are answered without a login. */
  readonly listenForMetrics?: { readonly host: string; readonly port: number };
  /**
   * With it, the server is for one caller, who has this token and all rights, and no controller works beside it:
   * applications are looked at when they are asked for.
   */
  readonly caller?: { readonly token: string };
  /** With it, TLS is spoken. */
  readonly tls?: TlsOptions;
  readonly uiDir?: string;
  normaliseUrl(url: string): string;
  randomBytes(count: number): Uint8Array;
  webhook(request: {
    headers: Readonly<Record<string, string | readonly string[] | undefined>>;
    body: Uint8Array;
  }): Promise<void>;
}

export interface TlsOptions {
  readonly settings: TlsSettings;
  /** Follows the Secret `argocd-server-tls`; started, and stopped, by the server. */
  readonly serverSecret: Informer<KubernetesObject>;
}

export interface RunningServer {
  readonly url: string;
  readonly port: number;
  /** Where metrics are answered without a login. */
  readonly metricsPort?: number;
  readonly sessions: Sessions;
  close(): Promise<void>;
}

/** Listens; returns when requests are answered. Error: PORT_IN_USE. */
export async function startServer(op: Op, options: ServerOptions): Promise<RunningServer> {
  const project = (name: string): AppProject | undefined => options.projects.get(options.namespace, name);
  const sessions = new Sessions({ ...options, project });
  await sessions.start(op);
  options.ownSecrets.subscribe(({ after }) => {
    if (after?.metadata.name === secretName) sessions.observe(secretData(after));
    if (after?.metadata.name === endedName) sessions.observeEnded(secretData(after));
  });
  const stopping = new AbortController();
  const service = applicationService(options);
  const rbac = new Rbac({
    config: () => options.config("argocd-rbac-cm"),
    project,
    problem: (error) => op.log.warn("RBAC policy not usable", { error: error.message }),
  });
  const access = new ApplicationAccess(rbac, service.queries, options.namespace);
  const ready = (): boolean => !op.signal.aborted;
  const mayScrape = (account: Account | undefined): boolean =>
    rbac.may(account, "applications", "get", "*/*") && rbac.may(account, "clusters", "get", "*");
  const limits = limitsFrom(op, options);
  const streams = new OpenStreams(limits.streamsPerAccount);
  const deps = {
    ...options,
    log: op.log,
    sessions,
    rbac,
    access,
    stopping: stopping.signal,
    ready,
    mayScrape,
    streams,
  };
  const http = await createHttp(deps);
  const routes = new RouteTable(http);
  if (options.caller) lookFirst(http, deps);
  if (options.caller && options.uiDir !== undefined) entrance(http, options.caller.token);
  const audit: AuditDeps = {
    ...deps,
    find: (kind, namespace, name) => knownObject(options, kind, { namespace, name }),
    isAccount: (name) => sessions.accounts.list().some((account) => account.name === name),
  };
  const services = audited(audit, apiServices(deps, service));
  await apiRoutes(http, { ...deps, audit }, { service, services });
  if (options.uiDir !== undefined && existsSync(join(options.uiDir, "index.html"))) {
    await http.register(fastifyStatic, {
      root: options.uiDir,
      wildcard: false,
      maxAge: "1h",
      index: false,
      preCompressed: true,
    });
    http.get("/", (_request, reply) => reply.header("cache-control", "no-cache").sendFile("index.html", { maxAge: 0 }));
  }
  http.setNotFoundHandler((request, reply) => {
    const path = request.url.split("?")[0]!;
    const page =
      request.method === "GET" && !path.startsWith("/api/") && (request.headers.accept ?? "").includes("text/html");
    if (page && options.uiDir !== undefined)
      return reply.header("cache-control", "no-cache").sendFile("index.html", { maxAge: 0 });
    const allowed = routes.methodsAt(path);
    if (allowed.length === 0) throw new DriftlessError("NOT_FOUND", `there is nothing at ${request.method} ${path}`);
    reply.header("allow", allowed.join(", "));
    throw new DriftlessError("METHOD_NOT_ALLOWED", `${request.method} is none of ${allowed.join(", ")} at ${path}`);
  });
  await http.ready();
  const handler = grpcHandler(
    {
      log: op.log,
      stopping: stopping.signal,
      streams,
      authenticate: (headers) =>
        authenticate(sessions, { header: (name) => headers.get(name) ?? undefined, writes: true }),
    },
    services,
    (request, response) => http.routing(request as never, response as never),
  );
  const listener = await listenWith(op, { ...options, limits }, handler, (request, socket, head) => {
    const cluster: TerminalDoorDeps["cluster"] = (app) => clusterOf(options, app).client;
    const door = { ...options, sessions, access, cluster, tree: (ref: AppRef) => service.resources.tree(ref) };
    void terminalUpgrade({ ...op, signal: stopping.signal }, door, { request, socket, head });
  });
  const { port } = listener;
  const scrapers = options.listenForMetrics && (await listenForMetrics(op, options.metrics, options.listenForMetrics));
  return {
    url: `${options.tls ? "https" : "http"}://${options.listen.host === "127.0.0.1" ? "localhost" : options.listen.host}:${port}`,
    port,
    ...(scrapers ? { metricsPort: scrapers.port } : {}),
    sessions,
    async close() {
      stopping.abort();
      await scrapers?.close();
      await listener.close();
      await options.tls?.serverSecret.stop();
      await http.close();
    },
  };
}

/** What the record of changes is kept beside. */
function knownObject(
  { applications, projects, applicationSets }: ServerOptions,
  kind: AuditedKind,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): KubernetesObject | undefined {
  const of = { Application: applications, AppProject: projects, ApplicationSet: applicationSets }[kind];
  const found = of.get(namespace, name);
  return found && { ...found, apiVersion, kind };
}

function limitsFrom(op: Op, options: ServerOptions): ServerLimits {
  const { limits, problems } = limitsOf(options.config("argocd-cmd-params-cm"));
  for (const { key, value, why } of problems)
    op.log.warn("setting not usable, its default holds", { setting: key, value, why });
  return limits;
}

/** Listens in clear text, or by TLS with the certificate that there is, and with those that come after it. */
async function listenWith(
  op: Op,
  options: ServerOptions & { readonly limits: ServerLimits },
  handler: HttpHandler,
  upgrade: NonNullable<ListenOptions["upgrade"]>,
): Promise<Listener> {
  const { limits } = options;
  if (!options.tls) return listen({ ...options.listen, handler, upgrade, limits });
  const { serverSecret, settings: tls } = options.tls;
  const deps = { ...options, serverSecret, host: options.listen.host };
  const certificate = await firstCertificate(op, deps);
  const listener = await listen({ ...options.listen, handler, upgrade, limits, certificate, tls });
  followCertificates(op, deps, certificate, (next) => listener.setCertificate(next));
  return listener;
}
