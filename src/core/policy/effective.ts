// A project as it holds: with the lists of the global projects that select it, and with the repositories and clusters
// that belong to it. Pure. Source: Argo CD's "Projects", Configuring Global Projects, Project scoped Repositories and
// Clusters.
import type { AppProject } from "#model/application.ts";
import { withGlobalProjects } from "./global-projects.ts";
import type { EffectiveSpec } from "./project.ts";

/** What belongs to one project alone. */
export type Belongings = NonNullable<EffectiveSpec["own"]>;

export interface EffectiveProject extends AppProject {
  readonly spec: EffectiveSpec;
}

/** The project with all that holds for it; the same project where it inherits and owns nothing. */
export function effectiveProject(
  project: AppProject,
  globals: readonly AppProject[],
  own: Belongings | undefined,
): EffectiveProject {
  const merged = withGlobalProjects(project, globals);
  return own ? { ...merged, spec: { ...merged.spec, own } } : merged;
}

/** What belongs to which project, by the project's name: of repositories and clusters that say so. */
export function belongingsByProject(
  repositories: Iterable<{ readonly url: string; readonly project?: string; readonly isTemplate: boolean }>,
  clusters: Iterable<{
    readonly server: string;
    readonly name: string;
    readonly namespaces: readonly string[];
    readonly project?: string;
  }>,
): ReadonlyMap<string, Belongings> {
  const found = new Map<string, { repositories: string[]; clusters: Belongings["clusters"][number][] }>();
  const of = (project: string): { repositories: string[]; clusters: Belongings["clusters"][number][] } => {
    let own = found.get(project);
    if (!own) found.set(project, (own = { repositories: [], clusters: [] }));
    return own;
  };
  for (const { url, project, isTemplate } of repositories)
    if (project && !isTemplate) of(project).repositories.push(url);
  for (const { server, name, namespaces, project } of clusters)
    if (project) of(project).clusters.push({ server, name, namespaces });
  for (const own of found.values()) {
    own.repositories.sort();
    own.clusters.sort((a, b) => (a.server < b.server ? -1 : 1));
  }
  return found;
}
