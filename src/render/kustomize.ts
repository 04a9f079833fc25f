// A Kustomize source: the Application's overrides → what the engine builds. Source: Argo CD's "Kustomize" page. Pure.
import { DriftlessError } from "#base/errors.ts";
import { stringAt } from "#base/json.ts";
import type { Operation } from "#base/operation.ts";
import type { ApplicationSource } from "#model/application.ts";
import { buildOptions, type KustomizeSettings } from "./build-options.ts";
import { substitute, type BuildEnvironment } from "./environment.ts";
import { compact, Fields } from "./fields.ts";
import type { RenderRequest } from "./types.ts";

/** Parameters of the engine's `kustomize` request. Errors: SPEC_INVALID, SOURCE_UNSUPPORTED, RENDER_REFUSED. */
export function kustomizeParams(
  source: ApplicationSource,
  folder: string,
  environment: BuildEnvironment,
  settings?: KustomizeSettings,
): Record<string, unknown> {
  const fields = new Fields(source.kustomize, "spec.source.kustomize");
  const replaced = (map: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(Object.entries(map).map(([key, text]) => [key, substitute(text, environment)]));
  const annotations = fields.map("commonAnnotations");
  const { kubeVersion: _version, apiVersions: _kinds, ...options } = buildOptions(settings, fields.text("version"));
  return {
    path: folder,
    ...compact({
      namePrefix: fields.text("namePrefix"),
      nameSuffix: fields.text("nameSuffix"),
      images: fields.texts("images").map((image) => substitute(image, environment)),
      replicas: fields.objects("replicas").map((replica) => {
        const count = Number(replica["count"] ?? Number.NaN);
        const name = stringAt(replica, "name") ?? "";
        if (name === "" || !Number.isInteger(count) || count < 0)
          throw new DriftlessError("SPEC_INVALID", "spec.source.kustomize.replicas wants a name and a count", {
            details: { field: "spec.source.kustomize.replicas" },
          });
        return { name, count };
      }),
      commonLabels: replaced(fields.map("commonLabels")),
      forceCommonLabels: fields.flag("forceCommonLabels"),
      labelWithoutSelector: fields.flag("labelWithoutSelector"),
      labelIncludeTemplates: fields.flag("labelIncludeTemplates"),
      commonAnnotations: fields.flag("commonAnnotationsEnvsubst") ? replaced(annotations) : annotations,
      forceCommonAnnotations: fields.flag("forceCommonAnnotations"),
      namespace: fields.text("namespace"),
      patches: fields.objects("patches"),
      components: fields.texts("components"),
      ignoreMissingComponents: fields.flag("ignoreMissingComponents"),
      ...options,
    }),
  };
}

/** What charts of a kustomization see of the cluster; asked for only where charts are enabled. */
export async function kustomizeCapabilities(
  op: Operation,
  request: RenderRequest,
  source: ApplicationSource,
  settings?: KustomizeSettings,
): Promise<Record<string, unknown>> {
  const fields = new Fields(source.kustomize, "spec.source.kustomize");
  const { enableHelm, kubeVersion, apiVersions } = buildOptions(settings, fields.text("version"));
  if (enableHelm !== true) return {};
  const own = fields.texts("apiVersions");
  const cluster = await request.capabilities?.(op);
  return compact({
    kubeVersion: fields.text("kubeVersion") ?? kubeVersion ?? cluster?.kubeVersion,
    apiVersions: own.length > 0 ? own : (apiVersions ?? cluster?.apiVersions),
  });
}
