import { afterEach, beforeEach, expect, test } from "vitest";
import { inClusterServer } from "#model/names.ts";
import type { KubernetesObject } from "#model/object.ts";
import { createClient } from "./client.ts";
import { Clusters } from "./clusters.ts";
import { anonymous } from "./connection.ts";
import {
  aggregatedDiscovery,
  answer,
  FakeKind,
  fixedRandom,
  operation,
  quickClock,
  startFakeServer,
  until,
  type FakeServer,
} from "./testing/fake-server.ts";

let server: FakeServer;
let clusters: Clusters;
let configMaps: FakeKind;

const secret = (name: string, data: Record<string, string>): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: "argocd", labels: { "argocd.argoproj.io/secret-type": "cluster" } },
  stringData: data,
});

beforeEach(async () => {
  configMaps = new FakeKind("configmaps", "ConfigMap");
  server = await startFakeServer((request, response) => {
    if (request.path === "/version") answer(response, 200, { gitVersion: "v1.37.0", major: "1", minor: "37" });
    else if (request.path === "/api") answer(response, 200, aggregatedDiscovery("", [configMaps.discoveryEntry()]));
    else if (request.path === "/apis") answer(response, 200, { kind: "APIGroupDiscoveryList", items: [] });
    else configMaps.watch(request, response);
  });
  const options = { clock: quickClock, random: fixedRandom, userAgent: "driftless/test", attempts: 1 };
  clusters = new Clusters(operation(), {
    ...options,
    cache: () => ({ tagOf: () => undefined }),
    inCluster: createClient({ name: "in-cluster", server: server.url, tls: {}, auth: anonymous }, options),
  });
});
afterEach(async () => {
  await clusters.close();
  await server.close();
});

test("the cluster we run in needs no Secret; its Secret gives it another name, and taking that away the old one", async () => {
  expect(clusters.byServer(inClusterServer)?.spec.name).toBe("in-cluster");
  const own = secret("own", { server: `${inClusterServer}/`, name: "home" });
  await clusters.setSecret(own);
  expect(clusters.byName("home").map(({ spec }) => spec.server)).toEqual([inClusterServer]);
  expect(clusters.list()).toHaveLength(1);
  await clusters.removeSecret(own);
  expect(clusters.byServer(inClusterServer)?.spec.name).toBe("in-cluster");
});

test("nothing is connected until it is asked for; then the state tells version and counts", async () => {
  configMaps.put("a");
  await clusters.setSecret(secret("other", { server: server.url, name: "other" }));
  const [other] = clusters.byName("other");
  expect(other?.state()).toMatchObject({ status: "Unknown", resourcesCount: 0 });
  expect(server.requests).toEqual([]);
  const started: string[] = [];
  clusters.onStart(({ spec }) => started.push(spec.name));
  await Promise.all([other?.ready(operation()), other?.ready(operation())]);
  expect(started).toEqual(["other"]);
  expect(other?.state()).toMatchObject({ status: "Successful", version: "v1.37.0", resourcesCount: 1, apisCount: 1 });
});

test("a cluster that does not answer fails at once for those who ask, holds up no other, and is tried again", async () => {
  const { url } = server;
  await clusters.setSecret(secret("dead", { server: "http://127.0.0.1:1", name: "dead" }));
  await clusters.setSecret(secret("other", { server: url, name: "other" }));
  const [dead] = clusters.byName("dead");
  const [other] = clusters.byName("other");
  const failing = expect(dead?.ready(operation())).rejects.toMatchObject({ code: "CLUSTER_UNREACHABLE" });
  await other?.ready(operation());
  await failing;
  expect(dead?.state()).toMatchObject({ status: "Failed", message: expect.stringContaining("127.0.0.1:1") });
  const firstTry = dead?.state().attemptedAt;
  await expect(dead?.ready(operation())).rejects.toMatchObject({ code: "CLUSTER_UNREACHABLE" });
  await until("the next try", () => dead?.state().attemptedAt !== firstTry);
});

test("the one who asks may give up without ending the work for the others", async () => {
  await clusters.setSecret(secret("other", { server: server.url, name: "other" }));
  const [other] = clusters.byName("other");
  const giveUp = new AbortController();
  const impatient = other?.ready(operation(giveUp.signal));
  const patient = other?.ready(operation());
  giveUp.abort();
  await expect(impatient).rejects.toMatchObject({ code: "CANCELLED" });
  await patient;
});

test("new credentials renew the connection and a started cache; other fields do not", async () => {
  await clusters.setSecret(secret("other", { server: server.url, name: "other" }));
  const [before] = clusters.byName("other");
  await before?.ready(operation());
  await clusters.setSecret(secret("other", { server: server.url, name: "renamed", project: "p" }));
  const [renamed] = clusters.byName("renamed");
  expect(renamed).toBe(before);
  await clusters.setSecret(secret("other", { server: server.url, name: "other", config: '{"bearerToken":"t"}' }));
  const [after] = clusters.byName("other");
  expect(after).not.toBe(before);
  await until("the new cache", () => after?.cache.synced === true);
  expect(server.requests.at(-1)?.headers.authorization).toBe("Bearer t");
});
