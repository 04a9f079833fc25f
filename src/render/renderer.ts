// Renders sources: finds the folder in the commit, its type, its files, and the objects in them; remembers what it parsed.
// Two sources with the same tree share one result; a changed file among many costs one parse. Writes no namespace and no
// tracking into objects: that is the controller's.
import { DriftlessError } from "#base/errors.ts";
import { isObject, stableStringify } from "#base/json.ts";
import { silentLogger, type Operation } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import { pathSteps } from "#git/objects.ts";
import type { ApplicationSource, DirectorySource, SourceType } from "#model/application.ts";
import type { KustomizeSettings } from "./build-options.ts";
import { openDiskCache, WeightedCache, type DiskCache } from "./cache.ts";
import { detectedType, explicitType } from "./detect.ts";
import { listManifests, lookUp, type ManifestFile, type Walk } from "./directory.ts";
import { EngineRenderer, type EngineRequest } from "./engine-render.ts";
import type { EnginePool } from "./engine/pool.ts";
import { buildEnvironment, environmentOf, type BuildEnvironment } from "./environment.ts";
import { helmCapabilities, helmParams } from "./helm.ts";
import { jsonnetParams } from "./jsonnet.ts";
import { KeptRenders } from "./kept-renders.ts";
import { kustomizeCapabilities, kustomizeParams } from "./kustomize.ts";
import { decodeText, parseManifest, skipMarker, withoutDuplicates, type ParsedFile } from "./manifests.ts";
import { overrideNames, withOverrides } from "./overrides.ts";
import { PluginRenderer, type PluginSource } from "./plugin-render.ts";
import type { ParameterAnnouncement, Plugin, Plugins } from "./plugin/types.ts";
import { ReadRecorder } from "./reads.ts";
import { RememberedRenders } from "./remembered.ts";
import { RepositoryFiles } from "./repository-files.ts";
import { SharedRenders } from "./shared/renders.ts";
import { GuardedStore, type SharedStore } from "./shared/store.ts";
import type { RenderedObject, Renderer, RenderRequest, RenderResult, RenderStatistics } from "./types.ts";
import { createManifestParser } from "./yaml.ts";

export interface RendererOptions {
  /** Folder for what was parsed; nothing is kept on disk without it. */
  readonly cacheDir?: string;
  /** A cryptographic hash of a text, in hexadecimal: hashes of objects and keys of the cache. */
  readonly digest: (text: string) => string;
  /** Bytes of all manifests of one source together; default 10 MiB, as Argo CD's `reposerver.max.combined.directory.manifests.size`. 0: no limit. */
  readonly maxManifestBytes?: number;
  /** Memory for parsed files, in bytes of their text; default 64 MiB. */
  readonly memoryBytes?: number;
  /** Default 256 MiB. */
  readonly diskBytes?: number;
  /** Renders Helm, Kustomize and Jsonnet; without it they give ENGINE_MISSING. Closed with the renderer. */
  readonly engine?: EnginePool;
  /** Config management plugins; sources that name one are refused without. Closed with the renderer. */
  readonly plugins?: Plugins;
  /** What replicas share of their renders. Closed with the renderer. */
  readonly shared?: { readonly store: SharedStore; readonly clock: Clock };
  /** How Kustomize is called, as it is configured now; its defaults without. */
  readonly kustomize?: () => KustomizeSettings;
  /** Bytes of one source's objects as the engine renders them; default 32 MiB. */
  readonly maxRenderedBytes?: number;
  /** Told what is wrong with the folder of the cache; it is not used then. */
  readonly log?: Operation["log"];
}

/** Changes when the same files would give other objects. */
const engineVersion = "1";
const maxRememberedObjects = 200_000;
/** So much YAML is parsed before others get their turn: some ten milliseconds. */
const parsedInATurnBytes = 64 * 1024;

interface CachedFile extends ParsedFile {
  readonly size: number;
}

export function createRenderer(options: RendererOptions): Renderer {
  return new SourceRenderer(options);
}

class SourceRenderer implements Renderer {
  private readonly options: RendererOptions;
  private readonly parser = createManifestParser();
  private readonly files: WeightedCache<CachedFile>;
  private readonly results = new WeightedCache<RenderResult>(maxRememberedObjects);
  private readonly disk: DiskCache | undefined;
  private readonly remembered: RememberedRenders;
  private readonly engine: EngineRenderer;
  private readonly plugins: PluginRenderer | undefined;
  private readonly counts = { renders: 0, memoryHits: 0, diskHits: 0, filesParsed: 0 };

  constructor(options: RendererOptions) {
    this.options = options;
    this.files = new WeightedCache(options.memoryBytes ?? 64 << 20);
    const log = options.log ?? silentLogger;
    if (options.cacheDir !== undefined) {
      this.disk = openDiskCache({
        dir: options.cacheDir,
        version: engineVersion,
        maxBytes: options.diskBytes ?? 256 << 20,
        digest: options.digest,
        problem: (reason) => log.warn(reason, { dir: options.cacheDir }),
      });
    }
    this.remembered = new RememberedRenders(maxRememberedObjects, this.disk, sharedBy(options, log));
    const parts = { kept: new KeptRenders(this.remembered), digest: options.digest, parser: this.parser };
    this.engine = new EngineRenderer({
      ...parts,
      pool: options.engine,
      maxOutputBytes: options.maxRenderedBytes ?? 32 << 20,
    });
    if (options.plugins)
      this.plugins = new PluginRenderer({
        ...parts,
        plugins: options.plugins,
        maxOutputBytes: options.maxRenderedBytes ?? 32 << 20,
      });
  }

  get statistics(): RenderStatistics {
    const { memory, disk, shared } = this.remembered.hits;
    return {
      ...this.counts,
      memoryHits: this.counts.memoryHits + memory,
      diskHits: this.counts.diskHits + disk,
      sharedHits: shared,
      engineRenders: this.engine.renders,
      pluginRenders: this.plugins?.renders ?? 0,
    };
  }

  async close(): Promise<void> {
    await this.options.engine?.close();
    await this.options.plugins?.close();
    await this.remembered.close();
    this.disk?.close();
  }

  async render(op: Operation, request: RenderRequest): Promise<RenderResult> {
    this.counts.renders++;
    const { source: written, repository, sha } = request;
    const walk: Walk = { repository, sha, reads: new ReadRecorder(), warnings: [] };
    // A source that only lends its files to others by `ref` has no manifests of its own.
    if (written.ref && !written.path && !written.chart) return this.result(walk, request, "Directory", []);
    const root = await this.folder(op, walk, written);
    const names = await this.namesIn(op, walk, root);
    const files = new RepositoryFiles(op, walk);
    const overrides = overrideNames(request.appName);
    const source = overrides.some((name) => names.has(name))
      ? await withOverrides(files, this.parser, { source: written, folder: root.path, appName: request.appName })
      : written;
    const explicit = explicitType(source);
    const asked = await this.plugin(op, walk, { request, source, folder: root.path, explicit });
    const sourceType = asked ? "Plugin" : (explicit ?? (written.chart ? "Helm" : detectedType(names)));
    const environment = await environmentOf(op, request, source);
    if (namesRevision(source)) await this.everyCommit(op, walk);
    switch (sourceType) {
      case "Directory":
        return this.directory(op, walk, { request, source, root, environment });
      case "Kustomize":
        this.notThere(walk, root.path, names, overrides);
        return this.byEngine(op, walk, request, sourceType, {
          kind: "kustomize",
          params: kustomizeParams(source, root.path, environment, this.options.kustomize?.()),
          capabilities: await kustomizeCapabilities(op, request, source, this.options.kustomize?.()),
        });
      case "Helm": {
        const refReads = new Map<string, ReadRecorder>();
        const result = await this.byEngine(op, walk, request, sourceType, {
          kind: "helm",
          params: await helmParams(op, { request, source, folder: root.path, environment, walk, files, refReads }),
          capabilities: await helmCapabilities(op, request, source),
        });
        if (refReads.size === 0) return result;
        return {
          ...result,
          refReads: Object.fromEntries([...refReads].map(([name, reads]) => [name, reads.result()])),
        };
      }
      case "Plugin": {
        if (!asked) throw unsupported(sourceType, root.path === "" ? "the repository's root" : root.path);
        const all = await asked.renderer.render(op, walk, asked.source, asked.plugin);
        return this.result(walk, request, "Plugin", all);
      }
    }
  }

  async pluginParameters(op: Operation, request: RenderRequest): Promise<readonly ParameterAnnouncement[]> {
    const { source, repository, sha } = request;
    if (!this.plugins || explicitType(source) !== "Plugin") return [];
    const walk: Walk = { repository, sha, reads: new ReadRecorder(), warnings: [] };
    const { path } = await this.folder(op, walk, source);
    return this.plugins.parameters(op, walk, pluginSource(op, request, source, path));
  }

  /** The plugin that renders a source, if one does: the one that it names, or one that says it wants it. */
  private async plugin(
    op: Operation,
    walk: Walk,
    at: { request: RenderRequest; source: ApplicationSource; folder: string; explicit: SourceType | undefined },
  ): Promise<{ renderer: PluginRenderer; plugin: Plugin; source: PluginSource } | undefined> {
    const { request, source: written, folder, explicit } = at;
    const renderer = this.plugins;
    if (!renderer || (explicit !== undefined && explicit !== "Plugin")) return undefined;
    const source = pluginSource(op, request, written, folder);
    const plugin = explicit ? await renderer.find(op, walk, source) : await renderer.discover(op, walk, source);
    return plugin && { renderer, plugin, source };
  }

  /** What depends on the commit itself is rendered anew at each one. */
  private async everyCommit(op: Operation, walk: Walk): Promise<void> {
    const root = await walk.repository.entry(op, walk.sha, "");
    if (root) walk.reads.directory("", root.oid, true);
  }

  /** Names whose coming would change how the source is rendered. */
  private notThere(walk: Walk, folder: string, names: ReadonlySet<string>, looked: readonly string[]): void {
    for (const name of looked) if (!names.has(name)) walk.reads.absent(folder === "" ? name : `${folder}/${name}`);
  }

  private async byEngine(
    op: Operation,
    walk: Walk,
    request: RenderRequest,
    sourceType: SourceType,
    work: EngineRequest,
  ): Promise<RenderResult> {
    const all = await this.engine.render(op, walk, work);
    return this.result(walk, request, sourceType, all);
  }

  private result(
    walk: Walk,
    request: RenderRequest,
    sourceType: SourceType,
    all: readonly RenderedObject[],
  ): RenderResult {
    const { objects, duplicates } = withoutDuplicates(all, request.namespace ?? "");
    return {
      objects,
      duplicates,
      warnings: walk.warnings,
      sourceType,
      reads: walk.reads.result(),
      hash: this.options.digest(objects.map(({ hash, file, line }) => `${hash} ${line} ${file}\n`).join("")),
    };
  }

  private async directory(
    op: Operation,
    walk: Walk,
    at: {
      request: RenderRequest;
      source: ApplicationSource;
      root: { path: string; oid: string; direct: boolean };
      environment: BuildEnvironment;
    },
  ): Promise<RenderResult> {
    const { request, source, root, environment } = at;
    const directory = directoryOptions(source);
    const key = stableStringify([engineVersion, directory, root.oid, root.path, request.namespace ?? ""]);
    const remembered = this.results.get(key);
    // With links the tree's id does not tell everything; a result that has none depends on nothing else.
    if (remembered && root.direct) {
      this.counts.memoryHits++;
      return remembered;
    }
    const { manifests, jsonnet } = await listManifests(op, walk, root, directory);
    const all: RenderedObject[] = await this.parseAll(op, walk, manifests);
    const scripts = await this.notSkipped(op, walk, jsonnet);
    if (scripts.length > 0) {
      const params = jsonnetParams(source, { folder: root.path, files: scripts }, environment);
      all.push(...(await this.engine.render(op, walk, { kind: "jsonnet", params, capabilities: {} })));
      // Of objects that are there twice the last counts: in the order of the files, whatever rendered them.
      all.sort((a, b) => walkOrder(a.file, b.file));
    }
    const result = this.result(walk, request, "Directory", all);
    const { absent, files, directories } = result.reads;
    // A submodule is a folder more.
    const inside = directories.length === 1 && absent.length === 0 && files.length === 0;
    const selfContained = root.direct && jsonnet.length === 0 && inside;
    if (selfContained) this.results.set(key, result, 1 + result.objects.length);
    return result;
  }

  /** The Jsonnet files without the marker that says they are none. */
  private async notSkipped(op: Operation, walk: Walk, paths: readonly string[]): Promise<string[]> {
    const files = new RepositoryFiles(op, walk);
    const texts = await Promise.all(paths.map((path) => files.text(path)));
    return paths.filter((_path, index) => texts[index]?.includes(skipMarker) !== true);
  }

  /** Finds the source's folder. Errors: PATH_NOT_FOUND, SPEC_INVALID. */
  private async folder(
    op: Operation,
    walk: Walk,
    source: ApplicationSource,
  ): Promise<{ path: string; oid: string; direct: boolean }> {
    const written = source.chart ? "." : (source.path ?? "."); // a chart's archive is its folder
    const missing = (why: string): DriftlessError =>
      new DriftlessError(
        "PATH_NOT_FOUND",
        `spec.source.path ${JSON.stringify(written)}: ${why} at ${/^[0-9a-f]{40,64}$/.test(walk.sha) ? walk.sha.slice(0, 12) : walk.sha} of ${walk.repository.url}`,
        {
          details: { file: written, repository: walk.repository.url, field: "spec.source.path" },
        },
      );
    if (written.startsWith("/"))
      throw new DriftlessError(
        "SPEC_INVALID",
        `spec.source.path ${JSON.stringify(written)} is absolute: it must be relative to the repository's root`,
        { details: { field: "spec.source.path" } },
      );
    const steps = pathSteps(written);
    if (!steps || written.includes("\0"))
      throw new DriftlessError(
        "SPEC_INVALID",
        `spec.source.path ${JSON.stringify(written)} leads out of the repository`,
        { details: { field: "spec.source.path" } },
      );
    const path = steps.join("/");
    const entry = await walk.repository.entry(op, walk.sha, path);
    if (entry?.type === "tree") return { path, oid: entry.oid, direct: true };
    if (entry?.type === "blob") throw missing("is a file, not a directory");
    const found = await lookUp(op, walk, steps);
    if (!found) throw missing("no such directory");
    if (found.item.type !== "tree") throw missing("is not a directory");
    return { path: found.path, oid: found.item.oid, direct: false };
  }

  /** Names of the files in the source's folder. */
  private async namesIn(op: Operation, walk: Walk, root: { oid: string }): Promise<ReadonlySet<string>> {
    const items = await walk.repository.items(op, root.oid);
    return new Set(items.filter(({ type }) => type !== "tree").map(({ name }) => name));
  }

  private async parseAll(op: Operation, walk: Walk, listed: readonly ManifestFile[]): Promise<RenderedObject[]> {
    const limit = this.options.maxManifestBytes ?? 10 << 20;
    const files = await Promise.all(
      listed.map(async (file) => ({
        file,
        content:
          this.known(file) ??
          (await walk.repository.blob(op, file.oid, limit > 0 ? { maxBytes: limit } : {}).catch((error: unknown) => {
            throw this.tooLarge(error, file.path, limit);
          })),
      })),
    );
    const all: RenderedObject[] = [];
    let size = 0;
    let parsedBytes = 0;
    for (const { file, content } of files) {
      if (content instanceof Uint8Array && (parsedBytes += content.length) > parsedInATurnBytes) {
        await new Promise((resolve) => setImmediate(resolve));
        parsedBytes = content.length;
      }
      const parsed = content instanceof Uint8Array ? this.parse(file, content) : content;
      size += parsed.size;
      if (limit > 0 && size > limit) throw this.tooLarge(undefined, file.path, limit);
      for (const { object, hash, line } of parsed.objects) all.push({ object, hash, file: file.path, line });
      for (const warning of parsed.warnings) walk.warnings.push(`${file.path}: ${warning}`);
    }
    return all;
  }

  private tooLarge(error: unknown, file: string, limit: number): unknown {
    if (error !== undefined && !(error instanceof DriftlessError && error.code === "TOO_LARGE")) return error;
    return new DriftlessError(
      "RENDER_TOO_LARGE",
      `${file}: the manifests of the source have more than ${limit} bytes together`,
      { details: { file }, cause: error },
    );
  }

  private keyOf(file: ManifestFile): string {
    return `${file.path.endsWith(".json") ? "json" : "yaml"} ${file.oid}`;
  }

  private known(file: ManifestFile): CachedFile | undefined {
    const key = this.keyOf(file);
    const remembered = this.files.get(key);
    if (remembered) return remembered;
    const text = this.disk?.get(key);
    if (text === undefined) return undefined;
    const stored: unknown = JSON.parse(text);
    if (
      !isObject(stored) ||
      !Array.isArray(stored["objects"]) ||
      !Array.isArray(stored["warnings"]) ||
      typeof stored["size"] !== "number"
    )
      return undefined;
    const parsed = stored as unknown as CachedFile;
    this.counts.diskHits++;
    this.files.set(key, parsed, parsed.size + 200);
    return parsed;
  }

  private parse(file: ManifestFile, bytes: Uint8Array): CachedFile {
    const key = this.keyOf(file);
    const again = this.files.get(key); // the same content under another name, parsed a moment ago
    if (again) return again;
    const { objects, warnings } = parseManifest(
      this.parser,
      decodeText(bytes, file.path),
      file.path,
      this.options.digest,
    );
    this.counts.filesParsed++;
    const parsed: CachedFile = { objects, warnings, size: bytes.length };
    this.files.set(key, parsed, bytes.length + 200);
    this.disk?.set(key, JSON.stringify(parsed));
    return parsed;
  }
}

function sharedBy({ shared, digest }: RendererOptions, log: Operation["log"]): SharedRenders | undefined {
  return shared && new SharedRenders({ digest, store: new GuardedStore(shared.store, { clock: shared.clock, log }) });
}

function pluginSource(op: Operation, request: RenderRequest, source: ApplicationSource, folder: string): PluginSource {
  return {
    block: source.plugin,
    folder,
    appName: request.appName,
    build: buildEnvironment(request),
    cluster: async () => request.capabilities?.(op),
    generatePaths: request.generatePaths,
    again: request.again === true,
  };
}

/** Whether a source's parameters refer to the commit. */
function namesRevision({ helm, kustomize, directory, plugin }: ApplicationSource): boolean {
  return JSON.stringify([helm, kustomize, directory, plugin]).includes("ARGOCD_APP_REVISION");
}

/** Folder by folder, names in the order of their characters, as a walk visits them. */
function walkOrder(a: string, b: string): number {
  const [left, right] = [a.split("/"), b.split("/")];
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const [one = "", other = ""] = [left[at], right[at]];
    if (one !== other) return one < other ? -1 : 1;
  }
  return left.length - right.length;
}

function directoryOptions(source: ApplicationSource): DirectorySource {
  const { recurse, include, exclude, disableExtensionFilter } = source.directory ?? {};
  return {
    ...(recurse === true ? { recurse } : {}),
    ...(include ? { include } : {}),
    ...(exclude ? { exclude } : {}),
    ...(disableExtensionFilter === true ? { disableExtensionFilter } : {}),
  };
}

function unsupported(type: SourceType, where: string): DriftlessError {
  return new DriftlessError(
    "SOURCE_UNSUPPORTED",
    `${where}: sources of the type ${type} are not rendered by this version`,
    { details: { field: "spec.source" } },
  );
}
