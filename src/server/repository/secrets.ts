// Repositories and templates of credentials as Secrets: from the API's shape to Argo CD's Secret and back. No I/O.
// Source: Argo CD's "Declarative Setup", Repositories and Repository Credentials.
import { DriftlessError } from "#base/errors.ts";
import { isRedacted, redactUrls } from "#base/redact.ts";
import { label } from "#model/names.ts";
import type { KubernetesObject } from "#model/object.ts";
import { decodeBase64 } from "#model/repository.ts";
import { repositorySecretName } from "../secret-names.ts";

/** Which Secrets: repositories or templates, for reading or for writing. */
export type RepositoryKind = "repository" | "repo-creds" | "repository-write" | "repo-write-creds";

const prefixes = {
  repository: "repo",
  "repo-creds": "creds",
  "repository-write": "repo-write",
  "repo-write-creds": "creds-write",
} as const;

/** A repository or a template as clients write it; `repo` and `url` are the same thing. */
export type RepositoryFields = Readonly<Record<string, unknown>>;

/** Fields by their name in the API and in the Secret; `hidden` ones are never answered. */
const fields: readonly {
  readonly api: string;
  readonly key: string;
  readonly type: "text" | "flag" | "number";
  readonly hidden?: boolean;
}[] = [
  { api: "name", key: "name", type: "text" },
  { api: "type", key: "type", type: "text" },
  { api: "project", key: "project", type: "text" },
  { api: "username", key: "username", type: "text" },
  { api: "password", key: "password", type: "text", hidden: true },
  { api: "bearerToken", key: "bearerToken", type: "text", hidden: true },
  { api: "sshPrivateKey", key: "sshPrivateKey", type: "text", hidden: true },
  { api: "tlsClientCertData", key: "tlsClientCertData", type: "text", hidden: true },
  { api: "tlsClientCertKey", key: "tlsClientCertKey", type: "text", hidden: true },
  { api: "insecureIgnoreHostKey", key: "insecureIgnoreHostKey", type: "flag" },
  { api: "insecure", key: "insecure", type: "flag" },
  { api: "enableLfs", key: "enableLfs", type: "flag" },
  { api: "enableOCI", key: "enableOCI", type: "flag" },
  { api: "insecureOCIForceHttp", key: "insecureOCIForceHttp", type: "flag" },
  { api: "githubAppPrivateKey", key: "githubAppPrivateKey", type: "text", hidden: true },
  { api: "githubAppID", key: "githubAppID", type: "number" },
  { api: "githubAppInstallationID", key: "githubAppInstallationID", type: "number" },
  { api: "githubAppEnterpriseBaseUrl", key: "githubAppEnterpriseBaseUrl", type: "text" },
  { api: "gcpServiceAccountKey", key: "gcpServiceAccountKey", type: "text", hidden: true },
  { api: "proxy", key: "proxy", type: "text" },
  { api: "noProxy", key: "noProxy", type: "text" },
  { api: "forceHttpBasicAuth", key: "forceHttpBasicAuth", type: "flag" },
  { api: "useAzureWorkloadIdentity", key: "useAzureWorkloadIdentity", type: "flag" },
  { api: "depth", key: "depth", type: "number" },
  { api: "azureServicePrincipalClientId", key: "azureServicePrincipalClientId", type: "text" },
  { api: "azureServicePrincipalClientSecret", key: "azureServicePrincipalClientSecret", type: "text", hidden: true },
  { api: "azureServicePrincipalTenantId", key: "azureServicePrincipalTenantId", type: "text" },
  { api: "azureActiveDirectoryEndpoint", key: "azureActiveDirectoryEndpoint", type: "text" },
];

/** The Secret of a repository or template. Error: INVALID_ARGUMENT with the field. */
export function repositorySecret(
  kind: RepositoryKind,
  wanted: RepositoryFields,
  at: { readonly namespace: string; readonly known?: KubernetesObject | undefined },
): KubernetesObject {
  const url = urlOf(wanted);
  const project = typeof wanted["project"] === "string" ? wanted["project"] : "";
  const data: Record<string, string> = { url };
  for (const { api, key, type } of fields) {
    const value = wanted[api];
    if (value === undefined || value === "" || value === false || value === 0) continue;
    const right =
      type === "text" ? typeof value === "string" : type === "flag" ? value === true : typeof value === "number";
    if (!right)
      throw new DriftlessError("INVALID_ARGUMENT", `${api} has a value of the wrong type`, { details: { field: api } });
    data[key] = typeof value === "string" ? value : JSON.stringify(value);
  }
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name: at.known?.metadata.name ?? repositorySecretName(prefixes[kind], url, project),
      namespace: at.namespace,
      labels: { ...at.known?.metadata.labels, [label.secretType]: kind },
      annotations: { ...at.known?.metadata.annotations, "managed-by": "argocd.argoproj.io" },
    },
    type: "Opaque",
    data: Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "utf8").toString("base64")]),
    ),
  };
}

/** The URL that a request names. Error: INVALID_ARGUMENT. */
export function urlOf(wanted: RepositoryFields): string {
  const url = wanted["repo"] ?? wanted["url"];
  if (typeof url !== "string" || url.trim() === "" || /[\p{Cc}\s]/u.test(url.trim()))
    throw new DriftlessError("INVALID_ARGUMENT", "the repository's URL is missing or holds spaces", {
      details: { field: "repo.repo" },
    });
  return url.trim();
}

/** What a Secret says, whole: with what lets one in. Never for an answer. */
export function fieldsOfSecret(secret: KubernetesObject): RepositoryFields & { readonly url: string } {
  const data = (secret["data"] ?? {}) as Readonly<Record<string, string>>;
  const found: Record<string, unknown> = {};
  for (const { api, key, type } of fields) {
    const text = data[key] === undefined ? "" : (decodeBase64(data[key]) ?? "");
    if (text === "") continue;
    found[api] = type === "text" ? text : type === "flag" ? text === "true" : Number(text);
  }
  return { ...found, url: (decodeBase64(data["url"] ?? "") ?? "").trim() };
}

/** The same without anything that lets one in; URLs of proxies among it come without user and password. */
export function shownFields(all: RepositoryFields): RepositoryFields {
  return Object.fromEntries(
    fields.flatMap(({ api, hidden }) => (hidden || all[api] === undefined ? [] : [[api, shownValue(all[api])]])),
  );
}

/** A repository's URL as it is shown. */
export const shownUrl = redactUrls;

const shownValue = (value: unknown): unknown => (typeof value === "string" ? redactUrls(value) : value);

/**
 * Takes what a client wrote and what stands there; returns what is to be written: URLs that were shown without user and
 * password keep them. Error: INVALID_ARGUMENT where there are none to keep.
 */
export function withKept(wanted: RepositoryFields, known: RepositoryFields | undefined): RepositoryFields {
  const before: RepositoryFields = { ...known, repo: known?.["url"] };
  return Object.fromEntries(
    Object.entries(wanted).map(([name, value]) => {
      if (typeof value !== "string" || !isRedacted(value)) return [name, value];
      const kept = before[name];
      if (typeof kept === "string" && redactUrls(kept) === value) return [name, kept];
      throw new DriftlessError(
        "INVALID_ARGUMENT",
        `the user and password of ${value} are hidden, and there are none here to keep`,
        { details: { field: name } },
      );
    }),
  );
}

export function kindOf(secret: KubernetesObject): RepositoryKind | undefined {
  const kind = secret.metadata.labels?.[label.secretType];
  return kind !== undefined && kind in prefixes ? (kind as RepositoryKind) : undefined;
}
