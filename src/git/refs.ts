// Which ref a revision means, among the refs that are known. Pure. Order: full ref name, HEAD, branch, tag, semver range;
// SHAs are the caller's. Source: Argo CD's "Tracking and Deployment Strategies", Git's "gitrevisions".
import semver from "semver";

/** Full ref name → object id, as the server last said. */
export type Refs = ReadonlyMap<string, string>;

export function isFullSha(revision: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i.test(revision);
}

/** As Argo CD: at least seven hexadecimal digits. */
export function isShortSha(revision: string): boolean {
  return /^[0-9a-f]{7,64}$/i.test(revision);
}

const versionPattern = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;

/** `v1.2` → 1.2.0; undefined where a tag is no version. */
export function versionOfTag(tag: string): semver.SemVer | undefined {
  const match = versionPattern.exec(tag);
  if (!match) return undefined;
  const [, major = "0", minor = "0", patch = "0", pre = "", build = ""] = match;
  return semver.parse(`${major}.${minor}.${patch}${pre}${build}`) ?? undefined;
}

/** Whether a revision can be a range: it has an operator, a wildcard or a missing part. */
function rangeOf(revision: string): readonly semver.Range[] | undefined {
  if (!/^[\sv0-9xX*<>=^~|,.+A-Za-z-]+$/.test(revision) || !/[\d*xX]/.test(revision)) return undefined;
  try {
    // Masterminds' semver, which Argo CD uses, counts prereleases in where an alternative of the range names one.
    return revision
      .replaceAll(",", " ")
      .split("||")
      .map((text) => {
        const includePrerelease = /\d-[0-9A-Za-z]/.test(text.replace(/\s-\s/g, " "));
        return new semver.Range(text, { includePrerelease });
      });
  } catch {
    return undefined;
  }
}

/** The tag with the highest version in a range; undefined where the revision is no range or nothing matches. */
export function highestTag(revision: string, tags: Iterable<string>): string | undefined {
  const wanted = rangeOf(revision);
  if (!wanted) return undefined;
  let best: { tag: string; version: semver.SemVer } | undefined;
  for (const tag of tags) {
    const version = versionOfTag(tag);
    if (!version || !wanted.some((range) => range.test(version))) continue;
    const order = best ? semver.compareBuild(version, best.version) : 1;
    if (order > 0 || (order === 0 && best && tag < best.tag)) best = { tag, version };
  }
  return best?.tag;
}

export function tagNames(refs: Refs): string[] {
  return [...refs.keys()].filter((ref) => ref.startsWith("refs/tags/")).map((ref) => ref.slice(10));
}

/** Full name of the ref that a revision means; undefined where none does. `head` is the server's default branch. */
export function findRef(revision: string, refs: Refs, head: string | undefined): string | undefined {
  if (revision === "" || revision === "HEAD") return head !== undefined && refs.has(head) ? head : undefined;
  if (revision.startsWith("refs/")) return refs.has(revision) ? revision : undefined;
  for (const prefix of ["refs/heads/", "refs/tags/"]) if (refs.has(prefix + revision)) return prefix + revision;
  const short = /^(?:heads|tags)\//.test(revision) ? `refs/${revision}` : undefined;
  if (short !== undefined && refs.has(short)) return short;
  const tag = highestTag(revision, tagNames(refs));
  return tag === undefined ? undefined : `refs/tags/${tag}`;
}

/** Takes the output of `ls-remote --symref`; returns the refs of branches and tags (not peeled) and the default branch. */
export function parseLsRemote(text: string): { refs: Map<string, string>; head?: string; headSha?: string } {
  const refs = new Map<string, string>();
  let head: string | undefined;
  let headSha: string | undefined;
  for (const line of text.split("\n")) {
    const [left = "", name = ""] = line.split("\t");
    if (left.startsWith("ref: ") && name === "HEAD") head = left.slice(5);
    else if (name === "HEAD") headSha = left;
    else if (/^refs\/(?:heads|tags)\//.test(name) && !name.endsWith("^{}")) refs.set(name, left);
  }
  return { refs, ...(head === undefined ? {} : { head }), ...(headSha === undefined ? {} : { headSha }) };
}
