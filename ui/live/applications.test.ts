import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ApplicationPage } from "#protocol/rest.ts";
import type { StreamState } from "../api/event-stream.ts";
import { listParameters, noFilters, type ListParameters, type SortKey } from "../model/filter.ts";
import { application } from "../model/testing.ts";
import { ApplicationsStore } from "./applications.ts";

interface Asked {
  readonly parameters: ListParameters;
  readonly offset: number;
  readonly limit: number;
  readonly signal: AbortSignal;
}

/** A server of numbered applications; answers when told to, unless it answers by itself. */
class World {
  total = 1000;
  name = "a";
  byItself = true;
  failure: Error | undefined;
  readonly asked: Asked[] = [];
  readonly #waiting: (() => void)[] = [];
  stream!: { opened(): void; changed(): void; state(state: StreamState): void };
  readonly store = new ApplicationsStore({
    open: (to) => ((this.stream = to), () => {}),
    page: async (parameters, { offset, limit }, signal) => {
      this.asked.push({ parameters, offset, limit, signal });
      if (!this.byItself) await new Promise<void>((resolve) => this.#waiting.push(resolve));
      if (this.failure) throw this.failure;
      return this.#page(offset, limit);
    },
  });

  answer(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  show(key: SortKey = "name"): void {
    this.store.show({ filters: noFilters, parameters: listParameters(noFilters, { key, descending: false }) });
  }

  row(index: number): string | undefined {
    return this.store.snapshot().rows.at(index)?.name;
  }

  #page(offset: number, limit: number): ApplicationPage {
    const count = Math.max(0, Math.min(limit, this.total - offset));
    const items = Array.from({ length: count }, (_, index) => application({ name: `${this.name}${offset + index}` }));
    return { metadata: { resourceVersion: "1", total: this.total, counts: { sync: { Synced: this.total } } }, items };
  }
}

const settle = (ms = 50): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

describe("the list of applications", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  async function shown(): Promise<World> {
    const world = new World();
    world.store.start();
    world.show();
    await settle();
    return world;
  }

  it("asks for what is in sight alone, with the counts", async () => {
    const world = await shown();
    expect(world.asked).toHaveLength(1);
    expect(world.asked[0]).toMatchObject({ offset: 0, limit: 100, parameters: { sortBy: "name", countsLimit: "200" } });
    expect([world.row(0), world.row(99), world.row(100)]).toEqual(["a0", "a99", undefined]);
    expect(world.store.snapshot()).toMatchObject({ loaded: true, asking: false, rows: { total: 1000 } });
    expect(world.store.snapshot().counts.sync).toEqual([{ value: "Synced", count: 1000 }]);
  });

  it("asks for further rows once they are in sight, without counting again, and not twice", async () => {
    const world = await shown();
    world.store.see(350, 420);
    world.store.see(350, 420);
    await settle();
    expect(world.asked.slice(1).map(({ offset, limit }) => [offset, limit])).toEqual([[300, 200]]);
    expect(world.asked[1]!.parameters).toEqual({ sortBy: "name" });
    world.store.see(0, 30);
    await settle();
    expect(world.asked).toHaveLength(2);
    expect([world.row(0), world.row(420)]).toEqual(["a0", "a420"]);
  });

  it("keeps only so many pages", async () => {
    const world = await shown();
    world.total = 100_000;
    for (let page = 0; page < 30; page++) {
      world.store.see(page * 100, page * 100 + 100);
      await settle();
    }
    expect(world.store.snapshot().rows.known()).toHaveLength(2000);
    expect([world.row(0), world.row(2999)]).toEqual([undefined, "a2999"]);
  });

  it("shows what was there until the answer to another question comes, and no answer that comes late", async () => {
    const world = await shown();
    world.byItself = false;
    world.show("health");
    await settle();
    expect(world.store.snapshot()).toMatchObject({ asking: true });
    expect(world.row(0)).toBe("a0");
    world.name = "late";
    world.show("project");
    await settle();
    expect(world.asked.map(({ signal }) => signal.aborted)).toEqual([false, true, false]);
    world.name = "b";
    world.answer();
    await settle();
    expect(world.store.snapshot()).toMatchObject({ asking: false });
    expect(world.row(0)).toBe("b0");
  });

  it("follows changes: the first at once, many of them once a second", async () => {
    const world = await shown();
    await settle(5000);
    world.name = "b";
    world.stream.changed();
    await settle(10);
    expect(world.row(0)).toBe("b0");
    for (let i = 0; i < 300; i++) {
      world.stream.changed();
      await settle(10);
    }
    await settle(2000);
    expect(world.asked.length).toBeGreaterThan(4);
    expect(world.asked.length).toBeLessThan(8);
  });

  it("asks nothing while nobody looks, and anew when somebody looks again", async () => {
    const world = await shown();
    world.store.hide();
    world.stream.changed();
    await settle(5000);
    expect(world.asked).toHaveLength(1);
    expect(world.row(0)).toBe("a0");
    world.name = "b";
    world.show();
    expect(world.store.snapshot().asking).toBe(false);
    await settle();
    expect([world.asked.length, world.row(0)]).toEqual([2, "b0"]);
  });

  it("says why there is no answer, and asks again by itself", async () => {
    const world = new World();
    world.failure = new Error("no");
    world.show();
    await settle();
    expect(world.store.snapshot()).toMatchObject({ loaded: false, failure: expect.any(String) });
    world.failure = undefined;
    await settle(4000);
    expect(world.store.snapshot()).toMatchObject({ loaded: true, failure: undefined });
  });

  it("forgets everything when somebody logs out", async () => {
    const world = await shown();
    world.store.clear();
    expect(world.store.snapshot()).toMatchObject({ loaded: false, rows: { total: 0 } });
    expect(world.row(0)).toBe(undefined);
  });
});
