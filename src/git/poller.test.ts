import { describe, expect, it } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import type { Clock } from "#base/ports.ts";
import { createPoller } from "./poller.ts";
import { testOperation } from "./testing.ts";
import type { GitRepository } from "./types.ts";

function manualClock(): Clock & { advance(ms: number): Promise<void> } {
  let now = 0;
  let timers: { at: number; callback: () => void }[] = [];
  return {
    now: () => now,
    monotonic: () => now,
    after(delayMs, callback) {
      const timer = { at: now + delayMs, callback };
      timers.push(timer);
      return () => (timers = timers.filter((one) => one !== timer));
    },
    async advance(ms) {
      const end = now + ms;
      for (;;) {
        const next = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
        if (!next) break;
        now = next.at;
        timers = timers.filter((one) => one !== next);
        next.callback();
        for (let i = 0; i < 10; i++) await Promise.resolve();
      }
      now = end;
    },
  };
}

function fake(url: string) {
  const state = { asked: 0, fail: false };
  const repository = {
    url,
    refresh: () => {
      state.asked++;
      return state.fail
        ? Promise.reject(new DriftlessError("REPOSITORY_UNREACHABLE", "down"))
        : Promise.resolve({ changed: [] });
    },
  } as unknown as GitRepository;
  return { state, repository };
}

const random = { next: () => 0.5 };

describe("polling", () => {
  it("asks each repository once per interval, however many use it, until the last gives it up", async () => {
    const clock = manualClock();
    const poller = createPoller(testOperation(), { clock, random, intervalMs: 1000, jitterMs: 100 });
    const { state, repository } = fake("https://host/x");
    const release = [1, 2, 3].map(() => poller.use(repository));
    await clock.advance(10_500);
    expect(state.asked).toBe(10);
    release[0]?.();
    release[0]?.();
    release[1]?.();
    await clock.advance(1050);
    expect(state.asked).toBe(11);
    release[2]?.();
    await clock.advance(10_000);
    expect(state.asked).toBe(11);
  });

  it("asks a failing one less often, reports it, and recovers", async () => {
    const clock = manualClock();
    const results: string[] = [];
    const poller = createPoller(testOperation(), {
      clock,
      random,
      intervalMs: 1000,
      jitterMs: 0,
      maxBackoffMs: 4000,
      onResult: (_url, error) => results.push(error?.code ?? "fine"),
    });
    const { state, repository } = fake("https://host/x");
    state.fail = true;
    poller.use(repository);
    await clock.advance(1000 + 2000 + 4000 + 4000);
    expect(state.asked).toBe(4);
    expect(poller.problems().get("https://host/x")?.code).toBe("REPOSITORY_UNREACHABLE");
    state.fail = false;
    await poller.refreshNow(testOperation(), "https://HOST/x.git");
    expect(results.at(-1)).toBe("fine");
    expect(poller.problems().size).toBe(0);
    await clock.advance(3000);
    expect(state.asked).toBe(8);
    expect(await poller.refreshNow(testOperation(), "https://host/unknown")).toBeUndefined();
    poller.stop();
  });
});
