import { describe, expect, it } from "vitest";
import { matchesSelector, parseSelector } from "./selector.ts";

const labels = { replicas: "3", env: "prod", team: "web", "app.kubernetes.io/part-of": "shop" };
const cases: [string, boolean][] = [
  ["", true],
  ["env=prod", true],
  ["env==prod", true],
  ["env=dev", false],
  ["env!=dev", true],
  ["env!=prod", false],
  ["missing!=x", true],
  ["env in (dev, prod)", true],
  ["env in (dev)", false],
  ["env notin (dev)", true],
  ["missing notin (a)", true],
  ["team", true],
  ["!team", false],
  ["!missing", true],
  ["env in (dev,prod),team=web", true],
  ["env=prod,team=db", false],
  ["app.kubernetes.io/part-of=shop", true],
  ["env in(prod)", true],
  ["replicas>2", true],
  ["replicas > 3", false],
  ["replicas<4", true],
  ["env>1", false],
  ["missing<1", false],
  ["constructor", false],
  ["!toString", true],
];

describe("matchesSelector", () => {
  it.each(cases)("%s is %s", (selector, expected) => {
    expect(matchesSelector(selector, labels)).toBe(expected);
  });
  it("tells a label that every match has", () => {
    expect(parseSelector("!x,tier=db,env=prod").needs).toEqual(["tier", "db"]);
    expect(parseSelector("env in (a),x!=y").needs).toBeUndefined();
  });
  it.each([
    "env in prod",
    "(",
    ")",
    "a in (b",
    "a in (b))",
    "a in ((b))",
    "a,,b",
    ",",
    "a=b=c",
    "a>b",
    "==",
    "!",
    "a b",
  ])("names what it cannot read: %s", (selector) => {
    expect(() => matchesSelector(selector, labels)).toThrow(/^cannot read ".*" in the selector$/);
  });
  it("reads one of any length in a moment", () => {
    const start = performance.now();
    for (const text of ["(", "a(", "a,", "a in (b),", "!", " ", "a="])
      expect(() => matchesSelector(`${text.repeat(500_000)}(`, labels)).toThrow(/^cannot read "/);
    expect(performance.now() - start).toBeLessThan(2000);
  });
});
