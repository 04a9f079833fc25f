import { describe, expect, test } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import { command, type Listed } from "./command.ts";
import type { Context } from "./context.ts";
import type { KubeValues } from "./global-flags.ts";
import { bool, text } from "./flags.ts";
import { nearest, run, type Wiring } from "./run.ts";

const seen: unknown[] = [];
const kubes: KubeValues[] = [];
const get = command({
  usage: "NAME",
  examples: [["One", "driftless app get x"]],
  flags: { namespace: text("", { short: "n" }), deep: bool("") },
  args: { min: 1, max: 2 },
  errorCode: 2,
  run(context, { values, args }) {
    seen.push({ ...values, server: context.global.server, args });
    if (args[0] === "missing") throw new DriftlessError("NOT_FOUND", "not there");
    return Promise.resolve(args[0] === "seven" ? 7 : undefined);
  },
});
const listed: Listed[] = [
  { path: "app get", aliases: ["show"], summary: "Show one", load: () => Promise.resolve({ default: get }) },
  { path: "version", summary: "Versions", load: () => Promise.resolve({ default: get }) },
];

async function outcome(
  line: readonly string[],
  options = "",
): Promise<{ code: number; out: string; said: string; seen: unknown }> {
  let out = "";
  let said = "";
  seen.length = 0;
  const wiring: Wiring = {
    groups: [{ path: "app", summary: "Applications" }],
    commands: listed,
    options,
    context: (global, kube) => {
      kubes.push(kube);
      return { global } as Context;
    },
    print: (text_) => (out += text_),
    complain: (error) => (said = error.message),
    interrupted: () => false,
  };
  const code = await run(line, wiring);
  return { code, out, said, seen: seen[0] };
}

test("kubectl's flags are for the cluster, unless the command has one of that name", async () => {
  await outcome(["app", "get", "x", "--kubeconfig", "k", "--token", "t", "--namespace", "its-own"]);
  expect(kubes.at(-1)).toMatchObject({ kubeconfig: "k", token: "t", namespace: "", context: "" });
  await outcome(["version", "x", "--context", "c"], "--kube-context other");
  expect(kubes.at(-1)).toMatchObject({ context: "c" });
});

describe("words become a command", () => {
  test.each<readonly [line: readonly string[], expected: object, options: string]>([
    [["app", "get", "x"], { args: ["x"] }, ""],
    [["app", "show", "x"], { args: ["x"] }, ""],
    [["--server", "s", "app", "get", "x"], { args: ["x"], server: "s" }, ""],
    [["app", "--server=s", "get", "x", "--deep"], { args: ["x"], server: "s", deep: true }, ""],
    [["app", "get", "x", "-n", "y"], { namespace: "y" }, ""],
    [["app", "get", "x"], { server: "t" }, "--server t --unknown u"],
    [["app", "get", "x", "--server", "s"], { server: "s" }, "--server 't'"],
    [["app", "get", "--", "--help"], { args: ["--help"] }, ""],
  ])("%j", async (line, expected, options) => {
    const result = await outcome(line, options);
    expect(result.said).toBe("");
    expect(result.seen).toMatchObject(expected);
  });

  test.each<readonly [readonly string[], number, string]>([
    [["app", "gte"], 1, "there is no command driftless app gte; did you mean driftless app get?"],
    [["versoin"], 1, "there is no command driftless versoin; did you mean driftless version?"],
    [["zzzzzz"], 1, "there is no command driftless zzzzzz; see driftless --help"],
    [["app", "get"], 1, "a name is missing; usage: driftless app get NAME"],
    [["app", "get", "a", "b", "c"], 1, '"c" is one word too many; usage: driftless app get NAME'],
    [["app", "get", "a", "--deeep"], 1, "unknown flag '--deeep' (Did you mean --deep?)"],
    [["app", "get", "missing"], 2, "not there"],
  ])("%j ends with %i", async (line, code, said) => {
    expect(await outcome(line)).toMatchObject({ code, said });
  });

  test("the command's own exit code counts", async () => {
    expect((await outcome(["app", "get", "seven"])).code).toBe(7);
  });

  test.each<readonly [readonly string[], number, string]>([
    [[], 0, "Commands:"],
    [["--help"], 0, "Commands:"],
    [["help", "app", "get"], 0, "driftless app get NAME [flags]"],
    [["app", "get", "-h"], 0, "# One"],
    [["app", "--help"], 0, "Show one"],
    [["app"], 1, "Show one"],
  ])("%j prints help", async (line, code, part) => {
    const result = await outcome(line);
    expect(result.code).toBe(code);
    expect(result.out).toContain(part);
  });
});

test.each<readonly [string, readonly string[], string | undefined]>([
  ["lst", ["list", "get"], "list"],
  ["lsit", ["edit", "list"], "list"],
  ["syn", ["sync", "set"], "sync"],
  ["xyzzy", ["list", "get"], undefined],
])("nearest to %s", (word, candidates, expected) => {
  expect(nearest(word, candidates)).toBe(expected);
});
