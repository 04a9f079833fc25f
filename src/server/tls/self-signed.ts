// The certificate that the server has until it is given another: signed by itself, for its own names, for a year.
import { webcrypto as crypto } from "node:crypto";
import { isIP } from "node:net";
import type { Certificate } from "../rpc/listener.ts";

/** Who our own certificates say that they are from. */
export const organisation = "Driftless";
const yearMs = 365 * 24 * 3600_000;
const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** Takes the names (or addresses) that the certificate is for and the time; returns it with its key, in PEM. */
export async function selfSigned(names: readonly string[], nowMs: number): Promise<Certificate> {
  // Loaded only here: it takes longer than the rest of a start.
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `O=${organisation}`,
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date(nowMs - 3600_000),
    notAfter: new Date(nowMs + yearMs),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) ? ("ip" as const) : ("dns" as const), value })),
      ),
    ],
  });
  const key = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return { cert: certificate.toString("pem"), key: `${x509.PemConverter.encode(key, "PRIVATE KEY")}\n` };
}
