// The cluster's own certificate authority and serving certificate, made once and kept in its data directory.
import { webcrypto, X509Certificate } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface ServingCertificates {
  /** PEM. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const validForMs = 10 * 365 * 24 * 3_600_000;
const dnsNames = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"];
const addresses = ["127.0.0.1", "::1"];

/** Reads the certificates from `dir`, or makes and keeps them there. Private keys are readable by their owner only. */
export async function servingCertificates(dir: string, nowMs: number): Promise<ServingCertificates> {
  const files = { ca: join(dir, "ca.crt"), cert: join(dir, "serving.crt"), key: join(dir, "serving.key") };
  try {
    const read = (file: string): string => readFileSync(file, "utf8");
    const found = { ca: read(files.ca), cert: read(files.cert), key: read(files.key) };
    if (Date.parse(new X509Certificate(found.cert).validTo) > nowMs + validForMs / 10) return found;
  } catch {
    // Not there yet, or not usable: made anew below.
  }
  const made = await makeCertificates(nowMs);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  writeFileSync(files.ca, made.ca, { mode: 0o644 });
  writeFileSync(files.key, made.key, { mode: 0o600 });
  writeFileSync(files.cert, made.cert, { mode: 0o644 });
  return made;
}

async function makeCertificates(nowMs: number): Promise<ServingCertificates> {
  // Loaded only here: it takes longer than the rest of a start.
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  const crypto = webcrypto;
  const notBefore = new Date(nowMs - 3_600_000);
  const notAfter = new Date(nowMs + validForMs);
  const caKeys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const ca = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: "CN=driftless-sandbox-ca",
      notBefore,
      notAfter,
      keys: caKeys,
      signingAlgorithm: algorithm,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.digitalSignature, true),
        await x509.SubjectKeyIdentifierExtension.create(caKeys.publicKey, false, crypto),
      ],
    },
    crypto,
  );
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const cert = await x509.X509CertificateGenerator.create(
    {
      subject: "CN=kube-apiserver",
      issuer: ca.subject,
      notBefore,
      notAfter,
      publicKey: keys.publicKey,
      signingKey: caKeys.privateKey,
      signingAlgorithm: algorithm,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension([
          ...dnsNames.map((value) => ({ type: "dns" as const, value })),
          ...addresses.map((value) => ({ type: "ip" as const, value })),
        ]),
        await x509.AuthorityKeyIdentifierExtension.create(caKeys.publicKey, false, crypto),
      ],
    },
    crypto,
  );
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
  return { ca: ca.toString("pem"), cert: cert.toString("pem"), key: pem("PRIVATE KEY", pkcs8) };
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
