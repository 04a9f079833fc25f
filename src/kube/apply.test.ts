import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { annotation } from "#model/names.ts";
import type { KubernetesObject } from "#model/object.ts";
import { applyObject, kubectlName, withLastApplied, type ApplyOptions, type ApplyResult } from "./apply.ts";
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
import type { KubeClient, ResourceType } from "./types.ts";

const widgets: ResourceType = {
  group: "example.com",
  version: "v1",
  kind: "Widget",
  plural: "widgets",
  singular: "widget",
  shortNames: [],
  categories: [],
  namespaced: true,
  verbs: [],
  subresources: [],
};
const desired: KubernetesObject = {
  apiVersion: "example.com/v1",
  kind: "Widget",
  metadata: { name: "w", namespace: "default" },
  spec: { size: 2 },
};
const path = "/apis/example.com/v1/namespaces/default/widgets";

let server: FakeServer;
let client: KubeClient;
let live: KubernetesObject | undefined;
/** Answers for a method instead of the usual, one for each request. */
let refusals: { method: string; status: number; reason: string }[];

beforeEach(async () => {
  live = undefined;
  refusals = [];
  server = await startFakeServer((request, response) => {
    const refusal = refusals.findIndex(({ method }) => method === request.method);
    const [refused] = refusal < 0 ? [] : refusals.splice(refusal, 1);
    if (refused !== undefined) return refuse(response, refused.status, refused.reason, refused.reason);
    if (request.method === "DELETE") live = undefined;
    if (request.method === "GET" || request.method === "DELETE") {
      return live === undefined ? refuse(response, 404, "NotFound", "not found") : answer(response, 200, live);
    }
    if (request.method === "POST" && live !== undefined)
      return refuse(response, 409, "AlreadyExists", "already exists");
    const body = JSON.parse(request.body) as KubernetesObject;
    const metadata = {
      ...live?.metadata,
      ...body.metadata,
      uid: "u",
      resourceVersion: `${100 + server.requests.length}`,
    };
    const written = { ...live, ...body, metadata };
    if (request.query.get("dryRun") === null) live = written;
    answer(response, 200, written);
  });
  client = createClient(
    { name: "fake", server: server.url, tls: {}, auth: anonymous },
    { clock: quickClock, random: fixedRandom, userAgent: "driftless/test" },
  );
});
afterEach(async () => {
  await client.close();
  await server.close();
});

const apply = (options: Partial<ApplyOptions> = {}, object = desired): Promise<ApplyResult> =>
  applyObject(
    operation(),
    client,
    { type: widgets, object },
    { clock: quickClock, fieldManager: "argocd-controller", ...options },
  );
const sent = (): string[] => server.requests.map(({ method }) => method);
const there = (fields: Record<string, unknown> = {}): KubernetesObject => {
  live = { ...withLastApplied({ ...desired, ...fields }) };
  return (live = { ...live, metadata: { ...live.metadata, uid: "u", resourceVersion: "1" } });
};

describe("client-side apply", () => {
  test("an object known to be absent costs one POST", async () => {
    const result = await apply({ live: null });
    expect(result).toMatchObject({ outcome: "created", changed: true, message: "widget.example.com/w created" });
    expect(sent()).toEqual(["POST"]);
    expect(server.requests[0]?.path).toBe(path);
    expect(server.requests[0]?.query.get("fieldValidation")).toBe("Strict");
    expect(live?.metadata.annotations?.[annotation.lastApplied]).toContain('"spec":{"size":2}');
  });

  test("one that was there after all is patched", async () => {
    there({ spec: { size: 1 } });
    expect(await apply({ live: null })).toMatchObject({ outcome: "configured" });
    expect(sent()).toEqual(["POST", "GET", "PATCH"]);
  });

  test("one that is as desired costs nothing", async () => {
    const result = await apply({ live: there() });
    expect(result).toMatchObject({ outcome: "unchanged", changed: false, message: "widget.example.com/w unchanged" });
    expect(sent()).toEqual([]);
  });

  test("the patch sets what differs, removes what was applied before, and leaves the rest", async () => {
    const before = there({ spec: { size: 1, old: true } });
    const result = await apply({ live: { ...before, spec: { size: 1, old: true, defaulted: "x" } } });
    expect(result.message).toBe("widget.example.com/w configured");
    const [patch] = server.requests;
    expect(patch?.headers["content-type"]).toBe("application/merge-patch+json");
    expect(JSON.parse(patch?.body ?? "")).toMatchObject({ spec: { size: 2, old: null } });
    expect(patch?.body).not.toContain('defaulted":');
  });

  test("a conflict is repeated with the object as it is then", async () => {
    const stale = there({ spec: { size: 1 } });
    refusals = [{ method: "PATCH", status: 409, reason: "Conflict" }];
    expect(await apply({ live: stale })).toMatchObject({ outcome: "configured" });
    expect(sent()).toEqual(["PATCH", "GET", "PATCH"]);
  });

  test("an object that is gone meanwhile is created", async () => {
    const stale = there({ spec: { size: 1 } });
    live = undefined;
    refusals = [{ method: "PATCH", status: 404, reason: "NotFound" }];
    expect(await apply({ live: stale })).toMatchObject({ outcome: "created" });
    expect(sent()).toEqual(["PATCH", "GET", "POST"]);
  });

  test("what cannot be changed is refused, or with force deleted and created", async () => {
    const before = there({ spec: { size: 1 } });
    refusals = [{ method: "PATCH", status: 422, reason: "Invalid" }];
    await expect(apply({ live: before })).rejects.toMatchObject({ code: "KUBERNETES_REFUSED" });
    server.requests.length = 0;
    refusals = [{ method: "PATCH", status: 422, reason: "Invalid" }];
    expect(await apply({ live: before, force: true })).toMatchObject({ outcome: "configured", changed: true });
    expect(sent()).toEqual(["PATCH", "DELETE", "GET", "POST"]);
    expect(JSON.parse(server.requests[1]?.body ?? "")).toMatchObject({ preconditions: { uid: "u" } });
  });

  test("a namespace that is not there is an error, not a reason to try again", async () => {
    refusals = [{ method: "POST", status: 404, reason: "NotFound" }];
    await expect(apply({ live: null })).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(sent()).toEqual(["POST"]);
  });

  test("dry runs change nothing and say so", async () => {
    const before = there({ spec: { size: 1 } });
    expect((await apply({ live: before, dryRun: "client" })).message).toBe("widget.example.com/w configured (dry run)");
    expect(sent()).toEqual([]);
    const server1 = await apply({ live: before, dryRun: "server" });
    expect(server1.message).toBe("widget.example.com/w configured (server dry run)");
    expect(server.requests[0]?.query.get("dryRun")).toBe("All");
  });

  test("generateName always creates", async () => {
    const hook = { ...desired, metadata: { generateName: "hook-", namespace: "default" } };
    expect(await apply({}, hook)).toMatchObject({ outcome: "created" });
    expect(sent()).toEqual(["POST"]);
  });
});

test("server-side apply is one patch that takes fields over, and tells whether anything changed", async () => {
  const before = there();
  const result = await apply({ live: before, method: "server-side", validate: false });
  expect(result).toMatchObject({ outcome: "serverside-applied", changed: true });
  expect(result.message).toBe("widget.example.com/w serverside-applied");
  const [patch] = server.requests;
  expect(sent()).toEqual(["PATCH"]);
  expect(patch?.headers["content-type"]).toBe("application/apply-patch+yaml");
  expect([...(patch?.query ?? [])]).toEqual([
    ["fieldManager", "argocd-controller"],
    ["fieldValidation", "Ignore"],
    ["force", "true"],
  ]);
  const same = { ...before, metadata: { ...before.metadata, resourceVersion: `${101 + server.requests.length}` } };
  expect((await apply({ live: same, method: "server-side" })).changed).toBe(false);
});

describe("replace", () => {
  test("puts the object over the version that is there", async () => {
    const before = there({ spec: { size: 1 } });
    expect(await apply({ live: before, method: "replace" })).toMatchObject({ outcome: "replaced" });
    expect(sent()).toEqual(["PUT"]);
    expect(JSON.parse(server.requests[0]?.body ?? "")).toMatchObject({ metadata: { resourceVersion: "1" } });
  });
  test("creates where there is none", async () => {
    expect(await apply({ method: "replace" })).toMatchObject({ outcome: "created" });
    expect(sent()).toEqual(["GET", "POST"]);
  });
  test("with force deletes and creates", async () => {
    const before = there();
    expect(await apply({ live: before, method: "replace", force: true })).toMatchObject({ outcome: "replaced" });
    expect(sent()).toEqual(["DELETE", "GET", "POST"]);
  });
});

test("last-applied is what kubectl writes: sorted, HTML escaped, with a line end, without itself", () => {
  const object = { ...desired, metadata: { name: "w", annotations: { b: "<&>", [annotation.lastApplied]: "old" } } };
  expect(withLastApplied(object).metadata.annotations?.[annotation.lastApplied]).toBe(
    '{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"annotations":{"b":"\\u003c\\u0026\\u003e"},"name":"w"},"spec":{"size":2}}\n',
  );
});

test("objects are named as kubectl names them", () => {
  expect(kubectlName({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } })).toBe("configmap/a");
  expect(kubectlName({ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "a" } })).toBe("deployment.apps/a");
});
