// One object of an application's tree as it lives on the cluster now, and the events about it or about the application:
// Argo CD's GetResource and ListResourceEvents. Only objects that stand in the tree are answered; secrets are masked.
import type { FastifyInstance, FastifyRequest } from "fastify";
import { DriftlessError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { ApplicationController } from "#controllers/application/controller.ts";
import type { ResourceNode } from "#protocol/rest.ts";
import { maskSecrets } from "#core/compare/mask.ts";
import type { KubeClient, ResourcePath } from "#kube/types.ts";
import type { KubernetesObject } from "#model/object.ts";
import { operationOf, type HttpDeps } from "../http.ts";
import { appRef } from "./routes.ts";
import type { AppRef } from "./queries.ts";
import type { ApplicationService } from "./service.ts";

export interface ObjectDeps extends HttpDeps {
  readonly control: KubeClient;
  readonly controller: ApplicationController;
}

const eventType: ResourcePath = { group: "", version: "v1", plural: "events", namespaced: true };
type Query = Readonly<Record<string, string | undefined>>;

export function objectRoutes(app: FastifyInstance, deps: ObjectDeps, service: ApplicationService): void {
  const base = "/api/v1/applications/:name";
  app.get(`${base}/resource`, async (request: FastifyRequest) => {
    const query = request.query as Query;
    const ref = appRef(request);
    const wanted = { group: query["group"] ?? "", kind: query["kind"] ?? "", namespace: query["namespace"] ?? "" };
    const node = inTree(service, ref, (item) => isNamed(item, { ...wanted, name: query["resourceName"] ?? "" }));
    const object = await liveObject(deps, operationOf(deps, request), service.queries.find(ref), node);
    return { manifest: JSON.stringify(maskSecrets({ live: object }).live) };
  });
  app.get(`${base}/events`, async (request: FastifyRequest) => {
    const query = request.query as Query;
    const ref = appRef(request);
    const op = operationOf(deps, request);
    const application = service.queries.find(ref);
    const name = query["resourceName"] ?? "";
    if (name === "") return eventsOf(deps.control, op, application.metadata);
    const uid = query["resourceUID"] ?? "";
    const namespace = query["resourceNamespace"] ?? "";
    const node = inTree(
      service,
      ref,
      (item) => item.name === name && (item.namespace ?? "") === namespace && (uid === "" || item.uid === uid),
    );
    return eventsOf(clientOf(deps, application), op, { ...node, uid: uid || (node.uid ?? "") });
  });
}

function inTree(service: ApplicationService, ref: AppRef, matches: (node: ResourceNode) => boolean): ResourceNode {
  const found = service.resources.tree(ref).nodes?.find(matches);
  if (!found) throw new DriftlessError("NOT_FOUND", `the object is not part of application ${ref.name}`);
  return found;
}

function isNamed(
  node: ResourceNode,
  wanted: { readonly group: string; readonly kind: string; readonly namespace: string; readonly name: string },
): boolean {
  return (
    node.kind === wanted.kind &&
    node.name === wanted.name &&
    (node.group ?? "") === wanted.group &&
    (node.namespace ?? "") === wanted.namespace
  );
}

function clusterOf(deps: ObjectDeps, application: KubernetesObject) {
  const { namespace = "", name = "" } = application.metadata;
  const cluster = deps.controller.state(namespace, name)?.cluster;
  if (!cluster) throw new DriftlessError("FAILED_PRECONDITION", "the application's cluster is not known yet");
  return cluster;
}

function clientOf(deps: ObjectDeps, application: KubernetesObject): KubeClient {
  return clusterOf(deps, application).client;
}

async function liveObject(
  deps: ObjectDeps,
  op: Op,
  application: KubernetesObject,
  node: ResourceNode,
): Promise<KubernetesObject> {
  const cluster = clusterOf(deps, application);
  const type = cluster.typeOf({ group: node.group ?? "", version: node.version, kind: node.kind });
  const at = { name: node.name, ...(node.namespace ? { namespace: node.namespace } : {}) };
  const object = type && (await cluster.client.get(op, type, at));
  if (!object) throw new DriftlessError("NOT_FOUND", `${node.kind} ${node.name} does not exist on the cluster`);
  const { managedFields: _managed, ...metadata } = object.metadata;
  return { ...object, metadata };
}

async function eventsOf(
  client: KubeClient,
  op: Op,
  about: { readonly name?: string; readonly namespace?: string; readonly uid?: string },
): Promise<{ metadata: object; items: readonly KubernetesObject[] }> {
  const selector = [`involvedObject.name=${about.name ?? ""}`];
  if (about.uid) selector.push(`involvedObject.uid=${about.uid}`);
  // Events about objects without a namespace stand in `default`.
  const { items } = await client.list(op, eventType, {
    namespace: about.namespace || "default",
    fieldSelector: selector.join(","),
  });
  return { metadata: {}, items };
}
