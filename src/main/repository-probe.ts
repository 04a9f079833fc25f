// Asks repositories themselves, for the API: whether one can be read with given credentials, its refs, its charts. Keeps
// nothing, and changes nothing that is in use.
import type { Operation } from "#base/operation.ts";
import type { GitServers, RepositoryAccess } from "#git/types.ts";
import type { RepositoryConfig } from "#model/repository.ts";
import type { Registries, RegistryAccess } from "#registry/types.ts";
import type { RepositoryProbe } from "#server/repository/api.ts";

export interface ProbeDeps {
  readonly repositories: GitServers;
  readonly registries: Registries;
  /** What is configured for a URL, with known hosts and certificates. */
  access(url: string, project: string): RepositoryAccess;
  registryAccess(url: string, project: string): RegistryAccess | undefined;
  /** The same for credentials that are not stored. */
  accessOf(found: Partial<RepositoryConfig> & { readonly url: string }): RepositoryAccess;
  registryAccessOf(found: Partial<RepositoryConfig> & { readonly url: string }): RegistryAccess;
}

export function createRepositoryProbe(deps: ProbeDeps): RepositoryProbe {
  const registry = (url: string, project: string): RegistryAccess => deps.registryAccess(url, project) ?? { url };
  return {
    async test(op: Operation, fields) {
      const found = configOf(fields);
      if (found.type === "git") await deps.repositories.ask(op, deps.accessOf(found));
      else await deps.registries.charts(op, deps.registryAccessOf(found));
    },
    refs: (op, url, project) => deps.repositories.ask(op, deps.access(url, project)),
    tags: (op, url, project) => deps.registries.open(registry(url, project)).versions(op),
    charts: (op, url, project) => deps.registries.charts(op, registry(url, project)),
  };
}

/** The API's fields as a repository's Secret is read. */
function configOf(fields: Readonly<Record<string, unknown>>): RepositoryConfig {
  const text = (api: string, name: string): Record<string, string> => {
    const value = fields[api];
    return typeof value === "string" && value !== "" ? { [name]: value } : {};
  };
  const type = fields["type"];
  return {
    url: typeof fields["url"] === "string" ? fields["url"] : "",
    type: type === "helm" || type === "oci" ? type : "git",
    isTemplate: false,
    secretName: "",
    ...text("username", "username"),
    ...text("password", "password"),
    ...text("bearerToken", "bearerToken"),
    ...text("sshPrivateKey", "sshPrivateKey"),
    ...text("tlsClientCertData", "tlsClientCert"),
    ...text("tlsClientCertKey", "tlsClientKey"),
    ...text("proxy", "proxy"),
    ...text("noProxy", "noProxy"),
    ...(fields["insecure"] === true || fields["insecureIgnoreHostKey"] === true ? { insecure: true } : {}),
    ...(fields["enableOCI"] === true || type === "oci" ? { enableOci: true } : {}),
    ...(fields["insecureOCIForceHttp"] === true ? { forceHttp: true } : {}),
  };
}

/** What a template lends, as the API's fields. */
export function lentFields(template: RepositoryConfig | undefined): Readonly<Record<string, unknown>> | undefined {
  if (!template) return undefined;
  const { username, password, bearerToken, sshPrivateKey, tlsClientCert, tlsClientKey, proxy, noProxy } = template;
  return {
    username,
    password,
    bearerToken,
    sshPrivateKey,
    tlsClientCertData: tlsClientCert,
    tlsClientCertKey: tlsClientKey,
    proxy,
    noProxy,
  };
}
