// Makes the plan of a sync: what it works on (the comparison as it stands, or another revision's objects beside what is
// live) and core/sync's plan of it. Starts nothing, so that a plan can be shown before it runs.
import type { Operation as Op } from "#base/operation.ts";
import { whyForbidden } from "#core/policy/project.ts";
import { planSync, type SyncPlan, type SyncResource } from "#core/sync/plan.ts";
import { withTracking } from "#core/track/track.ts";
import { sourcesOf, type AppProject, type SyncOperation } from "#model/application.ts";
import { keyText, type KubernetesObject } from "#model/object.ts";
import type { ApplicationControllerDeps, DestinationCluster } from "../deps.ts";
import type { Desired } from "../desired/desired.ts";
import { livePermits } from "../comparison/live-permits.ts";
import { localSource } from "../desired/local-manifests.ts";
import { desiredAt, toDesired } from "../desired/requests.ts";
import type { Sources } from "../desired/sources.ts";
import type { AppState } from "../state.ts";
import type { Row } from "../comparison/table.ts";

interface PlanContext {
  readonly state: AppState;
  readonly project: AppProject;
  readonly cluster: DestinationCluster;
  readonly sources: Sources;
  readonly tracking: ReturnType<ApplicationControllerDeps["tracking"]>;
}

interface PlanRequest {
  readonly sync: SyncOperation;
  readonly automated: boolean;
  /** When the operation started, RFC 3339, and which attempt it is: they name its hooks. */
  readonly startedAt: string;
  readonly attempt: number;
  readonly pruneConfirmed: boolean;
}

/** The plan of an operation, with the desired state that it was made from. Errors: those of rendering. */
export async function makePlan(
  op: Op,
  context: PlanContext,
  request: PlanRequest,
): Promise<{ readonly plan: SyncPlan; readonly desired: Desired }> {
  const { state, project, cluster, tracking } = context;
  const { sync, automated } = request;
  const { desired, resources } = await resourcesOf(op, context, sync);
  const { destination, syncPolicy } = state.app.spec;
  const namespace = destination.namespace ?? "";
  const liveNamespace = cluster.cache.get({ group: "", kind: "Namespace", namespace: "", name: namespace });
  const plan = planSync({
    application: state.tag,
    namespace,
    operation: sync,
    ...(syncPolicy ? { policy: syncPolicy } : {}),
    resources,
    revision: desired.revisions[0] ?? "",
    startedAt: request.startedAt,
    attempt: request.attempt,
    ...(liveNamespace ? { liveNamespace: liveNamespace.object ?? namespaceStub(namespace) } : {}),
    kindOf: (kind) => cluster.typeOf(kind),
    forbids: (_kind, key, namespaced) =>
      whyForbidden(project, key, namespaced, {
        server: cluster.server,
        name: cluster.name,
        namespace: key.namespace || namespace,
      }),
    track: (object) => (object.kind === "Namespace" ? object : withTracking(object, state.tag, tracking)),
    ...(automated ? { allowEmpty: syncPolicy?.automated?.allowEmpty === true } : {}),
    pruneConfirmed: request.pruneConfirmed,
  });
  return { plan, desired };
}

async function resourcesOf(
  op: Op,
  context: PlanContext,
  sync: SyncOperation,
): Promise<{ desired: Desired; resources: readonly SyncResource[] }> {
  const { state, cluster } = context;
  const desired = await desiredOf(op, context, sync);
  const hooks: SyncResource[] = desired.hooks.map(({ object }) => ({ desired: object }));
  if (desired === state.desired) {
    const rows = state.table.rows().filter((row) => !row.isHook);
    return { desired, resources: [...rows.flatMap((row) => syncResourceOf(row, state.tag)), ...hooks] };
  }
  await cluster.cache.manage([...desired.objects.values(), ...desired.hooks].map(({ key }) => key));
  const resources: SyncResource[] = [];
  for (const { object, key } of desired.objects.values()) {
    const entry = cluster.cache.get(key);
    const live = entry?.object;
    resources.push({ desired: object, ...(live ? { live } : {}), ...ownerOf(entry?.tag, state.tag) });
  }
  const permits = livePermits(context.project, cluster);
  for (const { key, object } of cluster.cache.tagged(state.tag)) {
    if (!desired.objects.has(keyText(key)) && object && permits(key)) resources.push({ live: object });
  }
  return { desired, resources: [...resources, ...hooks] };
}

async function desiredOf(op: Op, context: PlanContext, sync: SyncOperation): Promise<Desired> {
  const { state } = context;
  const sources = sync.sources ?? (sync.source ? [sync.source] : sourcesOf(state.app.spec));
  const wanted = sync.revisions ?? (sync.revision ? [sync.revision] : []);
  const current = state.desired;
  const ownSources = !sync.source && !sync.sources && !sync.manifests?.length;
  if (
    ownSources &&
    current &&
    wanted.every(
      (revision, index) =>
        revision === "" || revision === current.revisions[index] || revision === sources[index]?.targetRevision,
    )
  )
    return current;
  if (sync.manifests?.length) {
    const { project } = context;
    context.sources.refuseUnsigned(state.app.spec.project || "default", sources);
    const namespace = state.app.spec.destination.namespace ?? "";
    return toDesired(op, context, [localSource(sync.manifests, { project, namespace })]);
  }
  const next = await desiredAt(op, context, { revisions: wanted, sources });
  const same = ownSources && current && hashOf(next) === hashOf(current);
  return same ? current : next;
}

/** One text for all that is desired: equal for equal content, whatever the revision. */
export function hashOf(desired: Desired): string {
  return [...desired.objects.values(), ...desired.hooks]
    .map(({ text, hash }) => `${text}=${hash}`)
    .sort()
    .join("\n");
}

/** Another application that tracking gives a live object to. */
function ownerOf(tag: string | undefined, own: string): { readonly owner?: string } {
  return tag === undefined || tag === own ? {} : { owner: tag };
}

function syncResourceOf(row: Row, own: string): SyncResource[] {
  const live = row.live?.object;
  if (!row.desired && !live) return [];
  return [
    {
      ...(row.desired ? { desired: row.desired.object } : {}),
      ...(live ? { live } : {}),
      ...ownerOf(row.live?.tag, own),
      ...(row.sync === "Unknown" ? {} : { differs: row.sync === "OutOfSync" }),
    },
  ];
}

function namespaceStub(name: string): KubernetesObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name } };
}
