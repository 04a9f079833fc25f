import Fastify from "fastify";
import { expect, it } from "vitest";
import { jsonBodies, readJson, refusalOf } from "./bodies.ts";

it.each([
  ["cut off", '{"password":"secret', /^body: no valid JSON: .*\d/],
  ["with something wrong in it", '{"password":"secret",x}', /^body: no valid JSON/],
  ["a text alone that is not one", "secret", /^body: no valid JSON/],
  ["too deep", "[".repeat(501) + "]".repeat(501), /^body: it is nested deeper than 500 levels$/],
  ["far too deep", '{"a":'.repeat(1_000_000) + "1" + "}".repeat(1_000_000), /^body: it is nested deeper/],
  ["with a number that is none", '{"a":[1e999]}', /^body: a number is too large$/],
  ["with half a character", String.raw`{"a":"\ud800"}`, /^body: a text holds half a character$/],
  ["with half a character in a name", String.raw`{"\udc00":1}`, /^body: a name holds half a character$/],
  ["with a prototype", '{"a":{"__proto__":1}}', /^body: a field may not have the name "__proto__"$/],
])("JSON %s is refused, and not quoted", (_what, text, message) => {
  expect(() => readJson(text)).toThrow(message);
  expect(() => readJson(text)).not.toThrow(/secret/);
});

it("JSON that is as deep as may be is read", () => {
  expect(readJson("[".repeat(500) + "]".repeat(500))).toBeInstanceOf(Array);
});

it.each([
  ["application/json", "", 200, "null"],
  ["application/json; charset=utf-8", '{"a":1}', 200, '{"a":1}'],
  ["application/merge-patch+json", '{"a":1}', 200, '{"a":1}'],
  ["application/json", "{", 400, "INVALID_ARGUMENT"],
  ["text/plain", "{}", 415, "UNSUPPORTED_MEDIA_TYPE"],
  ["nonsense", "{}", 415, "UNSUPPORTED_MEDIA_TYPE"],
  ["application/json", `"${"a".repeat(3000)}"`, 413, "TOO_LARGE"],
])("a body of %s: %s", async (type, payload, status, answered) => {
  const app = Fastify({ bodyLimit: 2000 });
  jsonBodies(app);
  app.setErrorHandler((thrown, _request, reply) =>
    reply.code(refusalOf(thrown).entry.http).send(refusalOf(thrown).code),
  );
  app.post("/", (request) => JSON.stringify(request.body ?? null));
  const response = await app.inject({ method: "POST", url: "/", headers: { "content-type": type }, payload });
  expect([response.statusCode, response.body]).toEqual([status, answered]);
});
