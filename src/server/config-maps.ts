// ConfigMaps of the installation, read and changed: a change loses nobody else's. Knows nothing of what they mean.
import { DriftlessError, toError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { KubeClient, ResourcePath } from "#kube/types.ts";

export type ConfigMapData = Readonly<Record<string, string>>;

export interface ConfigMapDeps {
  readonly control: KubeClient;
  readonly namespace: string;
}

const configMapType: ResourcePath = { group: "", version: "v1", plural: "configmaps", namespaced: true };
const attempts = 5;

/** The data as they are on the cluster now; empty where there is no such ConfigMap. */
export async function readConfigMap(op: Op, deps: ConfigMapDeps, name: string): Promise<ConfigMapData> {
  const found = await deps.control.get(op, configMapType, { namespace: deps.namespace, name });
  return (found?.["data"] ?? {}) as ConfigMapData;
}

/**
 * Reads, changes and writes the data, and again where somebody was quicker. `change` gives the keys that change;
 * `undefined` takes one away. Errors: CONFLICT after several attempts, and what `change` throws.
 */
export async function changeConfigMap(
  op: Op,
  deps: ConfigMapDeps,
  name: string,
  change: (now: ConfigMapData) => Readonly<Record<string, string | undefined>> | Promise<Record<string, string>>,
): Promise<void> {
  const { control, namespace } = deps;
  for (let attempt = 1; ; attempt++) {
    const known = await control.get(op, configMapType, { namespace, name });
    const changes = Object.entries(await change((known?.["data"] ?? {}) as ConfigMapData));
    if (changes.length === 0) return;
    try {
      if (known) {
        const { resourceVersion } = known.metadata;
        const data = Object.fromEntries(changes.map(([key, value]) => [key, value ?? null]));
        const patch = { type: "merge", body: { metadata: { resourceVersion }, data } } as const;
        await control.patch(op, configMapType, { namespace, name }, patch, { fieldManager: "driftless" });
      } else {
        const labels = { "app.kubernetes.io/part-of": "argocd", "app.kubernetes.io/name": name };
        const data = Object.fromEntries(changes.filter(([, value]) => value !== undefined)) as Record<string, string>;
        const created = { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace, labels }, data };
        await control.create(op, configMapType, created, { fieldManager: "driftless" });
      }
      return;
    } catch (thrown) {
      const { code } = toError(thrown);
      if ((code !== "CONFLICT" && code !== "ALREADY_EXISTS") || attempt >= attempts)
        throw thrown instanceof DriftlessError ? thrown : toError(thrown);
    }
  }
}
