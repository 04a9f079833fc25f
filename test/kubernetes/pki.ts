// The credentials of one control plane: a certificate authority, the API server's certificate, the key that signs
// service account tokens, and one bearer token for each client. Kept in a folder, so that a control plane whose data
// is kept can be started again with the same. For loopback only: every token is a cluster administrator's.
// x509 finds its parts by decorators, which need this polyfill loaded first.
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { randomBytes, webcrypto } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export const clients = ["admin", "controller-manager", "scheduler", "kwok"] as const;
export type Client = (typeof clients)[number];

/** Paths of the files, and what callers need of their content. */
export interface Credentials {
  readonly caFile: string;
  readonly caKeyFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly serviceAccountKeyFile: string;
  readonly serviceAccountPublicFile: string;
  readonly tokensFile: string;
  readonly caCertificate: string;
  readonly tokens: Readonly<Record<Client, string>>;
}

const elliptic = { name: "ECDSA", namedCurve: "P-256" };
const signing = { name: "ECDSA", hash: "SHA-256" };
const dayMs = 86_400_000;
const validityDays = 3650;
const servedNames: readonly x509.JsonGeneralName[] = [
  ...["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"].map(dns),
  dns("kubernetes.default.svc.cluster.local"),
  { type: "ip", value: "127.0.0.1" },
  { type: "ip", value: "::1" },
  { type: "ip", value: "10.0.0.1" },
];

function dns(value: string): x509.JsonGeneralName {
  return { type: "dns", value };
}

/** Takes a folder; returns the credentials in it, made first where it holds none. */
export async function credentialsIn(directory: string): Promise<Credentials> {
  const paths = {
    caFile: join(directory, "ca.crt"),
    caKeyFile: join(directory, "ca.key"),
    certFile: join(directory, "apiserver.crt"),
    keyFile: join(directory, "apiserver.key"),
    serviceAccountKeyFile: join(directory, "service-account.key"),
    serviceAccountPublicFile: join(directory, "service-account.pub"),
    tokensFile: join(directory, "tokens.csv"),
  };
  if (!existsSync(paths.tokensFile)) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    await makeCredentials(paths);
  }
  return {
    ...paths,
    caCertificate: readFileSync(paths.caFile, "utf8"),
    tokens: readTokens(readFileSync(paths.tokensFile, "utf8")),
  };
}

async function makeCredentials(paths: Omit<Credentials, "caCertificate" | "tokens">): Promise<void> {
  const [caKeys, serverKeys, accountKeys] = await Promise.all([newKeys(), newKeys(), newKeys()]);
  const notBefore = new Date(Date.now() - dayMs);
  const notAfter = new Date(Date.now() + validityDays * dayMs);
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: randomBytes(8).toString("hex"),
    name: "CN=driftless-test-ca",
    keys: caKeys,
    signingAlgorithm: signing,
    notBefore,
    notAfter,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.digitalSignature,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  });
  const server = await x509.X509CertificateGenerator.create({
    serialNumber: randomBytes(8).toString("hex"),
    subject: "CN=kube-apiserver",
    issuer: ca.subject,
    publicKey: serverKeys.publicKey,
    signingKey: caKeys.privateKey,
    signingAlgorithm: signing,
    notBefore,
    notAfter,
    extensions: [
      new x509.BasicConstraintsExtension(false),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([...servedNames]),
      await x509.AuthorityKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  });
  write(paths.caFile, `${ca.toString("pem")}\n`);
  write(paths.caKeyFile, await pem("pkcs8", caKeys.privateKey));
  write(paths.certFile, `${server.toString("pem")}\n`);
  write(paths.keyFile, await pem("pkcs8", serverKeys.privateKey));
  write(paths.serviceAccountKeyFile, await pem("pkcs8", accountKeys.privateKey));
  write(paths.serviceAccountPublicFile, await pem("spki", accountKeys.publicKey));
  // Last: its presence says that the others are whole.
  write(paths.tokensFile, clients.map((name) => `${newToken()},${name},${name},"system:masters"\n`).join(""));
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(elliptic, true, ["sign", "verify"]);
}

function newToken(): string {
  return randomBytes(16).toString("hex");
}

async function pem(format: "pkcs8" | "spki", key: webcrypto.CryptoKey): Promise<string> {
  const label = format === "pkcs8" ? "PRIVATE KEY" : "PUBLIC KEY";
  return `${x509.PemConverter.encode(await webcrypto.subtle.exportKey(format, key), label)}\n`;
}

function write(file: string, text: string): void {
  writeFileSync(file, text, { mode: 0o600 });
}

function readTokens(text: string): Record<Client, string> {
  const rows = text.split("\n").map((line) => line.split(","));
  const found = rows.map(([token, name]) => [name, token]);
  return Object.fromEntries(found) as Record<Client, string>;
}
