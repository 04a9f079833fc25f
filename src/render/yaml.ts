// YAML and JSON texts → documents with their lines, as Kubernetes reads them. Scalars follow sigs.k8s.io/yaml (go-yaml
// v2): yes/no/on/off/y/n are booleans, 0644 is octal, dates stay strings. Duplicate keys, tabs in indentation and anchor
// bombs are errors. Pure; why js-yaml: docs/decisions/0003-yaml-parser.md.
import {
  constructFromEvents,
  defineScalarTag,
  EVENT_ID,
  mapTag,
  mergeTag,
  NOT_RESOLVED,
  parseEvents,
  Schema,
  seqTag,
  strTag,
  YAMLException,
  type Event,
} from "js-yaml";
import { DriftlessError } from "#base/errors.ts";
import { isObject } from "#base/json.ts";

export interface ParsedDocument {
  readonly value: unknown;
  /** Line of the first thing in it; 1 is the file's first. */
  readonly line: number;
}

export interface ParsedText {
  readonly documents: readonly ParsedDocument[];
  /** Numbers that JavaScript cannot hold exactly, as they were written; at most a few. */
  readonly lossy: readonly string[];
}

export interface ManifestParser {
  /** Errors: MANIFEST_INVALID with file, line and column. */
  yaml(text: string, file: string): ParsedText;
  json(text: string, file: string): ParsedText;
}

/** How many values aliases may unfold to in one file; as an anchor bomb's bound, far above honest use. */
const maxUnfolded = 500_000;
const maxAliases = 10_000;

const words = new Map<string, boolean | null>();
for (const word of ["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"]) words.set(word, true);
for (const word of ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"]) words.set(word, false);
for (const word of ["", "~", "null", "Null", "NULL"]) words.set(word, null);

const floatPattern = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const infinity = /^([-+]?)\.(?:inf|Inf|INF)$/;

/** Go's ParseInt with base 0: decimal, 0x, 0o, 0b, and a leading 0 as octal. */
function integerOf(text: string): number | bigint | undefined {
  const match = /^([-+]?)(0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|0[0-7]*|[1-9][0-9]*)$/.exec(text);
  if (!match) return undefined;
  const [, sign = "", digits = ""] = match;
  const octal = /^0[0-7]+$/.test(digits);
  if (!octal && digits.length < 16 && /^\d+$/.test(digits)) return sign === "-" ? -Number(digits) : Number(digits);
  const big = BigInt(octal ? `0o${digits}` : digits.toLowerCase());
  return sign === "-" ? -big : big;
}

/** Makes a parser. It keeps no state between texts; make one and use it for all. */
export function createManifestParser(): ManifestParser {
  let lossy: string[] = [];
  const exact = (written: string, value: number | bigint): number => {
    const number = Number(value);
    const same =
      typeof value === "bigint"
        ? BigInt(Number.isFinite(number) ? number : 0) === value
        : Number.isSafeInteger(number) || !Number.isInteger(number);
    if (!same && lossy.length < 10) lossy.push(written);
    return Object.is(number, -0) ? 0 : number;
  };
  const signs = Array.from("0123456789+-");
  const prefix = "tag:yaml.org,2002:";
  const never = (): boolean => false;
  const schema = new Schema([
    strTag,
    seqTag,
    mapTag,
    mergeTag,
    defineScalarTag(`${prefix}null`, {
      implicit: true,
      implicitFirstChars: ["", "~", "n", "N"],
      resolve: (text) => (words.get(text) === null ? null : NOT_RESOLVED),
      identify: never,
    }),
    defineScalarTag(`${prefix}bool`, {
      implicit: true,
      implicitFirstChars: Array.from("yYnNtTfFoO"),
      resolve: (text) => {
        const word = words.get(text);
        return typeof word === "boolean" ? word : NOT_RESOLVED;
      },
      identify: never,
    }),
    defineScalarTag(`${prefix}int`, {
      implicit: true,
      implicitFirstChars: signs,
      resolve: (text) => {
        const value = integerOf(text.replaceAll("_", ""));
        return value === undefined ? NOT_RESOLVED : exact(text, value);
      },
      identify: never,
    }),
    defineScalarTag(`${prefix}float`, {
      implicit: true,
      implicitFirstChars: [...signs, "."],
      resolve: (text) => {
        if (infinity.test(text) || /^\.(?:nan|NaN|NAN)$/.test(text)) return Number.NaN; // JSON has neither: refused below
        const plain = text.replaceAll("_", "");
        return floatPattern.test(plain) ? Number(plain) : NOT_RESOLVED;
      },
      identify: never,
    }),
    defineScalarTag(`${prefix}binary`, {
      resolve: (text) => Buffer.from(text, "base64").toString("utf8"),
      identify: never,
    }),
    defineScalarTag(`${prefix}timestamp`, { resolve: (text) => text, identify: never }),
  ]);

  return {
    yaml(text, file) {
      try {
        return withFlowsIndented(text.startsWith("\ufeff") ? text.slice(1) : text, (source) => {
          lossy = [];
          const events = parseEvents(source, { filename: file });
          const values = constructFromEvents(events, { source, filename: file, schema, maxAliases });
          const lines = documentLines(source, events);
          if (source.includes("*") || source.includes(".")) checkValues(values, file, lines);
          return { documents: values.map((value, index) => ({ value, line: lines[index] ?? 1 })), lossy };
        });
      } catch (error) {
        throw invalidYaml(error, file);
      }
    },
    json(text, file) {
      lossy = [];
      const source = text.startsWith("\ufeff") ? text.slice(1) : text;
      try {
        if (!/\d{16,}/.test(source)) return { documents: [{ value: JSON.parse(source) as unknown, line: 1 }], lossy };
        const value: unknown = JSON.parse(source, function (
          this: unknown,
          _key: string,
          item: unknown,
          context?: { source?: string },
        ) {
          const written = context?.source;
          if (typeof item === "number" && written !== undefined && /^-?\d{16,}$/.test(written))
            exact(written, BigInt(written));
          return item;
        } as (key: string, item: unknown) => unknown);
        return { documents: [{ value, line: 1 }], lossy };
      } catch (error) {
        throw invalidJson(error as Error, source, file);
      }
    },
  };
}

/** Characters that may be parsed again for indentation's sake, in one file: about a second's work. */
const maxParsedAgain = 20_000_000;

/**
 * Parses, and where a line of a quoted text or of a collection in brackets is not indented enough, does so again with such
 * lines indented: go-yaml does not look at indentation there, and blanks at the start of such a line mean nothing. Each
 * document is mended apart, so that a file of many costs what they have, not its length for each.
 */
function withFlowsIndented<T>(text: string, parse: (source: string) => T): T {
  try {
    return parse(text);
  } catch (error) {
    const budget = { left: maxParsedAgain };
    if (deficientLine(error, budget) === undefined) throw error;
    const mended = documentsOf(text).map((document) => withLinesIndented(document, budget));
    try {
      if (budget.left >= 0) return parse(mended.join(""));
    } catch (other) {
      // A bracket that is never closed is told where its lines end, not where the file does.
      const unclosed = other instanceof YAMLException && /flow|end of the stream|deficient/.test(other.reason);
      if (!unclosed) throw other;
    }
    throw error;
  }
}

/** The document with every line of that kind indented, as far as that is what is wrong with it. */
function withLinesIndented(text: string, budget: { left: number }): string {
  const blanks = " ".repeat(deepestIn(text) + 2);
  const lines = text.split(/(?<=\n)/);
  // What stands before a line that was mended is right: from the second on, only what encloses it is parsed again.
  let place: Place = { from: 0, enclosing: [] };
  while (budget.left >= 0) {
    const found = deficientBelow(lines, place, budget);
    if (found === undefined && place.from === 0) break;
    const next = found === undefined ? undefined : placeNear(lines, found, { place, budget });
    if (found !== undefined) lines[found] = `${blanks}${lines[found] ?? ""}`;
    place = next ?? { from: 0, enclosing: [] };
  }
  return lines.join("");
}

/** A line from which on a document can be parsed, and lines that stand for what encloses it. */
interface Place {
  readonly from: number;
  readonly enclosing: readonly string[];
}

/** The first line from a place on, to the end or before `end`, that is not indented enough, if that is the first error. */
function deficientBelow(
  lines: readonly string[],
  { from, enclosing }: Place,
  budget: { left: number },
  end?: number,
): number | undefined {
  const source = enclosing.join("") + lines.slice(from, end).join("");
  budget.left -= source.length / 20; // what copying costs, beside parsing
  try {
    parseEvents(source, {});
    budget.left -= source.length;
    return undefined;
  } catch (error) {
    const line = deficientLine(error, budget);
    return line === undefined ? undefined : from + line - enclosing.length;
  }
}

/** How many lines above a line that is not indented enough its text or collection may begin. */
const maxLinesAbove = 40;

/** A place shortly before a line that is not indented enough, from where on it is found so too; undefined where none is. */
function placeNear(
  lines: readonly string[],
  line: number,
  { place, budget }: { readonly place: Place; readonly budget: { left: number } },
): Place | undefined {
  for (let from = line - 1; from > place.from && from >= line - maxLinesAbove; from--) {
    const near = { from, enclosing: enclosingOf(lines, from, place) };
    if (deficientBelow(lines, near, budget, line + 1) === line) return near;
  }
  return place.from === 0 ? undefined : place;
}

/** A line for each key and item of a list that a line stands in, outermost first: names are made up, depths are theirs. */
function enclosingOf(lines: readonly string[], line: number, above: Place): string[] {
  const before = [...above.enclosing, ...lines.slice(above.from, line)];
  const enclosing: string[] = [];
  let [depth, dashes] = outlineOf(lines[line] ?? "");
  for (let at = before.length - 1; at >= 0 && (depth > 0 || dashes !== ""); at--) {
    const [blanks, list, rest] = outlineOf(before[at] ?? "");
    if ((list === "" && rest === "") || /^(?:#|%|---)/.test(rest)) continue;
    // A list may stand as deep as the key that it belongs to.
    if (blanks > depth || (blanks === depth && !(dashes !== "" && list === ""))) continue;
    enclosing.unshift(`${" ".repeat(blanks)}${list}${rest === "" ? "" : `k${at}:`}\n`);
    [depth, dashes] = [blanks, list];
  }
  return enclosing;
}

/** How deep a line stands, its dashes of lists, and the rest. */
function outlineOf(line: string): readonly [depth: number, dashes: string, rest: string] {
  const [, blanks = "", dashes = "", rest = ""] = /^( *)((?:-(?: +|$))*)(.*)/.exec(line.trimEnd()) ?? [];
  return [blanks.length, dashes, rest];
}

/** The text, cut before each line that begins a document. */
function documentsOf(text: string): readonly string[] {
  return text.split(/^(?=---(?:[ \t\r]|$))/m);
}

/** The line, counted from 0, that is not indented enough, if that is the error. */
function deficientLine(error: unknown, budget: { left: number }): number | undefined {
  if (!(error instanceof YAMLException) || !error.mark || !error.reason.includes("deficient indentation"))
    return undefined;
  budget.left -= error.mark.position;
  return error.mark.line;
}

/** How far the line that is indented most is indented. */
function deepestIn(text: string): number {
  let deepest = 0;
  for (const [blanks] of text.matchAll(/^ +/gm)) deepest = Math.max(deepest, blanks.length);
  return deepest;
}

/** Where each document's content begins. */
function documentLines(source: string, events: readonly Event[]): number[] {
  const lines: number[] = [];
  let line = 1;
  let at = 0;
  let depth = 0;
  let waiting = false;
  const lineAt = (offset: number): number => {
    for (; at < offset; at++) if (source.charCodeAt(at) === 10) line++;
    return line;
  };
  for (const event of events) {
    if (event.type === EVENT_ID.POP) {
      depth--;
      if (depth === 0 && waiting) lines.push(line);
      if (depth === 0) waiting = false;
      continue;
    }
    if (waiting && depth === 1) {
      const start = event.type === EVENT_ID.SCALAR ? event.valueStart : "start" in event ? event.start : at;
      lines.push(lineAt(Math.max(start, at)));
      waiting = false;
    }
    if (event.type === EVENT_ID.DOCUMENT) waiting = true;
    if (event.type === EVENT_ID.DOCUMENT || event.type === EVENT_ID.MAPPING || event.type === EVENT_ID.SEQUENCE)
      depth++;
  }
  return lines;
}

/** Refuses what aliases unfold to without bound, and numbers that JSON has not. */
function checkValues(values: readonly unknown[], file: string, lines: readonly number[]): void {
  let left = maxUnfolded;
  const walk = (value: unknown, line: number): void => {
    if (--left < 0) throw invalid(file, "aliases unfold to too many values", line);
    if (typeof value === "number") {
      if (!Number.isFinite(value)) throw invalid(file, "JSON has no such number (.nan or .inf)", line);
    } else if (Array.isArray(value)) for (const item of value) walk(item, line);
    else if (isObject(value)) for (const key in value) walk(value[key], line);
  };
  for (const [index, value] of values.entries()) walk(value, lines[index] ?? 1);
}

function invalid(file: string, why: string, line?: number, column?: number): DriftlessError {
  const place = line === undefined ? file : column === undefined ? `${file}:${line}` : `${file}:${line}:${column}`;
  return new DriftlessError("MANIFEST_INVALID", `${place}: ${why}`, {
    details: { file, ...(line === undefined ? {} : { line }), ...(column === undefined ? {} : { column }) },
  });
}

function invalidYaml(error: unknown, file: string): DriftlessError {
  if (error instanceof DriftlessError) return error;
  if (error instanceof YAMLException) {
    const { mark } = error;
    return mark ? invalid(file, error.reason, mark.line + 1, mark.column + 1) : invalid(file, error.reason);
  }
  if (error instanceof RangeError) return invalid(file, "nested too deeply");
  return invalid(file, error instanceof Error ? error.message : String(error));
}

function invalidJson(error: Error, source: string, file: string): DriftlessError {
  const position = /position (\d+)/.exec(error.message)?.[1];
  const why = error.message.replace(/ in JSON at position \d+.*$| \(line \d+ column \d+\)$/, "").replace(/, ".*$/s, "");
  const offset = position === undefined ? source.length : Number(position);
  const before = source.slice(0, offset);
  return invalid(file, `no valid JSON: ${why}`, before.split("\n").length, offset - before.lastIndexOf("\n"));
}
