import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createClient } from "./client.ts";
import { anonymous } from "./connection.ts";
import {
  answer,
  fixedRandom,
  operation,
  quickClock,
  refuse,
  startFakeServer,
  type FakeServer,
} from "./testing/fake-server.ts";
import type { KubeClient } from "./types.ts";

let server: FakeServer;
let client: KubeClient;
/** Answers by path; a number is a refusal with that status. */
let answers: Record<string, unknown>;

beforeEach(async () => {
  answers = {};
  server = await startFakeServer(({ path }, response) => {
    const found = answers[path];
    if (found === undefined) refuse(response, 404, "NotFound", `no ${path}`);
    else if (typeof found === "number") refuse(response, found, "ServiceUnavailable", `${path} is broken`);
    else answer(response, 200, found);
  });
  client = createClient(
    { name: "fake", server: server.url, tls: {}, auth: anonymous },
    { clock: quickClock, random: fixedRandom, userAgent: "driftless/test", attempts: 1 },
  );
});
afterEach(async () => {
  await client.close();
  await server.close();
});

const entry = (kind: string, more: object = {}): object => ({
  resource: `${kind.toLowerCase()}s`,
  responseKind: { group: "", version: "", kind },
  scope: "Namespaced",
  singularResource: kind.toLowerCase(),
  verbs: ["get", "list", "watch"],
  ...more,
});
const aggregated = (items: unknown[]): unknown => ({ kind: "APIGroupDiscoveryList", items });
const core = aggregated([
  {
    metadata: {},
    versions: [
      {
        version: "v1",
        resources: [entry("Pod", { shortNames: ["po"], categories: ["all"], subresources: [{ subresource: "log" }] })],
      },
    ],
  },
]);

describe("aggregated", () => {
  beforeEach(() => {
    answers = {
      "/api": core,
      "/apis": aggregated([
        {
          metadata: { name: "example.com" },
          versions: [
            { version: "v2", resources: [entry("Widget")] },
            { version: "v1", resources: [entry("Widget"), entry("Old", { scope: "Cluster" })] },
          ],
        },
        { metadata: { name: "metrics.k8s.io" }, versions: [{ version: "v1beta1", freshness: "Stale" }] },
      ]),
    };
  });

  test("two requests tell all; the first version of a group that has a kind is preferred", async () => {
    const all = await client.discovery.all(operation());
    expect(server.requests.map(({ path }) => path).sort()).toEqual(["/api", "/apis"]);
    expect(all.map(({ group, version, kind }) => `${group}/${version}/${kind}`)).toEqual([
      "/v1/Pod",
      "example.com/v2/Widget",
      "example.com/v1/Old",
    ]);
    expect(all[0]).toEqual({
      group: "",
      version: "v1",
      kind: "Pod",
      plural: "pods",
      singular: "pod",
      shortNames: ["po"],
      categories: ["all"],
      namespaced: true,
      verbs: ["get", "list", "watch"],
      subresources: ["log"],
    });
    const older = await client.discovery.find(operation(), { group: "example.com", version: "v1", kind: "Widget" });
    expect(older?.version).toBe("v1");
    expect(server.requests).toHaveLength(2);
  });

  test("a group whose server does not answer is named, and the others are there", async () => {
    await client.discovery.all(operation());
    expect(client.discovery.failures()).toMatchObject([{ groupVersion: "metrics.k8s.io/v1beta1" }]);
  });

  test("concurrent questions share one answer; invalidate makes the next ask again", async () => {
    await Promise.all([1, 2, 3].map(() => client.discovery.all(operation())));
    expect(server.requests).toHaveLength(2);
    client.discovery.invalidate();
    await client.discovery.all(operation());
    expect(server.requests).toHaveLength(4);
  });

  test("an unknown kind right after the answer is not asked for again", async () => {
    await client.discovery.all(operation());
    expect(await client.discovery.find(operation(), { group: "example.com", kind: "None" })).toBeUndefined();
    expect(server.requests).toHaveLength(2);
  });
});

describe("legacy", () => {
  beforeEach(() => {
    answers = {
      "/api": { kind: "APIVersions", versions: ["v1"] },
      "/api/v1": {
        resources: [
          { name: "pods", singularName: "", namespaced: true, kind: "Pod", verbs: ["list"], shortNames: ["po"] },
          { name: "pods/log", singularName: "", namespaced: true, kind: "Pod", verbs: ["get"] },
        ],
      },
      "/apis": {
        kind: "APIGroupList",
        groups: [
          {
            name: "example.com",
            versions: [{ version: "v1" }, { version: "v2" }],
            preferredVersion: { version: "v2" },
          },
        ],
      },
      "/apis/example.com/v2": { resources: [{ name: "widgets", namespaced: true, kind: "Widget", verbs: ["list"] }] },
      "/apis/example.com/v1": 503,
    };
  });

  test("each group version is asked, the preferred one first, and one that fails is named", async () => {
    const all = await client.discovery.all(operation());
    expect(all).toMatchObject([
      { group: "", version: "v1", kind: "Pod", singular: "pod", subresources: ["log"] },
      { group: "example.com", version: "v2", kind: "Widget" },
    ]);
    expect(client.discovery.failures()).toEqual([
      { groupVersion: "example.com/v1", message: "/apis/example.com/v1 is broken" },
    ]);
  });
});

test("a server that does not answer is an error, and is asked again the next time", async () => {
  answers = { "/api": 503, "/apis": 503 };
  await expect(client.discovery.all(operation())).rejects.toMatchObject({ code: "CLUSTER_UNREACHABLE" });
  answers = { "/api": core, "/apis": aggregated([]) };
  expect(await client.discovery.all(operation())).toHaveLength(1);
});

describe("schemas", () => {
  const gvk = { group: "example.com", version: "v1", kind: "Widget" };
  const document = (hash: string): string => `/openapi/v3/apis/example.com/v1?hash=${hash}`;
  const openapi = (type: string): unknown => ({
    openapi: "3.0.0",
    components: {
      schemas: {
        "com.example.v1.Widget": {
          type: "object",
          properties: { size: { type } },
          "x-kubernetes-group-version-kind": [gvk],
        },
      },
    },
  });
  const index = (hash: string): unknown => ({
    paths: { "apis/example.com/v1": { serverRelativeURL: document(hash) } },
  });
  const documents = (): number => server.requests.filter(({ path }) => path.startsWith("/openapi/v3/")).length;

  test("a document is read once for all its kinds, and again when its hash changes", async () => {
    answers = { "/openapi/v3": index("A"), "/openapi/v3/apis/example.com/v1": openapi("integer") };
    const [type] = await Promise.all([1, 2].map(() => client.schemas.typeOf(operation(), gvk)));
    expect(type).toMatchObject({ kind: "struct", fields: { size: { kind: "scalar", type: "integer" } } });
    client.schemas.invalidate();
    await client.schemas.typeOf(operation(), gvk);
    expect(documents()).toBe(1);
    answers = { "/openapi/v3": index("B"), "/openapi/v3/apis/example.com/v1": openapi("string") };
    client.schemas.invalidate();
    expect(await client.schemas.typeOf(operation(), gvk)).toMatchObject({ fields: { size: { type: "string" } } });
    expect(documents()).toBe(2);
  });

  test.each([
    ["no index", {}],
    ["a broken index", { "/openapi/v3": "{" }],
    ["no such group version", { "/openapi/v3": { paths: {} } }],
    ["no document", { "/openapi/v3": index("A") }],
    ["a broken document", { "/openapi/v3": index("A"), "/openapi/v3/apis/example.com/v1": "{" }],
    ["a document without schemas", { "/openapi/v3": index("A"), "/openapi/v3/apis/example.com/v1": {} }],
  ])("%s gives no schema and no error", async (_name, given) => {
    answers = given;
    expect(await client.schemas.typeOf(operation(), gvk)).toBeUndefined();
  });
});
