// A cluster as a person with kubectl sees it: get, apply, edit, delete by kind and name. For tests.
import { silentLogger, type Operation } from "#base/operation.ts";
import { clientFromKubeconfig } from "#kube/credentials.ts";
import type { DeleteOptions, KubeClient, PatchType, ResourceType } from "#kube/types.ts";
import { parseApiVersion, type KubernetesObject } from "#model/object.ts";
import { eventually } from "./eventually.ts";
import { systemClock, systemRandom } from "./cluster.ts";

/** Kinds that tests name without their group. Others are written `group/version/Kind`. */
const apiVersions: Readonly<Record<string, string>> = {
  ConfigMap: "v1",
  Secret: "v1",
  Namespace: "v1",
  Service: "v1",
  ServiceAccount: "v1",
  Pod: "v1",
  Event: "v1",
  Deployment: "apps/v1",
  ReplicaSet: "apps/v1",
  StatefulSet: "apps/v1",
  Job: "batch/v1",
  CronJob: "batch/v1",
  ClusterRole: "rbac.authorization.k8s.io/v1",
  CustomResourceDefinition: "apiextensions.k8s.io/v1",
  Application: "argoproj.io/v1alpha1",
  AppProject: "argoproj.io/v1alpha1",
  ApplicationSet: "argoproj.io/v1alpha1",
};

export interface Kube {
  readonly kubeconfig: string;
  readonly client: KubeClient;
  get(kind: string, name: string, namespace?: string): Promise<KubernetesObject | undefined>;
  list(kind: string, namespace?: string, labelSelector?: string): Promise<readonly KubernetesObject[]>;
  /** Creates; throws where it exists. */
  create(object: KubernetesObject): Promise<KubernetesObject>;
  /** An edit by hand: a merge patch unless told. */
  edit(
    kind: string,
    at: { name: string; namespace?: string },
    body: unknown,
    type?: PatchType,
  ): Promise<KubernetesObject>;
  remove(kind: string, name: string, namespace?: string, options?: DeleteOptions): Promise<void>;
  close(): Promise<void>;
}

export function connectKube(kubeconfig: string): Kube {
  const ending = new AbortController();
  const op: Operation = { signal: ending.signal, log: silentLogger };
  const client = clientFromKubeconfig(
    { path: kubeconfig },
    { clock: systemClock, random: systemRandom, userAgent: "driftless-test" },
  );
  const typeOf = async (kind: string): Promise<ResourceType> => {
    const parts = kind.split("/");
    const apiVersion = parts.length > 1 ? parts.slice(0, -1).join("/") : (apiVersions[kind] ?? "v1");
    let found = await client.discovery.find(op, { ...parseApiVersion(apiVersion), kind: parts.at(-1)! });
    // A kind that came a moment ago may be missing from what was learnt of its group before.
    for (let attempt = 0; !found && attempt < 20; attempt++) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      client.discovery.invalidate();
      found = await client.discovery.find(op, { ...parseApiVersion(apiVersion), kind: parts.at(-1)! });
    }
    if (!found) throw new Error(`the cluster does not know ${kind}`);
    return found;
  };
  const ref = (name: string, namespace?: string): { name: string; namespace?: string } => ({
    name,
    ...(namespace === undefined ? {} : { namespace }),
  });
  return {
    kubeconfig,
    client,
    get: async (kind, name, namespace) => client.get(op, await typeOf(kind), ref(name, namespace)),
    list: async (kind, namespace, labelSelector) => {
      const options = { ...(namespace ? { namespace } : {}), ...(labelSelector ? { labelSelector } : {}) };
      return (await client.list(op, await typeOf(kind), options)).items;
    },
    create: async (object) => client.create(op, await typeOf(`${object.apiVersion}/${object.kind}`), object),
    edit: async (kind, at, body, type = "merge") =>
      client.patch(op, await typeOf(kind), at, { type, body }, { fieldManager: "kubectl-edit" }),
    remove: async (kind, name, namespace, options) =>
      client.delete(op, await typeOf(kind), ref(name, namespace), options),
    close: async () => {
      ending.abort();
      await client.close();
    },
  };
}

/** Waits until a kind that was just defined is served. */
export async function kindServed(kube: Kube, kind: string, namespace: string): Promise<void> {
  await eventually(() => kube.list(kind, namespace));
}
