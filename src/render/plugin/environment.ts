// The variables that a plugin's commands get: the build environment, the cluster, the Application's own with a prefix,
// and its parameters. Source: Argo CD's "Config Management Plugins", "Using environment variables in your plugin". Pure.
import { DriftlessError } from "#base/errors.ts";
import { isObject, type JsonObject } from "#base/json.ts";
import { substitute, type BuildEnvironment } from "../environment.ts";
import { Fields } from "../fields.ts";
import type { Capabilities } from "../types.ts";

const where = "spec.source.plugin";

/** The plugin that a source names; undefined where it is to be found. Error: SPEC_INVALID. */
export function pluginName(block: JsonObject | undefined): string | undefined {
  const name = new Fields(block, where).text("name");
  if (name !== undefined && !/^[\w][\w.-]*$/.test(name))
    throw new DriftlessError("SPEC_INVALID", `${where}.name ${JSON.stringify(name)} is no plugin's name`, {
      details: { field: `${where}.name` },
    });
  return name;
}

/** All variables of one request. Error: SPEC_INVALID. */
export function pluginEnvironment(
  block: JsonObject | undefined,
  build: BuildEnvironment,
  cluster: Capabilities | undefined,
): Record<string, string> {
  const fields = new Fields(block, where);
  const environment: Record<string, string> = {
    ...build,
    KUBE_VERSION: (cluster?.kubeVersion ?? "").replace(/^v/, ""),
    KUBE_API_VERSIONS: (cluster?.apiVersions ?? []).join(","),
  };
  const known = { ...environment };
  for (const entry of fields.objects("env")) {
    const { name, value } = entry;
    if (typeof name !== "string" || name === "" || /[=\0]/.test(name))
      throw new DriftlessError("SPEC_INVALID", `${where}.env: ${JSON.stringify(name)} is no variable's name`, {
        details: { field: `${where}.env` },
      });
    // A prefix, so that nobody sets a variable that changes how programs work: PATH, LD_PRELOAD, GIT_….
    environment[`ARGOCD_ENV_${name}`] = substitute(typeof value === "string" ? value : "", known);
  }
  return { ...environment, ...parameterVariables(fields.objects("parameters")) };
}

const escaped = (name: string): string => name.toUpperCase().replaceAll(/[^A-Z0-9_]/g, "_");

/** Parameters as one JSON text and each for itself. */
function parameterVariables(parameters: readonly JsonObject[]): Record<string, string> {
  const written = parameters.map(({ name, string, array, map }) => ({
    name: typeof name === "string" ? name : "",
    ...(typeof string === "string" ? { string } : {}),
    ...(Array.isArray(array) ? { array: (array as unknown[]).map(String) } : {}),
    ...(isObject(map) ? { map: new Fields({ map }, where).map("map") } : {}),
  }));
  // Without parameters it is as Go writes an empty list that was never set.
  const variables: Record<string, string> = {
    ARGOCD_APP_PARAMETERS: written.length === 0 ? "null" : JSON.stringify(written),
  };
  for (const { name, string, array, map } of written) {
    const start = `PARAM_${escaped(name)}`;
    if (string !== undefined) variables[start] = string;
    for (const [key, value] of Object.entries(map ?? {})) variables[`${start}_${escaped(key)}`] = value;
    for (const [index, value] of (array ?? []).entries()) variables[`${start}_${index}`] = value;
  }
  return variables;
}

/** Variables that say which commit it is: they alone do not make a result another one. */
const ofTheCommit = ["ARGOCD_APP_REVISION", "ARGOCD_APP_REVISION_SHORT", "ARGOCD_APP_REVISION_SHORT_8"];

/** The variables that a result depends on. */
export function lastingVariables(environment: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !ofTheCommit.includes(name)));
}
