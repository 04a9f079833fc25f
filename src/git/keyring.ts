// The keys whose signatures count: OpenPGP keys of `argocd-gpg-keys-cm`, SSH keys of allowed signers. Checks signatures
// of Git objects with them. Which of these keys a project trusts is not decided here. Runs no program.
import { createMessage, readKeys, readSignature, verify, type PublicKey } from "openpgp";
import type { SignedObject } from "./signed-object.ts";
import {
  parseAllowedSigners,
  parseSshSignature,
  signerAllows,
  sshSignatureHolds,
  type AllowedSigner,
} from "./ssh-signature.ts";

export type SignatureResult =
  | "good"
  | "unsigned"
  | "bad"
  | "unknown-key"
  | "expired-signature"
  | "expired-key"
  | "revoked-key"
  | "unusable";

export interface SignatureCheck {
  readonly result: SignatureResult;
  /** Of the key that signed: 16 hexadecimal digits in upper case, or `SHA256:…` of an SSH key. */
  readonly keyId?: string;
  /** Of the primary key, where a subkey signed. */
  readonly primaryKeyId?: string;
  /** Who owns the key, as the key or the list of allowed signers says. */
  readonly signer?: string;
  /** Why a signature is not usable. */
  readonly why?: string;
}

export interface Keyring {
  check(object: SignedObject): Promise<SignatureCheck>;
  /** What of the configuration cannot be read, for the log. */
  readonly problems: readonly string[];
}

/** Takes armoured keys by name and the text of a file of allowed signers. Keys that cannot be read are told and left out. */
export async function createKeyring(
  armoured: Readonly<Record<string, string>>,
  allowedSigners = "",
  now: () => number = Date.now,
): Promise<Keyring> {
  const problems: string[] = [];
  const keys: PublicKey[] = [];
  for (const [name, text] of Object.entries(armoured)) {
    try {
      keys.push(...(await readKeys({ armoredKeys: text })).map((key) => key.toPublic()));
    } catch (error) {
      problems.push(`${name}: is no armoured OpenPGP key: ${(error as Error).message}`);
    }
  }
  const ssh = parseAllowedSigners(allowedSigners);
  problems.push(...ssh.problems);
  return {
    problems,
    async check(object) {
      const { signature } = object;
      if (!signature) return { result: "unsigned" };
      if (signature.format === "x509") return { result: "unusable", why: "X.509 signatures cannot be checked" };
      if (signature.format === "ssh") return checkSsh(object, signature.text, ssh.signers);
      return checkOpenPgp(object, signature.text, { keys, now });
    },
  };
}

function checkSsh(object: SignedObject, text: string, signers: readonly AllowedSigner[]): SignatureCheck {
  try {
    const signature = parseSshSignature(text);
    const keyId = signature.fingerprint;
    if (signature.namespace !== "git")
      return { result: "bad", keyId, why: `it was made for ${JSON.stringify(signature.namespace)}, not for git` };
    const own = signers.filter(({ key }) => key === signature.key.toString("base64"));
    if (own.length === 0) return { result: "unknown-key", keyId };
    const signer = own.find((one) => signerAllows(one, signature.key, object.timeS * 1000));
    if (!signer)
      return {
        result: "unusable",
        keyId,
        signer: own[0]?.principals ?? "",
        why: "the allowed signers do not accept this key for git at that time",
      };
    if (!sshSignatureHolds(signature, object.payload)) return { result: "bad", keyId, signer: signer.principals };
    return { result: "good", keyId, signer: signer.principals };
  } catch (error) {
    return { result: "unusable", why: (error as Error).message };
  }
}

const upper = (id: { toHex(): string }): string => id.toHex().toUpperCase();

async function checkOpenPgp(
  object: SignedObject,
  text: string,
  { keys, now }: { keys: PublicKey[]; now: () => number },
): Promise<SignatureCheck> {
  const date = new Date(now());
  let checks: Awaited<ReturnType<typeof verify>>["signatures"];
  try {
    const [message, signature] = await Promise.all([
      createMessage({ binary: Uint8Array.from(object.payload) }),
      readSignature({ armoredSignature: text }),
    ]);
    checks = (await verify({ message, signature, verificationKeys: keys, date, format: "binary" })).signatures;
  } catch (error) {
    return { result: "unusable", why: (error as Error).message };
  }
  const [first, ...more] = checks;
  if (!first) return { result: "unusable", why: "it holds no signature" };
  // Several signatures in one: none of them may be wrong.
  for (const one of more) {
    const found = await outcome(one, keys, date);
    if (found.result !== "good") return found;
  }
  return outcome(first, keys, date);
}

async function outcome(
  check: Awaited<ReturnType<typeof verify>>["signatures"][number],
  keys: readonly PublicKey[],
  date: Date,
): Promise<SignatureCheck> {
  const keyId = upper(check.keyID);
  const key = keys.find((one) => one.getKeys(check.keyID).length > 0);
  if (!key) return { result: "unknown-key", keyId };
  const user = key.getUserIDs()[0];
  const found = { keyId, primaryKeyId: upper(key.getKeyID()), ...(user === undefined ? {} : { signer: user }) };
  try {
    await check.verified;
  } catch (error) {
    const why = (error as Error).message;
    const result: SignatureResult = /signature is expired/i.test(why)
      ? "expired-signature"
      : /revoked/i.test(why)
        ? "revoked-key"
        : /key is expired|not valid at|expired/i.test(why)
          ? "expired-key"
          : /digest did not match|signature verification failed|invalid signature/i.test(why)
            ? "bad"
            : "unusable";
    return { result, ...found, why };
  }
  // Good when it was made; as git has it, the key must be good now too.
  if (await key.isRevoked(undefined, undefined, date)) return { result: "revoked-key", ...found };
  const subkey = key.getKeys(check.keyID)[0];
  const ends = [
    await key.getExpirationTime(),
    subkey && "getExpirationTime" in subkey ? await subkey.getExpirationTime() : null,
  ];
  if (ends.some((end) => end instanceof Date && end <= date)) return { result: "expired-key", ...found };
  if (subkey && subkey !== key && "isRevoked" in subkey && (await revokedSubkey(key, check.keyID, date)))
    return { result: "revoked-key", ...found };
  return { result: "good", ...found };
}

async function revokedSubkey(key: PublicKey, id: { equals(other: unknown): boolean }, date: Date): Promise<boolean> {
  const subkey = key.getSubkeys().find((one) => id.equals(one.getKeyID()));
  if (!subkey) return false;
  const certification = subkey.bindingSignatures.at(-1);
  return certification === undefined || subkey.isRevoked(certification, undefined as never, date);
}
