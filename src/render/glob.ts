// Globs as Argo CD's directory sources mean them (gobwas/glob without separators): `*` and `**` match anything, slashes
// too; `?` one character; `[a-z]`, `[!a-z]`; `{a,b}`; `\` takes the next character literally. Pure.
import { DriftlessError } from "#base/errors.ts";

const maxLength = 1024;

/** Takes a pattern; returns whether a path, relative to the source's path, matches it whole. Error: SPEC_INVALID. */
export function compileGlob(pattern: string, field: string): (path: string) => boolean {
  const invalid = (why: string): DriftlessError =>
    new DriftlessError("SPEC_INVALID", `${field}: the glob ${JSON.stringify(pattern)} ${why}`, { details: { field } });
  if (pattern.length > maxLength) throw invalid(`is longer than ${maxLength} characters`);
  const alternatives = expandBraces(pattern);
  if (alternatives === undefined) throw invalid("has an unclosed or too large { }");
  const matchers = alternatives.map((text) => {
    const tokens = tokenize(text);
    if (tokens === undefined) throw invalid("has an unclosed [ ]");
    return tokens;
  });
  return (path) => {
    const characters = Array.from(path);
    return matchers.some((tokens) => matches(tokens, characters));
  };
}

type Token =
  | "*"
  | "?"
  | { readonly literal: string }
  | { readonly not: boolean; readonly ranges: readonly (readonly [string, string])[] };

/** `a{b,c{d,e}}` → ab, acd, ace. Undefined where braces don't close or make more than 256 patterns. */
function expandBraces(pattern: string): string[] | undefined {
  let depth = 0;
  let start = -1;
  const cuts: number[] = [];
  for (let i = 0; i < pattern.length; i++) {
    const c = pattern[i];
    if (c === "\\") i++;
    else if (c === "{" && depth++ === 0) start = i;
    else if (c === "," && depth === 1) cuts.push(i);
    else if (c === "}" && depth > 0 && --depth === 0) {
      const bounds = [start, ...cuts, i];
      const found: string[] = [];
      for (let k = 0; k + 1 < bounds.length; k++) {
        const inner = pattern.slice((bounds[k] as number) + 1, bounds[k + 1]);
        const expanded = expandBraces(pattern.slice(0, start) + inner + pattern.slice(i + 1));
        if (expanded === undefined || found.length + expanded.length > 256) return undefined;
        found.push(...expanded);
      }
      return found;
    }
  }
  return depth === 0 ? [pattern] : undefined;
}

function tokenize(pattern: string): Token[] | undefined {
  const tokens: Token[] = [];
  const characters = Array.from(pattern);
  for (let i = 0; i < characters.length; i++) {
    const c = characters[i] as string;
    if (c === "\\") tokens.push({ literal: characters[++i] ?? "\\" });
    else if (c === "*") {
      if (tokens.at(-1) !== "*") tokens.push("*");
    } else if (c === "?") tokens.push("?");
    else if (c === "[") {
      const end = characters.indexOf("]", i + 2);
      if (end < 0) return undefined;
      const not = characters[i + 1] === "!" || characters[i + 1] === "^";
      const ranges: [string, string][] = [];
      for (let k = i + (not ? 2 : 1); k < end; k++) {
        const from = characters[k] as string;
        if (characters[k + 1] === "-" && k + 2 < end) {
          ranges.push([from, characters[k + 2] as string]);
          k += 2;
        } else ranges.push([from, from]);
      }
      tokens.push({ not, ranges });
      i = end;
    } else tokens.push({ literal: c });
  }
  return tokens;
}

function matchesOne(token: Token, c: string): boolean {
  if (token === "?" || token === "*") return true;
  if ("literal" in token) return token.literal === c;
  return token.ranges.some(([from, to]) => c >= from && c <= to) !== token.not;
}

/** Backtracks only to the last star: time is at most the product of both lengths, whatever the pattern. */
function matches(tokens: readonly Token[], text: readonly string[]): boolean {
  let t = 0;
  let i = 0;
  let star = -1;
  let resume = 0;
  while (i < text.length) {
    const token = tokens[t];
    if (token === "*") {
      star = t++;
      resume = i;
    } else if (token !== undefined && matchesOne(token, text[i] as string)) {
      t++;
      i++;
    } else if (star >= 0) {
      t = star + 1;
      i = ++resume;
    } else return false;
  }
  while (tokens[t] === "*") t++;
  return t === tokens.length;
}

/** A glob over paths: `*` and `?` stay within one name, `**` crosses folders; `[a-z]`, `{a,b}`. Error: SPEC_INVALID. */
export function compilePathGlob(pattern: string, field: string): (path: string) => boolean {
  let source = "";
  let depth = 0;
  for (let at = 0; at < pattern.length; at++) {
    const letter = pattern[at] as string;
    if (pattern.startsWith("**/", at)) {
      source += "(?:.*/)?";
      at += 2;
    } else if (pattern.startsWith("**", at)) {
      source += ".*";
      at++;
    } else if (letter === "*") source += "[^/]*";
    else if (letter === "?") source += "[^/]";
    else if (letter === "[") {
      const end = pattern.indexOf("]", at + 1);
      if (end < 0) throw invalidGlob(pattern, field);
      source += `[${pattern
        .slice(at + 1, end)
        .replace(/^!/, "^")
        .replaceAll("\\", "\\\\")}]`;
      at = end;
    } else if (letter === "{") {
      source += "(?:";
      depth++;
    } else if (letter === "}" && depth > 0) {
      source += ")";
      depth--;
    } else if (letter === "," && depth > 0) source += "|";
    else source += letter.replace(/[\\^$.*+?()[\]{}|]/, "\\$&");
  }
  if (depth > 0 || pattern.length > maxLength) throw invalidGlob(pattern, field);
  const expression = new RegExp(`^${source}$`, "s");
  return (path) => expression.test(path);
}

function invalidGlob(pattern: string, field: string): DriftlessError {
  return new DriftlessError("SPEC_INVALID", `${field} ${JSON.stringify(pattern)} is no valid glob`, {
    details: { field },
  });
}
