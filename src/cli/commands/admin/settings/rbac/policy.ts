// The RBAC policy that `admin settings rbac` is about: of a file (policy lines, or a ConfigMap like argocd-rbac-cm), or of
// argocd-rbac-cm on the cluster.
import { DriftlessError } from "#base/errors.ts";
import { isObject } from "#base/json.ts";
import type { AppProject } from "#model/application.ts";
import type { ConfigData } from "#model/settings.ts";
import type { TargetValues } from "../../../../admin/flags.ts";
import { onCluster, types } from "../../../../admin/target.ts";
import type { Context } from "../../../../context.ts";
import { readPlace } from "../../../../local/files.ts";

export interface PolicySource {
  /** Data of argocd-rbac-cm, or as if the file were its `policy.csv`. */
  readonly config: ConfigData;
  /** The project whose role the subject is, where the policy is the cluster's. */
  readonly project?: AppProject;
}

/** Errors: INVALID_ARGUMENT unless one of the flags is given; CONFIG_INVALID; NOT_FOUND; those of the cluster. */
export async function policySource(
  context: Context,
  values: TargetValues & { readonly "policy-file": string },
  given: { readonly namespaced: boolean; readonly subject?: string },
): Promise<PolicySource> {
  const file = values["policy-file"];
  if ((file === "") !== given.namespaced)
    throw new DriftlessError("INVALID_ARGUMENT", "please provide exactly one of --policy-file or --namespace");
  if (file !== "") return { config: await configIn(await readPlace(context, file)) };
  return onCluster(context, values, async ({ client, namespace }) => {
    const name = "argocd-rbac-cm";
    const found = await client.get(context.op, types.configMap, { namespace, name });
    if (!found) throw new DriftlessError("NOT_FOUND", `there is no ConfigMap ${namespace}/${name}`);
    const config = (found["data"] ?? {}) as ConfigData;
    const ofProject = /^proj:([^:]+):/.exec(given.subject ?? "")?.[1];
    if (ofProject === undefined) return { config };
    const project = await client.get(context.op, types.project, { namespace, name: ofProject });
    return project ? { config, project: project as AppProject } : { config };
  });
}

async function configIn(content: string): Promise<ConfigData> {
  const { load } = await import("js-yaml");
  let value: unknown;
  try {
    value = load(content);
  } catch {
    // Policy lines are seldom YAML.
  }
  if (!isObject(value)) return { "policy.csv": content };
  const data = isObject(value["data"]) ? value["data"] : {};
  return Object.fromEntries(Object.entries(data).filter(([, text]) => typeof text === "string")) as ConfigData;
}
