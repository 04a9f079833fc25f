import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { withFieldTypes } from "#core/merge/field-types.ts";
import type { TypeSchema } from "#core/merge/schema.ts";
import type { IgnoreDifference } from "#model/application.ts";
import { keyOf, type KubernetesObject } from "#model/object.ts";
import { compare } from "./compare.ts";
import { compileIgnore, rulesFor, type Selected } from "./ignore.ts";

interface Case {
  readonly name: string;
  readonly desired: KubernetesObject;
  readonly live: KubernetesObject;
  readonly fields?: Readonly<Record<string, TypeSchema>>;
  readonly rules?: readonly IgnoreDifference[];
  readonly selected?: Selected;
  readonly answer?: KubernetesObject;
  readonly "server-side"?: boolean;
  readonly expect: "same" | "unknown" | readonly string[];
}
const cases = parse(readFileSync(new URL("cases/normalise.yaml", import.meta.url), "utf8")) as readonly Case[];

describe("what is no drift", () => {
  test.each(cases.map((one) => [one.name, one] as const))("%s", (_, one) => {
    const fields = Object.entries(one.fields ?? {}).map(([path, type]) => ({ path: path.split("."), type }));
    const schema = fields.length > 0 ? withFieldTypes(undefined, fields) : undefined;
    const outcome = compare(one.desired, one.live, schema, {
      ignore: rulesFor(compileIgnore(one.rules ?? []), keyOf(one.desired)),
      method: one.answer || one["server-side"] ? "server-side" : "three-way",
      manager: "argocd-controller",
      ...(one.selected ? { selected: one.selected } : {}),
      ...(one.answer ? { answer: one.answer } : {}),
    });
    expect(outcome.outcome === "differs" ? outcome.paths : outcome.outcome).toEqual(one.expect);
  });
});
