// Flags as argocd's are written: described once, parsed by commander, typed for the command that reads them.
// Go's habits are kept: `--flag=false`, `-l=text`, repeated flags, comma lists, durations as `3m0s`. Reads no environment.
import { Command, CommanderError, Option } from "commander";
import { DriftlessError } from "#base/errors.ts";
import { formatDuration, parseDuration } from "#model/duration.ts";

type Kind = "text" | "texts" | "list" | "numbers" | "bool" | "int" | "uint" | "duration";

export interface Flag<T = unknown> {
  readonly kind: Kind;
  readonly about: string;
  readonly short?: string;
  readonly fallback: T;
  readonly choices?: readonly string[];
  readonly hidden?: boolean;
  readonly required?: boolean;
  /** Why the flag cannot be honoured yet: giving it ends the command with this sentence. */
  readonly later?: string;
}

export type Flags = Readonly<Record<string, Flag>>;
export type FlagValues<F extends Flags> = { readonly [Name in keyof F]: F[Name] extends Flag<infer T> ? T : never };

export interface Parsed<F extends Flags> {
  readonly values: FlagValues<F>;
  /** Names of the flags that were written, as opposed to left at their default. */
  readonly given: ReadonlySet<string>;
  readonly args: readonly string[];
}

interface Options<T> {
  readonly short?: string;
  readonly fallback?: T;
  readonly choices?: readonly string[];
  readonly hidden?: boolean;
  readonly required?: boolean;
}

const make = <T>(kind: Kind, about: string, fallback: T, options: Options<T>): Flag<T> => ({
  kind,
  about,
  ...options,
  fallback: options.fallback ?? fallback,
});

export const text = (about: string, options: Options<string> = {}): Flag<string> => make("text", about, "", options);
/** May be repeated; each value is taken whole. */
export const texts = (about: string, options: Options<readonly string[]> = {}): Flag<readonly string[]> =>
  make<readonly string[]>("texts", about, [], options);
/** May be repeated; each value may hold several, separated by commas. */
export const list = (about: string, options: Options<readonly string[]> = {}): Flag<readonly string[]> =>
  make<readonly string[]>("list", about, [], options);
export const numbers = (about: string, options: Options<readonly number[]> = {}): Flag<readonly number[]> =>
  make<readonly number[]>("numbers", about, [], options);
export const bool = (about: string, options: Options<boolean> = {}): Flag<boolean> =>
  make("bool", about, false, options);
export const int = (about: string, options: Options<number> = {}): Flag<number> => make("int", about, 0, options);
export const uint = (about: string, options: Options<number> = {}): Flag<number> => make("uint", about, 0, options);
/** Milliseconds. */
export const duration = (about: string, options: Options<number> = {}): Flag<number> =>
  make("duration", about, 0, options);
/** A flag that is accepted but cannot be honoured yet. */
export const later = <T>(flag: Flag<T>, sentence: string): Flag<T> => ({ ...flag, later: sentence });

/** `kustomize-image` is written `--kustomize-image`; what its value is called in help. */
export function placeholder(flag: Flag): string {
  const names: Record<Kind, string> = {
    text: "string",
    texts: "stringArray",
    list: "strings",
    numbers: "ints",
    bool: "",
    int: "int",
    uint: "uint",
    duration: "duration",
  };
  return names[flag.kind];
}

/** The default as help shows it, or "" where it is nothing worth saying. */
export function shownFallback(flag: Flag): string {
  const value = flag.fallback;
  if (flag.kind === "duration") return value === 0 ? "" : formatDuration(value as number);
  if (value === "" || value === 0 || value === false) return "";
  return Array.isArray(value) ? value.join(",") : JSON.stringify(value);
}

/**
 * Takes the arguments after the command's name. Error: INVALID_ARGUMENT naming the flag, with the nearest name for
 * unknown ones; UNIMPLEMENTED for flags that come later.
 */
export function parseFlags<F extends Flags>(specs: F, argv: readonly string[]): Parsed<F> {
  const command = new Command("driftless").exitOverride().configureOutput({ writeErr: () => {} });
  command.helpOption(false).allowExcessArguments().argument("[words...]");
  const values: Record<string, unknown> = {};
  const given = new Set<string>();
  for (const [name, flag] of Object.entries(specs)) {
    values[name] = flag.fallback;
    const option = new Option(`${flag.short ? `-${flag.short}, ` : ""}--${name} <value>`);
    if (flag.hidden) option.hideHelp();
    option.argParser((value: string) => {
      const read = readValue(name, flag, value);
      const repeats = given.has(name) && Array.isArray(read);
      values[name] = repeats ? [...(values[name] as unknown[]), ...(read as unknown[])] : read;
      given.add(name);
    });
    command.addOption(option);
  }
  try {
    command.parse(normalise(specs, argv), { from: "user" });
  } catch (thrown) {
    if (thrown instanceof CommanderError) throw new DriftlessError("INVALID_ARGUMENT", sentenceFrom(thrown.message));
    throw thrown;
  }
  for (const name of given) {
    const sentence = specs[name]?.later;
    if (sentence !== undefined) throw new DriftlessError("UNIMPLEMENTED", `--${name}: ${sentence}`);
  }
  const missing = Object.entries(specs).filter(([name, flag]) => flag.required && !given.has(name));
  if (missing.length > 0)
    throw new DriftlessError("INVALID_ARGUMENT", `${missing.map(([name]) => `--${name}`).join(" and ")} must be given`);
  return { values: values as FlagValues<F>, given, args: command.args };
}

/** Whether a word is a flag that takes the next word as its value. */
export function takesNext(specs: Flags, word: string): boolean {
  if (!word.startsWith("-") || word.includes("=")) return false;
  const flag = word.startsWith("--") ? specs[word.slice(2)] : byShort(specs, word.slice(1))?.[1];
  return flag !== undefined && flag.kind !== "bool";
}

function byShort(specs: Flags, short: string): readonly [string, Flag] | undefined {
  return Object.entries(specs).find(([, flag]) => flag.short === short);
}

/** Rewrites what Go's flags allow and commander does not: booleans get a value, `-l=x` and `-yl x` are taken apart. */
function normalise(specs: Flags, argv: readonly string[]): string[] {
  const out: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === "--") return [...out, ...argv.slice(i)];
    const long = /^--([^=]+)$/.exec(word)?.[1];
    if (long !== undefined && specs[long]?.kind === "bool") out.push(`${word}=true`);
    else if (/^-[A-Za-z]/.test(word)) out.push(...shorts(specs, word.slice(1)));
    else out.push(word);
    if (takesNext(specs, out.at(-1)!) && i + 1 < argv.length) out.push(argv[++i]!);
  }
  return out;
}

function shorts(specs: Flags, letters: string): string[] {
  const found = byShort(specs, letters[0]!);
  const rest = letters.slice(1);
  if (!found) return [`-${letters}`];
  const [name, flag] = found;
  if (rest.startsWith("=")) return [`--${name}=${rest.slice(1)}`];
  if (flag.kind === "bool") return [`--${name}=true`, ...(rest === "" ? [] : shorts(specs, rest))];
  return rest === "" ? [`--${name}`] : [`--${name}=${rest}`];
}

function readValue(name: string, flag: Flag, value: string): unknown {
  const refuse = (expected: string): never => {
    throw new DriftlessError("INVALID_ARGUMENT", `--${name} takes ${expected}, not "${value}"`);
  };
  const whole = (item: string): number => {
    if (!/^[+-]?\d+$/.test(item) || (flag.kind === "uint" && Number(item) < 0)) refuse("a whole number");
    return Number(item);
  };
  if (flag.choices && !flag.choices.includes(value)) refuse(`one of ${flag.choices.join(", ")}`);
  switch (flag.kind) {
    case "text":
      return value;
    case "texts":
      return [value];
    case "list":
      return value === "" ? [] : value.split(",");
    case "numbers":
      return value.split(",").map(whole);
    case "int":
    case "uint":
      return whole(value);
    case "duration":
      return parseDuration(value) ?? refuse("a duration such as 30s or 2m");
    default:
      if (/^(1|t|true)$/i.test(value)) return true;
      return /^(0|f|false)$/i.test(value) ? false : refuse("true or false");
  }
}

function sentenceFrom(message: string): string {
  return message
    .replace(/^error: /, "")
    .replace(/option '(?:-\w, )?(--[\w-]+) <value>' argument missing/, "$1 needs a value")
    .replaceAll("option ", "flag ")
    .replace(/\n\((.*)\)$/, " ($1)");
}
