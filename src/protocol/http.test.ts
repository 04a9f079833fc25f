import { describe, expect, it } from "vitest";
import { AccountService } from "./gen/argoproj/account_pb.js";
import { ApplicationService } from "./gen/argoproj/application_pb.js";
import { ClusterService } from "./gen/argoproj/cluster_pb.js";
import { requestOf, type HttpParts } from "./http.ts";
import { bindingsOf } from "./services.ts";

const none: HttpParts = { path: {}, query: {}, body: undefined };
const { method: application } = ApplicationService;

describe("requestOf", () => {
  it.each([
    ["a name in the path", application.get, { path: { name: "a" } }, { name: "a" }],
    [
      "lists in the query",
      application.list,
      { query: { projects: ["p", "q"], selector: "a=b" } },
      { projects: ["p", "q"], selector: "a=b" },
    ],
    ["one value of a list", application.list, { query: { projects: "p" } }, { projects: ["p"] }],
    [
      "a flag in the query",
      application.delete,
      { path: { name: "a" }, query: { cascade: "false" } },
      { name: "a", cascade: false },
    ],
    [
      "nested names",
      ClusterService.method.get,
      { path: { "id.value": "https://x" }, query: { "id.type": "url" } },
      { id: { type: "url", value: "https://x" } },
    ],
    [
      "a body that is one field",
      application.create,
      { query: { upsert: "true" }, body: { metadata: { name: "a" } } },
      { application: { metadata: { name: "a" } }, upsert: true },
    ],
    [
      "a body that is everything",
      application.sync,
      { path: { name: "a" }, body: { prune: true, name: "b" } },
      { name: "a", prune: true },
    ],
    [
      "numbers written as texts",
      AccountService.method.createToken,
      { path: { name: "a" }, body: { expiresIn: "3600" } },
      { name: "a", expiresIn: 3600 },
    ],
    ["null, which is absent", application.sync, { path: { name: "a" }, body: { revision: null } }, { name: "a" }],
    [
      "a time in the query",
      application.podLogs,
      { path: { name: "a" }, query: { sinceTime: "2026-01-01T00:00:00Z", tailLines: "5" } },
      { name: "a", sinceTime: "2026-01-01T00:00:00Z", tailLines: 5 },
    ],
    ["names that it does not know are left out", application.list, { query: { fields: "items", __proto__x: "1" } }, {}],
  ] as const)("%s", (_name, method, parts, expected) => {
    expect(requestOf(method.input, bindingsOf(method)[0]!, { ...none, ...parts })).toEqual(expected);
  });

  it.each([
    ["a flag that is none", application.delete, { query: { cascade: "perhaps" } }, "cascade"],
    ["a number that is none", application.podLogs, { query: { tailLines: "many" } }, "tailLines"],
    [
      "a number beyond safety",
      AccountService.method.createToken,
      { body: { expiresIn: "99999999999999999999" } },
      "expiresIn",
    ],
  ] as const)("refuses %s", (_name, method, parts, field) => {
    expect(() => requestOf(method.input, bindingsOf(method)[0]!, { ...none, ...parts })).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", details: expect.objectContaining({ field }) }),
    );
  });

  it("refuses a body that is no object", () => {
    expect(() => requestOf(application.sync.input, bindingsOf(application.sync)[0]!, { ...none, body: [1] })).toThrow(
      "JSON object",
    );
  });
});
