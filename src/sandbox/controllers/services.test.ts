import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { kinds } from "./support/objects.ts";
import { conditionsOf, deployment, World, type Loose } from "./testing/world.ts";

let world: World;
beforeEach(() => {
  world = new World();
});
afterEach(() => world.stop());

function web(replicas = 2): void {
  const containers = [{ name: "main", image: "nginx", ports: [{ name: "http", containerPort: 8080 }] }];
  world.create(deployment("web", { replicas }, { spec: { containers } }));
}

describe("a Service", () => {
  const service = (spec: object = {}): void => {
    const ports = [{ name: "http", port: 80, targetPort: "http", protocol: "TCP" }];
    world.create({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web" },
      spec: { selector: { app: "web" }, ports, ...spec },
    });
  };
  const slices = (): Loose[] => [...world.client.list(kinds.endpointSlice, "demo")];

  it("has the addresses of its ready pods, and follows them", () => {
    service();
    web();
    world.settle();
    const ips = world.pods().map((pod) => pod.status?.podIP);
    expect(slices()).toHaveLength(1);
    expect(slices()[0].endpoints.map((each: Loose) => each.addresses[0])).toEqual(ips);
    expect(slices()[0].ports).toEqual([{ name: "http", port: 8080, protocol: "TCP" }]);
    expect(world.get(kinds.endpoints, "web").subsets[0].addresses).toHaveLength(2);
    world.change(kinds.deployment, "web", { spec: { replicas: 0 } });
    world.settle();
    expect(slices()[0].endpoints).toBeNull();
    expect(world.get(kinds.endpoints, "web").subsets).toBeUndefined();
  });

  it("takes its endpoints with it", () => {
    service();
    web();
    world.settle();
    world.delete(kinds.service, "web");
    world.settle();
    expect(slices()).toEqual([]);
    expect(world.has(kinds.endpoints, "web")).toBe(false);
  });

  it("gets an address as a load balancer", () => {
    service({ type: "LoadBalancer" });
    world.settle();
    expect(world.get(kinds.service, "web").status.loadBalancer.ingress[0].ip).toMatch(/^203\.0\.113\.\d+$/);
  });
});

it("an Ingress gets an address", () => {
  world.create({ apiVersion: "networking.k8s.io/v1", kind: "Ingress", metadata: { name: "web" }, spec: {} });
  world.settle();
  expect(world.get(kinds.ingress, "web").status.loadBalancer.ingress).toHaveLength(1);
});

it.each([
  { spec: { minAvailable: 1 }, allowed: 2, status: "True SufficientPods" },
  { spec: { minAvailable: "100%" }, allowed: 0, status: "False InsufficientPods" },
  { spec: { maxUnavailable: 1 }, allowed: 1, status: "True SufficientPods" },
])("a PodDisruptionBudget with $spec allows $allowed of 3", ({ spec, allowed, status }) => {
  web(3);
  const selector = { matchLabels: { app: "web" } };
  world.create({
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name: "web" },
    spec: { selector, ...spec },
  });
  world.settle();
  const budget = world.get(kinds.podDisruptionBudget, "web");
  expect(budget.status).toMatchObject({ disruptionsAllowed: allowed, currentHealthy: 3, expectedPods: 3 });
  expect(conditionsOf(budget)).toEqual({ DisruptionAllowed: status });
});

it.each([
  { replicas: 1, bounded: 2 },
  { replicas: 3, bounded: 3 },
  { replicas: 9, bounded: 4 },
])("a HorizontalPodAutoscaler of 2 to 4 makes $replicas replicas $bounded", ({ replicas, bounded }) => {
  web(replicas);
  const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "web" };
  const spec = { minReplicas: 2, maxReplicas: 4, scaleTargetRef };
  world.create({ apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", metadata: { name: "web" }, spec });
  world.settle();
  const autoscaler = world.get(kinds.horizontalPodAutoscaler, "web");
  expect(world.get(kinds.deployment, "web").spec.replicas).toBe(bounded);
  expect(autoscaler.status).toMatchObject({ currentReplicas: bounded, desiredReplicas: bounded });
  expect(conditionsOf(autoscaler)).toEqual({
    AbleToScale: "True ReadyForNewScale",
    ScalingActive: "True ValidMetricFound",
    ScalingLimited: "False DesiredWithinRange",
  });
});

it("a ResourceQuota counts what is used", () => {
  const hard = { pods: "9", "count/deployments.apps": "5", "requests.cpu": "2" };
  world.create({ apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "q" }, spec: { hard } });
  const containers = [{ name: "main", image: "nginx", resources: { requests: { cpu: "250m" } } }];
  world.create(deployment("web", { replicas: 3 }, { spec: { containers } }));
  world.settle();
  expect(world.get(kinds.resourceQuota, "q").status).toEqual({
    hard,
    used: { pods: "3", "count/deployments.apps": "1", "requests.cpu": "750m" },
  });
});

it("every namespace has its account and certificate, and gets them back", () => {
  const configMap = { group: "", kind: "ConfigMap" };
  expect(world.get(configMap, "kube-root-ca.crt").data).toEqual({ "ca.crt": "CA" });
  world.delete(kinds.serviceAccount, "default");
  world.delete(configMap, "kube-root-ca.crt");
  world.settle();
  expect(world.has(kinds.serviceAccount, "default")).toBe(true);
  expect(world.has(configMap, "kube-root-ca.crt")).toBe(true);
});

it("a CustomResourceDefinition is established", () => {
  const names = { kind: "Thing", plural: "things" };
  const versions = [{ name: "v1", served: true, storage: true }];
  world.client.create({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "things.example.com" },
    spec: { group: "example.com", names, versions },
  });
  world.settle();
  const definition = world.get(kinds.customResourceDefinition, "things.example.com", "");
  expect(conditionsOf(definition)).toEqual({
    NamesAccepted: "True NoConflicts",
    Established: "True InitialNamesAccepted",
  });
  expect(definition.status.storedVersions).toEqual(["v1"]);
});

it("events go after an hour", () => {
  web();
  world.settle();
  const events = { group: "", kind: "Event" };
  expect(world.client.list(events).length).toBeGreaterThan(0);
  world.settle(2 * 3_600_000);
  expect(world.client.list(events)).toEqual([]);
});

describe("a claim", () => {
  const claim = (spec: object = {}): void => {
    const wanted = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "2Gi" } }, ...spec };
    world.create({ apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name: "data" }, spec: wanted });
  };
  const volume = (name: string, storage: string): void => {
    const spec = { storageClassName: "slow", capacity: { storage }, accessModes: ["ReadWriteOnce", "ReadOnlyMany"] };
    world.client.create({ apiVersion: "v1", kind: "PersistentVolume", metadata: { name }, spec });
  };
  const bound = (): Loose => world.get(kinds.persistentVolumeClaim, "data");

  it("is bound to the smallest volume of its class that is large enough", () => {
    for (const [name, size] of [
      ["small", "1Gi"],
      ["large", "10Gi"],
      ["right", "2048Mi"],
    ] as const)
      volume(name, size);
    claim({ storageClassName: "slow" });
    world.settle();
    expect([bound().status.phase, bound().spec.volumeName]).toEqual(["Bound", "right"]);
  });

  it("is kept while a pod uses it", () => {
    claim({ storageClassName: "slow" });
    world.change(kinds.persistentVolumeClaim, "data", { metadata: { finalizers: ["kubernetes.io/pvc-protection"] } });
    const volumes = [{ name: "v", persistentVolumeClaim: { claimName: "data" } }];
    const spec = { volumes, containers: [{ name: "main", image: "nginx" }] };
    world.create({ apiVersion: "v1", kind: "Pod", metadata: { name: "user" }, spec });
    world.settle();
    world.delete(kinds.persistentVolumeClaim, "data");
    world.settle();
    expect(world.has(kinds.persistentVolumeClaim, "data")).toBe(true);
    world.delete(kinds.pod, "user");
    world.settle(60_000);
    expect(world.has(kinds.persistentVolumeClaim, "data")).toBe(false);
  });

  it("waits for a volume that fits", () => {
    claim({ storageClassName: "slow" });
    world.settle();
    expect(bound().status.phase).toBe("Pending");
    volume("late", "2Gi");
    world.settle();
    expect([bound().status.phase, bound().spec.volumeName]).toEqual(["Bound", "late"]);
  });
});
