// What applications may read beside their own repositories, by their project: submodules, remote bases and files of
// Kustomize, charts of kustomizations, dependencies of charts. Each is refused unless `sourceRepos` has it, with what to
// add; value files behind URLs, which the Application itself names, go by their scheme.
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
  /** The URL of a chart's repository, which charts may write as `@name`; undefined where none of that name is configured. */
  chartRepository(written: string, project: string): string | undefined;
  /** Schemes that URLs of value files may have, as `helm.valuesFileSchemes` says. */
  valuesFileSchemes(): readonly string[];
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
    // An OCI registry may stand in a project with its scheme or without, as in Applications.
    const spellings = [url, url.replace(/^oci:\/\//i, "")];
    if (found && spellings.some((spelling) => isSourcePermitted(found.spec, spelling))) return;
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
      const url = options.chartRepository(repo, project);
      if (url === undefined)
        throw new DriftlessError("REPOSITORY_UNREACHABLE", `no repository is configured by the name ${repo}`, {
          details: { repository: repo },
        });
      check(project, url, "chart repository");
      options.signatures.passRegistry(project, url);
      const chart = following.chart(repo, name);
      const { sha } = await chart.resolve(op, version);
      return { repository: await chart.pinned(op, sha), sha };
    },
    async file(op, { url, values }) {
      if (!values) check(project, url, "file");
      else checkScheme(url, options.valuesFileSchemes());
      const access = options.access(url, project);
      if (!values) return options.files.get(op, access);
      // Whoever may write an Application may name any URL: no credentials go there, as with Helm.
      const { caBundle } = access;
      return options.files.get(op, { url, ...(caBundle === undefined ? {} : { caBundle }) });
    },
  });
}

function checkScheme(url: string, allowed: readonly string[]): void {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase() ?? "";
  if (allowed.includes(scheme)) return;
  throw new DriftlessError(
    "RENDER_REFUSED",
    `the URL scheme ${scheme} of the value file ${redact(url)} is not allowed: helm.valuesFileSchemes has ${allowed.join(", ") || "none"}`,
    { details: { field: "spec.source.helm.valueFiles" } },
  );
}
