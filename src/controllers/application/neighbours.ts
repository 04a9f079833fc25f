// What applications may read beside their own repositories, by their project: submodules, remote bases and files of
// Kustomize, charts of kustomizations. Each is refused unless `sourceRepos` has it, with what to add.
import { DriftlessError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import { isSourcePermitted } from "#core/policy/project.ts";
import type { Neighbours } from "#git/composed.ts";
import type { GitRepository, RepositoryAccess } from "#git/types.ts";
import type { UrlFiles } from "#git/url-files.ts";
import { redact } from "#git/urls.ts";
import type { AppProject } from "#model/application.ts";
import type { ArtifactRepository } from "#render/artifact-repository.ts";
import type { SignatureGate } from "./signatures.ts";

export interface NeighboursOptions {
  project(name: string): AppProject | undefined;
  access(url: string, project: string): RepositoryAccess;
  /** Opens a repository that nobody asks for news: a submodule is one commit. */
  openQuietly(access: RepositoryAccess): GitRepository;
  readonly files: UrlFiles;
  readonly signatures: SignatureGate;
  /** Whether submodules are read at all. */
  submodules(): boolean;
}

/** How the sources of an application are opened: what is opened so is asked for news. */
export interface Following {
  repository(url: string): GitRepository;
  chart(repo: string, name: string): ArtifactRepository;
}

export type NeighboursOf = (project: string, following: Following) => Neighbours;

export function createNeighbours(options: NeighboursOptions): NeighboursOf {
  const check = (project: string, url: string, what: string): void => {
    const found = options.project(project);
    if (found && isSourcePermitted(found.spec, url)) return;
    const shown = redact(url);
    throw new DriftlessError(
      "PROJECT_FORBIDS",
      `project ${project} does not permit the ${what} ${shown}: add it to spec.sourceRepos of the project, or take it out of the source`,
      { details: { repository: shown } },
    );
  };
  return (project, following) => ({
    view: project,
    submodules: options.submodules(),
    open(url, as) {
      check(project, url, as === "submodule" ? "submodule" : "remote base");
      return as === "base" ? following.repository(url) : options.openQuietly(options.access(url, project));
    },
    async chart(op: Operation, { repo, name, version }) {
      check(project, repo, "chart repository");
      options.signatures.passRegistry(project, repo);
      const chart = following.chart(repo, name);
      const { sha } = await chart.resolve(op, version);
      return { repository: await chart.pinned(op, sha), sha };
    },
    async file(op, url) {
      check(project, url, "file");
      return options.files.get(op, options.access(url, project));
    },
  });
}
