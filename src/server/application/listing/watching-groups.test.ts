import { afterEach, describe, expect, it } from "vitest";
import { silentLogger } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import { fakeClock } from "#base/testing/fake-clock.ts";
import type { Application } from "#model/application.ts";
import { systemClock } from "#runtime/system.ts";
import type { SharedMessage, SharedMessages } from "../../rpc/prepared.ts";
import { WatchGroups, type WatchGroupsDeps } from "./watching-groups.ts";

type Told = { before: Application | undefined; after: Application | undefined };

const stop: AbortController[] = [];
afterEach(() => stop.splice(0).forEach((each) => each.abort()));

class World {
  readonly objects = new Map<string, Application>();
  readonly listeners = new Set<(change: Told) => void>();
  version = 10;
  presentedTimes = 0;
  readonly groups: WatchGroups;

  constructor(clock: Clock = systemClock) {
    const applications = {
      values: () => this.objects.values(),
      subscribe: (listener: (change: Told) => void) => this.listeners.add(listener),
    };
    Object.defineProperty(applications, "resourceVersion", { get: () => String(this.version) });
    this.groups = new WatchGroups({
      applications,
      clock,
      presented: (app: Application) => {
        this.presentedTimes++;
        return app;
      },
    } as unknown as WatchGroupsDeps);
  }

  set(name: string, project = "shop"): void {
    const metadata = { name, namespace: "argocd", resourceVersion: String(this.version + 1) };
    const after = { metadata, spec: { project } } as unknown as Application;
    const before = this.objects.get(name);
    this.objects.set(name, after);
    for (const listener of this.listeners) listener({ before, after });
    this.version++;
  }

  delete(name: string): void {
    const before = this.objects.get(name);
    this.objects.delete(name);
    for (const listener of this.listeners) listener({ before, after: undefined });
    this.version++;
  }

  watch(options: { project?: string; since?: string; inclusive?: boolean; complete?: boolean; group?: string } = {}) {
    const { project = "shop", since = "", inclusive = false, complete = false, group = project } = options;
    const abort = new AbortController();
    stop.push(abort);
    const op = { signal: abort.signal, log: silentLogger };
    const matches = (app: Application): boolean => app.spec.project === project;
    return this.groups.watch(op, { group, matches, since, inclusive, complete });
  }
}

function textOf({ value }: SharedMessage): string {
  const { type, application } = value as { type: string; application: Application };
  return `${type} ${application.metadata.name}`;
}

async function next(stream: AsyncGenerator<SharedMessages>): Promise<string> {
  const { value } = await stream.next();
  return (value as SharedMessages).messages.map(textOf).join(", ");
}

describe("a stream", () => {
  it("begins with what is there, then tells changes", async () => {
    const world = new World();
    world.set("web");
    world.set("other", "ops");
    const stream = world.watch();
    expect(await next(stream)).toBe("ADDED web");
    const coming = next(stream);
    world.set("web");
    world.set("api");
    world.set("other", "ops");
    expect(await coming).toBe("MODIFIED web, ADDED api");
  });

  it("tells of what comes into sight and leaves it", async () => {
    const world = new World();
    world.set("web", "ops");
    const stream = world.watch({ since: "11" });
    let coming = next(stream);
    world.set("web");
    expect(await coming).toBe("ADDED web");
    coming = next(stream);
    world.set("web", "ops");
    expect(await coming).toBe("DELETED web");
  });

  it("begins with what stands at a resourceVersion where that is wanted too, and with nothing older", async () => {
    const world = new World();
    world.set("old");
    world.set("web");
    expect(await next(world.watch({ since: "12", inclusive: true }))).toBe("ADDED web");
  });

  it("of one application that is gone begins with its deletion, for those who wait for that", async () => {
    const world = new World();
    world.set("web");
    world.delete("web");
    expect(await next(world.watch({ inclusive: true }))).toBe("DELETED web");
    world.set("web");
    expect(await next(world.watch({ inclusive: true }))).toBe("ADDED web");
  });

  it("from a resourceVersion tells what changed and what was deleted after it", async () => {
    const world = new World();
    world.set("old");
    world.set("gone");
    world.set("hidden", "ops");
    const since = String(world.version);
    world.delete("gone");
    world.delete("hidden");
    world.set("new");
    world.set("back");
    world.delete("back");
    world.set("back");
    await Promise.resolve();
    expect(await next(world.watch({ since }))).toBe("DELETED gone, ADDED new, ADDED back");
    const stream = world.watch({ since: String(world.version) });
    const coming = next(stream);
    world.set("old");
    expect(await coming).toBe("MODIFIED old");
  });

  it("that must be complete is refused from before what is remembered", async () => {
    const world = new World();
    await expect(world.watch({ since: "9", complete: true }).next()).rejects.toMatchObject({
      code: "RESOURCE_EXPIRED",
    });
    world.set("web");
    expect(await next(world.watch({ since: "10", complete: true }))).toBe("ADDED web");
  });

  it("that does not read gets the latest of each application, and no more", async () => {
    const world = new World();
    world.set("web");
    world.set("gone");
    const slow = world.watch();
    const quick = world.watch();
    await next(slow);
    await next(quick);
    const beginning = next(slow);
    for (let round = 0; round < 12; round++) {
      const coming = next(quick);
      world.set("web");
      if (round === 3) world.set("new");
      if (round === 5) world.delete("gone");
      await coming;
    }
    await beginning;
    const told = [await next(slow)];
    world.set("end");
    while (!told.at(-1)!.includes("end")) told.push(await next(slow));
    expect(told.join(", ")).toContain("ADDED new");
    expect(told.join(", ")).toContain("DELETED gone");
    expect(told.length).toBeLessThan(10);
  });
});

describe("streams together", () => {
  it.each([
    ["soon after one another", 1, 25],
    ["with as long a rest as sending takes, where it takes long", 60, 120],
    ["not later than is good to look at", 1000, 250],
  ])("are sent changes %s", async (_name, sendingMs, everyMs) => {
    const clock = fakeClock();
    const world = new World({
      ...clock,
      // A timer for now fires when all streams have written.
      after: (delayMs, run) => clock.after(delayMs === 0 ? sendingMs : delayMs, run),
    });
    const stream = world.watch();
    let coming = next(stream);
    world.set("web");
    await clock.advance(sendingMs);
    await clock.advance(sendingMs);
    expect(await coming).toBe("ADDED web");
    await clock.advance(1000);
    const sentMs: number[] = [];
    for (let at = 0; at < 2; at++) {
      coming = next(stream).then((told) => (sentMs.push(clock.monotonic()), told));
      world.set("web");
      while (sentMs.length === at) await clock.advance(1);
      expect(await coming).toBe("MODIFIED web");
    }
    expect(sentMs[1]! - sentMs[0]!).toBe(everyMs);
  });

  it("are sent the same bytes, written once", async () => {
    const world = new World();
    const streams = [world.watch(), world.watch(), world.watch({ group: "another account" })];
    const coming = streams.map((stream) => stream.next());
    world.set("web");
    const [one, two, three] = (await Promise.all(coming)).map(({ value }) => value as SharedMessages);
    expect(two).toBe(one);
    expect(one!.chunk(true, "")).toBe(two!.chunk(true, ""));
    expect(three!.messages[0]).toBe(one!.messages[0]);
    expect(world.presentedTimes).toBe(1);
    expect(one!.chunk(true, "result.type").toString()).toBe('data: {"result":{"type":"ADDED"}}\n\n');
  });

  it("leave nothing behind", async () => {
    const world = new World();
    const stream = world.watch();
    const ended = stream.next();
    stop.at(-1)!.abort();
    expect(await ended).toMatchObject({ done: true });
    world.set("web");
    expect(world.presentedTimes).toBe(0);
  });
});
