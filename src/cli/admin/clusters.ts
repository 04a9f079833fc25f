// The clusters of an installation and what its applications use of them, read straight from its cluster: for the `admin
// cluster` commands. Only what Secrets and applications say; nothing of a cluster itself.
import { DriftlessError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import type { ClusterSpec } from "#kube/clusters.ts";
import type { Application } from "#model/application.ts";
import { inClusterServer, label } from "#model/names.ts";
import type { KubernetesObject } from "#model/object.ts";
import { inNamespaces, namespacesOf } from "./objects.ts";
import { types, type AdminTarget } from "./target.ts";

export interface KnownCluster {
  readonly spec: ClusterSpec;
  /** Absent: the cluster that the installation is on, which needs none. */
  readonly secret?: KubernetesObject;
}

export interface UsedCluster extends KnownCluster {
  readonly applications: readonly Application[];
  /** Where their objects are; where they are meant to go, as long as there are none. Sorted, the shortest first. */
  readonly namespaces: readonly string[];
}

/** Every cluster, by address; the installation's own one, too. Error: CONFIG_INVALID naming a Secret that is wrong. */
export async function knownClusters(
  op: Operation,
  { client, namespace }: AdminTarget,
): Promise<readonly KnownCluster[]> {
  const { inClusterSpec, parseClusterSecret } = await import("#kube/clusters.ts");
  const labelSelector = `${label.secretType}=cluster`;
  const { items } = await client.list(op, types.secret, { namespace, labelSelector });
  const known: KnownCluster[] = items.map((secret) => ({ spec: parseClusterSecret(secret), secret }));
  if (!known.some(({ spec }) => spec.server === inClusterServer)) known.push({ spec: inClusterSpec });
  return known.sort((a, b) => (a.spec.server < b.spec.server ? -1 : 1));
}

/** Every cluster with the applications that go there. */
export async function usedClusters(op: Operation, target: AdminTarget): Promise<readonly UsedCluster[]> {
  const known = await knownClusters(op, target);
  const asSet = { "application-namespaces": [], "applicationset-namespaces": [] };
  const { applications: patterns } = await namespacesOf(op, target, asSet);
  const applications = (await inNamespaces(op, target, types.application, patterns)) as readonly Application[];
  return known.map((cluster) => {
    const here = applications.filter(({ spec }) => {
      const { server, name } = spec.destination;
      return server ? server.replace(/\/+$/, "") === cluster.spec.server : name === cluster.spec.name;
    });
    return { ...cluster, applications: here, namespaces: namespacesUsed(here) };
  });
}

function namespacesUsed(applications: readonly Application[]): readonly string[] {
  const names = applications.flatMap(({ spec, status }) => {
    const resources = status?.resources ?? [];
    return resources.length > 0 ? resources.map(({ namespace }) => namespace) : [spec.destination.namespace];
  });
  const found = [...new Set(names.filter((name) => name !== undefined && name !== ""))] as string[];
  return found.sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
}

/** The one with an address or a name. Errors: NOT_FOUND, INVALID_ARGUMENT where several have the name. */
export function clusterCalled<T extends KnownCluster>(clusters: readonly T[], word: string): T {
  const server = word.replace(/\/+$/, "");
  const found = clusters.filter(({ spec }) => spec.server === server);
  const named = found.length > 0 ? found : clusters.filter(({ spec }) => spec.name === word);
  if (named.length > 1)
    throw new DriftlessError("INVALID_ARGUMENT", `several clusters are called ${word}: give the address`);
  if (!named[0]) throw new DriftlessError("NOT_FOUND", `cluster "${word}" is not configured`);
  return named[0];
}
