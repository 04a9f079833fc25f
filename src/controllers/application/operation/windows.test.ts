import { describe, expect, it } from "vitest";
import { fakeClock } from "#base/testing/fake-clock.ts";
import type { AppProject, Application } from "#model/application.ts";
import { newAppState, type AppState } from "../state.ts";
import { Windows } from "./windows.ts";

const noon = Date.UTC(2026, 2, 2, 12);
const project = (
  ...syncWindows: readonly { readonly [field: string]: string | boolean | readonly string[] }[]
): AppProject => ({
  apiVersion: "argoproj.io/v1alpha1",
  kind: "AppProject",
  metadata: { name: "shop" },
  spec: { syncWindows },
});
const state = (name: string): AppState => {
  const app: Application = {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Application",
    metadata: { name, namespace: "argocd" },
    spec: { project: "shop", destination: { server: "https://a", namespace: "prod" } },
  };
  return newAppState(`argocd/${name}`, name, app);
};
const deny = { kind: "deny", schedule: "0 11 * * *", duration: "2h", applications: ["*"] };

describe("Windows", () => {
  it("wakes all whom a project's windows keep out, by one timer, when that may change", async () => {
    const clock = fakeClock(noon);
    const woken: string[] = [];
    const windows = new Windows(clock, (key) => woken.push(key));
    const closed = project(deny);
    const held = Array.from({ length: 1000 }, (_, index) => state(`app-${index}`));
    for (const each of held) expect(windows.ask(each, closed, { manual: false }).allowed).toBe(false);
    expect(windows.waits(held[0]!)).toMatchObject([
      { for: "window", name: "shop", reason: expect.stringContaining("2026-03-02T13:00:00Z, in 1 h") },
    ]);
    await clock.advance(3_599_000);
    expect(woken).toEqual([]);
    await clock.advance(1000);
    expect(woken).toHaveLength(1000);
    expect(windows.ask(held[0]!, closed, { manual: false }).allowed).toBe(true);
    expect(windows.waits(held[0]!)).toEqual([]);
  });

  it("answers as Argo CD does, with the next change beside it", () => {
    const windows = new Windows(fakeClock(noon), () => {});
    const both = project(deny, {
      kind: "allow",
      schedule: "0 1 * * *",
      duration: "30m",
      namespaces: ["prod"],
      manualSync: true,
    });
    expect(windows.describe(state("web"), both)).toEqual({
      activeWindows: [{ kind: "deny", schedule: "0 11 * * *", duration: "2h" }],
      assignedWindows: [
        { kind: "deny", schedule: "0 11 * * *", duration: "2h" },
        { kind: "allow", schedule: "0 1 * * *", duration: "30m", manualSync: true },
      ],
      canSync: false,
      state: "Sync Denied",
      nextChange: { at: "2026-03-02T13:00:00Z", state: "Manual Allowed" },
    });
    expect(windows.describe(state("web"), project())).toEqual({
      activeWindows: [],
      assignedWindows: [],
      canSync: true,
      state: "Sync Allowed",
    });
  });

  it("sets no timer where nothing is kept out", async () => {
    const clock = fakeClock(noon);
    const woken: string[] = [];
    const windows = new Windows(clock, (key) => woken.push(key));
    windows.ask(state("web"), project({ ...deny, applications: ["other"] }), { manual: false });
    await clock.advance(100 * 3_600_000);
    expect(woken).toEqual([]);
  });
});
