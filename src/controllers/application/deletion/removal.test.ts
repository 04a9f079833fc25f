// What is deleted is what was decided on, and is still the application's: over a small API server.
import { afterEach, beforeEach, expect, test } from "vitest";
import { anonymous } from "#kube/connection.ts";
import { createClient } from "#kube/client.ts";
import type { LiveCache } from "#kube/live.ts";
import {
  answer,
  fixedRandom,
  operation,
  quickClock,
  refuse,
  startFakeServer,
  type FakeServer,
} from "#kube/testing/fake-server.ts";
import type { KubeClient, ResourceType } from "#kube/types.ts";
import type { KubernetesObject } from "#model/object.ts";
import { removeOwned } from "./removal.ts";

const type = { group: "", version: "v1", kind: "ConfigMap", plural: "configmaps", namespaced: true } as ResourceType;
const key = { group: "", kind: "ConfigMap", namespace: "shop", name: "settings" };

let server: FakeServer;
let client: KubeClient;
let live: KubernetesObject | undefined;

beforeEach(async () => {
  server = await startFakeServer((request, response) => {
    if (request.method === "GET") return live ? answer(response, 200, live) : refuse(response, 404, "NotFound", "gone");
    const { preconditions } = JSON.parse(request.body) as { preconditions: { uid: string; resourceVersion: string } };
    const { uid, resourceVersion } = live?.metadata ?? {};
    if (live === undefined) return refuse(response, 404, "NotFound", "gone");
    if (preconditions.uid !== uid || preconditions.resourceVersion !== resourceVersion) {
      return refuse(response, 409, "Conflict", "the precondition does not match");
    }
    live = undefined;
    answer(response, 200, {});
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

const at = (uid: string, resourceVersion: string, owner: string): KubernetesObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "settings", namespace: "shop", uid, resourceVersion, labels: { owner } },
});

function going(object: KubernetesObject): KubernetesObject {
  return { ...object, metadata: { ...object.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } };
}

const remove = (resourceVersion: string): Promise<unknown> =>
  removeOwned(
    operation(),
    { client, cache: {} as LiveCache, owns: ({ labels }) => labels?.["owner"] === "web" },
    { type, key, uid: "u", resourceVersion },
    { propagationPolicy: "Foreground" },
  );

test.each([
  ["the object as it was looked at is deleted", at("u", "1", "web"), "deleted", ["DELETE"]],
  ["one that changed is looked at again, then deleted", at("u", "2", "web"), "deleted", ["DELETE", "GET", "DELETE"]],
  ["one that another application took over stays", at("u", "2", "other"), "another's", ["DELETE", "GET"]],
  ["one that is being deleted already is not deleted again", going(at("u", "2", "web")), "deleted", ["DELETE", "GET"]],
  ["another of that name stays", at("v", "1", "web"), "gone", ["DELETE", "GET"]],
  ["one that is gone is no error", undefined, "deleted", ["DELETE"]],
])("%s", async (_name, object, outcome, requests) => {
  live = object;
  expect(await remove("1")).toBe(outcome);
  expect(server.requests.map(({ method }) => method)).toEqual(requests);
  expect(live).toBe(requests.at(-1) === "DELETE" ? undefined : object);
});
