// Comparing, on cases that a real API server gave, on hand-written ones, and on properties.
import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { Json, JsonObject } from "#base/json.ts";
import { isObject } from "#base/json.ts";
import { gvkOf } from "#model/object.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { IgnoreDifference } from "#model/application.ts";
import { applyMergePatch } from "#core/merge/merge-patch.ts";
import { applyStrategicPatch } from "#core/merge/strategic.ts";
import { catalogueFromOpenApiV3, schemaFromStructural } from "#core/merge/schema.ts";
import type { TypeSchema } from "#core/merge/schema.ts";
import { trackUpdate } from "#core/merge/structured.ts";
import { compare } from "./compare.ts";
import type { Comparison, CompareSettings } from "./compare.ts";
import { compileIgnore } from "./ignore.ts";
import { maskSecrets } from "./mask.ts";
import { predict } from "./predict.ts";

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");
const catalogue = catalogueFromOpenApiV3([JSON.parse(read("../merge/cases/openapi.json")) as JsonObject]);
const widget = schemaFromStructural(parse(read("../merge/cases/widget.yaml")) as JsonObject);

function schemaOf(object: KubernetesObject): TypeSchema | undefined {
  return object.kind === "Widget" ? widget : catalogue.typeOf(gvkOf(object));
}

const settings: CompareSettings = { ignore: [], method: "three-way", manager: "argocd-controller" };
const methods = ["three-way", "structured-merge"] as const;

function withLastApplied(live: KubernetesObject, applied: KubernetesObject): KubernetesObject {
  const annotations = {
    ...live.metadata.annotations,
    "kubectl.kubernetes.io/last-applied-configuration": JSON.stringify(applied),
  };
  return { ...live, metadata: { ...live.metadata, annotations } };
}

function summary(comparison: Comparison): unknown {
  return comparison.outcome === "differs"
    ? comparison.paths
    : comparison.outcome === "same"
      ? "same"
      : comparison.error;
}

interface FilledIn {
  readonly name: string;
  readonly desired: KubernetesObject;
  readonly live: KubernetesObject;
}
const filledIn = (parse(read("cases/filled-in.yaml")) as FilledIn[]).filter(
  ({ desired }) => schemaOf(desired) !== undefined,
);

describe("what the API server fills in, rounds, drops or reorders is not drift", () => {
  test.each(filledIn)("$name", ({ desired, live }) => {
    const applied = withLastApplied(live, desired);
    expect(summary(compare(desired, applied, schemaOf(desired), settings))).toBe("same");
    expect(summary(compare(desired, live, schemaOf(desired), settings))).toBe("same");
    const structured = compare(desired, live, schemaOf(desired), { ...settings, method: "structured-merge" });
    // A server-side apply refuses fields that the type does not have: that is no drift either.
    const refused = structured.outcome === "unknown" && structured.error.includes("field not declared in schema");
    expect(refused ? "same" : summary(structured)).toBe("same");
  });
});

interface Base {
  readonly base: string;
  readonly desired: KubernetesObject;
  readonly live: KubernetesObject;
}
interface Drift {
  readonly name: string;
  readonly of: string;
  readonly type?: "strategic";
  readonly live?: JsonObject;
  readonly desired?: JsonObject;
  readonly expect?: unknown;
  readonly "three-way"?: unknown;
  readonly "structured-merge"?: unknown;
}
const bases = new Map((parse(read("cases/bases.yaml")) as Base[]).map((base) => [base.base, base]));
const drifts = parse(read("cases/drift.yaml")) as Drift[];

/** A merge patch that keeps nulls and leaves out what is `~~`. */
function changed(value: unknown, change: unknown): unknown {
  if (!isObject(change)) return change;
  const result: Record<string, unknown> = isObject(value) ? { ...value } : {};
  for (const [key, item] of Object.entries(change)) {
    if (item === "~~") delete result[key];
    else result[key] = changed(result[key], item);
  }
  return result;
}

function patched(live: KubernetesObject, drift: Drift): KubernetesObject {
  if (drift.live === undefined) return live;
  if (drift.type !== "strategic")
    return applyMergePatch(live as unknown as Json, drift.live) as unknown as KubernetesObject;
  const result = applyStrategicPatch(live as unknown as Json, drift.live, schemaOf(live)!);
  if (!result.ok) throw new Error(result.error);
  return result.value as unknown as KubernetesObject;
}

function byHand(live: KubernetesObject, drift: Drift): KubernetesObject {
  const after = patched(live, drift);
  if (after === live) return live;
  return trackUpdate({
    before: live,
    after,
    manager: "kubectl",
    schema: schemaOf(live)!,
    time: "2026-01-01T00:00:00Z",
  });
}

describe("drift is found where it is, and only there", () => {
  for (const method of methods)
    test.each(drifts)(`${method}: $name`, (drift) => {
      const base = bases.get(drift.of)!;
      const desired = changed(base.desired, drift.desired ?? {}) as KubernetesObject;
      const hand = byHand(base.live, drift);
      const live = method === "three-way" ? withLastApplied(hand, base.desired) : hand;
      const result = compare(desired, live, schemaOf(desired), { ...settings, method });
      expect(summary(result)).toEqual(drift[method] ?? drift.expect);
    });
});

interface Ignoring {
  readonly name: string;
  readonly rules: readonly IgnoreDifference[];
  readonly desired: KubernetesObject;
  readonly live: KubernetesObject;
  readonly expect: unknown;
  readonly predicted?: unknown;
}

describe("ignored differences", () => {
  test.each(parse(read("cases/ignore.yaml")) as Ignoring[])(
    "$name",
    ({ rules, desired, live, expect: wanted, predicted }) => {
      for (const method of methods) {
        const result = compare(desired, live, schemaOf(desired), { ...settings, method, ignore: compileIgnore(rules) });
        expect(summary(result)).toEqual(wanted);
        const shown = result.outcome === "differs" ? result.predicted["spec"] : undefined;
        expect(shown).toEqual(predicted ?? shown);
      }
    },
  );
});

describe("one side only", () => {
  const { desired, live } = bases.get("svc")!;
  test("an object that is not live differs as a whole", () => {
    expect(compare(desired, undefined, schemaOf(desired), settings)).toEqual({
      outcome: "differs",
      paths: [""],
      predicted: desired,
    });
  });
  test("an object that is no longer desired differs as a whole", () => {
    expect(compare(undefined, live, schemaOf(live), settings)).toEqual({
      outcome: "differs",
      paths: [""],
      predicted: live,
    });
  });
  test("another version of the kind cannot be compared", () => {
    expect(compare({ ...desired, apiVersion: "v2" }, live, schemaOf(live), settings).outcome).toBe("unknown");
  });
  test("a kind without schema is compared as plain JSON", () => {
    expect(compare(desired, withLastApplied(desired, desired), undefined, settings).outcome).toBe("same");
    const other = { ...desired, spec: { ...(desired["spec"] as object), type: "NodePort" } };
    expect(summary(compare(other, withLastApplied(desired, desired), undefined, settings))).toEqual(["/spec/type"]);
  });
  test("tracking that is missing or foreign is a difference", () => {
    const tracked = {
      ...desired,
      metadata: { ...desired.metadata, annotations: { "argocd.argoproj.io/tracking-id": "a:/Service:x/y" } },
    };
    expect(summary(compare(tracked, live, schemaOf(live), settings))).toEqual(["/metadata/annotations"]);
  });
  test("status counts only where it is asked for", () => {
    const wanted = { ...desired, status: { loadBalancer: { ingress: [{ ip: "1.2.3.4" }] } } };
    expect(summary(compare(wanted, live, schemaOf(live), settings))).toBe("same");
    expect(summary(compare(wanted, live, schemaOf(live), { ...settings, status: "compare" }))).toEqual(["/status"]);
  });
});

describe("secrets are masked", () => {
  const secret = (data: JsonObject, last: string): KubernetesObject => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name: "s",
      annotations: {
        "kubectl.kubernetes.io/last-applied-configuration": JSON.stringify({
          kind: "Secret",
          apiVersion: "v1",
          stringData: { a: last },
        }),
      },
    },
    data,
  });
  const live = secret({ a: "b25l", same: "c2FtZQ==" }, "one");
  const desired = { ...secret({ same: "c2FtZQ==" }, "two"), stringData: { a: "two" } };
  const masked = maskSecrets({ live, desired, predicted: secret({ a: "dHdv" }, "two"), none: undefined });

  test("no value is left", () => {
    expect(JSON.stringify(masked)).not.toMatch(/b25l|c2FtZQ|dHdv|one|two/);
  });
  test("equal values have equal masks, different ones different masks", () => {
    const data = (object: KubernetesObject): JsonObject => object["data"] as JsonObject;
    expect(data(masked.live)["same"]).toBe(data(masked.desired)["same"]);
    expect(data(masked.predicted)["a"]).toBe((masked.desired["stringData"] as JsonObject)["a"]);
    expect(data(masked.live)["a"]).not.toBe(data(masked.predicted)["a"]);
  });
  test("other kinds are left alone", () => {
    const object = bases.get("svc")!.live;
    expect(maskSecrets({ live: object }).live).toBe(object);
  });
  test("data that is no object is masked too", () => {
    expect(JSON.stringify(maskSecrets({ live: { ...live, data: ["b25l"] } }))).not.toContain("b25l");
  });
});

describe("properties", () => {
  const anyBase = fc.constantFrom(...bases.values());
  const anyDrift = fc.constantFrom(...drifts);

  test("an object never differs from itself, nor is anything predicted of it", () => {
    for (const { live, desired } of bases.values())
      for (const object of desired.kind === "Secret" ? [live] : [live, desired]) {
        const copy = structuredClone(object);
        expect(summary(compare(copy, object, schemaOf(object), settings))).toBe("same");
        expect(predict(undefined, copy, object, schemaOf(object)!)).toBe(object);
      }
  });

  test("the predicted object does not differ from what is desired", () => {
    fc.assert(
      fc.property(anyDrift, fc.constantFrom(...methods), (drift, method) => {
        const base = bases.get(drift.of)!;
        const desired = changed(base.desired, drift.desired ?? {}) as KubernetesObject;
        const known = (live: KubernetesObject, last: KubernetesObject): KubernetesObject =>
          method === "three-way" ? withLastApplied(live, last) : live;
        const live = known(byHand(base.live, drift), base.desired);
        const result = compare(desired, live, schemaOf(desired), { ...settings, method });
        if (result.outcome !== "differs") return;
        const after = known(result.predicted, desired);
        expect(summary(compare(desired, after, schemaOf(desired), { ...settings, method }))).toBe("same");
      }),
      { numRuns: 200 },
    );
  });

  test("neither side is ever changed", () => {
    fc.assert(
      fc.property(anyBase, anyDrift, (base, drift) => {
        const desired = changed(base.desired, drift.of === base.base ? (drift.desired ?? {}) : {}) as KubernetesObject;
        const live = withLastApplied(base.live, base.desired);
        const texts = [JSON.stringify(desired), JSON.stringify(live)];
        for (const method of methods) compare(desired, live, schemaOf(desired), { ...settings, method });
        expect([JSON.stringify(desired), JSON.stringify(live)]).toEqual(texts);
      }),
      { numRuns: 100 },
    );
  });

  const value = fc.letrec<{ json: unknown }>((tie) => ({
    json: fc.oneof(
      { depthSize: "small" },
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.array(tie("json"), { maxLength: 3 }),
      fc.dictionary(fc.string(), tie("json"), { maxKeys: 3 }),
    ),
  })).json;
  test("a kind without schema: what was applied is the same as what is then live", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), value), fc.dictionary(fc.string(), value), (spec, other) => {
        const object = (content: unknown): KubernetesObject => ({
          apiVersion: "a/v1",
          kind: "K",
          metadata: { name: "n" },
          spec: content,
        });
        const result = compare(object(spec), withLastApplied(object(other), object(other)), undefined, settings);
        if (result.outcome !== "differs") return;
        expect(
          summary(compare(object(spec), withLastApplied(result.predicted, object(spec)), undefined, settings)),
        ).toBe("same");
      }),
    );
  });
});
