// Connections over HTTP as a repository's access wants them: certificates, a proxy. Kept by who uses them.
import { Agent, ProxyAgent, type Dispatcher } from "undici";
import type { RepositoryAccess } from "./types.ts";
import { splitCredentials } from "./urls.ts";

/** A new pool of connections; whoever made it closes it. */
export function dispatcherFor(access: RepositoryAccess): Dispatcher {
  const tls = {
    ...(access.insecure === true ? { rejectUnauthorized: false } : {}),
    ...(access.caBundle ? { ca: access.caBundle } : {}),
    ...(access.tlsClientCert ? { cert: access.tlsClientCert } : {}),
    ...(access.tlsClientKey ? { key: access.tlsClientKey } : {}),
  };
  if (access.proxy) return new ProxyAgent({ uri: access.proxy, requestTls: tls });
  return new Agent({ connections: 4, keepAliveTimeout: 30_000, connect: { timeout: 10_000, ...tls } });
}

/** The header that logs in; undefined without credentials. */
export function authorizationFor(access: RepositoryAccess, defaultUser = ""): string | undefined {
  const login = splitCredentials(access.url);
  const username = access.username ?? login.username;
  const password = access.password ?? login.password;
  if (access.bearerToken) return `Bearer ${access.bearerToken}`;
  if (!username && !password) return undefined;
  return `Basic ${Buffer.from(`${username || defaultUser}:${password ?? ""}`).toString("base64")}`;
}
