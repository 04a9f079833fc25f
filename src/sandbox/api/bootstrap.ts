// What every cluster has from its first start: the namespaces, and the Service of the API itself.
import { gvkOf, type KubernetesObject } from "#model/object.ts";
import type { Core } from "./core.ts";
import { resourceId } from "./kinds.ts";
import { createObject, storeChange } from "./writes.ts";

const manager = "kube-apiserver";
const namespaces = ["default", "kube-node-lease", "kube-public", "kube-system"];

/** Creates what is missing. Existing objects are left alone, but for the API's address. */
export function bootstrap(core: Core, port: number): void {
  for (const name of namespaces) ensure(core, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  const labels = { component: "apiserver", provider: "kubernetes" };
  ensure(core, {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "kubernetes", namespace: "default", labels },
    spec: {
      type: "ClusterIP",
      clusterIP: "10.96.0.1",
      ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: port }],
    },
  });
  ensure(core, {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "kubernetes", namespace: "default", labels: { "kubernetes.io/service-name": "kubernetes" } },
    addressType: "IPv4",
    endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready: true } }],
    ports: [{ name: "https", port, protocol: "TCP" }],
  });
}

function ensure(core: Core, object: KubernetesObject): void {
  const definition = core.kinds.stored(gvkOf(object));
  if (definition === undefined) return;
  const { namespace = "", name = "" } = object.metadata;
  const old = core.store.get(resourceId(definition), namespace, name);
  if (old === undefined) {
    createObject(core, definition, namespace, object, { manager });
    return;
  }
  if (object.kind !== "EndpointSlice") return;
  storeChange(core, definition, { old, next: { ...old, ports: object["ports"] } }, { manager });
}
