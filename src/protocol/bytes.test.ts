// The short way from JSON to bytes gives what the long one gives, for recorded messages and for what is unusual in them.
import { readFileSync } from "node:fs";
import { createRegistry, toBinary, type DescMessage } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { BytesWriter } from "./bytes.ts";
import { ApplicationSchema, file_argoproj_v1alpha1 } from "./gen/argoproj/v1alpha1_pb.js";
import { fromJson } from "./json.ts";

interface Recorded {
  readonly message: string;
  readonly json: unknown;
}
const recorded = JSON.parse(readFileSync(new URL("recorded/messages.json", import.meta.url), "utf8")) as Recorded[];
const registry = createRegistry(file_argoproj_v1alpha1);
const known = recorded.filter(({ message }) => registry.getMessage(message) !== undefined);
const long = (desc: DescMessage, json: unknown): Uint8Array => toBinary(desc, fromJson(desc, json));

describe("bytes of JSON", () => {
  it.each(known.map((entry) => [entry.message, entry] as const))("%s", (name, { json }) => {
    const desc = registry.getMessage(name)!;
    const writer = new BytesWriter();
    expect(writer.message(desc, json)).toEqual(long(desc, json));
    // What was written before is not seen in what comes after.
    expect(writer.message(desc, json)).toEqual(long(desc, json));
  });

  it("of every kind of the API's types", () => {
    expect(known.length).toBeGreaterThan(100);
  });

  it.each<[string, object]>([
    ["zeros", { spec: { project: "", revisionHistoryLimit: 0 }, status: { health: { status: "" } } }],
    ["nothing", { metadata: null, spec: {} }],
    ["numbers as texts", { metadata: { generation: "12" } }],
    ["half a character", { metadata: { name: "\ud800", labels: { "a\udc00": "\ud800b" } } }],
    ["long texts of other alphabets", { metadata: { annotations: { a: "größe💥".repeat(400) } } }],
    ["unknown fields", { spec: { colour: "red", toString: "x" }, constructor: 1 }],
    ["large and negative numbers", { metadata: { generation: -1, deletionGracePeriodSeconds: 2 ** 52 } }],
    ["times", { metadata: { creationTimestamp: "2026-01-02T03:04:05.678+02:00", deletionTimestamp: null } }],
  ])("with %s", (_name, json) => {
    expect(new BytesWriter().message(ApplicationSchema, json)).toEqual(long(ApplicationSchema, json));
  });

  it("has its length before it where it is a field", () => {
    const writer = new BytesWriter();
    for (const name of ["a", "a".repeat(300)]) {
      const bytes = writer.delimited(ApplicationSchema, { metadata: { name } });
      const message = long(ApplicationSchema, { metadata: { name } });
      expect(bytes.subarray(-message.length)).toEqual(message);
      expect(bytes.length - message.length).toBe(message.length < 128 ? 1 : 2);
    }
  });

  it("refuses what the long way refuses, with the same words, and goes on", () => {
    const writer = new BytesWriter();
    const wrong = { metadata: { name: "a", labels: { a: 1 } } };
    expect(() => writer.message(ApplicationSchema, wrong)).toThrow("metadata.labels.a: a text is expected");
    expect(() => writer.delimited(ApplicationSchema, [])).toThrow("request: an object is expected");
    expect(writer.message(ApplicationSchema, { metadata: { name: "b" } })).toEqual(
      long(ApplicationSchema, { metadata: { name: "b" } }),
    );
  });
});
