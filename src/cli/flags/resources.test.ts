import { describe, expect, test } from "vitest";
import { includes, parsePairs, parseResource, selectResources } from "./resources.ts";

const resources = [
  { group: "apps", kind: "Deployment", namespace: "prod", name: "web" },
  { group: "apps", kind: "Deployment", namespace: "test", name: "web" },
  { group: "", kind: "Service", namespace: "prod", name: "web" },
  { kind: "Namespace", name: "prod" },
];
const names = (written: readonly string[]): string[] =>
  selectResources(written.map(parseResource), resources).map(
    (item) => `${item.kind} ${item.namespace ?? ""}/${item.name}`,
  );

describe("--resource chooses resources", () => {
  test.each([
    [["apps:Deployment:web"], ["Deployment prod/web", "Deployment test/web"]],
    [["apps:Deployment:test/web"], ["Deployment test/web"]],
    [[":Service:web"], ["Service prod/web"]],
    [["*:*:prod"], ["Namespace /prod"]],
    [["!apps:Deployment:*"], ["Service prod/web", "Namespace /prod"]],
    [
      ["*:*:web", "!*:Service:*"],
      ["Deployment prod/web", "Deployment test/web"],
    ],
    [[":Deployment:web"], []],
    [[], ["Deployment prod/web", "Deployment test/web", "Service prod/web", "Namespace /prod"]],
  ])("%j", (written, expected) => {
    expect(names(written)).toEqual(expected);
  });

  test.each(["Deployment:web", "web", "a:b:c:d", "apps:Deployment:a/b/c"])("%s is refused", (written) => {
    expect(() => parseResource(written)).toThrow(/GROUP:KIND:NAME/);
  });

  test("an exclusion wins over an inclusion", () => {
    expect(includes([parseResource("*:*:*"), parseResource("!:Service:web")], resources[2]!)).toBe(false);
  });
});

test("pairs keep everything after the first =", () => {
  expect(parsePairs(["a=b=c", "d="], "--label")).toEqual({ a: "b=c", d: "" });
  expect(() => parsePairs(["a"], "--label")).toThrow('--label takes KEY=VALUE, not "a"');
});
