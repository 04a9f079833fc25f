// The build environment: what a source may refer to as ${ARGOCD_APP_…}, and how references are replaced. Source: Argo
// CD's "Build Environment" page.
import type { Operation } from "#base/operation.ts";
import type { ApplicationSource } from "#model/application.ts";
import type { RenderRequest } from "./types.ts";

export type BuildEnvironment = Readonly<Record<string, string>>;

/** The variables of one render. */
export function buildEnvironment(request: RenderRequest): BuildEnvironment {
  const { source, sha } = request;
  return {
    ARGOCD_APP_NAME: request.appName,
    ARGOCD_APP_NAMESPACE: request.namespace ?? "",
    ARGOCD_APP_PROJECT_NAME: request.project ?? "",
    ARGOCD_APP_REVISION: sha,
    ARGOCD_APP_REVISION_SHORT: sha.slice(0, 7),
    ARGOCD_APP_REVISION_SHORT_8: sha.slice(0, 8),
    ARGOCD_APP_SOURCE_REPO_URL: source.repoURL,
    ARGOCD_APP_SOURCE_PATH: source.path ?? "",
    ARGOCD_APP_SOURCE_TARGET_REVISION: source.targetRevision ?? "",
  };
}

/**
 * The variables of one render, with the cluster's version and what it serves where the source's parameters name them:
 * Argo CD's page lists them for every kind of source, its code gives them to plugins alone.
 */
export async function environmentOf(
  op: Operation,
  request: RenderRequest,
  { helm, kustomize, directory }: ApplicationSource,
): Promise<BuildEnvironment> {
  const environment = buildEnvironment(request);
  if (!/KUBE_(?:VERSION|API_VERSIONS)/.test(JSON.stringify([helm, kustomize, directory]))) return environment;
  const cluster = await request.capabilities?.(op);
  return {
    ...environment,
    KUBE_VERSION: (cluster?.kubeVersion ?? "").replace(/^v/, "").replace(/\+.*$/, ""),
    KUBE_API_VERSIONS: (cluster?.apiVersions ?? []).join(","),
  };
}

/** Replaces $NAME and ${NAME}; `$$` is a dollar; a name that is unknown becomes nothing, as in Argo CD. */
export function substitute(text: string, environment: BuildEnvironment): string {
  if (!text.includes("$")) return text;
  return text.replaceAll(
    /\$(?:\{([^}]*)\}|(\$)|([A-Za-z_]\w*|[*#@!?\-0-9]))/g,
    (_whole, braced: string | undefined, dollar: string | undefined, plain: string | undefined) =>
      dollar ?? (braced === "$" ? "$" : (environment[braced ?? plain ?? ""] ?? "")),
  );
}
