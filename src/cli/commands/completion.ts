// `driftless completion`: scripts that complete commands, flags, their values and names. The scripts ask the program
// itself, by `completion words`, so they need not be made anew when commands are added.
import { DriftlessError } from "#base/errors.ts";
import { command, type Command } from "../command.ts";
import type { CommandList } from "../completion/complete.ts";

// bash takes words apart at : and =, which stand in URLs and flags: the line is read whole, and what bash holds for the
// words before is taken off each candidate.
const bash = `_driftless() {
  local line="\${COMP_LINE:0:COMP_POINT}" word candidate kept= mark
  local -a typed=()
  read -ra typed <<< "$line"
  word="\${line##*[[:space:]]}"
  [[ -z $word ]] && typed+=("")
  for mark in : =; do
    if [[ $COMP_WORDBREAKS == *"$mark"* && $word == *"$mark"* ]]; then
      candidate="\${word%"\${word##*"$mark"}"}"
      (( \${#candidate} > \${#kept} )) && kept=$candidate
    fi
  done
  COMPREPLY=()
  while IFS= read -r candidate; do
    COMPREPLY+=("\${candidate#"$kept"}")
  done < <(driftless completion words -- "\${typed[@]:1}" 2>/dev/null)
}
complete -o default -F _driftless driftless
`;

const zsh = `#compdef driftless
_driftless() {
  local -a found
  found=("\${(@f)$(driftless completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${found[1]}" ]]; then compadd -- "\${found[@]}"; else _files; fi
}
compdef _driftless driftless
`;

const fish = `function __driftless_words
  set -l words (commandline -opc) (commandline -ct)
  set -l found (driftless completion words -- $words[2..-1] 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c driftless -f -a '(__driftless_words)'
`;

const scripts: Readonly<Record<string, string>> = { bash, zsh, fish };

/** Takes what is completed; asked when it is needed, for it holds this command too. */
export const completion = (list: () => CommandList): Command =>
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
        const [{ suggestions }, { askingFor }] = await Promise.all([
          import("../completion/complete.ts"),
          import("../completion/complete-names.ts"),
        ]);
        const found = await suggestions(list(), askingFor(context), words);
        context.out.write(found.map((word) => `${word}\n`).join(""));
        return;
      }
      const script = scripts[shell];
      if (script === undefined)
        throw new DriftlessError("INVALID_ARGUMENT", `there is no completion for ${shell}: bash, zsh or fish`);
      context.out.write(script);
    },
  });
