// Services' EndpointSlices and Endpoints, and addresses of load balancers and Ingresses.
// Source: Kubernetes, "Service", "EndpointSlices", "Ingress".
import { sameJson } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { Context, Controller } from "./support/controller.ts";
import { itself, keyFor, splitKey } from "./support/controller.ts";
import { SelectorIndex } from "./support/label-index.ts";
import { controlled, deleting, kinds, ownerRefTo, writeStatus, type Pod } from "./support/objects.ts";
import { isFinished, isReady } from "./support/pods.ts";
import { randomSuffix } from "./support/hash.ts";

interface ServicePort {
  readonly name?: string;
  readonly port: number;
  readonly protocol?: string;
  readonly appProtocol?: string;
  readonly targetPort?: number | string;
}

interface Service extends KubernetesObject {
  readonly spec: {
    readonly type?: string;
    readonly clusterIP?: string;
    readonly selector?: Readonly<Record<string, string>>;
    readonly ports?: readonly ServicePort[];
    readonly publishNotReadyAddresses?: boolean;
  };
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly object[] } };
}

interface Port {
  readonly name: string;
  readonly port: number;
  readonly protocol: string;
  readonly appProtocol?: string;
}

export function endpointsController(context: Context): Controller {
  const selectors = new SelectorIndex();
  const matching = (object: KubernetesObject): string[] =>
    selectors.matching(object.metadata.namespace ?? "", object.metadata.labels);
  return {
    name: "endpointslice-controller",
    watches: [
      {
        kind: kinds.service,
        keys: ({ type, object }) => {
          const key = keyFor(object);
          const matchLabels = type === "DELETED" ? undefined : (object as Service).spec.selector;
          const any = matchLabels !== undefined && Object.keys(matchLabels).length > 0;
          selectors.set(key, object.metadata.namespace ?? "", any ? { matchLabels } : undefined);
          return [key];
        },
      },
      {
        kind: kinds.pod,
        keys: ({ type, object, old }) => {
          if (type === "MODIFIED" && old !== undefined && sameToServices(object as Pod, old as Pod)) return [];
          const keys = matching(object);
          return old === undefined || old.metadata.labels === object.metadata.labels
            ? keys
            : [...keys, ...matching(old)];
        },
      },
    ],
    reconcile: (key) => {
      const [namespace, name] = splitKey(key);
      const service = context.client.get(kinds.service, namespace, name) as Service | undefined;
      if (service === undefined) removeEndpoints(context, namespace, name);
      if (service === undefined || deleting(service)) return undefined;
      const { selector, type } = service.spec;
      if (type === "LoadBalancer") giveAddress(context, service);
      if (selector === undefined || Object.keys(selector).length === 0 || type === "ExternalName") return undefined;
      const selected = context.pods.select(namespace, { matchLabels: selector }) as readonly Pod[];
      const pods = selected.filter((pod) => pod.status?.podIP !== undefined && !isFinished(pod));
      writeSlice(context, service, pods);
      writeEndpoints(context, service, pods);
      return undefined;
    },
  };
}

function sameToServices(now: Pod, before: Pod): boolean {
  return (
    now.metadata.labels === before.metadata.labels &&
    now.status?.podIP === before.status?.podIP &&
    isReady(now) === isReady(before) &&
    deleting(now) === deleting(before) &&
    isFinished(now) === isFinished(before)
  );
}

function resolvePorts(service: Service, pods: readonly Pod[]): readonly Port[] {
  const ports: Port[] = [];
  for (const { name = "", port, protocol = "TCP", targetPort = port, appProtocol } of service.spec.ports ?? []) {
    const number = typeof targetPort === "number" ? targetPort : namedPort(pods, targetPort);
    if (number === undefined) continue;
    ports.push({ name, port: number, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) });
  }
  return ports;
}

function namedPort(pods: readonly Pod[], name: string): number | undefined {
  for (const pod of pods) {
    for (const container of pod.spec.containers) {
      const found = container.ports?.find((each) => each.name === name);
      if (found !== undefined) return found.containerPort;
    }
  }
  return undefined;
}

function targetRef(pod: Pod): object {
  const { name, namespace, uid } = pod.metadata;
  return { kind: "Pod", name, namespace, uid };
}

/** One slice for each service: real clusters split beyond 100 endpoints, which nothing here depends on. */
function writeSlice(context: Context, service: Service, pods: readonly Pod[]): void {
  const { name = "", namespace = "" } = service.metadata;
  const found = [...pods].sort(byName).map((pod) => {
    const serving = isReady(pod) || service.spec.publishNotReadyAddresses === true;
    const terminating = deleting(pod);
    return {
      addresses: [pod.status?.podIP ?? ""],
      conditions: { ready: serving && !terminating, serving, terminating },
      ...(pod.spec.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
      targetRef: targetRef(pod),
    };
  });
  // Where there are no endpoints the API has null, not empty lists, and names no ports.
  const none = pods.length === 0;
  const endpoints = none ? null : found;
  const ports = none ? null : resolvePorts(service, pods);
  const there = controlled(context, service, kinds.endpointSlice)[0];
  if (there !== undefined) {
    if (sameJson(there["endpoints"] ?? null, endpoints) && sameJson(there["ports"] ?? null, ports)) return;
    context.client.update({ ...there, endpoints, ports });
    return;
  }
  const headless: Record<string, string> =
    service.spec.clusterIP === "None" ? { "service.kubernetes.io/headless": "" } : {};
  context.client.create({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `${name}-${randomSuffix(context.random)}`,
      generateName: `${name}-`,
      namespace,
      labels: {
        ...service.metadata.labels,
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        "kubernetes.io/service-name": name,
        ...headless,
      },
      ownerReferences: [ownerRefTo(service)],
    },
    addressType: "IPv4",
    endpoints,
    ports,
  });
}

function byName(a: KubernetesObject, b: KubernetesObject): number {
  return (a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1;
}

function writeEndpoints(context: Context, service: Service, pods: readonly Pod[]): void {
  const { name = "", namespace = "", labels } = service.metadata;
  const ports = resolvePorts(service, pods).map(({ name: port, ...rest }) =>
    port === "" ? rest : { name: port, ...rest },
  );
  const address = (pod: Pod): object => ({
    ip: pod.status?.podIP,
    ...(pod.spec.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
    targetRef: targetRef(pod),
  });
  const sorted = pods.filter((pod) => !deleting(pod)).sort(byName);
  const serves = (pod: Pod): boolean => isReady(pod) || service.spec.publishNotReadyAddresses === true;
  const ready = sorted.filter(serves).map(address);
  const notReady = sorted.filter((pod) => !serves(pod)).map(address);
  const subset = {
    ...(ready.length === 0 ? {} : { addresses: ready }),
    ...(notReady.length === 0 ? {} : { notReadyAddresses: notReady }),
    ...(ports.length === 0 ? {} : { ports }),
  };
  const subsets = sorted.length === 0 ? {} : { subsets: [subset] };
  const there = context.client.get(kinds.endpoints, namespace, name);
  if (there !== undefined) {
    const { subsets: before, ...rest } = there;
    if (!sameJson(before, subsets.subsets)) context.client.update({ ...rest, ...subsets });
    return;
  }
  context.client.create({
    apiVersion: "v1",
    kind: "Endpoints",
    metadata: { name, namespace, labels: { ...labels, "endpoints.kubernetes.io/managed-by": "endpoint-controller" } },
    ...subsets,
  });
}

/** Endpoints bear their Service's name and no owner reference: they are removed by name, and only if ours. */
function removeEndpoints(context: Context, namespace: string, name: string): void {
  const there = context.client.get(kinds.endpoints, namespace, name);
  if (there?.metadata.labels?.["endpoints.kubernetes.io/managed-by"] !== "endpoint-controller") return;
  context.client.delete({ ...kinds.endpoints, namespace, name });
}

function giveAddress(context: Context, service: Service): void {
  if ((service.status?.loadBalancer?.ingress ?? []).length > 0) return;
  const ingress = [{ ip: fakeAddress(service), ipMode: "VIP" }];
  writeStatus(context, service, { ...service.status, loadBalancer: { ingress } });
}

/** An address of the documentation's range (RFC 5737), the same for the same object. */
function fakeAddress(object: KubernetesObject): string {
  let sum = 0;
  for (const letter of keyFor(object)) sum = (sum * 31 + letter.charCodeAt(0)) % 254;
  return `203.0.113.${sum + 1}`;
}

export function ingressController(context: Context): Controller {
  return {
    name: "ingress-controller",
    watches: [itself(kinds.ingress)],
    reconcile: (key) => {
      const [namespace, name] = splitKey(key);
      const ingress = context.client.get(kinds.ingress, namespace, name) as Service | undefined;
      if (ingress === undefined || deleting(ingress)) return undefined;
      if ((ingress.status?.loadBalancer?.ingress ?? []).length > 0) return undefined;
      writeStatus(context, ingress, { ...ingress.status, loadBalancer: { ingress: [{ ip: fakeAddress(ingress) }] } });
      return undefined;
    },
  };
}
