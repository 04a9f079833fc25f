// Parameter overrides that stand in the repository: `.argocd-source.yaml` and `.argocd-source-<application>.yaml` in the
// source's folder, the second over the first. Source: Argo CD's "Parameter Overrides", "Store Overrides In Git".
import { DriftlessError } from "#base/errors.ts";
import { isObject, type JsonObject } from "#base/json.ts";
import type { ApplicationSource } from "#model/application.ts";
import type { RepositoryFiles } from "./repository-files.ts";
import type { ManifestParser } from "./yaml.ts";

export const overrideNames = (appName: string): readonly string[] => [
  ".argocd-source.yaml",
  `.argocd-source-${appName}.yaml`,
];

/** Takes the source as the Application has it; returns it with the overrides merged in. Error: MANIFEST_INVALID. */
export async function withOverrides(
  files: RepositoryFiles,
  parser: ManifestParser,
  at: { readonly source: ApplicationSource; readonly folder: string; readonly appName: string },
): Promise<ApplicationSource> {
  let { source } = at;
  for (const name of overrideNames(at.appName)) {
    const path = at.folder === "" ? name : `${at.folder}/${name}`;
    const text = await files.text(path);
    if (text === undefined) continue;
    const [document] = parser.yaml(text, path).documents;
    if (document === undefined || document.value === null) continue;
    if (!isObject(document.value))
      throw new DriftlessError("MANIFEST_INVALID", `${path}: is not a mapping`, { details: { file: path } });
    // Where the source comes from is the Application's to say.
    const { repoURL, path: sourcePath, targetRevision, chart, ref } = source;
    source = {
      ...(merged(source as unknown as JsonObject, document.value) as unknown as ApplicationSource),
      repoURL,
      ...(sourcePath === undefined ? {} : { path: sourcePath }),
      ...(targetRevision === undefined ? {} : { targetRevision }),
      ...(chart === undefined ? {} : { chart }),
      ...(ref === undefined ? {} : { ref }),
    };
  }
  return source;
}

/** A JSON merge patch, but null leaves a field alone and parameters of one name replace each other. */
function merged(base: JsonObject, over: JsonObject): JsonObject {
  const result: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    if (value === null || value === undefined) continue;
    const before = base[key];
    if (isObject(before) && isObject(value)) result[key] = merged(before, value);
    else if (key === "parameters" && Array.isArray(before) && Array.isArray(value)) {
      const names = new Set(value.map((one) => (isObject(one) ? one["name"] : undefined)));
      result[key] = [...before.filter((one) => !(isObject(one) && names.has(one["name"]))), ...(value as unknown[])];
    } else result[key] = value;
  }
  return result as JsonObject;
}
