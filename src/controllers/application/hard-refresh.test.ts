import { expect, test } from "vitest";
import { parseSettings } from "#model/settings.ts";
import { hardRefreshes } from "./hard-refresh.ts";
import { newAppState } from "./state.ts";

const app = {
  apiVersion: "argoproj.io/v1alpha1",
  kind: "Application",
  metadata: { name: "a", namespace: "argocd" },
  spec: { project: "default", destination: {} },
} as const;

test("every application is refreshed hard once the time has come, and never where the setting is 0", () => {
  let nowMs = 0;
  let timer: (() => void) | undefined;
  let settings = parseSettings({ "timeout.hard.reconciliation": "0" }, undefined).settings;
  const state = newAppState("argocd/a", "a", app);
  const woken: number[] = [];
  const stop = hardRefreshes({
    clock: {
      now: () => nowMs,
      monotonic: () => nowMs,
      after: (_delayMs, run) => {
        timer = run;
        return () => void (timer = undefined);
      },
    },
    random: { next: () => 0.5 },
    settings: () => settings,
    states: () => [state],
    wake: (_key, delayMs) => void woken.push(delayMs),
  });
  const pass = (ms: number): void => {
    nowMs += ms;
    timer?.();
  };
  pass(3600_000);
  expect([state.hardRefreshDue, woken]).toEqual([false, []]);

  settings = parseSettings({ "timeout.hard.reconciliation": "1h" }, undefined).settings;
  pass(30_000);
  expect(state.hardRefreshDue).toBe(true);
  // Not all at once: within the jitter of polling.
  expect(woken).toEqual([30_000]);
  state.hardRefreshDue = false;
  pass(1800_000);
  expect(state.hardRefreshDue).toBe(false);
  pass(1800_000);
  expect(state.hardRefreshDue).toBe(true);
  stop();
  expect(timer).toBe(undefined);
});
