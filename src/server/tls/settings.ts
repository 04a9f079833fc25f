// How TLS is spoken, as `argocd-cmd-params-cm` says: whether at all, its versions and ciphers. Pure but for asking the
// runtime which ciphers it knows. Source: Argo CD's "argocd-cmd-params-cm.yaml example" and "TLS configuration".
import { createSecureContext, type SecureVersion } from "node:tls";
import type { ConfigData } from "#model/settings.ts";

export interface TlsSettings {
  readonly minVersion: SecureVersion;
  readonly maxVersion: SecureVersion;
  /** As OpenSSL takes them; absent: the runtime's own. */
  readonly ciphers?: string;
}

const versions: Readonly<Record<string, SecureVersion>> = {
  "1.0": "TLSv1",
  "1.1": "TLSv1.1",
  "1.2": "TLSv1.2",
  "1.3": "TLSv1.3",
};

/** Argo CD's `server.insecure`; undefined where nothing, or neither of the two, is said. */
export function insecureOf(params: ConfigData | undefined): boolean | undefined {
  const text = params?.["server.insecure"]?.trim().toLowerCase();
  return text === "true" ? true : text === "false" ? false : undefined;
}

/** Takes the ConfigMap's data; returns the settings, each at its default where it is not usable, with what is wrong. */
export function tlsSettings(params: ConfigData | undefined): {
  readonly settings: TlsSettings;
  readonly problems: readonly { readonly key: string; readonly value: string; readonly why: string }[];
} {
  const problems: { key: string; value: string; why: string }[] = [];
  const read = (key: string): string | undefined => params?.[key]?.trim() || undefined;
  const version = (key: string, fallback: SecureVersion): SecureVersion => {
    const value = read(key);
    if (value === undefined) return fallback;
    const known = versions[value];
    if (!known) problems.push({ key, value, why: `one of ${Object.keys(versions).join(", ")} is expected` });
    return known ?? fallback;
  };
  const minKey = "server.tls.minversion";
  let minVersion = version(minKey, "TLSv1.2");
  const maxVersion = version("server.tls.maxversion", "TLSv1.3");
  if (minVersion > maxVersion) {
    problems.push({ key: minKey, value: minVersion, why: `it is above the newest that is allowed, ${maxVersion}` });
    minVersion = maxVersion;
  }
  const ciphers = ciphersOf(read("server.tls.ciphers"), problems);
  return { settings: { minVersion, maxVersion, ...(ciphers === undefined ? {} : { ciphers }) }, problems };
}

/** Names as IANA writes them, which Go and OpenSSL both know; those of TLS 1.3 are always on. */
function ciphersOf(
  value: string | undefined,
  problems: { key: string; value: string; why: string }[],
): string | undefined {
  if (value === undefined) return undefined;
  const names = value.split(/[:,]/).flatMap((name) => name.trim() || []);
  const known = names.filter((name) => isKnown(name));
  for (const name of names)
    if (!known.includes(name))
      problems.push({ key: "server.tls.ciphers", value: name, why: "no cipher of this name is known" });
  if (known.length === 0) return undefined;
  const modern = ["TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"];
  return [...new Set([...modern, ...known])].join(":");
}

function isKnown(name: string): boolean {
  try {
    createSecureContext({ ciphers: name });
    return true;
  } catch {
    return false;
  }
}
