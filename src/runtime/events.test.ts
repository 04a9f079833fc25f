import { expect, it } from "vitest";
import { silentLogger } from "#base/operation.ts";
import { fakeClock } from "#base/testing/fake-clock.ts";
import type { KubeClient } from "#kube/types.ts";
import type { KubernetesObject } from "#model/object.ts";
import { EventRecorder, type EventRecorderOptions } from "./events.ts";

const about = {
  apiVersion: "example.com/v1",
  kind: "Thing",
  metadata: { name: "a", namespace: "b", uid: "u", resourceVersion: "7", labels: { team: "web" } },
} as KubernetesObject;
const event = { type: "Normal", reason: "Changed", message: "it changed" } as const;

function recorder(options: Partial<EventRecorderOptions> = {}): { events: EventRecorder; written: KubernetesObject[] } {
  const written: KubernetesObject[] = [];
  const create = async (_op: unknown, _type: unknown, object: KubernetesObject): Promise<KubernetesObject> => {
    written.push(object);
    return object;
  };
  const op = { signal: new AbortController().signal, log: silentLogger };
  const client = { create } as unknown as KubeClient;
  return { events: new EventRecorder({ client, clock: fakeClock(), component: "test", op, ...options }), written };
}

it("writes what happened beside the object", () => {
  const { events, written } = recorder({ labels: ({ metadata }) => ({ ...metadata.labels }) });
  events.record(about, { ...event, annotations: { user: "ann" } });
  expect(written).toEqual([
    expect.objectContaining({
      metadata: expect.objectContaining({ namespace: "b", labels: { team: "web" }, annotations: { user: "ann" } }),
      involvedObject: expect.objectContaining({ kind: "Thing", name: "a", uid: "u", resourceVersion: "7" }),
      reason: "Changed",
      message: "it changed",
      source: { component: "test" },
    }),
  ]);
});

it("writes nothing that is not wanted, and no labels where there are none", () => {
  const { events, written } = recorder({ enabled: (reason) => reason === "Wanted", labels: () => ({}) });
  events.record(about, event);
  events.record(about, { ...event, reason: "Wanted" });
  expect(written.map(({ reason }) => reason)).toEqual(["Wanted"]);
  expect(written[0]!.metadata).not.toHaveProperty("labels");
});

it("never writes who a URL speaks for, also where the text is cut", () => {
  const { events, written } = recorder();
  const secret = "https://me:hunter2@git.example.com";
  events.record(about, { ...event, message: `${"x".repeat(1000)} ${secret}` });
  expect(JSON.stringify(written)).not.toContain("hunter2");
  expect((written[0]!["message"] as string).length).toBeLessThanOrEqual(1024);
});
