// What `--help` prints: of everything, of a group, of one command with its flags and examples.
import type { Command, Group, Listed } from "./command.ts";
import { placeholder, shownFallback, type Flag, type Flags } from "./flags.ts";
import { globalFlags } from "./global-flags.ts";
import { table } from "./view/table.ts";

export function rootHelp(groups: readonly Group[], commands: readonly Listed[]): string {
  const tops = commands.filter((item) => !item.path.includes(" "));
  const rows = [
    { path: "up", summary: "Run everything on this machine: a cluster, a Git server, controllers, API and page" },
    ...groups,
    ...tops,
  ].sort((a, b) => (a.path < b.path ? -1 : 1));
  return [
    "GitOps for Kubernetes: commit to Git, every cluster follows.\n\n",
    "Usage:\n  driftless COMMAND [flags]\n\nCommands:\n",
    table(rows.map((item) => [`  ${item.path}`, item.summary])),
    "\nFlags of every command:\n",
    flagTable(globalFlags),
    "\ndriftless COMMAND --help says more about a command.\n",
  ].join("");
}

export function groupHelp(group: Group, commands: readonly Listed[]): string {
  const rows = commands
    .filter((item) => item.path.startsWith(`${group.path} `))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1))
    .map((item) => [`  ${item.path.slice(group.path.length + 1)}`, item.summary]);
  return `${group.summary}\n\nUsage:\n  driftless ${group.path} COMMAND [flags]\n\nCommands:\n${table(rows)}\ndriftless ${group.path} COMMAND --help says more about a command.\n`;
}

export function commandHelp(listed: Listed, command: Command): string {
  const usage = `driftless ${listed.path}${command.usage ? ` ${command.usage}` : ""} [flags]`;
  const own = flagTable(command.flags);
  return [
    `${listed.summary}\n`,
    command.about ? `\n${command.about}\n` : "",
    `\nUsage:\n  ${usage}\n`,
    listed.aliases?.length ? `\nAliases:\n  ${listed.aliases.join(", ")}\n` : "",
    command.examples.length > 0
      ? `\nExamples:\n${command.examples.map(([about, line]) => `  # ${about}\n  ${line}\n`).join("\n")}`
      : "",
    own === "" ? "" : `\nFlags:\n${own}`,
    `\nFlags of every command:\n${flagTable(globalFlags)}`,
  ].join("");
}

function flagTable(flags: Flags): string {
  const rows = Object.entries(flags)
    .filter(([, flag]) => !flag.hidden)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, flag]) => [
      `  ${flag.short ? `-${flag.short}, ` : "    "}--${name} ${placeholder(flag)}`.trimEnd(),
      aboutOf(flag),
    ]);
  return table(rows);
}

function aboutOf(flag: Flag): string {
  const fallback = shownFallback(flag);
  const notYet = flag.later === undefined ? "" : " (comes later)";
  return `${flag.about}${notYet}${fallback === "" ? "" : ` (default ${fallback})`}`;
}
