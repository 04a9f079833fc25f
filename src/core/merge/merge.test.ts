// Schemas, patches, semantic equality and server-side apply: tables of cases, answers recorded from a real API server, and
// properties.
import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { Json, JsonObject } from "#base/json.ts";
import { gvkOf } from "#model/object.ts";
import type { KubernetesObject, ManagedFieldsEntry } from "#model/object.ts";
import { sameValue } from "./equal.ts";
import { contains, difference, fieldsFromV1, fieldsToV1, intersection, isEmptySet, union } from "./fields.ts";
import { applyJsonPatch } from "./json-patch.ts";
import { applyMergePatch, createMergePatch, threeWayMergePatch } from "./merge-patch.ts";
import { canonicalQuantity } from "./quantity.ts";
import { containsRaw, isReadAsWritten, overlapsRaw } from "./raw-fields.ts";
import { catalogueFromOpenApiV3, schemaFromStructural } from "./schema.ts";
import type { TypeSchema } from "./schema.ts";
import { applyStrategicPatch } from "./strategic.ts";
import { threeWayStrategicPatch } from "./strategic-create.ts";
import { applyServerSide, conflictMessage, sameButForTimes, trackUpdate } from "./structured.ts";
import { typeErrorMessage } from "./type-errors.ts";

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");
const catalogue = catalogueFromOpenApiV3([JSON.parse(read("cases/openapi.json")) as JsonObject]);
const widget = schemaFromStructural(parse(read("cases/widget.yaml")) as JsonObject);
const podSpec = typeAt(catalogue.typeOf({ group: "", version: "v1", kind: "Pod" })!, "spec");

function typeAt(schema: TypeSchema, ...path: readonly string[]): TypeSchema {
  let type = schema;
  for (const step of path) {
    const next =
      type.kind === "struct"
        ? type.fields[step]
        : type.kind === "list"
          ? type.items
          : type.kind === "map"
            ? type.value
            : undefined;
    if (next === undefined) throw new Error(`no type at ${path.join(".")}`);
    type = next;
  }
  return type;
}

function schemaOf(object: KubernetesObject): TypeSchema | undefined {
  return object.kind === "Widget" ? widget : catalogue.typeOf(gvkOf(object));
}

function namedType(name: string): TypeSchema {
  if (name === "Widget") return widget;
  const [version = "", kind = "", ...path] = name.split(" ");
  const gvk = gvkOf({ apiVersion: version, kind });
  return typeAt(catalogue.typeOf(gvk)!, ...path);
}

describe("schemas", () => {
  test("lists, maps and scalars carry what merging needs", () => {
    const containers = typeAt(podSpec, "containers");
    expect(containers).toMatchObject({
      kind: "list",
      listType: "map",
      keys: ["name"],
      patchMergeKey: "name",
      patchStrategy: "merge",
    });
    const container = typeAt(containers, "*");
    expect(typeAt(container, "ports")).toMatchObject({ keys: ["containerPort", "protocol"] });
    expect(typeAt(container, "ports", "*", "protocol")).toMatchObject({ default: "TCP" });
    expect(typeAt(container, "resources", "limits")).toMatchObject({ kind: "map", value: { format: "quantity" } });
    expect(typeAt(podSpec, "nodeSelector")).toMatchObject({ kind: "map", atomic: true });
    expect(typeAt(podSpec, "volumes")).toMatchObject({ patchStrategy: "merge,retainKeys" });
    expect(namedType("v1 Service spec ports * targetPort")).toMatchObject({ format: "int-or-string" });
    expect(namedType("v1 Pod metadata ownerReferences")).toMatchObject({ listType: "map", keys: ["uid"] });
    expect(namedType("v1 Pod metadata creationTimestamp")).toMatchObject({ format: "date-time" });
  });
  test("recursive types end", () => {
    const crd = namedType("apiextensions.k8s.io/v1 CustomResourceDefinition spec versions * schema openAPIV3Schema");
    expect(typeAt(crd, "properties", "*", "properties", "*")).toBe(typeAt(crd, "properties", "*"));
  });
  test("custom resources have metadata like any object", () => {
    expect(typeAt(widget, "metadata", "finalizers")).toMatchObject({ listType: "set" });
    expect(typeAt(widget, "metadata", "ownerReferences")).toMatchObject({ keys: ["uid"] });
    expect(typeAt(widget, "spec", "cpu")).toMatchObject({ format: "quantity" });
    expect(typeAt(widget, "spec", "ports")).toMatchObject({ listType: "map", keys: ["port", "protocol"] });
    expect(typeAt(widget, "spec", "free")).toMatchObject({ kind: "map", value: { type: "any" } });
  });
  test("a kind that no document defines has no type", () => {
    expect(catalogue.typeOf({ group: "x", version: "v1", kind: "Y" })).toBeUndefined();
  });
});

interface PatchCase {
  readonly name: string;
  readonly kind: "json" | "merge" | "strategic" | "create-merge" | "three-way-merge" | "three-way-strategic";
  readonly type?: string;
  readonly document?: Json;
  readonly patch?: Json;
  readonly original?: JsonObject;
  readonly modified?: JsonObject;
  readonly current?: JsonObject;
  readonly expect?: Json;
  readonly result?: Json;
  readonly error?: string;
}

/** What came of a case, in the shape of what it expects. */
function outcomeOf(c: PatchCase): { expect?: unknown; result?: unknown; patch?: unknown; error?: string } {
  const type = namedType(c.type ?? "v1 Pod spec");
  switch (c.kind) {
    case "json":
    case "strategic": {
      const result =
        c.kind === "json"
          ? applyJsonPatch(c.document!, c.patch as unknown as readonly JsonObject[])
          : applyStrategicPatch(c.document!, c.patch as JsonObject, type);
      return result.ok ? { expect: result.value } : { error: result.error };
    }
    case "merge":
      return { expect: applyMergePatch(c.document!, c.patch!) };
    case "create-merge":
      return { expect: c.expect, patch: createMergePatch(c.document!, c.expect!) ?? null };
    case "three-way-merge": {
      const patch = threeWayMergePatch(c.original, c.modified!, c.current!);
      return { expect: patch ?? null, result: patch === undefined ? c.current : applyMergePatch(c.current!, patch) };
    }
    default: {
      const patch = threeWayStrategicPatch(c.original, c.modified!, c.current!, type);
      const result = applyStrategicPatch(c.current!, patch ?? {}, type);
      return { expect: patch ?? null, result: result.ok ? result.value : result.error };
    }
  }
}

describe("patches", () => {
  test.each(parse(read("cases/patches.yaml")) as PatchCase[])("$kind: $name", (c) => {
    const { error, ...outcome } = outcomeOf(c);
    const wanted = {
      expect: c.expect,
      ...(c.result === undefined ? { result: outcome.result } : { result: c.result }),
      ...(c.kind === "create-merge" ? { patch: c.patch } : {}),
    };
    expect(error ?? "").toContain(c.error ?? "");
    expect(outcome).toEqual(c.error === undefined ? wanted : {});
  });
});

describe("equality", () => {
  const cases = parse(read("cases/equal.yaml")) as { type?: string; a?: Json; b?: Json; same: boolean }[];
  test.each(cases)("$type: $a and $b: $same", ({ type, a, b, same }) => {
    const schema = type === undefined ? undefined : namedType(type);
    expect(sameValue(a, b, schema)).toBe(same);
    expect(sameValue(b, a, schema)).toBe(same);
  });
  test.each([
    ["0.5", "500m"],
    ["1000m", "1"],
    ["1024Mi", "1Gi"],
    ["1.5Gi", "1536Mi"],
    ["0.1m", "100u"],
    ["1e3", "1e3"],
    ["1500", "1500"],
    ["100000", "100k"],
    ["-0.25", "-250m"],
    [2, "2"],
    [0, "0"],
    ["0Gi", "0"],
    ["512Ki", "512Ki"],
    ["0.5Ki", "512"],
    ["x", undefined],
  ])("the quantity %s is stored as %s", (value, stored) => {
    expect(canonicalQuantity(value)).toBe(stored);
  });
});

interface Recorded {
  readonly name: string;
  readonly op: "apply" | "create" | "update" | "patch";
  readonly manager: string;
  readonly force?: boolean;
  readonly subresource?: string;
  readonly resetFields?: readonly string[];
  readonly live?: KubernetesObject;
  readonly applied?: KubernetesObject;
  readonly after?: KubernetesObject;
  readonly refused?: string;
  readonly managedFields?: readonly ManagedFieldsEntry[];
}
const time = "2026-12-31T00:00:00Z";

function timeless(entries: readonly ManagedFieldsEntry[] | undefined): unknown {
  const sorted = (entries ?? []).filter((entry) => entry.manager !== "kube-controller-manager");
  return sorted
    .map((entry) => ({ ...entry, time: undefined }))
    .toSorted((a, b) =>
      JSON.stringify([a.manager, a.operation, a.subresource]) < JSON.stringify([b.manager, b.operation, b.subresource])
        ? -1
        : 1,
    );
}

/** The managedFields that a recorded request leaves, or the message with which it is refused. */
function answerOf(step: Recorded): unknown {
  const { manager, live } = step;
  const common = {
    manager,
    time,
    schema: schemaOf((step.applied ?? step.after)!)!,
    ...(step.subresource === undefined ? {} : { subresource: step.subresource }),
    ...(step.resetFields === undefined ? {} : { resetFields: step.resetFields }),
  };
  if (step.op !== "apply") {
    const before = live === undefined ? {} : { before: live };
    return timeless(trackUpdate({ ...common, ...before, after: step.after! }).metadata.managedFields);
  }
  const input = {
    ...common,
    ...(live === undefined ? {} : { live }),
    applied: step.applied!,
    force: step.force === true,
  };
  const result = applyServerSide(input);
  if (result.ok) return timeless(result.value.object.metadata.managedFields);
  const { invalid, conflicts } = result.error;
  return invalid === undefined ? conflictMessage(conflicts) : typeErrorMessage(step.applied!, invalid);
}

describe("managedFields are as a real API server writes them", () => {
  test.each(parse(read("cases/managed-fields.yaml")) as Recorded[])("$name", (step) => {
    expect(answerOf(step)).toEqual(step.refused ?? timeless(step.managedFields));
  });
});

const object = (spec: unknown, metadata: object = {}): KubernetesObject => ({
  apiVersion: "example.com/v1",
  kind: "Widget",
  metadata: { name: "w", ...metadata },
  spec,
});
const apply = (
  manager: string,
  spec: unknown,
  live?: KubernetesObject,
  force = false,
  at = time,
): ReturnType<typeof applyServerSide> =>
  applyServerSide({
    applied: object(spec),
    manager,
    force,
    schema: widget,
    time: at,
    ...(live === undefined ? {} : { live }),
  });
function applied(...args: Parameters<typeof apply>): KubernetesObject {
  const result = apply(...args);
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value.object;
}

describe("server-side apply", () => {
  test("what is applied no longer and nobody else owns goes; what others own stays", () => {
    const first = applied("a", {
      size: 1,
      labels: { x: "1", y: "1" },
      tags: ["a", "b"],
      ports: [{ port: 1 }, { port: 2, note: "n" }],
    });
    const second = applied("b", { labels: { y: "1" }, tags: ["b", "c"], ports: [{ port: 2 }] }, first);
    const third = applied("a", { labels: {} }, second);
    expect(third["spec"]).toEqual({ labels: { y: "1" }, tags: ["b", "c"], ports: [{ port: 2 }] });
  });
  test("a conflict names manager, version and field, and changes nothing", () => {
    const live = trackUpdate({ after: object({ size: 1 }), manager: "hand", schema: widget, time });
    const result = apply("a", { size: 2 }, live);
    expect(result.ok ? [] : result.error.conflicts.map((conflict) => conflict.message)).toEqual([
      'conflict with "hand" using example.com/v1: .spec.size',
    ]);
  });
  test("force takes the field, and the other manager loses it", () => {
    const live = trackUpdate({ after: object({ size: 1, list: ["x"] }), manager: "hand", schema: widget, time });
    const taken = applied("a", { size: 2 }, live, true);
    const owners = taken.metadata.managedFields!.filter((entry) => JSON.stringify(entry.fieldsV1).includes("f:size"));
    expect(owners.map((entry) => entry.manager)).toEqual(["a"]);
  });
  test("the same value is owned by both, without conflict; who changed nothing has no time", () => {
    const both = applied("b", { size: 1 }, applied("a", { size: 1 }));
    expect(both.metadata.managedFields!.map((entry) => [entry.manager, entry.time])).toEqual([
      ["b", undefined],
      ["a", time],
    ]);
  });
  test("the time moves only with the object", () => {
    const live = applied("a", { size: 1 });
    const again = apply("a", { size: 1 }, live, false, "2027-01-01T00:00:00Z");
    expect(again).toEqual({ ok: true, value: { object: live, changed: false } });
    const more = applied("a", { size: 2 }, live, false, "2027-01-01T00:00:00Z");
    expect(more.metadata.managedFields![0]!.time).toBe("2027-01-01T00:00:00Z");
  });
  test("elements that are applied come in the applied order among the others", () => {
    const live = applied("a", { tags: ["a", "b", "c"] });
    expect(applied("b", { tags: ["c", "d", "a"] }, live)["spec"]).toEqual({ tags: ["b", "c", "d", "a"] });
  });
  test("a manager left without fields is dropped", () => {
    const live = applied("b", { size: 1 }, applied("a", { size: 1 }));
    expect(applied("b", undefined, live).metadata.managedFields!.map((entry) => entry.manager)).toEqual(["a"]);
  });
  test("updates of more than ten managers are joined", () => {
    let live = trackUpdate({
      after: object({ labels: { k0: "0" } }),
      manager: "m0",
      schema: widget,
      time: "2026-01-01T00:00:00Z",
    });
    for (let i = 1; i < 14; i++) {
      const labels = Object.fromEntries(Array.from({ length: i + 1 }, (_, n) => [`k${n}`, String(n)]));
      live = trackUpdate({
        before: live,
        after: object({ labels }),
        manager: `m${i}`,
        schema: widget,
        time: `2026-01-${String(i + 1).padStart(2, "0")}T00:00:00Z`,
      });
    }
    const managers = live.metadata.managedFields!.map((entry) => entry.manager);
    expect(managers).toHaveLength(10);
    expect(managers).toContain("ancient-changes");
  });
  test("an empty list of managedFields from the client resets them", () => {
    const live = applied("a", { size: 1 });
    const after = { ...live, metadata: { name: "w", managedFields: [] } };
    expect(
      trackUpdate({ before: live, after, manager: "u", schema: widget, time }).metadata.managedFields,
    ).toBeUndefined();
  });
  test("an object that nobody tracked belongs to before-first-apply", () => {
    const result = applied("a", { size: 1 }, object({ size: 1, list: ["x"] }));
    expect(result.metadata.managedFields!.map((entry) => entry.manager)).toEqual(["a", "before-first-apply"]);
  });
  test("objects that differ in times of managedFields only are the same", () => {
    const one = applied("a", { size: 1 });
    const two = applied("a", { size: 1 }, undefined, false, "2027-01-01T00:00:00Z");
    expect(sameButForTimes(one, two)).toBe(true);
    expect(sameButForTimes(one, applied("a", { size: 2 }))).toBe(false);
  });
});

describe("FieldsV1 that is used as it stands", () => {
  test.each([
    ["plain", { "f:spec": { "f:size": {}, "f:tags": { ".": {}, 'v:"a"': {} } } }, true],
    ["with a key that others escape otherwise", { "f:spec": { "f:tags": { 'v:"\\u0061"': {} } } }, false],
    ["with a key that others space otherwise", { "f:spec": { "f:tags": { 'k:{"a": 1}': {} } } }, false],
    ["with what is no path element", { "f:spec": { "x:size": {} } }, false],
    ["with a value that is no object", { "f:spec": { "f:size": 1 } }, false],
    ["of a root that is owned itself", { ".": {}, "f:spec": {} }, false],
  ])("%s", (_, fields, expected) => {
    expect(isReadAsWritten(fields as JsonObject, widget)).toBe(expected);
  });
  test("what is atomic by now is brought in line first", () => {
    const fields = { "f:spec": { "f:securityContext": {}, "f:nodeSelector": { "f:a": {} } } };
    const pod = catalogue.typeOf({ group: "", version: "v1", kind: "Pod" })!;
    expect(isReadAsWritten(fields, pod)).toBe(false);
    expect(isReadAsWritten({ "f:spec": { "f:nodeSelector": {} } }, pod)).toBe(true);
  });
});

describe("properties", () => {
  const word = fc.constantFrom("a", "b", "c", "d");
  const spec = fc.record(
    {
      size: fc.integer({ min: 0, max: 3 }),
      tags: fc.uniqueArray(word, { minLength: 1, maxLength: 4 }),
      list: fc.array(word, { maxLength: 3 }),
      labels: fc.dictionary(word, word, { maxKeys: 3 }),
      ports: fc.uniqueArray(
        fc.record(
          { port: fc.integer({ min: 1, max: 3 }), protocol: fc.constantFrom("TCP", "UDP"), note: word },
          { requiredKeys: ["port", "protocol"] },
        ),
        {
          selector: (port) => `${port.port}/${port.protocol}`,
          minLength: 1, // An empty keyed list has no owner: it stays for good, as on a real API server.
          maxLength: 4,
        },
      ),
      atom: fc.record({ a: word, b: word }, { requiredKeys: [] }),
      free: fc.dictionary(word, fc.dictionary(word, fc.integer(), { maxKeys: 2 }), { maxKeys: 2 }),
    },
    { requiredKeys: [] },
  );
  const container = fc.record(
    {
      name: word,
      image: word,
      env: fc.uniqueArray(fc.record({ name: word, value: word }), { selector: (item) => item.name, maxLength: 3 }),
      args: fc.array(word, { maxLength: 2 }),
    },
    { requiredKeys: ["name"] },
  );
  const pod = fc.record(
    {
      hostname: word,
      containers: fc.uniqueArray(container, { selector: (item) => item.name, minLength: 1, maxLength: 3 }),
      nodeSelector: fc.dictionary(word, word, { maxKeys: 2 }),
    },
    { requiredKeys: ["containers"] },
  );

  test("applying twice changes nothing the second time", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom("x", "y", "z"), spec), { minLength: 1, maxLength: 6 }),
        (requests) => {
          let live: KubernetesObject | undefined;
          for (const [manager, content] of requests) {
            const next = applied(manager, content, live, true);
            expect(apply(manager, content, next, true, "2030-01-01T00:00:00Z")).toEqual({
              ok: true,
              value: { object: next, changed: false },
            });
            live = next;
          }
        },
      ),
      { numRuns: 150 },
    );
  });
  test("every field has an owner, and what nobody applies any longer is gone", () => {
    fc.assert(
      fc.property(spec, spec, (one, two) => {
        const live = applied("x", two, applied("x", one), true);
        expect(sameValue(live["spec"], applied("x", two)["spec"], typeAt(widget, "spec"))).toBe(true);
      }),
      { numRuns: 150 },
    );
  });
  test("what is sent is in what comes back", () => {
    fc.assert(
      fc.property(spec, spec, (one, two) => {
        const live = applied("y", two, applied("x", one), true);
        expect(apply("y", two, live, false)).toMatchObject({ ok: true, value: { changed: false } });
      }),
      { numRuns: 150 },
    );
  });
  test("a three-way patch applied leaves nothing to patch, and holds all that is wanted", () => {
    fc.assert(
      fc.property(pod, pod, pod, (original, modified, current) => {
        const [o, m, c] = [original, modified, current] as unknown as [JsonObject, JsonObject, JsonObject];
        const patch = threeWayStrategicPatch(o, m, c, podSpec);
        const after = patch === undefined ? { ok: true as const, value: c } : applyStrategicPatch(c, patch, podSpec);
        if (!after.ok) throw new Error(after.error);
        // What is left may be an order that holds already, beside elements of others.
        const rest = threeWayStrategicPatch(m, m, after.value as JsonObject, podSpec) ?? {};
        expect(applyStrategicPatch(after.value, rest, podSpec)).toEqual(after);
        const merge = threeWayMergePatch(o, m, c);
        expect(
          threeWayMergePatch(m, m, (merge === undefined ? c : applyMergePatch(c, merge)) as JsonObject),
        ).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });
  test("a merge patch that was created makes the second document of the first", () => {
    const document = fc.dictionary(word, fc.oneof(word, fc.integer(), fc.dictionary(word, word), fc.array(word)));
    fc.assert(
      fc.property(document, document, (from, to) => {
        const patch = createMergePatch(from, to);
        expect(patch === undefined ? from : applyMergePatch(from, patch)).toEqual(to);
      }),
    );
  });
  test("sets of fields obey the laws of sets and survive their text", () => {
    const set = fc.array(fc.array(word, { minLength: 1, maxLength: 3 }), { maxLength: 6 }).map((paths) => {
      const root: Record<string, unknown> = {};
      for (const path of paths) {
        let node = root;
        for (const step of path) node = (node[`f:${step}`] ??= {}) as Record<string, unknown>;
        if (Object.keys(node).length > 0) node["."] = {};
      }
      return fieldsFromV1(root as JsonObject);
    });
    fc.assert(
      fc.property(set, set, (a, b) => {
        expect(fieldsToV1(fieldsFromV1(fieldsToV1(a)))).toEqual(fieldsToV1(a));
        expect(fieldsToV1(union(difference(a, b), intersection(a, b)))).toEqual(fieldsToV1(a));
        expect(fieldsToV1(intersection(difference(a, b), b))).toEqual({});
        expect(fieldsToV1(union(a, b))).toEqual(fieldsToV1(union(b, a)));
        // The text, asked as it stands, says what the set says.
        expect(overlapsRaw(fieldsToV1(a), b)).toBe(!isEmptySet(intersection(a, b)));
        expect(containsRaw(fieldsToV1(a), b)).toBe(contains(a, b));
      }),
    );
  });
});
