// Writes of one AppProject that lose nobody else's.
import { DriftlessError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { KubeClient, ResourcePath } from "#kube/types.ts";
import type { AppProject } from "#model/application.ts";
import { group, version } from "#model/names.ts";
import type { Informer } from "#runtime/informer.ts";
import { changeObject } from "../object-changes.ts";

export const projectType: ResourcePath = { group, version, plural: "appprojects", namespaced: true };

export interface ProjectDeps {
  readonly control: KubeClient;
  readonly namespace: string;
  readonly projects: Informer<AppProject>;
}

/** Errors: NOT_FOUND, CONFLICT after several attempts, and what `change` throws. */
export function changeProject(
  op: Op,
  { control, namespace, projects }: ProjectDeps,
  name: string,
  change: (now: AppProject) => AppProject,
): Promise<AppProject> {
  return changeObject(
    op,
    {
      control,
      type: projectType,
      ref: { namespace, name },
      missing: () => projectMissing(name),
      observe: (written: AppProject) => projects.observe(written),
    },
    change,
  );
}

export const projectMissing = (name: string): DriftlessError =>
  new DriftlessError("NOT_FOUND", `appprojects.argoproj.io "${name}" not found`);
