// Puts the renderer together from flags and the environment: plugins, and what is kept where.
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Operation } from "#base/operation.ts";
import type { KustomizeSettings } from "#render/build-options.ts";
import type { EnginePool } from "#render/engine/pool.ts";
import { commandPlugins } from "#render/plugin/commands.ts";
import { bothPlugins } from "#render/plugin/plugins.ts";
import { sidecarPlugins } from "#render/plugin/sidecar.ts";
import type { Plugins } from "#render/plugin/types.ts";
import { createRenderer } from "#render/renderer.ts";
import { openSharedStore } from "#render/shared/open.ts";
import type { Renderer } from "#render/types.ts";
import { systemClock } from "#runtime/system.ts";

/** Where Argo CD's sidecars have their sockets. */
export const defaultPluginSockets = "/home/argocd/cmp-server/plugins";

/** What flags say of rendering. */
export interface RenderingFlags {
  /** The folder of plugins' sockets. */
  readonly pluginSockets?: string;
  /** The folder of plugins that are commands of this machine; none without it. */
  readonly pluginCommands?: string;
  /** URL of a store that replicas share their renders by. */
  readonly renderCache?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

export interface PluginOptions extends RenderingFlags {
  readonly environment: Environment;
}

export interface RenderingOptions extends PluginOptions {
  readonly engine: EnginePool;
  readonly plugins: Plugins;
  readonly dataDir: string;
  readonly kustomize: () => KustomizeSettings;
}

/** The renderer; closing it closes the engine and the plugins too. Error: CONFIG_INVALID. */
export function rendererFor(op: Operation, options: RenderingOptions): Renderer {
  const { renderCache, environment } = options;
  const store = renderCache === undefined ? undefined : openSharedStore(renderCache, environment);
  return createRenderer({
    ...(store ? { shared: { store, clock: systemClock } } : {}),
    cacheDir: join(options.dataDir, "render"),
    engine: options.engine,
    kustomize: options.kustomize,
    plugins: options.plugins,
    digest: (text) => createHash("sha256").update(text).digest("hex"),
    log: op.log,
  });
}

/** The config management plugins that flags name. */
export function pluginsOf(op: Operation, options: PluginOptions): Plugins {
  const sidecars = sidecarPlugins({ dir: options.pluginSockets ?? defaultPluginSockets, clock: systemClock });
  if (options.pluginCommands === undefined) return sidecars;
  const commands = commandPlugins({
    dir: options.pluginCommands,
    path: options.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin",
    problem: (file, why) => op.log.warn("plugin not usable", { file, why }),
  });
  return bothPlugins(sidecars, commands);
}
