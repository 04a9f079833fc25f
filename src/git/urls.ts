// Repository URLs: comparing them as Argo CD does, splitting off credentials, hiding secrets. Pure; no I/O.
import { DriftlessError } from "#base/errors.ts";
import { isRedacted, redactUrls } from "#base/redact.ts";

const sshPattern = /^(?:ssh:\/\/)?[^/:]*?@[^@]+$/;
const schemes: Readonly<Record<string, string>> = { http: "80", https: "443", ssh: "22", git: "9418" };

/**
 * One text for all spellings of one repository: lower case, no `.git`, no trailing slash, no default port, scp-like
 * `git@host:path` equal to `ssh://git@host/path`. For comparing only, never for connecting. Source: Argo CD compares
 * repository URLs so; it does not drop trailing slashes and default ports, which makes two of one repository.
 */
export function normalizeUrl(url: string): string {
  let text = url.trim().toLowerCase();
  if (sshPattern.test(text) && !/^[a-z][a-z0-9+.-]*:\/\//.test(text)) text = `ssh://${text.replace(":", "/")}`;
  text = text.replace(/\/+$/, "").replace(/\.git$/, "");
  const parts = /^([a-z][a-z0-9+.-]*):\/\/([^/]*)(.*)$/.exec(text);
  if (!parts) return text;
  const [, scheme = "", authority = "", path = ""] = parts;
  const at = authority.lastIndexOf("@");
  const host = authority.slice(at + 1).replace(/:(\d+)$/, (all: string, port) => (schemes[scheme] === port ? "" : all));
  const user = at < 0 ? "" : (authority.slice(0, at).split(":")[0] ?? "");
  // Credentials don't name another repository; an ssh user does, as in Argo CD.
  if (scheme === "ssh") return `${user === "" ? "" : `${user}@`}${host}${path.replace(/^\/+/, "/")}`;
  return `${scheme}://${host}${path}`;
}

export function sameRepository(a: string, b: string): boolean {
  return normalizeUrl(a) === normalizeUrl(b);
}

/**
 * Host and path alone, for matching what a webhook says against what applications name, whatever protocol each uses:
 * `https://GitHub.com/Org/Repo.git`, `ssh://git@github.com/org/repo` and `git@github.com:org/repo` are equal.
 */
export function hostAndPath(url: string): string {
  const normal = normalizeUrl(url);
  const bare = normal.replace(/^[a-z][a-z0-9+.-]*:\/\//, "");
  const slash = bare.indexOf("/");
  const host = (slash < 0 ? bare : bare.slice(0, slash)).replace(/^.*@/, "").replace(/:\d+$/, "");
  return slash < 0 ? host : `${host}${bare.slice(slash)}`;
}

/**
 * Splits `https://user:password@host/path` (or `oci://…`) into the URL without, and the two. Other URLs come back as they
 * are; what an answer shows in place of the two is neither.
 */
export function splitCredentials(url: string): { url: string; username?: string; password?: string } {
  const match = /^((?:https?|oci):\/\/)([^/@]*(?:@[^/@]*)*)@([^/@]+(?:\/.*)?)$/i.exec(url.trim());
  if (!match) return { url: url.trim() };
  const [, scheme = "", user = "", rest = ""] = match;
  if (isRedacted(url)) return { url: `${scheme}${rest}` };
  const colon = user.indexOf(":");
  const decode = (text: string): string => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  };
  return {
    url: `${scheme}${rest}`,
    username: decode(colon < 0 ? user : user.slice(0, colon)),
    ...(colon < 0 ? {} : { password: decode(user.slice(colon + 1)) }),
  };
}

/** Replaces user information in every URL of a text, and every given secret, by `***`. */
export function redact(text: string, secrets: readonly (string | undefined)[] = []): string {
  let clean = redactUrls(text);
  for (const secret of secrets) {
    if (secret === undefined || secret.length < 3) continue;
    clean = clean.replaceAll(secret, "***");
    const encoded = encodeURIComponent(secret.toWellFormed());
    if (encoded !== secret) clean = clean.replaceAll(encoded, "***");
  }
  return clean;
}

/**
 * Refuses what could do harm on git's command line or is not a repository's address: options, `ext::` and other remote
 * helpers, control characters. Error: SPEC_INVALID.
 */
export function checkUrl(url: string): void {
  const text = url.trim();
  const refuse = (why: string): never => {
    throw new DriftlessError("SPEC_INVALID", `repository URL ${JSON.stringify(redact(text))} ${why}`, {
      details: { field: "repoURL" },
    });
  };
  if (text === "") refuse("is empty");
  if (text.startsWith("-")) refuse("starts with a dash");
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(text)) refuse("holds a control character");
  if (/^[a-z0-9+.-]+::/i.test(text)) refuse("names a remote helper");
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== "file" && schemes[scheme] === undefined)
    refuse(`has the scheme ${scheme}, not http, https, ssh, git or file`);
  // ssh takes a host that begins with a dash as an option.
  if (/^(?:ssh:\/\/)?(?:[^@/]*@)?-/.test(text)) refuse("has a host that starts with a dash");
}
