// Calls of the application service, one function each.
import type { Application, ApplicationSpec, SyncResourceRef } from "#model/application.ts";
import type {
  ApplicationPage,
  KubernetesEvent,
  ManagedResource,
  ResourceNode,
  RevisionMetadata,
  WaitingAnswer,
} from "#protocol/rest.ts";
import type { ListParameters } from "../model/filter.ts";
import { request } from "./client.ts";

/** Which application: Argo CD's API names it by name, and by namespace beside it. */
export interface AppId {
  readonly name: string;
  readonly namespace: string;
}

export interface SyncInput {
  readonly revision?: string;
  readonly prune?: boolean;
  readonly dryRun?: boolean;
  readonly force?: boolean;
  readonly applyOnly?: boolean;
  readonly resources?: readonly SyncResourceRef[];
  readonly syncOptions?: readonly string[];
}

export type Cascade = "foreground" | "background" | "orphan";

const path = (id: AppId): string => `/applications/${encodeURIComponent(id.name)}`;
const at = (id: AppId): { appNamespace: string } => ({ appNamespace: id.namespace });

/** What a row of the list is made of: the server leaves out the rest, which is most of it. */
const rowFields = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "metadata.resourceVersion",
  "metadata.creationTimestamp",
  "metadata.deletionTimestamp",
  "spec.project",
  "spec.source",
  "spec.sources",
  "spec.destination",
  "spec.syncPolicy",
  "operation",
  "status.sync.status",
  "status.sync.revision",
  "status.health",
  "status.reconciledAt",
  "status.conditions",
  "status.controllerNamespace",
  "status.operationState.phase",
  "status.operationState.message",
  "status.operationState.startedAt",
  "status.operationState.finishedAt",
];
const pageFields = ["metadata", ...rowFields.map((field) => `items.${field}`)].join(",");
const nameFields = "items.metadata.name,items.metadata.namespace";
/** Of a change only whose it is: what is shown is asked for anew. */
export const changeFields = "result.type,result.application.metadata.name,result.application.metadata.namespace";

/** Rows from `offset` on, `limit` of them at most. */
export function pageOfApplications(
  parameters: ListParameters,
  part: { readonly offset: number; readonly limit: number },
  signal: AbortSignal,
): Promise<ApplicationPage> {
  const { offset, limit } = part;
  const query = { ...parameters, offset: String(offset), limit: String(limit), fields: pageFields };
  return request("/applications", { query, signal });
}

/** The names of all that match. */
export async function namesOfApplications(parameters: ListParameters): Promise<readonly AppId[]> {
  const { items } = await request<ApplicationPage>("/applications", { query: { ...parameters, fields: nameFields } });
  return (items ?? []).map(({ metadata: { name = "", namespace = "" } }) => ({ name, namespace }));
}

export function getApplication(id: AppId, signal?: AbortSignal): Promise<Application> {
  return request(path(id), { query: at(id), ...(signal ? { signal } : {}) });
}

/** What a sync of the application waits for, with the reasons. */
export function getWaiting(id: AppId, signal: AbortSignal): Promise<WaitingAnswer> {
  return request(`${path(id)}/waiting`, { query: at(id), signal });
}

/** Has the application compared anew; `hard` reads the repository without any cache. Returns when it has been. */
export function refreshApplication(id: AppId, kind: "normal" | "hard"): Promise<Application> {
  return request(path(id), { query: { ...at(id), refresh: kind } });
}

export function createApplication(application: unknown): Promise<Application> {
  return request("/applications", { method: "POST", body: application });
}

export function updateSpec(id: AppId, spec: ApplicationSpec): Promise<ApplicationSpec> {
  return request(`${path(id)}/spec`, { method: "PUT", query: at(id), body: spec });
}

export function syncApplication(id: AppId, input: SyncInput): Promise<Application> {
  const { revision, prune, dryRun, force, applyOnly, resources, syncOptions } = input;
  const forced = force ? { force: true } : {};
  return request(`${path(id)}/sync`, {
    method: "POST",
    query: at(id),
    body: {
      ...at(id),
      ...(revision ? { revision } : {}),
      prune: prune ?? false,
      dryRun: dryRun ?? false,
      ...(applyOnly || force ? { strategy: applyOnly ? { apply: forced } : { hook: forced } } : {}),
      ...(resources ? { resources } : {}),
      ...(syncOptions ? { syncOptions: { items: syncOptions } } : {}),
    },
  });
}

export function rollbackApplication(id: AppId, history: number, prune: boolean): Promise<Application> {
  return request(`${path(id)}/rollback`, { method: "POST", query: at(id), body: { ...at(id), id: history, prune } });
}

export function deleteApplication(id: AppId, cascade: Cascade): Promise<unknown> {
  const query =
    cascade === "orphan" ? { ...at(id), cascade: "false" } : { ...at(id), cascade: "true", propagationPolicy: cascade };
  return request(path(id), { method: "DELETE", query });
}

export function terminateOperation(id: AppId): Promise<unknown> {
  return request(`${path(id)}/operation`, { method: "DELETE", query: at(id) });
}

export async function managedResources(id: AppId, signal: AbortSignal): Promise<readonly ManagedResource[]> {
  const answer = await request<{ items?: readonly ManagedResource[] }>(`${path(id)}/managed-resources`, {
    query: at(id),
    signal,
  });
  return answer.items ?? [];
}

export function revisionMetadata(id: AppId, revision: string, signal: AbortSignal): Promise<RevisionMetadata> {
  return request(`${path(id)}/revisions/${encodeURIComponent(revision)}/metadata`, { query: at(id), signal });
}

/** The object as it lives on the cluster now, secrets masked. */
export async function liveObject(id: AppId, node: ResourceNode, signal: AbortSignal): Promise<unknown> {
  const { group, version, kind, namespace, name } = node;
  const query = { ...at(id), group, version, kind, namespace, resourceName: name };
  const answer = await request<{ manifest?: string }>(`${path(id)}/resource`, { query, signal });
  return JSON.parse(answer.manifest ?? "null") as unknown;
}

/** Events about one object, or about the application itself; the newest first. */
export async function listEvents(
  id: AppId,
  node: ResourceNode | undefined,
  signal: AbortSignal,
): Promise<readonly KubernetesEvent[]> {
  const about = node ? { resourceName: node.name, resourceNamespace: node.namespace, resourceUID: node.uid } : {};
  const answer = await request<{ items?: readonly KubernetesEvent[] }>(`${path(id)}/events`, {
    query: { ...at(id), ...about },
    signal,
  });
  return [...(answer.items ?? [])].sort((a, b) => (eventTime(a) < eventTime(b) ? 1 : -1));
}

export function eventTime(event: KubernetesEvent): string {
  return event.lastTimestamp ?? event.eventTime ?? event.firstTimestamp ?? event.metadata.creationTimestamp ?? "";
}
