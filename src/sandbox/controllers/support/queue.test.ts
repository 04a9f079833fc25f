import { describe, expect, it } from "vitest";
import { FakeClock } from "../testing/fake-clock.ts";
import { WorkQueue } from "./queue.ts";

function queueOf(work: (key: string) => number | undefined) {
  const clock = new FakeClock(0);
  const done: string[] = [];
  const queue = new WorkQueue({
    clock,
    work: (key) => {
      done.push(`${key}@${clock.now()}`);
      return work(key);
    },
    failed: (key) => key !== "hopeless",
  });
  return { clock, done, queue };
}

describe("the work queue", () => {
  it("works once on a key that is added many times", () => {
    const { clock, done, queue } = queueOf(() => undefined);
    for (let i = 0; i < 5; i++) queue.add("a");
    clock.advance(10);
    expect(done).toEqual(["a@0"]);
  });

  it("takes up the earliest of several waits for one key", () => {
    const { clock, done, queue } = queueOf(() => undefined);
    queue.addAfter("a", 500);
    queue.addAfter("a", 200);
    queue.addAfter("a", 900);
    clock.advance(1000);
    expect(done).toEqual(["a@200"]);
  });

  it("backs off from a key that fails, twice as long each time", () => {
    let left = 3;
    const { clock, done, queue } = queueOf(() => {
      if (left-- > 0) throw new RangeError("no");
      return undefined;
    });
    queue.add("a");
    clock.advance(1000);
    expect(done).toEqual(["a@0", "a@10", "a@30", "a@70"]);
  });

  it("gives a key up that is not worth another try", () => {
    const { clock, done, queue } = queueOf(() => {
      throw new RangeError("no");
    });
    queue.add("hopeless");
    clock.advance(1000);
    expect(done).toEqual(["hopeless@0"]);
  });

  it("looks again when the work asks for it, and has no timer otherwise", () => {
    let again: number | undefined = 50;
    const { clock, done, queue } = queueOf(() => {
      const wait = again;
      again = undefined;
      return wait;
    });
    queue.add("a");
    clock.advance(1000);
    expect(done).toEqual(["a@0", "a@50"]);
    expect(clock.pending).toBe(0);
  });

  it("lets the event loop breathe between batches", () => {
    const { clock, done, queue } = queueOf(() => undefined);
    for (let i = 0; i < 100; i++) queue.add(String(i));
    let between = 0;
    clock.after(0, () => {
      between = done.length;
    });
    clock.advance(10);
    expect(between).toBeLessThan(100);
    expect(done).toHaveLength(100);
  });
});
