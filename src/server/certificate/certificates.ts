// Certificates of repositories' servers as `argocd-tls-certs-cm` keeps them, and host keys of SSH servers as a
// known_hosts file: read, matched, written. Lines that are neither stay as they are. No I/O.
// Source: Argo CD's "Managing TLS certificates" and "Managing SSH host keys".
import { createHash, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { DriftlessError } from "#base/errors.ts";
import { glob } from "#core/policy/glob.ts";

export interface RepositoryCertificate {
  readonly serverName?: string;
  readonly certType?: string;
  readonly certSubType?: string;
  /** Base64 of what is kept: PEM, or a host key, which is base64 itself. */
  readonly certData?: string;
  readonly certInfo?: string;
}

export interface CertificateQuery {
  readonly hostNamePattern?: string;
  readonly certType?: string;
  readonly certSubType?: string;
}

interface HostKey {
  readonly host: string;
  readonly type: string;
  readonly key: string;
}

type Certificates = Readonly<Record<string, string>>;

/** Everything that is kept, without its data. */
export function listed(
  knownHosts: string,
  certificates: Certificates,
  query: CertificateQuery,
): readonly RepositoryCertificate[] {
  const { ssh, tls } = wanted(query);
  const found: RepositoryCertificate[] = [];
  for (const line of knownHosts.split("\n")) {
    const key = hostKeyOf(line);
    if (key && ssh(key))
      found.push({
        serverName: key.host,
        certType: "ssh",
        certSubType: key.type,
        certInfo: fingerprint(key.key),
      });
  }
  for (const serverName of Object.keys(certificates).sort()) {
    if (!tls(serverName)) continue;
    for (const pem of pemsIn(certificates[serverName]!))
      found.push({ serverName, certType: "https", ...described(pem) });
  }
  return found;
}

/** The file of known hosts without what matches, and what that was. */
export function withoutHostKeys(
  knownHosts: string,
  query: CertificateQuery,
): { readonly text: string; readonly removed: readonly RepositoryCertificate[] } {
  const { ssh } = wanted(query);
  const removed: RepositoryCertificate[] = [];
  const kept = knownHosts.split("\n").filter((line) => {
    const key = hostKeyOf(line);
    if (!key || !ssh(key)) return true;
    removed.push({ serverName: key.host, certType: "ssh", certSubType: key.type, certData: encoded(key.key) });
    return false;
  });
  return { text: kept.join("\n"), removed };
}

/** The servers whose certificates match, each with its certificates. */
export function certificatesMatching(
  certificates: Certificates,
  query: CertificateQuery,
): Readonly<Record<string, readonly RepositoryCertificate[]>> {
  const { tls } = wanted(query);
  const entries = Object.entries(certificates).filter(([serverName]) => tls(serverName));
  return Object.fromEntries(
    entries.map(([serverName, text]) => [
      serverName,
      pemsIn(text).map((pem) => ({ serverName, certType: "https", certData: encoded(pem) })),
    ]),
  );
}

/**
 * The file of known hosts with one more key; `created` is undefined where it was there. Errors: INVALID_ARGUMENT;
 * ALREADY_EXISTS where the host has another key of that type and `upsert` is not asked for.
 */
export function withHostKey(
  knownHosts: string,
  certificate: RepositoryCertificate,
  upsert: boolean,
): { readonly text: string; readonly created: RepositoryCertificate | undefined } {
  const { serverName: host = "", certSubType: type = "", certData = "" } = certificate;
  requireHost(/^\[(.*)\]:\d+$/.exec(host)?.[1] ?? host);
  const key = decoded(certData).trim();
  requireHostKey(host, type, key);
  const created = { ...certificate, certInfo: fingerprint(key) };
  const lines = knownHosts.split("\n");
  const at = lines.findIndex((line) => {
    const known = hostKeyOf(line);
    return known?.host === host && known.type === type;
  });
  const line = `${host} ${type} ${key}`;
  if (at < 0) {
    const separator = knownHosts === "" || knownHosts.endsWith("\n") ? "" : "\n";
    return { text: `${knownHosts}${separator}${line}\n`, created };
  }
  if (hostKeyOf(lines[at]!)?.key === key) return { text: knownHosts, created: undefined };
  if (!upsert)
    throw new DriftlessError(
      "ALREADY_EXISTS",
      `key for '${host}' (subtype: '${type}') already exists and upsert was not specified`,
    );
  return { text: lines.with(at, line).join("\n"), created };
}

/**
 * A server's certificates as they will be kept; `created` is empty where they are the ones that are known. Errors:
 * INVALID_ARGUMENT; ALREADY_EXISTS where others are known and `upsert` is not asked for.
 */
export function certificatesOf(
  known: string | undefined,
  certificate: RepositoryCertificate,
  upsert: boolean,
): { readonly text: string; readonly created: readonly RepositoryCertificate[] } {
  const { serverName = "", certData = "" } = certificate;
  requireHost(serverName);
  const text = decoded(certData);
  const pems = pemsIn(text);
  if (pems.length === 0) throw invalid("certData", `the data for ${serverName} hold no certificate in PEM format`);
  const broken = pems.map(described).find(({ certSubType }) => certSubType === "invalid");
  if (broken) throw invalid("certData", `a certificate for ${serverName} cannot be read: ${broken.certInfo}`);
  if (known === text) return { text, created: [] };
  if (known !== undefined && !upsert)
    throw new DriftlessError(
      "ALREADY_EXISTS",
      `TLS certificate for server '${serverName}' already exists and upsert was not specified`,
    );
  return { text, created: pems.map((pem) => ({ serverName, certType: "https", certData: encoded(pem) })) };
}

function wanted({ hostNamePattern = "", certType = "", certSubType = "" }: CertificateQuery): {
  readonly ssh: (key: HostKey) => boolean;
  readonly tls: (serverName: string) => boolean;
} {
  const named = hostNamePattern === "" ? () => true : glob(hostNamePattern);
  const any = (text: string): boolean => text === "" || text === "*";
  return {
    ssh: ({ host, type }) =>
      (any(certType) || certType === "ssh") && named(host) && (any(certSubType) || certSubType === type),
    tls: (serverName) => (any(certType) || certType === "https" || certType === "tls") && named(serverName),
  };
}

/** A line of known_hosts that says one host's key; comments and lines with markers say none. */
function hostKeyOf(line: string): HostKey | undefined {
  const [host, type, key] = line.trim().split(/\s+/);
  if (!host || !type || !key || /^[#@]/.test(host)) return undefined;
  return { host, type, key };
}

/** A host key begins with the name of its own type. Error: INVALID_ARGUMENT. */
function requireHostKey(host: string, type: string, key: string): void {
  const bytes = Buffer.from(key, "base64");
  const length = bytes.length >= 4 ? bytes.readUInt32BE(0) : 0;
  const own = bytes.subarray(4, 4 + length).toString("latin1");
  if (!/^[A-Za-z0-9+/]+=*$/.test(key) || own === "" || own !== type || bytes.length <= 4 + length)
    throw invalid("certData", `the key for ${host} is no SSH host key of the type ${JSON.stringify(type)}`);
}

function requireHost(name: string): void {
  const label = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
  if (isIP(name) === 0 && !new RegExp(`^${label}(\\.${label})*$`).test(name))
    throw invalid("serverName", `invalid hostname in request: ${JSON.stringify(name)}`);
}

function fingerprint(key: string): string {
  const digest = createHash("sha256").update(Buffer.from(key, "base64")).digest("base64");
  return `SHA256:${digest.replace(/=+$/, "")}`;
}

const pemBlock = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

function pemsIn(text: string): readonly string[] {
  return [...text.matchAll(pemBlock)].map(([pem]) => `${pem}\n`);
}

function described(pem: string): { readonly certSubType: string; readonly certInfo: string } {
  try {
    const certificate = new X509Certificate(pem);
    const { asymmetricKeyType = "unknown" } = certificate.publicKey;
    return {
      certSubType: asymmetricKeyType === "ec" ? "ecdsa" : asymmetricKeyType,
      certInfo: distinguishedName(certificate.subject),
    };
  } catch (thrown) {
    return { certSubType: "invalid", certInfo: (thrown as Error).message };
  }
}

/** The order in which Go writes what a subject may hold. */
const subjectOrder = ["serialNumber", "CN", "postalCode", "street", "ST", "L", "OU", "O", "C"];

/** A subject in one line, as RFC 2253 has it: `CN=git.example.com,O=Example`. Node has escaped the values already. */
function distinguishedName(subject: string): string {
  const values = new Map<string, string[]>();
  for (const line of (subject ?? "").split("\n")) {
    const equals = line.indexOf("=");
    if (equals < 0) continue;
    const name = line.slice(0, equals);
    values.set(name, [...(values.get(name) ?? []), line.slice(equals + 1)]);
  }
  const rank = (name: string): number => subjectOrder.indexOf(name);
  return [...values]
    .sort(([a], [b]) => rank(a) - rank(b))
    .map(([name, all]) => all.map((value) => `${name === "serialNumber" ? "SERIALNUMBER" : name}=${value}`).join("+"))
    .join(",");
}

const encoded = (text: string): string => Buffer.from(text, "utf8").toString("base64");
const decoded = (data: string): string => Buffer.from(data, "base64").toString("utf8");

function invalid(field: string, message: string): DriftlessError {
  return new DriftlessError("INVALID_ARGUMENT", message, { details: { field } });
}
