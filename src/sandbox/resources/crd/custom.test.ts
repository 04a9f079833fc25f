// Custom resources against what a real API server answered to the same objects (cases/custom*).
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { applicationCrds } from "#model/crds.ts";
import type { KubernetesObject } from "#model/object.ts";
import { shape } from "../../api/decode.ts";
import type { PrepareContext, ResourceDefinition } from "../../contract.ts";
import { causesOf, textsOf } from "../testing/cases.ts";
import type { Refusal } from "../testing/cases.ts";
import { customResource } from "./definition.ts";

interface Case {
  readonly name: string;
  readonly crd?: KubernetesObject;
  readonly create?: KubernetesObject;
}
type Expected = Record<string, { object?: KubernetesObject; error?: Refusal }>;

const read = (name: string): string => readFileSync(new URL(`../cases/${name}`, import.meta.url), "utf8");
const all = parse(read("custom.yaml")) as Case[];
const expected = JSON.parse(read("custom.expected.json")) as Expected;
const definitions = [...applicationCrds(), ...all.flatMap((item) => item.crd ?? [])].flatMap((crd) =>
  customResource(crd),
);
const cases = all.flatMap(({ name, create }) => (create === undefined ? [] : [{ name, create }]));
const context: PrepareContext = {
  operation: "create",
  now: "2026-01-01T00:00:00Z",
  reader: { get: () => undefined, list: () => [] },
  warn: () => {},
};

function definitionFor(object: KubernetesObject): ResourceDefinition {
  return definitions.find(
    (item) => item.kind === object.kind && object.apiVersion === `${item.group}/${item.version}`,
  )!;
}

/** What the API does before `validate`: unknown fields and status go, defaults come. */
function admitted(object: KubernetesObject): KubernetesObject {
  const definition = definitionFor(object);
  const shaped = shape(object, definition.type!, { typed: false, kind: object.kind }).value as KubernetesObject;
  const { status: _, ...rest } = shaped;
  const kept = definition.subresources.includes("status") ? (rest as KubernetesObject) : shaped;
  return definition.prepare?.(kept, context) ?? kept;
}

const accepted = cases.filter((item) => expected[item.name]!.object !== undefined);
const refused = cases.filter((item) => expected[item.name]!.error !== undefined);

describe("a custom resource", () => {
  test.each(accepted)("is stored as a real API server stores it: $name", ({ name, create }) => {
    const { generation: _, ...metadata } = expected[name]!.object!.metadata;
    const object = admitted(create);
    expect(definitionFor(create).validate?.(object)).toEqual([]);
    expect(object).toEqual({ ...expected[name]!.object, metadata });
  });

  test.each(refused)("is refused in the words of a real API server: $name", ({ name, create }) => {
    const errors = definitionFor(create).validate?.(admitted(create)) ?? [];
    expect(textsOf(errors)).toEqual(causesOf(expected[name]!.error!));
  });

  test("has columns, scale and names from its definition", () => {
    const gadget = definitions.find((item) => item.kind === "Gadget")!;
    expect(gadget).toMatchObject({
      listKind: "GadgetList",
      shortNames: ["gd"],
      categories: ["all"],
      subresources: ["status", "scale"],
      scale: { specReplicasPath: ".spec.replicas", labelSelectorPath: ".status.selector" },
      openapi: { name: "com.example.cases.v1.Gadget" },
    });
    const object = {
      apiVersion: "cases.example.com/v1",
      kind: "Gadget",
      metadata: { name: "g", creationTimestamp: "2026-01-01T00:00:00Z" },
      spec: { replicas: 3 },
      status: {
        conditions: [
          { type: "Other", status: "False" },
          { type: "Ready", status: "True" },
        ],
      },
    };
    expect(gadget.table!.columns.map((column) => column.name)).toEqual(["Name", "Replicas", "Ready", "Age"]);
    expect(gadget.table!.row(object, Date.parse("2026-01-01T00:05:00Z"))).toEqual(["g", 3, "True", "5m"]);
  });
});
