import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { kinds } from "./support/objects.ts";
import { deployment, World } from "./testing/world.ts";

const configMap = { group: "", kind: "ConfigMap" };

describe("the garbage collector", () => {
  let world: World;
  beforeEach(() => {
    world = new World();
    world.create(deployment("web", { replicas: 2 }));
    world.settle();
  });
  afterEach(() => world.stop());
  const left = (): object => ({
    deployment: world.has(kinds.deployment, "web"),
    sets: world.client.list(kinds.replicaSet, "demo").length,
    pods: world.pods().length,
  });

  it("removes dependents in the background", () => {
    world.delete(kinds.deployment, "web", "Background");
    expect(left()).toEqual({ deployment: false, sets: 1, pods: 2 });
    world.settle();
    expect(left()).toEqual({ deployment: false, sets: 0, pods: 0 });
  });

  it("keeps the owner until its dependents are gone in the foreground", () => {
    world.delete(kinds.deployment, "web", "Foreground");
    const seen: object[] = [];
    for (let i = 0; i < 100; i++) {
      world.settle(5);
      if (!seen.some((each) => JSON.stringify(each) === JSON.stringify(left()))) seen.push(left());
    }
    expect(seen[0]).toEqual({ deployment: true, sets: 1, pods: 2 });
    expect(seen.at(-1)).toEqual({ deployment: false, sets: 0, pods: 0 });
    expect(seen).not.toContainEqual({ deployment: false, sets: 1, pods: 2 });
    expect(seen).not.toContainEqual({ deployment: false, sets: 1, pods: 0 });
  });

  it("leaves dependents without owner when orphaning", () => {
    world.delete(kinds.deployment, "web", "Orphan");
    world.settle();
    expect(left()).toEqual({ deployment: false, sets: 1, pods: 2 });
    expect(world.client.list(kinds.replicaSet, "demo")[0]?.metadata.ownerReferences).toBeUndefined();
  });

  const owner = { apiVersion: "v1", kind: "ConfigMap", name: "owner" };
  it.each([
    { what: "an owner that never was", refs: [{ ...owner, uid: "nobody" }], kept: false },
    { what: "an owner of that name but another uid", refs: [{ ...owner, name: "other", uid: "nobody" }], kept: false },
    {
      what: "an owner of an unknown kind",
      refs: [{ apiVersion: "x.io/v1", kind: "Unknown", name: "x", uid: "u" }],
      kept: true,
    },
    { what: "no owner", refs: [], kept: true },
  ])("with $what, keeps: $kept", ({ refs, kept }) => {
    world.create({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "other" } });
    world.create({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "it", ownerReferences: refs } });
    world.settle();
    expect(world.has(configMap, "it")).toBe(kept);
    expect(world.has(configMap, "other")).toBe(true);
  });

  it("drops only the dead one of two owners", () => {
    const live = world.create({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "owner" } });
    const refs = [
      { ...owner, uid: live.metadata.uid ?? "" },
      { ...owner, name: "gone", uid: "gone" },
    ];
    world.create({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "it", ownerReferences: refs } });
    world.settle();
    expect(world.get(configMap, "it").metadata.ownerReferences).toEqual([refs[0]]);
  });

  it("does not touch a cluster-scoped object with a namespaced owner", () => {
    const refs = [{ ...owner, uid: "nobody" }];
    world.client.create({
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name: "pv", ownerReferences: refs },
      spec: {},
    });
    world.settle();
    expect(world.has(kinds.persistentVolume, "pv", "")).toBe(true);
  });

  it("collects objects of kinds that came later", () => {
    world.client.addKind("example.com/v1/Thing");
    const live = world.create({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "owner" } });
    const ownerReferences = [{ ...owner, uid: live.metadata.uid ?? "" }];
    world.create({ apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "it", ownerReferences } });
    world.settle();
    world.delete(configMap, "owner");
    world.settle();
    expect(world.has({ group: "example.com", kind: "Thing" }, "it")).toBe(false);
  });
});

describe("a namespace that is deleted", () => {
  it("ends when all its contents are gone, custom resources and finalizers included", () => {
    const world = new World();
    const thing = { group: "example.com", kind: "Thing" };
    world.client.addKind("example.com/v1/Thing");
    world.create(deployment("web", { replicas: 2 }));
    world.create({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "it" } });
    world.create({
      apiVersion: "example.com/v1",
      kind: "Thing",
      metadata: { name: "held", finalizers: ["example.com/hold"] },
    });
    world.settle();
    expect(world.get(kinds.serviceAccount, "default")).toBeDefined();
    world.delete(kinds.namespace, "demo");
    world.settle();
    const conditions = world.get(kinds.namespace, "demo", "").status.conditions;
    expect(conditions.find((each: { type: string }) => each.type === "NamespaceFinalizersRemaining").message).toBe(
      "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances",
    );
    expect(world.pods()).toEqual([]);
    world.change(thing, "held", { metadata: { finalizers: [] } });
    world.settle();
    expect(world.has(kinds.namespace, "demo", "")).toBe(false);
    world.stop();
  });
});
