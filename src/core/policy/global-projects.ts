// Global projects: projects whose lists others inherit, by a label selector in `argocd-cm`. Pure. Source: Argo CD's
// "Projects", Configuring Global Projects.
import { isObject, listAt, stringAt } from "#base/json.ts";
import type { AppProject, AppProjectSpec } from "#model/application.ts";

export interface GlobalProject {
  readonly projectName: string;
  /** As in Kubernetes: `matchLabels`, `matchExpressions`. */
  readonly labelSelector?: unknown;
}

/** The global projects whose selector matches a project; those that do not exist, and the project itself, are left out. */
export function globalProjectsOf(
  project: AppProject,
  globals: readonly GlobalProject[],
  find: (name: string) => AppProject | undefined,
): readonly AppProject[] {
  const labels = project.metadata.labels ?? {};
  return globals.flatMap(({ projectName, labelSelector }) => {
    const found = projectName === project.metadata.name ? undefined : find(projectName);
    return found && selects(labelSelector, labels) ? [found] : [];
  });
}

const lists = [
  "clusterResourceWhitelist",
  "clusterResourceBlacklist",
  "namespaceResourceWhitelist",
  "namespaceResourceBlacklist",
  "syncWindows",
  "sourceRepos",
  "destinations",
] as const satisfies readonly (keyof AppProjectSpec)[];

/** The project with what it inherits; the same project where it inherits nothing. */
export function withGlobalProjects(project: AppProject, globals: readonly AppProject[]): AppProject {
  if (globals.length === 0) return project;
  const merged: Record<string, unknown> = {};
  for (const name of lists) {
    const all = [project, ...globals].flatMap(({ spec }) => (spec[name] as readonly unknown[] | undefined) ?? []);
    if (all.length > 0) merged[name] = all;
  }
  return { ...project, spec: { ...project.spec, ...merged } };
}

/** A Kubernetes label selector. One that is absent selects nothing, one that is empty everything. */
function selects(selector: unknown, labels: Readonly<Record<string, string>>): boolean {
  if (!isObject(selector)) return false;
  const matchLabels = isObject(selector["matchLabels"]) ? selector["matchLabels"] : {};
  if (!Object.entries(matchLabels).every(([key, value]) => labels[key] === value)) return false;
  return listAt(selector, "matchExpressions").every((expression) => {
    const key = stringAt(expression, "key") ?? "";
    const values = listAt(expression, "values");
    switch (stringAt(expression, "operator")) {
      case "In":
        return labels[key] !== undefined && values.includes(labels[key]);
      case "NotIn":
        return labels[key] === undefined || !values.includes(labels[key]);
      case "Exists":
        return labels[key] !== undefined;
      case "DoesNotExist":
        return labels[key] === undefined;
      default:
        return false;
    }
  });
}
