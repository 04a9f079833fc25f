// The contract of src/registry: charts and other artifacts of Helm repositories and OCI registries, by version and by
// digest. Nothing here does I/O.
import type { Operation } from "#base/operation.ts";

/** Where a Helm repository or OCI registry is and how to get in. Secrets stay in memory. */
export interface RegistryAccess {
  /** `https://charts.example.com`, `oci://ghcr.io/org/charts`, or without a scheme for OCI: `ghcr.io/org/charts`. */
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
  /** Sent as it is to OCI registries. */
  readonly bearerToken?: string;
  readonly tlsClientCert?: string;
  readonly tlsClientKey?: string;
  /** PEM certificates to trust instead of the system's. */
  readonly caBundle?: string;
  /** Skips the check of TLS certificates. */
  readonly insecure?: boolean;
  readonly proxy?: string;
  /** Hosts that are reached without the proxy, separated by commas. */
  readonly noProxy?: string;
  /** An OCI registry although the URL does not say so. */
  readonly enableOci?: boolean;
  /** An OCI registry without TLS. */
  readonly forceHttp?: boolean;
  /** Credentials go with a chart's download to whatever host the index names. */
  readonly passCredentials?: boolean;
}

export interface ChartRequest {
  readonly access: RegistryAccess;
  readonly chart: string;
  /** A version, a constraint such as `^1.2`, or nothing for the newest. */
  readonly version: string;
}

/** One name inside one folder of an artifact; shaped as an item of a Git tree, so that both are read alike. */
export interface ArtifactItem {
  readonly name: string;
  readonly mode: "100644" | "100755" | "120000" | "40000";
  readonly type: "blob" | "symlink" | "tree";
  /** Of the content: equal files and folders have equal ids in every artifact. */
  readonly oid: string;
}

/** An unpacked archive, as a tree whose files and folders are named by their content. In memory; reads do no I/O. */
export interface ArtifactTree {
  readonly root: string;
  readonly sizeBytes: number;
  /** The direct items of a folder, sorted by name; undefined where there is no such folder. */
  items(oid: string): readonly ArtifactItem[] | undefined;
  blob(oid: string): Uint8Array | undefined;
}

/** A chart's or artifact's description, as its index entry, Chart.yaml or manifest says. */
export interface ArtifactDetails {
  readonly description?: string;
  readonly home?: string;
  readonly maintainers?: readonly string[];
  /** RFC 3339. */
  readonly created?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** One version of a chart, or one artifact, fetched and verified. */
export interface ResolvedContent {
  /** A chart's version as the repository writes it; an artifact's digest. */
  readonly revision: string;
  /** `sha256:…`: of a Helm repository's archive, of an OCI registry's manifest. Equal digests are equal contents. */
  readonly digest: string;
  /** The archive as it was published: of a chart a .tgz. */
  archive(op: Operation): Promise<Uint8Array>;
  /** Unpacked; of a chart its folder. Errors: ARTIFACT_INVALID, TOO_LARGE. */
  tree(op: Operation): Promise<ArtifactTree>;
  details(): Promise<ArtifactDetails>;
}

/** A server's part that is asked for news as one: a whole Helm repository, one repository of an OCI registry. */
export interface RegistryOrigin {
  /** Of this server as these credentials see it; no URL, and holds no secret. */
  readonly id: string;
  /** Without credentials. */
  readonly url: string;
  /**
   * Asks for news, where anybody follows something that can move; `all` asks also whether exact versions were published
   * anew. Errors: REPOSITORY_UNREACHABLE, ARTIFACT_INVALID, TOO_LARGE.
   */
  refresh(op: Operation, how?: { readonly all?: boolean }): Promise<void>;
  /** Called after every refresh that found something else than before. Returns how to stop it. */
  onChange(listener: () => void): () => void;
}

/** A chart, or an OCI repository of manifests, of which applications follow versions. */
export interface RegistrySource {
  readonly kind: "chart" | "artifact";
  /** Without credentials; names the chart. */
  readonly url: string;
  readonly origin: RegistryOrigin;
  /**
   * What a revision means, as far as known since the last refresh: of a chart the version, of an artifact the digest.
   * Errors: REVISION_NOT_FOUND (with what there is), REPOSITORY_UNREACHABLE.
   */
  resolve(op: Operation, revision: string): Promise<string>;
  /** What `resolve` gave, fetched where it is not kept. Errors: those of `resolve`, ARTIFACT_INVALID, TOO_LARGE. */
  content(op: Operation, resolved: string): Promise<ResolvedContent>;
  /** Every version or tag, as the server lists them. */
  versions(op: Operation): Promise<readonly string[]>;
}

export interface Registries {
  /**
   * A chart of a Helm repository or OCI registry; without a chart, an OCI repository of manifests. The same
   * object for the same place and credentials. Does no I/O.
   * Error: SPEC_INVALID.
   */
  open(access: RegistryAccess, chart?: string): RegistrySource;
  /** One version of a chart: for dependencies, and for Kustomize's helmCharts. Errors: those of `content`. */
  chart(op: Operation, request: ChartRequest): Promise<ResolvedContent>;
  /**
   * Asks the server anew what it has: the charts of a Helm repository with their versions; nothing of an OCI registry,
   * which has no list, but whether it lets one in. Errors: REPOSITORY_UNREACHABLE, ARTIFACT_INVALID, TOO_LARGE.
   */
  charts(
    op: Operation,
    access: RegistryAccess,
  ): Promise<readonly { readonly name: string; readonly versions: readonly string[] }[]>;
  /** Somebody wants to know now: servers that did not answer in time a moment ago are asked again. */
  askAnew(): void;
  close(): Promise<void>;
}
