// The defaults of the built-in kinds against what a real API server answered to the same objects (cases/).
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { KubernetesObject } from "#model/object.ts";
import type { PrepareContext } from "../../contract.ts";
import { builtinResources } from "../definitions.ts";
import { comparable, definitionOf, mergePatch, stored } from "../testing/cases.ts";

interface Case {
  readonly name: string;
  readonly create: KubernetesObject;
  readonly patch?: Record<string, unknown>;
}
type Expected = Record<string, { object: KubernetesObject; created?: { object: KubernetesObject } }>;

const cases = parse(readFileSync(new URL("../cases/defaults.yaml", import.meta.url), "utf8")) as Case[];
const expected = JSON.parse(
  readFileSync(new URL("../cases/defaults.expected.json", import.meta.url), "utf8"),
) as Expected;

const context: PrepareContext = {
  operation: "create",
  now: "2026-01-01T00:00:00Z",
  reader: { get: () => undefined, list: () => [] },
  warn: () => {},
};

describe("an object gets the fields that a real API server fills in", () => {
  test.each(cases)("$name", (item) => {
    const { created = expected[item.name]! } = expected[item.name]!;
    expect(comparable(stored(item.create, context))).toEqual(comparable(created.object));
  });

  test.each(cases.filter((item) => item.patch !== undefined))("$name: after the patch", (item) => {
    const created = stored(item.create, context);
    const patched = stored(mergePatch(created, item.patch), { ...context, operation: "update", old: created });
    expect(comparable(patched)).toEqual(comparable(expected[item.name]!.object));
  });

  test.each(cases)("$name: what is stored needs no more defaults", (item) => {
    const created = stored(item.create, context);
    const again = stored(created, { ...context, operation: "update", old: created });
    expect(again).toEqual(created);
  });

  test.each(cases)("$name: generation counts where it counts there", (item) => {
    const definition = definitionOf(item.create);
    const counted = definition.generation ?? definition.subresources.includes("status");
    const answer = expected[item.name]!;
    expect(counted).toBe(answer.object.metadata.generation !== undefined);
  });
});

test("every kind has a definition of its own name", () => {
  const names = builtinResources().map((item) => `${item.group}/${item.version}/${item.plural}`);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toContain("apps/v1/deployments");
});
