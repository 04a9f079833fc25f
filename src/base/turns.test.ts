import { expect, it } from "vitest";
import { Turns } from "./turns.ts";

it("work that has lasted for a turn waits for the others; shorter work goes on at once", async () => {
  let nowMs = 0;
  const waits: number[] = [];
  const turns = new Turns({
    monotonic: () => nowMs,
    after: (_delayMs, run) => {
      waits.push(nowMs);
      queueMicrotask(run);
      return () => {};
    },
  });
  for (const spentMs of [4, 5, 2, 3, 20, 9, 1]) {
    nowMs += spentMs;
    await turns.pause();
  }
  expect(waits).toEqual([11, 34, 44]);
});
