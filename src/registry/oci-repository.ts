// An OCI repository as a place of charts and artifacts: which digest a tag, digest or version range means, and what is in
// it. Contents and manifests are kept by digest; tags are asked for anew.
import { DriftlessError } from "#base/errors.ts";
import { isObject, stringAt } from "#base/json.ts";
import type { Operation } from "#base/operation.ts";
import { createShared } from "#git/shared.ts";
import { bestVersion, isExactVersion, parseConstraint } from "#model/versions.ts";
import { versionMissing } from "./failures.ts";
import { isDigest, tagOfVersion, versionOfTag, type OciClient, type OciDescriptor, type OciManifest } from "./oci.ts";
import type { ContentStore } from "./store.ts";
import type { ArtifactDetails } from "./types.ts";

export interface OciRepositoryOptions {
  readonly client: OciClient;
  readonly store: ContentStore;
  readonly scope: string;
  readonly maxArchiveBytes: number;
  /** Of layers that hold content. */
  mediaTypes(): readonly string[];
}

export interface OciContent {
  /** Of the manifest. */
  readonly digest: string;
  readonly archive: string;
  readonly mediaType: string;
  readonly details: ArtifactDetails;
}

export const chartMediaType = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

/** Layers that artifacts may have, where nothing else is set: as Argo CD's `reposerver.oci.layer.media.types`. */
export const defaultMediaTypes: readonly string[] = [
  "application/vnd.oci.image.layer.v1.tar",
  "application/vnd.oci.image.layer.v1.tar+gzip",
  chartMediaType,
];

export class OciRepository {
  private readonly options: OciRepositoryOptions;
  private readonly shared = createShared();
  private known: readonly string[] | undefined;

  constructor(options: OciRepositoryOptions) {
    this.options = options;
  }

  get url(): string {
    return this.options.client.url;
  }

  /** Asks for the tags anew; whether they are others now. */
  async refresh(op: Operation): Promise<boolean> {
    const before = this.known;
    const after = await this.shared.run(op, "tags", (inner) => this.options.client.tags(inner));
    this.known = after;
    return before === undefined || before.length !== after.length || before.some((tag, at) => after[at] !== tag);
  }

  async tags(op: Operation): Promise<readonly string[]> {
    if (!this.known) await this.refresh(op);
    return this.known ?? [];
  }

  /** The chart's version that a revision means, as a version (with `+`, not `_`). Errors: REVISION_NOT_FOUND, … */
  async version(op: Operation, revision: string): Promise<string> {
    if (isExactVersion(revision)) return revision;
    const versions = (await this.tags(op)).map(versionOfTag);
    const best = bestVersion(revision, versions);
    if (best !== undefined) return best;
    throw versionMissing({ what: this.url, revision, versions });
  }

  /** The digest that a revision means now: itself, a tag's, or that of the highest version in a range. */
  async digest(op: Operation, revision: string): Promise<string> {
    if (isDigest(revision)) return revision;
    const isTag = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(tagOfVersion(revision));
    const found = isTag ? await this.options.client.digestOfTag(op, tagOfVersion(revision)) : undefined;
    if (found !== undefined) return found;
    const tags = await this.fresh(op, revision);
    const best = parseConstraint(revision) ? bestVersion(revision, tags.map(versionOfTag)) : undefined;
    if (best !== undefined) {
      const digest = await this.options.client.digestOfTag(op, tagOfVersion(best));
      if (digest !== undefined) return digest;
    }
    throw versionMissing({ what: this.url, revision, versions: tags.map(versionOfTag) });
  }

  /** Tags to find a revision in: those that are known, if one is in them, else asked for anew. */
  private async fresh(op: Operation, revision: string): Promise<readonly string[]> {
    const known = this.known;
    if (known && bestVersion(revision, known.map(versionOfTag)) !== undefined) return known;
    await this.refresh(op);
    return this.known ?? [];
  }

  /** What stands under a digest, or a tag; its content is fetched where it is not kept. */
  async content(op: Operation, reference: string): Promise<OciContent | undefined> {
    return this.shared.run(op, `content ${reference}`, async (inner) => {
      const name = `oci ${this.options.scope} ${reference}`;
      const kept = isDigest(reference) ? readNote(await this.options.store.note(name)) : undefined;
      if (kept && (await this.options.store.has(kept.archive))) return kept;
      const manifest = await this.options.client.manifest(inner, reference);
      if (!manifest) return undefined;
      const layer = this.contentLayer(manifest, reference);
      const there = isDigest(layer.digest) ? await this.options.store.content(layer.digest) : undefined;
      const bytes = there ?? (await this.options.client.blob(inner, layer, this.options.maxArchiveBytes));
      if (!there) await this.options.store.keep(bytes, layer.digest);
      const content: OciContent = {
        digest: manifest.digest,
        archive: layer.digest,
        mediaType: layer.mediaType,
        details: await this.details(manifest),
      };
      await this.options.store.setNote(`oci ${this.options.scope} ${manifest.digest}`, content);
      return content;
    });
  }

  async bytes(op: Operation, content: OciContent): Promise<Buffer> {
    const kept = await this.options.store.content(content.archive);
    if (kept) return kept;
    await this.content(op, content.digest); // what was damaged is thrown away by now
    const again = await this.options.store.content(content.archive);
    if (!again) throw new DriftlessError("REPOSITORY_UNREACHABLE", `${this.url}: ${content.archive} could not be kept`);
    return again;
  }

  close(): void {
    this.shared.close();
  }

  /** The one layer that holds content. Signatures, provenance and the like stand beside it. */
  private contentLayer(manifest: OciManifest, reference: string): OciDescriptor {
    const invalid = (why: string): DriftlessError =>
      new DriftlessError("ARTIFACT_INVALID", `${this.url}: ${reference} ${why}`, { details: { repository: this.url } });
    const layers = manifest.layers.filter(({ mediaType }) => /tar(?:\+gzip)?$/.test(mediaType));
    const allowed = this.options.mediaTypes();
    const foreign = layers.find(({ mediaType }) => !allowed.includes(mediaType));
    if (foreign) throw invalid(`has a layer of the media type ${foreign.mediaType}; allowed are ${allowed.join(", ")}`);
    const [layer] = layers;
    if (layer && layers.length === 1) return layer;
    const types = [...new Set(manifest.layers.map(({ mediaType }) => mediaType))].join(", ") || "none";
    throw invalid(`has ${layers.length} layers of content where there must be one (its layers: ${types})`);
  }

  private async details(manifest: OciManifest): Promise<ArtifactDetails> {
    const { annotations } = manifest;
    const text = (name: string): string | undefined => annotations[`org.opencontainers.image.${name}`] || undefined;
    const [description, home, created, authors] = [text("description"), text("url"), text("created"), text("authors")];
    return {
      ...(description ? { description } : {}),
      ...(home ? { home } : {}),
      ...(created ? { created } : {}),
      ...(authors ? { maintainers: authors.split(",").map((name) => name.trim()) } : {}),
      annotations,
    };
  }
}

function readNote(note: unknown): OciContent | undefined {
  const [digest, archive] = [stringAt(note, "digest"), stringAt(note, "archive")];
  if (!isObject(note) || digest === undefined || archive === undefined || !isObject(note["details"])) return undefined;
  return {
    digest,
    archive,
    mediaType: stringAt(note, "mediaType") ?? "",
    details: note["details"] as unknown as ArtifactDetails,
  };
}
