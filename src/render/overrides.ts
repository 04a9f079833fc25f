// Parameter overrides that stand in the repository: `.argocd-source.yaml` and `.argocd-source-<application>.yaml` in the
// source's folder, the second over the first, each as a JSON merge patch: lists are replaced whole, null takes a field away.
// Source: Argo CD's "Parameter Overrides", "Store Overrides In Git".
import { DriftlessError } from "#base/errors.ts";
import { isObject, type Json } from "#base/json.ts";
import { applyMergePatch } from "#core/merge/merge-patch.ts";
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
    const {
      repoURL: _url,
      path: _path,
      targetRevision: _revision,
      chart: _chart,
      ref: _ref,
      ...patch
    } = document.value;
    source = applyMergePatch(source as unknown as Json, patch) as unknown as ApplicationSource;
  }
  return source;
}
