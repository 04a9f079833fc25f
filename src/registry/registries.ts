// Every Helm repository and OCI registry in use, and what was fetched of them. One repository is asked once, whoever wants
// to know; what was fetched is kept by digest and shared, while who may see it is known by credentials.
import { createHash } from "node:crypto";
import { DriftlessError } from "#base/errors.ts";
import { stableStringify } from "#base/json.ts";
import type { Operation } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import { splitCredentials } from "#git/urls.ts";
import { isExactVersion } from "#model/versions.ts";
import { unpack } from "./archive.ts";
import { HelmRepository } from "./helm-repository.ts";
import { createHttpClient, shown, type HttpClient } from "./http.ts";
import { isDigest, OciClient, versionOfTag } from "./oci.ts";
import { chartMediaType, defaultMediaTypes, OciRepository, type OciContent } from "./oci-repository.ts";
import { ContentStore } from "./store.ts";
import type {
  ArtifactDetails,
  ArtifactTree,
  ChartRequest,
  Registries,
  RegistryAccess,
  RegistryOrigin,
  RegistrySource,
  ResolvedContent,
} from "./types.ts";

export interface RegistriesOptions {
  /** Folder of what was fetched; made where it is missing. Only one process may use it. */
  readonly dir: string;
  readonly clock: Clock;
  /** Proxy variables. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Of one request; default 60 s. */
  readonly timeoutMs?: number;
  /** On disk; default 1 GiB. */
  readonly maxStoreBytes?: number;
  /** Default 100 MiB. */
  readonly maxIndexBytes?: number;
  /** Of one archive as it is downloaded; default 64 MiB. */
  readonly maxArchiveBytes?: number;
  /** Of one archive, unpacked; default 256 MiB. */
  readonly maxUnpackedBytes?: number;
  /** The same of artifacts that are no charts. */
  readonly maxArtifactBytes?: () => number | undefined;
  /** Of one archive; default 20,000. */
  readonly maxFiles?: number;
  /** Memory for unpacked archives; default 128 MiB. */
  readonly treeCacheBytes?: number;
  /** How soon an index is asked for again for a version that it lacks; default 5 s. */
  readonly lookAgainMs?: number;
  /** Media types that an artifact's layer may have; the usual ones where none is given. */
  readonly mediaTypes?: () => readonly string[];
}

/** Whether a URL, with what its Secret says, is an OCI registry's and not a Helm repository's. */
export function isOci(access: Pick<RegistryAccess, "url" | "enableOci">): boolean {
  return /^oci:\/\//i.test(access.url) || access.enableOci === true || !/^[a-z][a-z0-9+.-]*:\/\//i.test(access.url);
}

export function createRegistries(options: RegistriesOptions): Registries {
  return new AllRegistries(options);
}

/** Takes a login out of the URL; one that is configured comes first. */
function withoutLogin(access: RegistryAccess): RegistryAccess {
  const { url, username, password } = splitCredentials(access.url);
  if (username === undefined || access.username !== undefined || access.password !== undefined)
    return { ...access, url };
  return { ...access, url, username, ...(password === undefined ? {} : { password }) };
}

/** Credentials and address as one name: who has other credentials has another view. */
function scopeOf(access: RegistryAccess): string {
  const { passCredentials: _how, ...who } = access;
  return createHash("sha256")
    .update(stableStringify({ ...who, url: access.url.replace(/\/+$/, "") }))
    .digest("hex");
}

class AllRegistries implements Registries {
  private readonly options: RegistriesOptions;
  private readonly store: ContentStore;
  private readonly trees: Trees;
  private readonly clients = new Map<string, HttpClient>();
  private readonly origins = new Map<string, HelmOrigin | OciOrigin>();
  private readonly sources = new Map<string, RegistrySource>();

  constructor(options: RegistriesOptions) {
    this.options = options;
    this.store = new ContentStore({
      dir: options.dir,
      clock: options.clock,
      maxBytes: options.maxStoreBytes ?? 1 << 30,
    });
    this.trees = new Trees(options);
  }

  open(written: RegistryAccess, chart?: string): RegistrySource {
    const access = withoutLogin(written);
    const key = `${scopeOf(access)} ${access.passCredentials === true} ${chart ?? ""}`;
    let source = this.sources.get(key);
    if (!source) this.sources.set(key, (source = this.make(access, chart)));
    return source;
  }

  private make(access: RegistryAccess, chart: string | undefined): RegistrySource {
    if (chart !== undefined && !/^[A-Za-z0-9][A-Za-z0-9._/-]*$/.test(chart))
      throw new DriftlessError("SPEC_INVALID", `${JSON.stringify(chart)} is no name of a chart`, {
        details: { field: "spec.source.chart" },
      });
    if (isOci(access)) {
      const base = access.url.replace(/\/+$/, "");
      const whole = { ...access, url: chart === undefined ? base : `${base}/${chart}` };
      const origin = this.oci(whole);
      return chart === undefined ? new ArtifactSource(origin, this.trees) : new OciChart(origin, this.trees, chart);
    }
    if (!/^https?:\/\//i.test(access.url) || !URL.canParse(access.url))
      throw new DriftlessError("SPEC_INVALID", `${shown(access.url)} is neither http, https nor oci`, {
        details: { field: "spec.source.repoURL" },
      });
    if (chart === undefined)
      throw new DriftlessError(
        "SPEC_INVALID",
        `${shown(access.url)} is a Helm repository: spec.source.chart is required`,
        {
          details: { field: "spec.source.chart" },
        },
      );
    return new HelmChart(this.helm(access), this.trees, chart);
  }

  async chart(op: Operation, { access, chart, version }: ChartRequest): Promise<ResolvedContent> {
    const source = this.open(access, chart);
    return source.content(op, await source.resolve(op, version));
  }

  async charts(
    op: Operation,
    access: RegistryAccess,
  ): Promise<readonly { readonly name: string; readonly versions: readonly string[] }[]> {
    if (isOci(access)) {
      await this.open(access)
        .versions(op)
        .catch((error: unknown) => {
          // A registry's root is no repository of its own; that it answers so means that it lets one in.
          if (!(error instanceof DriftlessError) || error.code !== "REVISION_NOT_FOUND") throw error;
        });
      return [];
    }
    const { repository } = this.helm(access);
    await repository.refresh(op);
    const names = await repository.charts(op);
    return Promise.all(
      names.map(async (name) => ({
        name,
        versions: (await repository.entries(op, name)).map(({ version }) => version),
      })),
    );
  }

  askAnew(): void {
    for (const client of this.clients.values()) client.askAnew();
  }

  async close(): Promise<void> {
    for (const origin of this.origins.values()) origin.close();
    this.origins.clear();
    await Promise.all([...this.clients.values()].map((client) => client.close()));
    this.clients.clear();
  }

  private http(access: RegistryAccess): HttpClient {
    const { tlsClientCert, tlsClientKey, caBundle, insecure, proxy, noProxy } = access;
    const transport = { tlsClientCert, tlsClientKey, caBundle, insecure, proxy, noProxy } as Omit<
      RegistryAccess,
      "url"
    >;
    const key = stableStringify(transport);
    let client = this.clients.get(key);
    if (!client) {
      client = createHttpClient(transport, {
        timeoutMs: this.options.timeoutMs ?? 60_000,
        env: this.options.env ?? {},
        clock: this.options.clock,
      });
      this.clients.set(key, client);
    }
    return client;
  }

  private helm(access: RegistryAccess): HelmOrigin {
    const scope = scopeOf(access);
    const key = `helm ${scope} ${access.passCredentials === true}`;
    const known = this.origins.get(key);
    if (known instanceof HelmOrigin) return known;
    const origin = new HelmOrigin(
      key,
      new HelmRepository({
        access,
        http: this.http(access),
        store: this.store,
        clock: this.options.clock,
        scope,
        maxIndexBytes: this.options.maxIndexBytes ?? 100 << 20,
        maxArchiveBytes: this.options.maxArchiveBytes ?? 64 << 20,
        lookAgainMs: this.options.lookAgainMs ?? 5_000,
      }),
    );
    this.origins.set(key, origin);
    return origin;
  }

  private oci(access: RegistryAccess): OciOrigin {
    const scope = scopeOf(access);
    const known = this.origins.get(`oci ${scope}`);
    if (known instanceof OciOrigin) return known;
    const client = new OciClient({ access, http: this.http(access), clock: this.options.clock });
    const repository = new OciRepository({
      client,
      store: this.store,
      scope,
      maxArchiveBytes: this.options.maxArchiveBytes ?? 64 << 20,
      mediaTypes: () => {
        const given = this.options.mediaTypes?.() ?? [];
        return given.length > 0 ? given : defaultMediaTypes;
      },
    });
    const origin = new OciOrigin(repository, client, this.store, scope);
    this.origins.set(`oci ${scope}`, origin);
    return origin;
  }
}

/** What is polled: listeners, and whether anybody follows something that can move. */
abstract class Origin implements RegistryOrigin {
  readonly id: string;
  private readonly listeners = new Set<() => void>();
  /** Set when somebody asked for something else than one exact version. */
  moving = false;

  constructor(id: string) {
    this.id = id;
  }

  abstract readonly url: string;
  /** Asks the server; whether anything is another now. */
  protected abstract ask(op: Operation, all: boolean): Promise<boolean>;
  abstract close(): void;

  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async refresh(op: Operation, how: { readonly all?: boolean } = {}): Promise<void> {
    const all = how.all === true;
    if (!all && !this.moving) return;
    if (await this.ask(op, all)) for (const listener of this.listeners) listener();
  }
}

class HelmOrigin extends Origin {
  readonly repository: HelmRepository;

  constructor(id: string, repository: HelmRepository) {
    super(id);
    this.repository = repository;
  }

  get url(): string {
    return this.repository.url;
  }

  protected ask(op: Operation): Promise<boolean> {
    return this.repository.refresh(op);
  }

  close(): void {
    this.repository.close();
  }
}

class OciOrigin extends Origin {
  readonly repository: OciRepository;
  private readonly client: OciClient;
  private readonly store: ContentStore;
  private readonly scope: string;
  /** What tags, versions and ranges were last found to mean. */
  readonly digests = new Map<string, string>();

  constructor(repository: OciRepository, client: OciClient, store: ContentStore, scope: string) {
    super(`oci ${scope}`);
    this.repository = repository;
    this.client = client;
    this.store = store;
    this.scope = scope;
  }

  get url(): string {
    return this.client.url;
  }

  protected async ask(op: Operation, all: boolean): Promise<boolean> {
    let changed = false;
    // Ranges are found anew among the tags; tags themselves may be moved to something else.
    if (this.moving) changed = await this.repository.refresh(op);
    for (const [revision, before] of this.digests) {
      if (!all && isExactVersion(revision)) continue;
      const after = await this.repository.digest(op, revision).catch((error: unknown) => {
        if (error instanceof DriftlessError && error.code === "REVISION_NOT_FOUND") return undefined;
        throw error;
      });
      if (after === before) continue;
      changed = true;
      if (after === undefined) this.digests.delete(revision);
      else await this.learn(revision, after);
    }
    return changed;
  }

  /** The manifest's digest; of an exact version also what was found before a restart. */
  async digest(op: Operation, revision: string): Promise<string> {
    if (isDigest(revision)) return revision;
    const known = this.digests.get(revision);
    if (known !== undefined) return known;
    if (isExactVersion(revision)) {
      const note = await this.store.note(`tag ${this.scope} ${revision}`);
      if (typeof note === "string" && isDigest(note)) {
        this.digests.set(revision, note);
        return note;
      }
    }
    const digest = await this.repository.digest(op, revision);
    await this.learn(revision, digest);
    return digest;
  }

  private async learn(revision: string, digest: string): Promise<void> {
    this.digests.set(revision, digest);
    if (isExactVersion(revision)) await this.store.setNote(`tag ${this.scope} ${revision}`, digest);
  }

  async content(op: Operation, digest: string): Promise<OciContent> {
    const content = await this.repository.content(op, digest);
    if (!content)
      throw new DriftlessError("REVISION_NOT_FOUND", `${this.url} has no manifest ${digest}`, {
        details: { repository: this.url, field: "spec.source.targetRevision" },
      });
    return content;
  }

  close(): void {
    this.repository.close();
  }
}

class HelmChart implements RegistrySource {
  readonly kind = "chart";
  readonly origin: HelmOrigin;
  readonly url: string;
  private readonly trees: Trees;
  private readonly chart: string;

  constructor(origin: HelmOrigin, trees: Trees, chart: string) {
    this.origin = origin;
    this.trees = trees;
    this.chart = chart;
    this.url = `${origin.url}/${chart}`;
  }

  async resolve(op: Operation, revision: string): Promise<string> {
    const wanted = revision.trim();
    // An exact version that is kept asks nobody: so an application of it comes up without its repository.
    if (isExactVersion(wanted)) return (await this.origin.repository.resolve(op, this.chart, wanted)).version;
    this.origin.moving = true;
    return (await this.origin.repository.find(op, this.chart, wanted)).version;
  }

  async content(op: Operation, version: string): Promise<ResolvedContent> {
    const { repository } = this.origin;
    const found = await repository.resolve(op, this.chart, version);
    const archive = (inner: Operation): Promise<Uint8Array> => repository.archive(inner, this.chart, found);
    const name = `chart ${this.chart} ${found.version} of ${repository.url}`;
    return {
      revision: found.version,
      digest: found.digest,
      archive,
      tree: (inner) => this.trees.get(inner, { digest: found.digest, name, strip: true, archive }),
      details: () => this.details(op, found.version),
    };
  }

  async versions(op: Operation): Promise<readonly string[]> {
    return (await this.origin.repository.entries(op, this.chart)).map(({ version }) => version);
  }

  private async details(op: Operation, version: string): Promise<ArtifactDetails> {
    const entries = await this.origin.repository.entries(op, this.chart);
    return entries.find((entry) => entry.version === version)?.details ?? {};
  }
}

class OciChart implements RegistrySource {
  readonly kind = "chart";
  readonly origin: OciOrigin;
  private readonly trees: Trees;
  private readonly chart: string;

  constructor(origin: OciOrigin, trees: Trees, chart: string) {
    this.origin = origin;
    this.trees = trees;
    this.chart = chart;
  }

  get url(): string {
    return this.origin.url;
  }

  async resolve(op: Operation, revision: string): Promise<string> {
    const wanted = revision.trim();
    if (!isExactVersion(wanted)) this.origin.moving = true;
    const version = await this.origin.repository.version(op, wanted);
    if (version === wanted) await this.origin.digest(op, version); // there is such a tag
    return version;
  }

  async content(op: Operation, version: string): Promise<ResolvedContent> {
    const content = await this.origin.content(op, await this.origin.digest(op, version));
    if (content.mediaType !== chartMediaType)
      throw new DriftlessError(
        "ARTIFACT_INVALID",
        `${this.url}: ${version} is no Helm chart, but ${content.mediaType}; a source without chart takes it as manifests`,
      );
    return resolved(this.origin, this.trees, content, {
      revision: version,
      name: `chart ${this.chart} ${version} of ${this.url}`,
    });
  }

  async versions(op: Operation): Promise<readonly string[]> {
    return (await this.origin.repository.tags(op)).map(versionOfTag);
  }
}

class ArtifactSource implements RegistrySource {
  readonly kind = "artifact";
  readonly origin: OciOrigin;
  private readonly trees: Trees;

  constructor(origin: OciOrigin, trees: Trees) {
    this.origin = origin;
    this.trees = trees;
  }

  get url(): string {
    return this.origin.url;
  }

  async resolve(op: Operation, revision: string): Promise<string> {
    const wanted = revision.trim();
    if (!isDigest(wanted)) this.origin.moving = true;
    return this.origin.digest(op, wanted === "" ? "latest" : wanted);
  }

  async content(op: Operation, digest: string): Promise<ResolvedContent> {
    const content = await this.origin.content(op, digest);
    return resolved(this.origin, this.trees, content, { revision: digest, name: `${this.url}@${digest}` });
  }

  versions(op: Operation): Promise<readonly string[]> {
    return this.origin.repository.tags(op);
  }
}

function resolved(
  origin: OciOrigin,
  trees: Trees,
  content: OciContent,
  { revision, name }: { revision: string; name: string },
): ResolvedContent {
  const archive = (op: Operation): Promise<Uint8Array> => origin.repository.bytes(op, content);
  return {
    revision,
    digest: content.digest,
    archive,
    tree: (op) =>
      trees.get(op, {
        digest: content.archive,
        name,
        strip: content.mediaType === chartMediaType,
        isArtifact: content.mediaType !== chartMediaType,
        archive,
      }),
    details: async () => content.details,
  };
}

/** Unpacked archives by digest, the least recently used dropped; two that want the same wait for one. */
class Trees {
  private readonly options: RegistriesOptions;
  private readonly known = new Map<string, Promise<ArtifactTree>>();
  private readonly sizes = new Map<string, number>();

  constructor(options: RegistriesOptions) {
    this.options = options;
  }

  async get(
    op: Operation,
    wanted: {
      readonly digest: string;
      readonly name: string;
      readonly strip: boolean;
      readonly isArtifact?: boolean;
      readonly archive: (op: Operation) => Promise<Uint8Array>;
    },
  ): Promise<ArtifactTree> {
    const key = `${wanted.digest} ${wanted.strip}`;
    const known = this.known.get(key);
    if (known) {
      this.known.delete(key);
      this.known.set(key, known);
      try {
        return await known;
      } catch (error) {
        if (op.signal.aborted || !(error instanceof DriftlessError) || error.code !== "CANCELLED") throw error;
        return this.get(op, wanted); // the other caller gave up, not this one
      }
    }
    const tree = this.unpack(op, wanted);
    this.known.set(key, tree);
    try {
      this.sizes.set(key, (await tree).sizeBytes);
      this.shrink(key);
      return await tree;
    } catch (error) {
      this.known.delete(key);
      throw error;
    }
  }

  private async unpack(op: Operation, wanted: Parameters<Trees["get"]>[1]): Promise<ArtifactTree> {
    return unpack(op, await wanted.archive(op), {
      name: wanted.name,
      strip: wanted.strip,
      maxBytes:
        (wanted.isArtifact ? this.options.maxArtifactBytes?.() : undefined) ??
        this.options.maxUnpackedBytes ??
        256 << 20,
      maxFiles: this.options.maxFiles ?? 20_000,
    });
  }

  private shrink(newest: string): void {
    const limit = this.options.treeCacheBytes ?? 128 << 20;
    let total = [...this.sizes.values()].reduce((sum, size) => sum + size, 0);
    for (const key of this.known.keys()) {
      if (total <= limit) break;
      const size = this.sizes.get(key);
      if (key === newest || size === undefined) continue;
      this.known.delete(key);
      this.sizes.delete(key);
      total -= size;
    }
  }
}
