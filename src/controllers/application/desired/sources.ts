// Where applications' desired manifests come from: resolves revisions, renders, and knows which applications a change
// of a repository touches. A commit costs what it changed: paths are matched against an index from directory to
// applications, and only those whose reads changed are told. It decides nothing about clusters.
import { DriftlessError, toError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import type { ApplicationSource } from "#model/application.ts";
import { composed } from "#git/composed.ts";
import type { GitRepositories, GitRepository, RefreshOptions, RepositoryAccess } from "#git/types.ts";
import type { ArtifactRepository } from "#render/artifact-repository.ts";
import type { ParameterAnnouncement } from "#render/plugin/types.ts";
import { readsTouched } from "#render/reads.ts";
import type { Renderer, RenderRequest, RenderResult } from "#render/types.ts";
import { isArtifact, type Artifacts, type Located } from "./artifacts.ts";
import { isMoving, splitReads } from "./beside.ts";
import type { NeighboursOf } from "./neighbours.ts";
import type { SignatureGate } from "./signatures.ts";

/** A revision that applications follow (a branch, a tag, a range) and the commit that it means now. */
interface Head {
  readonly revision: string;
  sha: string | undefined;
  /** Applications by the directory that their source reads, for each path of a commit to be matched upwards. */
  readonly byDirectory: Map<string, Set<Use>>;
  /** Sources that read outside of their own directory (symlinks, shared bases): asked about every commit. */
  readonly wandering: Set<Use>;
}

/** One source of one application, followed. */
interface Use {
  readonly application: string;
  readonly followed: Followed;
  readonly head: Head;
  readonly directory: string;
  /** What the last successful render read; undefined until then and after a failure: every change concerns it. */
  reads: RenderResult["reads"] | undefined;
  /** Every commit concerns it, whatever it changes: each has to be signed. */
  everyCommit?: boolean;
}

interface Followed {
  repository: GitRepository;
  /** The same, where it is a chart or an artifact of a registry. */
  readonly artifact: ArtifactRepository | undefined;
  readonly heads: Map<string, Head>;
  stop: () => void;
  /** Why the repository could not be asked for news at the last try. */
  problem: DriftlessError | undefined;
  /** The last piece of work on the heads; the next one starts after it. */
  advancing: Promise<void>;
}

/** A source of an application that follows a revision of a repository. */
export interface Follower {
  readonly application: string;
  /** Among the application's sources. */
  readonly index: number;
  readonly repository: GitRepository;
  readonly revision: string;
  /** The commit that the revision means now. */
  readonly sha: string | undefined;
  /** What its last render read; undefined after a failure and before the first. */
  readonly reads: RenderResult["reads"] | undefined;
}

export interface RenderedSource {
  readonly source: ApplicationSource;
  readonly sha: string;
  readonly result: RenderResult;
}

export interface SourcesOptions {
  readonly repositories: GitRepositories;
  /** Charts and artifacts of registries; sources that name one are refused without. */
  readonly artifacts?: Artifacts;
  readonly renderer: Renderer;
  /** Credentials for a repository, as the project of the application may use them. */
  access(url: string, project: string): RepositoryAccess;
  /** What may be read beside the sources' repositories; nothing without. */
  readonly neighbours?: NeighboursOf;
  /** Makes the next render ask anew for single files behind URLs, and registries that did not answer in time. */
  readonly expireFiles?: () => void;
  /** Holds what projects ask of signatures, before anything is rendered. */
  readonly signatures?: SignatureGate;
  /** Told which applications a change of a repository concerns. */
  affected(applications: ReadonlySet<string>, why: "content" | "problem"): void;
  /** The Operation for work that a repository's change starts. */
  op: Operation;
}

export interface FollowRequest {
  readonly application: string;
  readonly project: string;
  readonly sources: readonly ApplicationSource[];
  readonly namespace: string;
  readonly appName: string;
  /** Tells what the destination cluster is, for charts that ask. */
  readonly capabilities?: RenderRequest["capabilities"];
  /** The application's `manifest-generate-paths`, for plugins. */
  readonly generatePaths?: string;
  /** A hard refresh: plugins are asked again. */
  readonly again?: boolean;
}

/** What to render a source at: a revision, what it follows (undefined), or files that stand somewhere else. */
export type RevisionChoice = string | undefined | Elsewhere;

export interface Elsewhere {
  readonly repository: GitRepository;
  readonly sha: string;
  /** The folder there, where it is another than the source's. */
  readonly path?: string;
}

/** A source as it is rendered from a folder somewhere else; a chart of a registry stands in that folder then. */
function sourceIn(source: ApplicationSource, path: string | undefined): ApplicationSource {
  if (path === undefined) return source;
  const { chart: _chart, ...rest } = source;
  return { ...rest, path };
}

const directoryOf = (source: ApplicationSource): string => {
  const path = (source.path ?? "").replace(/^(\.?\/)+/, "").replace(/\/+$/, "");
  return path === "." ? "" : path;
};

/** A source with the commit to render. */
interface Placed {
  readonly source: ApplicationSource;
  readonly repository: GitRepository;
  readonly sha: string;
}

export class Sources {
  readonly #options: SourcesOptions;
  readonly #followed = new Map<string | ArtifactRepository, Followed>();
  readonly #uses = new Map<string, Use[]>();
  /** What applications read beside their sources' repositories, followed like these. */
  readonly #beside = new Map<string, Use[]>();

  constructor(options: SourcesOptions) {
    this.#options = options;
  }

  /** Why one of the application's repositories cannot be asked for news; its last known commits are used meanwhile. */
  problem(application: string): DriftlessError | undefined {
    for (const use of [...(this.#uses.get(application) ?? []), ...(this.#beside.get(application) ?? [])])
      if (use.followed.problem) return use.followed.problem;
    return undefined;
  }

  /** Takes in how the last poll of a repository went. */
  polled(url: string, error: DriftlessError | undefined): void {
    for (const followed of this.#followed.values()) {
      const polledAs = followed.artifact?.origin.id ?? followed.repository.url;
      if (polledAs !== url || followed.problem?.message === error?.message) continue;
      followed.problem = error;
      for (const head of followed.heads.values()) this.#options.affected(everyone(head), "problem");
    }
  }

  /** The sources that follow a repository, as far as each was rendered. */
  followers(matches: (url: string) => boolean): readonly Follower[] {
    const found: Follower[] = [];
    for (const [application, uses] of this.#uses) {
      for (const [index, { followed, head, reads }] of uses.entries()) {
        if (!matches(followed.repository.url)) continue;
        const { revision, sha } = head;
        found.push({ application, index, repository: followed.repository, revision, sha, reads });
      }
    }
    return found;
  }

  /** How many repositories are followed. */
  get repositoryCount(): number {
    return this.#followed.size;
  }

  /**
   * Renders the application's sources at the revisions that they follow, and follows them from now on.
   * Errors: REPOSITORY_UNREACHABLE, REVISION_NOT_FOUND, PATH_NOT_FOUND, MANIFEST_INVALID, SOURCE_UNSUPPORTED, …
   */
  async follow(op: Operation, request: FollowRequest): Promise<readonly RenderedSource[]> {
    const uses = this.#register(request);
    for (const [index, use] of uses.entries()) {
      use.reads = undefined;
      use.everyCommit = this.#options.signatures?.asks(request.project, request.sources[index]!.repoURL) ?? false;
    }
    const at = await Promise.all(
      request.sources.map(async (source, index) => {
        const { head } = uses[index]!;
        const followed = this.#repository(source, request.project);
        head.sha ??= (await followed.repository.resolve(op, head.revision)).sha;
        return this.#placed(op, request, { source, followed, sha: head.sha, revision: head.revision });
      }),
    );
    const rendered = await this.#renderAll(op, request, at);
    for (const [index, use] of uses.entries()) {
      use.reads = readsOf(rendered, index);
      if (wanders(use)) use.head.wandering.add(use);
      else use.head.wandering.delete(use);
    }
    await this.#followBeside(op, request, rendered);
    return rendered;
  }

  /** Follows what was read of other repositories: where one moves, who read of it is told. */
  async #followBeside(op: Operation, request: FollowRequest, rendered: readonly RenderedSource[]): Promise<void> {
    const { application, project } = request;
    const read = rendered.flatMap(({ result }) =>
      [result.reads, ...Object.values(result.refReads ?? {})].flatMap((reads) => splitReads(reads).beside),
    );
    const uses = await Promise.all(
      read.filter(isMoving).map(async ({ mount, reads }): Promise<Use> => {
        const at = mount.kind === "git" ? { repoURL: mount.url } : { repoURL: mount.repo, chart: mount.name };
        const followed = this.#repository(at, project);
        const head = this.#head(followed, mount.kind === "git" ? mount.revision : mount.version);
        head.sha ??= (await followed.repository.resolve(op, head.revision)).sha;
        return { application, followed, head, directory: "", reads };
      }),
    );
    this.#drop(this.#beside, application);
    if (uses.length > 0) this.#keep(this.#beside, application, uses);
  }

  #keep(all: Map<string, Use[]>, application: string, uses: Use[]): void {
    for (const use of uses) {
      const set = use.head.byDirectory.get(use.directory);
      if (set) set.add(use);
      else use.head.byDirectory.set(use.directory, new Set([use]));
    }
    all.set(application, uses);
  }

  #drop(all: Map<string, Use[]>, application: string): void {
    for (const use of all.get(application) ?? []) {
      const set = use.head.byDirectory.get(use.directory);
      set?.delete(use);
      if (set?.size === 0) use.head.byDirectory.delete(use.directory);
      use.head.wandering.delete(use);
    }
    all.delete(application);
  }

  /** Renders all sources of one application; those with a `ref` lend their files to the others. */
  #renderAll(op: Operation, request: FollowRequest, at: readonly Placed[]): Promise<RenderedSource[]> {
    const refs: Record<string, Placed> = {};
    for (const one of at) if (one.source.ref) refs[one.source.ref] = one;
    return Promise.all(
      at.map(async (one) => ({
        source: one.source,
        sha: one.sha,
        result: await this.#render(op, request, { ...one, ...(Object.keys(refs).length > 0 ? { refs } : {}) }),
      })),
    );
  }

  /** Renders at given revisions without following them: for a sync or a rollback to another revision, and for previews. */
  async renderAt(
    op: Operation,
    request: FollowRequest,
    revisions: readonly RevisionChoice[],
  ): Promise<readonly RenderedSource[]> {
    const at = await Promise.all(
      request.sources.map(async (source, index) => {
        const chosen = revisions[index];
        if (typeof chosen === "object") return { ...chosen, source: sourceIn(source, chosen.path) };
        const followed = this.#repository(source, request.project);
        const revision = chosen ?? source.targetRevision ?? "";
        const { sha } = await followed.repository.resolve(op, revision);
        return this.#placed(op, request, { source, followed, sha, revision });
      }),
    );
    return this.#renderAll(op, request, at);
  }

  /** The parameters that the plugin of a source says it takes, at the revision that the source names. Errors: those of rendering. */
  async pluginParameters(
    op: Operation,
    request: FollowRequest,
    source: ApplicationSource,
  ): Promise<readonly ParameterAnnouncement[]> {
    const { appName, namespace, project } = request;
    const followed = this.#repository(source, project);
    const revision = source.targetRevision ?? "";
    const { sha } = await followed.repository.resolve(op, revision);
    const placed = await this.#placed(op, request, { source, followed, sha, revision });
    return this.#options.renderer.pluginParameters(op, { ...placed, appName, namespace, project });
  }

  /** Error: SIGNATURE_REQUIRED where the project asks for a signature that the revision does not have. */
  async #placed(
    op: Operation,
    { project }: FollowRequest,
    at: { readonly source: ApplicationSource; readonly followed: Followed; readonly sha: string; revision: string },
  ): Promise<Placed> {
    const { source, followed, sha, revision } = at;
    const { repository, artifact } = followed;
    const { signatures } = this.#options;
    if (artifact) {
      signatures?.passRegistry(project, source.repoURL);
      return { source, repository: await artifact.pinned(op, sha), sha };
    }
    await signatures?.pass(op, { project, repoURL: source.repoURL, repository, revision, sha });
    return { source, repository, sha };
  }

  /** One sentence on the signature of a source's commit (of its tag, where it follows one), where the project asks for it. */
  async signatureInfo(
    op: Operation,
    source: ApplicationSource,
    project: string,
    sha: string,
  ): Promise<string | undefined> {
    const { repoURL, targetRevision: revision = "" } = source;
    const { repository, artifact } = this.#repository(source, project);
    if (artifact) return undefined;
    return this.#options.signatures?.describe(op, { project, repoURL, repository, revision, sha });
  }

  /** Manifests that come from no revision carry no signature. Error: SIGNATURE_REQUIRED where the project asks for one. */
  refuseUnsigned(project: string, sources: readonly ApplicationSource[]): void {
    for (const { repoURL } of sources) {
      if (this.#options.signatures?.asks(project, repoURL) !== true) continue;
      throw new DriftlessError(
        "SIGNATURE_REQUIRED",
        `project ${project} requires signatures of ${repoURL}: local manifests have none`,
        { details: { repository: repoURL } },
      );
    }
  }

  /** The commits that the application's sources mean now, as far as known. */
  revisions(application: string): readonly (string | undefined)[] {
    return (this.#uses.get(application) ?? []).map((use) => use.head.sha);
  }

  /** Asks the repositories of an application for news; what changed is told through `affected`, before this returns. */
  async refresh(op: Operation, request: FollowRequest): Promise<void> {
    this.#options.expireFiles?.();
    const beside = this.#beside.get(request.application) ?? [];
    const all = new Set([
      ...request.sources.map((source) => this.#repository(source, request.project)),
      ...beside.map((use) => use.followed),
    ]);
    await Promise.all([...all].map((followed) => this.#refresh(op, followed)));
  }

  /** Fetches what is new in every followed repository that `matches` accepts; returns how many did. */
  async refreshMatching(op: Operation, matches: (url: string) => boolean, options?: RefreshOptions): Promise<number> {
    const found = [...this.#followed.values()].filter((followed) => matches(followed.repository.url));
    await Promise.all(found.map((followed) => this.#refresh(op, followed, options)));
    return found.length;
  }

  repositoriesInUse(): readonly GitRepository[] {
    return [...this.#followed.values()].map((followed) => followed.repository);
  }

  /** The repository of a URL, for reading history and metadata. */
  open(url: string, project: string): GitRepository {
    return this.#repository({ repoURL: url }, project).repository;
  }

  /** A source's chart or artifact, for its versions and descriptions; undefined where it comes from Git. */
  artifact(source: Located, project: string): ArtifactRepository | undefined {
    return this.#repository(source, project).artifact;
  }

  /** The application is gone, or follows something else now. */
  forget(application: string): void {
    this.#drop(this.#uses, application);
    this.#drop(this.#beside, application);
  }

  close(): void {
    for (const followed of this.#followed.values()) followed.stop();
    this.#followed.clear();
  }

  async #refresh(op: Operation, followed: Followed, options?: RefreshOptions): Promise<void> {
    await followed.repository.refresh(op, options);
    await this.#advanceInTurn(op, followed);
  }

  #advanceInTurn(op: Operation, followed: Followed): Promise<void> {
    followed.advancing = followed.advancing.then(() => this.#advance(op, followed));
    return followed.advancing;
  }

  #render(
    op: Operation,
    request: FollowRequest,
    at: Placed & { readonly refs?: NonNullable<RenderRequest["refs"]> },
  ): Promise<RenderResult> {
    const { appName, namespace, project, capabilities, generatePaths, again } = request;
    return this.#options.renderer.render(op, {
      ...this.#withNeighbours(project, at),
      appName,
      namespace,
      project,
      ...(capabilities ? { capabilities } : {}),
      ...(generatePaths === undefined ? {} : { generatePaths }),
      ...(again ? { again } : {}),
    });
  }

  /** The repositories that a render reads, with what the project permits beside them. */
  #withNeighbours<T extends { readonly repository: GitRepository; readonly refs?: RenderRequest["refs"] }>(
    project: string,
    at: T,
  ): T {
    const neighbours = this.#options.neighbours?.(project, {
      repository: (url) => this.#repository({ repoURL: url }, project).repository,
      chart: (repoURL, chart) => this.#artifact({ repoURL, chart }, project),
    });
    if (!neighbours) return at;
    const wrap = <R extends { readonly repository: GitRepository }>(one: R): R => ({
      ...one,
      repository: composed(one.repository, neighbours),
    });
    const refs = Object.entries(at.refs ?? {}).map(([name, one]) => [name, wrap(one)] as const);
    return { ...wrap(at), ...(refs.length > 0 ? { refs: Object.fromEntries(refs) } : {}) };
  }

  #register(request: FollowRequest): Use[] {
    const wanted = request.sources.map((source) => {
      const followed = this.#repository(source, request.project);
      return { followed, head: this.#head(followed, source.targetRevision ?? ""), directory: directoryOf(source) };
    });
    const known = this.#uses.get(request.application);
    if (
      known?.length === wanted.length &&
      known.every((use, i) => use.head === wanted[i]!.head && use.directory === wanted[i]!.directory)
    ) {
      return known;
    }
    this.forget(request.application);
    const uses = wanted.map((use): Use => ({ application: request.application, ...use, reads: undefined }));
    this.#keep(this.#uses, request.application, uses);
    return uses;
  }

  #head(followed: Followed, revision: string): Head {
    let head = followed.heads.get(revision);
    if (!head)
      followed.heads.set(revision, (head = { revision, sha: undefined, byDirectory: new Map(), wandering: new Set() }));
    return head;
  }

  #repository(source: Located, project: string): Followed {
    const artifact = isArtifact(source) ? this.#artifact(source, project) : undefined;
    const repository = artifact ?? this.#options.repositories.open(this.#options.access(source.repoURL, project));
    // Who has other credentials for an artifact may see other versions of it.
    const key = artifact ?? repository.url;
    let followed = this.#followed.get(key);
    if (followed?.repository === repository) return followed;
    if (!followed) {
      const nothing = { stop: () => {}, problem: undefined, advancing: Promise.resolve() };
      followed = { repository, artifact, heads: new Map(), ...nothing };
      this.#followed.set(key, followed);
    }
    followed.stop();
    followed.repository = repository;
    const follower = followed;
    followed.stop = repository.onChange(() => void this.#advanceInTurn(this.#options.op, follower));
    return followed;
  }

  #artifact(source: Located, project: string): ArtifactRepository {
    const { artifacts } = this.#options;
    if (artifacts) return artifacts.open(source, project);
    throw new DriftlessError("SOURCE_UNSUPPORTED", "charts and artifacts of registries are switched off");
  }

  /** Moves each followed revision to the commit that it means now, and tells whom the difference concerns. */
  async #advance(op: Operation, followed: Followed): Promise<void> {
    for (const head of followed.heads.values()) {
      if (head.byDirectory.size === 0) continue;
      const before = head.sha;
      const after = await followed.repository.resolve(op, head.revision).then(
        (resolved) => resolved.sha,
        () => undefined,
      );
      // The tag of a commit that was not signed may be another one now.
      const refused = before === after && head.sha === before ? unsigned(head) : undefined;
      if (refused && refused.size > 0) this.#options.affected(refused, "content");
      if (before === after || head.sha !== before) continue;
      head.sha = after;
      const applications = await this.#concerned(op, followed.repository, head, before);
      op.log.debug("revision moved", {
        repository: followed.repository.url,
        revision: head.revision,
        before,
        after,
        applications: applications.size,
      });
      this.#options.affected(applications, "content");
    }
  }

  async #concerned(
    op: Operation,
    repository: GitRepository,
    head: Head,
    before: string | undefined,
  ): Promise<ReadonlySet<string>> {
    if (before === undefined || head.sha === undefined) return everyone(head);
    let paths: readonly string[];
    try {
      paths = await repository.changedPaths(op, before, head.sha);
    } catch (thrown) {
      op.log.warn("cannot tell what changed; all applications of the revision are looked at", {
        error: toError(thrown).message,
      });
      return everyone(head);
    }
    return touchedBy(head, paths);
  }
}

function everyone(head: Head): Set<string> {
  const all = new Set<string>();
  for (const uses of head.byDirectory.values()) for (const use of uses) all.add(use.application);
  return all;
}

/** Applications whose revision was refused, perhaps for its signature. */
function unsigned(head: Head): Set<string> {
  const found = new Set<string>();
  for (const uses of head.byDirectory.values())
    for (const use of uses) if (use.everyCommit === true && use.reads === undefined) found.add(use.application);
  return found;
}

/** Which applications a list of changed paths concerns: each path is matched against its own directories upwards. */
function touchedBy(head: Head, paths: readonly string[]): Set<string> {
  const byUse = new Map<Use, string[]>();
  for (const path of paths) {
    for (let directory: string | undefined = path; directory !== undefined; directory = parentOf(directory)) {
      for (const use of head.byDirectory.get(directory) ?? []) {
        const list = byUse.get(use);
        if (list) list.push(path);
        else byUse.set(use, [path]);
      }
    }
  }
  const touched = new Set<string>();
  // A commit may change no file, and yet what could not be rendered: its signature is another.
  for (const uses of head.byDirectory.values())
    for (const use of uses) if (use.reads === undefined || use.everyCommit === true) touched.add(use.application);
  for (const [use, list] of byUse) {
    if (use.reads === undefined || readsTouched(use.reads, list)) touched.add(use.application);
  }
  for (const use of head.wandering) {
    if (use.reads === undefined || readsTouched(use.reads, paths)) touched.add(use.application);
  }
  return touched;
}

/** What all renders together read of one source: it may have lent files to the others. */
function readsOf(rendered: readonly RenderedSource[], index: number): RenderResult["reads"] {
  const { source, result } = rendered[index]!;
  const { ref } = source;
  const lent = ref ? rendered.flatMap((other) => other.result.refReads?.[ref] ?? []) : [];
  if (lent.length === 0) return splitReads(result.reads).own;
  const all = [result.reads, ...lent];
  return splitReads({
    directories: all.flatMap(({ directories }) => directories),
    files: all.flatMap(({ files }) => files),
    absent: all.flatMap(({ absent }) => absent),
  }).own;
}

/** Whether a source read anything that does not stand below its own directory. */
function wanders({ reads, directory }: Use): boolean {
  const below = (path: string): boolean => directory === "" || path === directory || path.startsWith(`${directory}/`);
  return reads !== undefined && ![...reads.directories, ...reads.files].every((read) => below(read.path));
}

function parentOf(path: string): string | undefined {
  if (path === "") return undefined;
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}

/** A condition's text for a source that cannot be rendered: the source is named where there are several. */
export function describeSourceError(error: DriftlessError, sources: readonly ApplicationSource[]): string {
  const place = [error.details.file, error.details.line].filter((part) => part !== undefined).join(":");
  const message = place === "" || error.message.includes(place) ? error.message : `${place}: ${error.message}`;
  return sources.length > 1 ? `${message} (one of ${sources.length} sources)` : message;
}
