// Refusals of the built-in kinds against what a real API server said of the same objects (cases/refusals*).
import { globSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import type { KubernetesObject } from "#model/object.ts";
import { validateMetadata } from "../../api/metadata.ts";
import type { PrepareContext } from "../../contract.ts";
import { causesOf, definitionOf, mergePatch, stored, textsOf } from "../testing/cases.ts";
import type { Refusal } from "../testing/cases.ts";

interface Case {
  readonly name: string;
  readonly create: KubernetesObject;
  readonly patch?: Record<string, unknown>;
}
type Expected = Record<string, { error?: Refusal & { readonly code: number } }>;

const read = (name: string): string => readFileSync(new URL(`../cases/${name}`, import.meta.url), "utf8");
const cases = parse(read("refusals.yaml")) as Case[];
const expected = JSON.parse(read("refusals.expected.json")) as Expected;
const context: PrepareContext = {
  operation: "create",
  now: "2026-01-01T00:00:00Z",
  reader: { get: () => undefined, list: () => [] },
  warn: () => {},
};

/** The server writes structs in Go's words and diffs below the sentence: neither is for us to repeat. */
const plain = (text: string): string =>
  text.split("\n")[0]!.replace(/(Invalid|Unsupported|Duplicate) value: (\{.*\}|\[.*\]|null)(?=: |$)/, "$1 value: …");

const refused = cases.filter((item) => expected[item.name]!.error?.code === 422);
const accepted = cases.filter((item) => expected[item.name]!.error === undefined);

function errorsOf({ create, patch }: Case) {
  const definition = definitionOf(create);
  const created = stored(create, context);
  if (patch === undefined) return [...validateMetadata(created, definition), ...(definition.validate?.(created) ?? [])];
  const old = created;
  const next = stored(mergePatch(old, patch), { ...context, operation: "update", old });
  return definition.validate?.(next, old) ?? [];
}

describe("an object with a mistake", () => {
  test.each(refused)("is refused in the words of a real API server: $name", (item) => {
    expect(textsOf(errorsOf(item)).map(plain)).toEqual(causesOf(expected[item.name]!.error!).map(plain));
  });

  test.each(accepted)("is let pass where it is let pass there: $name", (item) => {
    expect(errorsOf(item)).toEqual([]);
  });
});

const good = parse(read("defaults.yaml")) as Case[];
test.each(good)("an object without a mistake is accepted: $name", ({ create, patch }) => {
  expect(errorsOf({ name: "", create })).toEqual([]);
  expect(patch === undefined ? [] : errorsOf({ name: "", create, patch })).toEqual([]);
});

const demo = new URL("../../../../examples/demo/apps/", import.meta.url);
const manifests = globSync("**/*.yaml", { cwd: demo }).flatMap((file) =>
  parseAllDocuments(readFileSync(new URL(file, demo), "utf8")).map((document) => [file, document.toJS()] as const),
);
test.each(manifests)("the demo's objects are accepted, claim templates mounted: %s", (_, create: KubernetesObject) => {
  expect(errorsOf({ name: "", create })).toEqual([]);
});

describe("a claim that names no class", () => {
  const create = {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: "data" },
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
  };
  test("may get one, with its volume, once", () => {
    const patch = { spec: { storageClassName: "standard", volumeName: "pvc-1" } };
    expect(errorsOf({ name: "", create, patch })).toEqual([]);
    const named = { ...create, spec: { ...create.spec, storageClassName: "fast" } };
    expect(errorsOf({ name: "", create: named, patch })).toHaveLength(1);
  });
});
