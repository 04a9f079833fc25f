import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ObjectKey } from "#model/object.ts";
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

const key = (name: string, kind = "ConfigMap"): ObjectKey => ({ group: "", kind, namespace: "default", name });
const tracked = (application: string): Record<string, unknown> => ({ annotations: { app: application } });

let server: FakeServer;
let client: KubeClient;
let cache: LiveCache;
let configMaps: FakeKind;
let kinds: FakeKind[];
let streaming: boolean;
/** What a test does with a list or watch before the usual answer: true, it has answered. */
let intercept: (request: FakeRequest, response: ServerResponse) => boolean;
let changes: string[];

function handle(request: FakeRequest, response: ServerResponse): void {
  if (intercept(request, response)) return;
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
  const kind = kinds.find(({ path }) => path === request.path);
  if (kind === undefined) refuse(response, 404, "NotFound", "the server could not find the requested resource");
  else if (request.query.get("watch") !== "true") kind.list(response);
  else if (request.query.get("sendInitialEvents") === "true" && !streaming) {
    refuse(
      response,
      422,
      "Invalid",
      "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled",
    );
  } else kind.watch(request, response);
}

function make(options: Partial<LiveCacheOptions> = {}): LiveCache {
  const made = createLiveCache(client, {
    clock: quickClock,
    random: fixedRandom,
    tagOf: ({ annotations }) => annotations?.["app"],
    ...options,
  });
  made.subscribe(({ before, after }) => {
    const name = (after ?? before)?.key.name ?? "";
    changes.push(`${before === undefined ? "+" : after === undefined ? "-" : "~"}${name}`);
  });
  return made;
}

const watching = (): Promise<void> => until("a watch", () => configMaps.watches.size > 0);
const requestsOf = (path: string): FakeRequest[] => server.requests.filter((request) => request.path === path);

beforeEach(async () => {
  configMaps = new FakeKind("configmaps", "ConfigMap");
  kinds = [configMaps];
  streaming = true;
  intercept = () => false;
  changes = [];
  server = await startFakeServer(handle);
  client = createClient(
    { name: "fake", server: server.url, tls: {}, auth: anonymous },
    { clock: quickClock, random: fixedRandom, userAgent: "driftless/test" },
  );
  cache = make();
});
afterEach(async () => {
  await cache.stop();
  await client.close();
  await server.close();
});

test("a streaming list that the server ends before its end counts for nothing: the kind is read in pages", async () => {
  configMaps.put("a");
  configMaps.put("b");
  let cut = 0;
  intercept = (request, response) => {
    if (request.path !== configMaps.path || request.query.get("sendInitialEvents") !== "true") return false;
    cut++;
    response.writeHead(200, { "content-type": "application/json" });
    response.end(`${JSON.stringify({ type: "ADDED", object: configMaps.objects.get("a") })}\n`);
    return true;
  };
  await cache.start(operation());
  expect(cut).toBe(1);
  expect([...cache.entries()].map((entry) => entry.key.name).sort()).toEqual(["a", "b"]);
  await watching();
  expect(requestsOf(configMaps.path).at(-1)?.query.get("resourceVersion")).toBe(`${configMaps.version}`);
  expect(cache.problems()).toEqual([]);
});

describe.each([true, false])("with streaming lists: %s", (withStreaming) => {
  beforeEach(() => {
    streaming = withStreaming;
  });

  test("what is there is known after the start, what changes soon after", async () => {
    configMaps.put("a");
    configMaps.put("b", {}, tracked("shop"));
    await cache.start(operation());
    expect([...cache.entries()].map((entry) => entry.key.name).sort()).toEqual(["a", "b"]);
    expect([...cache.tagged("shop")].map((entry) => entry.key.name)).toEqual(["b"]);
    await watching();
    configMaps.put("c");
    configMaps.remove("a");
    await until("the changes", () => cache.get(key("c")) !== undefined && cache.get(key("a")) === undefined);
    expect(cache.problems()).toEqual([]);
  });

  test("a watch that ends is resumed from the last version, without a list", async () => {
    configMaps.put("a");
    await cache.start(operation());
    await watching();
    configMaps.put("b");
    await until("b", () => cache.get(key("b")) !== undefined);
    const { version } = configMaps;
    server.requests.length = 0;
    configMaps.endWatches();
    await watching();
    const [again] = requestsOf(configMaps.path);
    expect(again?.query.get("resourceVersion")).toBe(`${version}`);
    expect(again?.query.get("sendInitialEvents")).toBeNull();
  });

  test("a bookmark moves the version from which a watch is resumed", async () => {
    await cache.start(operation());
    await watching();
    configMaps.version = 5000;
    configMaps.send(configMaps.bookmark());
    // The bookmark is taken before the end of the same stream.
    server.requests.length = 0;
    configMaps.endWatches();
    await watching();
    expect(requestsOf(configMaps.path)[0]?.query.get("resourceVersion")).toBe("5000");
  });

  test("after 410 it lists again and tells of what went and came meanwhile", async () => {
    configMaps.put("stays", { data: { n: "1" } });
    configMaps.put("goes");
    await cache.start(operation());
    await watching();
    let expired = false;
    intercept = (request, response) => {
      if (request.query.get("watch") !== "true" || request.query.get("sendInitialEvents") === "true" || expired)
        return false;
      expired = true;
      response.writeHead(200);
      response.end(
        `${JSON.stringify({ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired", message: "too old" } })}\n`,
      );
      return true;
    };
    changes.length = 0;
    const [watch] = configMaps.watches;
    configMaps.watches.clear(); // nobody hears of what follows
    configMaps.remove("goes");
    configMaps.put("comes");
    watch?.end();
    await until("the relist", () => cache.get(key("goes")) === undefined);
    expect(expired).toBe(true);
    expect(changes.sort()).toEqual(["+comes", "-goes"]);
  });
});

test("a connection that breaks is taken up again, and a list cut off in the middle deletes nothing", async () => {
  configMaps.put("a");
  configMaps.put("b");
  await cache.start(operation());
  await watching();
  let cuts = 2;
  intercept = (request, response) => {
    if (request.query.get("watch") !== "true") return false;
    if (request.query.get("sendInitialEvents") !== "true") {
      refuse(response, 410, "Expired", "too old");
      return true;
    }
    if (cuts-- <= 0) return false;
    const object = configMaps.objects.get("a");
    response.writeHead(200);
    response.write(`${JSON.stringify({ type: "ADDED", object })}\n{"type":"ADDED","obj`, () =>
      response.socket?.destroy(),
    );
    return true;
  };
  changes.length = 0;
  configMaps.endWatches();
  await until("the third list", () => cuts < 0);
  await until("the end of the list", () => cache.problems().length === 0);
  expect(changes).toEqual([]);
  expect(cache.get(key("b"))).toBeDefined();
});

test("a watch that the server refuses for a while is a problem until it is taken up again", async () => {
  configMaps.put("a");
  await cache.start(operation());
  await watching();
  let down = true;
  intercept = (_request, response) => {
    if (down) refuse(response, 503, "ServiceUnavailable", "starting");
    return down;
  };
  configMaps.endWatches();
  await until("the problem", () => cache.problems()[0]?.error.code === "CLUSTER_UNREACHABLE");
  expect(cache.get(key("a"))).toBeDefined();
  down = false;
  await until("its end", () => cache.problems().length === 0);
  expect(changes).toEqual(["+a"]);
});

test("times are kept to the second, and what is being deleted says so", async () => {
  configMaps.put("a", {}, { creationTimestamp: "2026-11-21T08:09:10Z" });
  configMaps.put("b", {}, { creationTimestamp: "1999-01-02T03:04:05Z", deletionTimestamp: "2026-01-01T00:00:00Z" });
  await cache.start(operation());
  expect(cache.get(key("a"))).toMatchObject({ createdAt: "2026-11-21T08:09:10Z", deleting: false });
  expect(cache.get(key("b"))).toMatchObject({ createdAt: "1999-01-02T03:04:05Z", deleting: true });
});

describe("depth", () => {
  test("of kinds that nobody manages only metadata is read", async () => {
    configMaps.put("a", { data: { big: "text" } });
    await cache.start(operation());
    expect(cache.get(key("a"))).toMatchObject({ uid: "uid-a", resourceVersion: "2" });
    expect(cache.get(key("a"))?.object).toBeUndefined();
    expect(requestsOf(configMaps.path).every(({ headers }) => headers.accept?.includes("PartialObjectMetadata"))).toBe(
      true,
    );
  });

  test("a tagged object makes its kind be read in full", async () => {
    intercept = (request, response) => {
      if (!request.headers.accept?.includes("PartialObjectMetadata") || request.path !== configMaps.path) return false;
      // As a real server does: partial metadata.
      const items = [...configMaps.objects.values()].map(({ metadata }) => ({
        apiVersion: "meta.k8s.io/v1",
        kind: "PartialObjectMetadata",
        metadata,
      }));
      response.writeHead(200);
      for (const object of items) response.write(`${JSON.stringify({ type: "ADDED", object })}\n`);
      response.write(`${JSON.stringify(configMaps.bookmark(true))}\n`);
      return true;
    };
    configMaps.put("a", { data: { n: "1" } }, tracked("shop"));
    await cache.start(operation());
    expect(cache.get(key("a"))?.object).toMatchObject({ kind: "ConfigMap", data: { n: "1" } });
  });

  test("manage reads a kind in full; managedFields are not kept", async () => {
    configMaps.put("a", { data: { n: "1" } }, { managedFields: [{ manager: "m", operation: "Update" }] });
    await cache.manage([{ group: "", kind: "ConfigMap" }]);
    await cache.start(operation());
    const object = cache.get(key("a"))?.object;
    expect(object).toMatchObject({ apiVersion: "v1", kind: "ConfigMap", data: { n: "1" } });
    expect(object?.metadata).not.toHaveProperty("managedFields");
  });

  test("what a controller owns is not kept in full, but is found by its owner", async () => {
    const owner = { apiVersion: "apps/v1", kind: "Deployment", name: "web", uid: "uid-web", controller: true };
    configMaps.put("a", {}, { ownerReferences: [owner] });
    configMaps.put("b", {}, { ownerReferences: [owner] });
    await cache.manage([{ group: "", kind: "ConfigMap" }]);
    await cache.start(operation());
    expect([...cache.children("uid-web")].map((entry) => entry.key.name)).toEqual(["a", "b"]);
    expect(cache.get(key("a"))?.object).toBeUndefined();
    await watching();
    configMaps.remove("a");
    await until("the removal", () => [...cache.children("uid-web")].length === 1);
  });
});

describe("writes of our own", () => {
  beforeEach(async () => {
    configMaps.put("a", { data: { n: "1" } });
    await cache.manage([{ group: "", kind: "ConfigMap" }]);
    await cache.start(operation());
    await watching();
    changes.length = 0;
  });

  test("are known at once, and the watch's event for them changes nothing more", async () => {
    const object = configMaps.make("a", { data: { n: "2" } });
    cache.observe(object);
    expect(cache.get(key("a"))?.object?.["data"]).toEqual({ n: "2" });
    configMaps.send({ type: "MODIFIED", object });
    configMaps.put("last");
    await until("the last event", () => cache.get(key("last")) !== undefined);
    expect(changes).toEqual(["~a", "+last"]);
  });

  test("do not go back behind what the watch told", async () => {
    const ours = configMaps.make("a", { data: { n: "2" } });
    configMaps.put("a", { data: { n: "3" } });
    await until("the watch", () => cache.get(key("a"))?.object?.["data"] !== undefined && changes.length === 1);
    cache.observe(ours);
    expect(cache.get(key("a"))?.object?.["data"]).toEqual({ n: "3" });
  });

  test("do not bring back what was deleted since", async () => {
    const ours = configMaps.make("b");
    configMaps.objects.set("b", ours);
    configMaps.remove("b");
    configMaps.put("last");
    await until("the last event", () => cache.get(key("last")) !== undefined);
    cache.observe(ours);
    expect(cache.get(key("b"))).toBeUndefined();
  });

  test("are not undone by the events of a watch that is behind", async () => {
    const older = configMaps.make("a", { data: { n: "2" } });
    cache.observe(configMaps.make("a", { data: { n: "3" } }));
    configMaps.send({ type: "MODIFIED", object: older });
    configMaps.send({ type: "DELETED", object: older });
    configMaps.put("last");
    await until("the last event", () => cache.get(key("last")) !== undefined);
    expect(cache.get(key("a"))?.object?.["data"]).toEqual({ n: "3" });
  });
});

test("a kind that may not be read is a problem, and the others are read", async () => {
  const secrets = new FakeKind("secrets", "Secret");
  kinds.push(secrets);
  let forbidden = true;
  intercept = (request, response) => {
    if (request.path !== secrets.path || !forbidden) return false;
    refuse(response, 403, "Forbidden", "secrets is forbidden");
    return true;
  };
  configMaps.put("a");
  secrets.put("s");
  await cache.start(operation());
  expect(cache.problems()).toMatchObject([{ type: { kind: "Secret" }, error: { code: "PERMISSION_DENIED" } }]);
  expect(cache.get(key("a"))).toBeDefined();
  forbidden = false;
  await until("the next try", () => cache.get(key("s", "Secret")) !== undefined);
  expect(cache.problems()).toEqual([]);
});

describe("kinds come and go", () => {
  let definitions: FakeKind;
  let widgets: FakeKind;
  beforeEach(async () => {
    definitions = new FakeKind("customresourcedefinitions", "CustomResourceDefinition");
    widgets = new FakeKind("widgets", "Widget");
    intercept = (request, response) => {
      const group = "apiextensions.k8s.io";
      if (request.path === "/apis") {
        answer(response, 200, aggregatedDiscovery(group, [{ ...definitions.discoveryEntry(), scope: "Cluster" }]));
        return true;
      }
      if (request.path !== `/apis/${group}/v1/customresourcedefinitions`) return false;
      definitions.watch(request, response);
      return true;
    };
    await cache.start(operation());
    await until("the definitions' watch", () => definitions.watches.size > 0);
    widgets.put("w");
    kinds.push(widgets);
    definitions.put("widgets.", {}, { namespace: undefined });
    await until("the widget", () => cache.get(key("w", "Widget")) !== undefined);
  });

  test("a definition makes its kind be watched; the kind's end takes its objects away", async () => {
    expect(cache.types().map(({ kind }) => kind)).toContain("Widget");
    kinds.pop();
    changes.length = 0;
    definitions.remove("widgets.");
    await until("the widget's end", () => cache.get(key("w", "Widget")) === undefined);
    expect(changes).toContain("-w");
  });

  test("a kind that discovery forgets for a moment but that is still served keeps its objects", async () => {
    const usual = intercept;
    let asked = 0;
    intercept = (request, response) => {
      if (request.path !== "/api") return usual(request, response);
      asked++;
      answer(response, 200, aggregatedDiscovery("", [configMaps.discoveryEntry()]));
      return true;
    };
    definitions.put("widgets.", {}, { namespace: undefined });
    await until("two more discoveries", () => asked > 1);
    expect(cache.types().map(({ kind }) => kind)).not.toContain("Widget");
    expect(cache.get(key("w", "Widget"))).toBeDefined();
  });
});

test("what named managers own is kept of a kind from when it is asked for", async () => {
  const entry = { manager: "scaler", operation: "Update", apiVersion: "v1", fieldsType: "FieldsV1" };
  const fieldsV1 = { "f:data": { "f:a": {} } };
  configMaps.put("a", { data: { a: "1" } }, { ...tracked("app"), managedFields: [{ ...entry, fieldsV1 }] });
  await cache.manage([{ group: "", kind: "ConfigMap" }]);
  await cache.start(operation());
  const kept = () => cache.get(key("a"))?.object?.metadata.managedFields;
  expect(kept()).toBeUndefined();

  await cache.keepFieldsOf({ group: "", kind: "ConfigMap" }, ["scaler"]);
  expect(kept()).toEqual([{ ...entry, fieldsText: JSON.stringify(fieldsV1) }]);

  // Asked for again, nothing is listed again.
  changes.length = 0;
  await cache.keepFieldsOf({ group: "", kind: "ConfigMap" }, ["scaler"]);
  expect(changes).toEqual([]);
  // An object as a write got it back is kept the same way.
  const written = configMaps.make(
    "a",
    { data: { a: "2" } },
    { ...tracked("app"), managedFields: [{ ...entry, fieldsV1 }] },
  );
  cache.observe(written);
  expect(kept()).toEqual([{ ...entry, fieldsText: JSON.stringify(fieldsV1) }]);
});
