// Argo CD's wildcards: `*` (not past a separator, where there is one), `**`, `?`, `[a-z]`, `{a,b}`. Pure. Patterns come from
// whoever may write a project: no pattern takes longer than its own length times the text's.
// Source: the patterns of gobwas/glob, which Argo CD's projects are written in.

/** A longer pattern matches only itself; a longer text is matched only by itself and by `*`. */
const maxPatternLength = 4096;
const maxTextLength = 16_384;
/** Up to here a regular expression with two wildcards is quicker than following all ways at once, and never slow. */
const shortText = 512;

type Test = (text: string) => boolean;

/** Compiles one pattern to a test. A pattern that is malformed matches only itself. */
export function glob(pattern: string, separator?: string): Test {
  const itself: Test = (text) => text === pattern;
  if (pattern === "*" && separator === undefined) return () => true;
  if (pattern.length > maxPatternLength || !/[*?[\]{}\\]/.test(pattern)) return itself;
  try {
    const steps = read(pattern, separator);
    const quick = isSimple(steps) ? expression(steps) : undefined;
    let machine: Machine | undefined;
    return (text) => {
      if (text.length > maxTextLength) return text === pattern;
      if (quick && text.length <= shortText) return quick.test(text);
      return (machine ??= new Machine(steps)).matches(text);
    };
  } catch {
    return itself;
  }
}

/** Whether any of the patterns matches. */
export function globAny(patterns: readonly string[] | undefined, text: string, separator?: string): boolean {
  return patterns?.some((pattern) => pattern === "*" || glob(pattern, separator)(text)) ?? false;
}

/** A character, any number of them, or one of several sequences. */
type Step =
  | { readonly kind: "one"; readonly source: string }
  | { readonly kind: "many"; readonly source: string }
  | { readonly kind: "choice"; readonly ways: readonly (readonly Step[])[] };

/** Throws where the pattern is malformed. */
function read(pattern: string, separator: string | undefined): readonly Step[] {
  const one = separator === undefined ? "." : `[^${escape(separator)}]`;
  const open: Step[][][] = [[[]]];
  const add = (step: Step): void => void open.at(-1)!.at(-1)!.push(step);
  for (let index = 0; index < pattern.length; index++) {
    const char = String.fromCodePoint(pattern.codePointAt(index) ?? 0);
    index += char.length - 1;
    if (char === "\\") add({ kind: "one", source: escape(pattern[++index] ?? "\\") });
    else if (char === "*") {
      const double = pattern[index + 1] === "*";
      if (double) index++;
      add({ kind: "many", source: double ? "." : one });
    } else if (char === "?") add({ kind: "one", source: one });
    else if (char === "{") open.push([[]]);
    else if (char === "}" && open.length > 1) add({ kind: "choice", ways: open.pop()! });
    else if (char === "," && open.length > 1) open.at(-1)!.push([]);
    else if (char === "[") {
      const end = pattern.indexOf("]", index + 1);
      if (end < 0) throw new SyntaxError("unclosed [");
      add({ kind: "one", source: classOf(pattern.slice(index + 1, end)) });
      index = end;
    } else add({ kind: "one", source: escape(char) });
  }
  if (open.length > 1) throw new SyntaxError("unclosed {");
  return open[0]![0]!;
}

function classOf(text: string): string {
  const body = text.replace(/[\\[\]^]/g, (c, at: number) => (c === "^" && at === 0 ? "^" : `\\${c}`));
  const source = `[${body.startsWith("!") ? `^${body.slice(1)}` : body}]`;
  return new RegExp(source, "su").source;
}

function isSimple(steps: readonly Step[]): boolean {
  return steps.filter(({ kind }) => kind === "many").length <= 2 && steps.every((step) => step.kind !== "choice");
}

function expression(steps: readonly Step[]): RegExp {
  const sources = steps.map((step) =>
    step.kind === "choice" ? "" : step.kind === "many" ? `${step.source}*` : step.source,
  );
  return new RegExp(`^${sources.join("")}$`, "su");
}

/** Follows all ways through a pattern at once. Source: Thompson's "Regular Expression Search Algorithm". */
class Machine {
  /** By place: what a character must be to go on, and where to; places that are reached without one. */
  readonly #on: { readonly is: Test; readonly to: number }[][] = [];
  readonly #free: number[][] = [];
  readonly #tests = new Map<string, Test>();
  readonly #end: number;

  constructor(steps: readonly Step[]) {
    this.#end = this.#lay(steps, this.#place());
  }

  matches(text: string): boolean {
    let now = this.#reached([0]);
    for (const char of text) {
      const next: number[] = [];
      for (const place of now) for (const { is, to } of this.#on[place]!) if (is(char)) next.push(to);
      if (next.length === 0) return false;
      now = this.#reached(next);
    }
    return now.has(this.#end);
  }

  #reached(from: readonly number[]): ReadonlySet<number> {
    const found = new Set(from);
    for (const place of found) for (const to of this.#free[place]!) found.add(to);
    return found;
  }

  #place(): number {
    this.#free.push([]);
    return this.#on.push([]) - 1;
  }

  /** Lays the steps behind a place; returns the last one. */
  #lay(steps: readonly Step[], from: number): number {
    let at = from;
    for (const step of steps) {
      const next = this.#place();
      if (step.kind === "one") this.#on[at]!.push({ is: this.#test(step.source), to: next });
      else if (step.kind === "many") {
        this.#free[at]!.push(next);
        this.#on[next]!.push({ is: this.#test(step.source), to: next });
      } else
        for (const way of step.ways) {
          const start = this.#place();
          this.#free[at]!.push(start);
          this.#free[this.#lay(way, start)]!.push(next);
        }
      at = next;
    }
    return at;
  }

  #test(source: string): Test {
    let test = this.#tests.get(source);
    if (!test) {
      const literal = /^\\?([^\\[.])$/u.exec(source)?.[1];
      const expected = new RegExp(`^${source}$`, "su");
      test =
        literal !== undefined
          ? (char) => char === literal
          : source === "."
            ? () => true
            : (char) => expected.test(char);
      this.#tests.set(source, test);
    }
    return test;
  }
}

function escape(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
