import { describe, expect, it } from "vitest";
import type { DriftlessError } from "#base/errors.ts";
import { createManifestParser } from "./yaml.ts";

const parser = createManifestParser();
const read = (text: string): unknown => parser.yaml(text, "a.yaml").documents.map(({ value, line }) => [line, value]);

describe("quoted texts and brackets over several lines", () => {
  // What go-yaml makes of them: it asks for no indentation inside.
  const cases: [string, string, unknown][] = [
    [
      "a quoted text that goes on under its key",
      "a:\n  b: 'one\n  two'\n  c: d\n",
      [[1, { a: { b: "one two", c: "d" } }]],
    ],
    ["one that goes on further left", 'a:\n  b: "one\n two \\\n three"\n', [[1, { a: { b: "one two three" } }]]],
    ["a brace that closes under its key", "a: {\n  b: c\n}\nd: e\n", [[1, { a: { b: "c" }, d: "e" }]]],
    ["items under their key", "k:\n  l: [\n  1,\n  2\n  ]\n", [[1, { k: { l: [1, 2] } }]]],
    [
      "several, in several documents",
      "a: {\n}\n---\nb: [\n]\n---\nc: 1\n",
      [
        [1, { a: {} }],
        [4, { b: [] }],
        [7, { c: 1 }],
      ],
    ],
    ["block texts, which do ask for it", "a:\n  b: |\n    x\n  c: 'y\n  z'\n", [[1, { a: { b: "x\n", c: "y z" } }]]],
  ];
  it.each(cases)("%s", (_name, text, expected) => expect(read(text)).toEqual(expected));

  const bad: [string, string, number, RegExp][] = [
    ["a bracket that is never closed", "a: [b\nc: d\n", 2, /indentation/],
    ["a quote that is never closed", 'a: "b\nc: d\n', 2, /indentation/],
    ["a fault further down", "a: {\n}\nb:\n\tc: d\n", 4, /tab/],
  ];
  const failure = (text: string): DriftlessError | undefined => {
    try {
      read(text);
    } catch (error) {
      return error as DriftlessError;
    }
    return undefined;
  };
  it.each(bad)("%s is told where it is", (_name, text, line, why) => {
    const error = failure(text);
    expect(error?.details.line).toBe(line);
    expect(error?.message).toMatch(why);
  });

  it("hundreds of them are parsed", () => {
    const document = `kind: A\nitems:\n${"  - a: 'one\n    two'\n    b: c\n".repeat(60)}`;
    const text = Array.from({ length: 10 }, () => document).join("---\n");
    expect(read(text)).toHaveLength(10);
  });

  it("hundreds of them in one large document are parsed, and nothing else is touched", () => {
    const padding = "x".repeat(5000);
    const item = `    - name: "a"\n      list:\n      - text: 'one\n      two'\n        block: |\n          it's\n          b: 'c\n          d\n      padding: ${padding}\n`;
    const expected = { name: "a", list: [{ text: "one two", block: "it's\nb: 'c\nd\n" }], padding };
    const text = `kind: A\nspec:\n  items:\n${item.repeat(200)}  end: true\n`;
    const items = Array.from({ length: 200 }, () => expected);
    expect(read(text)).toEqual([[1, { kind: "A", spec: { items, end: true } }]]);
  });

  it("more than can be are refused in little time", () => {
    const started = performance.now();
    const error = failure(`items:\n${"  - a: 'one\n    two'\n".repeat(20_000)}`);
    expect(error?.details.line).toBe(3);
    expect(performance.now() - started).toBeLessThan(15_000);
  });
});
