import { describe, expect, it, vi } from "vitest";
import { DriftlessError } from "#base/errors.ts";
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

/** A server of objects in several namespaces, which tells what is watched. */
function several(...items: KubernetesObject[]) {
  const watched = new Map<string, number>();
  const lists: string[] = [];
  const refused = new Set<string>();
  const client = {
    list: (_op: unknown, _type: unknown, { namespace = "" }: { namespace?: string }) => {
      lists.push(namespace);
      if (refused.has(namespace)) return Promise.reject(new DriftlessError("PERMISSION_DENIED", "forbidden"));
      const found = items.filter((item) => namespace === "" || item.metadata.namespace === namespace);
      return Promise.resolve({ items: found, resourceVersion: "10" });
    },
    async *watch({ signal }: { signal: AbortSignal }, _type: unknown, { namespace = "" }: { namespace?: string }) {
      watched.set(namespace, (watched.get(namespace) ?? 0) + 1);
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      watched.set(namespace, watched.get(namespace)! - 1);
      if (signal.aborted) return;
      yield undefined as never;
    },
  } as unknown as KubeClient;
  const open = (): string[] => [...watched].flatMap(([name, count]) => (count > 0 ? [name] : [])).sort();
  return { client, open, lists, items, refused };
}

const inNamespace = (namespace: string, name: string): KubernetesObject => {
  const made = object(name, 5);
  return { ...made, metadata: { ...made.metadata, namespace, uid: `${namespace}-${name}` } };
};

describe("Informer of several namespaces", () => {
  const setUp = (initial: readonly string[] | undefined, include: (namespace: string) => boolean = () => true) => {
    const server = several(inNamespace("one", "a"), inNamespace("two", "a"), inNamespace("three", "a"));
    const warnings: string[] = [];
    let wanted = initial;
    let includes = include;
    const informer = new Informer({
      client: server.client,
      type: { group: "", version: "v1", plural: "configmaps", namespaced: true },
      clock: fakeClock(),
      random: { next: () => 0.5 },
      op: { signal: new AbortController().signal, log: { ...silentLogger, warn: (said) => warnings.push(said) } },
      namespaces: () => wanted,
      include: ({ metadata }) => includes(metadata.namespace ?? ""),
    });
    const told: string[] = [];
    informer.subscribe(({ before, after }) =>
      told.push(after ? `+${after.metadata.namespace}` : `-${before!.metadata.namespace}`),
    );
    const known = (): string[] => [...informer.values()].map(({ metadata }) => metadata.namespace ?? "").sort();
    const follow = async (next: readonly string[] | undefined, test = includes): Promise<void> => {
      [wanted, includes] = [next, test];
      await informer.follow();
    };
    return { server, informer, told, known, follow, warnings };
  };

  it("reads the named ones alone, and others when they are asked for", async () => {
    const { server, informer, told, known, follow } = setUp(["one", "two"]);
    await informer.start();
    expect(known()).toEqual(["one", "two"]);
    expect(server.lists.sort()).toEqual(["one", "two"]);
    told.length = 0;
    await follow(["two", "three"]);
    expect(known()).toEqual(["three", "two"]);
    expect(told.sort()).toEqual(["+three", "-one"]);
    expect(informer.resourceVersion).toBe("10");
    await informer.stop();
    expect(server.open()).toEqual([]);
  });

  it("goes on with what it had, and with others, while one may not be read", async () => {
    const { server, informer, known, follow, warnings } = setUp(["one"]);
    await informer.start();
    server.refused.add("two");
    let done = false;
    const following = follow(["three", "two"]).then(() => (done = true));
    await vi.waitFor(() => expect(known()).toEqual(["one", "three"]));
    expect(done).toBe(false);
    expect(informer.problem?.code).toBe("PERMISSION_DENIED");
    expect(warnings).toEqual(["objects cannot be followed"]);
    server.refused.clear();
    await follow(["three", "two"]);
    expect(known()).toEqual(["three", "two"]);
    await informer.stop();
    void following;
  });

  it("keeps of all only what is included, and asks again", async () => {
    const { informer, told, known, follow } = setUp(undefined, (namespace) => namespace !== "two");
    await informer.start();
    expect(known()).toEqual(["one", "three"]);
    told.length = 0;
    await follow(undefined, (namespace) => namespace !== "three");
    expect(known()).toEqual(["one", "two"]);
    expect(told).toEqual(["+two", "-three"]);
    await follow(["three"], () => true);
    expect(known()).toEqual(["three"]);
    informer.observe(inNamespace("one", "b"));
    expect(known()).toEqual(["three"]);
    await informer.stop();
  });
});

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
