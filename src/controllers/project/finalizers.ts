// Lets a project that is being deleted go: its finalizer comes off when no application uses it any more, as in Argo CD.
// Deletes nothing itself.
import { toError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import { isSourceNamespacePermitted } from "#core/policy/project.ts";
import type { KubeClient, ResourcePath } from "#kube/types.ts";
import type { AppProject, Application } from "#model/application.ts";
import { finalizer, group, version } from "#model/names.ts";
import type { Informer } from "#runtime/informer.ts";

export interface ProjectFinalizersOptions {
  readonly control: Pick<KubeClient, "patch">;
  readonly clock: Clock;
  readonly namespace: string;
  readonly projects: Pick<Informer<AppProject>, "get" | "values" | "subscribe" | "observe">;
  readonly applications: Pick<Informer<Application>, "values" | "subscribe">;
}

const projectType: ResourcePath = { group, version, plural: "appprojects", namespaced: true };
const againMs = 5000;

/** Starts; returns what ends it. Applications must have been listed: without them every project looks unused. */
export function releaseProjects(op: Op, options: ProjectFinalizersOptions): () => void {
  const { projects, applications, namespace } = options;
  const look = (project: AppProject | undefined): void => {
    if (project && isHeld(project) && !op.signal.aborted) void release(op, options, project);
  };
  for (const project of projects.values()) look(project);
  const stops = [
    projects.subscribe(({ after }) => look(after)),
    applications.subscribe(({ before, after }) => {
      if (before && (!after || projectOf(before) !== projectOf(after)))
        look(projects.get(namespace, projectOf(before)));
    }),
  ];
  return () => stops.forEach((stop) => stop());
}

const projectOf = ({ spec }: Application): string => spec.project || "default";

const isHeld = ({ metadata }: AppProject): boolean =>
  metadata.deletionTimestamp !== undefined && metadata.finalizers?.includes(finalizer.resources) === true;

/** The applications that use a project: those that it lets in. */
export function usersOf(
  applications: Iterable<Application>,
  project: AppProject,
  controllerNamespace: string,
): readonly Application[] {
  return [...applications].filter(
    ({ spec, metadata }) =>
      (spec.project || "default") === project.metadata.name &&
      isSourceNamespacePermitted(project.spec, metadata.namespace ?? "", controllerNamespace),
  );
}

async function release(op: Op, options: ProjectFinalizersOptions, project: AppProject): Promise<void> {
  const { control, clock, namespace, projects, applications } = options;
  if (usersOf(applications.values(), project, namespace).length > 0) return;
  const { name = "", resourceVersion, finalizers = [] } = project.metadata;
  const left = finalizers.filter((each) => each !== finalizer.resources);
  try {
    const body = { metadata: { finalizers: left, resourceVersion: resourceVersion ?? "" } };
    const written = await control.patch(op, projectType, { namespace, name }, { type: "merge", body });
    projects.observe(written as AppProject);
  } catch (thrown) {
    const error = toError(thrown);
    if (error.code === "NOT_FOUND" || op.signal.aborted) return;
    op.log.warn("the finalizer of a project could not be removed; it is tried again", {
      project: name,
      error: error.message,
    });
    clock.after(againMs, () => {
      const now = projects.get(namespace, name);
      if (now && isHeld(now)) void release(op, options, now);
    });
  }
}
