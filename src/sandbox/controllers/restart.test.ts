import { expect, it } from "vitest";
import type { KubernetesObject } from "#model/object.ts";
import { kinds } from "./support/objects.ts";
import { deployment, podTemplate, World } from "./testing/world.ts";

const selector = { matchLabels: { app: "web" } };
const annotated = (name: string, value: string): object => ({
  annotations: { [`sandbox.driftless.dev/${name}`]: value },
});

const objects: readonly KubernetesObject[] = [
  deployment("web", { replicas: 2 }),
  deployment("broken", { replicas: 2 }, annotated("image-pull", "fail")),
  deployment("crashing", {}, annotated("crash", "true")),
  deployment("late", {}, annotated("ready-after", "1s")),
  {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "db" },
    spec: { replicas: 2, selector: { matchLabels: { app: "db" } }, template: podTemplate("db") },
  },
  {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "ds" },
    spec: { selector: { matchLabels: { app: "ds" } }, template: podTemplate("ds") },
  },
  {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "job" },
    spec: { completions: 2, template: podTemplate("job", { spec: { restartPolicy: "Never" } }) },
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web" },
    spec: { type: "LoadBalancer", selector: selector.matchLabels, ports: [{ port: 80 }] },
  },
  {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: "web" },
    spec: { selector, minAvailable: 1 },
  },
  { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name: "data" }, spec: {} },
  { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "quota" }, spec: { hard: { pods: "50" } } },
];

it("controllers that start anew write nothing where nothing changed", () => {
  const world = new World();
  for (const object of objects) world.create(object);
  world.settle(8000);
  world.client.writes.length = 0;
  world.restart();
  world.settle(1000);
  expect(world.client.writes).toEqual([]);
  world.stop();
});

it("controllers that start anew go on where the others stopped", () => {
  const world = new World();
  world.create(deployment("web", { replicas: 4 }));
  world.settle();
  world.change(kinds.deployment, "web", { spec: { template: podTemplate("web", { image: "nginx:2" }) } });
  for (let i = 0; i < 50; i++) {
    world.restart();
    world.settle(15);
  }
  world.settle();
  const images = world.pods().map((pod) => pod.spec.containers[0]?.image);
  expect(images).toEqual(["nginx:2", "nginx:2", "nginx:2", "nginx:2"]);
  world.stop();
});

it("stopped controllers leave no timer behind", () => {
  const world = new World();
  for (const object of objects) world.create(object);
  world.settle(1000);
  world.stop();
  world.client.writes.length = 0;
  world.settle(100_000);
  expect([world.clock.pending, world.client.writes]).toEqual([0, []]);
});
