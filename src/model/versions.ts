// Semantic versions and constraints as Masterminds' semver reads them, which Argo CD and Helm use for charts and tags:
// loose versions (`v1.2`), `~ ^ = != < <= > >=`, wildcards, hyphens, commas, `||`, prereleases only where a constraint
// names one. Pure. Source: the "Checking Version Constraints" section of Masterminds/semver.
import { SemVer } from "semver";

const loose = /^v?(\d{1,15})(?:\.(\d{1,15}))?(?:\.(\d{1,15}))?(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;

/** `v1.2` is 1.2.0, `2024.03` is 2024.3.0; undefined for what is no version. */
export function parseVersion(text: string): SemVer | undefined {
  const match = loose.exec(text);
  if (!match) return undefined;
  const [, major = "0", minor = "0", patch = "0", pre = "", build = ""] = match;
  try {
    return new SemVer(`${Number(major)}.${Number(minor)}.${Number(patch)}${pre}${build}`);
  } catch {
    return undefined;
  }
}

/** Whether a text names one version whole: all three numbers, no operator, no wildcard. */
export function isExactVersion(text: string): boolean {
  return /^v?\d+\.\d+\.\d+/.test(text) && parseVersion(text) !== undefined;
}

type Check = (version: SemVer) => boolean;

/** How much of a constraint's version is given: everything, no patch (1.2.x), no minor (1.x), nothing (*). */
type Given = "all" | "minor" | "major" | "nothing";

const part = "(?:\\d+|[xX*])";
const written = `v?(${part})(?:\\.(${part}))?(?:\\.(${part}))?(-[0-9A-Za-z.-]+)?(?:\\+[0-9A-Za-z.-]+)?`;
const operators = "=>|=<|>=|<=|!=|~>|=|>|<|~|\\^|";
const single = new RegExp(`^\\s*(${operators})\\s*${written}(?=\\s|,|$)\\s*,?`);
const hyphen = new RegExp(`(${written.replace(/\((?!\?)/g, "(?:")})\\s+-\\s+`, "g");

/**
 * Takes a constraint such as `^1.2`, `>=1.0, <2.0 || 3.x`, `*` or nothing (any version); returns what it accepts, or
 * undefined where the text is no constraint.
 */
export function parseConstraint(text: string): Check | undefined {
  if (text.length > 512) return undefined;
  const groups = text.replace(hyphen, ">=$1 <=").split("||").map(parseGroup);
  if (groups.some((group) => group === undefined)) return undefined;
  return (version) => groups.some((group) => group?.(version));
}

function parseGroup(text: string): Check | undefined {
  let rest = text.trim();
  if (rest === "") return (version) => version.prerelease.length === 0;
  const checks: Check[] = [];
  let prereleases = false;
  while (rest !== "") {
    const match = single.exec(rest);
    if (!match) return undefined;
    const [all, operator = "", major = "", minor = "", patch = "", pre = ""] = match;
    const wild = (number: string): boolean => number === "" || /^[xX*]$/.test(number);
    const given: Given = wild(major) ? "nothing" : wild(minor) ? "major" : wild(patch) ? "minor" : "all";
    const numbers = [major, minor, patch].map((number, at) => (at < count[given] ? Number(number) : 0));
    const bound = parseVersion(`${numbers.join(".")}${pre}`);
    if (!bound) return undefined;
    prereleases ||= pre !== "";
    checks.push(checkOf(operator, bound, given));
    rest = rest.slice(all.length).trim();
  }
  return (version) => (prereleases || version.prerelease.length === 0) && checks.every((check) => check(version));
}

const count: Readonly<Record<Given, number>> = { all: 3, minor: 2, major: 1, nothing: 0 };

function checkOf(operator: string, bound: SemVer, given: Given): Check {
  const sameMajor: Check = (version) => version.major === bound.major;
  const sameMinor: Check = (version) => sameMajor(version) && version.minor === bound.minor;
  /** Whether a version is one of those that the written part stands for. */
  const within: Check =
    given === "nothing" ? () => true : given === "major" ? sameMajor : given === "minor" ? sameMinor : equal;
  function equal(version: SemVer): boolean {
    return version.compare(bound) === 0;
  }
  const least: Check = (version) => version.compare(bound) >= 0;
  switch (operator) {
    case "!=":
      return (version) => !within(version);
    case ">":
      return (version) => least(version) && !within(version);
    case "<":
      return (version) => version.compare(bound) < 0;
    case ">=":
    case "=>":
      return least;
    case "<=":
    case "=<":
      return (version) => version.compare(bound) <= 0 || within(version);
    case "~":
    case "~>": {
      // ~0.0.0 is any version, as in Masterminds' semver.
      const any = given === "nothing" || (given === "all" && bound.major + bound.minor + bound.patch === 0);
      return (version) => least(version) && (any || (given === "major" ? sameMajor(version) : sameMinor(version)));
    }
    case "^":
      if (given === "nothing") return () => true;
      if (bound.major > 0 || given === "major") return (version) => least(version) && sameMajor(version);
      if (bound.minor > 0 || given === "minor") return (version) => least(version) && sameMinor(version);
      return (version) => least(version) && sameMinor(version) && version.patch === bound.patch;
    default:
      return given === "all" ? equal : (version) => least(version) && within(version);
  }
}

/**
 * Finds the version that a revision means among those that exist: the same text, else the highest that the constraint
 * accepts. Undefined where there is none, or where the revision is neither a version nor a constraint.
 */
export function bestVersion(revision: string, versions: Iterable<string>): string | undefined {
  const wanted = revision.trim();
  const check = parseConstraint(wanted);
  let best: { text: string; version: SemVer } | undefined;
  for (const text of versions) {
    if (text === wanted) return text;
    const version = check && parseVersion(text);
    if (!version || !check(version)) continue;
    if (!best || version.compare(best.version) > 0) best = { text, version };
  }
  return best?.text;
}

/** The newest first; what is no version comes last. */
export function newestFirst(versions: readonly string[]): string[] {
  return versions
    .map((text) => ({ text, version: parseVersion(text) }))
    .sort((a, b) => {
      if (a.version && b.version) return b.version.compare(a.version) || b.version.compareBuild(a.version);
      return a.version ? -1 : b.version ? 1 : a.text < b.text ? -1 : 1;
    })
    .map(({ text }) => text);
}
