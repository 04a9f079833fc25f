// What the resources' definitions require stands in their JSON also where a client sent it empty by gRPC.
import { readFileSync } from "node:fs";
import { create, type DescMessage } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { file_argoproj_v1alpha1 } from "./gen/argoproj/v1alpha1_pb.js";
import { fromJson, toJson } from "./json.ts";
import { keepsZero } from "./presence.ts";

interface Schema {
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
}

const messages = new Map(file_argoproj_v1alpha1.messages.map((message) => [message.name, message]));

function schemaOf(file: string): Schema {
  const text = readFileSync(new URL(`../../install/crds/${file}.yaml`, import.meta.url), "utf8");
  const definition = parse(text) as {
    readonly spec: { readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: Schema } }[] };
  };
  return definition.spec.versions[0]!.schema.openAPIV3Schema;
}

/** `Message.field` of plain fields that are required and would be lost where they are empty. */
function lost(message: DescMessage, schema: Schema): string[] {
  const kept = keepsZero(message.typeName);
  return message.fields.flatMap((field) => {
    const of = schema.properties?.[field.name];
    if (!of) return [];
    if (field.message) {
      const values = typeof of.additionalProperties === "object" ? of.additionalProperties : undefined;
      return lost(
        field.message,
        (field.fieldKind === "list" ? of.items : field.fieldKind === "map" ? values : of) ?? {},
      );
    }
    const plain = field.fieldKind === "scalar" && schema.required?.includes(field.name);
    return plain && kept !== "all" && !kept.has(field.name) ? [`${message.name}.${field.name}`] : [];
  });
}

describe("fields that are required", () => {
  it.each([
    ["Application", "applications"],
    ["AppProject", "appprojects"],
    ["ApplicationSet", "applicationsets"],
  ])("of an %s are written also where they are empty", (kind, file) => {
    expect([...new Set(lost(messages.get(kind)!, schemaOf(file)))]).toEqual([]);
  });

  it("the core group in a project's lists, as argocd sends it", () => {
    const desc = messages.get("AppProjectSpec")!;
    const item = { group: "", kind: "Namespace" };
    const message = fromJson(desc, { clusterResourceWhitelist: [item] });
    expect(toJson(desc, message)).toEqual({ clusterResourceWhitelist: [item] });
    // Who sends nothing there means the same as who sends an empty text.
    expect(toJson(desc, create(desc))).toEqual({});
  });
});
