// One object of an application's tree as it lives on the cluster now, and the events about it or about the application:
// Argo CD's GetResource and ListResourceEvents. Only objects that stand in the tree are answered; secrets are masked.
import { DriftlessError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { ApplicationController } from "#controllers/application/controller.ts";
import type { ResourceNode } from "#protocol/rest.ts";
import { maskSecrets } from "#core/compare/mask.ts";
import type { KubeClient, ResourcePath } from "#kube/types.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { AppRef } from "../queries.ts";
import { withoutManagers } from "./resources.ts";
import type { ApplicationService } from "../service.ts";

export interface ObjectDeps {
  readonly control: KubeClient;
  readonly controller: ApplicationController;
}

const eventType: ResourcePath = { group: "", version: "v1", plural: "events", namespaced: true };

/** One live object of the tree as JSON, secrets masked. Errors: NOT_FOUND, FAILED_PRECONDITION. */
export async function liveResource(
  op: Op,
  service: ApplicationService,
  deps: ObjectDeps,
  asked: { readonly ref: AppRef } & ObjectName,
): Promise<string> {
  const { ref, group = "", kind = "", namespace = "", resourceName = "" } = asked;
  const node = service.resources.node(ref, { group, kind, namespace, name: resourceName });
  const object = await liveObject(deps, op, service.queries.find(ref), node);
  return JSON.stringify(maskSecrets({ live: object }, deps.controller.maskedAnnotations).live);
}

/** Events about an application, or about one object of its tree. Errors: NOT_FOUND, FAILED_PRECONDITION. */
export async function resourceEvents(
  op: Op,
  service: ApplicationService,
  deps: ObjectDeps,
  asked: {
    readonly ref: AppRef;
    readonly resourceName?: string;
    readonly resourceNamespace?: string;
    readonly resourceUID?: string;
  },
): Promise<object> {
  const { ref, resourceName: name = "", resourceNamespace: namespace = "", resourceUID: uid = "" } = asked;
  const application = service.queries.find(ref);
  if (name === "") return eventsOf(deps.control, op, application.metadata);
  const node = service.resources
    .nodes(ref)
    .find((item) => item.name === name && (item.namespace ?? "") === namespace && (uid === "" || item.uid === uid));
  if (!node)
    throw new DriftlessError(
      "NOT_FOUND",
      `${namespace === "" ? name : `${namespace}/${name}`} is not part of application ${ref.name}`,
    );
  return eventsOf(clientOf(deps, application), op, { ...node, uid: uid || (node.uid ?? "") });
}

export interface ObjectName {
  readonly group?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly resourceName?: string;
}

/** Where an application goes. Error: FAILED_PRECONDITION. */
export function clusterOf(deps: Pick<ObjectDeps, "controller">, application: KubernetesObject) {
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

export async function eventsOf(
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
  return { metadata: {}, items: items.map(withoutManagers) };
}
