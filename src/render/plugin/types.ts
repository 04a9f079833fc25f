// What a config management plugin is to the renderer, whether it stands in a sidecar or is a command of this machine.
import type { Operation } from "#base/operation.ts";

/** One file of what a plugin gets. */
export interface PluginFile {
  /** From the root of what it gets. */
  readonly path: string;
  readonly executable: boolean;
  /** Its bytes, or where a symbolic link leads; a link stays inside. */
  readonly content: Uint8Array | { readonly symlink: string };
}

/** What a plugin works on. */
export interface PluginRequest {
  readonly appName: string;
  /** The source's folder inside the files; "" where they are just that folder's. */
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Read when a plugin wants them; the same for all that ask. Errors: those of the repository, TOO_LARGE. */
  files(): Promise<readonly PluginFile[]>;
}

/** A parameter that a plugin says it takes; for people and forms, never sent back to it. */
export interface ParameterAnnouncement {
  readonly name: string;
  readonly title: string;
  readonly tooltip: string;
  readonly required: boolean;
  readonly itemType: string;
  readonly collectionType: string;
  readonly string: string;
  readonly array: readonly string[];
  readonly map: Readonly<Record<string, string>>;
}

export interface Plugin {
  /** As `spec.source.plugin.name` names it: `name`, or `name-version`. */
  readonly name: string;
  /** Changes when the plugin is another one or was started again: what it gave before is not used then. */
  readonly identity: string;
  /** Whether it says of itself which sources it wants. */
  discovers(op: Operation): Promise<boolean>;
  /** Whether it wants this source. */
  matches(op: Operation, request: PluginRequest): Promise<boolean>;
  /**
   * The manifests of a source, as texts of YAML or JSON. Errors: RENDER_FAILED with what the plugin wrote to its standard
   * error, RENDER_TIMEOUT, RENDER_TOO_LARGE, PLUGIN_UNREACHABLE, CANCELLED.
   */
  generate(op: Operation, request: PluginRequest): Promise<readonly string[]>;
  parameters(op: Operation, request: PluginRequest): Promise<readonly ParameterAnnouncement[]>;
}

/** The plugins that are there now. */
export interface Plugins {
  /** Sorted by name. */
  list(op: Operation): Promise<readonly Plugin[]>;
  close(): Promise<void>;
}
