import { describe, expect, it } from "vitest";
import { kinds } from "./support/objects.ts";
import { conditionsOf, World, type Loose } from "./testing/world.ts";

interface Case {
  readonly name: string;
  readonly annotations?: object;
  readonly image?: string;
  readonly policy?: string;
  readonly afterMs: number;
  readonly phase: string;
  /** Reason of the container's state; "Running" where it runs. */
  readonly state: string;
  readonly ready: boolean;
  readonly restarts?: number;
}

const a = (values: object): object =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`sandbox.driftless.dev/${name}`, value]));

const cases: readonly Case[] = [
  { name: "starts", afterMs: 10, phase: "Pending", state: "ContainerCreating", ready: false },
  { name: "runs and is ready", afterMs: 100, phase: "Running", state: "Running", ready: true },
  {
    name: "becomes ready late",
    annotations: a({ "ready-after": "2s" }),
    afterMs: 1500,
    phase: "Running",
    state: "Running",
    ready: false,
  },
  {
    name: "has become ready late",
    annotations: a({ "ready-after": "2s" }),
    afterMs: 2500,
    phase: "Running",
    state: "Running",
    ready: true,
  },
  {
    name: "is never ready",
    annotations: a({ "never-ready": "true" }),
    afterMs: 600_000,
    phase: "Running",
    state: "Running",
    ready: false,
  },
  {
    name: "cannot be scheduled",
    annotations: a({ pending: "true" }),
    afterMs: 5000,
    phase: "Pending",
    state: "",
    ready: false,
  },
  {
    name: "fails to pull",
    annotations: a({ "image-pull": "fail" }),
    afterMs: 100,
    phase: "Pending",
    state: "ErrImagePull",
    ready: false,
  },
  {
    name: "backs off from pulling",
    annotations: a({ "image-pull": "fail" }),
    afterMs: 1000,
    phase: "Pending",
    state: "ImagePullBackOff",
    ready: false,
  },
  {
    name: "fails by its tag",
    image: "nginx:does-not-exist",
    afterMs: 1000,
    phase: "Pending",
    state: "ImagePullBackOff",
    ready: false,
  },
  {
    name: "fails by its registry",
    image: "fail.example/x/y:1",
    afterMs: 1000,
    phase: "Pending",
    state: "ImagePullBackOff",
    ready: false,
  },
  {
    name: "crashes",
    annotations: a({ crash: "true" }),
    afterMs: 5000,
    phase: "Running",
    state: "CrashLoopBackOff",
    ready: false,
    restarts: 1,
  },
  {
    name: "crashes again and again",
    annotations: a({ crash: "3" }),
    afterMs: 40_000,
    phase: "Running",
    state: "CrashLoopBackOff",
    ready: false,
    restarts: 3,
  },
  { name: "completes", policy: "Never", afterMs: 1000, phase: "Succeeded", state: "Completed", ready: false },
  {
    name: "runs as long as it is told",
    annotations: a({ "run-for": "2s" }),
    policy: "Never",
    afterMs: 1000,
    phase: "Running",
    state: "Running",
    ready: true,
  },
  {
    name: "fails",
    annotations: a({ "exit-code": "7" }),
    policy: "Never",
    afterMs: 1000,
    phase: "Failed",
    state: "Error",
    ready: false,
  },
  {
    name: "is restarted on failure",
    annotations: a({ "exit-code": "7" }),
    policy: "OnFailure",
    afterMs: 1000,
    phase: "Running",
    state: "CrashLoopBackOff",
    ready: false,
    restarts: 1,
  },
];

describe("a pod", () => {
  it.each(cases)("$name", ({ annotations, image = "nginx:1", policy = "Always", afterMs, ...expected }) => {
    const world = new World();
    const metadata = { name: "it", ...(annotations === undefined ? {} : { annotations }) };
    world.create({
      apiVersion: "v1",
      kind: "Pod",
      metadata: metadata as Loose,
      spec: { restartPolicy: policy, containers: [{ name: "main", image }] },
    });
    world.settle(afterMs);
    const pod = world.get(kinds.pod, "it");
    const state = pod.status.containerStatuses?.[0].state ?? {};
    expect({
      phase: pod.status.phase,
      state: state.waiting?.reason ?? state.terminated?.reason ?? (state.running ? "Running" : ""),
      ready: conditionsOf(pod)["Ready"] === "True",
      restarts: pod.status.containerStatuses?.[0].restartCount ?? 0,
    }).toEqual({
      phase: expected.phase,
      state: expected.state,
      ready: expected.ready,
      restarts: expected.restarts ?? 0,
    });
    world.stop();
  });

  it("runs its init containers one after the other, and its sidecars beside", () => {
    const world = new World({ timings: { initMs: 100 } });
    const initContainers = [
      { name: "first", image: "a" },
      { name: "side", image: "b", restartPolicy: "Always" },
      { name: "second", image: "c" },
    ];
    world.create({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "it" },
      spec: { initContainers, containers: [{ name: "main", image: "nginx" }] },
    });
    world.settle(200);
    let pod = world.get(kinds.pod, "it");
    expect(pod.status.phase).toBe("Pending");
    expect(conditionsOf(pod)["Initialized"]).toBe("False ContainersNotInitialized");
    world.settle(1000);
    pod = world.get(kinds.pod, "it");
    expect(pod.status.phase).toBe("Running");
    expect(pod.status.initContainerStatuses.map((each: Loose) => Object.keys(each.state)[0])).toEqual([
      "terminated",
      "running",
      "terminated",
    ]);
    expect(conditionsOf(pod)["Ready"]).toBe("True");
    world.stop();
  });

  it("ends after a while when deleted, and waits for its finalizers", () => {
    const world = new World();
    const spec = { containers: [{ name: "main", image: "nginx" }] };
    world.create({ apiVersion: "v1", kind: "Pod", metadata: { name: "plain" }, spec });
    world.create({ apiVersion: "v1", kind: "Pod", metadata: { name: "held", finalizers: ["example.com/hold"] }, spec });
    world.settle();
    world.delete(kinds.pod, "plain");
    world.delete(kinds.pod, "held");
    world.settle(5);
    expect(world.has(kinds.pod, "plain")).toBe(true);
    world.settle();
    expect(world.has(kinds.pod, "plain")).toBe(false);
    expect(world.get(kinds.pod, "held").status.phase).toBe("Failed");
    world.change(kinds.pod, "held", { metadata: { finalizers: [] } });
    world.settle();
    expect(world.has(kinds.pod, "held")).toBe(false);
    expect(world.events("plain")).toContain("Killing: Stopping container main");
    world.stop();
  });

  it("counts repeated events up instead of writing new ones", () => {
    const world = new World();
    world.create({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "it", annotations: { "sandbox.driftless.dev/crash": "true" } },
      spec: { containers: [{ name: "main", image: "nginx" }] },
    });
    world.settle(120_000);
    const started = world.events("it").filter((each) => each.startsWith("Started"));
    expect(started).toEqual([expect.stringMatching(/\(x\d+\)$/)]);
    world.stop();
  });

  it("is put where there are fewest", () => {
    const world = new World({ nodes: 2 });
    for (const name of ["a", "b", "c", "d"]) {
      const spec = { containers: [{ name: "main", image: "nginx" }] };
      world.create({ apiVersion: "v1", kind: "Pod", metadata: { name }, spec });
    }
    world.settle();
    expect(world.pods().map((pod) => pod.spec.nodeName)).toEqual(["node-0", "node-1", "node-0", "node-1"]);
    world.stop();
  });

  it("goes to a node that comes later", () => {
    const world = new World({ nodes: 0 });
    world.create({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "it" },
      spec: { containers: [{ name: "main", image: "nginx" }] },
    });
    world.settle();
    expect(conditionsOf(world.get(kinds.pod, "it"))["PodScheduled"]).toBe("False Unschedulable");
    world.addNodes(1);
    world.settle();
    expect(world.get(kinds.pod, "it").status.phase).toBe("Running");
    world.stop();
  });
});
