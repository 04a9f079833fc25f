import { describe, expect, it } from "vitest";
import type { Application } from "#model/application.ts";
import { annotation } from "#model/names.ts";
import { Dependencies } from "./dependencies.ts";
import type { Desired } from "../desired/desired.ts";
import { newAppState, type AppState } from "../state.ts";

const desired = { revisions: ["1"], objects: new Map(), hooks: [] } as unknown as Desired;
const sync = { sync: { revision: "1" } };

/** Applications, and who was woken. */
function fleet() {
  const states = new Map<string, AppState>();
  const woken: string[] = [];
  const dependencies = new Dependencies({ states, wake: (key) => woken.push(key.replace("n/", "")) });
  const put = (name: string, dependsOn?: string, more: object = {}): AppState => {
    const app: Application = {
      apiVersion: "argoproj.io/v1alpha1",
      kind: "Application",
      metadata: {
        name,
        namespace: "n",
        ...(dependsOn === undefined ? {} : { annotations: { [annotation.dependsOn]: dependsOn } }),
        ...more,
      },
      spec: { project: "default", destination: {} },
    };
    const state = states.get(`n/${name}`) ?? newAppState(`n/${name}`, name, app);
    state.app = app;
    states.set(state.key, state);
    dependencies.changed(state.key, app);
    return state;
  };
  const judge = (state: AppState, health: "Healthy" | "Degraded" = "Healthy"): void => {
    Object.assign(state, { desired, renderDirty: false, compareAll: false });
    dependencies.judged(state, { sync: { status: "Synced" }, health: { status: health } });
  };
  return { dependencies, states, woken, put, judge };
}

describe("Dependencies", () => {
  it("wakes who was told to wait, once, when what it waits for is ready", () => {
    const { dependencies, woken, put, judge } = fleet();
    const web = put("web", "db");
    const db = put("db");
    woken.length = 0;
    judge(db);
    expect(woken).toEqual([]);
    db.dirty.add("something changed");
    expect(dependencies.hold(web, sync)).toEqual({ names: ["n/db"] });
    judge(db, "Degraded");
    expect(woken).toEqual([]);
    db.dirty.clear();
    judge(db);
    judge(db);
    expect(woken).toEqual(["web"]);
    expect(dependencies.hold(web, sync)).toBeUndefined();
  });

  it("does not count as ready what was not compared with the newest commit, or whose sync was asked for", () => {
    const { dependencies, put, judge } = fleet();
    const web = put("web", "db");
    const db = put("db");
    judge(db);
    expect(dependencies.hold(web, sync)).toBeUndefined();
    db.renderDirty = true;
    expect(dependencies.of(web.key)[0]?.why).toContain("newest commit");
    db.renderDirty = false;
    db.app = { ...db.app, operation: sync };
    expect(dependencies.waits(web)).toEqual([]);
    expect(dependencies.hold(web, sync)).toEqual({ names: ["n/db"] });
    expect(dependencies.waits(web)).toMatchObject([{ name: "db", reason: "its sync has been asked for" }]);
  });

  it("waits neither in dry runs nor where it is told not to", () => {
    const { dependencies, put } = fleet();
    const web = put("web", "db");
    expect(dependencies.hold(web, { sync: { dryRun: true } })).toBeUndefined();
    expect(dependencies.hold(web, { sync: { syncOptions: ["IgnoreDependencies=true"] } })).toBeUndefined();
    expect(dependencies.conditions(web)).toMatchObject([{ type: "DependencyWarning" }]);
  });

  it("refuses circles, tells every member, and wakes them when they are broken", () => {
    const { dependencies, woken, put } = fleet();
    const a = put("a", "b");
    const b = put("b", "a");
    woken.length = 0;
    expect(dependencies.hold(a, sync)).toMatchObject({ refused: "dependency cycle: n/a → n/b → n/a" });
    expect(woken).toEqual(["b"]);
    expect(dependencies.conditions(b)).toMatchObject([{ type: "DependencyError" }]);
    woken.length = 0;
    put("b");
    expect(woken.toSorted()).toEqual(["a", "b"]);
    expect(dependencies.conditions(a)).toEqual([]);
  });

  it("lets those that depend on others be deleted first, where both are", () => {
    const { dependencies, states, woken, put } = fleet();
    const deletionTimestamp = { deletionTimestamp: "2026-01-01T00:00:00Z" };
    put("web", "db", deletionTimestamp);
    put("other", "db");
    const db = put("db", undefined, deletionTimestamp);
    expect(dependencies.deletionHold(db)).toEqual(["n/web"]);
    woken.length = 0;
    states.delete("n/web");
    dependencies.gone("n/web");
    expect(woken).toContain("db");
    expect(dependencies.deletionHold(db)).toBeUndefined();
  });

  it("costs nothing for the many that have no dependencies, and one wake for each of many that wait", () => {
    const { dependencies, woken, put, judge } = fleet();
    const db = put("db");
    const waiting = Array.from({ length: 10_000 }, (_, index) => put(`web-${index}`, "db"));
    for (const state of waiting) dependencies.hold(state, sync);
    woken.length = 0;
    for (let health = 0; health < 50; health++) judge(db, "Degraded");
    expect(woken).toEqual([]);
    judge(db);
    expect(woken).toHaveLength(10_000);
  });
});
