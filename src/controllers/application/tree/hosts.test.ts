import { expect, it } from "vitest";
import type { Clock } from "#base/ports.ts";
import type { LiveEntry } from "#kube/live.ts";
import type { KubernetesObject } from "#model/object.ts";
import { Hosts, nodeFacts } from "./hosts.ts";
import { podFacts } from "./pod-facts.ts";
import { shownFacts } from "./facts.ts";

const entry = (kind: string, name: string, object: KubernetesObject): LiveEntry => ({
  key: { group: "", kind, namespace: kind === "Pod" ? "n" : "", name },
  version: "v1",
  uid: `uid-${name}`,
  resourceVersion: "1",
  owners: [],
  info: kind === "Node" ? nodeFacts(object) : podFacts(object),
});
const node = (name: string, capacity: object): LiveEntry =>
  entry("Node", name, {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels: { zone: "a" } },
    status: { capacity, nodeInfo: { osImage: "debian" } },
  });
const pod = (name: string, on: string, cpu: string, phase = "Running"): LiveEntry =>
  entry("Pod", name, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: { nodeName: on, containers: [{ resources: { requests: { cpu } } }] },
    status: { phase },
  });

it("tells of the nodes of an application's pods, what these ask of them, and what their neighbours do", () => {
  const entries = [
    node("n1", { cpu: "4", memory: "1Gi", pods: "110" }),
    node("n2", { cpu: "4" }),
    pod("mine", "n1", "1"),
    pod("mine-2", "n1", "500m"),
    pod("other", "n1", "2"),
    pod("done", "n1", "1", "Succeeded"),
    pod("elsewhere", "n2", "1"),
  ];
  let now = 0;
  let looks = 0;
  const cache = { entries: () => (looks++, entries) };
  const hosts = new Hosts({ monotonic: () => now } as Clock);
  const nodes = entries
    .filter(({ key }) => key.name.startsWith("mine"))
    .map(({ key, uid, info }) => ({ ...key, version: "v1", uid, info: shownFacts(info ?? []) }));

  const expected = [
    {
      name: "n1",
      labels: { zone: "a" },
      systemInfo: { osImage: "debian" },
      resourcesInfo: [
        { resourceName: "cpu", requestedByApp: 1500, requestedByNeighbors: 2000, capacity: 4000 },
        { resourceName: "memory", capacity: 1073741824000 },
      ],
    },
  ];
  expect(hosts.of(cache, nodes)).toEqual(expected);
  expect(hosts.of(cache, nodes)).toEqual(expected);
  expect(looks).toBe(1);
  // What came meanwhile is known of the application's own pods at once, of others in a moment.
  entries.push(pod("mine-3", "n1", "1"), pod("another", "n1", "1"));
  const third = entries.find(({ key }) => key.name === "mine-3")!;
  const more = [...nodes, { ...third.key, version: "v1", uid: third.uid, info: shownFacts(third.info ?? []) }];
  expect(hosts.of(cache, more)[0]!.resourcesInfo![0]).toMatchObject({
    requestedByApp: 2500,
    requestedByNeighbors: 2000,
  });
  expect(looks).toBe(1);
  now = 10_000;
  expect(hosts.of(cache, more)[0]!.resourcesInfo![0]).toMatchObject({
    requestedByApp: 2500,
    requestedByNeighbors: 3000,
  });
  expect(looks).toBe(2);
  expect(hosts.of(cache, [])).toEqual([]);
});
