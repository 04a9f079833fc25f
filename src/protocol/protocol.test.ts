// Holds our .proto files against the recorded facts of the protocol, and our JSON against recorded messages of each kind.
// The bytes were written by another protobuf implementation from the same values.
import { readFileSync } from "node:fs";
import {
  createRegistry,
  equals,
  fromBinary,
  toBinary,
  type DescField,
  type DescFile,
  type DescMessage,
} from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { bindingsOf, services } from "./services.ts";
import { fromJson, toJson } from "./json.ts";
import { file_argoproj_plugin } from "./gen/argoproj/plugin_pb.js";
import { file_argoproj_repository } from "./gen/argoproj/repository_pb.js";

interface Facts {
  readonly services: Record<
    string,
    Record<string, { in: string; out: string; http: string[]; inStream?: boolean; outStream?: boolean }>
  >;
  readonly messages: Record<string, Record<string, [number, string]>>;
}
interface Recorded {
  readonly message: string;
  readonly json: unknown;
  readonly bytes: string;
}

const read = (name: string): unknown => JSON.parse(readFileSync(new URL(`recorded/${name}`, import.meta.url), "utf8"));
const facts = read("facts.json") as Facts;
const recorded = read("messages.json") as Recorded[];
const registry = createRegistry(
  ...withImports([file_argoproj_plugin, file_argoproj_repository, ...services.map(({ file }) => file)]),
);

function withImports(files: readonly DescFile[]): DescFile[] {
  const all = new Set<DescFile>();
  const add = (file: DescFile): void => {
    if (all.has(file)) return;
    all.add(file);
    file.dependencies.forEach(add);
  };
  files.forEach(add);
  return [...all];
}

function message(name: string): DescMessage {
  const found = registry.getMessage(name);
  expect(found, `message ${name}`).toBeDefined();
  return found!;
}

/** A field's type as the facts write it: `string`, `repeated account.Token`, `map<string,bool>`. */
function typeOf(field: DescField): string {
  const names: Record<number, string> = { 3: "int64", 5: "int32", 8: "bool", 9: "string", 12: "bytes" };
  const element = (at: { message?: DescMessage | undefined; scalar?: number | undefined }): string =>
    at.message ? at.message.typeName : names[at.scalar!]!;
  switch (field.fieldKind) {
    case "map":
      return `map<${names[field.mapKey]},${element(field)}>`;
    case "list":
      return `repeated ${element(field)}`;
    default:
      return element(field);
  }
}

describe("descriptors", () => {
  it.each(Object.keys(facts.services))("%s has the methods, streams and bindings of the facts", (name) => {
    const service = registry.getService(name);
    const ours = Object.fromEntries(
      service!.methods.map((method) => [
        method.name,
        {
          in: method.input.typeName,
          out: method.output.typeName,
          ...(method.methodKind === "client_streaming" ? { inStream: true } : {}),
          ...(method.methodKind === "server_streaming" ? { outStream: true } : {}),
          http: bindingsOf(method).map(
            ({ verb, path, body }) => `${verb} ${path}${body === "" ? "" : ` body:${body}`}`,
          ),
        },
      ]),
    );
    expect(ours).toEqual(facts.services[name]);
  });

  it("every message has the fields, numbers and types of the facts", () => {
    for (const [name, fields] of Object.entries(facts.messages)) {
      const ours = Object.fromEntries(message(name).fields.map((field) => [field.name, [field.number, typeOf(field)]]));
      expect(ours, name).toEqual(fields);
    }
  });

  it("there are 15 services with 129 methods", () => {
    const all = Object.keys(facts.services).map((name) => registry.getService(name)!);
    expect(all.length).toBe(15);
    expect(all.reduce((sum, service) => sum + service.methods.length, 0)).toBe(129);
  });
});

describe("recorded messages", () => {
  it.each(recorded.map((entry) => [entry.message, entry] as const))("%s", (name, { json, bytes }) => {
    const desc = message(name);
    const decoded = fromBinary(desc, Buffer.from(bytes, "base64"));
    expect(toJson(desc, decoded) ?? null).toEqual(json);
    const ours = fromBinary(desc, toBinary(desc, fromJson(desc, json)));
    expect(equals(desc, ours, decoded)).toBe(true);
  });

  it("there is one of each kind", () => {
    const missing = Object.keys(facts.messages).filter((name) => !recorded.some((entry) => entry.message === name));
    expect(missing).toEqual(["google.protobuf.Empty"]);
  });
});
