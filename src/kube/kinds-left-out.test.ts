import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createLiveCache, type LiveCache, type LiveCacheOptions } from "./cache.ts";
import { createClient } from "./client.ts";
import { anonymous } from "./connection.ts";
import {
  aggregatedDiscovery,
  answer,
  FakeKind,
  fixedRandom,
  operation,
  quickClock,
  refuse,
  startFakeServer,
  until,
  type FakeRequest,
  type FakeServer,
} from "./testing/fake-server.ts";
import type { KubeClient } from "./types.ts";

let server: FakeServer;
let client: KubeClient;
let caches: LiveCache[];
let configMaps: FakeKind;
let secrets: FakeKind;
/** Kinds whose lists and watches are refused. */
let forbidden: Set<string>;
let reviews: { allowed: boolean } | undefined;

function handle(request: FakeRequest, response: ServerResponse): void {
  const kinds = [configMaps, secrets];
  if (request.path === "/api") {
    answer(
      response,
      200,
      aggregatedDiscovery(
        "",
        kinds.map((kind) => kind.discoveryEntry()),
      ),
    );
    return;
  }
  if (request.path === "/apis") {
    answer(response, 200, { kind: "APIGroupDiscoveryList", items: [] });
    return;
  }
  if (request.path.endsWith("/selfsubjectaccessreviews") && reviews) {
    answer(response, 201, { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectAccessReview", status: reviews });
    return;
  }
  const kind = kinds.find(({ path }) => path === request.path);
  if (kind === undefined) refuse(response, 404, "NotFound", "the server could not find the requested resource");
  else if (forbidden.has(kind.path)) refuse(response, 403, "Forbidden", "you may not list this");
  else if (request.query.get("watch") !== "true") kind.list(response);
  else kind.watch(request, response);
}

async function started(options: Partial<LiveCacheOptions>): Promise<LiveCache> {
  const cache = createLiveCache(client, {
    clock: quickClock,
    random: fixedRandom,
    tagOf: ({ annotations }) => annotations?.["app"],
    ...options,
  });
  caches.push(cache);
  await cache.start(operation());
  return cache;
}
const names = (cache: LiveCache): string[] => [...cache.entries()].map(({ key }) => `${key.kind}/${key.name}`).sort();
const key = (kind: string, name: string) => ({ group: "", kind, namespace: "default", name });

beforeEach(async () => {
  configMaps = new FakeKind("configmaps", "ConfigMap");
  secrets = new FakeKind("secrets", "Secret");
  configMaps.put("a", {}, { annotations: { app: "shop" } });
  secrets.put("b", {}, { annotations: { app: "shop" } });
  forbidden = new Set();
  reviews = undefined;
  caches = [];
  server = await startFakeServer(handle);
  client = createClient(
    { name: "fake", server: server.url, tls: {}, auth: anonymous },
    { clock: quickClock, random: fixedRandom, userAgent: "driftless/test" },
  );
});
afterEach(async () => {
  await Promise.all(caches.map((cache) => cache.stop()));
  await client.close();
  await server.close();
});

test("a kind that is left out from now on is gone at once, its watch soon after; it comes back when it is let in", async () => {
  let out = new Set<string>();
  const cache = await started({ include: ({ kind }) => !out.has(kind) });
  expect(names(cache)).toEqual(["ConfigMap/a", "Secret/b"]);

  out = new Set(["Secret"]);
  cache.reconsider(() => false);

  expect(cache.get(key("Secret", "b"))).toBe(undefined);
  expect([...cache.tagged("shop")].map((entry) => entry.key.name)).toEqual(["a"]);
  await until("the entries to go", () => names(cache).join() === "ConfigMap/a");
  await until("the watch to end", () => secrets.watches.size === 0);
  secrets.put("c");
  configMaps.put("d");
  await until("another change", () => names(cache).includes("ConfigMap/d"));
  expect(names(cache).join()).not.toContain("Secret");

  out = new Set();
  cache.reconsider(() => false);

  await until("the kind to come back", () => names(cache).includes("Secret/c"));
  expect(cache.get(key("Secret", "b"))?.tag).toBe("shop");
});

test("facts are read anew of kinds whose facts are others now", async () => {
  // Nothing that an application manages: only metadata is read at first.
  configMaps = new FakeKind("configmaps", "ConfigMap");
  configMaps.put("plain");
  let said = "first";
  const covered = new Set<string>();
  const cache = await started({
    describe: { covers: ({ kind }) => covered.has(kind), of: () => [{ name: "said", value: said }] },
  });
  const fact = (): string | undefined => cache.get(key("ConfigMap", "plain"))?.info?.[0]?.value;
  covered.add("ConfigMap");
  said = "before";
  cache.reconsider(() => false);
  await until("a kind that is described now", () => fact() === "before");
  said = "after";
  cache.reconsider(({ kind }) => kind === "ConfigMap");
  await until("its facts anew", () => fact() === "after");
});

describe("kinds that may not be listed", () => {
  beforeEach(() => {
    forbidden = new Set([secrets.path]);
  });

  test("are a problem of the cluster, unless told otherwise", async () => {
    const cache = await started({});
    expect(cache.problems().map(({ type }) => type.kind)).toEqual(["Secret"]);
    expect(names(cache)).toEqual(["ConfigMap/a"]);
  });

  test("are left out with `normal`, and looked at again when that changes", async () => {
    let mode: "normal" | "off" = "normal";
    const cache = await started({ respectRbac: () => mode });
    await until("the kind to be left out", () => cache.problems().length === 0);
    mode = "off";
    forbidden.clear();
    cache.reconsider(() => false);
    await until("the kind to come back", () => names(cache).includes("Secret/b"));
  });

  test.each([
    ["allows listing", true, ["Secret"]],
    ["denies listing", false, []],
  ] as const)("with `strict` where an access review %s", async (_, allowed, problems) => {
    reviews = { allowed };
    const cache = await started({ respectRbac: () => "strict" });
    await until("the review", () => server.requests.some(({ path }) => path.endsWith("/selfsubjectaccessreviews")));
    await until("its outcome", () => cache.problems().length === problems.length);
    expect(cache.problems().map(({ type }) => type.kind)).toEqual(problems);
  });
});
