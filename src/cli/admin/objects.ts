// The objects of an installation, read straight from its cluster: ConfigMaps, Secrets, projects, applications.
import { DriftlessError, toError } from "#base/errors.ts";
import { stringAt } from "#base/json.ts";
import type { Operation } from "#base/operation.ts";
import { isApplicationNamespace } from "#core/policy/project.ts";
import type { ResourcePath } from "#kube/types.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { ConfigData } from "#model/settings.ts";
import { types, type AdminTarget } from "./target.ts";
import { backedUpConfigMaps, isBackedUpSecret, referencedSecrets } from "./backup.ts";
import { list, type Flags } from "../flags.ts";

export const namespaceFlags = {
  "application-namespaces": list(
    "Patterns of further namespaces with applications; those of application.namespaces unless told",
  ),
  "applicationset-namespaces": list(
    "Patterns of further namespaces with ApplicationSets; those of applicationsetcontroller.namespaces unless told",
  ),
} as const satisfies Flags;

/** Patterns of namespaces, beside the installation's own, that hold objects of it. */
export interface Namespaces {
  readonly applications: readonly string[];
  readonly applicationSets: readonly string[];
}

/** Data of a ConfigMap; undefined where there is none of the name. */
export async function configData(op: Operation, target: AdminTarget, name: string): Promise<ConfigData | undefined> {
  const found = await target.client.get(op, types.configMap, { namespace: target.namespace, name });
  return found && ((found["data"] ?? {}) as ConfigData);
}

/** The namespaces that flags name, else the settings. */
export async function namespacesOf(
  op: Operation,
  target: AdminTarget,
  values: { readonly [name in keyof typeof namespaceFlags]: readonly string[] },
): Promise<Namespaces> {
  const params = (await configData(op, target, "argocd-cmd-params-cm")) ?? {};
  const words = (text = ""): string[] => text.split(",").flatMap((word) => word.trim() || []);
  const [applications, sets] = [values["application-namespaces"], values["applicationset-namespaces"]];
  return {
    applications: applications.length > 0 ? applications : words(params["application.namespaces"]),
    applicationSets: sets.length > 0 ? sets : words(params["applicationsetcontroller.namespaces"]),
  };
}

/** Objects of a kind in the installation's namespace and in those that patterns name. */
export async function inNamespaces(
  op: Operation,
  { client, namespace }: AdminTarget,
  type: ResourcePath,
  patterns: readonly string[],
): Promise<readonly KubernetesObject[]> {
  if (patterns.length === 0) return (await client.list(op, type, { namespace })).items;
  const { items } = await client.list(op, type);
  return items.filter(({ metadata }) => isApplicationNamespace(patterns, metadata.namespace ?? "", namespace));
}

export interface Installation {
  readonly configMaps: readonly KubernetesObject[];
  readonly secrets: readonly KubernetesObject[];
  readonly projects: readonly KubernetesObject[];
  readonly applications: readonly KubernetesObject[];
  readonly applicationSets: readonly KubernetesObject[];
}

/**
 * Everything that a backup holds. Where ApplicationSets are unknown or may not be read, `warn` is told. Errors: NOT_FOUND
 * where the namespace has no argocd-cm; those of the cluster.
 */
export async function installation(
  op: Operation,
  target: AdminTarget,
  namespaces: Namespaces,
  warn: (sentence: string) => void,
): Promise<Installation> {
  const { client, namespace } = target;
  const wanted = await Promise.all(
    backedUpConfigMaps.map((name) => client.get(op, types.configMap, { namespace, name })),
  );
  const configMaps = wanted.flatMap((found, index) => {
    if (!found) warn(`there is no ConfigMap ${namespace}/${backedUpConfigMaps[index]}`);
    return found ?? [];
  });
  const [cm] = wanted;
  if (!cm)
    throw new DriftlessError(
      "NOT_FOUND",
      `there is no ConfigMap ${namespace}/argocd-cm: name the namespace of the installation by --namespace`,
    );
  const referenced = referencedSecrets(
    await Promise.all(["repositories", "repository.credentials"].map((key) => yaml(stringAt(cm, "data", key)))),
  );
  const secrets = (await client.list(op, types.secret, { namespace })).items;
  return {
    configMaps,
    secrets: secrets.filter((secret) => isBackedUpSecret(secret, referenced)),
    projects: (await client.list(op, types.project, { namespace })).items,
    applications: await inNamespaces(op, target, types.application, namespaces.applications),
    applicationSets: await inNamespaces(op, target, types.applicationSet, namespaces.applicationSets).catch(
      (thrown: unknown) => {
        const error = toError(thrown);
        if (error.code !== "NOT_FOUND" && error.code !== "PERMISSION_DENIED") throw error;
        warn(`ApplicationSets cannot be read: ${error.message}`);
        return [];
      },
    ),
  };
}

async function yaml(text: string | undefined): Promise<unknown> {
  if (text === undefined) return [];
  const { load } = await import("js-yaml");
  try {
    return load(text);
  } catch {
    return [];
  }
}
