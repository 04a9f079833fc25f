// What an application asks of its sources and its cluster, and the way from sources to its desired state.
import type { Operation as Op } from "#base/operation.ts";
import type { TrackingSettings } from "#core/track/track.ts";
import { sourcesOf, type Application, type AppProject } from "#model/application.ts";
import { annotation } from "#model/names.ts";
import type { Capabilities } from "#render/types.ts";
import type { DestinationCluster } from "../deps.ts";
import { desiredState, type Desired } from "./desired.ts";
import type { FollowRequest, RenderedSource, RevisionChoice, Sources } from "./sources.ts";
import type { AppState } from "../state.ts";

export function followRequest(app: Application, key: string, cluster?: DestinationCluster): FollowRequest {
  const generatePaths = app.metadata.annotations?.[annotation.manifestGeneratePaths];
  return {
    ...(cluster ? { capabilities: (op) => capabilitiesOf(op, cluster) } : {}),
    application: key,
    project: app.spec.project || "default",
    sources: sourcesOf(app.spec),
    namespace: app.spec.destination.namespace ?? "",
    appName: app.metadata.name ?? "",
    ...(generatePaths ? { generatePaths } : {}),
  };
}

/** The cluster's version, and what it serves, as Helm's templates ask for it. */
async function capabilitiesOf(op: Op, { client }: DestinationCluster): Promise<Capabilities> {
  const [{ gitVersion }, types] = await Promise.all([client.version(op), client.discovery.all(op)]);
  const served = new Set<string>();
  for (const { group, version, kind } of types) {
    const groupVersion = group === "" ? version : `${group}/${version}`;
    served.add(groupVersion).add(`${groupVersion}/${kind}`);
  }
  return { kubeVersion: gitVersion, apiVersions: [...served].sort() };
}

/** Whether a kind is namespaced on a cluster; undefined: the cluster does not know it. */
export function scopeOf(
  cluster: DestinationCluster,
  kind: { group: string; version: string; kind: string },
): "namespaced" | "cluster" | undefined {
  const type = cluster.typeOf(kind);
  return type === undefined ? undefined : type.namespaced ? "namespaced" : "cluster";
}

export interface DesiredContext {
  readonly state: AppState;
  readonly project: AppProject;
  readonly cluster: DestinationCluster;
  readonly tracking: TrackingSettings;
}

/** Takes what was rendered for an application; returns its desired state on its cluster, whose kinds are learnt first. */
export async function toDesired(
  op: Op,
  context: DesiredContext,
  rendered: readonly RenderedSource[],
): Promise<Desired> {
  const { state, project, cluster, tracking } = context;
  await cluster.learnKinds(
    op,
    rendered.flatMap(({ result }) => result.objects.map(({ object }) => object)),
  );
  return desiredState({
    application: state.tag,
    rendered,
    destination: {
      server: cluster.server,
      name: cluster.name,
      namespace: state.app.spec.destination.namespace ?? "",
    },
    tracking,
    project,
    scopeOf: (kind) => scopeOf(cluster, kind),
    excludes: (kind) => cluster.excludes?.(kind) ?? false,
  });
}

/** The desired state at other revisions or of other sources; follows nothing. Errors: those of rendering. */
export async function desiredAt(
  op: Op,
  context: DesiredContext & { readonly sources: Sources },
  at: { readonly revisions: readonly RevisionChoice[]; readonly sources?: FollowRequest["sources"] },
): Promise<Desired> {
  const { app, key } = context.state;
  const request = { ...followRequest(app, key, context.cluster), ...(at.sources ? { sources: at.sources } : {}) };
  return toDesired(op, context, await context.sources.renderAt(op, request, at.revisions));
}
