import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createClient } from "./client.ts";
import { anonymous, type Authenticator } from "./connection.ts";
import {
  answer,
  fixedRandom,
  operation,
  quickClock,
  refuse,
  startFakeServer,
  type FakeServer,
} from "./testing/fake-server.ts";
import type { KubeClient, ResourcePath } from "./types.ts";

const configMaps: ResourcePath = { group: "", version: "v1", plural: "configmaps", namespaced: true };
const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", namespace: "default" } };

let server: FakeServer;
let client: KubeClient;

function connect(auth: Authenticator = anonymous, concurrency = 4): KubeClient {
  return createClient(
    { name: "fake", server: server.url, tls: {}, auth },
    { clock: quickClock, random: fixedRandom, userAgent: "driftless/test", concurrency },
  );
}

beforeEach(async () => {
  server = await startFakeServer((_request, response) => answer(response, 200, object));
  client = connect();
});
afterEach(async () => {
  await client.close();
  await server.close();
});

describe("answers become errors of the catalogue", () => {
  const cases = [
    [400, "BadRequest", "KUBERNETES_REFUSED"],
    [401, "Unauthorized", "PERMISSION_DENIED"],
    [403, "Forbidden", "PERMISSION_DENIED"],
    [404, "NotFound", "NOT_FOUND"],
    [409, "AlreadyExists", "ALREADY_EXISTS"],
    [409, "Conflict", "CONFLICT"],
    [410, "Expired", "RESOURCE_EXPIRED"],
    [413, "RequestEntityTooLarge", "TOO_LARGE"],
    [422, "Invalid", "KUBERNETES_REFUSED"],
    [429, "TooManyRequests", "TOO_MANY_REQUESTS"],
    [500, "InternalError", "KUBERNETES_REFUSED"],
    [503, "ServiceUnavailable", "CLUSTER_UNREACHABLE"],
  ] as const;
  test.each(cases)("%i %s is %s", async (status, reason, code) => {
    server.handler = (_request, response) => refuse(response, status, reason, `said: ${reason}`);
    await expect(client.create(operation(), configMaps, object)).rejects.toMatchObject({
      code,
      message: `said: ${reason}`,
      details: { status, reason },
    });
  });

  test("a body that is no Status is shown as it is", async () => {
    server.handler = (_request, response) => answer(response, 403, "denied by a proxy\n");
    await expect(client.list(operation(), configMaps)).rejects.toMatchObject({
      code: "PERMISSION_DENIED",
      message: "denied by a proxy",
    });
  });

  test("a server that is not there is CLUSTER_UNREACHABLE and names the address", async () => {
    await server.close();
    await expect(client.list(operation(), configMaps)).rejects.toMatchObject({
      code: "CLUSTER_UNREACHABLE",
      message: expect.stringContaining(server.url),
    });
  });
});

describe("retries", () => {
  test("429 is repeated for any method until it is let through", async () => {
    let refusals = 2;
    server.handler = (_request, response) => {
      if (refusals-- > 0) answer(response, 429, "", { "retry-after": "1" });
      else answer(response, 201, object);
    };
    const startedAt = performance.now();
    await client.create(operation(), configMaps, object);
    expect(server.requests).toHaveLength(3);
    // Two waits of at least a second each, a hundred times shorter.
    expect(performance.now() - startedAt).toBeGreaterThan(19);
  });

  test("5xx is repeated for what may be repeated, and not for a create", async () => {
    server.handler = (_request, response) => refuse(response, 503, "ServiceUnavailable", "later");
    await expect(client.list(operation(), configMaps)).rejects.toMatchObject({ code: "CLUSTER_UNREACHABLE" });
    expect(server.requests).toHaveLength(5);
    server.requests.length = 0;
    await expect(client.create(operation(), configMaps, object)).rejects.toMatchObject({ code: "CLUSTER_UNREACHABLE" });
    expect(server.requests).toHaveLength(1);
  });

  test("a connection cut before the answer is repeated for a get, and not for a create", async () => {
    let cuts = 1;
    server.handler = (_request, response) => {
      if (cuts-- > 0) response.socket?.destroy();
      else answer(response, 200, object);
    };
    expect(await client.get(operation(), configMaps, { namespace: "default", name: "a" })).toEqual(object);
    expect(server.requests).toHaveLength(2);
    cuts = 1;
    await expect(client.create(operation(), configMaps, object)).rejects.toMatchObject({ code: "CLUSTER_UNREACHABLE" });
    expect(server.requests).toHaveLength(3);
  });

  test("giving up ends the wait for the next try", async () => {
    server.handler = (_request, response) => answer(response, 429, "", { "retry-after": "30" });
    const giveUp = new AbortController();
    const listing = client.list(operation(giveUp.signal), configMaps);
    setTimeout(() => giveUp.abort(), 30);
    await expect(listing).rejects.toMatchObject({ code: "CANCELLED" });
  });
});

test("giving up ends a request under way, and one that waits for its turn", async () => {
  await client.close();
  client = connect(anonymous, 1);
  server.handler = () => {}; // never answers
  const giveUp = new AbortController();
  const both = Promise.allSettled([1, 2].map(() => client.list(operation(giveUp.signal), configMaps)));
  setTimeout(() => giveUp.abort(), 20);
  const outcomes = await both;
  expect(
    outcomes.map((each) => (each.status === "rejected" ? (each.reason as { code: string }).code : "none")),
  ).toEqual(["CANCELLED", "CANCELLED"]);
  expect(server.requests).toHaveLength(1);
  // The place is free again.
  server.handler = (_request, response) => answer(response, 200, { kind: "ConfigMapList", items: [], metadata: {} });
  expect((await client.list(operation(), configMaps)).items).toEqual([]);
});

test("no more requests are under way than the limit", async () => {
  await client.close();
  client = connect(anonymous, 3);
  let open = 0;
  let most = 0;
  server.handler = (_request, response) => {
    most = Math.max(most, ++open);
    setTimeout(() => {
      open--;
      answer(response, 200, object);
    }, 3);
  };
  await Promise.all(Array.from({ length: 30 }, () => client.get(operation(), configMaps, { name: "a" })));
  expect(most).toBe(3);
});

test("a 401 makes credentials be renewed once, then is an error", async () => {
  let token = "old";
  let renewals = 0;
  await client.close();
  client = connect({
    authorization: () => `Bearer ${token}`,
    refused: () => {
      renewals++;
      token = "new";
      return true;
    },
  });
  server.handler = (request, response) => {
    if (request.headers.authorization === "Bearer new") answer(response, 200, object);
    else refuse(response, 401, "Unauthorized", "Unauthorized");
  };
  expect(await client.get(operation(), configMaps, { name: "a" })).toEqual(object);
  server.handler = (_request, response) => refuse(response, 401, "Unauthorized", "Unauthorized");
  await expect(client.get(operation(), configMaps, { name: "a" })).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  expect(renewals).toBe(2);
});

test("lists read every page, and give items their kind", async () => {
  const item = (name: string): unknown => ({ metadata: { name } });
  server.handler = (request, response) => {
    const next = request.query.get("continue");
    const metadata = next === null ? { continue: "more", resourceVersion: "7" } : { resourceVersion: "7" };
    answer(response, 200, { kind: "ConfigMapList", items: [item(next === null ? "a" : "b")], metadata });
  };
  const { items, resourceVersion } = await client.list(operation(), configMaps, { namespace: "default" });
  expect(items).toEqual([
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" } },
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "b" } },
  ]);
  expect(resourceVersion).toBe("7");
  expect(server.requests.map(({ query }) => query.get("limit"))).toEqual(["500", "500"]);
});

describe("watches", () => {
  const event = (name: string): string =>
    JSON.stringify({ type: "ADDED", object: { apiVersion: "v1", kind: "ConfigMap", metadata: { name } } });

  test("events are whole whatever the chunks: lines and UTF-8 characters split anywhere", async () => {
    const names = ["plain", "schön", "日本語", "emoji-🎛️", "end"];
    const bytes = Buffer.from(names.map((name) => `${event(name)}\n`).join(""));
    server.handler = (_request, response) => {
      response.writeHead(200);
      const write = (at: number): void => {
        if (at >= bytes.length) response.end();
        else response.write(bytes.subarray(at, at + 3), () => setImmediate(write, at + 3));
      };
      write(0);
    };
    const seen: (string | undefined)[] = [];
    for await (const { object } of client.watch(operation(), configMaps, {})) seen.push(object.metadata.name);
    expect(seen).toEqual(names);
  });

  test("an ERROR event ends the watch with its error", async () => {
    server.handler = (_request, response) => {
      response.writeHead(200);
      response.write(`${event("a")}\n`);
      response.end(
        `${JSON.stringify({ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired", message: "too old" } })}\n`,
      );
    };
    const seen: unknown[] = [];
    const watching = (async () => {
      for await (const each of client.watch(operation(), configMaps, {})) seen.push(each);
    })();
    await expect(watching).rejects.toMatchObject({ code: "RESOURCE_EXPIRED", message: "too old" });
    expect(seen).toHaveLength(1);
  });

  test("leaving the loop closes the connection", async () => {
    let closed: Promise<unknown> | undefined;
    server.handler = (_request, response) => {
      closed = once(response, "close");
      response.writeHead(200);
      response.write(`${event("a")}\n`);
    };
    for await (const _event of client.watch(operation(), configMaps, {})) break;
    await closed;
  });

  test("more events than fit are waited for, and none is lost", async () => {
    const count = 5000;
    server.handler = (_request, response) => {
      response.writeHead(200);
      for (let i = 0; i < count; i++) response.write(`${event(`object-${i}`)}\n`);
      response.end();
    };
    let seen = 0;
    for await (const { object } of client.watch(operation(), configMaps, {})) {
      expect(object.metadata.name).toBe(`object-${seen++}`);
      if (seen % 1000 === 0) await new Promise(setImmediate);
    }
    expect(seen).toBe(count);
  });
});
