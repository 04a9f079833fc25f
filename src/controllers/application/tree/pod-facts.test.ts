import { expect, it } from "vitest";
import type { KubernetesObject } from "#model/object.ts";
import { podFacts } from "./pod-facts.ts";

const pod = (spec: object, status: object, metadata: object = {}): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "p", namespace: "n", ...metadata },
  spec: { containers: [{ name: "main" }], ...spec },
  status,
});
const facts = (given: KubernetesObject): Record<string, string> =>
  Object.fromEntries(podFacts(given).map(({ name, value }) => [name, value]));
const running = { name: "main", ready: true, restartCount: 0, state: { running: {} } };
const waiting = (reason?: string): object => ({ name: "main", ready: false, state: { waiting: { reason } } });
const ended = (exitCode: number, more: object = {}): object => ({
  name: "main",
  ready: false,
  state: { terminated: { exitCode, ...more } },
});
const sidecar = { initContainers: [{ name: "proxy", restartPolicy: "Always" }] };
const early = { initContainers: [{ name: "first" }, { name: "second" }] };

it.each<[string, string, KubernetesObject]>([
  ["Running 1/1", "its phase", pod({}, { phase: "Running", containerStatuses: [running] })],
  ["Pending 0/1", "nothing known yet", pod({}, {})],
  [
    "CrashLoopBackOff 0/1",
    "what it waits for",
    pod({}, { phase: "Running", containerStatuses: [waiting("CrashLoopBackOff")] }),
  ],
  ["Error 0/1", "how it ended", pod({}, { phase: "Failed", containerStatuses: [ended(1, { reason: "Error" })] })],
  ["ExitCode:7 0/1", "its exit code", pod({}, { phase: "Failed", containerStatuses: [ended(7)] })],
  ["Signal:9 0/1", "its signal", pod({}, { phase: "Failed", containerStatuses: [ended(137, { signal: 9 })] })],
  ["Evicted 0/1", "its own reason", pod({}, { phase: "Failed", reason: "Evicted" })],
  [
    "Running 1/2",
    "one is done, the other runs",
    pod(
      { containers: [{ name: "job" }, { name: "main" }] },
      { phase: "Running", containerStatuses: [ended(0, { reason: "Completed" }), running] },
    ),
  ],
  [
    "Terminating 1/1",
    "on its way out",
    pod({}, { phase: "Running", containerStatuses: [running] }, { deletionTimestamp: "2030-01-01T00:00:00Z" }),
  ],
  [
    "Unknown 0/1",
    "its node is lost",
    pod({}, { phase: "Running", reason: "NodeLost" }, { deletionTimestamp: "2030-01-01T00:00:00Z" }),
  ],
  [
    "SchedulingGated 0/1",
    "a gate",
    pod({}, { phase: "Pending", conditions: [{ type: "PodScheduled", reason: "SchedulingGated" }] }),
  ],
  [
    "Init:1/2 0/1",
    "the second of its first containers runs",
    pod(early, {
      phase: "Pending",
      initContainerStatuses: [
        { name: "first", state: { terminated: { exitCode: 0 } } },
        { name: "second", state: { running: {} } },
      ],
      containerStatuses: [waiting("PodInitializing")],
    }),
  ],
  [
    "Init:Error 0/1",
    "a first container failed",
    pod(early, { phase: "Pending", initContainerStatuses: [{ name: "first", ...ended(1, { reason: "Error" }) }] }),
  ],
  [
    "Init:ImagePullBackOff 0/1",
    "a first container has no image",
    pod(early, { phase: "Pending", initContainerStatuses: [{ name: "first", ...waiting("ImagePullBackOff") }] }),
  ],
  [
    "Running 2/2",
    "a sidecar counts",
    pod(sidecar, {
      phase: "Running",
      initContainerStatuses: [{ ...running, name: "proxy", started: true }],
      containerStatuses: [running],
    }),
  ],
])("%s: %s", (expected, _why, given) => {
  const { "Status Reason": reason, Containers: containers } = facts(given);
  expect(`${reason} ${containers}`).toBe(expected);
});

it("restarts are counted, also of first containers", () => {
  const status = { initContainerStatuses: [{ restartCount: 3 }], containerStatuses: [{ ...running, restartCount: 4 }] };
  expect(facts(pod({ nodeName: "n1" }, status))).toMatchObject({ "Restart Count": "7", Node: "n1" });
});

const asks = (cpu: string, memory: string, more: object = {}): object => ({
  resources: { requests: { cpu, memory } },
  ...more,
});

it.each<[string, object, string | undefined]>([
  ["the sum of its containers", { containers: [asks("250m", "128Mi"), asks("1", "1k")] }, "1250 134218728000 0"],
  [
    "what a first container needs, where that is more",
    { containers: [asks("1", "1k")], initContainers: [asks("2", "1")] },
    "2000 1000000 0",
  ],
  [
    "sidecars beside both",
    { containers: [asks("1", "1k")], initContainers: [asks("1", "0", { restartPolicy: "Always" }), asks("3", "1")] },
    "4000 1000000 0",
  ],
  [
    "what is asked for the whole pod",
    { containers: [asks("1", "1k")], resources: { requests: { cpu: "3" } } },
    "3000 1000000 0",
  ],
  ["the runtime's own on top", { containers: [asks("1", "1k")], overhead: { cpu: "100m" } }, "1100 1000000 0"],
  ["nothing that makes no sense", { containers: [asks("many", "1k")] }, "0 1000000 0"],
])("asks of its node: %s", (_name, spec, expected) => {
  expect(facts(pod(spec, { phase: "Running" }))["requests"]).toBe(expected);
});

it("asks nothing once it has ended", () => {
  expect(facts(pod({ containers: [asks("1", "1k")] }, { phase: "Succeeded" }))["requests"]).toBe(undefined);
});
