// Arbitrary and damaged input for every message of the protocol: it is read and written again to the same, or refused as
// INVALID_ARGUMENT. Nothing else is ever thrown, and nothing hangs.
import { readFileSync } from "node:fs";
import {
  create,
  createRegistry,
  fromBinary,
  toBinary,
  type DescField,
  type DescFile,
  type DescMessage,
  type Message,
} from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import { damaged, damagedJson, hostileText, runs } from "#test/support/fuzz.ts";
import { file_argoproj_plugin } from "./gen/argoproj/plugin_pb.js";
import { file_argoproj_repository } from "./gen/argoproj/repository_pb.js";
import { BytesWriter } from "./bytes.ts";
import { requestOf } from "./http.ts";
import { fromJson, toJson } from "./json.ts";
import { readyMessage } from "./ready.ts";
import { bindingsOf, services } from "./services.ts";

interface Recorded {
  readonly message: string;
  readonly json: unknown;
  readonly bytes: string;
}
const recorded = JSON.parse(readFileSync(new URL("recorded/messages.json", import.meta.url), "utf8")) as Recorded[];
const registry = createRegistry(
  ...withImports([file_argoproj_plugin, file_argoproj_repository, ...services.map(({ file }) => file)]),
);
const kinds = recorded.map((entry) => ({ ...entry, desc: registry.getMessage(entry.message)! }));

function withImports(files: readonly DescFile[], all = new Set<DescFile>()): DescFile[] {
  for (const file of files) {
    if (all.has(file)) continue;
    all.add(file);
    withImports(file.dependencies, all);
  }
  return [...all];
}

/** What `work` gives, or undefined where it refused as it should. */
function orRefused<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof DriftlessError && thrown.code === "INVALID_ARGUMENT") return undefined;
    throw thrown;
  }
}

/** Written, read again, written again: nothing is lost on the way. */
function keeps(desc: DescMessage, json: unknown): void {
  const message = orRefused(() => fromJson(desc, json));
  const short = orRefused(() => new BytesWriter().message(desc, json));
  expect(short).toEqual(message && toBinary(desc, message));
  if (message === undefined) return;
  const first = toJson(desc, message);
  const bytes = toBinary(desc, message);
  expect(toJson(desc, fromBinary(desc, bytes))).toEqual(first);
  if (first === null) return;
  expect(toJson(desc, fromJson(desc, first))).toEqual(first);
  expect(toBinary(desc, readyMessage(desc, first))).toEqual(toBinary(desc, fromJson(desc, first)));
}

function readable(desc: DescMessage, bytes: Uint8Array): void {
  let message;
  try {
    message = fromBinary(desc, bytes);
  } catch {
    return; // The library's refusal, which transports answer as INVALID_ARGUMENT.
  }
  const json = orRefused(() => toJson(desc, message));
  if (json !== undefined && json !== null) keeps(desc, json);
}

/** JSON for a message: mostly of the right types, with hostile values. */
function jsonFor(desc: DescMessage, depth = 0): fc.Arbitrary<unknown> {
  const anything = fc.jsonValue({ maxDepth: 2 });
  if (depth > 3 || desc.fields.length === 0) return anything;
  const fields = Object.fromEntries(
    desc.fields.map((field) => [
      field.name,
      fc.oneof({ weight: 12, arbitrary: valueFor(field, depth) }, { weight: 1, arbitrary: anything }),
    ]),
  );
  return fc.oneof(
    { weight: 9, arbitrary: fc.record(fields, { requiredKeys: [] }) },
    { weight: 1, arbitrary: anything },
  );
}

function valueFor(field: DescField, depth: number): fc.Arbitrary<unknown> {
  const one = (): fc.Arbitrary<unknown> =>
    field.message ? jsonFor(field.message, depth + 1) : scalarFor(field.scalar ?? 5);
  if (field.fieldKind === "list") return fc.array(one(), { maxLength: 3 });
  if (field.fieldKind === "map") return fc.dictionary(hostileText(), one(), { maxKeys: 3 });
  return one();
}

/** Messages as another program may write them: of the right types, with values at and beyond every edge. */
function messageFor(desc: DescMessage, depth = 0): fc.Arbitrary<Message> {
  const fields = depth > 3 ? [] : desc.fields;
  const values = fc.record(Object.fromEntries(fields.map((field) => [field.localName, wireValueFor(field, depth)])), {
    requiredKeys: [],
  });
  return values.map((given) => Object.assign(create(desc), given));
}

function wireValueFor(field: DescField, depth: number): fc.Arbitrary<unknown> {
  const one = (): fc.Arbitrary<unknown> =>
    field.message ? messageFor(field.message, depth + 1) : wireScalarFor(field.scalar ?? 5);
  if (field.fieldKind === "list") return fc.array(one(), { maxLength: 3 });
  if (field.fieldKind === "map") return fc.dictionary(fc.string(), one(), { maxKeys: 3 });
  return one();
}

function wireScalarFor(type: number): fc.Arbitrary<unknown> {
  if (type === 8) return fc.boolean();
  if (type === 9) return fc.string({ unit: "binary" });
  if (type === 3) return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  if (type !== 12) return fc.integer();
  const json = fc.jsonValue().map((value) => new TextEncoder().encode(JSON.stringify(value)));
  return fc.oneof(fc.uint8Array({ maxLength: 20 }), json);
}

function scalarFor(type: number): fc.Arbitrary<unknown> {
  if (type === 8) return fc.boolean();
  if (type === 12) return fc.base64String({ maxLength: 24 });
  if (type === 9) return hostileText();
  return fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.double(), fc.bigInt().map(String));
}

describe.each([
  ["damaged bytes", 40],
  ["messages with extreme values", 20],
  ["damaged JSON", 20],
  ["JSON of the right shape with hostile values", 12],
  ["arbitrary bytes", 20],
] as const)("%s", (what, times) => {
  it("is read or refused, for every message", { timeout: 600_000 }, () => {
    for (const { desc, bytes, json, message } of kinds) {
      const check = {
        "damaged bytes": () =>
          fc.property(damaged(fc.constant(Buffer.from(bytes, "base64"))), (input) => readable(desc, input)),
        "messages with extreme values": () =>
          fc.property(messageFor(desc), (input) => readable(desc, toBinary(desc, input))),
        "arbitrary bytes": () => fc.property(fc.uint8Array({ maxLength: 60 }), (input) => readable(desc, input)),
        "damaged JSON": () => fc.property(damagedJson(fc.constant(json)), (input) => keeps(desc, input)),
        "JSON of the right shape with hostile values": () => fc.property(jsonFor(desc), (input) => keeps(desc, input)),
      }[what];
      try {
        fc.assert(check() as fc.IProperty<[unknown]>, runs(times));
      } catch (thrown) {
        throw new Error(`${message}: ${(thrown as Error).message}`, { cause: thrown });
      }
    }
  });
});

it("paths, queries and bodies of every binding are read or refused", { timeout: 600_000 }, () => {
  const bindings = services.flatMap(({ methods }) =>
    methods.flatMap((method) => bindingsOf(method).map((binding) => ({ binding, desc: method.input }))),
  );
  for (const { binding, desc } of bindings) {
    const inPath = [...binding.path.matchAll(/\{([^}=]+)/g)].map(([, name = ""]) => name);
    const names = fc.oneof(fc.constantFrom("x", ...desc.fields.map(({ name }) => name)), hostileText());
    const property = fc.property(
      fc.record(Object.fromEntries(inPath.map((name) => [name, hostileText()]))),
      fc.dictionary(
        fc.array(names, { minLength: 1, maxLength: 4 }).map((steps) => steps.join(".")),
        fc.oneof(hostileText(), fc.array(hostileText(), { maxLength: 3 })),
        { maxKeys: 5 },
      ),
      fc.oneof(fc.constant(undefined), fc.jsonValue(), jsonFor(desc)),
      (path, query, body) => {
        const request = orRefused(() => requestOf(desc, binding, { path, query, body }));
        if (request !== undefined) keeps(desc, request);
      },
    );
    fc.assert(property, runs(20));
  }
});
