// What an application asks of its sources and its cluster, read from its spec. Pure.
import { sourcesOf, type Application } from "#model/application.ts";
import type { DestinationCluster } from "./deps.ts";
import type { FollowRequest } from "./sources.ts";

export function followRequest(app: Application, key: string): FollowRequest {
  return {
    application: key,
    project: app.spec.project || "default",
    sources: sourcesOf(app.spec),
    namespace: app.spec.destination.namespace ?? "",
    appName: app.metadata.name ?? "",
  };
}

/** Whether a kind is namespaced on a cluster; undefined: the cluster does not know it. */
export function scopeOf(
  cluster: DestinationCluster,
  kind: { group: string; version: string; kind: string },
): "namespaced" | "cluster" | undefined {
  const type = cluster.typeOf(kind);
  return type === undefined ? undefined : type.namespaced ? "namespaced" : "cluster";
}
