// Writes of one AppProject that lose nobody else's: read, change, write, and again where somebody was quicker.
import { DriftlessError, toError } from "#base/errors.ts";
import type { Json, JsonObject } from "#base/json.ts";
import type { Operation as Op } from "#base/operation.ts";
import { createMergePatch } from "#core/merge/merge-patch.ts";
import type { KubeClient, ResourcePath } from "#kube/types.ts";
import type { AppProject } from "#model/application.ts";
import { group, version } from "#model/names.ts";
import type { Informer } from "#runtime/informer.ts";

export const projectType: ResourcePath = { group, version, plural: "appprojects", namespaced: true };
const attempts = 5;

export interface ProjectDeps {
  readonly control: KubeClient;
  readonly namespace: string;
  readonly projects: Informer<AppProject>;
}

/** Errors: NOT_FOUND, CONFLICT after several attempts, and what `change` throws. */
export async function changeProject(
  op: Op,
  { control, namespace, projects }: ProjectDeps,
  name: string,
  change: (now: AppProject) => AppProject,
): Promise<AppProject> {
  for (let attempt = 1; ; attempt++) {
    const now = (await control.get(op, projectType, { namespace, name })) as AppProject | undefined;
    if (!now) throw new DriftlessError("NOT_FOUND", `appprojects.argoproj.io "${name}" not found`);
    const body = createMergePatch(now as unknown as Json, change(now) as unknown as Json);
    if (!body) return now;
    const metadata = { ...(body["metadata"] as JsonObject | undefined), resourceVersion: now.metadata.resourceVersion };
    try {
      const patch = { type: "merge", body: { ...body, metadata } } as const;
      const written = (await control.patch(op, projectType, { namespace, name }, patch)) as AppProject;
      projects.observe(written);
      return written;
    } catch (thrown) {
      if (toError(thrown).code !== "CONFLICT" || attempt >= attempts) throw thrown;
    }
  }
}
