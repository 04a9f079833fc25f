// What an Application's spec may say: a project that there is and that lets it in, sources and a destination that the
// project permits, a cluster that is known. Asked when an application is looked at, before each step of a sync, and by
// the API before it writes one. Reads what is known; asks nobody.
import { DriftlessError } from "#base/errors.ts";
import {
  isApplicationNamespace,
  isDestinationPermitted,
  isSourceNamespacePermitted,
  isSourcePermitted,
} from "#core/policy/project.ts";
import { sourceProblem } from "#core/policy/sources.ts";
import { sourcesOf, type Application, type ApplicationSource, type AppProject } from "#model/application.ts";
import type { ApplicationControllerDeps, DestinationCluster } from "./deps.ts";

/** So many answers of one project are remembered: the API is asked of whatever people write. */
const answersKept = 10_000;

type SpecGateDeps = Pick<ApplicationControllerDeps, "clusters" | "project" | "namespace" | "settings">;

export class SpecGate {
  readonly #deps: SpecGateDeps;
  readonly #answers = new WeakMap<AppProject, Map<string, boolean>>();

  constructor(deps: SpecGateDeps) {
    this.#deps = deps;
  }

  /** The project and the cluster of an application that may be worked on. Errors: SPEC_INVALID, PROJECT_FORBIDS, CLUSTER_UNKNOWN. */
  check(app: Application): { readonly project: AppProject; readonly cluster: DestinationCluster } {
    const project = this.sources(app);
    return { project, cluster: this.cluster(app, project) };
  }

  /** Why an Application may not stand as it is, all reasons; the project first, without which nothing else can be told. */
  problems(app: Application): readonly DriftlessError[] {
    const { namespace = this.#deps.namespace } = app.metadata;
    if (!isApplicationNamespace(this.#deps.settings().applicationNamespaces, namespace, this.#deps.namespace))
      return [new DriftlessError("PERMISSION_DENIED", `namespace is not permitted: '${namespace}'`)];
    const project = this.project(app);
    if (project instanceof DriftlessError) return [project];
    const malformed = malformedSources(app);
    if (malformed) return [malformed];
    const cluster = this.#cluster(app, project);
    return [
      ...sourcesOf(app.spec).flatMap((source) => this.#sourceProblem(project, source) ?? []),
      ...(cluster instanceof DriftlessError ? [cluster] : []),
    ];
  }

  /** What a change of its project would take from an application that has it now. */
  lost(
    app: Application,
    { before, after }: { readonly before: AppProject; readonly after: AppProject },
  ): { readonly source: boolean; readonly destination: boolean } {
    const sources = sourcesOf(app.spec);
    const has = (project: AppProject): boolean => !(this.#cluster(app, project) instanceof DriftlessError);
    return {
      source: !this.#firstForbidden(before, sources) && this.#firstForbidden(after, sources) !== undefined,
      destination: has(before) && !has(after),
    };
  }

  /** The application's project, where it lets Applications of that namespace in; else why not. */
  project(app: Application): AppProject | DriftlessError {
    const details = { field: "spec.project" };
    const name = app.spec.project || "default";
    const project = this.#deps.project(name);
    if (!project)
      return new DriftlessError("SPEC_INVALID", `Application references project ${name}, which does not exist`, {
        details,
      });
    const { namespace = this.#deps.namespace } = app.metadata;
    const permits = (): boolean => isSourceNamespacePermitted(project.spec, namespace, this.#deps.namespace);
    if (this.#permits(project, `namespace ${namespace}`, permits)) return project;
    return new DriftlessError(
      "PROJECT_FORBIDS",
      `application '${app.metadata.name}' in namespace '${namespace}' is not permitted to use project '${name}'`,
      { details },
    );
  }

  /** The application's project, where it permits the sources. Errors: SPEC_INVALID, PROJECT_FORBIDS. */
  sources(app: Application): AppProject {
    const project = this.project(app);
    if (project instanceof DriftlessError) throw project;
    const problem = malformedSources(app) ?? this.#firstForbidden(project, sourcesOf(app.spec));
    if (problem) throw problem;
    return project;
  }

  /** Whether the project permits what an operation brings from sources of its own. Error: PROJECT_FORBIDS. */
  operation(project: AppProject, sources: readonly ApplicationSource[]): void {
    const problem = this.#firstForbidden(project, sources);
    if (problem) throw problem;
  }

  /** The application's cluster, where the project permits it and the namespace. Errors: SPEC_INVALID, PROJECT_FORBIDS, CLUSTER_UNKNOWN. */
  cluster(app: Application, project: AppProject): DestinationCluster {
    const found = this.#cluster(app, project);
    if (found instanceof DriftlessError) throw found;
    return found;
  }

  #cluster(app: Application, project: AppProject): DestinationCluster | DriftlessError {
    const { destination } = app.spec;
    const cluster = this.#deps.clusters.find(destination);
    if (cluster instanceof DriftlessError) return cluster;
    const { server, name } = cluster;
    const namespace = destination.namespace ?? "";
    const permits = (): boolean => isDestinationPermitted(project.spec, { server, name, namespace });
    if (this.#permits(project, `destination ${server} ${name} ${namespace}`, permits)) return cluster;
    return new DriftlessError(
      "PROJECT_FORBIDS",
      `application destination server '${destination.name ? name : server}' and namespace '${namespace}' do not match any of the allowed destinations in project '${project.metadata.name}'`,
      { details: { field: "spec.destination" } },
    );
  }

  #firstForbidden(project: AppProject, sources: readonly ApplicationSource[]): DriftlessError | undefined {
    for (const source of sources) {
      const problem = this.#sourceProblem(project, source);
      if (problem) return problem;
    }
    return undefined;
  }

  #sourceProblem(project: AppProject, { repoURL }: ApplicationSource): DriftlessError | undefined {
    if (this.#permits(project, `source ${repoURL}`, () => isSourcePermitted(project.spec, repoURL))) return undefined;
    return new DriftlessError(
      "PROJECT_FORBIDS",
      `application repo ${repoURL} is not permitted in project '${project.metadata.name}'`,
      { details: { field: "spec.source.repoURL" } },
    );
  }

  /** A project's answer, asked once: patterns are compiled for each question. */
  #permits(project: AppProject, question: string, ask: () => boolean): boolean {
    let answers = this.#answers.get(project);
    if (!answers) this.#answers.set(project, (answers = new Map()));
    else if (answers.size > answersKept) answers.clear();
    let answer = answers.get(question);
    if (answer === undefined) answers.set(question, (answer = ask()));
    return answer;
  }
}

function malformedSources({ spec }: Application): DriftlessError | undefined {
  const problem = sourceProblem(spec);
  return problem && new DriftlessError("SPEC_INVALID", problem.message, { details: { field: problem.field } });
}
