// Commits and annotated tags as signed texts: what was signed, by which kind of signature, and what stands in them. Pure.
// Source: Git's "gitformat-signature", "git-commit-graph" of headers; Argo CD's "Git GnuPG signature verification" (seals).

export type SignatureFormat = "openpgp" | "ssh" | "x509";

export interface SignedObject {
  readonly oid: string;
  readonly type: "commit" | "tag";
  /** Of a commit the committer's, of a tag the tagger's; seconds since the epoch. */
  readonly timeS: number;
  /** `Name <address>` of a commit's author or of a tag's tagger. */
  readonly author: string;
  readonly parents: readonly string[];
  /** What a tag points at. */
  readonly target?: string;
  readonly message: string;
  /** The bytes that the signature covers. */
  readonly payload: Uint8Array;
  readonly signature?: { readonly format: SignatureFormat; readonly text: string };
}

const beginnings: readonly (readonly [string, SignatureFormat])[] = [
  ["-----BEGIN PGP SIGNATURE-----", "openpgp"],
  ["-----BEGIN PGP MESSAGE-----", "openpgp"],
  ["-----BEGIN SIGNED MESSAGE-----", "x509"],
  ["-----BEGIN SSH SIGNATURE-----", "ssh"],
];

function formatOf(text: string): SignatureFormat | undefined {
  return beginnings.find(([beginning]) => text.startsWith(beginning))?.[1];
}

/** Takes an object as Git keeps it, without its header. */
export function parseSigned(oid: string, type: "commit" | "tag", bytes: Buffer): SignedObject {
  const end = bytes.indexOf("\n\n");
  const head = bytes.toString("utf8", 0, end < 0 ? bytes.length : end);
  const parents: string[] = [];
  let target: string | undefined;
  let author = "";
  let timeS = 0;
  for (const line of head.split("\n")) {
    const [, key = "", rest = ""] = /^(\S+) (.*)$/.exec(line) ?? [];
    if (key === "parent") parents.push(rest);
    else if (key === "object") target = rest;
    const person = /^(.*) (-?\d+) [+-]\d{4}$/.exec(rest);
    if (key === "author" || key === "tagger") author = person?.[1] ?? rest;
    if (key === "committer" || key === "tagger") timeS = Number(person?.[2] ?? 0);
  }
  const message = end < 0 ? "" : bytes.toString("utf8", end + 2);
  const signed = type === "commit" ? splitCommit(bytes, end) : splitTag(bytes, end);
  return { oid, type, timeS, author, parents, ...(target === undefined ? {} : { target }), message, ...signed };
}

type Split = Pick<SignedObject, "payload" | "signature">;

/** A commit's signature is a header of its head; the rest was signed. */
function splitCommit(bytes: Buffer, end: number): Split {
  const kept: Buffer[] = [];
  const own: string[] = [];
  let inside: "own" | "other" | undefined;
  let at = 0;
  const last = end < 0 ? bytes.length - 1 : end;
  while (at <= last) {
    const next = bytes.indexOf(10, at);
    const stop = next < 0 ? bytes.length : next + 1;
    const line = bytes.subarray(at, stop);
    const text = line.toString("latin1");
    if (text.startsWith("gpgsig ")) inside = "own";
    else if (text.startsWith("gpgsig-sha256 ")) inside = "other";
    else if (!text.startsWith(" ")) inside = undefined;
    if (inside === undefined) kept.push(line);
    else if (inside === "own") own.push(text.startsWith("gpgsig ") ? text.slice(7) : text.slice(1));
    at = stop;
  }
  kept.push(bytes.subarray(at));
  const text = own.join("");
  const format = formatOf(text);
  return { payload: Buffer.concat(kept), ...(format === undefined ? {} : { signature: { format, text } }) };
}

/** A tag's signature stands at the end of its message; what is before it was signed. */
function splitTag(bytes: Buffer, end: number): Split {
  let found: number | undefined;
  for (let at = end < 0 ? bytes.length : end + 2; at < bytes.length;) {
    if (formatOf(bytes.toString("latin1", at, at + 40)) !== undefined) found = at;
    const next = bytes.indexOf(10, at);
    at = next < 0 ? bytes.length : next + 1;
  }
  if (found === undefined) return { payload: bytes };
  const text = bytes.toString("latin1", found);
  return { payload: bytes.subarray(0, found), signature: { format: formatOf(text) ?? "openpgp", text } };
}

/** Whether a commit vouches for all that came before it: a trailer `Argocd-gpg-seal:` in the last paragraph. */
export function isSeal(object: SignedObject): boolean {
  const last =
    object.message
      .trimEnd()
      .split(/\n\s*\n/)
      .at(-1) ?? "";
  return object.message.trimEnd() !== last && /^argocd-gpg-seal: *\S/im.test(last);
}
