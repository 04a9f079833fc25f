// Applications as argocd shows them: the table of `app list`, the summary and resources of `app get`, the history. Pure.
import { formatDuration } from "#model/duration.ts";
import {
  sourcesOf,
  type Application,
  type ApplicationSource,
  type OperationState,
  type RevisionHistory,
  type SyncResourceRef,
} from "#model/application.ts";
import type { SyncWindowsAnswer } from "#protocol/rest.ts";
import { includes } from "../flags/resources.ts";
import { goTime } from "./print.ts";
import { labelled, oneLine, table } from "./table.ts";

export interface ResourceState {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly status: string;
  readonly health: string;
  readonly hook: string;
  readonly message: string;
}

/** `namespace/name`, as commands take it back. */
export const qualifiedName = (app: Application): string =>
  app.metadata.namespace ? `${app.metadata.namespace}/${app.metadata.name}` : (app.metadata.name ?? "");

export const clusterOf = (app: Application): string => app.spec.destination.server || (app.spec.destination.name ?? "");

export function isAutomated(app: Application): boolean {
  const automated = app.spec.syncPolicy?.automated;
  return automated !== undefined && automated !== null && automated.enabled !== false;
}

export function applicationTable(apps: readonly Application[]): string {
  const headers = [
    "NAME",
    "CLUSTER",
    "NAMESPACE",
    "PROJECT",
    "STATUS",
    "HEALTH",
    "SYNCPOLICY",
    "CONDITIONS",
    "REPO",
    "PATH",
    "TARGET",
  ];
  const rows = apps.map((app) => {
    const source = sourcesOf(app.spec)[0];
    return [
      qualifiedName(app),
      clusterOf(app),
      app.spec.destination.namespace ?? "",
      app.spec.project || "default",
      app.status?.sync?.status ?? "",
      app.status?.health?.status ?? "",
      syncPolicyShort(app),
      conditionsSummary(app),
      source?.repoURL ?? "",
      source?.path ?? "",
      source?.targetRevision ?? "",
    ];
  });
  return table([headers, ...rows]);
}

function syncPolicyShort(app: Application): string {
  if (!isAutomated(app)) return "Manual";
  return app.spec.syncPolicy?.automated?.prune ? "Auto-Prune" : "Auto";
}

function conditionsSummary(app: Application): string {
  const counts = new Map<string, number>();
  for (const { type } of app.status?.conditions ?? []) counts.set(type, (counts.get(type) ?? 0) + 1);
  if (counts.size === 0) return "<none>";
  return [...counts].map(([type, count]) => (count > 1 ? `${type}(${count})` : type)).join(",");
}

/** The block that `app get`, `sync`, `wait` and `rollback` print of an application. */
export function summary(app: Application, serverUrl: string, windows?: SyncWindowsAnswer): string {
  const sources = sourcesOf(app.spec);
  const several = (app.spec.sources?.length ?? 0) > 0;
  return [
    labelled("Name:", qualifiedName(app)),
    labelled("Project:", app.spec.project || "default"),
    labelled("Server:", clusterOf(app)),
    labelled("Namespace:", app.spec.destination.namespace ?? ""),
    labelled("URL:", `${serverUrl}/applications/${app.metadata.name}`),
    several ? "Sources:\n" : "Source:\n",
    ...sources.map(sourceText),
    ...windowLines(windows),
    labelled("Sync Policy:", syncPolicyLong(app)),
    labelled("Sync Status:", syncStatus(app, sources[0])),
    labelled("Health Status:", healthText(app)),
  ].join("");
}

/** As argocd prints windows, and ours: when the answer next changes. */
function windowLines(windows: SyncWindowsAnswer | undefined): string[] {
  const assigned = windows?.assignedWindows ?? [];
  const texts = assigned.map(({ kind, schedule, duration }) => `${kind}:${schedule}:${duration}`);
  const next = windows?.nextChange;
  return [
    labelled("SyncWindow:", windows?.state ?? wordOf(windows)),
    ...(texts.length > 0 ? [labelled("Assigned Windows:", texts.join(","))] : []),
    ...(next ? [labelled("Next Change:", `${next.state} from ${goTime(next.at)}`)] : []),
  ];
}

/** Argo CD answers windows without saying what follows from them. */
function wordOf(windows: SyncWindowsAnswer | undefined): string {
  if (!windows) return "Sync Allowed";
  const active = windows.activeWindows ?? [];
  const denied = active.some(({ kind }) => kind === "deny");
  const closed = active.length === 0 && (windows.assignedWindows ?? []).some(({ kind }) => kind === "allow");
  if (!denied && !closed) return "Sync Allowed";
  return windows.canSync ? "Manual Allowed" : "Sync Denied";
}

function sourceText(source: ApplicationSource): string {
  const valueFiles = source.helm?.["valueFiles"];
  const prefix = source.kustomize?.["namePrefix"];
  return [
    labelled("- Repo:", source.repoURL),
    labelled("  Target:", source.targetRevision ?? ""),
    source.path ? labelled("  Path:", source.path) : "",
    source.chart ? labelled("  Chart:", source.chart) : "",
    source.ref ? labelled("  Ref:", source.ref) : "",
    Array.isArray(valueFiles) && valueFiles.length > 0 ? labelled("  Helm Values:", valueFiles.join(",")) : "",
    typeof prefix === "string" && prefix !== "" ? labelled("  Name Prefix:", prefix) : "",
  ].join("");
}

function syncPolicyLong(app: Application): string {
  if (!isAutomated(app)) return "Manual";
  return app.spec.syncPolicy?.automated?.prune ? "Automated (Prune)" : "Automated";
}

function syncStatus(app: Application, source: ApplicationSource | undefined): string {
  const status = app.status?.sync?.status ?? "";
  const target = source?.targetRevision ?? "";
  const revision = app.status?.sync?.revision ?? app.status?.sync?.revisions?.[0] ?? "";
  const word = status === "Synced" ? " to " : status === "OutOfSync" ? " from " : "";
  const short = !/^[0-9a-f]{7,40}$/.test(target) && revision.length > 7 ? ` (${revision.slice(0, 7)})` : "";
  return `${status}${word === "" ? "" : word + target}${short}`;
}

function healthText(app: Application): string {
  const { status = "", message = "" } = app.status?.health ?? {};
  return message === "" ? status : `${status} (${message})`;
}

export function conditionsTable(app: Application): string {
  const rows = (app.status?.conditions ?? []).map((item) => [item.type, item.message, goTime(item.lastTransitionTime)]);
  return table([["CONDITION", "MESSAGE", "LAST TRANSITION"], ...rows]);
}

/** Phase, times and message of an operation. */
export function operationText(state: OperationState, nowMs: number): string {
  const result = state.syncResult;
  const revision = result?.sources && result.revisions ? result.revisions.join(", ") : (result?.revision ?? "");
  const endMs = state.finishedAt === undefined ? nowMs : Date.parse(state.finishedAt);
  const seconds = Math.floor(endMs / 1000) - Math.floor(Date.parse(state.startedAt) / 1000);
  return [
    result ? labelled("Operation:", "Sync") + labelled("Sync Revision:", revision) : "",
    labelled("Phase:", state.phase),
    labelled("Start:", goTime(state.startedAt)),
    labelled("Finished:", goTime(state.finishedAt)),
    labelled("Duration:", formatDuration(seconds * 1000)),
    state.message ? labelled("Message:", state.message) : "",
  ].join("");
}

/** Each resource with its sync status and health, those of the last operation first, with its messages. */
export function resourceStates(app: Application, selected: readonly SyncResourceRef[] = []): ResourceState[] {
  const key = (item: { group?: string; kind: string; namespace?: string; name: string }): string =>
    `${item.group ?? ""}/${item.kind}/${item.namespace ?? ""}/${item.name}`;
  const rest = new Map((app.status?.resources ?? []).map((item) => [key(item), item]));
  const states: ResourceState[] = [];
  for (const item of app.status?.operationState?.syncResult?.resources ?? []) {
    const live = item.hookType ? undefined : rest.get(key(item));
    states.push({
      group: item.group,
      kind: item.kind,
      namespace: item.namespace,
      name: item.name,
      status: live ? (live.status ?? "") : (item.hookPhase ?? ""),
      health: live ? (live.health?.status ?? "") : (item.status ?? ""),
      hook: item.hookType ?? "",
      message: oneLine(item.message ?? ""),
    });
    rest.delete(key(item));
  }
  for (const item of [...rest.values()].sort((a, b) => (key(a) < key(b) ? -1 : 1))) {
    states.push({
      group: item.group ?? "",
      kind: item.kind,
      namespace: item.namespace ?? "",
      name: item.name,
      status: item.status ?? "",
      health: item.health?.status ?? "",
      hook: item.hook ? "Hook" : "",
      message: "",
    });
  }
  return selected.length === 0 ? states : states.filter((state) => includes(selected, state));
}

export function resourcesTable(app: Application): string {
  const rows = resourceStates(app).map((item) => [
    item.group,
    item.kind,
    item.namespace,
    item.name,
    item.status,
    item.health,
    item.hook,
    item.message,
  ]);
  return table([["GROUP", "KIND", "NAMESPACE", "NAME", "STATUS", "HEALTH", "HOOK", "MESSAGE"], ...rows]);
}

/** Helm parameters, long values cut. */
export function parametersTable(source: ApplicationSource | undefined): string {
  const parameters = source?.helm?.["parameters"];
  if (!Array.isArray(parameters)) return "";
  const rows = (parameters as { name: string; value?: string }[]).map(({ name, value = "" }) => [
    name,
    value.length > 80 ? `${value.slice(0, 77)}...` : value,
  ]);
  return `\n\n${table([["NAME", "VALUE"], ...rows])}`;
}

/** Deployments by source: the repository, then id, date and revision of each. */
export function historyTable(history: readonly RevisionHistory[]): string {
  const bySource = new Map<string, string[][]>();
  const add = (entry: RevisionHistory, source: ApplicationSource | undefined, revision: string | undefined): void => {
    const target = source?.targetRevision ?? "";
    // Of a commit its beginning says enough; a chart's version is told whole.
    const short = revision && /^[0-9a-f]{40,64}$/.test(revision) ? revision.slice(0, 7) : revision;
    const text = short === undefined || short === "" ? target : `${target} (${short})`;
    const rows = bySource.get(source?.repoURL ?? "") ?? [];
    rows.push([String(entry.id), goTime(entry.deployedAt), text]);
    bySource.set(source?.repoURL ?? "", rows);
  };
  for (const entry of history) {
    if (entry.sources?.length) {
      entry.sources.forEach((source, index) => add(entry, source, entry.revisions?.[index]));
    } else add(entry, entry.source, entry.revision);
  }
  const blocks = [...bySource].map(([url, rows]) => [["SOURCE", url], ["ID", "DATE", "REVISION"], ...rows]);
  return table(blocks.flatMap((block, index) => (index === 0 ? block : [[""], ...block])));
}
