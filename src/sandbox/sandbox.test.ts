import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import { type LocalEvent } from "./contract.ts";
import { startTestCluster, type TestCluster } from "./testing/http.ts";

const configMaps = "/api/v1/namespaces/default/configmaps";
const base = { apiVersion: "v1", kind: "ConfigMap" };
const named = (name: string, more: object = {}, data: object = {}) => ({ ...base, metadata: { name, ...more }, data });
const lines = (events: readonly { type: string; object: { metadata: { name: string } } }[]) =>
  events.map(({ type, object }) => `${type} ${object.metadata.name}`);

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster({ history: { maxEvents: 400, minEvents: 400, keepMs: 0 } });
});
afterAll(() => cluster.stop());

/** A namespace of the test's own, and the path of its ConfigMaps. */
async function namespace(name: string): Promise<string> {
  await cluster.call("POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name } });
  return `/api/v1/namespaces/${name}/configmaps`;
}

describe("optimistic concurrency", () => {
  it("answers a stale write with Kubernetes' conflict", async () => {
    const { body: created } = await cluster.call("POST", configMaps, named("stale"));
    const fresh = await cluster.call("PUT", `${configMaps}/stale`, { ...created, data: { k: "1" } });
    expect(fresh.status).toBe(200);
    const { status, body } = await cluster.call("PUT", `${configMaps}/stale`, { ...created, data: { k: "2" } });
    expect([status, body.reason, body.details]).toEqual([409, "Conflict", { name: "stale", kind: "configmaps" }]);
    expect(body.message).toBe(
      'Operation cannot be fulfilled on configmaps "stale": the object has been modified; please apply your changes to the latest version and try again',
    );
  });

  it("writes nothing, and moves no resourceVersion, where nothing changes", async () => {
    const { body: created } = await cluster.call("POST", configMaps, named("same", {}, { k: "v" }));
    const { body } = await cluster.call("PUT", `${configMaps}/same`, named("same", {}, { k: "v" }));
    expect(body.metadata).toEqual(created.metadata);
  });

  it("stores nothing on a dry run", async () => {
    const { status } = await cluster.call("POST", `${configMaps}?dryRun=All`, named("dry"));
    expect([status, (await cluster.call("GET", `${configMaps}/dry`)).status]).toEqual([201, 404]);
  });
});

describe("lists", () => {
  it("shows one state over all pages, whatever is written in between", async () => {
    const path = await namespace("pages");
    for (const name of ["a", "b", "c", "d"]) await cluster.call("POST", path, named(name));
    const first = await cluster.call("GET", `${path}?limit=2`);
    await cluster.call("DELETE", `${path}/c`);
    await cluster.call("POST", path, named("bb"));
    const next = encodeURIComponent(first.body.metadata.continue);
    const second = await cluster.call("GET", `${path}?limit=2&continue=${next}`);
    const found = [...first.body.items, ...second.body.items].map((item) => item.metadata.name);
    expect(found).toEqual(["a", "b", "c", "d"]);
    expect(first.body.metadata.remainingItemCount).toBe(2);
    expect(second.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
    expect(second.body.metadata.continue).toBeUndefined();
  });

  it("answers an old page with 410 and a token that goes on with what is there now", async () => {
    const path = await namespace("expiry");
    for (const name of ["a", "b", "c"]) await cluster.call("POST", path, named(name));
    const first = await cluster.call("GET", `${path}?limit=1`);
    for (let i = 0; i < 450; i++) {
      cluster.local.patch({ group: "", kind: "ConfigMap" }, "expiry", "c", {
        type: "merge",
        body: { data: { i: `${i}` } },
      });
    }
    const token = encodeURIComponent(first.body.metadata.continue);
    const late = await cluster.call("GET", `${path}?limit=5&continue=${token}`);
    expect([late.status, late.body.reason]).toEqual([410, "Expired"]);
    const again = encodeURIComponent(late.body.metadata.continue);
    const rest = await cluster.call("GET", `${path}?limit=5&continue=${again}`);
    expect(rest.body.items.map((item: { metadata: { name: string } }) => item.metadata.name)).toEqual(["b", "c"]);
  });

  it("shows an exact past state", async () => {
    const path = await namespace("exact");
    const { body } = await cluster.call("POST", path, named("a"));
    await cluster.call("DELETE", `${path}/a`);
    const rv = body.metadata.resourceVersion;
    const past = await cluster.call("GET", `${path}?resourceVersion=${rv}&resourceVersionMatch=Exact`);
    expect(past.body.items).toHaveLength(1);
    expect((await cluster.call("GET", path)).body.items).toHaveLength(0);
  });
});

describe("watches", () => {
  it("goes on from a resourceVersion, in order, with old and new states", async () => {
    const path = await namespace("order");
    const { body: listed } = await cluster.call("GET", path);
    await cluster.call("POST", path, named("a"));
    const watch = await cluster.watch(`${path}?watch=true&resourceVersion=${listed.metadata.resourceVersion}`);
    await cluster.call("PATCH", `${path}/a`, { data: { k: "v" } }, { "content-type": "application/merge-patch+json" });
    await cluster.call("DELETE", `${path}/a`);
    const events = await watch.take(3);
    expect(lines(events)).toEqual(["ADDED a", "MODIFIED a", "DELETED a"]);
    const versions = events.map(({ object }) => Number(object.metadata.resourceVersion));
    expect(versions).toEqual(versions.toSorted((a, b) => a - b));
    watch.close();
  });

  it("tells those with a selector of what comes to match and no longer does", async () => {
    const path = await namespace("selected");
    const watch = await cluster.watch(`${path}?watch=true&labelSelector=x%3Dy`);
    const label = (value: string | null) =>
      cluster.call(
        "PATCH",
        `${path}/a`,
        { metadata: { labels: { x: value } } },
        { "content-type": "application/merge-patch+json" },
      );
    await cluster.call("POST", path, named("a"));
    await label("y");
    await label("z");
    await label("y");
    await cluster.call("DELETE", `${path}/a`);
    const events = await watch.take(4);
    expect(events.map(({ type, object }) => `${type} ${object.metadata.labels.x}`)).toEqual([
      "ADDED y",
      "DELETED y",
      "ADDED y",
      "DELETED y",
    ]);
    watch.close();
  });

  it("streams a list and says where it ends", async () => {
    const path = await namespace("stream");
    await cluster.call("POST", path, named("a"));
    const watch = await cluster.watch(
      `${path}?watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan`,
    );
    const [added, bookmark] = await watch.take(2);
    expect([added?.type, bookmark?.type]).toEqual(["ADDED", "BOOKMARK"]);
    expect(bookmark?.object.metadata.annotations).toEqual({ "k8s.io/initial-events-end": "true" });
    await cluster.call("POST", path, named("b"));
    expect(lines(await watch.take(1))).toEqual(["ADDED b"]);
    watch.close();
  });

  it("answers a resourceVersion that is forgotten with one ERROR event and the end", async () => {
    const path = await namespace("forgotten");
    await cluster.call("POST", path, named("a"));
    for (let i = 0; i < 450; i++) {
      cluster.local.patch({ group: "", kind: "ConfigMap" }, "forgotten", "a", {
        type: "merge",
        body: { data: { i: `${i}` } },
      });
    }
    const watch = await cluster.watch(`${path}?watch=true&resourceVersion=1`);
    const [error] = await watch.take(1);
    expect([error?.type, error?.object.code, error?.object.reason]).toEqual(["ERROR", 410, "Expired"]);
    await watch.ended();
  });

  it("ends after timeoutSeconds, with a bookmark for those who asked", async () => {
    const path = await namespace("ending");
    const watch = await cluster.watch(`${path}?watch=true&timeoutSeconds=1&allowWatchBookmarks=true`);
    const [last] = await watch.take(1);
    expect(last?.type).toBe("BOOKMARK");
    await watch.ended();
  });

  it("gives tables, with the columns once", async () => {
    const path = await namespace("tables");
    for (const name of ["a", "b"]) await cluster.call("POST", path, named(name));
    const watch = await cluster.watch(`${path}?watch=true`, { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" });
    const [first, second] = await watch.take(2);
    expect([first?.object.kind, first?.object.columnDefinitions[0].name]).toEqual(["Table", "Name"]);
    expect([second?.object.columnDefinitions, second?.object.rows[0].cells[0]]).toEqual([null, "b"]);
    watch.close();
  });
});

describe("deletion", () => {
  it("waits for finalizers, and takes no new ones", async () => {
    const path = await namespace("held");
    await cluster.call("POST", path, named("a", { finalizers: ["example.com/hold"] }));
    const held = await cluster.call("DELETE", `${path}/a`);
    expect(held.body.metadata.deletionTimestamp).toBeDefined();
    const merge = { "content-type": "application/merge-patch+json" };
    const more = await cluster.call(
      "PATCH",
      `${path}/a`,
      { metadata: { finalizers: ["example.com/hold", "x.y/z"] } },
      merge,
    );
    expect(more.body.message).toContain(
      'no new finalizers can be added if the object is being deleted, found new finalizers []string{"x.y/z"}',
    );
    await cluster.call("PATCH", `${path}/a`, { metadata: { finalizers: null } }, merge);
    expect((await cluster.call("GET", `${path}/a`)).status).toBe(404);
  });

  it.each([
    ["Foreground", "foregroundDeletion"],
    ["Orphan", "orphan"],
  ])("%s leaves the rest to the garbage collector", async (propagationPolicy, finalizer) => {
    const path = await namespace(`policy-${propagationPolicy.toLowerCase()}`);
    await cluster.call("POST", path, named("a"));
    const { body } = await cluster.call("DELETE", `${path}/a`, { propagationPolicy });
    expect(body.metadata.finalizers).toEqual([finalizer]);
  });

  it("creates nothing in a namespace that is going, nor in one that is not there", async () => {
    const path = await namespace("going");
    await cluster.call("DELETE", "/api/v1/namespaces/going");
    const { status, body } = await cluster.call("POST", path, named("a"));
    expect([status, body.details.causes[0].reason]).toEqual([403, "NamespaceTerminating"]);
    const absent = await cluster.call("POST", "/api/v1/namespaces/nowhere/configmaps", named("a"));
    expect([absent.status, absent.body.message]).toEqual([404, 'namespaces "nowhere" not found']);
  });
});

describe("custom resources", () => {
  const crd = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "things.example.com" },
    spec: {
      group: "example.com",
      names: { plural: "things", singular: "thing", kind: "Thing", listKind: "ThingList" },
      scope: "Namespaced",
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: "object",
              properties: { spec: { type: "object", properties: { x: { type: "integer" } } } },
            },
          },
        },
      ],
    },
  };
  const things = "/apis/example.com/v1/namespaces/default/things";

  it("are served as soon as they are defined, and go with their definition", async () => {
    await cluster.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd);
    const thing = { apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "a" }, spec: { x: 1, y: 2 } };
    const created = await cluster.call("POST", things, thing);
    expect([created.status, created.body.spec]).toEqual([201, { x: 1 }]);
    expect(created.headers["warning"]).toBe('299 - "unknown field \\"spec.y\\""');
    const watch = await cluster.watch(`${things}?watch=true&resourceVersion=${created.body.metadata.resourceVersion}`);
    const gone = await cluster.call(
      "DELETE",
      "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.example.com",
    );
    expect(gone.status).toBe(200);
    expect(lines(await watch.take(1))).toEqual(["DELETED a"]);
    await watch.ended();
    expect((await cluster.call("GET", things)).status).toBe(404);
  });
});

describe("who may", () => {
  it("knows good tokens, bad tokens and none", async () => {
    const bad = await cluster.call("GET", configMaps, undefined, { authorization: "Bearer wrong" });
    expect([bad.status, bad.body.message]).toEqual([401, "Unauthorized"]);
    const none = await cluster.call("GET", configMaps, undefined, { authorization: "" });
    expect([none.status, none.body.message]).toEqual([
      403,
      'configmaps is forbidden: User "system:anonymous" cannot list resource "configmaps" in API group "" in the namespace "default"',
    ]);
    const discovery = await cluster.call("GET", "/apis", undefined, { authorization: "" });
    expect(discovery.body.message).toBe('forbidden: User "system:anonymous" cannot get path "/apis"');
    expect((await cluster.call("GET", "/readyz", undefined, { authorization: "" })).body).toBe("ok");
  });

  it("gives a service account what its roles give it", async () => {
    const account = await cluster.call("POST", "/api/v1/namespaces/default/serviceaccounts", {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: "reader" },
    });
    expect(account.status).toBe(201);
    const issued = await cluster.call("POST", "/api/v1/namespaces/default/serviceaccounts/reader/token", {});
    const headers = { authorization: `Bearer ${issued.body.status.token}` };
    const refused = await cluster.call("GET", configMaps, undefined, headers);
    expect(refused.body.message).toBe(
      'configmaps is forbidden: User "system:serviceaccount:default:reader" cannot list resource "configmaps" in API group "" in the namespace "default"',
    );
    const rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";
    const meta = { apiVersion: "rbac.authorization.k8s.io/v1", metadata: { name: "reader" } };
    const rules = [{ apiGroups: [""], resources: ["configmaps"], verbs: ["list"] }];
    await cluster.call("POST", `${rbac}/roles`, { ...meta, kind: "Role", rules });
    await cluster.call("POST", `${rbac}/rolebindings`, {
      ...meta,
      kind: "RoleBinding",
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "reader" },
      subjects: [{ kind: "ServiceAccount", name: "reader", namespace: "default" }],
    });
    expect((await cluster.call("GET", configMaps, undefined, headers)).status).toBe(200);
    expect((await cluster.call("POST", configMaps, named("no"), headers)).status).toBe(403);
  });
});

describe("the wire", () => {
  it("refuses bodies over 3 MiB", async () => {
    const huge = JSON.stringify(named("huge", {}, { k: "x".repeat(3 * 1024 * 1024) }));
    const { status, body } = await cluster.call("POST", configMaps, huge);
    expect([status, body.reason]).toEqual([413, "RequestEntityTooLarge"]);
  });

  it("falls back to JSON after protobuf, and refuses protobuf alone", async () => {
    const get = (accept: string) => cluster.call("GET", configMaps, undefined, { accept });
    expect((await get("application/vnd.kubernetes.protobuf,application/json")).status).toBe(200);
    expect((await get("application/vnd.kubernetes.protobuf")).status).toBe(406);
  });

  it("reads what kubectl's typed commands write in protobuf", async () => {
    const field = (number: number, bytes: Buffer | string): Buffer =>
      Buffer.concat([Buffer.from([(number << 3) | 2, Buffer.byteLength(bytes)]), Buffer.from(bytes)]);
    const meta = field(1, Buffer.concat([field(1, "proto"), field(2, ""), field(8, "")]));
    const entry = field(2, Buffer.concat([field(1, "k"), field(2, "v")]));
    const type = field(1, Buffer.concat([field(1, "v1"), field(2, "ConfigMap")]));
    const body = Buffer.concat([Buffer.from("k8s\0"), type, field(2, Buffer.concat([meta, entry]))]);
    const { status, body: created } = await cluster.call("POST", configMaps, body.toString("latin1"), {
      "content-type": "application/vnd.kubernetes.protobuf",
    });
    expect([status, created.metadata.name, created.data]).toEqual([201, "proto", { k: "v" }]);
  });

  it("answers discovery that has not changed with 304", async () => {
    const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    const first = await cluster.call("GET", "/apis", undefined, { accept });
    expect(first.body.kind).toBe("APIGroupDiscoveryList");
    const second = await cluster.call("GET", "/apis", undefined, {
      accept,
      "if-none-match": String(first.headers["etag"]),
    });
    expect(second.status).toBe(304);
  });
});

describe("in process", () => {
  it("hears of what exists and of every change, never inside a call", async () => {
    const { local } = cluster;
    await namespace("local");
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", namespace: "local" } };
    local.create(object);
    const seen: LocalEvent[] = [];
    const stop = local.watch({ group: "", kind: "ConfigMap" }, (event) => {
      if (event.object.metadata.namespace === "local") seen.push(event);
    });
    local.update({ ...object, data: { k: "v" } });
    local.delete({ group: "", kind: "ConfigMap", namespace: "local", name: "a" });
    expect(seen).toEqual([]);
    await expect.poll(() => seen.map(({ type }) => type)).toEqual(["ADDED", "MODIFIED", "DELETED"]);
    stop();
  });
});

describe("a restart", () => {
  it("keeps objects, address, token and certificate", async () => {
    const before = await startTestCluster();
    await before.call("POST", configMaps, named("kept", {}, { k: "v" }));
    const config = before.sandbox.kubeconfig("test");
    await before.stop("keep");
    const after = await startTestCluster({ dataDir: before.dataDir });
    expect(after.sandbox.kubeconfig("test")).toBe(config);
    expect((await after.call("GET", `${configMaps}/kept`)).body.data).toEqual({ k: "v" });
    await after.stop();
  });

  it("says when a port that was asked for is taken", async () => {
    const port = Number(new URL(cluster.server).port);
    const start = startTestCluster({ clusters: [{ name: "test", port }] });
    await expect(start).rejects.toThrow(DriftlessError);
    await expect(start).rejects.toMatchObject({ code: "PORT_IN_USE" });
  });
});

describe("several clusters", () => {
  it("live in one process, apart from each other", async () => {
    const added = await cluster.sandbox.addCluster("second");
    expect(added.server).not.toBe(cluster.server);
    cluster.sandbox
      .local("second")
      .create({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "only", namespace: "default" } });
    expect((await cluster.call("GET", `${configMaps}/only`)).status).toBe(404);
    await cluster.sandbox.removeCluster("second");
    expect(cluster.sandbox.clusters().map(({ name }) => name)).toEqual(["test"]);
  });
});
