// Every command of argocd is there and takes what argocd takes: the same flags, of the same type, with the same short form
// and default. The facts stand in argocd-flags.json.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseDuration } from "#model/duration.ts";
import { commands, groups } from "./commands.ts";
import type { Flag, Flags } from "./flags.ts";
import { globalFlags } from "./global-flags.ts";
import { allFlags } from "./run.ts";

type Fact = readonly [name: string, type: string, short?: string | null, fallback?: string];

const facts = JSON.parse(readFileSync(new URL("argocd-flags.json", import.meta.url), "utf8")) as Record<
  string,
  readonly Fact[]
>;
const kinds: Readonly<Record<string, Flag["kind"]>> = {
  string: "text",
  stringArray: "texts",
  strings: "list",
  int64Slice: "numbers",
  stringToString: "list",
  bool: "bool",
  int: "int",
  uint: "uint",
  duration: "duration",
};
/** Defaults that stand in another place, or that argocd shows but does not have. */
const elsewhere = new Set([
  "config",
  "server-name",
  "local-include",
  "ignore-normalizer-jq-execution-timeout",
  "logformat",
]);

function check(flags: Flags, wanted: readonly Fact[]): void {
  for (const [written, type, short, fallback] of wanted) {
    const name = written.slice(2);
    const flag = flags[name];
    expect(flag, `--${name}`).toBeDefined();
    expect(flag?.kind, `type of --${name}`).toBe(kinds[type]);
    expect(short ? `-${flag?.short}` : short, `short form of --${name}`).toBe(short);
    if (fallback === undefined || elsewhere.has(name) || flag?.hidden) continue;
    const value =
      type === "string"
        ? (JSON.parse(fallback) as unknown)
        : type === "duration"
          ? parseDuration(fallback)
          : type === "int64Slice"
            ? []
            : type === "stringArray"
              ? fallback.slice(1, -1).split(",")
              : (JSON.parse(fallback) as unknown);
    expect(flag?.fallback, `default of --${name}`).toEqual(value);
  }
}

const aliases = facts["(aliases)"] as unknown as Readonly<Record<string, readonly string[]>>;
const paths = Object.keys(facts).filter((path) => !path.startsWith("("));
/** Groups whose flags are flags of each of their commands. */
const groupsOf = (path: string): readonly string[] => paths.filter((other) => path.startsWith(`${other} `));

describe("commands and flags are those of argocd", () => {
  test("of every command", () => {
    check(globalFlags, facts["(every command)"]!);
  });

  test("each command and group is there, with its other names", () => {
    expect(paths.length).toBe(167);
    const there = new Map([...commands, ...groups].map((item) => [item.path, item.aliases ?? []]));
    const missing = paths.filter((path) => !there.has(path));
    expect(missing).toEqual([]);
    for (const path of paths.filter((other) => there.has(other)))
      expect([...there.get(path)!].toSorted(), path).toEqual([...(aliases[path] ?? [])].toSorted());
  });

  test.each(commands.map((item) => item.path))("driftless %s", async (path) => {
    const listed = commands.find((item) => item.path === path)!;
    const { default: command } = await listed.load();
    const flags = allFlags(listed, command);
    check(flags, facts[path] ?? []);
    const inherited = groupsOf(path).flatMap((group) => facts[group]!.map(([name]) => name.slice(2)));
    expect(inherited.filter((name) => !(name in flags))).toEqual([]);
    expect(command.examples.length).toBeGreaterThan(0);
  });
});

test("no two flags of a command share a letter, and none hides one of every command", async () => {
  for (const listed of commands) {
    const { default: command } = await listed.load();
    const letters = Object.values(command.flags).flatMap((flag) => flag.short ?? []);
    expect(new Set(letters).size, listed.path).toBe(letters.length);
    const global = new Set(Object.values(globalFlags).flatMap((flag) => ("short" in flag ? [flag.short] : [])));
    expect(
      letters.filter((letter) => global.has(letter)),
      listed.path,
    ).toEqual([]);
    expect(
      Object.keys(command.flags).filter((name) => name in globalFlags),
      listed.path,
    ).toEqual([]);
  }
});

test("each command belongs to a group that is listed", () => {
  for (const { path } of commands) {
    const group = path.split(" ").slice(0, -1).join(" ");
    expect(["", ...groups.map((item) => item.path)]).toContain(group);
  }
});
