// Clients from the places where credentials are kept: kubeconfig files, Argo CD's cluster Secrets, the pod's own service
// account. Reads files; connects nowhere.
import { existsSync, readFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
// Only these two files of the library: its index loads every generated model (90 MB and 1.2 s of CPU).
import {
  newClusters,
  newContexts,
  newUsers,
  type Cluster,
  type User,
} from "@kubernetes/client-node/dist/config_types.js";
import { parseYaml } from "#base/yaml.ts";
import { DriftlessError } from "#base/errors.ts";
import type { KubernetesObject } from "#model/object.ts";
import { execPlugin, tokenFile, type ExecConfig } from "./authenticators.ts";
import { createClient, type ClientOptions } from "./client.ts";
import { anonymous, fixedAuthorization, type Authenticator, type Connection, type TlsMaterial } from "./connection.ts";
import type { KubeClient } from "./types.ts";

export interface CredentialOptions extends ClientOptions {
  /** What exec plugins inherit and where a pod finds its API server: process.env, passed in by src/main. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/**
 * Takes a kubeconfig, as text or as a file, and the name of a context (the current one unless told); returns a client
 * named after the context. CONFIG_INVALID where the file or the context is not usable.
 */
export function clientFromKubeconfig(
  source: { readonly text: string } | { readonly path: string },
  options: CredentialOptions & { readonly context?: string; readonly name?: string },
): KubeClient {
  return createClient(connectionFromKubeconfig(source, options), options);
}

export function connectionFromKubeconfig(
  source: { readonly text: string } | { readonly path: string },
  options: CredentialOptions & {
    readonly context?: string;
    readonly name?: string;
    /** In place of the context's. */
    readonly cluster?: string;
    readonly user?: string;
  },
): Connection {
  const where = "path" in source ? source.path : "kubeconfig";
  const config = readKubeconfig("path" in source ? readText(source.path, "kubeconfig") : source.text, where);
  const wanted = options.context ?? config.current;
  const context = config.contexts.find(({ name }) => name === wanted);
  if (context === undefined) throw invalid(`${where} has no context ${JSON.stringify(wanted ?? "")}`);
  const { cluster: clusterName = context.cluster, user: userName = context.user } = options;
  const cluster = config.clusters.find(({ name }) => name === clusterName);
  if (cluster === undefined) throw invalid(`${where} has no cluster ${JSON.stringify(clusterName)}`);
  const user = config.users.find(({ name }) => name === userName);
  if (user === undefined && options.user !== undefined)
    throw invalid(`${where} has no user ${JSON.stringify(options.user)}`);
  const folder = "path" in source ? dirname(source.path) : ".";
  const tls = kubeconfigTls(cluster, user, folder);
  return {
    name: options.name ?? context.name,
    server: cluster.server,
    tls,
    auth: kubeconfigAuth(user, config.rawUser(userName), { folder, cluster, options }),
    ...(cluster.proxyUrl === undefined ? {} : { proxyUrl: cluster.proxyUrl }),
    ...(user?.impersonateUser ? { headers: { "impersonate-user": user.impersonateUser } } : {}),
  };
}

interface Kubeconfig {
  readonly clusters: readonly Cluster[];
  readonly users: readonly User[];
  readonly contexts: ReturnType<typeof newContexts>;
  readonly current: string | undefined;
  rawUser(name: string): Readonly<Record<string, unknown>>;
}

interface RawKubeconfig {
  readonly clusters?: unknown;
  readonly contexts?: unknown;
  readonly users?: readonly { readonly name?: string; readonly user?: Readonly<Record<string, unknown>> }[];
  readonly "current-context"?: string;
}

function readKubeconfig(text: string, where: string): Kubeconfig {
  try {
    const raw = (parseYaml(text) ?? {}) as RawKubeconfig;
    // "token-file" is not kubectl's field; taking it out keeps the library from reading a file once and for all.
    return {
      clusters: newClusters(raw.clusters),
      contexts: newContexts(raw.contexts),
      users: newUsers(raw.users),
      current: raw["current-context"],
      rawUser: (name) => raw.users?.find((user) => user.name === name)?.user ?? {},
    };
  } catch (cause) {
    throw invalid(`${where} is not a kubeconfig: ${(cause as Error).message}`, cause);
  }
}

function kubeconfigTls(cluster: Cluster, user: User | undefined, folder: string): TlsMaterial {
  const ca = pem(cluster.caData, cluster.caFile, folder);
  const cert = pem(user?.certData, user?.certFile, folder);
  const key = pem(user?.keyData, user?.keyFile, folder);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(cluster.tlsServerName === undefined ? {} : { servername: cluster.tlsServerName }),
    ...(cluster.skipTLSVerify ? { insecure: true } : {}),
  };
}

function kubeconfigAuth(
  user: User | undefined,
  raw: Readonly<Record<string, unknown>>,
  context: { folder: string; cluster: Cluster; options: CredentialOptions },
): Authenticator {
  const { folder, cluster, options } = context;
  if (user === undefined) return anonymous;
  if (typeof raw["tokenFile"] === "string") return tokenFile(absolute(raw["tokenFile"], folder), options.clock);
  if (user.token) return fixedAuthorization(`Bearer ${user.token}`);
  if (user.username) return basic(user.username, user.password ?? "");
  if (user.exec) {
    return execPlugin(user.exec as ExecConfig, {
      clock: options.clock,
      environment: options.environment ?? {},
      cluster: {
        server: cluster.server,
        "certificate-authority-data": cluster.caData,
        "insecure-skip-tls-verify": cluster.skipTLSVerify || undefined,
        "tls-server-name": cluster.tlsServerName,
        "proxy-url": cluster.proxyUrl,
      },
    });
  }
  if (user.authProvider) {
    const name = (user.authProvider as { name?: string }).name ?? "";
    throw invalid(`auth-provider ${JSON.stringify(name)} was removed from Kubernetes 1.26: use an exec plugin`);
  }
  return anonymous;
}

/** The `config` of an Argo CD cluster Secret. Source: Argo CD "Declarative Setup", Clusters. */
export interface ClusterSecretConfig {
  readonly username?: string;
  readonly password?: string;
  readonly bearerToken?: string;
  readonly tlsClientConfig?: {
    readonly insecure?: boolean;
    readonly serverName?: string;
    /** Base64 of PEM. */
    readonly caData?: string;
    readonly certData?: string;
    readonly keyData?: string;
  };
  readonly execProviderConfig?: {
    readonly command: string;
    readonly args?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    readonly apiVersion?: string;
    readonly installHint?: string;
  };
  readonly awsAuthConfig?: { readonly clusterName?: string; readonly roleARN?: string; readonly profile?: string };
  readonly proxyUrl?: string;
  readonly disableCompression?: boolean;
}

/** Takes a cluster's address and the parsed `config` of its Secret; returns a client. CONFIG_INVALID for bad values. */
export function clientFromClusterSecret(
  cluster: { readonly name: string; readonly server: string; readonly config: ClusterSecretConfig },
  options: CredentialOptions,
): KubeClient {
  return createClient(connectionFromClusterSecret(cluster, options), options);
}

export function connectionFromClusterSecret(
  cluster: { readonly name: string; readonly server: string; readonly config: ClusterSecretConfig },
  options: CredentialOptions,
): Connection {
  const { config, server, name } = cluster;
  if (!URL.canParse(server)) throw invalid(`cluster ${name}: ${JSON.stringify(server)} is not an address`);
  const tls = config.tlsClientConfig ?? {};
  const ca = pem(tls.caData, undefined, ".");
  const cert = pem(tls.certData, undefined, ".");
  const key = pem(tls.keyData, undefined, ".");
  return {
    name,
    server: server.replace(/\/$/, ""),
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(tls.serverName ? { servername: tls.serverName } : {}),
      ...(tls.insecure === true ? { insecure: true } : {}),
    },
    auth: clusterSecretAuth(cluster, options),
    ...(config.proxyUrl ? { proxyUrl: config.proxyUrl } : {}),
    ...(config.disableCompression === true ? { disableCompression: true } : {}),
  };
}

function clusterSecretAuth(
  cluster: { readonly name: string; readonly server: string; readonly config: ClusterSecretConfig },
  options: CredentialOptions,
): Authenticator {
  const { config } = cluster;
  const context = {
    clock: options.clock,
    environment: options.environment ?? {},
    cluster: { server: cluster.server, "certificate-authority-data": config.tlsClientConfig?.caData },
  };
  if (config.execProviderConfig !== undefined) {
    const { env, ...exec } = config.execProviderConfig;
    const pairs = Object.entries(env ?? {}).map(([name, value]) => ({ name, value }));
    return execPlugin({ ...exec, env: pairs }, context);
  }
  if (config.awsAuthConfig?.clusterName) {
    // As Argo CD does, through its own program; here through the vendor's, which gives the same token.
    const { clusterName, roleARN, profile } = config.awsAuthConfig;
    return execPlugin(
      {
        apiVersion: "client.authentication.k8s.io/v1beta1",
        command: "aws",
        args: ["eks", "get-token", "--cluster-name", clusterName, ...(roleARN ? ["--role-arn", roleARN] : [])],
        env: profile ? [{ name: "AWS_PROFILE", value: profile }] : [],
      },
      context,
    );
  }
  if (config.bearerToken) return fixedAuthorization(`Bearer ${config.bearerToken}`);
  if (config.username) return basic(config.username, config.password ?? "");
  return anonymous;
}

const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";

/** The pod's own service account; undefined outside a pod. */
export function connectionInCluster(
  options: CredentialOptions & { readonly name?: string; readonly folder?: string },
): Connection | undefined {
  const host = options.environment?.["KUBERNETES_SERVICE_HOST"];
  const port = options.environment?.["KUBERNETES_SERVICE_PORT"] ?? "443";
  const folder = options.folder ?? serviceAccount;
  if (!host || !existsSync(join(folder, "token"))) return undefined;
  return {
    name: options.name ?? "in-cluster",
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    tls: { ca: readText(join(folder, "ca.crt"), "the service account's authority") },
    auth: tokenFile(join(folder, "token"), options.clock),
  };
}

/** The namespace that the pod is in; undefined outside a pod. */
export function podNamespace(folder = serviceAccount): string | undefined {
  const file = join(folder, "namespace");
  return existsSync(file) ? readText(file, "the pod's namespace").trim() : undefined;
}

/** Takes a cluster Secret as the API server gives it; returns its data decoded. */
export function decodeSecret(secret: KubernetesObject): Readonly<Record<string, string>> {
  const decoded: Record<string, string> = {};
  const data = secret["data"] as Readonly<Record<string, string>> | undefined;
  for (const [name, value] of Object.entries(data ?? {})) decoded[name] = Buffer.from(value, "base64").toString("utf8");
  const plain = secret["stringData"] as Readonly<Record<string, string>> | undefined;
  return { ...decoded, ...plain };
}

function basic(username: string, password: string): Authenticator {
  return fixedAuthorization(`Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`);
}

function pem(base64: string | undefined, file: string | undefined, folder: string): string | undefined {
  if (base64) {
    // Some tools write the PEM itself where base64 of it belongs; Argo CD's own CLI takes both.
    return base64.includes("-----BEGIN") ? base64 : Buffer.from(base64, "base64").toString("utf8");
  }
  return file ? readText(absolute(file, folder), "certificate") : undefined;
}

function absolute(path: string, folder: string): string {
  return isAbsolute(path) ? path : join(folder, path);
}

function readText(path: string, what: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw invalid(`${what} ${path} cannot be read: ${(cause as NodeJS.ErrnoException).code ?? ""}`, cause);
  }
}

function invalid(message: string, cause?: unknown): DriftlessError {
  return new DriftlessError("CONFIG_INVALID", message, { cause });
}
