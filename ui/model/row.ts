// What the list shows of one application.
import type { Application, HealthStatusCode, OperationPhase, SyncStatusCode } from "#model/application.ts";
import { sourcesOf } from "#model/application.ts";
import { inClusterName, inClusterServer } from "#model/names.ts";

export interface AppRow {
  /** `namespace/name`. */
  readonly key: string;
  readonly uid: string;
  readonly version: number;
  readonly name: string;
  readonly namespace: string;
  /** What people call it: with its namespace where that is not the controller's. */
  readonly title: string;
  readonly project: string;
  readonly sync: SyncStatusCode;
  readonly health: HealthStatusCode;
  readonly healthMessage: string;
  readonly operation: OperationPhase | undefined;
  /** What went wrong or is under way, in one line; empty where there is nothing to say. */
  readonly note: string;
  readonly repo: string;
  readonly path: string;
  readonly target: string;
  readonly revision: string;
  readonly cluster: string;
  readonly destination: string;
  readonly automated: boolean;
  readonly deleting: boolean;
  readonly createdAtMs: number;
  /** When a sync last ended or began; 0 where there was none. */
  readonly changedAtMs: number;
}

export function rowOf(app: Application): AppRow {
  const { metadata, spec, status } = app;
  const name = metadata.name ?? "";
  const namespace = metadata.namespace ?? "";
  const sources = sourcesOf(spec);
  const first = sources[0];
  const operation = app.operation ? "Running" : status?.operationState?.phase;
  const home = status?.controllerNamespace ?? namespace;
  return {
    key: `${namespace}/${name}`,
    uid: metadata.uid ?? "",
    version: Number(metadata.resourceVersion ?? 0),
    name,
    namespace,
    title: home === namespace ? name : `${namespace}/${name}`,
    project: spec.project || "default",
    sync: status?.sync?.status ?? "Unknown",
    health: status?.health?.status ?? "Unknown",
    healthMessage: status?.health?.message ?? "",
    operation,
    note: noteOf(app, operation),
    repo: sources.map((source) => source.repoURL).join(", "),
    path: first?.chart ?? first?.path ?? "",
    target: first?.targetRevision || "HEAD",
    revision: status?.sync?.revision ?? "",
    cluster: clusterOf(app),
    destination: spec.destination?.namespace ?? "",
    automated: spec.syncPolicy?.automated !== undefined && spec.syncPolicy.automated.enabled !== false,
    deleting: metadata.deletionTimestamp !== undefined,
    createdAtMs: Date.parse(metadata.creationTimestamp ?? "") || 0,
    changedAtMs: Date.parse(status?.operationState?.finishedAt ?? status?.operationState?.startedAt ?? "") || 0,
  };
}

function clusterOf(app: Application): string {
  const { name, server } = app.spec.destination ?? {};
  if (name) return name;
  return server === inClusterServer || !server ? inClusterName : server;
}

function noteOf(app: Application, operation: OperationPhase | undefined): string {
  const { status, metadata } = app;
  if (metadata.deletionTimestamp !== undefined) return "being deleted";
  const condition = status?.conditions?.find((item) => !item.type.endsWith("Warning"));
  if (condition) return condition.message;
  if (operation === "Running" || operation === "Terminating") return status?.operationState?.message ?? "syncing";
  if (operation === "Failed" || operation === "Error") return status?.operationState?.message ?? "the last sync failed";
  return status?.health?.status === "Degraded" ? (status.health.message ?? "") : "";
}
