import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { KubernetesObject } from "#model/object.ts";
import { kinds } from "./support/objects.ts";
import { conditionsOf, podTemplate, World, type Loose } from "./testing/world.ts";

let world: World;
beforeEach(() => {
  world = new World({ nodes: 3 });
});
afterEach(() => world.stop());

const names = (): string[] => world.pods().map((pod) => pod.metadata.name ?? "");

function statefulSet(spec: object = {}, template: object = {}): KubernetesObject {
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "db" },
    spec: {
      replicas: 3,
      serviceName: "db",
      selector: { matchLabels: { app: "db" } },
      ...spec,
      template: podTemplate("db", template),
    },
  };
}

describe("a StatefulSet", () => {
  const db = (): Loose => world.get(kinds.statefulSet, "db");
  const images = (): (string | undefined)[] => world.pods().map((pod) => pod.spec.containers[0]?.image);
  const setImage = (image: string): void =>
    world.change(kinds.statefulSet, "db", { spec: { template: podTemplate("db", { image }) } });
  /** The distinct sets of pods that there were, in time. */
  const watchNames = (ms: number): string[] => {
    const seen: string[] = [];
    for (let i = 0; i < ms / 5; i++) {
      world.settle(5);
      const now = names().join(" ");
      if (seen.at(-1) !== now) seen.push(now);
    }
    return seen;
  };

  it("makes its pods in order, each after the one before is ready", () => {
    world.create(statefulSet({}, { annotations: { "sandbox.driftless.dev/ready-after": "100ms" } }));
    expect(watchNames(2000)).toEqual(["db-0", "db-0 db-1", "db-0 db-1 db-2"]);
    expect(db().status).toMatchObject({
      replicas: 3,
      readyReplicas: 3,
      currentReplicas: 3,
      updatedReplicas: 3,
      availableReplicas: 3,
    });
    expect(db().status.currentRevision).toBe(db().status.updateRevision);
    expect(world.pods()[1]?.spec).toMatchObject({ hostname: "db-1", subdomain: "db" });
  });

  it("makes and removes them all at once when Parallel", () => {
    world.create(statefulSet({ podManagementPolicy: "Parallel" }));
    expect(watchNames(500)).toEqual(["db-0 db-1 db-2"]);
    world.change(kinds.statefulSet, "db", { spec: { replicas: 0 } });
    expect(watchNames(500)).toEqual(["db-0 db-1 db-2", ""]);
  });

  it("removes them from the highest down", () => {
    world.create(statefulSet());
    world.settle();
    world.change(kinds.statefulSet, "db", { spec: { replicas: 1 } });
    expect(watchNames(1000)).toEqual(["db-0 db-1 db-2", "db-0 db-1", "db-0"]);
  });

  it("waits for a pod that does not get ready", () => {
    world.create(statefulSet({}, { annotations: { "sandbox.driftless.dev/never-ready": "true" } }));
    world.settle(60_000);
    expect(names()).toEqual(["db-0"]);
  });

  it.each([
    { name: "rolls out to all", strategy: { type: "RollingUpdate" }, expected: ["2", "2", "2"] },
    {
      name: "leaves those below the partition",
      strategy: { type: "RollingUpdate", rollingUpdate: { partition: 2 } },
      expected: ["1", "1", "2"],
    },
    { name: "waits for deletion when OnDelete", strategy: { type: "OnDelete" }, expected: ["1", "1", "1"] },
  ])("$name", ({ strategy, expected }) => {
    world.create(statefulSet({ updateStrategy: strategy }, { image: "nginx:1" }));
    world.settle();
    setImage("nginx:2");
    world.settle();
    expect(images()).toEqual(expected.map((version) => `nginx:${version}`));
    const done = expected.every((version) => version === "2");
    expect(db().status.currentRevision === db().status.updateRevision).toBe(done);
    // A pod below the partition comes back as it was.
    world.delete(kinds.pod, "db-0");
    world.settle();
    expect(images()[0]).toBe(strategy.type === "OnDelete" ? "nginx:2" : `nginx:${expected[0]}`);
  });

  it("gives each pod its claims, which are bound and stay", () => {
    const volumeClaimTemplates = [
      {
        metadata: { name: "data" },
        spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
      },
    ];
    world.create(statefulSet({ replicas: 2, volumeClaimTemplates }));
    world.settle();
    world.change(kinds.statefulSet, "db", { spec: { replicas: 0 } });
    world.settle();
    const claims = world.client.list(kinds.persistentVolumeClaim, "demo") as Loose[];
    expect(claims.map((each) => [each.metadata.name, each.status.phase, each.status.capacity.storage])).toEqual([
      ["data-db-0", "Bound", "1Gi"],
      ["data-db-1", "Bound", "1Gi"],
    ]);
    world.delete(kinds.persistentVolumeClaim, "data-db-0");
    world.settle();
    expect(world.client.list(kinds.persistentVolume)).toHaveLength(1);
  });
});

describe("a DaemonSet", () => {
  const daemon = (template: object = {}): KubernetesObject => ({
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "ds" },
    spec: { selector: { matchLabels: { app: "ds" } }, template: podTemplate("ds", template) },
  });
  const nodes = (): (string | undefined)[] =>
    world
      .pods()
      .map((pod) => pod.spec.nodeName)
      .sort((a = "", b = "") => (a < b ? -1 : 1));

  it("runs one pod on each node, later ones included", () => {
    world.create(daemon());
    world.settle();
    expect(nodes()).toEqual(["node-0", "node-1", "node-2"]);
    world.addNodes(4);
    world.settle();
    expect(nodes()).toEqual(["node-0", "node-1", "node-2", "node-3"]);
    expect(world.get(kinds.daemonSet, "ds").status).toEqual({
      currentNumberScheduled: 4,
      desiredNumberScheduled: 4,
      numberAvailable: 4,
      numberMisscheduled: 0,
      numberReady: 4,
      observedGeneration: 1,
      updatedNumberScheduled: 4,
    });
  });

  it("rolls a template out node by node, and stops where it fails", () => {
    world.create(daemon({ image: "nginx:1" }));
    world.settle();
    world.change(kinds.daemonSet, "ds", { spec: { template: podTemplate("ds", { image: "nginx:does-not-exist" }) } });
    world.settle();
    expect(world.get(kinds.daemonSet, "ds").status).toMatchObject({
      numberAvailable: 2,
      updatedNumberScheduled: 1,
      numberUnavailable: 1,
    });
    world.change(kinds.daemonSet, "ds", { spec: { template: podTemplate("ds", { image: "nginx:2" }) } });
    world.settle();
    expect(world.get(kinds.daemonSet, "ds").status).toMatchObject({ numberAvailable: 3, updatedNumberScheduled: 3 });
  });

  it("keeps to its node selector", () => {
    world.create(daemon({ spec: { nodeSelector: { "kubernetes.io/hostname": "node-1" } } }));
    world.settle();
    expect(nodes()).toEqual(["node-1"]);
  });
});

function job(spec: object = {}, annotations: object = {}, restartPolicy = "Never"): KubernetesObject {
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "it" },
    spec: {
      completions: 1,
      parallelism: 1,
      ...spec,
      template: podTemplate("it", { annotations, spec: { restartPolicy } }),
    },
  };
}

describe("a Job", () => {
  const status = (): Loose => world.get(kinds.job, "it").status;
  const fails = { "sandbox.driftless.dev/exit-code": "1" };
  const complete = { SuccessCriteriaMet: "True CompletionsReached", Complete: "True CompletionsReached" };

  it("completes", () => {
    world.create(job({ completions: 3, parallelism: 2 }));
    world.settle(100);
    expect(status()).toMatchObject({ active: 2, ready: 2 });
    world.settle();
    expect(status()).toMatchObject({ succeeded: 3, ready: 0, terminating: 0 });
    expect(status().active).toBeUndefined();
    expect(status().completionTime).toBeDefined();
    expect(conditionsOf(world.get(kinds.job, "it"))).toEqual(complete);
    expect(world.pods().every((pod) => pod.metadata.finalizers === undefined)).toBe(true);
  });

  it("fails after backoffLimit, with growing waits between its pods", () => {
    world.create(job({ backoffLimit: 2 }, fails));
    world.settle(5000);
    expect(status()).toMatchObject({ failed: 1 });
    world.settle(100_000);
    expect(status()).toMatchObject({ failed: 3 });
    expect(conditionsOf(world.get(kinds.job, "it"))).toEqual({
      FailureTarget: "True BackoffLimitExceeded",
      Failed: "True BackoffLimitExceeded",
    });
    expect(world.events("it")).toContain("BackoffLimitExceeded: Job has reached the specified backoff limit");
  });

  it("counts restarts in place against backoffLimit", () => {
    world.create(job({ backoffLimit: 1 }, fails, "OnFailure"));
    world.settle(60_000);
    expect(conditionsOf(world.get(kinds.job, "it"))["Failed"]).toBe("True BackoffLimitExceeded");
    expect(world.pods()).toEqual([]);
  });

  it("fails at its deadline", () => {
    world.create(job({ activeDeadlineSeconds: 5 }, { "sandbox.driftless.dev/run-for": "1h" }));
    world.settle(10_000);
    expect(conditionsOf(world.get(kinds.job, "it"))["Failed"]).toBe("True DeadlineExceeded");
  });

  it("gives each index its pod when Indexed", () => {
    world.create(job({ completions: 4, parallelism: 4, completionMode: "Indexed" }));
    world.settle();
    expect(status()).toMatchObject({ succeeded: 4, completedIndexes: "0-3" });
    expect(names().map((name) => name.slice(0, 4))).toEqual(["it-0", "it-1", "it-2", "it-3"]);
  });

  it("stops while suspended, and goes on", () => {
    world.create(job({ suspend: true }));
    world.settle();
    expect(names()).toEqual([]);
    expect(conditionsOf(world.get(kinds.job, "it"))).toEqual({ Suspended: "True JobSuspended" });
    world.change(kinds.job, "it", { spec: { suspend: false } });
    world.settle();
    expect(conditionsOf(world.get(kinds.job, "it"))).toEqual({ Suspended: "False JobResumed", ...complete });
  });

  it("goes when its time to live is over, and its pods with it", () => {
    world.create(job({ ttlSecondsAfterFinished: 30 }));
    world.settle();
    expect(world.has(kinds.job, "it")).toBe(true);
    world.settle(60_000);
    expect(world.has(kinds.job, "it")).toBe(false);
    expect(names()).toEqual([]);
  });

  it("lets its pods go when it is deleted amid its run", () => {
    world.create(job({}, { "sandbox.driftless.dev/run-for": "1h" }));
    world.settle();
    world.delete(kinds.job, "it");
    world.settle();
    expect(names()).toEqual([]);
  });
});

describe("a CronJob", () => {
  const cron = (spec: object = {}, annotations: object = {}): KubernetesObject => ({
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: { name: "it" },
    spec: { schedule: "*/5 * * * *", ...spec, jobTemplate: { spec: job({}, annotations)["spec"] } },
  });
  const minutes = 60_000;
  const jobs = (): string[] => world.client.list(kinds.job, "demo").map((each) => each.metadata.name ?? "");
  const long = { "sandbox.driftless.dev/run-for": "7m" };

  it("starts a Job at each time and keeps the last three", () => {
    world.create(cron());
    world.settle(4 * minutes);
    expect(jobs()).toEqual([]);
    world.settle(2 * minutes);
    expect(jobs()).toHaveLength(1);
    world.settle(25 * minutes);
    expect(jobs()).toHaveLength(3);
    expect(world.get(kinds.cronJob, "it").status).toMatchObject({ lastScheduleTime: "2026-01-01T00:30:00Z" });
  });

  it.each([
    { policy: "Allow", atOnce: 2, jobs: 2 },
    { policy: "Forbid", atOnce: 1, jobs: 1 },
    { policy: "Replace", atOnce: 1, jobs: 1 },
  ])("with $policy runs $atOnce at once", ({ policy, atOnce, jobs: count }) => {
    world.create(cron({ concurrencyPolicy: policy }, long));
    world.settle(11 * minutes);
    expect(world.get(kinds.cronJob, "it").status.active).toHaveLength(atOnce);
    expect(jobs()).toHaveLength(count);
  });

  it("does nothing while suspended", () => {
    world.create(cron({ suspend: true }));
    world.settle(20 * minutes);
    expect(jobs()).toEqual([]);
  });

  it("follows its time zone", () => {
    world.create(cron({ schedule: "0 9 * * *", timeZone: "Asia/Tokyo" }));
    world.settle(30 * minutes);
    expect(world.get(kinds.cronJob, "it").status.lastScheduleTime).toBeUndefined();
    world.settle(24 * 60 * minutes);
    expect(world.get(kinds.cronJob, "it").status.lastScheduleTime).toBe("2026-01-02T00:00:00Z");
  });
});
