// Names of the Secrets that Argo CD keeps repositories and clusters in: a prefix and a hash of what they are for, so that
// both programs find each other's.

/** FNV-1a of 32 bits over UTF-8. */
function fnv32a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

/** The Secret of a cluster, by its server's URL. */
export function secretNameOf(prefix: "cluster", server: string): string {
  const host = URL.canParse(server) ? new URL(server).hostname.toLowerCase().replace(/[^a-z0-9.-]/g, "-") : "server";
  return `${prefix}-${host}-${fnv32a(server)}`;
}

/** The Secret of a repository or a template of credentials. */
export function repositorySecretName(
  prefix: "repo" | "creds" | "repo-write" | "creds-write",
  url: string,
  project: string,
): string {
  return `${prefix}-${fnv32a(`${url}${project}`)}`;
}
