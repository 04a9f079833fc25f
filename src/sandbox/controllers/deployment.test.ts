import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { kinds } from "./support/objects.ts";
import { conditionsOf, deployment, podTemplate, World, type Loose } from "./testing/world.ts";

const revision = "deployment.kubernetes.io/revision";

describe("a Deployment", () => {
  let world: World;
  beforeEach(() => {
    world = new World();
  });
  afterEach(() => world.stop());
  const web = (): Loose => world.get(kinds.deployment, "web");
  const sets = (): Loose[] => [...world.client.list(kinds.replicaSet, "demo")];
  /** Replicas by revision. */
  const sizes = (): Record<string, number> =>
    Object.fromEntries(sets().map((set) => [set.metadata.annotations[revision], set.spec.replicas]));
  const setImage = (image: string): void =>
    world.change(kinds.deployment, "web", { spec: { template: podTemplate("web", { image }) } });
  const images = (): (string | undefined)[] => world.pods().map((pod) => pod.spec.containers[0]?.image);

  it("becomes available", () => {
    world.create(deployment("web", { replicas: 3 }));
    world.settle();
    expect(web().status).toMatchObject({
      replicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      updatedReplicas: 3,
      terminatingReplicas: 0,
      observedGeneration: 1,
    });
    expect(conditionsOf(web())).toEqual({
      Available: "True MinimumReplicasAvailable",
      Progressing: "True NewReplicaSetAvailable",
    });
    expect(new Set(world.pods().map((pod) => pod.status?.podIP)).size).toBe(3);
    expect(web().metadata.annotations[revision]).toBe("1");
    expect(world.events("web")).toEqual([
      expect.stringMatching(/^ScalingReplicaSet: Scaled up replica set web-\w+ from 0 to 3$/),
    ]);
  });

  it.each([
    { from: 1, to: 4 },
    { from: 4, to: 1 },
    { from: 2, to: 0 },
  ])("scales from $from to $to", ({ from, to }) => {
    world.create(deployment("web", { replicas: from }));
    world.settle();
    world.change(kinds.deployment, "web", { spec: { replicas: to } });
    world.settle();
    expect(world.pods()).toHaveLength(to);
    expect(web().status.availableReplicas ?? 0).toBe(to);
    expect(sets()).toHaveLength(1);
  });

  it("rolls out a new template within maxSurge and maxUnavailable", () => {
    world.create(deployment("web", { replicas: 4 }));
    world.settle();
    setImage("nginx:2");
    let most = 0;
    let least = 4;
    for (let i = 0; i < 500; i++) {
      world.settle(10);
      const pods = world.pods().filter((pod) => pod.metadata.deletionTimestamp === undefined);
      most = Math.max(most, pods.length);
      least = Math.min(least, web().status.availableReplicas ?? 0);
    }
    expect([most, least]).toEqual([5, 3]);
    expect(images()).toEqual(["nginx:2", "nginx:2", "nginx:2", "nginx:2"]);
    expect(sizes()).toEqual({ 1: 0, 2: 4 });
    expect(conditionsOf(web())["Progressing"]).toBe("True NewReplicaSetAvailable");
  });

  it("stops a rollout whose image cannot be pulled, and says so at the deadline", () => {
    world.create(deployment("web", { replicas: 4, progressDeadlineSeconds: 60 }));
    world.settle();
    setImage("nginx:does-not-exist");
    world.settle(30_000);
    expect(web().status).toMatchObject({ availableReplicas: 3, updatedReplicas: 2 });
    expect(conditionsOf(web())).toEqual({
      Available: "True MinimumReplicasAvailable",
      Progressing: "True ReplicaSetUpdated",
    });
    world.settle(40_000);
    expect(conditionsOf(web())["Progressing"]).toBe("False ProgressDeadlineExceeded");
    expect(images().filter((image) => image === "nginx:1")).toHaveLength(3);
  });

  it("stops a rollout from one broken image to another, and counts the new pods that are not available", () => {
    world.create(deployment("web", { replicas: 4 }, { image: "nginx:does-not-exist" }));
    world.settle();
    setImage("other:does-not-exist");
    world.settle(30_000);
    // Four and one more; three have to stay beside the two new ones, which are no better.
    expect(sizes()).toEqual({ 1: 3, 2: 2 });
  });

  it("never scales an old ReplicaSet up while too few pods are available", () => {
    world.create(deployment("web", { replicas: 4 }, { image: "nginx:does-not-exist" }));
    world.settle();
    const [old] = sets();
    setImage("other:does-not-exist");
    let most = 0;
    for (let i = 0; i < 500; i++) {
      world.settle(10);
      most = Math.max(most, world.get(kinds.replicaSet, old.metadata.name).spec.replicas);
    }
    expect(most).toBeLessThanOrEqual(4);
    expect(world.events("web").filter((text) => text.includes(`up replica set ${old.metadata.name}`))).toHaveLength(1);
  });

  it("rolls back to an earlier ReplicaSet under a new revision number", () => {
    world.create(deployment("web", { replicas: 2 }));
    world.settle();
    const [first] = sets();
    setImage("nginx:does-not-exist");
    world.settle();
    setImage("nginx:1");
    world.settle();
    expect(sizes()).toEqual({ 2: 0, 3: 2 });
    expect(world.get(kinds.replicaSet, first.metadata.name).metadata.annotations[revision]).toBe("3");
    expect(conditionsOf(web())["Progressing"]).toBe("True NewReplicaSetAvailable");
  });

  it("recreates: no new pod before the last old one is gone", () => {
    world.create(deployment("web", { replicas: 3, strategy: { type: "Recreate" } }));
    world.settle();
    setImage("nginx:2");
    const seen = new Set<string>();
    for (let i = 0; i < 500; i++) {
      world.settle(5);
      seen.add([...new Set(images())].join("+"));
    }
    expect([...seen].filter((each) => each !== "")).toEqual(["nginx:1", "nginx:2"]);
    expect(web().status.availableReplicas).toBe(3);
  });

  it("does not roll out while paused, and does when resumed", () => {
    world.create(deployment("web", { replicas: 2 }));
    world.settle();
    world.change(kinds.deployment, "web", { spec: { paused: true } });
    setImage("nginx:2");
    world.settle();
    expect(images()).toEqual(["nginx:1", "nginx:1"]);
    expect(conditionsOf(web())["Progressing"]).toBe("Unknown DeploymentPaused");
    world.change(kinds.deployment, "web", { spec: { paused: null } });
    world.settle();
    expect(images()).toEqual(["nginx:2", "nginx:2"]);
    expect(conditionsOf(web())["Progressing"]).toBe("True NewReplicaSetAvailable");
  });

  it("keeps no more old ReplicaSets than revisionHistoryLimit", () => {
    world.create(deployment("web", { revisionHistoryLimit: 2 }));
    for (const version of [2, 3, 4, 5]) {
      world.settle();
      setImage(`nginx:${version}`);
    }
    world.settle();
    expect(sizes()).toEqual({ 3: 0, 4: 0, 5: 1 });
  });

  it("adopts the ReplicaSet that an orphaning deletion left", () => {
    world.create(deployment("web", { replicas: 2 }));
    world.settle();
    const before = world.pods().map((pod) => pod.metadata.uid);
    world.delete(kinds.deployment, "web", "Orphan");
    world.settle();
    expect(world.has(kinds.deployment, "web")).toBe(false);
    expect(sets()[0].metadata.ownerReferences).toBeUndefined();
    world.create(deployment("web", { replicas: 2 }));
    world.settle();
    expect(world.pods().map((pod) => pod.metadata.uid)).toEqual(before);
    expect(sets()[0].metadata.ownerReferences[0].uid).toBe(web().metadata.uid);
  });

  it("makes up for a pod that was deleted", () => {
    world.create(deployment("web", { replicas: 2 }));
    world.settle();
    world.delete(kinds.pod, world.pods()[0]?.metadata.name ?? "");
    world.settle();
    expect(world.pods()).toHaveLength(2);
    expect(conditionsOf(web())["Progressing"]).toBe("True NewReplicaSetAvailable");
  });

  it("writes a bounded number of times, and then nothing at all", () => {
    world.client.writes.length = 0;
    world.create(deployment("web"));
    world.settle();
    const writes = world.client.writes.filter((each) => !each.includes("/Event/"));
    expect(writes.length).toBeLessThanOrEqual(14);
    const before = world.client.writes.length;
    world.settle(600_000);
    expect(world.client.writes).toHaveLength(before);
    // What waits: the sweep of old events alone.
    expect(world.clock.pending).toBeLessThanOrEqual(2);
  });
});
