// The configuration file, in argocd's format: contexts, each a server and a user with a token. Ours is written; where it
// is missing, argocd's is read, so that who is logged in there is logged in here. Private (0600), replaced atomically.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DriftlessError } from "#base/errors.ts";
import { isObject } from "#base/json.ts";

export interface ServerEntry {
  readonly server: string;
  readonly insecure?: boolean;
  readonly "plain-text"?: boolean;
  readonly "grpc-web"?: boolean;
  readonly "grpc-web-root-path"?: string;
  readonly "certificate-authority-data"?: string;
  /** Files of the client's certificate and key; read anew for each command. */
  readonly "client-certificate"?: string;
  readonly "client-certificate-key"?: string;
  /** The same, in base64. */
  readonly "client-certificate-data"?: string;
  readonly "client-certificate-key-data"?: string;
  /** No server at all: straight to the cluster of the kubeconfig. */
  readonly core?: boolean;
  readonly [other: string]: unknown;
}

export interface UserEntry {
  readonly name: string;
  readonly "auth-token"?: string;
  readonly "refresh-token"?: string;
}

export interface ContextEntry {
  readonly name: string;
  readonly server: string;
  readonly user: string;
}

interface Content {
  readonly "current-context": string;
  readonly contexts: readonly ContextEntry[];
  readonly servers: readonly ServerEntry[];
  readonly users: readonly UserEntry[];
  readonly "prompts-enabled"?: boolean;
}

const nothing: Content = { "current-context": "", contexts: [], servers: [], users: [] };

/** Where the file is written, and where it is read from: the first that exists. */
export function configPaths(
  env: Readonly<Record<string, string | undefined>>,
  explicit: string,
): { readonly write: string; readonly read: readonly string[] } {
  if (explicit !== "") return { write: explicit, read: [explicit] };
  // A folder that is named for it is used as argocd uses it: also to write.
  const named = env["DRIFTLESS_CONFIG_DIR"] || env["ARGOCD_CONFIG_DIR"];
  if (named) return { write: join(named, "config"), read: [join(named, "config")] };
  const home = env["HOME"] ?? env["USERPROFILE"] ?? ".";
  const base = env["XDG_CONFIG_HOME"] || join(home, ".config");
  const write = join(base, "driftless", "config");
  return { write, read: [write, join(base, "argocd", "config"), join(home, ".argocd", "config")] };
}

export class ConfigFile {
  readonly #path: string;
  #content: Content;

  constructor(path: string, content: unknown) {
    this.#path = path;
    this.#content = contentOf(content);
  }

  /** Reads the first of the paths that exists. Error: CONFIG_INVALID naming the file. */
  static async read(paths: { readonly write: string; readonly read: readonly string[] }): Promise<ConfigFile> {
    for (const path of paths.read) {
      const found = readIfThere(path);
      if (found === undefined) continue;
      const { load } = await import("js-yaml");
      try {
        return new ConfigFile(paths.write, load(found));
      } catch (thrown) {
        throw new DriftlessError(
          "CONFIG_INVALID",
          `the configuration file ${path} cannot be read: ${(thrown as Error).message.split("\n")[0]}`,
          { cause: thrown },
        );
      }
    }
    return new ConfigFile(paths.write, nothing);
  }

  get path(): string {
    return this.#path;
  }
  get current(): string {
    return this.#content["current-context"];
  }
  get contexts(): readonly ContextEntry[] {
    return this.#content.contexts;
  }
  /** Whether commands ask before they take something away. */
  get promptsEnabled(): boolean {
    return this.#content["prompts-enabled"] ?? false;
  }

  enablePrompts(enabled: boolean): void {
    this.#content = { ...this.#content, "prompts-enabled": enabled };
  }

  /** A context with its server and user. Error: CONFIG_INVALID where there is no such context. */
  resolve(name: string): { readonly context: ContextEntry; readonly server: ServerEntry; readonly user: UserEntry } {
    const context = this.#content.contexts.find((item) => item.name === name);
    if (!context) throw new DriftlessError("CONFIG_INVALID", `there is no context "${name}" in ${this.#path}`);
    return {
      context,
      server: this.server(context.server) ?? { server: context.server },
      user: this.#content.users.find((item) => item.name === context.user) ?? { name: context.user },
    };
  }

  server(address: string): ServerEntry | undefined {
    return this.#content.servers.find((item) => item.server === address);
  }

  /** Adds or replaces a context with its server and user, and makes it the current one. */
  put(name: string, server: ServerEntry, user: UserEntry): void {
    const { contexts, servers, users } = this.#content;
    this.#content = {
      ...this.#content,
      "current-context": name,
      contexts: upsert(contexts, "name", { name, server: server.server, user: user.name }),
      servers: upsert(servers, "server", server),
      users: upsert(users, "name", user),
    };
  }

  use(name: string): void {
    this.resolve(name);
    this.#content = { ...this.#content, "current-context": name };
  }

  /** Forgets a context's tokens; returns whether there was such a context. */
  forgetToken(name: string): boolean {
    const context = this.#content.contexts.find((item) => item.name === name);
    if (!context) return false;
    const users = this.#content.users.map((user) => (user.name === context.user ? { name: user.name } : user));
    this.#content = { ...this.#content, users };
    return true;
  }

  /** Removes a context, and its server and user where no other context needs them. */
  remove(name: string): void {
    const { context } = this.resolve(name);
    const contexts = this.#content.contexts.filter((item) => item !== context);
    this.#content = {
      ...this.#content,
      "current-context": this.current === name ? "" : this.current,
      contexts,
      servers: this.#content.servers.filter(
        (item) => contexts.some((other) => other.server === item.server) || item.server !== context.server,
      ),
      users: this.#content.users.filter(
        (item) => contexts.some((other) => other.user === item.name) || item.name !== context.user,
      ),
    };
  }

  /** Writes the file; an empty one is removed. Error: CONFIG_INVALID where it cannot be written. */
  async save(): Promise<void> {
    const { dump } = await import("js-yaml");
    try {
      if (this.#content.contexts.length === 0 && this.#content["prompts-enabled"] === undefined) {
        rmSync(this.#path, { force: true });
        return;
      }
      writePrivately(this.#path, dump(this.#content, { sortKeys: false, lineWidth: -1 }));
    } catch (thrown) {
      const code = (thrown as NodeJS.ErrnoException).code ?? (thrown as Error).message;
      throw new DriftlessError("CONFIG_INVALID", `the configuration file ${this.#path} cannot be written (${code})`, {
        cause: thrown,
      });
    }
  }
}

/** Writes a file that only its owner can read, in place of an older one, at once. */
export function writePrivately(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const fresh = `${path}.${process.pid}.new`;
  try {
    writeFileSync(fresh, content, { mode: 0o600, flag: "wx" });
    renameSync(fresh, path);
  } catch (thrown) {
    rmSync(fresh, { force: true });
    throw thrown;
  }
}

export function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new DriftlessError("CONFIG_INVALID", `the file ${path} cannot be read (${code ?? "unknown reason"})`, {
      cause: thrown,
    });
  }
}

function contentOf(value: unknown): Content {
  if (value === null || value === undefined) return nothing;
  if (!isObject(value)) throw new Error("it is not a mapping");
  const listOf = (name: string, key: string): unknown[] => {
    const found: unknown = value[name] ?? [];
    if (!Array.isArray(found)) throw new Error(`${name} is not a list`);
    return found.filter((item) => isObject(item) && typeof item[key] === "string");
  };
  const current: unknown = value["current-context"];
  return {
    "current-context": typeof current === "string" ? current : "",
    contexts: listOf("contexts", "name") as ContextEntry[],
    servers: listOf("servers", "server") as ServerEntry[],
    users: listOf("users", "name") as UserEntry[],
    ...(typeof value["prompts-enabled"] === "boolean" ? { "prompts-enabled": value["prompts-enabled"] } : {}),
  };
}

function upsert<T>(items: readonly T[], key: keyof T, item: T): readonly T[] {
  const at = items.findIndex((other) => other[key] === item[key]);
  return at < 0 ? [...items, item] : items.with(at, item);
}
