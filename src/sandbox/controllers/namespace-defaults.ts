// What every namespace has: the ServiceAccount `default` and the ConfigMap kube-root-ca.crt. Source: Kubernetes,
// "Managing Service Accounts" (ServiceAccount controller, root CA publisher).
import type { KubernetesObject } from "#model/object.ts";
import type { Context, Controller } from "./support/controller.ts";
import { splitKey } from "./support/controller.ts";
import { deleting, kinds } from "./support/objects.ts";

const account = "default";
const rootCa = "kube-root-ca.crt";

export function namespaceDefaultsController(context: Context): Controller {
  const of = (namespace: string | undefined): string[] => [`/${namespace ?? ""}`];
  return {
    name: "namespace-defaults",
    watches: [
      {
        kind: kinds.namespace,
        keys: ({ type, object }) => (type === "ADDED" ? of(object.metadata.name) : []),
      },
      {
        kind: kinds.serviceAccount,
        keys: ({ type, object: { metadata } }) =>
          type === "DELETED" && metadata.name === account ? of(metadata.namespace) : [],
      },
      {
        kind: kinds.configMap,
        keys: ({ type, object: { metadata } }) =>
          type !== "ADDED" && metadata.name === rootCa ? of(metadata.namespace) : [],
      },
    ],
    reconcile: (key) => {
      const [, name] = splitKey(key);
      const namespace = context.client.get(kinds.namespace, "", name);
      if (namespace !== undefined && !deleting(namespace)) ensure(context, name);
      return undefined;
    },
  };
}

function ensure(context: Context, namespace: string): void {
  const { client, caCertificate } = context;
  if (client.get(kinds.serviceAccount, namespace, account) === undefined) {
    client.create({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: account, namespace } });
  }
  const data = { "ca.crt": caCertificate };
  const there = client.get(kinds.configMap, namespace, rootCa);
  const wanted: KubernetesObject = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: {
      name: rootCa,
      namespace,
      annotations: {
        "kubernetes.io/description":
          "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.",
      },
    },
    data,
  };
  if (there === undefined) client.create(wanted);
  else if ((there["data"] as Record<string, string> | undefined)?.["ca.crt"] !== caCertificate) {
    client.update({ ...there, data });
  }
}
