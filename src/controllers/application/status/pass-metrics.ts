// Metrics of passes and syncs, told as they end; named as Argo CD names them.
import type { Application, OperationState } from "#model/application.ts";
import type { Metrics } from "#runtime/metrics.ts";

/** The cluster by which applications are worked on side by side, as their destinations have it. */
export function laneOf(app: Application | undefined): string {
  const destination = app?.spec.destination;
  return destination?.server ?? destination?.name ?? "";
}

/** How passes and syncs went: each is told when it ends. */
export function passMetrics(metrics: Metrics): {
  readonly syncEnded: (app: Application, ended: OperationState) => void;
  readonly passEnded: (app: Application | undefined, durationMs: number) => void;
} {
  const perApp = ["namespace", "name", "project", "dest_server"];
  const total = metrics.counter("argocd_app_sync_total", "Number of application syncs.", [...perApp, "phase"]);
  const seconds = metrics.counter(
    "argocd_app_sync_duration_seconds_total",
    "Application sync performance in seconds total.",
    perApp,
  );
  const reconciles = metrics.histogram("argocd_app_reconcile", "Application reconciliation performance in seconds.", {
    labels: ["namespace", "dest_server"],
    buckets: [0.01, 0.05, 0.25, 0.5, 1, 2, 4, 8, 16],
  });
  return {
    syncEnded(app, { phase, startedAt, finishedAt }) {
      const labels = {
        namespace: app.metadata.namespace ?? "",
        name: app.metadata.name ?? "",
        project: app.spec.project || "default",
        dest_server: laneOf(app),
      };
      total.inc({ ...labels, phase });
      seconds.inc(labels, Math.max(0, (Date.parse(finishedAt ?? "") - Date.parse(startedAt)) / 1000) || 0);
    },
    passEnded(app, durationMs) {
      reconciles.observe({ namespace: app?.metadata.namespace ?? "", dest_server: laneOf(app) }, durationMs / 1000);
    },
  };
}
