import { describe, expect, it } from "vitest";
import { silentLogger } from "#base/operation.ts";
import { fakeClock } from "#base/testing/fake-clock.ts";
import type { KubeClient, WatchEvent } from "#kube/types.ts";
import type { KubernetesObject } from "#model/object.ts";
import { Informer } from "./informer.ts";

const object = (name: string, version: number, more: object = {}): KubernetesObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "n", uid: `uid-${name}`, resourceVersion: String(version), ...more },
});

/** An informer over what the watch is told to say. */
async function following(...items: KubernetesObject[]) {
  let tell: (event: WatchEvent | undefined) => void = () => {};
  const client = {
    list: () => Promise.resolve({ items, resourceVersion: "10" }),
    async *watch(): AsyncIterable<WatchEvent> {
      for (;;) {
        const event = await new Promise<WatchEvent | undefined>((resolve) => (tell = resolve));
        if (!event) return;
        yield event;
      }
    },
  } as unknown as KubeClient;
  const clock = fakeClock();
  const op = { signal: new AbortController().signal, log: silentLogger };
  const type = { group: "", version: "v1", plural: "configmaps", namespaced: true };
  const informer = new Informer({ client, type, clock, random: { next: () => 0.5 }, op });
  await informer.start();
  await clock.advance(0);
  const say = async (event: WatchEvent): Promise<void> => {
    tell(event);
    await clock.advance(0);
  };
  return { informer, say };
}

describe("Informer", () => {
  it("takes in the answer to a write before the watch brings it, never an older one", async () => {
    const { informer } = await following(object("a", 5));
    informer.observe(object("a", 7));
    informer.observe(object("a", 6));
    expect(informer.get("n", "a")?.metadata.resourceVersion).toBe("7");
    informer.observe(object("new", 8));
    expect(informer.get("n", "new")).toBeDefined();
  });

  it("is not told by a late answer that an object which ended is there", async () => {
    const { informer, say } = await following(object("a", 5));
    await say({ type: "DELETED", object: object("a", 9) });
    expect(informer.get("n", "a")).toBeUndefined();
    informer.observe(object("a", 8, { deletionTimestamp: "2026-01-01T00:00:00Z" }));
    expect(informer.get("n", "a")).toBeUndefined();
    informer.observe(object("a", 11, { uid: "another" }));
    expect(informer.get("n", "a")?.metadata.uid).toBe("another");
  });
});
