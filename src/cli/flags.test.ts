import { describe, expect, test } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import { bool, duration, int, later, list, numbers, parseFlags, text, texts, uint } from "./flags.ts";

const specs = {
  output: text("", { short: "o", fallback: "wide" }),
  selector: text("", { short: "l" }),
  project: texts("", { short: "p" }),
  header: list("", { short: "H" }),
  positions: numbers(""),
  yes: bool("", { short: "y" }),
  cascade: bool("", { fallback: true }),
  limit: int(""),
  timeout: uint(""),
  delay: duration("", { fallback: 5000 }),
  policy: text("", { choices: ["foreground", "background"], fallback: "foreground" }),
  local: later(text(""), "comes later"),
};

describe("flags are read as Go reads them", () => {
  test.each([
    ["nothing", [], { output: "wide", cascade: true, yes: false, delay: 5000 }, []],
    ["long with a space", ["--output", "json"], { output: "json" }, []],
    ["long with =", ["--output=json"], { output: "json" }, []],
    ["short with =", ["-o=json"], { output: "json" }, []],
    ["short without a space", ["-ojson"], { output: "json" }, []],
    ["a boolean takes no next word", ["--yes", "app"], { yes: true }, ["app"]],
    ["a boolean that is switched off", ["--cascade=false", "app"], { cascade: false }, ["app"]],
    ["a boolean of one letter", ["-y=false"], { yes: false }, []],
    ["letters together", ["-yl", "a=b", "app"], { yes: true, selector: "a=b" }, ["app"]],
    ["a selector that begins with !", ["-l", "!a"], { selector: "!a" }, []],
    ["a value that looks like a flag", ["--selector", "--yes"], { selector: "--yes", yes: false }, []],
    ["repeated texts keep commas", ["-p", "a,b", "-p", "c"], { project: ["a,b", "c"] }, []],
    ["lists are split and add up", ["-H", "a: 1,b: 2", "-H", "c: 3"], { header: ["a: 1", "b: 2", "c: 3"] }, []],
    ["numbers", ["--positions", "1,2", "--positions", "3"], { positions: [1, 2, 3] }, []],
    ["the last of a single flag counts", ["--limit=1", "--limit=-2"], { limit: -2 }, []],
    ["durations", ["--delay", "1m30s"], { delay: 90_000 }, []],
    ["words after --", ["--", "--yes", "-x"], { yes: false }, ["--yes", "-x"]],
    ["flags between words", ["a", "--yes", "b"], { yes: true }, ["a", "b"]],
  ])("%s", (_name, argv, values, args) => {
    const parsed = parseFlags(specs, argv);
    expect(parsed.values).toMatchObject(values);
    expect(parsed.args).toEqual(args);
  });

  test.each([
    [["--outptu", "x"], "unknown flag '--outptu' (Did you mean --output?)"],
    [["-z"], "unknown flag '-z'"],
    [["--selector"], "--selector needs a value"],
    [["--limit", "many"], '--limit takes a whole number, not "many"'],
    [["--timeout", "-1"], '--timeout takes a whole number, not "-1"'],
    [["--delay", "5"], '--delay takes a duration such as 30s or 2m, not "5"'],
    [["--cascade=maybe"], '--cascade takes true or false, not "maybe"'],
    [["--policy", "orphan"], '--policy takes one of foreground, background, not "orphan"'],
  ])("%j is refused", (argv, message) => {
    expect(() => parseFlags(specs, argv)).toThrow(new DriftlessError("INVALID_ARGUMENT", message));
  });

  test("a flag that comes later says so", () => {
    expect(() => parseFlags(specs, ["--local", "."])).toThrow(
      new DriftlessError("UNIMPLEMENTED", "--local: comes later"),
    );
  });

  test("which flags were written is known", () => {
    expect([...parseFlags(specs, ["--cascade=true", "-o", "wide"]).given].sort()).toEqual(["cascade", "output"]);
  });
});

test("flags that must be given are asked for, all at once", () => {
  const needed = { kind: text("", { required: true }), patch: text("", { required: true }), all: bool("") };
  expect(() => parseFlags(needed, ["--all"])).toThrow(/--kind and --patch must be given/);
  expect(parseFlags(needed, ["--kind", "", "--patch", "{}"]).values.patch).toBe("{}");
});
