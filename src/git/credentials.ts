// Turns a repository's credentials into what git reads: configuration and secrets in the environment of the one child,
// keys in files of mode 0600 that are gone when the child is. Nothing lands on a command line or in a mirror's config.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RepositoryAccess } from "./types.ts";
import { splitCredentials } from "./urls.ts";

export interface Prepared {
  /** URL without user name and password. */
  readonly url: string;
  readonly env: Readonly<Record<string, string>>;
  /** What must never be shown. */
  readonly secrets: readonly (string | undefined)[];
  /** Removes the key files. */
  release(): Promise<void>;
}

/** Settings as `GIT_CONFIG_KEY_n` pairs: the only way that is neither on the command line nor on disk. */
export function configEnvironment(settings: readonly (readonly [string, string])[]): Record<string, string> {
  const env: Record<string, string> = { GIT_CONFIG_COUNT: String(settings.length) };
  for (const [index, [key, value]] of settings.entries()) {
    env[`GIT_CONFIG_KEY_${index}`] = key;
    env[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return env;
}

/** Adds settings to an environment that has some. */
export function withConfig(
  env: Readonly<Record<string, string>>,
  settings: readonly (readonly [string, string])[],
): Record<string, string> {
  const count = Number(env["GIT_CONFIG_COUNT"] ?? 0);
  const more = settings.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${count + index}`, key],
    [`GIT_CONFIG_VALUE_${count + index}`, value],
  ]);
  return { ...env, ...Object.fromEntries(more), GIT_CONFIG_COUNT: String(count + settings.length) };
}

/** One word for a shell. */
export const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** How git calls ssh: only the given key, only the given host keys, no user configuration, no prompts. */
function sshCommand(access: RepositoryAccess, files: { key?: string; hosts?: string }): string {
  const options = [
    "-F",
    "/dev/null",
    "-o",
    "BatchMode=yes",
    "-o",
    "ConnectTimeout=30",
    "-o",
    "ServerAliveInterval=15",
    "-o",
    "ServerAliveCountMax=4",
    "-o",
    "GlobalKnownHostsFile=/dev/null",
  ];
  if (files.key !== undefined)
    options.push("-i", quote(files.key), "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none");
  options.push(
    "-o",
    `UserKnownHostsFile=${access.insecure === true || files.hosts === undefined ? "/dev/null" : quote(files.hosts)}`,
  );
  options.push("-o", `StrictHostKeyChecking=${access.insecure === true ? "no" : "yes"}`);
  return ["ssh", ...options].join(" ");
}

function httpSettings(
  access: RepositoryAccess,
  url: string,
  login: { username?: string; password?: string },
): [string, string][] {
  const settings: [string, string][] = [];
  const origin = /^https?:\/\/[^/]+/i.exec(url)?.[0];
  if (origin === undefined) return settings;
  // Sent with the first request, so that no request is refused first; bound to this server, so that no redirect gets it.
  const username = access.username ?? login.username;
  const password = access.password ?? login.password;
  if (access.bearerToken) settings.push([`http.${origin}/.extraHeader`, `Authorization: Bearer ${access.bearerToken}`]);
  else if (username || password) {
    const basic = Buffer.from(`${username || "x-access-token"}:${password ?? ""}`).toString("base64");
    settings.push([`http.${origin}/.extraHeader`, `Authorization: Basic ${basic}`]);
  }
  if (access.insecure === true) settings.push(["http.sslVerify", "false"]);
  if (access.proxy) settings.push(["http.proxy", access.proxy]);
  return settings;
}

/** Takes a repository's access and a folder for short-lived files; returns what to run git with. Call `release` after. */
export async function prepareAccess(access: RepositoryAccess, temporary: string): Promise<Prepared> {
  const login = splitCredentials(access.url);
  const settings = httpSettings(access, login.url, login);
  const env: Record<string, string> = {};
  const files: Record<string, string> = {};
  let folder: string | undefined;
  const keep = async (name: string, text: string): Promise<string> => {
    folder ??= await mkdtemp(join(temporary, "access-"));
    const file = join(folder, name);
    await writeFile(file, text.endsWith("\n") ? text : `${text}\n`, { mode: 0o600 });
    return file;
  };
  const release = async (): Promise<void> => {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  };
  try {
    if (access.caBundle) settings.push(["http.sslCAInfo", await keep("ca.pem", access.caBundle)]);
    if (access.tlsClientCert) settings.push(["http.sslCert", await keep("client.pem", access.tlsClientCert)]);
    if (access.tlsClientKey) settings.push(["http.sslKey", await keep("client.key", access.tlsClientKey)]);
    if (!/^(?:https?|file|git):\/\//i.test(login.url)) {
      if (access.sshPrivateKey) files["key"] = await keep("key", access.sshPrivateKey);
      if (access.sshKnownHosts) files["hosts"] = await keep("known_hosts", access.sshKnownHosts);
      env["GIT_SSH_COMMAND"] = sshCommand(access, files);
      env["GIT_SSH_VARIANT"] = "ssh";
    }
  } catch (error) {
    await release();
    throw error;
  }
  const password = access.password ?? login.password;
  const basic =
    password === undefined
      ? undefined
      : Buffer.from(`${(access.username ?? login.username) || "x-access-token"}:${password}`).toString("base64");
  return {
    url: login.url,
    env: {
      ...env,
      ...configEnvironment([
        ["protocol.version", "2"],
        ["core.abbrev", "40"],
        ["credential.helper", ""],
        ["http.lowSpeedLimit", "1"],
        ["http.lowSpeedTime", "60"],
        ...settings,
      ]),
    },
    secrets: [password, basic, access.bearerToken, access.tlsClientKey, access.sshPrivateKey],
    release,
  };
}
