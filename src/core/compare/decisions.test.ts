// Decisions about one object, on cases, with the schemas that an API server gives; and the quick way held to the long one.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { JsonObject } from "#base/json.ts";
import { catalogueFromOpenApiV3, schemaFromStructural, type TypeSchema } from "#core/merge/schema.ts";
import { applyServerSide } from "#core/merge/structured.ts";
import type { IgnoreDifference } from "#model/application.ts";
import { annotation } from "#model/names.ts";
import { gvkOf, keyOf, type KubernetesObject } from "#model/object.ts";
import { compare, type CompareSettings } from "./compare.ts";
import { compileIgnore, rulesFor, type Selected } from "./ignore.ts";
import { differences, parsePointer } from "./paths.ts";
import { respectIgnored } from "./respect.ts";
import { isPlainlyUnchanged } from "./unchanged.ts";

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");
const catalogue = catalogueFromOpenApiV3([JSON.parse(read("../merge/cases/openapi.json")) as JsonObject]);
const widget = schemaFromStructural(parse(read("../merge/cases/widget.yaml")) as JsonObject);
const manager = "argocd-controller";

type Method = CompareSettings["method"];
interface Case extends Partial<Pick<CompareSettings, "answer" | "mutations" | "applies" | "status">> {
  readonly name: string;
  readonly desired: KubernetesObject;
  readonly live: KubernetesObject;
  readonly last?: KubernetesObject;
  readonly methods?: readonly Method[];
  readonly rules?: readonly IgnoreDifference[];
  readonly selected?: Partial<Record<keyof Selected, readonly string[]>>;
  readonly expect: "same" | "unknown" | readonly string[];
  readonly respected?: JsonObject;
}

const cases = parse(read("cases/decisions.yaml")) as readonly Case[];

function schemaOf(object: KubernetesObject): TypeSchema | undefined {
  return object.kind === "Widget" ? widget : catalogue.typeOf(gvkOf(object));
}

function selectedOf({ selected }: Case): Selected | undefined {
  if (selected === undefined) return undefined;
  const steps = (which: keyof Selected) => (selected[which] ?? []).map(parsePointer);
  return { live: steps("live"), desired: steps("desired"), lastApplied: steps("lastApplied"), answer: steps("answer") };
}

function liveOf({ live, last }: Case): KubernetesObject {
  if (last === undefined) return live;
  const annotations = { ...live.metadata.annotations, [annotation.lastApplied]: JSON.stringify(last) };
  return { ...live, metadata: { ...live.metadata, annotations } };
}

function settingsOf(one: Case, method: Method): CompareSettings {
  const { answer, mutations, applies, status } = one;
  const selected = selectedOf(one);
  return {
    ignore: rulesFor(compileIgnore(one.rules ?? []), keyOf(one.desired)),
    method,
    manager,
    ...(answer && { answer }),
    ...(mutations && { mutations }),
    ...(applies && { applies }),
    ...(status && { status }),
    ...(selected && { selected }),
  };
}

describe("decided", () => {
  const all = cases.flatMap((one) =>
    (one.methods ?? (["three-way", "structured-merge"] as const)).map((method) => [one.name, method, one] as const),
  );
  test.each(all)("%s (%s)", (_name, method, one) => {
    const result = compare(one.desired, liveOf(one), schemaOf(one.desired), settingsOf(one, method));
    expect(result.outcome === "differs" ? result.paths : result.outcome).toEqual(one.expect);
  });
});

describe("respected by an apply", () => {
  test.each(cases.filter(({ respected }) => respected).map((one) => [one.name, one] as const))("%s", (_name, one) => {
    const { desired } = one;
    const applied = respectIgnored(desired, liveOf(one), schemaOf(desired), settingsOf(one, "three-way"));
    expect(applied).toMatchObject(one.respected!);
    // What is respected is no difference either, without any rule.
    if (one.expect !== "same") return;
    const settings: CompareSettings = { ignore: [], method: "structured-merge", manager };
    expect(compare(applied, one.live, schemaOf(desired), settings)).toEqual({ outcome: "same" });
  });
});

describe("what is plainly unchanged is unchanged the long way too", () => {
  interface Base {
    readonly desired: KubernetesObject;
    readonly live: KubernetesObject;
  }
  const bases = [
    ...(parse(read("cases/bases.yaml")) as Base[]),
    ...(parse(read("cases/filled-in.yaml")) as Base[]),
    ...cases,
  ].filter(({ desired }) => schemaOf(desired) !== undefined);
  const apply = (live: KubernetesObject, applied: KubernetesObject, type: TypeSchema) =>
    applyServerSide({ live, applied, manager, force: true, schema: type, time: "2026-01-01T00:00:00Z" });

  test("of objects just applied", () => {
    let plain = 0;
    for (const { desired, live } of bases) {
      const type = schemaOf(desired)!;
      const first = apply(live, desired, type);
      if (!first.ok || desired.kind === "Secret") continue;
      const owned = {
        ...live,
        metadata: { ...live.metadata, managedFields: first.value.object.metadata.managedFields ?? [] },
      };
      if (!isPlainlyUnchanged(desired, owned, type, manager)) continue;
      plain++;
      const again = apply(owned, desired, type);
      const after = again.ok ? again.value.object : undefined;
      expect(differences({ ...owned, metadata: {} }, { ...after, metadata: {} }, type, "ignore")).toEqual([]);
    }
    expect(plain).toBeGreaterThan(bases.length / 2);
  });

  test("a field that is applied no longer is not plainly unchanged", () => {
    const { desired, live } = bases.find(({ desired: object }) => object.kind === "Deployment")!;
    const type = schemaOf(desired)!;
    const first = apply(live, desired, type);
    const owned = {
      ...live,
      metadata: { ...live.metadata, managedFields: first.ok ? first.value.object.metadata.managedFields! : [] },
    };
    expect(isPlainlyUnchanged(desired, owned, type, manager)).toBe(true);
    const { replicas: _gone, ...spec } = desired["spec"] as JsonObject;
    expect(isPlainlyUnchanged({ ...desired, spec }, owned, type, manager)).toBe(false);
  });
});
