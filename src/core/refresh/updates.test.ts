import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { gvkOf, type KubernetesObject } from "#model/object.ts";
import { parseSettings, type ConfigData } from "#model/settings.ts";
import { jqPath, sameForRefresh, updateRules } from "./updates.ts";

interface Case {
  readonly name: string;
  readonly cm?: ConfigData;
  readonly of?: { apiVersion: string; kind: string };
  readonly before: { metadata?: object };
  readonly after: { metadata?: object };
  readonly wakes: boolean;
  readonly queries?: readonly string[];
  readonly problems?: number;
}

const cases = parse(readFileSync(new URL("cases/updates.yaml", import.meta.url), "utf8")) as Case[];

test.each(cases.map((one) => [one.name, one] as const))("%s", (_, one) => {
  const kind = one.of ?? { apiVersion: "v1", kind: "ConfigMap" };
  const version = (part: Case["before"], resourceVersion: string): KubernetesObject => ({
    ...kind,
    ...part,
    metadata: { name: "x", resourceVersion, ...part.metadata },
  });
  const rules = updateRules(parseSettings(one.cm, undefined).settings);
  const [before, after] = [version(one.before, "1"), version(one.after, "2")];
  const rule = rules.of(gvkOf(before));
  expect(rule === undefined || !sameForRefresh(before, after, rule)).toBe(one.wakes);
  expect(rule?.queries ?? []).toEqual(one.queries ?? []);
  expect(rules.problems).toHaveLength(one.problems ?? 0);
});

test("jq paths are read as steps; anything more is not", () => {
  expect(jqPath('.metadata.annotations."a.b/c"')).toEqual(["metadata", "annotations", "a.b/c"]);
  expect(jqPath('.a["b c"].d')).toEqual(["a", "b c", "d"]);
  expect(jqPath(".status?.conditions[]?.lastTransitionTime")).toEqual([
    "status",
    "conditions",
    "*",
    "lastTransitionTime",
  ]);
  expect(jqPath(".list[0].a")).toEqual(["list", "0", "a"]);
  for (const text of ["", ".", ".a | .b", ".a[] | select(.b)", "paths", ".a-b", "..", ".a[1:2]"]) {
    expect(jqPath(text), text).toBe(undefined);
  }
});
