// What applying does where the API server fails, the object must not be replaced, or its fields belong to client-side apply.
import { afterEach, beforeEach, expect, test } from "vitest";
import { annotation } from "#model/names.ts";
import type { KubernetesObject } from "#model/object.ts";
import { applyObject, type ApplyOptions, type ApplyResult } from "./apply.ts";
import { createClient } from "./client.ts";
import { anonymous } from "./connection.ts";
import { migratedManagers } from "./field-migration.ts";
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

const kindOf = (kind: string): ResourceType => ({
  group: kind === "Namespace" ? "" : "example.com",
  version: "v1",
  kind,
  plural: `${kind.toLowerCase()}s`,
  singular: kind.toLowerCase(),
  shortNames: [],
  categories: [],
  namespaced: kind !== "Namespace",
  verbs: [],
  subresources: [],
});
const widget: KubernetesObject = {
  apiVersion: "example.com/v1",
  kind: "Widget",
  metadata: { name: "w", namespace: "d" },
};

let server: FakeServer;
let client: KubeClient;
let live: KubernetesObject | undefined;
/** Answers to writes before they succeed: a status, or "lost": done, but the connection breaks before the answer. */
let troubles: (number | "lost")[];

beforeEach(async () => {
  live = undefined;
  troubles = [];
  server = await startFakeServer((request, response) => {
    if (request.method === "GET")
      return live ? answer(response, 200, live) : refuse(response, 404, "NotFound", "not found");
    const trouble = troubles.shift();
    if (typeof trouble === "number") return refuse(response, trouble, "InternalError", "failed calling webhook");
    if (request.method === "DELETE") live = undefined;
    else if (request.method === "POST" && live) return refuse(response, 409, "AlreadyExists", "already exists");
    else if (request.headers["content-type"] !== "application/json-patch+json") {
      const body = JSON.parse(request.body) as KubernetesObject;
      live = { ...live, ...body, metadata: { ...live?.metadata, ...body.metadata, uid: "u", resourceVersion: "7" } };
    }
    if (trouble === "lost") response.destroy();
    else answer(response, 200, live ?? {});
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

const apply = (options: Partial<ApplyOptions> = {}, object = widget): Promise<ApplyResult> =>
  applyObject(
    operation(),
    client,
    { type: kindOf(object.kind), object },
    { clock: quickClock, fieldManager: "argocd-controller", ...options },
  );
const sent = (): string[] => server.requests.map(({ method }) => method);

test("a server that fails for a moment is asked again", async () => {
  troubles = [500, 500];
  expect(await apply({ live: null })).toMatchObject({ outcome: "created" });
  expect(sent()).toEqual(["POST", "GET", "POST", "GET", "POST"]);
});

test("a server that goes on failing is an error in its own words", async () => {
  troubles = [500, 500, 500, 500, 500];
  await expect(apply({ live: null })).rejects.toThrow("failed calling webhook");
  expect(sent().filter((method) => method === "POST")).toHaveLength(5);
});

test("a create whose answer was lost is looked up, not repeated", async () => {
  troubles = ["lost"];
  expect((await apply({ live: null })).message).toBe("widget.example.com/w unchanged");
  expect(sent()).toEqual(["POST", "GET"]);
});

test("server-side apply is tried again too", async () => {
  troubles = [500];
  expect(await apply({ method: "server-side", live: null })).toMatchObject({ outcome: "serverside-applied" });
  expect(sent()).toEqual(["PATCH", "PATCH"]);
});

test("a namespace is replaced in place, never deleted, whatever force says", async () => {
  const object: KubernetesObject = { apiVersion: "v1", kind: "Namespace", metadata: { name: "team" } };
  live = { ...object, metadata: { name: "team", uid: "u", resourceVersion: "1" } };
  expect(await apply({ live, method: "replace", force: true }, object)).toMatchObject({ outcome: "replaced" });
  expect(sent()).toEqual(["PUT"]);
});

test("a namespace that cannot be changed is an error, with force too", async () => {
  const object: KubernetesObject = {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: "team", labels: { a: "b" } },
  };
  live = { ...object, metadata: { name: "team", uid: "u", resourceVersion: "1" } };
  server.handler = (request, response) =>
    request.method === "GET" ? answer(response, 200, live) : refuse(response, 422, "Invalid", "immutable");
  await expect(apply({ live, force: true }, object)).rejects.toThrow("immutable");
  expect(sent()).not.toContain("DELETE");
});

test("an object too large for the last-applied annotation: what to do is said", async () => {
  server.handler = (_request, response) =>
    refuse(response, 422, "Invalid", "metadata.annotations: Too long: may not be more than 262144 bytes");
  await expect(apply({ live: null })).rejects.toThrow(/262144 bytes; .*ServerSideApply=true/);
});

test("an object too large for the cluster: what to do is said", async () => {
  server.handler = (_request, response) => refuse(response, 413, "RequestEntityTooLarge", "limit is 3145728");
  await expect(apply({ live: null })).rejects.toThrow(/split it/);
});

const managed = (manager: string, op: string, fields: object): object => ({
  manager,
  operation: op,
  apiVersion: "v1",
  fieldsType: "FieldsV1",
  fieldsV1: fields,
});
const annotated = { "f:metadata": { "f:annotations": { [`f:${annotation.lastApplied}`]: {} } } };

test("before the first server-side apply, client-side fields become ours", async () => {
  live = {
    ...widget,
    metadata: {
      ...widget.metadata,
      resourceVersion: "3",
      annotations: { [annotation.lastApplied]: "{}" },
      managedFields: [managed("kubectl-client-side-apply", "Update", { "f:spec": { "f:old": {} } })],
    },
  } as KubernetesObject;
  await apply({ live, method: "server-side", migrateFrom: ["kubectl-client-side-apply"] });
  expect(sent()).toEqual(["GET", "PATCH", "PATCH"]);
  expect(JSON.parse(server.requests[1]!.body)).toEqual([
    {
      op: "replace",
      path: "/metadata/managedFields",
      value: [managed("argocd-controller", "Apply", { "f:spec": { "f:old": {} } })],
    },
    { op: "replace", path: "/metadata/resourceVersion", value: "3" },
  ]);
});

test("without a last-applied annotation nothing is migrated, unless a manager was named", async () => {
  live = { ...widget, metadata: { ...widget.metadata, resourceVersion: "3" } };
  await apply({ live, method: "server-side", migrateFrom: ["kubectl-client-side-apply"] });
  expect(sent()).toEqual(["PATCH"]);
  await apply({ live, method: "server-side", migrateFrom: ["team-operator"], migrateAlways: true });
  expect(sent()).toEqual(["PATCH", "GET", "PATCH"]);
});

test("which entries are joined: named managers, whoever wrote last-applied, and our own apply", () => {
  const object = {
    ...widget,
    metadata: {
      managedFields: [
        managed("argocd-controller", "Apply", { "f:spec": { "f:a": {} } }),
        managed("argocd-controller", "Update", { "f:spec": { "f:b": {} } }),
        managed("flux", "Update", annotated),
        managed("team-operator", "Update", { "f:spec": { "f:c": { "f:d": {} } } }),
        managed("hpa", "Update", { "f:spec": { "f:replicas": {} } }),
        { ...managed("argocd-controller", "Update", { "f:status": {} }), subresource: "status" },
      ],
    },
  } as unknown as KubernetesObject;
  const moved = migratedManagers(object, { from: ["argocd-controller", "team-operator"], to: "argocd-controller" });
  expect(moved).toMatchObject([
    {
      manager: "argocd-controller",
      operation: "Apply",
      fieldsV1: { "f:spec": { "f:a": {}, "f:b": {}, "f:c": { "f:d": {} } }, ...annotated },
    },
    { manager: "hpa" },
    { manager: "argocd-controller", operation: "Update", subresource: "status" },
  ]);
  expect(migratedManagers(widget, { from: ["x"], to: "y" })).toBeUndefined();
});

test("requests in another's name carry it", async () => {
  await applyObject(
    operation(),
    client.impersonating("system:serviceaccount:team:deployer"),
    { type: kindOf("Widget"), object: widget },
    { clock: quickClock, fieldManager: "argocd-controller" },
  );
  expect(server.requests.map(({ method, headers }) => [method, headers["impersonate-user"]])).toEqual([
    ["GET", "system:serviceaccount:team:deployer"],
    ["POST", "system:serviceaccount:team:deployer"],
  ]);
  server.requests.length = 0;
  await client.get(operation(), kindOf("Widget"), { namespace: "d", name: "w" });
  expect(server.requests[0]?.headers["impersonate-user"]).toBeUndefined();
});
