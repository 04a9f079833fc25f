// The contract of src/render: what goes into a render, what comes out, and what it read.
import type { Operation } from "#base/operation.ts";
import type { GitRepository } from "#git/types.ts";
import type { ApplicationSource, SourceType } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { ParameterAnnouncement } from "./plugin/types.ts";

export interface RenderRequest {
  readonly source: ApplicationSource;
  readonly repository: GitRepository;
  readonly sha: string;
  readonly appName: string;
  readonly namespace?: string;
  /** The application's project, for the build environment. */
  readonly project?: string;
  /** Tells what the destination cluster is; asked for charts only. The engine's own defaults without it. */
  readonly capabilities?: (op: Operation) => Promise<Capabilities>;
  /** The annotation `argocd.argoproj.io/manifest-generate-paths`, which names further files that a plugin gets. */
  readonly generatePaths?: string;
  /** A hard refresh: plugins are asked again, for they may depend on what is not in Git. What the engine renders does not. */
  readonly again?: boolean;
  /** The application's sources that have a `ref`, by it. */
  readonly refs?: Readonly<Record<string, ReferredSource>>;
}

/** Another source of the application, which lends its files: value files name it as `$name/path`. */
export interface ReferredSource {
  readonly repository: GitRepository;
  readonly sha: string;
}

export interface Capabilities {
  /** `1.31.2`, with or without a leading v. */
  readonly kubeVersion?: string;
  /** `apps/v1`, `apps/v1/Deployment`, sorted. */
  readonly apiVersions?: readonly string[];
}

export interface RenderedObject {
  readonly object: KubernetesObject;
  /** Of the object's JSON with sorted keys: equal objects have equal hashes, wherever they were rendered. */
  readonly hash: string;
  /** From the repository's root. */
  readonly file: string;
  /** Line of the document's first key; 1 is the first. */
  readonly line: number;
}

/** The same group, kind, namespace and name, written twice. The last one counts, as in Argo CD. */
export interface DuplicateObject {
  readonly key: string;
  readonly places: readonly { readonly file: string; readonly line: number }[];
}

/** Everything that the output depends on, inside the repository. Paths are from its root. */
export interface ReadSet {
  /** Directories whose listing was read; `recursive` where every level below was. */
  readonly directories: readonly { readonly path: string; readonly oid: string; readonly recursive: boolean }[];
  readonly files: readonly { readonly path: string; readonly oid: string }[];
  /** Names that were looked for and not there. */
  readonly absent: readonly string[];
}

export interface RenderResult {
  /** Duplicates are dropped already: of each, the last stands here. */
  readonly objects: readonly RenderedObject[];
  readonly duplicates: readonly DuplicateObject[];
  /** Things worth telling that did not stop the render: files that hold no Kubernetes object, numbers that lost digits. */
  readonly warnings: readonly string[];
  readonly sourceType: SourceType;
  readonly reads: ReadSet;
  /** What was read of sources that lend their files, by their `ref`. */
  readonly refReads?: Readonly<Record<string, ReadSet>>;
  /** Equal for two results that hold the same objects from the same files. */
  readonly hash: string;
}

export interface RenderStatistics {
  readonly renders: number;
  /** Answered from memory, from disk, or with nothing parsed because the tree was the same. */
  readonly memoryHits: number;
  readonly diskHits: number;
  /** Answered by what another replica rendered. */
  readonly sharedHits: number;
  readonly filesParsed: number;
  /** Renders that the engine did. */
  readonly engineRenders: number;
  /** Renders that a plugin did. */
  readonly pluginRenders: number;
}

export interface Renderer {
  /**
   * Renders one source at one commit. Errors: MANIFEST_INVALID with file, line and column; PATH_NOT_FOUND;
   * SOURCE_UNSUPPORTED; RENDER_TOO_LARGE; SPEC_INVALID; ENGINE_MISSING; PLUGIN_UNREACHABLE; RENDER_FAILED;
   * RENDER_REFUSED; RENDER_TIMEOUT; and those of the repository.
   */
  render(op: Operation, request: RenderRequest): Promise<RenderResult>;
  /** The parameters that the plugin of a source says it takes; none where the source has no `plugin` block. Errors: as above. */
  pluginParameters(op: Operation, request: RenderRequest): Promise<readonly ParameterAnnouncement[]>;
  readonly statistics: RenderStatistics;
  close(): Promise<void>;
}
