// The ApplicationService of the protocol: who may call each method, and which part of the service answers it.
import { ApplicationService as Protocol } from "#protocol/gen/argoproj/application_pb.js";
import type { Clusters } from "#kube/clusters.ts";
import type { Application, ApplicationSpec } from "#model/application.ts";
import type { ConfigData } from "#model/settings.ts";
import { bind, session, type Access, type BoundService, type Call } from "../rpc/service.ts";
import type { ApplicationAccess, ApplicationAction } from "./access.ts";
import { queryAndFiles } from "./manifests/chunks.ts";
import type { ApplicationServiceDeps } from "./deps.ts";
import { applicationLinks, resourceLinks } from "./resources/links.ts";
import { podLogs } from "./resources/logs.ts";
import { Listing } from "./listing/listing.ts";
import { filterOf, pageOf, type ProtocolQuery } from "./listing/listing-query.ts";
import { verdict } from "./listing/listing-rows.ts";
import { clusterOf, liveResource, resourceEvents } from "./resources/objects.ts";
import type { SyncRequest } from "./operations/operations.ts";
import type { AppRef, WhichSource } from "./queries.ts";
import { deleteResource, patchResource } from "./resources/resource-writes.ts";
import { serverSideDiff } from "./manifests/server-side-diff.ts";
import type { ApplicationService } from "./service.ts";
import { hiddenIn } from "./source-credentials.ts";
import { resourceVersionOf, watchTree } from "./listing/watching.ts";
import { WatchGroups, type Watch } from "./listing/watching-groups.ts";

/** What requests name an application by. */
interface Named {
  readonly name?: string;
  readonly applicationName?: string;
  readonly appName?: string;
  readonly appNamespace?: string;
  readonly project?: string | readonly string[];
}

export interface ApiDeps extends ApplicationServiceDeps {
  readonly access: ApplicationAccess;
  readonly clusters: Clusters;
  /** Data of a ConfigMap of the installation. */
  config(name: string): ConfigData | undefined;
}

function whichSource({ sourceIndex, versionId }: WhichSource): WhichSource {
  return { ...(sourceIndex ? { sourceIndex } : {}), ...(versionId ? { versionId } : {}) };
}

function refOf(request: Named): AppRef {
  const { appNamespace, project } = request;
  const one = typeof project === "string" ? project : project?.[0];
  return {
    name: request.name ?? request.applicationName ?? request.appName ?? "",
    ...(appNamespace ? { appNamespace } : {}),
    ...(one ? { project: one } : {}),
  };
}

/** Some requests name an application's namespace so. */
function inNamespace(request: Named, namespace: string | undefined): Named {
  return { ...request, ...(namespace ? { appNamespace: namespace } : {}) };
}

export function applicationApi(deps: ApiDeps, service: ApplicationService): BoundService {
  const { access } = deps;
  const { queries, writes, operations, resources, manifests, actions } = service;
  const on =
    (action: ApplicationAction): Access<Named> =>
    ({ account }, request) =>
      void access.require(account, action, refOf(request));
  const listing = new Listing({ ...deps, presented: (app) => queries.presented(app) });
  const watches = new WatchGroups({ ...deps, presented: (app) => queries.presented(app) });
  const shown = (app: Application): Application => queries.presented(app);
  const userOf = ({ account }: Call): string => account?.username ?? "";
  /** What a stream is told of: what the query is about, of what the caller may see. */
  const watchOf = (call: Call, request: Query): Watch => {
    const filter = filterOf(request, call.query ?? {}, (url) => deps.normaliseUrl(url));
    const { resourceVersion = "", ...asked } = request;
    const { kind, issuer, username, groups, project } = call.account ?? {};
    const { cluster, namespace, sync, health, repo, search, complete } = call.query ?? {};
    const ours = { cluster, namespace, sync, health, repo, search };
    return {
      group: JSON.stringify([asked, ours, kind, issuer, username, groups, project]),
      matches: (app) => verdict(listing.rowOf(app), filter) === "passes" && access.may(call.account, "get", app),
      since: resourceVersionOf(resourceVersion),
      // Whoever waits for one application waits on where it is there already: argocd looks at nothing but events.
      inclusive: (asked.name ?? "") !== "",
      complete: complete === "true",
    };
  };
  const mayAct = ({ account }: Call, request: ActionAsked): void =>
    void access.require(
      account,
      `action/${request.group ?? ""}/${request.kind ?? ""}/${request.action ?? ""}`,
      refOf(request),
    );
  /** Changing an application says nothing of its objects, unless the settings have it as before Argo CD 3. */
  const onResource =
    (action: "update" | "delete"): Access<ActionAsked> =>
    ({ account }, request) => {
      const { group = "", kind = "", namespace = "", resourceName = "" } = request;
      const ref = refOf(request);
      if (deps.config("argocd-cm")?.["server.rbac.disableApplicationFineGrainedRBACInheritance"] === "false") {
        const app = access.require(account, "get", ref);
        if (access.may(account, action, app)) return;
      }
      access.require(account, `${action}/${group}/${kind}/${namespace}/${resourceName}`, ref);
    };
  const runAction = async (call: Call, request: ActionAsked, params: Record<string, string>): Promise<object> => {
    const { action = "", ...asked } = request;
    await actions.run(call.op, { ...asked, action, params, ref: refOf(request) });
    return {};
  };
  return bind(Protocol, {
    list: {
      access: session,
      handle(call, request) {
        const filter = filterOf(request, call.query ?? {}, (url) => deps.normaliseUrl(url));
        return listing.list(filter, pageOf(call.query ?? {}), access.visible(call.account));
      },
    },
    watch: {
      access: session,
      stream: (call, request) => watches.watch(call.op, watchOf(call, request)),
    },
    get: {
      access: on("get"),
      handle: async ({ op }, request) =>
        shown(await queries.get(op, { ...refOf(request), refresh: request.refresh ?? "" })),
    },
    create: {
      access: ({ account }, { application, upsert }) => {
        const wanted = writes.normalised(application as unknown as Application);
        access.requireWanted(account, "create", wanted);
        const existing = upsert ? queries.known(wanted) : undefined;
        if (existing) access.requireWanted(account, "update", existing);
      },
      handle: async ({ op }, { application, upsert, validate }) =>
        shown(
          await writes.create(op, application as unknown as Application, {
            ...(upsert === undefined ? {} : { upsert }),
            ...(validate === undefined ? {} : { validate }),
          }),
        ),
    },
    update: {
      access: ({ account }, { application }) => {
        const wanted = writes.normalised(application as unknown as Application);
        const existing = access.require(account, "update", {
          name: wanted.metadata.name!,
          appNamespace: wanted.metadata.namespace!,
        });
        // Moving it to another project needs a say in both.
        if (wanted.spec.project !== existing.spec.project) access.requireWanted(account, "update", wanted);
      },
      handle: async ({ op }, { application, validate }) =>
        shown(
          await writes.update(op, application as unknown as Application, validate === undefined ? {} : { validate }),
        ),
    },
    updateSpec: {
      access: ({ account }, request) => {
        const existing = access.require(account, "update", refOf(request));
        const spec = request.spec as unknown as ApplicationSpec;
        access.requireWanted(account, "update", {
          ...existing,
          spec: { ...existing.spec, project: spec?.project },
        });
      },
      handle: async ({ op }, request) =>
        hiddenIn(
          await writes.updateSpec(
            op,
            refOf(request),
            request.spec as unknown as ApplicationSpec,
            request.validate === undefined ? {} : { validate: request.validate },
          ),
        ),
    },
    patch: {
      access: ({ account }, request) => {
        const existing = access.require(account, "update", refOf(request));
        access.requireWanted(account, "update", writes.patched(existing, request.patch ?? "", request.patchType ?? ""));
      },
      handle: async ({ op }, request) =>
        shown(await writes.patch(op, refOf(request), request.patch ?? "", request.patchType ?? "")),
    },
    delete: {
      access: on("delete"),
      async handle({ op }, request) {
        await writes.delete(op, refOf(request), {
          ...(request.cascade === undefined ? {} : { cascade: request.cascade }),
          propagationPolicy: request.propagationPolicy ?? "",
        });
        return {};
      },
    },
    sync: {
      access: ({ account }, request) => {
        access.require(account, "sync", refOf(request));
        // Other manifests than Git's are more than a sync.
        if (request.manifests?.length) access.require(account, "override", refOf(request));
      },
      handle: async (call, request) =>
        shown(await operations.sync(call.op, refOf(request), request as unknown as SyncRequest, userOf(call))),
    },
    rollback: {
      access: on("sync"),
      handle: async (call, request) =>
        shown(
          await operations.rollback(
            call.op,
            refOf(request),
            { id: request.id ?? 0, prune: request.prune ?? false, dryRun: request.dryRun ?? false },
            userOf(call),
          ),
        ),
    },
    terminateOperation: {
      access: on("sync"),
      async handle({ op }, request) {
        await operations.terminate(op, refOf(request));
        return {};
      },
    },
    resourceTree: { access: on("get"), handle: (_call, request) => resources.tree(refOf(request)) },
    watchResourceTree: {
      access: on("get"),
      stream(call, request) {
        const ref = refOf(request);
        const { namespace, name } = queries.find(ref).metadata;
        return watchTree(call.op, deps, { key: `${namespace}/${name}`, tree: () => resources.tree(ref) });
      },
    },
    managedResources: {
      access: on("get"),
      handle: async (_call, request) => {
        const { group = "", kind = "", namespace = "", name = "" } = request;
        return {
          items: await resources.managedResources(refOf({ ...request, name: request.applicationName ?? "" }), {
            group,
            kind,
            namespace,
            name,
          }),
        };
      },
    },
    getManifests: {
      access: on("get"),
      handle: ({ op }, request) => manifests.manifests(op, refOf(request), request),
    },
    getManifestsWithFiles: {
      access: session,
      async collect(call, requests) {
        const { query, packed } = await queryAndFiles(requests);
        const ref = refOf(query as Named);
        access.require(call.account, "get", ref);
        const checksum = typeof query["checksum"] === "string" ? query["checksum"] : "";
        return manifests.manifestsOfFiles(call.op, ref, { packed, checksum });
      },
    },
    getResource: {
      access: on("get"),
      handle: async ({ op }, request) => ({
        manifest: await liveResource(op, service, deps, { ...request, ref: refOf(request) }),
      }),
    },
    listResourceActions: {
      access: on("get"),
      handle: async ({ op }, request) => ({ actions: await actions.list(op, { ...request, ref: refOf(request) }) }),
    },
    runResourceAction: {
      access: mayAct,
      handle: (call, request) => runAction(call, request, {}),
    },
    runResourceActionV2: {
      access: mayAct,
      handle: (call, request) =>
        runAction(
          call,
          request,
          Object.fromEntries(
            (request.resourceActionParameters ?? []).map(({ name = "", value = "" }) => [name, value]),
          ),
        ),
    },
    patchResource: {
      access: onResource("update"),
      handle: async (call, request) => {
        const asked = { ...request, ref: refOf(request) };
        return { manifest: await patchResource(call.op, service, deps, asked) };
      },
    },
    deleteResource: {
      access: onResource("delete"),
      handle: async (call, request) => {
        const asked = { ...request, ref: refOf(request) };
        await deleteResource(call.op, service, deps, asked);
        return {};
      },
    },
    podLogs: {
      access: ({ account }, request) => {
        access.require(account, "get", refOf(request));
        access.require(account, "get", refOf(request), "logs");
      },
      stream: ({ op }, request) => {
        const ref = refOf(request);
        const { client } = clusterOf(deps, queries.find(ref));
        const maxPods = Number(deps.config("argocd-cm")?.["server.maxPodLogsToRender"] ?? "");
        const nodes = resources.nodes(ref);
        return podLogs(op, { client, clock: deps.clock, nodes, maxPods: maxPods > 0 ? maxPods : 10 }, request);
      },
    },
    serverSideDiff: {
      access: on("get"),
      handle: ({ op }, request) =>
        serverSideDiff(op, { controller: deps.controller, queries }, { ...request, ref: refOf(request) }),
    },
    listLinks: {
      access: (call, { namespace, ...request }) => on("get")(call, inNamespace(request, namespace)),
      handle: ({ op }, { namespace, ...request }) =>
        applicationLinks(op, service, deps, refOf(inNamespace(request, namespace))),
    },
    listResourceLinks: {
      access: on("get"),
      handle: ({ op }, request) => resourceLinks(op, service, deps, { ...request, ref: refOf(request) }),
    },
    listResourceEvents: {
      access: on("get"),
      handle: ({ op }, request) => resourceEvents(op, service, deps, { ...request, ref: refOf(request) }),
    },
    getApplicationSyncWindows: {
      access: on("get"),
      handle: (_call, request) => service.plans.windows(refOf(request)),
    },
    revisionMetadata: {
      access: on("get"),
      handle: ({ op }, request) =>
        queries.revisionMetadata(op, refOf(request), request.revision ?? "", whichSource(request)),
    },
    revisionChartDetails: {
      access: on("get"),
      handle: async ({ op }, request) => {
        const ref = refOf(request);
        const details = await queries.chartDetails(op, ref, request.revision ?? "", whichSource(request));
        const { description = "", home = "", maintainers = [] } = details;
        return { description, home, maintainers: [...maintainers] };
      },
    },
    getOCIMetadata: {
      access: on("get"),
      handle: async ({ op }, request) => {
        const ref = refOf(request);
        const said = await queries.artifactAnnotations(op, ref, request.revision ?? "", whichSource(request));
        const text = (name: string): string => said[`org.opencontainers.image.${name}`] ?? "";
        return {
          createdAt: text("created"),
          authors: text("authors"),
          imageUrl: text("url"),
          docsUrl: text("documentation"),
          sourceUrl: text("source"),
          version: text("version"),
          description: text("description"),
        };
      },
    },
  });
}

interface ActionAsked extends Named {
  readonly action?: string;
  readonly group?: string;
  readonly version?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly resourceName?: string;
}

interface Query extends ProtocolQuery {
  readonly resourceVersion?: string;
}
