// What `cert add-tls` and `cert add-ssh` read: certificates in PEM, and lines as `ssh-keyscan` prints them.
import { X509Certificate } from "node:crypto";
import { DriftlessError } from "#base/errors.ts";
import type { Certificate } from "../../server/services.ts";

const pemBlock = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** The certificates of a text, each once. Error: INVALID_ARGUMENT naming which one cannot be read. */
export function pemCertificates(text: string): readonly string[] {
  const found = new Map<string, string>();
  for (const [index, pem] of (text.match(pemBlock) ?? []).entries()) {
    let fingerprint: string;
    try {
      fingerprint = new X509Certificate(pem).fingerprint256;
    } catch (thrown) {
      throw new DriftlessError("INVALID_ARGUMENT", `certificate ${index + 1} cannot be read`, { cause: thrown });
    }
    if (!found.has(fingerprint)) found.set(fingerprint, pem);
  }
  return [...found.values()];
}

/** The keys of known hosts, one entry for each host of a line. Error: INVALID_ARGUMENT naming the line. */
export function knownHosts(text: string): readonly Certificate[] {
  return text.split("\n").flatMap((line, index) => {
    if (line.trim() === "" || line.trim().startsWith("#")) return [];
    const [hosts = "", kind = "", key = ""] = line.trim().split(/\s+/);
    const named = Buffer.from(key, "base64");
    const length = named.length >= 4 ? named.readUInt32BE(0) : -1;
    // A key says of itself which kind it is.
    const inner = length > 0 && length < 64 ? named.subarray(4, 4 + length).toString("latin1") : "";
    if (hosts.startsWith("@") || hosts.startsWith("|") || inner !== kind || kind === "")
      throw new DriftlessError(
        "INVALID_ARGUMENT",
        `line ${index + 1} is not a host's key as ssh-keyscan prints it: HOST KIND KEY`,
      );
    return hosts.split(",").map((serverName) => ({
      serverName,
      certType: "ssh",
      certSubType: kind,
      certData: Buffer.from(key).toString("base64"),
    }));
  });
}
