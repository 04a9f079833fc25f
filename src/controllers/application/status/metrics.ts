// The controller's metrics, named as Argo CD names them. Read when scraped; keeps nothing.
import { sourcesOf } from "#model/application.ts";
import type { Metrics } from "#runtime/metrics.ts";
import type { ApplicationController } from "../controller.ts";
import type { ClusterDirectory } from "../deps.ts";

export function applicationMetrics(
  metrics: Metrics,
  controller: ApplicationController,
  clusters: ClusterDirectory,
): void {
  const info = [
    "namespace",
    "name",
    "project",
    "autosync_enabled",
    "repo",
    "dest_server",
    "dest_namespace",
    "sync_status",
    "health_status",
    "operation",
  ];
  metrics.gauge("argocd_app_info", "Information about application.", info, (set) => {
    for (const { app } of controller.states()) {
      const automated = app.spec.syncPolicy?.automated;
      const operation = app.metadata.deletionTimestamp !== undefined ? "delete" : app.operation ? "sync" : "";
      set(
        {
          namespace: app.metadata.namespace ?? "",
          name: app.metadata.name ?? "",
          project: app.spec.project || "default",
          autosync_enabled: String(automated !== undefined && automated.enabled !== false),
          repo: withoutCredentials(sourcesOf(app.spec)[0]?.repoURL ?? ""),
          dest_server: app.spec.destination.server ?? app.spec.destination.name ?? "",
          dest_namespace: app.spec.destination.namespace ?? "",
          sync_status: app.status?.sync?.status ?? "Unknown",
          health_status: app.status?.health?.status ?? "Unknown",
          operation,
        },
        1,
      );
    }
  });
  metrics.gauge("argocd_app_condition", "Report application conditions.", ["namespace", "name", "condition"], (set) => {
    for (const { app } of controller.states()) {
      for (const { type } of app.status?.conditions ?? [])
        set({ namespace: app.metadata.namespace ?? "", name: app.metadata.name ?? "", condition: type }, 1);
    }
  });
  metrics.gauge(
    "argocd_cluster_api_resource_objects",
    "Number of k8s resource objects in the cache.",
    ["server"],
    (set) => {
      for (const cluster of clusters.started()) set({ server: cluster.server }, cluster.cache.size);
    },
  );
  metrics.gauge("argocd_cluster_api_resources", "Number of monitored kubernetes API resources.", ["server"], (set) => {
    for (const cluster of clusters.started()) set({ server: cluster.server }, cluster.cache.types().length);
  });
  metrics.gauge("argocd_cluster_connection_status", "The k8s cluster current connection status.", ["server"], (set) => {
    for (const cluster of clusters.started()) set({ server: cluster.server }, cluster.cache.synced ? 1 : 0);
  });
  metrics.gauge("workqueue_depth", "Current depth of workqueue", ["name"], (set) =>
    set({ name: "app_reconciliation_queue" }, controller.queueDepth),
  );
}

function withoutCredentials(url: string): string {
  return url.replace(/^([a-z+]+:\/\/)[^/@]*@/i, "$1");
}
