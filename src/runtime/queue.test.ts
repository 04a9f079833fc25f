import { describe, expect, it } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import { silentLogger } from "#base/operation.ts";
import { fakeClock } from "#base/testing/fake-clock.ts";
import { ReconcileLoop, type Outcome } from "./loop.ts";
import { WorkQueue } from "./queue.ts";

/** A queue whose work ends when told. */
function manualQueue(concurrencyPerLane: number) {
  const clock = fakeClock();
  const started: string[] = [];
  const ends = new Map<string, () => void>();
  const queue = new WorkQueue({
    clock,
    concurrencyPerLane,
    work: (key) => {
      started.push(key);
      return new Promise((resolve) => ends.set(key, resolve));
    },
  });
  const finish = async (key: string): Promise<void> => {
    ends.get(key)?.();
    await clock.advance(0);
  };
  return { clock, queue, started, finish };
}

describe("WorkQueue", () => {
  it("hands a key out once, however often it was added", async () => {
    const { queue, started, finish } = manualQueue(1);
    queue.add("other");
    queue.add("a");
    queue.add("a");
    await finish("other");
    await finish("a");
    expect(started).toEqual(["other", "a"]);
  });

  it("hands a hurried key out at once, beside those that its lane waits for", async () => {
    const { queue, started, finish } = manualQueue(1);
    queue.add("slow");
    queue.add("next");
    queue.add("urgent");
    expect(queue.depth).toBe(2);
    queue.hurry("urgent");
    expect(started).toEqual(["slow", "urgent"]);
    expect(queue.depth).toBe(1);
    await finish("urgent");
    expect(started).toEqual(["slow", "urgent"]);
    await finish("slow");
    expect(started).toEqual(["slow", "urgent", "next"]);
  });

  it("hands a hurried key that is in work out again as soon as that is done", async () => {
    const { queue, started, finish } = manualQueue(1);
    queue.add("urgent");
    queue.add("next");
    queue.hurry("urgent");
    expect(started).toEqual(["urgent"]);
    await finish("urgent");
    expect(started.toSorted()).toEqual(["next", "urgent", "urgent"]);
  });

  it("never hands a key out while it is in work, and again afterwards if it was added meanwhile", async () => {
    const { queue, started, finish } = manualQueue(5);
    queue.add("a");
    queue.add("a");
    expect(started).toEqual(["a"]);
    await finish("a");
    expect(started).toEqual(["a", "a"]);
  });

  it("lets a full lane delay no other", () => {
    const { queue, started } = manualQueue(1);
    queue.add("slow-1", "slow");
    queue.add("slow-2", "slow");
    queue.add("quick", "quick");
    expect(started).toEqual(["slow-1", "quick"]);
    expect(queue.depth).toBe(1);
  });

  it("waits for the earliest of several times", async () => {
    const { clock, queue, started } = manualQueue(1);
    queue.addAfter("a", 1000);
    queue.addAfter("a", 100);
    queue.addAfter("a", 500);
    await clock.advance(99);
    expect(started).toEqual([]);
    await clock.advance(1);
    expect(started).toEqual(["a"]);
  });

  it("keeps a time that was set while the key was in work", async () => {
    const { clock, queue, started, finish } = manualQueue(1);
    queue.add("a");
    queue.addAfter("a", 100);
    await finish("a");
    await clock.advance(100);
    expect(started).toEqual(["a", "a"]);
  });

  it("forgets a key that waits", async () => {
    const { clock, queue, started } = manualQueue(1);
    queue.addAfter("a", 100);
    queue.forget("a");
    await clock.advance(200);
    expect(started).toEqual([]);
  });

  it("stops when the work under way has ended", async () => {
    const { queue, started, finish } = manualQueue(1);
    queue.add("a");
    queue.add("b");
    let stopped = false;
    const stopping = queue.stop().then(() => (stopped = true));
    await Promise.resolve();
    expect(stopped).toBe(false);
    await finish("a");
    await stopping;
    expect(started).toEqual(["a"]);
  });
});

describe("ReconcileLoop", () => {
  function loopOf(outcomes: (Outcome | Error)[]) {
    const clock = fakeClock();
    const passes: number[] = [];
    const loop = new ReconcileLoop({
      name: "test",
      clock,
      random: { next: () => 0.5 },
      log: silentLogger,
      concurrencyPerLane: 1,
      reconcile: () => {
        passes.push(clock.monotonic());
        const outcome = outcomes.shift() ?? { next: "done" as const };
        return outcome instanceof Error ? Promise.reject(outcome) : Promise.resolve(outcome);
      },
    });
    return { clock, loop, passes };
  }
  const retry: Outcome = { next: "retry", error: new DriftlessError("CONFLICT", "busy") };

  it("retries with delays that double", async () => {
    const { clock, loop, passes } = loopOf([retry, retry, retry]);
    loop.enqueue("a");
    await clock.advance(10_000);
    expect(passes).toEqual([0, 200, 600, 1400]);
  });

  it("takes a thrown error as a retry", async () => {
    const { clock, loop, passes } = loopOf([new Error("boom")]);
    loop.enqueue("a");
    await clock.advance(1000);
    expect(passes).toEqual([0, 200]);
  });

  it("does not come back by itself after done or terminal", async () => {
    const { clock, loop, passes } = loopOf([{ next: "terminal", error: new DriftlessError("SPEC_INVALID", "bad") }]);
    loop.enqueue("a");
    await clock.advance(1_000_000);
    expect(passes).toEqual([0]);
  });

  it("comes back after the time that was asked for", async () => {
    const { clock, loop, passes } = loopOf([{ next: "requeue-after", delayMs: 5000 }]);
    loop.enqueue("a");
    await clock.advance(6000);
    expect(passes).toEqual([0, 5000]);
  });
});
