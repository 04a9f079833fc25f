// Which server, with which token and certificates: flags first, then the environment, then the configuration file's
// context, then the `driftless up` of this machine.
import { readFileSync } from "node:fs";
import { DriftlessError } from "#base/errors.ts";
import { isObject } from "#base/json.ts";
import type { Operation } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import { createApi, type ApiClient } from "./api.ts";
import { readIfThere, writePrivately, type ConfigFile, type ServerEntry } from "./config-file.ts";
import type { FlagValues } from "../flags.ts";
import type { globalFlags } from "../global-flags.ts";
import { createHttp, type Credentials, type Http, type Query, type Target } from "./http.ts";

type Global = FlagValues<typeof globalFlags>;
type Environment = Readonly<Record<string, string | undefined>>;

/** What `driftless up` leaves in its data directory for the command line. */
export interface LocalServer {
  readonly server: string;
  readonly username: string;
  readonly password: string;
  readonly token?: string;
  /** Its certificate is not verified: it is on this machine. */
  readonly insecure?: boolean;
}

export interface ConnectDeps {
  readonly env: Environment;
  readonly global: Global;
  readonly clock: Clock;
  /** The file that `driftless up` writes on this machine. */
  readonly localFile: string;
  /** Answers requests in this process, from the cluster of the kubeconfig. Returns where, and the token to send. */
  core(): Promise<{ readonly url: string; readonly token: string }>;
  /** Connections to a pod of the server, by the cluster of the kubeconfig. */
  forward(): Promise<NonNullable<Target["tunnel"]>>;
  config(): Promise<ConfigFile>;
}

/** A variable by argocd's name, which ours (`DRIFTLESS_…`) overrides. */
export function variable(env: Environment, name: string): string {
  return env[`DRIFTLESS_${name}`] || env[`ARGOCD_${name}`] || "";
}

/** The client of the chosen server. Errors: CONFIG_INVALID where none is, or a file cannot be read. */
export async function connectToServer(op: Operation, deps: ConnectDeps): Promise<ApiClient> {
  const { env, global } = deps;
  if (global.core) return coreClient(deps);
  const address = global.server || variable(env, "SERVER");
  const token = global["auth-token"] || variable(env, "AUTH_TOKEN");
  const config = await deps.config();
  if (forwards(global)) return forwardedClient(deps, token || (forwardedContext(config)?.user["auth-token"] ?? ""));
  const contextName = global["argocd-context"] || variable(env, "CONTEXT") || config.current;
  const known = address === "" || contextName !== "" ? contextOf(config, contextName) : undefined;
  if (address !== "") {
    // As with argocd, the context's token is not sent to another server than its own.
    const same = known !== undefined && sameServer(known.server.server, address);
    const entry = config.server(address) ?? config.server(withoutScheme(address)) ?? { server: address };
    op.log.debug("server", { address, from: "flag or environment" });
    return clientOf(deps, { ...entry, server: address }, token || (same ? (known.user["auth-token"] ?? "") : ""));
  }
  if (known?.server.core) return coreClient(deps);
  if (known?.server.server === forwardedServer) return forwardedClient(deps, token || (known.user["auth-token"] ?? ""));
  if (known) {
    op.log.debug("server", { address: known.server.server, context: known.context.name, from: config.path });
    return clientOf(deps, known.server, token || (known.user["auth-token"] ?? ""));
  }
  const local = readLocal(deps.localFile);
  if (!local) {
    throw new DriftlessError(
      "CONFIG_INVALID",
      "no server is configured: start one with driftless up, log in with driftless login SERVER, or name one with --server",
    );
  }
  op.log.debug("server", { address: local.server, from: deps.localFile });
  return localClient(deps, local, token);
}

/** A client of one server, as the flags and what is known of the server say. */
export function clientOf(deps: ConnectDeps, server: ServerEntry, token: string): ApiClient {
  return createApi(forgivingHttp(targetOf(deps, server), { token }), deps.clock, () => token);
}

async function coreClient(deps: ConnectDeps): Promise<ApiClient> {
  const { url, token } = await deps.core();
  const target: Target = { url, headers: {}, insecure: false, retries: 0 };
  return createApi(createHttp(target, { token }), deps.clock, () => token);
}

/** What the server is called in contexts that were logged in to by --port-forward; argocd's name for it. */
export const forwardedServer = "port-forward";

export const forwards = (global: Global): boolean => global["port-forward"] || global["port-forward-namespace"] !== "";

/** The context of a login by --port-forward: the current one, else the first. */
function forwardedContext(config: ConfigFile): ReturnType<ConfigFile["resolve"]> | undefined {
  const found = config.contexts.filter(({ server }) => server === forwardedServer);
  const name = (found.find((item) => item.name === config.current) ?? found[0])?.name;
  return name === undefined ? undefined : config.resolve(name);
}

/** The certificate of a pod is for another name: the way to it is the API server's, and it is not verified. */
export async function forwardedClient(deps: ConnectDeps, token: string): Promise<ApiClient> {
  const entry = (await deps.config()).server(forwardedServer) ?? {};
  const server: ServerEntry = { ...entry, server: "127.0.0.1", insecure: true };
  const target: Target = { ...targetOf(deps, server), tunnel: await deps.forward() };
  return createApi(forgivingHttp(target, { token }), deps.clock, () => token);
}

function contextOf(config: ConfigFile, name: string): ReturnType<ConfigFile["resolve"]> | undefined {
  return name === "" ? undefined : config.resolve(name);
}

function localClient(deps: ConnectDeps, local: LocalServer, token: string): ApiClient {
  const target = targetOf(deps, { server: local.server, ...(local.insecure ? { insecure: true } : {}) });
  const credentials: Credentials = {
    token: token || (local.token ?? ""),
    renew: async (op) => {
      const anonymous = createApi(createHttp(target, { token: "" }), deps.clock);
      const fresh = await anonymous.session.login(op, local.username, local.password);
      writePrivately(deps.localFile, `${JSON.stringify({ ...local, token: fresh })}\n`);
      return fresh;
    },
  };
  return createApi(createHttp(target, credentials), deps.clock, () => credentials.token);
}

function readLocal(path: string): LocalServer | undefined {
  const text = readIfThere(path);
  if (text === undefined) return undefined;
  try {
    const content: unknown = JSON.parse(text);
    if (isObject(content) && typeof content["server"] === "string") return content as unknown as LocalServer;
  } catch {
    // Half-written by a full disk: as good as none.
  }
  return undefined;
}

export function withoutScheme(address: string): string {
  return address.replace(/^https?:\/\//, "").replace(/\/+$/, "");
}

function sameServer(a: string, b: string): boolean {
  return withoutScheme(a) === withoutScheme(b);
}

/** Where requests go. Error: CONFIG_INVALID for an address or file that is not usable. */
export function targetOf(deps: Pick<ConnectDeps, "env" | "global">, server: ServerEntry): Target {
  const { global } = deps;
  const plain = global.plaintext || (server["plain-text"] ?? false);
  const scheme = /^https?:\/\//.exec(server.server)?.[0] ?? (plain ? "http://" : "https://");
  const root = (global["grpc-web-root-path"] || (server["grpc-web-root-path"] ?? ""))
    .replace(/^\/?/, "/")
    .replace(/\/+$/, "");
  const url = `${scheme}${withoutScheme(server.server)}${root}`;
  if (!URL.canParse(url)) throw new DriftlessError("CONFIG_INVALID", `"${server.server}" is not a server's address`);
  const ca = global["server-crt"] === "" ? decodeCa(server) : readFile(global["server-crt"], "--server-crt");
  const proxies = isLoopback(url) ? undefined : proxiesOf(deps.env);
  return {
    url,
    ...(proxies ? { proxies } : {}),
    headers: headersOf(global.header),
    insecure: global.insecure || (server.insecure ?? false),
    ...(ca === undefined ? {} : { ca }),
    ...clientCertificate(global, server),
    retries: global["http-retry-max"],
  };
}

/** The client's certificate: by flags, else as the context has it. Error: CONFIG_INVALID for half of one. */
function clientCertificate(global: Global, server: ServerEntry): { readonly cert?: string; readonly key?: string } {
  const { "client-crt": certFile, "client-crt-key": keyFile } = global;
  const pair = (cert: string, key: string, flags: readonly [string, string]): { cert: string; key: string } => {
    if (cert !== "" && key !== "") return { cert, key };
    throw new DriftlessError("CONFIG_INVALID", `${flags.join(" and ")} are only of use together`);
  };
  if (certFile !== "" || keyFile !== "") {
    const files = pair(certFile, keyFile, ["--client-crt", "--client-crt-key"]);
    return { cert: readFile(files.cert, "--client-crt"), key: readFile(files.key, "--client-crt-key") };
  }
  const { "client-certificate": cert = "", "client-certificate-key": key = "" } = server;
  if (cert !== "" || key !== "") {
    const files = pair(cert, key, ["client-certificate", "client-certificate-key"]);
    return { cert: readFile(files.cert, "client-certificate"), key: readFile(files.key, "client-certificate-key") };
  }
  const { "client-certificate-data": certData = "", "client-certificate-key-data": keyData = "" } = server;
  if (certData === "" && keyData === "") return {};
  const data = pair(certData, keyData, ["client-certificate-data", "client-certificate-key-data"]);
  const decode = (text: string): string => Buffer.from(text, "base64").toString("utf8");
  return { cert: decode(data.cert), key: decode(data.key) };
}

function decodeCa(server: ServerEntry): string | undefined {
  const data = server["certificate-authority-data"];
  return data ? Buffer.from(data, "base64").toString("utf8") : undefined;
}

function readFile(path: string, flag: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code ?? "unknown reason";
    throw new DriftlessError("CONFIG_INVALID", `the file ${path} of ${flag} cannot be read (${code})`, {
      cause: thrown,
    });
  }
}

function proxiesOf(env: Environment): Readonly<Record<string, string>> | undefined {
  const names = ["HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"].flatMap((name) => [name, name.toLowerCase()]);
  const found = names.flatMap((name) => (env[name] ? [[name, env[name]] as const] : []));
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

function headersOf(lines: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(":");
      if (colon <= 0) throw new DriftlessError("INVALID_ARGUMENT", `--header takes "NAME: VALUE", not "${line}"`);
      return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
}

/** Whether the other side answered, but not in TLS. */
export function speaksNoTls(thrown: unknown): boolean {
  const cause = (thrown as Error).cause as NodeJS.ErrnoException | undefined;
  const code = cause?.code;
  if (code === "ECONNRESET") return /before secure TLS/.test(cause?.message ?? "");
  return code === "EPROTO" || code === "ERR_SSL_WRONG_VERSION_NUMBER" || code === "ERR_SSL_PACKET_LENGTH_TOO_LONG";
}

export function isLoopback(url: string): boolean {
  const host = new URL(url).hostname;
  return host === "localhost" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** On this machine, a server without TLS is spoken to without: nothing is between that could read along. */
function forgivingHttp(target: Target, credentials: Credentials): Http {
  let http = createHttp(target, credentials);
  if (!target.url.startsWith("https://") || !isLoopback(target.url)) return http;
  const plain = (): Http => (http = createHttp({ ...target, url: target.url.replace(/^https/, "http") }, credentials));
  return {
    get url() {
      return http.url;
    },
    async send(op, method, path, options) {
      try {
        return await http.send(op, method, path, options);
      } catch (thrown) {
        if (!speaksNoTls(thrown)) throw thrown;
        return plain().send(op, method, path, options);
      }
    },
    open: (op: Operation, path: string, query: Query) => http.open(op, path, query),
  };
}
