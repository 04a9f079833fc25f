import { describe, expect, it } from "vitest";
import { matchesSelector, parseSelector } from "./selector.ts";

const labels = { env: "prod", team: "web", "app.kubernetes.io/part-of": "shop" };
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
];

describe("matchesSelector", () => {
  it.each(cases)("%s is %s", (selector, expected) => {
    expect(matchesSelector(selector, labels)).toBe(expected);
  });
  it("tells a label that every match has", () => {
    expect(parseSelector("!x,tier=db,env=prod").needs).toEqual(["tier", "db"]);
    expect(parseSelector("env in (a),x!=y").needs).toBeUndefined();
  });
  it("names what it cannot read", () => {
    expect(() => matchesSelector("env in prod", labels)).toThrow('cannot read "env in prod"');
  });
});
