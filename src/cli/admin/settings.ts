// The settings that `admin settings` commands are about: of local files, or of the cluster; and one object that they are
// tried on.
import { DriftlessError } from "#base/errors.ts";
import { isObject, stringAt } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";
import { decodeBase64 } from "#model/repository.ts";
import { parseSettings, type ConfigData, type SettingProblem, type Settings } from "#model/settings.ts";
import type { TargetValues } from "./flags.ts";
import type { AdminOverrides } from "./means.ts";
import { configData } from "./objects.ts";
import { onCluster, types } from "./target.ts";
import type { Context } from "../context.ts";
import { readPlace } from "../local/files.ts";

export type SettingsValues = TargetValues & {
  readonly "argocd-cm-path": string;
  readonly "argocd-secret-path": string;
  readonly "load-cluster-settings": boolean;
};

export interface ReadSettings {
  readonly settings: Settings;
  readonly problems: readonly SettingProblem[];
  readonly data: ConfigData;
  /** Data of argocd-secret, decoded; undefined where nothing names one. */
  readonly secret: ConfigData | undefined;
}

/** Errors: INVALID_ARGUMENT where nothing says which settings; CONFIG_INVALID; NOT_FOUND; those of the cluster. */
export async function readSettings(context: Context, values: SettingsValues): Promise<ReadSettings> {
  const [cmPath, secretPath] = [values["argocd-cm-path"], values["argocd-secret-path"]];
  const fromCluster = values["load-cluster-settings"];
  if (cmPath === "" && !fromCluster)
    throw new DriftlessError(
      "INVALID_ARGUMENT",
      "either --argocd-cm-path must be provided or --load-cluster-settings must be set to true",
    );
  const found = fromCluster ? await ofCluster(context, values, cmPath === "") : {};
  const cm = cmPath === "" ? (found.cm ?? {}) : textsOf(await fileObject(context, cmPath), "data");
  const secret = secretPath === "" ? found.secret : secretData(await fileObject(context, secretPath));
  return { ...parseSettings(cm, found.params), data: cm, secret };
}

interface Found {
  readonly cm?: ConfigData | undefined;
  readonly params?: ConfigData | undefined;
  readonly secret?: ConfigData | undefined;
}

async function ofCluster({ op, ...rest }: Context, values: SettingsValues, cmNeeded: boolean): Promise<Found> {
  return onCluster({ op, ...rest }, values, async (target) => {
    const { client, namespace } = target;
    const [cm, params, secret] = await Promise.all([
      configData(op, target, "argocd-cm"),
      configData(op, target, "argocd-cmd-params-cm"),
      client.get(op, types.secret, { namespace, name: "argocd-secret" }),
    ]);
    if (cmNeeded && !cm) throw new DriftlessError("NOT_FOUND", `there is no ConfigMap ${namespace}/argocd-cm`);
    return { cm, params, secret: secret && secretData(secret) };
  });
}

/** The first object of a file. Error: CONFIG_INVALID, which quotes nothing of it. */
export async function fileObject(context: Context, path: string): Promise<KubernetesObject> {
  const { loadAll } = await import("js-yaml");
  const content = await readPlace(context, path);
  let object: unknown;
  try {
    [object] = loadAll(content);
  } catch (thrown) {
    const { reason = "it is not YAML", mark } = thrown as {
      readonly reason?: string;
      readonly mark?: { line: number };
    };
    const line = mark === undefined ? "" : `line ${mark.line + 1}: `;
    throw new DriftlessError("CONFIG_INVALID", `${path}: ${line}${reason}`);
  }
  if (!isObject(object)) throw new DriftlessError("CONFIG_INVALID", `${path} holds no Kubernetes object`);
  return object as unknown as KubernetesObject;
}

function textsOf(object: KubernetesObject, field: string): ConfigData {
  const data = isObject(object[field]) ? object[field] : {};
  return Object.fromEntries(
    Object.entries(data).flatMap(([key, text]) => (typeof text === "string" ? [[key, text]] : [])),
  );
}

function secretData(secret: KubernetesObject): ConfigData {
  const decoded = Object.entries(textsOf(secret, "data")).map(
    ([key, text]) => [key, decodeBase64(text) ?? ""] as const,
  );
  return { ...Object.fromEntries(decoded), ...textsOf(secret, "stringData") };
}

export interface Tried {
  readonly object: KubernetesObject;
  /** `apps/Deployment`; `/ConfigMap`. */
  readonly kind: string;
  readonly settings: Settings;
  readonly overrides: AdminOverrides;
}

/** Runs `work` with the object of a file and what the settings make of it. Errors: those of either, and of `work`. */
export async function tryOverrides<T>(
  context: Context,
  {
    values,
    path,
    jqTimeoutMs,
  }: { readonly values: SettingsValues; readonly path: string; readonly jqTimeoutMs?: number },
  work: (tried: Tried) => Promise<T>,
): Promise<T> {
  const object = await fileObject(context, path);
  const [apiVersion, kind] = [stringAt(object, "apiVersion"), stringAt(object, "kind")];
  if (apiVersion === undefined || kind === undefined)
    throw new DriftlessError("CONFIG_INVALID", `${path} holds an object without apiVersion or kind`);
  const read = await readSettings(context, values);
  const settings = { ...read.settings, ...(jqTimeoutMs === undefined ? {} : { jqTimeoutMs }) };
  const whole = { ...object, metadata: isObject(object.metadata) ? object.metadata : {} };
  const overrides = await (await context.admin()).overrides(settings);
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
  try {
    return await work({ object: whole, kind: `${group}/${kind}`, settings, overrides });
  } finally {
    await overrides.close();
  }
}
