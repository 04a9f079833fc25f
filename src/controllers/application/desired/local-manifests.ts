// The objects of a sync that brings its own manifests (`operation.sync.manifests`: `argocd app sync --local`), in the
// shape of a render. Pure.
import { DriftlessError } from "#base/errors.ts";
import { stableStringify } from "#base/json.ts";
import type { AppProject } from "#model/application.ts";
import { objectsOf, withoutDuplicates } from "#render/manifests.ts";
import type { RenderedObject } from "#render/types.ts";
import type { RenderedSource } from "./sources.ts";

/**
 * Takes manifests as JSON, one object or List each, and where they go. Errors: MANIFEST_INVALID naming the manifest by its
 * place; PROJECT_FORBIDS where the project asks for signatures, which local manifests cannot have.
 */
export function localSource(
  manifests: readonly string[],
  { project, namespace }: { readonly project: AppProject; readonly namespace: string },
): RenderedSource {
  const { signatureKeys, sourceIntegrity } = project.spec as typeof project.spec & { sourceIntegrity?: unknown };
  if ((signatureKeys?.length ?? 0) > 0 || sourceIntegrity !== undefined) {
    throw new DriftlessError(
      "PROJECT_FORBIDS",
      `local manifests have no signature, which project ${project.metadata.name ?? ""} asks for: push them and sync`,
    );
  }
  const all = manifests.flatMap((text, index): RenderedObject[] => {
    const file = `local manifest ${index + 1}`;
    return objectsOf(parsed(text, file), file, 1).map((object) => ({
      object,
      hash: stableStringify(object),
      file,
      line: 1,
    }));
  });
  const { objects, duplicates } = withoutDuplicates(all, namespace);
  return {
    source: { repoURL: "" },
    sha: "",
    result: {
      objects,
      duplicates,
      warnings: [],
      sourceType: "Directory",
      reads: { directories: [], files: [], absent: [] },
      hash: "",
    },
  };
}

function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new DriftlessError("MANIFEST_INVALID", `${file} is not JSON: ${(cause as Error).message}`, {
      details: { file },
      cause,
    });
  }
}
