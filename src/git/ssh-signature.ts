// SSH signatures of Git objects: reads the signature, finds its key among the allowed signers, checks it. No program is
// run. Source: OpenSSH's PROTOCOL.sshsig, "ALLOWED SIGNERS" of ssh-keygen(1), Git's gpg.format=ssh (namespace "git").
import { createHash, createPublicKey, verify, type KeyObject } from "node:crypto";

export interface AllowedSigner {
  readonly principals: string;
  /** The key in its wire form, base64. */
  readonly key: string;
  readonly authority: boolean;
  readonly namespaces?: readonly string[];
  /** Milliseconds since the epoch. */
  readonly after?: number;
  readonly before?: number;
}

export interface SshSignature {
  /** `SHA256:…`, as ssh-keygen -l prints it. */
  readonly fingerprint: string;
  readonly key: Buffer;
  readonly namespace: string;
  readonly hash: "sha256" | "sha512";
  readonly algorithm: string;
  readonly blob: Buffer;
}

class Wire {
  private readonly bytes: Buffer;
  private at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  take(count: number): Buffer {
    if (count < 0 || this.at + count > this.bytes.length) throw new Error("the signature ends too early");
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  number(): number {
    return this.take(4).readUInt32BE(0);
  }

  string(): Buffer {
    return this.take(this.number());
  }

  rest(): Buffer {
    return this.take(this.bytes.length - this.at);
  }
}

const wire = (bytes: Uint8Array): Buffer => {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(bytes.length, 0);
  return Buffer.concat([size, bytes]);
};

/** `SHA256:…` of a key in its wire form. */
export function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
}

/** Takes an armoured signature. Throws an Error that says what is wrong with it. */
export function parseSshSignature(text: string): SshSignature {
  const body = /-----BEGIN SSH SIGNATURE-----([\s\S]*?)-----END SSH SIGNATURE-----/.exec(text)?.[1];
  if (body === undefined) throw new Error("the SSH signature has no end");
  const reader = new Wire(Buffer.from(body, "base64"));
  if (reader.take(6).toString("latin1") !== "SSHSIG") throw new Error("it is no SSH signature");
  const version = reader.number();
  if (version !== 1) throw new Error(`SSH signatures of version ${version} are not known`);
  const key = reader.string();
  const namespace = reader.string().toString("utf8");
  reader.string(); // reserved
  const hash = reader.string().toString("latin1");
  if (hash !== "sha256" && hash !== "sha512") throw new Error(`its hash ${hash} is not accepted`);
  const signature = new Wire(reader.string());
  const algorithm = signature.string().toString("latin1");
  return { fingerprint: fingerprintOf(key), key, namespace, hash, algorithm, blob: signature.rest() };
}

/** Whether the signature is one of these bytes by its own key. Throws an Error where its kind is not known. */
export function sshSignatureHolds(signature: SshSignature, payload: Uint8Array): boolean {
  const signed = Buffer.concat([
    Buffer.from("SSHSIG"),
    wire(Buffer.from(signature.namespace)),
    wire(Buffer.alloc(0)),
    wire(Buffer.from(signature.hash)),
    wire(createHash(signature.hash).update(payload).digest()),
  ]);
  const key = new Wire(signature.key);
  const type = key.string().toString("latin1");
  const blob = new Wire(signature.blob);
  switch (type) {
    case "ssh-ed25519":
      return signature.algorithm === type && verify(null, signed, ed25519(key.string()), blob.string());
    case "sk-ssh-ed25519@openssh.com": {
      const point = key.string();
      const application = key.string();
      const value = blob.string();
      return signature.algorithm === type && verify(null, token(signed, application, blob), ed25519(point), value);
    }
    case "ssh-rsa": {
      const hash = { "rsa-sha2-256": "sha256", "rsa-sha2-512": "sha512" }[signature.algorithm];
      if (hash === undefined) throw new Error(`its algorithm ${signature.algorithm} is not accepted`);
      const [e, n] = [key.string(), key.string()];
      const size = n.length - (n[0] === 0 ? 1 : 0);
      if (size < 256) throw new Error("its RSA key has fewer than 2048 bits");
      return verify(hash, signed, rsa(n, e), blob.string());
    }
    case "ecdsa-sha2-nistp256":
    case "ecdsa-sha2-nistp384":
    case "ecdsa-sha2-nistp521": {
      const curve = key.string().toString("latin1");
      return signature.algorithm === type && ecdsa(curve, key.string(), signed, blob.string());
    }
    case "sk-ecdsa-sha2-nistp256@openssh.com": {
      const curve = key.string().toString("latin1");
      const point = key.string();
      const application = key.string();
      const value = blob.string();
      return signature.algorithm === type && ecdsa(curve, point, token(signed, application, blob), value);
    }
    default:
      throw new Error(`its key type ${type} is not accepted`);
  }
}

/** What a security key signs: the application, flags and a counter beside the data. Its user must have been present. */
function token(signed: Buffer, application: Buffer, blob: Wire): Buffer {
  const flags = blob.take(1);
  if (((flags[0] ?? 0) & 1) === 0) throw new Error("its security key was not touched");
  const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();
  return Buffer.concat([sha256(application), flags, blob.take(4), sha256(signed)]);
}

const url = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
const unsigned = (bytes: Buffer): Buffer => (bytes[0] === 0 ? bytes.subarray(1) : bytes);

function ed25519(point: Buffer): KeyObject {
  return createPublicKey({ format: "jwk", key: { kty: "OKP", crv: "Ed25519", x: url(point) } });
}

function rsa(n: Buffer, e: Buffer): KeyObject {
  return createPublicKey({ format: "jwk", key: { kty: "RSA", n: url(unsigned(n)), e: url(unsigned(e)) } });
}

function ecdsa(curve: string, point: Buffer, signed: Uint8Array, blob: Buffer): boolean {
  const known = {
    nistp256: ["P-256", "sha256", 32],
    nistp384: ["P-384", "sha384", 48],
    nistp521: ["P-521", "sha512", 66],
  };
  const [crv, hash, size] = known[curve as keyof typeof known] ?? [];
  if (crv === undefined || size === undefined || point[0] !== 4 || point.length !== 1 + 2 * Number(size))
    throw new Error(`its curve ${curve} is not accepted`);
  const width = Number(size);
  const [x, y] = [point.subarray(1, 1 + width), point.subarray(1 + width)];
  const key = createPublicKey({ format: "jwk", key: { kty: "EC", crv: String(crv), x: url(x), y: url(y) } });
  const reader = new Wire(blob);
  const pad = (bytes: Buffer): Buffer => {
    const bare = unsigned(bytes);
    if (bare.length > width) throw new Error("its numbers are too large");
    return Buffer.concat([Buffer.alloc(width - bare.length), bare]);
  };
  const raw = Buffer.concat([pad(reader.string()), pad(reader.string())]);
  return verify(String(hash), signed, { key, dsaEncoding: "ieee-p1363" }, raw);
}

/** Reads a file of allowed signers; lines that cannot be read are told. */
export function parseAllowedSigners(text: string): { signers: AllowedSigner[]; problems: string[] } {
  const signers: AllowedSigner[] = [];
  const problems: string[] = [];
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const words = line.match(/(?:[^\s"]|"[^"]*")+/g) ?? [];
    const at = words.findIndex((word) => /^(?:ssh-|ecdsa-|sk-)/.test(word));
    const key = words[at + 1];
    if (at < 1 || key === undefined || !/^[A-Za-z0-9+/=]+$/.test(key)) {
      problems.push(`line ${index + 1}: wants principals, options, a key type and a key`);
      continue;
    }
    signers.push({ principals: (words[0] ?? "").replaceAll('"', ""), key, ...signerOptions(words.slice(1, at)) });
  }
  return { signers, problems };
}

function signerOptions(words: readonly string[]): Omit<AllowedSigner, "principals" | "key"> {
  const options = words
    .join(",")
    .match(/(?:[^,"]|"[^"]*")+/g)
    ?.map((option) => {
      const [name = "", value = ""] = option.split(/=(.*)/s);
      return [name.toLowerCase(), value.replaceAll('"', "")] as const;
    });
  const of = (name: string): string | undefined => options?.find(([key]) => key === name)?.[1];
  const after = timeOf(of("valid-after"), Number.POSITIVE_INFINITY);
  const before = timeOf(of("valid-before"), Number.NEGATIVE_INFINITY);
  return {
    authority: options?.some(([name]) => name === "cert-authority") === true,
    ...(of("namespaces") === undefined ? {} : { namespaces: of("namespaces")?.split(",") ?? [] }),
    ...(after === undefined ? {} : { after }),
    ...(before === undefined ? {} : { before }),
  };
}

/** `YYYYMMDD[HHMM[SS]][Z]`; one that cannot be read never holds. */
function timeOf(text: string | undefined, unreadable: number): number | undefined {
  if (text === undefined) return undefined;
  const match = /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?Z?$/.exec(text);
  if (!match) return unreadable;
  const [, year, month, day, hour = "0", minute = "0", second = "0"] = match;
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
}

/** Whether an allowed signer's line holds for a key, in the namespace of Git, at a time. */
export function signerAllows(signer: AllowedSigner, key: Buffer, timeMs: number): boolean {
  if (signer.authority || signer.key !== key.toString("base64")) return false;
  const named = signer.namespaces?.some((pattern) => pattern === "git" || pattern === "*") ?? true;
  return (
    named &&
    (signer.after === undefined || timeMs >= signer.after) &&
    (signer.before === undefined || timeMs < signer.before)
  );
}
