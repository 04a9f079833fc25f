// `argocd-secret` and its like: reading and changing a Secret's data, by whoever keeps keys and passwords there.
import { DriftlessError, toError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { KubeClient, ResourcePath } from "#kube/types.ts";
import type { KubernetesObject } from "#model/object.ts";
import { decodeBase64 } from "#model/repository.ts";

const secretType: ResourcePath = { group: "", version: "v1", plural: "secrets", namespaced: true };
const attempts = 5;

/** A Secret's data as texts. */
export type SecretData = Readonly<Record<string, string>>;

export interface SecretDeps {
  readonly control: KubeClient;
  readonly namespace: string;
}

export function secretData(secret: KubernetesObject | undefined): SecretData {
  const data = (secret?.["data"] ?? {}) as Readonly<Record<string, string>>;
  return Object.fromEntries(Object.entries(data).map(([name, value]) => [name, decodeBase64(value) ?? ""]));
}

export async function readSecret(op: Op, { control, namespace }: SecretDeps, name: string): Promise<SecretData> {
  return secretData(await control.get(op, secretType, { namespace, name }));
}

/**
 * Changes a Secret: `change` takes the present data and returns what is to be set (null: taken away). Made where it is
 * missing; repeated where somebody else wrote in between. Returns the data that stands then.
 */
export async function changeSecret(
  op: Op,
  deps: SecretDeps,
  name: string,
  change: (
    data: SecretData,
  ) => Readonly<Record<string, string | null>> | Promise<Readonly<Record<string, string | null>>>,
): Promise<SecretData> {
  const { control, namespace } = deps;
  for (let attempt = 1; ; attempt++) {
    const known = await control.get(op, secretType, { namespace, name });
    const changes = await change(secretData(known));
    if (known && Object.keys(changes).length === 0) return secretData(known);
    const data = Object.fromEntries(
      Object.entries(changes).map(([key, value]) => [key, value === null ? null : encode(value)]),
    );
    try {
      if (known) {
        const body = { metadata: { resourceVersion: known.metadata.resourceVersion }, data };
        return secretData(await control.patch(op, secretType, { namespace, name }, { type: "merge", body }));
      }
      return secretData(
        await control.create(op, secretType, fresh(namespace, name, data), { fieldManager: "driftless" }),
      );
    } catch (thrown) {
      const { code } = toError(thrown);
      if (attempt >= attempts || (code !== "CONFLICT" && code !== "ALREADY_EXISTS")) throw thrown;
    }
  }
}

function fresh(namespace: string, name: string, data: Readonly<Record<string, string | null>>): KubernetesObject {
  if (Object.values(data).includes(null)) throw new DriftlessError("NOT_FOUND", `Secret ${name} does not exist`);
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace, labels: { "app.kubernetes.io/part-of": "argocd", "app.kubernetes.io/name": name } },
    type: "Opaque",
    data: data,
  };
}

const encode = (text: string): string => Buffer.from(text, "utf8").toString("base64");
