// The ClusterService of the protocol: the clusters that applications go to, kept as Argo CD's cluster Secrets. Answers
// never hold what lets one in. Names and semantics follow Argo CD's ClusterService.
import { DriftlessError, toError } from "#base/errors.ts";
import { sameJson } from "#base/json.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import { parseClusterSecret, type Clusters, type ManagedCluster } from "#kube/clusters.ts";
import type { KubeClient, ResourcePath } from "#kube/types.ts";
import type { Application } from "#model/application.ts";
import { inClusterServer } from "#model/names.ts";
import type { KubernetesObject } from "#model/object.ts";
import { ClusterService } from "#protocol/gen/argoproj/cluster_pb.js";
import type { Informer } from "#runtime/informer.ts";
import { requireFound } from "../auth/hidden.ts";
import type { Rbac } from "../auth/rbac.ts";
import { paged } from "../paging.ts";
import { bind, session, type BoundService, type Call } from "../rpc/service.ts";
import { rotateToken } from "./rotate.ts";
import { clusterSecret, shownSpec, type ClusterRequest } from "./secrets.ts";

export interface ClusterApiDeps {
  readonly control: KubeClient;
  readonly namespace: string;
  readonly clock: Clock;
  readonly rbac: Rbac;
  readonly clusters: Clusters;
  /** Secrets that describe clusters and repositories. */
  readonly secrets: Informer<KubernetesObject>;
  readonly applications: Informer<Application>;
  randomId(): string;
}

const secretType: ResourcePath = { group: "", version: "v1", plural: "secrets", namespaced: true };
const versionWithinMs = 5000;

interface Query {
  readonly server?: string;
  readonly name?: string;
  readonly id?: { readonly type?: string; readonly value?: string };
}

export function clusterApi(deps: ClusterApiDeps): BoundService {
  const { clusters, rbac, control, namespace } = deps;
  const objectOf = ({ project, server }: { readonly project?: string; readonly server: string }): string =>
    project ? `${project}/${server}` : server;
  const find = (query: Query): ManagedCluster => {
    const { server, name } = wantedOf(query);
    const found =
      server === undefined ? (name === undefined ? undefined : clusters.byName(name)[0]) : clusters.byServer(server);
    if (!found)
      throw new DriftlessError("NOT_FOUND", `cluster ${JSON.stringify(server ?? name ?? "")} is not configured`);
    return found;
  };
  const on =
    (action: "get" | "update" | "delete") =>
    (call: Call, query: Query): void => {
      session(call);
      requireFound(rbac, call.account, {
        resource: "clusters",
        action,
        all: "*",
        find: () => find(query),
        objectOf: ({ spec }) => objectOf(spec),
      });
    };
  const requireWanted = (call: Call, action: "create" | "update", cluster: ClusterRequest | undefined): void => {
    session(call);
    const object = objectOf({
      server: (cluster?.server ?? "").trim().replace(/\/+$/, ""),
      ...(cluster?.project ? { project: cluster.project } : {}),
    });
    rbac.require(call.account, "clusters", action, object);
    // A program that this server runs, or an identity that it takes on, is no project's to choose.
    const { execProviderConfig, awsAuthConfig } = cluster?.config ?? {};
    if (execProviderConfig !== undefined || awsAuthConfig !== undefined)
      rbac.require(call.account, "clusters", action, "*");
  };
  const shown = (cluster: ManagedCluster): object => present(cluster, deps.applications);

  return bind(ClusterService, {
    list: {
      access: session,
      handle(call, query) {
        const { server, name } = wantedOf(query);
        const items = clusters
          .list()
          .filter(
            ({ spec }) =>
              (server === undefined || spec.server === server) &&
              (name === undefined || spec.name === name) &&
              rbac.may(call.account, "clusters", "get", objectOf(spec)),
          )
          .sort((a, b) => (a.spec.server < b.spec.server ? -1 : 1));
        const page = paged(call, items, ({ spec }) => [spec.server, spec.name]);
        return { metadata: page.metadata, items: page.items.map(shown) };
      },
    },
    get: { access: on("get"), handle: (_call, query) => shown(find(query)) },
    create: {
      access: (call, { cluster, upsert }) => {
        requireWanted(call, "create", cluster);
        const server = (cluster?.server ?? "").trim();
        const existing = clusters.byServer(server);
        // The cluster without a Secret would be replaced by one that gets its first.
        if (existing && (upsert || existing.spec.secret === undefined)) on("update")(call, { server });
      },
      async handle({ op }, { cluster, upsert }) {
        const given = (cluster ?? {}) as ClusterRequest;
        const wanted: ClusterRequest = { ...given, ...(given.server ? { server: given.server.trim() } : {}) };
        const known = wanted.server ? secretOf(deps, wanted.server) : undefined;
        const secret = clusterSecret(wanted, namespace, known);
        if (known && !sameJson(known["data"], secret["data"]) && !upsert)
          throw new DriftlessError(
            "ALREADY_EXISTS",
            "existing cluster spec is different; use upsert flag to force update",
          );
        await reached(op, deps, secret);
        return shown(await write(op, deps, secret, known));
      },
    },
    update: {
      access: (call, request) => {
        const query = request.id?.value ? { id: request.id } : { server: request.cluster?.server ?? "" };
        on("update")(call, query);
        const { spec } = find(query);
        const { project = "", config } = merged(spec, request.cluster, request.updatedFields);
        // Moving it to another project, or out of its own for everybody, needs a say there too.
        if (project !== (spec.project ?? "") || !sameJson(config, spec.config))
          requireWanted(call, "update", { project, server: spec.server, ...(config ? { config } : {}) });
      },
      async handle({ op }, request) {
        const { spec } = find(request.id?.value ? { id: request.id } : { server: request.cluster?.server ?? "" });
        const known = secretOf(deps, spec.server);
        const wanted = merged(spec, request.cluster as ClusterRequest, request.updatedFields);
        const secret = clusterSecret(wanted, namespace, known);
        await reached(op, deps, secret);
        return shown(await write(op, deps, secret, known));
      },
    },
    delete: {
      access: on("delete"),
      async handle({ op }, query) {
        const { spec } = find(query);
        const known = secretOf(deps, spec.server);
        if (!known)
          throw new DriftlessError(
            "FAILED_PRECONDITION",
            `cluster ${spec.server} is the one that Driftless runs in; it has no Secret to delete`,
          );
        await control.delete(op, secretType, { namespace, name: known.metadata.name ?? "" });
        return {};
      },
    },
    rotateAuth: {
      access: on("update"),
      async handle({ op }, query) {
        const { spec, client } = find(query);
        const known = secretOf(deps, spec.server);
        if (!known || !spec.config.bearerToken)
          throw new DriftlessError(
            "FAILED_PRECONDITION",
            "the cluster is not reached by a service account's token: only those can be rotated",
          );
        const rotated = await rotateToken(op, client, {
          bearerToken: spec.config.bearerToken,
          clock: deps.clock,
          suffix: deps
            .randomId()
            .toLowerCase()
            .replace(/[^a-z0-9]/g, "")
            .slice(0, 6),
        });
        const secret = clusterSecret(
          { ...spec, config: { ...spec.config, bearerToken: rotated.token } },
          namespace,
          known,
        );
        await reached(op, deps, secret);
        const written = await write(op, deps, secret, known);
        await rotated.retire(op, written.client);
        return {};
      },
    },
    invalidateCache: {
      access: on("update"),
      async handle(_call, query) {
        const { spec } = find(query);
        await clusters.restart(spec.server);
        return shown(find(query));
      },
    },
  });
}

/** Which cluster a query is about; `name_escaped` is URL-encoded once more than names are. */
function wantedOf({ server, name, id }: Query): { readonly server?: string; readonly name?: string } {
  if (id?.value) {
    if (id.type === "name") return { name: id.value };
    if (id.type === "name_escaped") return { name: decoded(id.value) };
    return { server: decoded(id.value).replace(/\/+$/, "") };
  }
  return { ...(server ? { server: server.replace(/\/+$/, "") } : {}), ...(name ? { name } : {}) };
}

/** Error: INVALID_ARGUMENT. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new DriftlessError("INVALID_ARGUMENT", `id.value: ${JSON.stringify(text)} is not URL-encoded`, {
      details: { field: "id.value" },
    });
  }
}

function secretOf({ secrets }: ClusterApiDeps, server: string): KubernetesObject | undefined {
  for (const secret of secrets.values()) {
    if (secret.metadata.labels?.["argocd.argoproj.io/secret-type"] !== "cluster") continue;
    try {
      if (parseClusterSecret(secret).server === server.replace(/\/+$/, "")) return secret;
    } catch {
      // Not usable, so not this one.
    }
  }
  return undefined;
}

/** Asks a cluster for its version with the new credentials, so that nothing is stored that does not work. */
async function reached(op: Op, { clusters, clock }: ClusterApiDeps, secret: KubernetesObject): Promise<void> {
  const spec = parseClusterSecret(secret);
  if (spec.server === inClusterServer) return;
  const client = clusters.connect(spec);
  const late = new AbortController();
  const cancel = clock.after(versionWithinMs, () => late.abort());
  try {
    await client.version({ ...op, signal: AbortSignal.any([op.signal, late.signal]) });
  } catch (thrown) {
    const error = toError(thrown);
    const why = late.signal.aborted ? `no answer within ${versionWithinMs / 1000} s` : error.message;
    throw new DriftlessError("CLUSTER_UNREACHABLE", `cluster ${spec.server} cannot be used: ${why}`, { cause: error });
  } finally {
    cancel();
    await client.close();
  }
}

async function write(
  op: Op,
  deps: ClusterApiDeps,
  secret: KubernetesObject,
  known: KubernetesObject | undefined,
): Promise<ManagedCluster> {
  const { control, namespace, secrets, clusters } = deps;
  const written = known
    ? await control.replace(
        op,
        secretType,
        { ...secret, metadata: { ...secret.metadata, resourceVersion: known.metadata.resourceVersion! } },
        { fieldManager: "driftless" },
      )
    : await control.create(op, secretType, secret, { fieldManager: "driftless" });
  secrets.observe(written);
  await clusters.setSecret(written);
  const { server } = parseClusterSecret({ ...written, metadata: { ...written.metadata, namespace } });
  return clusters.byServer(server)!;
}

/** What is not named keeps its value; without names everything is replaced. */
function merged(
  spec: ManagedCluster["spec"],
  wanted: ClusterRequest | undefined,
  fields: readonly string[] | undefined,
): ClusterRequest {
  const { "managed-by": _by, ...annotations } = spec.annotations;
  const known: ClusterRequest = { ...spec, annotations, config: spec.config };
  if (!fields?.length) return { ...known, ...wanted, server: spec.server };
  const given = fields.flatMap((field) =>
    field in (wanted ?? {}) ? [[field, wanted![field as keyof ClusterRequest]]] : [],
  );
  return { ...known, ...(Object.fromEntries(given) as ClusterRequest), server: spec.server };
}

function present(cluster: ManagedCluster, applications: Informer<Application>): object {
  const { spec } = cluster;
  const { status, message, attemptedAt, version = "", resourcesCount, apisCount } = cluster.state();
  const connectionState = { status, message, attemptedAt: attemptedAt ?? null };
  const used = [...applications.values()].filter(
    ({ spec: { destination } }) =>
      destination.server === spec.server || (destination.name !== undefined && destination.name === spec.name),
  ).length;
  return {
    ...shownSpec(spec),
    connectionState,
    serverVersion: version,
    info: {
      connectionState,
      serverVersion: version,
      cacheInfo: { resourcesCount, apisCount },
      applicationsCount: used,
    },
  };
}
