import { assert, constantFrom, array, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { glob, globAny } from "./glob.ts";

const cases: readonly (readonly [pattern: string, text: string, matches: boolean, separator?: string])[] = [
  ["*", "anything/at all", true],
  ["a*c", "abbc", true],
  ["a*c", "abbd", false],
  ["a/*", "a/b/c", true],
  ["a/*", "a/b/c", false, "/"],
  ["a/**", "a/b/c", true, "/"],
  ["a?c", "a/c", false, "/"],
  ["a?c", "a💥c", true],
  ["[a-c]x", "bx", true],
  ["[!a-c]x", "bx", false],
  ["[^a-c]x", "dx", true],
  ["{a,b*}c", "bzzc", true],
  ["{a,b*}c", "zc", false],
  ["{a,{b,c}d}e", "cde", true],
  ["{,a}b", "b", true],
  ["*{a*,b}*{c*,d}*", "xxaxxcxx", true],
  ["*{a*,b}*{c*,d}*", "xxcxxaxx", false],
  ["\\*a", "*a", true],
  ["\\*a", "ba", false],
  ["a}b", "a}b", true],
  ["a{b", "a{b", true],
  ["a[b", "a[b", true],
  ["[z-a]", "[z-a]", true],
  ["a.b", "axb", false],
  ["*.*.*.*", "a.b.c.d", true],
  ["", "", true],
  ["", "a", false],
];

it.for(cases)("%s and %s: %s (%s)", ([pattern, text, matches, separator]) => {
  expect(glob(pattern, separator)(text)).toBe(matches);
});

it("says the same of a long text as of a short one", () => {
  const long = "z".repeat(1000);
  for (const [pattern, text, matches, separator] of cases.filter(
    ([pattern]) => !/[{[](?![^}\]]*[}\]])|\}b|z-a/.test(pattern),
  ))
    expect([pattern, glob(`${long}${pattern}`, separator)(long + text)]).toEqual([pattern, matches]);
});

describe("no pattern is slow", () => {
  it.each([
    ["*a".repeat(60), `${"a".repeat(8000)}b`],
    ["{*,*}".repeat(60), `${"a".repeat(300)}\n`],
    [`${"{*a,*a}".repeat(40)}b`, "a".repeat(2000)],
    ["*".repeat(4000), "a".repeat(2000)],
    ["{".repeat(2000) + "}".repeat(2000), "a".repeat(2000)],
    [`*a*`, "b".repeat(10_000_000)],
  ])("%#", (pattern, text) => {
    const start = performance.now();
    globAny([pattern], text);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

it("follows all ways as a regular expression would", () => {
  const piece = constantFrom("a", "b", "*", "?", "{a,b}", "{a*,}", "[ab]", "[!a]");
  assert(
    property(
      array(piece, { maxLength: 6 }),
      array(constantFrom("a", "b", "c"), { maxLength: 6 }),
      (pieces, letters) => {
        const source = pieces
          .join("")
          .replaceAll("*", ".*")
          .replaceAll("?", ".")
          .replaceAll("[!", "[^")
          .replaceAll("{", "(?:")
          .replaceAll("}", ")")
          .replaceAll(",", "|");
        const text = letters.join("");
        expect(glob(pieces.join(""))(text)).toBe(new RegExp(`^${source}$`).test(text));
      },
    ),
    { numRuns: 3000 },
  );
});
