import { describe, expect, it } from "vitest";
import { fakeClock } from "#base/testing/fake-clock.ts";
import type { Application, Operation } from "#model/application.ts";
import { keyText, type ObjectKey } from "#model/object.ts";
import { Fights } from "./fights.ts";
import { newAppState } from "../state.ts";
import type { Row } from "./table.ts";

const heal = (...names: readonly string[]): Operation => ({
  sync: { autoHealAttemptsCount: 1, resources: names.map((name) => ({ kind: "ConfigMap", name, namespace: "shop" })) },
});

/** A row of a ConfigMap whose fields differ at these paths. */
function row(name: string, paths: readonly string[]): Row {
  const key: ObjectKey = { group: "", kind: "ConfigMap", namespace: "shop", name };
  const sync = paths.length === 0 ? "Synced" : "OutOfSync";
  return { key, text: keyText(key), desired: { hash: "1" }, live: {}, sync, paths } as unknown as Row;
}

function stage(selfHeal = true) {
  const clock = fakeClock();
  const fights = new Fights(clock);
  const app: Application = {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Application",
    metadata: { name: "web", namespace: "argocd" },
    spec: { project: "default", destination: {}, syncPolicy: { automated: { selfHeal } } },
  };
  const state = newAppState("argocd/web", "web", app);
  const rows = new Map<string, Row>();
  Object.assign(state, { table: { row: (text: string) => rows.get(text) } });
  /** What differs now, and the heal that automated sync would start. */
  const drift = (...now: readonly Row[]) => {
    for (const each of now) rows.set(each.text, each);
    const calmAt = fights.saw(state, now);
    const names = now.filter((each) => each.sync !== "Synced").map((each) => each.key.name);
    return { calmAt, next: names.length === 0 ? undefined : fights.restrain(state, heal(...names), now) };
  };
  return { clock, fights, state, drift };
}

describe("Fights", () => {
  it("lets three heals of a field through, then holds it back", async () => {
    const { clock, fights, state, drift } = stage();
    for (const pauseMs of [2000, 6000, 1000]) {
      expect(drift(row("a", ["/data/x"])).next).toHaveProperty("start");
      await clock.advance(pauseMs);
    }
    expect(fights.conditions(state)).toMatchObject([{ type: "FieldFightWarning" }]);
    expect(drift(row("a", ["/data/x"])).next).toEqual({ retryAt: clock.now() + 59_000 });
    await clock.advance(59_000);
    expect(drift(row("a", ["/data/x"])).next).toHaveProperty("start");
  });

  it("heals other objects meanwhile, and other fields of the same", async () => {
    const { clock, drift } = stage();
    for (let i = 0; i < 3; i++) {
      drift(row("a", ["/data/x"]));
      await clock.advance(1000);
    }
    const both = drift(row("a", ["/data/x"]), row("b", ["/data/y"])).next;
    expect(both).toMatchObject({ start: { sync: { resources: [{ name: "b" }] } } });
    expect(drift(row("a", ["/data/x", "/data/z"])).next).toMatchObject({
      start: { sync: { resources: [{ name: "a" }] } },
    });
  });

  it("is over after a calm, of which it tells when", async () => {
    const { clock, fights, state, drift } = stage();
    for (let i = 0; i < 3; i++) {
      drift(row("a", ["/data/x"]));
      await clock.advance(1000);
    }
    const { calmAt } = drift(row("a", []));
    expect(calmAt).toBe(clock.now() + 59_000);
    await clock.advance(59_000);
    expect(drift(row("a", [])).calmAt).toBeUndefined();
    expect(fights.conditions(state)).toEqual([]);
  });

  it("is over when Git wants something else, or nobody heals any more", async () => {
    for (const end of ["git", "selfHeal"] as const) {
      const { clock, fights, state, drift } = stage();
      for (let i = 0; i < 3; i++) {
        drift(row("a", ["/data/x"]));
        await clock.advance(1000);
      }
      if (end === "selfHeal") state.app = { ...state.app, spec: { ...state.app.spec, syncPolicy: {} } };
      const now = row("a", ["/data/x"]);
      fights.saw(state, [end === "git" ? ({ ...now, desired: { hash: "2" } } as unknown as Row) : now]);
      if (end === "git") drift({ ...now, desired: { hash: "2" } } as unknown as Row);
      expect(fights.conditions(state), end).toEqual([]);
    }
  });
});
