// How much the fuzz tests try. Each names its runs for every day; DRIFTLESS_FUZZ multiplies them, for a night's search.
// A failure prints its seed and path; DRIFTLESS_FUZZ_SEED repeats it.
import * as fc from "fast-check";

const times = Number(process.env["DRIFTLESS_FUZZ"] ?? 1);
const seed = process.env["DRIFTLESS_FUZZ_SEED"];

/** Parameters for fc.assert: so many runs on an ordinary day. */
export function runs<T>(everyDay: number): fc.Parameters<T> {
  return { numRuns: Math.ceil(everyDay * times), ...(seed === undefined ? {} : { seed: Number(seed) }) };
}

/** Texts that break parsers, beside arbitrary ones: empty, long, of other alphabets, halves of characters, paths, control characters. */
export function hostileText(): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 3, arbitrary: fc.string({ unit: "binary", maxLength: 40 }) },
    { weight: 2, arbitrary: fc.string({ maxLength: 40 }) },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        "",
        "..",
        "../../etc/passwd",
        "%2e%2e%2f",
        "a/b",
        "a\nb",
        "a\r\nb: c",
        "a\u0000b",
        "\ud800",
        "x\udc00y",
        "\u202egnp.exe",
        "__proto__",
        "constructor",
        "prototype",
        "toString",
        "$typeName",
        "$unknown",
        "NaN",
        "1e999",
        "-0",
        "9007199254740993",
        "null",
        "{}",
        "[]",
        "а",
        "ﬀ",
        "💥",
      ),
    },
    { weight: 1, arbitrary: fc.integer({ min: 100, max: 20_000 }).map((length) => "a".repeat(length)) },
  );
}

/** Bytes that were good until something happened to them: flipped, cut off, doubled, put in between. */
export function damaged(good: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const damage = fc.record({
    kind: fc.constantFrom("flip", "cut", "insert", "double", "drop"),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 6 }),
  });
  return fc.tuple(good, fc.array(damage, { maxLength: 4 })).map(([bytes, damages]) =>
    damages.reduce((now, { kind, at, bytes: more }) => {
      const index = Math.floor(at * now.length);
      const [head, tail] = [now.subarray(0, index), now.subarray(index)];
      if (kind === "cut") return head;
      if (kind === "insert") return Buffer.concat([head, more, tail]);
      if (kind === "double") return Buffer.concat([now, tail]);
      if (kind === "drop") return Buffer.concat([head, tail.subarray(more.length)]);
      return Buffer.concat([head, more, tail.subarray(more.length)]);
    }, bytes),
  );
}

/** JSON that was good until a value in it became another. */
export function damagedJson(good: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const change = fc.tuple(
    fc.array(fc.nat(), { minLength: 1, maxLength: 8 }),
    fc.oneof(fc.jsonValue({ maxDepth: 3 }), hostileText()),
  );
  return fc
    .tuple(good, fc.array(change, { maxLength: 3 }))
    .map(([value, changes]) =>
      changes.reduce((now: unknown, [steps, replacement]) => changed(now, steps, replacement), structuredClone(value)),
    );
}

function changed(value: unknown, [step, ...rest]: readonly number[], replacement: unknown): unknown {
  if (step === undefined || typeof value !== "object" || value === null) return replacement;
  const keys = Object.keys(value);
  const key = keys[step % Math.max(1, keys.length)];
  if (key === undefined) return replacement;
  const target = value as Record<string, unknown>;
  Object.defineProperty(target, key, {
    value: rest.length === 0 ? replacement : changed(target[key], rest, replacement),
    enumerable: true,
    configurable: true,
    writable: true,
  });
  return value;
}
