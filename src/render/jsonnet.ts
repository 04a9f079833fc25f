// Jsonnet files of a directory source → what the engine evaluates. Source: Argo CD's "Jsonnet" page. Pure.
import { DriftlessError } from "#base/errors.ts";
import { pathSteps } from "#git/objects.ts";
import type { ApplicationSource } from "#model/application.ts";
import { substitute, type BuildEnvironment } from "./environment.ts";

/** Parameters of the engine's `jsonnet` request. Error: RENDER_REFUSED where a library's path leads out. */
export function jsonnetParams(
  source: ApplicationSource,
  at: { readonly folder: string; readonly files: readonly string[] },
  environment: BuildEnvironment,
): Record<string, unknown> {
  const { extVars = [], tlas = [], libs = [] } = source.directory?.jsonnet ?? {};
  const variables = (list: readonly { name: string; value: string; code?: boolean }[]) =>
    list.map(({ name, value, code }) => ({
      name,
      value: substitute(value, environment),
      ...(code === true ? { code } : {}),
    }));
  // Libraries are found from the repository's root; of two that hold a name, the one listed last is taken.
  const folders = libs.map((lib) => {
    const steps = pathSteps(lib);
    if (!steps)
      throw new DriftlessError("RENDER_REFUSED", `the Jsonnet library ${lib} leads out of the repository`, {
        details: { field: "spec.source.directory.jsonnet.libs" },
      });
    return steps.join("/");
  });
  return {
    files: at.files,
    extVars: variables(extVars),
    tlas: variables(tlas),
    libs: [...folders.reverse(), at.folder],
  };
}
