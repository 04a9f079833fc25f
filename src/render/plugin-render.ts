// Sources of config management plugins: which plugin a source belongs to, what it gets, and its answer as objects. What a
// plugin gave is kept under the tree ids of what it got and its variables, for it may have read any of it.
import { DriftlessError } from "#base/errors.ts";
import { stableStringify, type JsonObject } from "#base/json.ts";
import type { Operation } from "#base/operation.ts";
import { pathSteps } from "#git/objects.ts";
import { WeightedCache } from "./cache.ts";
import type { Walk } from "./directory.ts";
import type { BuildEnvironment } from "./environment.ts";
import type { KeptRenders } from "./kept-renders.ts";
import { parseManifest } from "./manifests.ts";
import { filesBelow } from "./plugin/archive.ts";
import { lastingVariables, pluginEnvironment, pluginName } from "./plugin/environment.ts";
import type { ParameterAnnouncement, Plugin, PluginFile, PluginRequest, Plugins } from "./plugin/types.ts";
import { ReadRecorder } from "./reads.ts";
import type { Capabilities, RenderedObject } from "./types.ts";
import type { ManifestParser } from "./yaml.ts";

export interface PluginRendererOptions {
  readonly plugins: Plugins;
  readonly kept: KeptRenders;
  readonly parser: ManifestParser;
  readonly digest: (text: string) => string;
  /** Bytes of one source's manifests. */
  readonly maxOutputBytes: number;
}

/** A source that a plugin may have to do with. */
export interface PluginSource {
  /** `spec.source.plugin`; undefined where a plugin is looked for unasked. */
  readonly block: JsonObject | undefined;
  /** The source's folder, from the root. */
  readonly folder: string;
  readonly appName: string;
  readonly build: BuildEnvironment;
  /** What the destination cluster is. */
  cluster(): Promise<Capabilities | undefined>;
  /** `argocd.argoproj.io/manifest-generate-paths`: further files that the plugin gets. */
  readonly generatePaths: string | undefined;
  /** Whether the plugin is asked also where its answer is known. */
  readonly again?: boolean;
}

export class PluginRenderer {
  private readonly options: PluginRendererOptions;
  /** Whether a plugin wants files, by all that it sees of them. */
  private readonly matches = new WeightedCache<boolean>(20_000);
  /** Plugins whose failure to say what they want is in the log, with which of them it was. */
  private readonly told = new Map<string, string>();
  renders = 0;

  constructor(options: PluginRendererOptions) {
    this.options = options;
  }

  /** The plugin that wants a source which names none; undefined where none does, or none looks for sources. */
  async discover(op: Operation, walk: Walk, source: PluginSource): Promise<Plugin | undefined> {
    for (const plugin of await this.options.plugins.list(op)) {
      try {
        if ((await plugin.discovers(op)) && (await this.wants(op, walk, source, plugin))) return plugin;
      } catch (error) {
        // One plugin that does not answer must not take the other sources with it; its own name it.
        if (op.signal.aborted) throw error;
        if (this.told.get(plugin.name) === plugin.identity) continue;
        this.told.set(plugin.name, plugin.identity);
        const { message } = error as Error;
        op.log.warn("plugin not asked whether it wants a source", { plugin: plugin.name, error: message });
      }
    }
    return undefined;
  }

  /** The plugin of a source with a `plugin` block. Errors: SPEC_INVALID, PLUGIN_UNREACHABLE, and the plugin's. */
  async find(op: Operation, walk: Walk, source: PluginSource): Promise<Plugin> {
    const name = pluginName(source.block);
    const plugins = await this.options.plugins.list(op);
    const details = { field: "spec.source.plugin.name" };
    const there = plugins.length === 0 ? "none is there" : `there are ${plugins.map((one) => one.name).join(", ")}`;
    if (name === undefined) {
      const found = await this.discover(op, walk, source);
      if (found) return found;
      throw new DriftlessError(
        "PLUGIN_UNREACHABLE",
        `no config management plugin wants ${source.folder || "the repository"}: ${there}`,
        { details },
      );
    }
    const found = plugins.find((plugin) => plugin.name === name);
    if (!found)
      throw new DriftlessError("PLUGIN_UNREACHABLE", `there is no config management plugin ${name}: ${there}`, {
        details,
      });
    // One that says which sources it wants is held to it, also where it is named.
    if ((await found.discovers(op)) && !(await this.wants(op, walk, source, found)))
      throw new DriftlessError(
        "RENDER_FAILED",
        `the plugin ${name} does not want ${source.folder || "the repository"}: its discovery finds nothing there`,
        { details },
      );
    return found;
  }

  async render(op: Operation, walk: Walk, source: PluginSource, plugin: Plugin): Promise<readonly RenderedObject[]> {
    const environment = await this.environmentOf(source);
    const { digest, kept } = this.options;
    const key = ["plugin", plugin.identity, source.folder, source.generatePaths ?? "", lastingVariables(environment)];
    return kept.render(op, walk, {
      key: digest(stableStringify(key)),
      capabilities: {},
      again: source.again === true,
      make: async (own) => {
        this.renders++;
        const texts = await plugin.generate(op, this.requestFor(op, own, source, environment));
        return { objects: this.objects(plugin, own, texts), used: [] };
      },
    });
  }

  /** What a plugin says of a source's parameters. */
  async parameters(op: Operation, walk: Walk, source: PluginSource): Promise<readonly ParameterAnnouncement[]> {
    const plugin = await this.find(op, walk, source);
    return plugin.parameters(op, this.requestFor(op, walk, source, await this.environmentOf(source)));
  }

  private async environmentOf(source: PluginSource): Promise<Record<string, string>> {
    return pluginEnvironment(source.block, source.build, await source.cluster());
  }

  private requestFor(
    op: Operation,
    walk: Walk,
    source: PluginSource,
    environment: Readonly<Record<string, string>>,
  ): PluginRequest {
    const { folder, appName } = source;
    const folders = placesOf(source);
    const root = folders.length === 1 ? folder : "";
    let files: Promise<readonly PluginFile[]> | undefined;
    const read = async (): Promise<readonly PluginFile[]> => {
      const found = new Map<string, PluginFile>();
      for (const one of folders) for (const file of await filesBelow(op, walk, one, root)) found.set(file.path, file);
      return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
    };
    return {
      appName,
      folder: root === folder ? "" : folder,
      environment,
      files: () => (files ??= read()),
    };
  }

  private async wants(op: Operation, walk: Walk, source: PluginSource, plugin: Plugin): Promise<boolean> {
    const trees: string[] = [];
    for (const place of placesOf(source)) {
      const item = await walk.repository.entry(op, walk.sha, place);
      if (item?.type === "tree") walk.reads.directory(place, item.oid, true);
      else if (item) walk.reads.file(place, item.oid);
      else walk.reads.absent(place);
      trees.push(`${place} ${item?.oid ?? ""}`);
    }
    const environment = await this.environmentOf(source);
    const variables = lastingVariables(environment);
    const key = this.options.digest(stableStringify([plugin.identity, source.folder, trees, variables]));
    const known = this.matches.get(key);
    if (known !== undefined) return known;
    const own: Walk = { ...walk, reads: new ReadRecorder() };
    const wants = await plugin.matches(op, this.requestFor(op, own, source, environment));
    this.matches.set(key, wants, 1);
    return wants;
  }

  private objects(plugin: Plugin, walk: Walk, texts: readonly string[]): RenderedObject[] {
    const { parser, digest, maxOutputBytes } = this.options;
    const bytes = texts.reduce((sum, text) => sum + text.length, 0);
    if (bytes > maxOutputBytes)
      throw new DriftlessError(
        "RENDER_TOO_LARGE",
        `the plugin ${plugin.name} gave more than ${maxOutputBytes} bytes of manifests`,
      );
    const file = `(plugin ${plugin.name})`;
    return texts.flatMap((text) => {
      const { objects, warnings } = parseManifest(parser, text, file, digest);
      walk.warnings.push(...warnings.map((warning) => `${file}: ${warning}`));
      return objects.map(({ object, hash, line }) => ({ object, hash, file, line }));
    });
  }
}

/** The source's folder, and what the annotation names: from the root with a slash, else from the folder. */
function placesOf({ folder, generatePaths }: PluginSource): string[] {
  const places = new Set([folder]);
  for (const written of (generatePaths ?? "").split(";")) {
    const path = written.trim();
    if (path === "") continue;
    const plain = path.replace(/\/?[^/]*[*?[{].*$/, ""); // of a glob, the folder before it
    const steps = pathSteps(path.startsWith("/") ? plain : `${folder}/${plain}`);
    if (!steps)
      throw new DriftlessError("SPEC_INVALID", `manifest-generate-paths: ${path} leads out of the repository`);
    places.add(steps.join("/"));
  }
  return [...places];
}
