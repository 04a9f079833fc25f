// The clusters that applications go to, as this controller needs them: found by a destination's server or name, with
// kinds and merge schemas that answer at once. Connections and live caches are src/kube's.
import { DriftlessError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { TypeSchema } from "#core/merge/schema.ts";
import type { Clusters, ManagedCluster } from "#kube/clusters.ts";
import type { LiveCache } from "#kube/live.ts";
import type { KubeClient, ResourceType } from "#kube/types.ts";
import type { ApplicationDestination } from "#model/application.ts";
import { gvkOf, type GroupKind, type KubernetesObject } from "#model/object.ts";
import type { ClusterDirectory, DestinationCluster } from "./deps.ts";

/** Takes the registry of clusters, and which kinds are left out on one; returns it as the controller sees it. */
export function clusterDirectory(
  clusters: Clusters,
  excludes: (kind: GroupKind, server: string) => boolean,
): ClusterDirectory {
  const wrapped = new WeakMap<ManagedCluster, Destination>();
  const wrap = (cluster: ManagedCluster): Destination => {
    let found = wrapped.get(cluster);
    if (!found) wrapped.set(cluster, (found = new Destination(cluster, excludes)));
    return found;
  };
  const known = (): string =>
    clusters
      .list()
      .map(({ spec }) => `${spec.server} ${spec.name}`)
      .join("\n");
  return {
    find(destination) {
      const found = findCluster(clusters, destination);
      return found instanceof DriftlessError ? found : wrap(found);
    },
    started: () => clusters.started().map(wrap),
    onStart: (listener) => clusters.onStart((cluster) => listener(wrap(cluster))),
    onChange(listener) {
      let before = known();
      // Changes of the connection's state are no news here: whoever waits for a cluster tries again by itself.
      return clusters.onChange(() => {
        const now = known();
        if (now === before) return;
        before = now;
        listener();
      });
    },
  };
}

function findCluster(clusters: Clusters, { server, name }: ApplicationDestination): ManagedCluster | DriftlessError {
  const details = { field: "spec.destination", cluster: server ?? name ?? "" };
  if (server && name) {
    return new DriftlessError(
      "SPEC_INVALID",
      `application destination can't have both name and server defined: ${name} ${server}`,
      { details },
    );
  }
  if (server)
    return (
      clusters.byServer(server) ??
      new DriftlessError("CLUSTER_UNKNOWN", `there is no cluster with server ${server}`, { details })
    );
  if (!name) return new DriftlessError("SPEC_INVALID", "destination server missing from app spec", { details });
  const named = clusters.byName(name);
  if (named.length > 1)
    return new DriftlessError(
      "CLUSTER_UNKNOWN",
      `there are ${named.length} clusters with the name ${name}: use spec.destination.server`,
      { details },
    );
  return (
    named[0] ?? new DriftlessError("CLUSTER_UNKNOWN", `there are no clusters with this name: ${name}`, { details })
  );
}

class Destination implements DestinationCluster {
  readonly #cluster: ManagedCluster;
  readonly #excludes: (kind: GroupKind, server: string) => boolean;
  readonly #schemas = new Map<string, TypeSchema | undefined>();
  readonly #types = new Map<string, ResourceType>();

  constructor(cluster: ManagedCluster, excludes: (kind: GroupKind, server: string) => boolean) {
    this.#cluster = cluster;
    this.#excludes = excludes;
    cluster.cache.subscribeTypes(() => {
      cluster.client.schemas.invalidate();
      this.#indexTypes();
    });
  }

  get server(): string {
    return this.#cluster.spec.server;
  }

  get name(): string {
    return this.#cluster.spec.name;
  }

  get client(): KubeClient {
    return this.#cluster.client;
  }

  get cache(): LiveCache {
    return this.#cluster.cache;
  }

  async ready(op: Op): Promise<void> {
    await this.#cluster.ready(op);
    if (this.#types.size === 0) this.#indexTypes();
  }

  typeOf(kind: { readonly group: string; readonly version?: string; readonly kind: string }): ResourceType | undefined {
    return this.#types.get(typeId(kind.group, kind.version ?? "", kind.kind));
  }

  async learnKinds(op: Op, objects: Iterable<KubernetesObject>): Promise<void> {
    for (const object of objects) {
      const id = `${object.apiVersion} ${object.kind}`;
      if (this.#schemas.has(id)) continue;
      const gvk = gvkOf(object);
      // Discovery lists preferred versions; another version of a kind is asked for once.
      const type = this.typeOf(gvk) ?? (await this.client.discovery.find(op, gvk));
      if (!type) continue;
      this.#types.set(typeId(gvk.group, gvk.version, gvk.kind), type);
      this.#schemas.set(id, await this.client.schemas.typeOf(op, gvk));
    }
  }

  excludes(kind: GroupKind): boolean {
    return this.#excludes(kind, this.server);
  }

  schemaOf(object: KubernetesObject): TypeSchema | undefined {
    return this.#schemas.get(`${object.apiVersion} ${object.kind}`);
  }

  #indexTypes(): void {
    this.#types.clear();
    this.#schemas.clear();
    for (const type of this.cache.types()) {
      this.#types.set(typeId(type.group, type.version, type.kind), type);
      this.#types.set(typeId(type.group, "", type.kind), type);
    }
  }
}

const typeId = (group: string, version: string, kind: string): string => `${group}/${version}/${kind}`;
