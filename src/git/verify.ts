// Whether a revision is signed as a project asks: its tag or commit alone, or all of its history down to seals. Reads
// objects through the repository; fetches nothing by itself. Source: Argo CD's "Git GnuPG signature verification".
import type { Operation } from "#base/operation.ts";
import type { Keyring, SignatureCheck } from "./keyring.ts";
import { isSeal, parseSigned, type SignedObject } from "./signed-object.ts";
import type { GitRepository } from "./types.ts";

export interface SignaturePolicy {
  /** `head`: the tag or commit itself; `strict`: every commit of its history too, down to seals. */
  readonly mode: "head" | "strict";
  /** Key IDs, fingerprints of OpenPGP keys, or `SHA256:…` of SSH keys. */
  readonly keys: readonly string[];
}

export interface Verified {
  /** What is wrong, at most ten entries; empty: the revision is signed as asked. */
  readonly problems: readonly string[];
  /** One sentence on the tag's or commit's own signature, for people. */
  readonly description: string;
}

const maxProblems = 10;
const maxHistory = 200_000;

/**
 * Takes what a revision was resolved to, and commits whose whole history is known to be signed as asked, to which it adds
 * what it finds so. Errors: those of the repository.
 */
export async function verifyRevision(
  op: Operation,
  repository: GitRepository,
  at: { readonly sha: string; readonly tag?: string },
  policy: SignaturePolicy,
  keyring: Keyring,
  clean: Set<string> = new Set(),
): Promise<Verified> {
  const head = await read(op, repository, at.tag ?? at.sha);
  if (!head) return { problems: [`the object ${at.tag ?? at.sha} is not in the repository`], description: "" };
  const check = await keyring.check(head);
  const problems: string[] = [];
  const own = problemOf(head, check, policy.keys);
  if (own !== undefined) problems.push(own);
  if (policy.mode === "strict") {
    const from = { sha: at.sha, head: at.tag === undefined ? head : undefined };
    problems.push(...(await historyProblems(op, repository, from, { policy, keyring, clean })));
  }
  return { problems, description: describe(check) };
}

async function read(op: Operation, repository: GitRepository, oid: string): Promise<SignedObject | undefined> {
  const object = await repository.object(op, oid);
  return object && parseSigned(oid, object.type, object.bytes as Buffer);
}

/** Every commit that is not signed as asked, from the newest on; what a seal vouches for is not looked at. */
async function historyProblems(
  op: Operation,
  repository: GitRepository,
  from: { readonly sha: string; readonly head: SignedObject | undefined },
  { policy, keyring, clean }: { policy: SignaturePolicy; keyring: Keyring; clean: Set<string> },
): Promise<string[]> {
  const problems: string[] = [];
  const seen = new Set([from.sha]);
  const told = new Set<string>();
  let sound = true;
  let wave = clean.has(from.sha) ? [] : [from.sha];
  while (wave.length > 0 && problems.length < maxProblems) {
    if (seen.size > maxHistory) return [...problems, `the history has more than ${maxHistory} commits and no seal`];
    const commits = await Promise.all(wave.map((oid) => read(op, repository, oid)));
    const next: string[] = [];
    for (const [index, commit] of commits.entries()) {
      if (!commit) {
        problems.push(
          `commit ${wave[index]} is missing: the repository is fetched with a limited depth, mode strict needs all of it`,
        );
        continue;
      }
      const check = await keyring.check(commit);
      const problem = problemOf(commit, check, policy.keys);
      sound &&= problem === undefined;
      // The head's own problem has been told already.
      if (
        problem !== undefined &&
        commit.oid !== from.head?.oid &&
        !(check.keyId !== undefined && told.has(check.keyId))
      )
        problems.push(problem);
      if (problem !== undefined && check.keyId !== undefined) told.add(check.keyId);
      if (problem === undefined && isSeal(commit)) continue;
      for (const parent of commit.parents) if (!seen.has(parent) && !clean.has(parent)) next.push(parent);
      for (const parent of commit.parents) seen.add(parent);
    }
    wave = next;
  }
  // All that was seen leads to nothing else: with one problem, nothing of it is known to be sound.
  if (sound && problems.length === 0 && clean.size < maxHistory) for (const oid of seen) clean.add(oid);
  return problems.slice(0, maxProblems);
}

const results: Readonly<Record<SignatureCheck["result"], string>> = {
  good: "good signature",
  unsigned: "it is not signed",
  bad: "its signature is bad: it was made of something else",
  "unknown-key": "it is signed with a key that is not known",
  "expired-signature": "its signature has expired",
  "expired-key": "it is signed with a key that has expired",
  "revoked-key": "it is signed with a revoked key",
  unusable: "its signature cannot be checked",
};

/** What is wrong with one object's signature; undefined where nothing is. */
function problemOf(object: SignedObject, check: SignatureCheck, keys: readonly string[]): string | undefined {
  const named = `${object.type} ${object.oid.slice(0, 12)} by ${object.author === "" ? "nobody" : object.author}`;
  if (check.result !== "good") {
    const key = check.keyId === undefined ? "" : ` (key ${check.keyId})`;
    return `${named}: ${results[check.result]}${key}${check.why === undefined ? "" : `: ${check.why}`}`;
  }
  const allowed = new Set(keys.map(comparable));
  if ([check.keyId, check.primaryKeyId].some((id) => id !== undefined && allowed.has(comparable(id)))) return undefined;
  return `${named}: it is signed with key ${check.keyId}, which the project does not allow`;
}

/** OpenPGP key IDs count by their last 16 digits, whatever their case; SSH fingerprints exactly. */
function comparable(key: string): string {
  const text = key.trim();
  if (text.startsWith("SHA256:")) return text.replace(/=+$/, "");
  return text.replace(/^0x/i, "").replaceAll(" ", "").toUpperCase().slice(-16);
}

function describe(check: SignatureCheck): string {
  if (check.result === "unsigned") return "Revision is not signed.";
  const word = check.result === "good" ? "Good" : check.result === "bad" ? "Bad" : "Invalid";
  const from = check.signer === undefined ? "" : ` from ${check.signer}`;
  return `${word} signature${from}${check.keyId === undefined ? "" : ` key ${check.keyId}`}`;
}
