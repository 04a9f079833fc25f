// `driftless completion`: scripts that complete commands, flags and names of applications. The scripts ask the program
// itself, by `completion words`, so they need not be made anew when commands are added.
import { DriftlessError } from "#base/errors.ts";
import { command, type Command, type Group, type Listed } from "../command.ts";
import type { Context } from "../context.ts";
import { globalFlags } from "../global-flags.ts";
import { qualifiedName } from "../view/application.ts";

const scripts: Readonly<Record<string, string>> = {
  bash: `_driftless() {
  local words
  words="$(driftless completion words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)"
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _driftless driftless
`,
  zsh: `#compdef driftless
_driftless() {
  local -a found
  found=("\${(@f)$(driftless completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -a found
}
compdef _driftless driftless
`,
  fish: `function __driftless_words
  set -l words (commandline -opc) (commandline -ct)
  driftless completion words -- $words[2..-1] 2>/dev/null
end
complete -c driftless -f -a '(__driftless_words)'
`,
};

const outputs = ["wide", "name", "json", "yaml", "tree"];

/** The command list that is completed; asked when it is needed, for it holds this command too. */
export type CommandList = () => { readonly groups: readonly Group[]; readonly commands: readonly Listed[] };

export const completion = (list: CommandList): Command =>
  command({
    usage: "SHELL",
    about:
      "SHELL is bash, zsh or fish.\n  bash: source <(driftless completion bash)\n  zsh:  source <(driftless completion zsh)\n  fish: driftless completion fish | source",
    examples: [["For this bash", "source <(driftless completion bash)"]],
    flags: {},
    args: { min: 1, max: Infinity },
    async run(context, { args }) {
      const [shell = "", ...words] = args;
      if (shell === "words") {
        context.out.write((await suggestions(context, list, words)).map((word) => `${word}\n`).join(""));
        return;
      }
      const script = scripts[shell];
      if (script === undefined)
        throw new DriftlessError("INVALID_ARGUMENT", `there is no completion for ${shell}: bash, zsh or fish`);
      context.out.write(script);
    },
  });

/** What can stand in place of the last word. */
async function suggestions(context: Context, list: CommandList, typed: readonly string[]): Promise<readonly string[]> {
  const { commands, groups } = list();
  const last = typed.at(-1) ?? "";
  const before = inFull(
    typed.slice(0, -1).filter((word) => !word.startsWith("-")),
    groups,
  );
  const listed = commands.find(({ path }) => before.slice(0, path.split(" ").length).join(" ") === path);
  if (!listed) {
    const prefix = before.length === 0 ? "" : `${before.join(" ")} `;
    const next = [...groups, ...commands]
      .filter(({ path }) => path.startsWith(prefix))
      .map(({ path }) => path.slice(prefix.length).split(" ")[0]!);
    return [...new Set(prefix === "" ? [...next, "up"] : next)].filter((word) => word.startsWith(last)).sort();
  }
  const { default: loaded } = await listed.load();
  if (last.startsWith("-")) return flagsOf(loaded).filter((flag) => flag.startsWith(last));
  const previous = typed.at(-2) ?? "";
  if (previous === "-o" || previous === "--output") return outputs.filter((word) => word.startsWith(last));
  return (loaded.usage ?? "").includes("APPNAME") ? names(context, last) : [];
}

/** Words with a group's other name replaced by its own. */
function inFull(words: readonly string[], groups: readonly Group[]): readonly string[] {
  const group = groups.find(({ path, aliases = [] }) => !path.includes(" ") && aliases.includes(words[0] ?? ""));
  return group ? [group.path, ...words.slice(1)] : words;
}

function flagsOf(loaded: Command): string[] {
  return Object.entries({ ...globalFlags, ...loaded.flags })
    .filter(([, flag]) => !flag.hidden)
    .map(([name]) => `--${name}`)
    .sort();
}

/** Names of applications; none where no server answers, since nobody reads an error while typing. */
async function names(context: Context, last: string): Promise<readonly string[]> {
  try {
    const api = await context.api();
    const apps = await api.applications.list(context.op, {});
    const found = apps.map((app) => (last.includes("/") ? qualifiedName(app) : (app.metadata.name ?? "")));
    return found.filter((name) => name.startsWith(last));
  } catch {
    return [];
  }
}
