// What can stand in place of the last word of a command line: commands, flags, values of flags, and names that the server,
// the configuration file or the kubeconfig knows. Never an error: nobody reads one while typing.
import type { Command, Group, Listed } from "../command.ts";
import { namesOf, type Asking, type Kind } from "./complete-names.ts";
import { parseFlags, takesNext, type Flag, type Flags } from "../flags.ts";
import { globalFlags } from "../global-flags.ts";
import { allFlags } from "../run.ts";

export interface CommandList {
  readonly groups: readonly Group[];
  readonly commands: readonly Listed[];
}

/** Commands whose first word is a name that is not taken yet. */
const makes = /^(app|proj|appset) create$|^admin \S+ generate-spec$|^(repo|repocreds) add$/;

/** What the words of a command's usage stand for. */
const places: Readonly<Record<string, Kind | readonly string[]>> = {
  APPNAME: "applications",
  PROJECT: "projects",
  APPSETNAME: "applicationSets",
  "SERVER/NAME": "clusters",
  SERVER: "clusterServers",
  NAME: "clusterNames",
  REPO: "repositories",
  URL: "repositories",
  CREDSURL: "credentials",
  REPOSERVER: "certificates",
  KEYID: "keys",
  "KEY-ID": "keys",
  "ROLE-NAME": "roles",
  CONTEXT: "contexts",
  ID: "ids",
  SHELL: ["bash", "fish", "zsh"],
};

/** Places that mean something else in one command. */
const elsewhere: Readonly<Record<string, Readonly<Record<string, Kind>>>> = {
  login: { SERVER: "servers" },
  "cluster add": { CONTEXT: "kubeContexts" },
  "account delete-token": { ID: "none" },
};

/** What flags take, by name. Others offer what their description or their choices say. */
const flagPlaces: Readonly<Record<string, Kind | readonly string[]>> = {
  project: "projects",
  projects: "projects",
  "app-namespace": "applicationNamespaces",
  repo: "repositories",
  "dest-server": "clusterServers",
  "dest-name": "clusterNames",
  "argocd-context": "contexts",
  "kube-context": "kubeContexts",
  context: "kubeContexts",
  server: "servers",
  account: "accounts",
  loglevel: ["debug", "error", "info", "warn"],
  "sync-policy": ["automated", "none"],
  strategy: ["apply", "hook"],
};

/** Candidates for the last of the words that were typed after the program's name, in order. */
export async function suggestions(
  list: CommandList,
  asking: Asking,
  words: readonly string[],
): Promise<readonly string[]> {
  const typed = joined(words);
  const last = typed.at(-1) ?? "";
  const { listed, before } = commandOf(list, typed.slice(0, -1));
  if (!listed) return last.startsWith("-") ? flagNames(globalFlags, last) : nextWords(list, before, last);
  const { default: command } = await listed.load();
  const flags = allFlags(listed, command);
  const given = typed.slice(0, -1);
  const found = await candidates(
    { list, listed, command, flags, asking: asking.as(valuesOf(flags, given)) },
    given,
    last,
  );
  return [...new Set(found)].filter((word) => word.startsWith(last)).sort();
}

interface Place {
  readonly list: CommandList;
  readonly listed: Listed;
  readonly command: Command;
  readonly flags: Flags;
  readonly asking: Asking;
}

async function candidates(place: Place, given: readonly string[], last: string): Promise<readonly string[]> {
  const { listed, command, flags, asking } = place;
  const assigned = /^(--[^=]+)=(.*)$/.exec(last);
  if (assigned) {
    const [, name = "", value = ""] = assigned;
    return (await valuesFor(place, name, value)).map((each) => `${name}=${each}`);
  }
  const previous = given.at(-1) ?? "";
  if (takesNext(flags, previous)) return valuesFor(place, previous, last);
  if (last.startsWith("-")) return flagNames(flags, last);
  const args = argumentsOf(flags, given).slice(listed.path.split(" ").length);
  const kind = placeAt(listed, command, args.length);
  return [
    // A command can be a group, too.
    ...(args.length === 0 ? nextWords(place.list, listed.path.split(" "), last) : []),
    ...(kind === undefined ? [] : typeof kind === "string" ? await namesOf(asking, kind, { args, last }) : kind),
  ];
}

/** bash takes `--output=js` apart. */
function joined(words: readonly string[]): readonly string[] {
  const whole: string[] = [];
  for (const [index, word] of words.entries()) {
    const before = whole.at(-1);
    const assigns = word === "=" || words[index - 1] === "=";
    if (before?.startsWith("--") && assigns && index > 0) whole[whole.length - 1] = `${before}${word}`;
    else whole.push(word);
  }
  return whole;
}

function commandOf(
  { commands, groups }: CommandList,
  typed: readonly string[],
): { readonly listed: Listed | undefined; readonly before: readonly string[] } {
  const before = inFull(argumentsOf(globalFlags, typed), groups);
  const fits = commands.filter(({ path, aliases = [] }) => {
    const words = path.split(" ");
    const written = before.slice(0, words.length);
    const named = written.at(-1) === words.at(-1) || aliases.includes(written.at(-1) ?? "");
    return named && written.slice(0, -1).join(" ") === words.slice(0, -1).join(" ");
  });
  return { listed: fits.sort((a, b) => b.path.length - a.path.length)[0], before };
}

/** Words with a group's other name replaced by its own. */
function inFull(words: readonly string[], groups: readonly Group[]): readonly string[] {
  const group = groups.find(({ path, aliases = [] }) => !path.includes(" ") && aliases.includes(words[0] ?? ""));
  return group ? [group.path, ...words.slice(1)] : words;
}

/** The words that are no flags and no values of flags. */
function argumentsOf(flags: Flags, typed: readonly string[]): readonly string[] {
  return typed.filter((word, index) => !word.startsWith("-") && !takesNext(flags, typed[index - 1] ?? ""));
}

function nextWords({ commands, groups }: CommandList, before: readonly string[], last: string): readonly string[] {
  const prefix = before.length === 0 ? "" : `${before.join(" ")} `;
  const next = [...groups, ...commands]
    .filter(({ path }) => path.startsWith(prefix))
    .map(({ path }) => path.slice(prefix.length).split(" ")[0]!);
  return [...new Set(prefix === "" ? [...next, "up"] : next)].filter((word) => word.startsWith(last)).sort();
}

function flagNames(flags: Flags, last: string): readonly string[] {
  const names = Object.entries(flags).flatMap(([name, flag]) => (flag.hidden ? [] : [`--${name}`]));
  return names.filter((name) => name.startsWith(last)).sort();
}

async function valuesFor({ flags, asking }: Place, written: string, last: string): Promise<readonly string[]> {
  const [name, flag] = flagNamed(flags, written) ?? [];
  if (name === undefined || flag === undefined) return [];
  if (flag.kind === "bool") return ["false", "true"];
  const known = flagPlaces[name];
  if (typeof known === "string") return namesOf(asking, known, { args: [], last });
  return known ?? flag.choices ?? outputsOf(flag);
}

function flagNamed(flags: Flags, written: string): readonly [string, Flag] | undefined {
  if (written.startsWith("--")) {
    const flag = flags[written.slice(2)];
    return flag && [written.slice(2), flag];
  }
  return Object.entries(flags).find(([, { short }]) => short === written.slice(1));
}

/** `Output format: wide, json, yaml`. */
function outputsOf({ about }: Flag): readonly string[] {
  return /^Output format: (.+)$/.exec(about)?.[1]?.split(", ") ?? [];
}

/** What stands at a place among a command's words: by its usage. */
function placeAt({ path }: Listed, { usage = "" }: Command, at: number): Kind | readonly string[] | undefined {
  if (at === 0 && makes.test(path)) return undefined;
  const words = [...usage.matchAll(/[A-Z][A-Z/_-]*(\.\.\.)?/g)].map(([word]) => word);
  const word = words[at] ?? (words.at(-1)?.endsWith("...") ? words.at(-1) : undefined);
  const name = word?.replace(/\.\.\.$/, "") ?? "";
  return elsewhere[path]?.[name] ?? places[name];
}

/** The flags that were given so far, as far as they can be read. */
function valuesOf(flags: Flags, typed: readonly string[]): Readonly<Record<string, unknown>> {
  try {
    const optional = Object.fromEntries(
      Object.entries(flags).map(([name, flag]) => [name, { ...flag, required: false }]),
    );
    const { values, given } = parseFlags(optional, typed);
    return Object.fromEntries([...given].map((name) => [name, values[name]]));
  } catch {
    return {};
  }
}
