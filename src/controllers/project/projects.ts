// Projects as they hold, for everybody who asks what a project permits: one answer for each as long as nothing that it
// depends on changes, and who is concerned when something does. Decides nothing: that is core/policy's.
import { sameJson } from "#base/json.ts";
import { belongingsByProject, effectiveProject, type Belongings } from "#core/policy/effective.ts";
import { globalProjectsOf } from "#core/policy/global-projects.ts";
import { defaultProject } from "#core/policy/project.ts";
import type { AppProject } from "#model/application.ts";
import { apiVersion } from "#model/names.ts";
import type { RepositoryConfig } from "#model/repository.ts";
import type { Settings } from "#model/settings.ts";
import type { Informer, InformerChange } from "#runtime/informer.ts";
import type { ClusterSpec } from "#kube/clusters.ts";

export interface ProjectsOptions {
  readonly projects: Pick<Informer<AppProject>, "get">;
  readonly namespace: string;
  settings(): Pick<Settings, "globalProjects">;
  repositories(): Iterable<RepositoryConfig>;
  clusters(): Iterable<ClusterSpec>;
}

interface Answer {
  readonly written: AppProject;
  readonly holds: AppProject;
}

export type ProjectListener = (changed: ReadonlySet<string>) => void;

export class Projects {
  readonly #options: ProjectsOptions;
  readonly #answers = new Map<string, Answer>();
  readonly #listeners = new Set<ProjectListener>();
  readonly #builtin: AppProject;
  /** Whose change somebody saw before it was looked for. */
  readonly #seen = new Set<string>();
  #belongings: ReadonlyMap<string, Belongings>;

  constructor(options: ProjectsOptions) {
    this.#options = options;
    this.#builtin = {
      apiVersion,
      kind: "AppProject",
      metadata: { name: "default", namespace: options.namespace },
      spec: defaultProject,
    };
    this.#belongings = belongingsByProject(options.repositories(), options.clusters());
  }

  /** The project as it holds; the same object as long as nothing changed it. Undefined: there is none of that name. */
  get(name: string): AppProject | undefined {
    const known = this.#answers.get(name);
    const written = this.#written(name);
    // Whatever else may change it is told to `look`.
    if (known?.written === written) return known?.holds;
    return this.#renew(name, written)?.holds;
  }

  /** What would hold if a project was written so. */
  outlook(project: AppProject): AppProject {
    return this.#effective(project);
  }

  /** Told which projects hold something else than before. */
  onChange(listener: ProjectListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Something changed that projects depend on: a project, settings, Secrets of repositories or clusters. */
  look(change?: InformerChange<AppProject>): void {
    this.#belongings = belongingsByProject(this.#options.repositories(), this.#options.clusters());
    for (const name of this.#answers.keys()) this.#renew(name, this.#written(name));
    const changed = new Set(this.#seen);
    this.#seen.clear();
    if (change && !sameJson(change.before?.spec, change.after?.spec))
      changed.add((change.after ?? change.before)!.metadata.name ?? "");
    if (changed.size > 0) for (const listener of this.#listeners) listener(changed);
  }

  #written(name: string): AppProject | undefined {
    const { projects, namespace } = this.#options;
    return projects.get(namespace, name) ?? (name === "default" ? this.#builtin : undefined);
  }

  #effective(project: AppProject): AppProject {
    const { globalProjects } = this.#options.settings();
    const globals = globalProjectsOf(project, globalProjects, (other) => this.#written(other));
    return effectiveProject(project, globals, this.#belongings.get(project.metadata.name ?? ""));
  }

  #renew(name: string, written: AppProject | undefined): Answer | undefined {
    const before = this.#answers.get(name);
    if (!written) {
      if (this.#answers.delete(name)) this.#seen.add(name);
      return undefined;
    }
    const holds = this.#effective(written);
    // A change of nothing that holds, such as a new token, is none.
    const same = before !== undefined && sameJson(holds.spec, before.holds.spec);
    if (before && !same) this.#seen.add(name);
    const after = { written, holds: same ? before.holds : holds };
    this.#answers.set(name, after);
    return after;
  }
}
