// Repositories and their credentials as Argo CD keeps them: Secrets labelled `repository` or `repo-creds`. Pure.
// Source: Argo CD's "Declarative Setup", Repositories and Repository credentials.
import { stringAt } from "#base/json.ts";
import { label } from "./names.ts";
import type { KubernetesObject } from "./object.ts";

export interface RepositoryConfig {
  readonly url: string;
  readonly type: "git" | "helm" | "oci";
  readonly name?: string;
  /** Only applications of this project may use it; absent: all. */
  readonly project?: string;
  /** Credentials for every repository whose URL starts with `url`, not a repository itself. */
  readonly isTemplate: boolean;
  readonly username?: string;
  readonly password?: string;
  readonly bearerToken?: string;
  readonly sshPrivateKey?: string;
  readonly tlsClientCert?: string;
  readonly tlsClientKey?: string;
  readonly insecure?: boolean;
  readonly proxy?: string;
  /** Whether pointers of Git LFS stand for what they point at. */
  readonly lfs?: boolean;
  /** How many commits of history are fetched; all without. */
  readonly depth?: number;
  /** Which files are fetched with the commits: `all`, `none`, or those up to a size such as `64k`. */
  readonly files?: string;
  /** Hosts that are reached without the proxy, separated by commas. */
  readonly noProxy?: string;
  /** A Helm repository that is an OCI registry, whatever its URL looks like. */
  readonly enableOci?: boolean;
  /** An OCI registry without TLS. */
  readonly forceHttp?: boolean;
  readonly secretName: string;
}

/** Takes a Secret; returns the repository that it describes, or undefined where it describes none. */
export function repositoryFromSecret(secret: KubernetesObject): RepositoryConfig | undefined {
  const kind = secret.metadata.labels?.[label.secretType];
  if (kind !== "repository" && kind !== "repo-creds") return undefined;
  const read = (name: string): string | undefined => {
    const encoded = stringAt(secret, "data", name);
    const text = encoded === undefined ? stringAt(secret, "stringData", name) : decodeBase64(encoded);
    return text === undefined || text === "" ? undefined : text;
  };
  const url = read("url")?.trim();
  if (url === undefined) return undefined;
  const type = read("type");
  const optional = <K extends string>(name: K, value: string | undefined): Partial<Record<K, string>> =>
    value === undefined ? {} : ({ [name]: value } as Record<K, string>);
  return {
    url,
    type: type === "helm" || type === "oci" ? type : "git",
    isTemplate: kind === "repo-creds",
    secretName: secret.metadata.name ?? "",
    ...optional("name", read("name")),
    ...optional("project", read("project")),
    ...optional("username", read("username")),
    ...optional("password", read("password")),
    ...optional("bearerToken", read("bearerToken")),
    ...optional("sshPrivateKey", read("sshPrivateKey")),
    ...optional("tlsClientCert", read("tlsClientCertData")),
    ...optional("tlsClientKey", read("tlsClientCertKey")),
    ...optional("proxy", read("proxy")),
    ...optional("noProxy", read("noProxy")),
    ...(read("enableLfs") === "true" ? { lfs: true } : {}),
    ...optional("files", filesOf(read("partialClone"))),
    ...(/^[1-9]\d{0,8}$/.test(read("depth") ?? "") ? { depth: Number(read("depth")) } : {}),
    ...(read("enableOCI") === "true" ? { enableOci: true } : {}),
    ...(read("insecureOCIForceHttp") === "true" ? { forceHttp: true } : {}),
    ...(read("insecure") === "true" || read("insecureIgnoreHostKey") === "true" ? { insecure: true } : {}),
  };
}

/** Which files of a Git repository are fetched with its commits; undefined where it is not said, or not understood. */
function filesOf(text: string | undefined): string | undefined {
  const plain = text?.toLowerCase();
  return plain !== undefined && /^(?:all|none|\d{1,9}[kmg]?)$/.test(plain) ? plain : undefined;
}

/** UTF-8 text of base64; undefined where it is not base64. */
export function decodeBase64(encoded: string): string | undefined {
  try {
    const binary = atob(encoded);
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    return new TextDecoder().decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * Takes a repository URL (normalised by `same`), the project that asks and what is configured; returns the credentials
 * to use: the repository's own Secret first, then the template with the longest matching prefix; of each, what belongs to
 * the project before what belongs to nobody. A template is for its own host alone, however its URL ends.
 */
export function credentialsFor(
  url: string,
  project: string,
  configs: readonly RepositoryConfig[],
  normalise: (url: string) => string,
): RepositoryConfig | undefined {
  const wanted = normalise(url);
  const mayUse = (config: RepositoryConfig): boolean => config.project === undefined || config.project === project;
  const own = configs.filter((config) => !config.isTemplate && mayUse(config) && normalise(config.url) === wanted);
  const exact = own.find((config) => config.project === project) ?? own[0];
  if (exact && hasCredentials(exact)) return exact;
  const template = configs
    .filter(
      (config) =>
        config.isTemplate &&
        mayUse(config) &&
        (url.startsWith(config.url) || wanted.startsWith(normalise(config.url))) &&
        hostOf(config.url) === hostOf(url),
    )
    .sort((a, b) => Number(b.project === project) - Number(a.project === project) || b.url.length - a.url.length)[0];
  if (!template) return exact;
  return exact ? { ...template, ...exact } : template;
}

/** The host of a URL, of `git@host:path`, or of a registry without a scheme; in lower case. */
function hostOf(url: string): string {
  return /^(?:[a-z][a-z0-9+.-]*:\/\/)?(?:[^/@]*@)?([^/:]*)/i.exec(url.trim())?.[1]?.toLowerCase() ?? "";
}

function hasCredentials(config: RepositoryConfig): boolean {
  return [config.password, config.bearerToken, config.sshPrivateKey, config.tlsClientCert].some(
    (part) => part !== undefined,
  );
}

/**
 * Takes a Helm repository's or OCI registry's URL (or, as charts write it for a dependency, `@name` or `alias:name` of a
 * configured repository), the project that asks and what is configured; returns the URL with the credentials to use.
 * An OCI registry's other repositories lend theirs where it has none of its own, as in Argo CD. Undefined for a name that
 * is not configured.
 */
export function registryFor(
  url: string,
  project: string,
  configs: readonly RepositoryConfig[],
): (Partial<RepositoryConfig> & { readonly url: string }) | undefined {
  const alias = /^(?:@|alias:)(.*)$/.exec(url)?.[1];
  const mine = configs.filter((config) => config.project === undefined || config.project === project);
  if (alias !== undefined) {
    const named = mine.filter((config) => !config.isTemplate && config.name === alias);
    const found = named.find((config) => config.project === project) ?? named[0];
    return found && registryFor(found.url, project, configs);
  }
  const own = credentialsFor(bareUrl(url), project, mine.map(bare), bareUrl);
  if (own && hasCredentials(own)) return { ...own, url };
  const isOci = /^oci:/i.test(url) || own?.enableOci === true || !url.includes("://");
  const host = bareUrl(url).split("/")[0];
  const neighbours = mine.filter(
    (config) =>
      isOci &&
      (config.enableOci === true || config.type === "oci" || /^oci:/i.test(config.url)) &&
      bareUrl(config.url).split("/")[0] === host,
  );
  const neighbour = neighbours.find(hasCredentials) ?? neighbours[0];
  const lent = neighbour && { ...neighbour, ...own };
  return { ...(lent ?? own), url };
}

/** One text for all spellings of a registry's URL. */
function bareUrl(url: string): string {
  return url
    .trim()
    .toLowerCase()
    .replace(/^oci:\/\//, "")
    .replace(/\/+$/, "");
}

const bare = (config: RepositoryConfig): RepositoryConfig => ({ ...config, url: bareUrl(config.url) });
