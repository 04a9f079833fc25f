// Argo CD's wildcards: `*` (not past a separator, where there is one), `**`, `?`, `[a-z]`, `{a,b}`. Pure.
// Source: the patterns of gobwas/glob, which Argo CD's projects are written in.

/** Compiles one pattern to a test. A pattern that is malformed matches only itself. */
export function glob(pattern: string, separator?: string): (text: string) => boolean {
  if (!/[*?[\]{}\\]/.test(pattern)) return (text) => text === pattern;
  try {
    const expression = new RegExp(`^${translate(pattern, separator)}$`, "su");
    return (text) => expression.test(text);
  } catch {
    return (text) => text === pattern;
  }
}

/** Whether any of the patterns matches. */
export function globAny(patterns: readonly string[] | undefined, text: string, separator?: string): boolean {
  return patterns?.some((pattern) => pattern === "*" || glob(pattern, separator)(text)) ?? false;
}

function translate(pattern: string, separator: string | undefined): string {
  const one = separator === undefined ? "." : `[^${escape(separator)}]`;
  let out = "";
  let depth = 0;
  for (let index = 0; index < pattern.length; index++) {
    const char = pattern[index] ?? "";
    if (char === "\\") out += escape(pattern[++index] ?? "\\");
    else if (char === "*") {
      const double = pattern[index + 1] === "*";
      if (double) index++;
      out += double ? ".*" : `${one}*`;
    } else if (char === "?") out += one;
    else if (char === "{") {
      depth++;
      out += "(?:";
    } else if (char === "}" && depth > 0) {
      depth--;
      out += ")";
    } else if (char === "," && depth > 0) out += "|";
    else if (char === "[") {
      const end = pattern.indexOf("]", index + 1);
      if (end < 0) throw new SyntaxError("unclosed [");
      const body = pattern
        .slice(index + 1, end)
        .replace(/[\\[\]^]/g, (c, at: number) => (c === "^" && at === 0 ? "^" : `\\${c}`));
      out += `[${body.startsWith("!") ? `^${body.slice(1)}` : body}]`;
      index = end;
    } else out += escape(char);
  }
  if (depth > 0) throw new SyntaxError("unclosed {");
  return out;
}

function escape(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
