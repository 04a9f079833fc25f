// The links beside an application and beside one of its objects: what they may speak of. Names and semantics follow Argo CD's
// ListLinks and ListResourceLinks.
import type { Operation as Op } from "#base/operation.ts";
import { isDestinationPermitted } from "#core/policy/project.ts";
import type { Clusters } from "#kube/clusters.ts";
import type { ConfigData } from "#model/settings.ts";
import { linksOf, resourceData, type LinkData } from "../../links.ts";
import type { ActionMeans } from "./action-means.ts";
import { liveResource, type ObjectDeps, type ObjectName } from "./objects.ts";
import type { AppRef } from "../queries.ts";
import type { ApplicationService } from "../service.ts";

export interface ApplicationLinkDeps extends ObjectDeps {
  readonly actions: ActionMeans;
  readonly clusters: Pick<Clusters, "byServer" | "byName">;
  config(name: string): ConfigData | undefined;
}

export function applicationLinks(
  op: Op,
  service: ApplicationService,
  deps: ApplicationLinkDeps,
  ref: AppRef,
): Promise<object> {
  return links(op, deps, "application.links", dataOf(service, deps, ref));
}

/** Errors: NOT_FOUND, FAILED_PRECONDITION. */
export async function resourceLinks(
  op: Op,
  service: ApplicationService,
  deps: ApplicationLinkDeps,
  asked: { readonly ref: AppRef } & ObjectName,
): Promise<object> {
  const resource = resourceData(await liveResource(op, service, deps, asked));
  return links(op, deps, "resource.links", { ...dataOf(service, deps, asked.ref), ...(resource ? { resource } : {}) });
}

function links(op: Op, deps: ApplicationLinkDeps, key: string, about: LinkData): Promise<object> {
  return linksOf(op, deps.actions.evaluators, { key, text: deps.config("argocd-cm")?.[key] }, about);
}

/** The cluster is told of only where the project permits it. */
function dataOf(service: ApplicationService, deps: ApplicationLinkDeps, ref: AppRef): LinkData {
  const app = service.queries.presented(service.queries.find(ref));
  const project = deps.actions.project(app.spec.project || "default");
  const { server = "", name = "", namespace = "" } = app.spec.destination;
  const cluster = (server === "" ? deps.clusters.byName(name)[0] : deps.clusters.byServer(server))?.spec;
  const permitted =
    cluster &&
    project &&
    isDestinationPermitted(project.spec, { server: cluster.server, name: cluster.name, namespace });
  return { app, ...(project ? { project } : {}), ...(permitted ? { cluster } : {}) };
}
