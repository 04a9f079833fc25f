// From words to a command: finds it, reads its flags, runs it. Unknown words suggest the nearest. Knows no command.
import { DriftlessError, toError } from "#base/errors.ts";
import { targetFlags } from "./admin/flags.ts";
import type { Command, Group, Listed } from "./command.ts";
import type { Context } from "./context.ts";
import { parseFlags, takesNext, type Flags } from "./flags.ts";
import { globalFlags, kubeFlags, type KubeValues } from "./global-flags.ts";
import { commandHelp, groupHelp, rootHelp } from "./help.ts";

/** Exit codes as argocd's: 1 for usage and for what a command found, 20 for errors, 130 for Ctrl-C. */
const exitCode = { usage: 1, error: 20, interrupted: 130 } as const;

export interface Wiring {
  readonly groups: readonly Group[];
  readonly commands: readonly Listed[];
  /** Flags from ARGOCD_OPTS or DRIFTLESS_OPTS, as one text. */
  readonly options: string;
  /** Makes the context once the global flags are known. */
  context(global: Context["global"], kube: KubeValues): Context;
  print(text: string): void;
  /** Shows an error: one sentence. */
  complain(error: DriftlessError, hint: boolean): void;
  interrupted(): boolean;
}

/** Takes the words after the program's name; returns the exit code. Never throws. */
export async function run(argv: readonly string[], wiring: Wiring): Promise<number> {
  let command: Command | undefined;
  try {
    const found = find(argv, wiring);
    if (typeof found === "string") {
      wiring.print(found);
      return found.includes("Flags of every command") ? 0 : exitCode.usage;
    }
    const { listed, rest, help } = found;
    const loaded = (await listed.load()).default;
    if (help) {
      wiring.print(commandHelp(listed, loaded));
      return 0;
    }
    // What is set for all commands is about our server, and these talk to none: --server is the cluster's address here.
    const common = listed.path.startsWith("admin ") ? [] : optionWords(wiring.options);
    const parsed = parseFlags(allFlags(listed, loaded), [...common, ...rest]);
    checkCount(listed, loaded, parsed.args);
    command = loaded;
    const context = wiring.context(parsed.values as Context["global"], kubeValues(loaded.flags, parsed.values));
    return (await loaded.run(context, parsed)) ?? 0;
  } catch (thrown) {
    const error = toError(thrown);
    if (wiring.interrupted()) return exitCode.interrupted;
    wiring.complain(error, command !== undefined);
    return command ? (command.errorCode ?? exitCode.error) : exitCode.usage;
  }
}

/** The flags that a command takes: those of every command, of its group, and its own. */
export function allFlags(listed: Listed, command: Command): Flags {
  return { ...globalFlags, ...kubeFlagsFor(listed, command.flags), ...command.flags };
}

/** Kubernetes' own flags, where the command does not use their names for something else. */
function kubeFlagsFor(listed: Listed, own: Flags): Flags {
  if (!/^(app|appset|account|cert|cluster|configure|gpg|proj|repo|repocreds|version)\b/.test(listed.path)) return {};
  const taken = new Set(Object.values(own).map((flag) => flag.short));
  return Object.fromEntries(
    Object.entries(kubeFlags).map(([name, flag]) => {
      if (!("short" in flag) || !taken.has(flag.short)) return [name, flag];
      const { short: _taken, ...rest } = flag;
      return [name, rest];
    }),
  );
}

/** Whether a command's own flag of the name is kubectl's, as the commands have it that work on a cluster. */
const isKubectls = (name: string, own: Flags): boolean => own[name] === (targetFlags as Flags)[name];

/** What was said by kubectl's flags, as far as the command's own flags leave them their names. */
function kubeValues(own: Flags, values: Readonly<Record<string, unknown>>): KubeValues {
  return Object.fromEntries(
    Object.entries(kubeFlags).map(([name, flag]) => [
      name,
      name in own && !isKubectls(name, own) ? flag.fallback : (values[name] ?? flag.fallback),
    ]),
  ) as unknown as KubeValues;
}

interface Found {
  readonly listed: Listed;
  readonly rest: readonly string[];
  readonly help: boolean;
}

function find(argv: readonly string[], wiring: Wiring): Found | string {
  const words: string[] = [];
  const rest: string[] = [];
  let help = false;
  let listed: Listed | undefined;
  const end = argv.includes("--") ? argv.indexOf("--") : argv.length;
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (i < end && (word === "--help" || word === "-h" || (word === "help" && words.length === 0 && !help))) {
      help = true;
    } else if (listed && rest.length === 0 && named([...words, word], wiring.commands)) {
      // A command that is a group, too: what follows may be one of its own.
      words.push(word);
      listed = named(words, wiring.commands);
    } else if (listed || word.startsWith("-")) {
      rest.push(word);
      if (!listed && takesNext(flagsBefore(words, wiring.groups), word) && i + 1 < argv.length) rest.push(argv[++i]!);
    } else {
      words.push(groupNamed([...words, word], wiring.groups) ?? word);
      listed = named(words, wiring.commands);
      if (!listed && !isGroup(words, wiring.groups)) throw unknown(words, wiring);
    }
  }
  if (listed) return { listed, rest, help };
  if (words.length === 0) return rootHelp(wiring.groups, wiring.commands);
  const group = wiring.groups.find((item) => item.path === words.join(" ")) ?? { path: words.join(" "), summary: "" };
  const text = groupHelp(group, wiring.commands);
  return help ? `${text}\nFlags of every command: driftless --help\n` : text;
}

/** The flags that are known while the command's name is still being read. */
function flagsBefore(words: readonly string[], groups: readonly Group[]): Flags {
  const path = `${words.join(" ")} `;
  const own = groups.filter((group) => group.flags && path.startsWith(`${group.path} `)).map((group) => group.flags);
  return Object.assign({}, globalFlags, ...own) as Flags;
}

function named(words: readonly string[], commands: readonly Listed[]): Listed | undefined {
  return commands.find((item) => {
    const path = item.path.split(" ");
    if (path.length !== words.length) return false;
    const last = words.at(-1)!;
    const sameGroup = path.slice(0, -1).every((part, index) => part === words[index]);
    return sameGroup && (path.at(-1) === last || (item.aliases?.includes(last) ?? false));
  });
}

/** The last word of a group's path, where the last word written is another name of it. */
function groupNamed(words: readonly string[], groups: readonly Group[]): string | undefined {
  const before = words.slice(0, -1).join(" ");
  const group = groups.find(
    ({ path, aliases = [] }) => path.split(" ").slice(0, -1).join(" ") === before && aliases.includes(words.at(-1)!),
  );
  return group?.path.split(" ").at(-1);
}

function isGroup(words: readonly string[], groups: readonly Group[]): boolean {
  return groups.some((group) => group.path === words.join(" "));
}

function unknown(words: readonly string[], wiring: Wiring): DriftlessError {
  if (words[0] === "up")
    return new DriftlessError("INVALID_ARGUMENT", "up comes first and its flags after it: see driftless up --help");
  const before = words.slice(0, -1);
  const prefix = before.length === 0 ? "" : `${before.join(" ")} `;
  const candidates = [...wiring.groups, ...wiring.commands]
    .filter((item) => item.path.startsWith(prefix) && item.path.split(" ").length === words.length)
    .flatMap((item) => [item.path.slice(prefix.length), ...("aliases" in item ? (item.aliases ?? []) : [])]);
  if (prefix === "") candidates.push("up");
  const near = nearest(words.at(-1)!, candidates);
  const tip = near === undefined ? `see driftless ${prefix}--help` : `did you mean driftless ${prefix}${near}?`;
  return new DriftlessError("INVALID_ARGUMENT", `there is no command driftless ${words.join(" ")}; ${tip}`);
}

/** The candidate that takes the fewest changed letters to become the word; undefined where all are far. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let fewest = Math.max(2, Math.floor(word.length / 2)) + 1;
  for (const candidate of candidates) {
    const changes = candidate.startsWith(word) ? 1 : distance(word, candidate);
    if (changes < fewest) [best, fewest] = [candidate, changes];
  }
  return best;
}

/** How many letters are to be added, dropped, changed or swapped with their neighbour. */
function distance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, index) => index)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const change = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + same);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row[j] = swapped ? Math.min(change, rows[i - 2]![j - 2]! + 1) : change;
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}

function checkCount(listed: Listed, command: Command, args: readonly string[]): void {
  if (args.length >= command.args.min && args.length <= command.args.max) return;
  const usage = `driftless ${listed.path}${command.usage ? ` ${command.usage}` : ""}`;
  const what =
    args.length < command.args.min ? "a name is missing" : `"${args[command.args.max]}" is one word too many`;
  throw new DriftlessError("INVALID_ARGUMENT", `${what}; usage: ${usage}`);
}

/** ARGOCD_OPTS: words as a shell would split them; only flags that every command takes count. */
function optionWords(options: string): string[] {
  const words = [...options.matchAll(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g)].map((match) =>
    match[0].replace(/"([^"]*)"|'([^']*)'/g, "$1$2"),
  );
  const kept: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    const name = /^--([^=]+)/.exec(word)?.[1] ?? "";
    const known = name in globalFlags || /^-[Hv]/.test(word);
    const pair = takesNext(globalFlags, word) && i + 1 < words.length;
    if (known) kept.push(word, ...(pair ? [words[i + 1]!] : []));
    if (pair) i++;
  }
  return kept;
}
