import { describe, expect, it } from "vitest";
import type { CompareSettings } from "#core/compare/compare.ts";
import type { LiveEntry } from "#kube/live.ts";
import { keyOf, keyText, type KubernetesObject, type ObjectKey } from "#model/object.ts";
import { Turns } from "#base/turns.ts";
import type { Desired, DesiredObject } from "../desired/desired.ts";
import { ComparisonTable, type TableInputs } from "./table.ts";
import { configMap } from "../testing/fakes.ts";

const settings: CompareSettings = { ignore: [], method: "three-way", manager: "argocd-controller" };

function desiredOf(...objects: KubernetesObject[]): Desired {
  const entries = objects.map((object): [string, DesiredObject] => {
    const key = keyOf(object);
    return [
      keyText(key),
      { key, text: keyText(key), object, hash: JSON.stringify(object), file: "x.yaml", line: 1, isHook: false },
    ];
  });
  return {
    revisions: ["1"],
    sourceTypes: ["Directory"],
    objects: new Map(entries),
    hooks: [],
    conditions: [],
    unknownKinds: [],
    forbidden: [],
  };
}

function liveOf(object: KubernetesObject, resourceVersion: string, tag?: string): LiveEntry {
  return {
    key: keyOf(object),
    version: "v1",
    uid: object.metadata.name ?? "",
    resourceVersion,
    owners: [],
    object,
    ...(tag === undefined ? {} : { tag }),
  };
}

/** A table over live objects that the test sets. */
function world() {
  const live = new Map<string, LiveEntry>();
  const table = new ComparisonTable();
  let compared = 0;
  const inputs = (desired: Desired): TableInputs => ({
    application: "app",
    desired,
    live: (key: ObjectKey) => live.get(keyText(key)),
    tagged: () => [...live.values()].filter((entry) => entry.tag === "app"),
    permits: () => true,
    schemaOf: () => {
      compared++;
      return undefined;
    },
    settingsFor: () => settings,
  });
  const set = (entry: LiveEntry): void => void live.set(keyText(entry.key), entry);
  return { table, inputs, set, live, comparisons: () => compared };
}

describe("ComparisonTable", () => {
  it("has a row for what is desired and missing", () => {
    const { table, inputs } = world();
    table.updateAll(inputs(desiredOf(configMap("a"))));
    expect(table.rows()).toMatchObject([{ sync: "OutOfSync", health: { status: "Missing" }, requiresPruning: false }]);
  });

  it("has a row for what is live, tracked and not desired; not for what is tracked by nobody or another", () => {
    const { table, inputs, set } = world();
    set(liveOf(configMap("mine"), "1", "app"));
    set(liveOf(configMap("other"), "2", "other"));
    set(liveOf(configMap("free"), "3"));
    table.updateAll(inputs(desiredOf()));
    expect(table.rows().map((row) => [row.key.name, row.requiresPruning])).toEqual([["mine", true]]);
  });

  it("names the fields in which live and desired differ", () => {
    const { table, inputs, set } = world();
    set(liveOf(configMap("a", { key: "edited" }), "1", "app"));
    table.updateAll(inputs(desiredOf(configMap("a", { key: "value" }))));
    expect(table.rows()[0]).toMatchObject({ sync: "OutOfSync", paths: ["/data/key"] });
  });

  it("compares only what changed at either end", () => {
    const { table, inputs, set, comparisons } = world();
    const names = ["a", "b", "c"];
    for (const name of names) set(liveOf(configMap(name), "1", "app"));
    const desired = desiredOf(...names.map((name) => configMap(name)));
    table.updateAll(inputs(desired));
    expect(comparisons()).toBe(3);
    table.updateAll(inputs(desired));
    expect(comparisons()).toBe(3);
    set(liveOf(configMap("b", { key: "edited" }), "2", "app"));
    expect(table.updateKeys(inputs(desired), ["/ConfigMap//b"])).toBe(true);
    expect(comparisons()).toBe(4);
  });

  it("drops the row of an object that is neither desired nor live any more", () => {
    const { table, inputs, set, live } = world();
    set(liveOf(configMap("a"), "1", "app"));
    table.updateAll(inputs(desiredOf()));
    live.clear();
    expect(table.updateKeys(inputs(desiredOf()), ["/ConfigMap//a"])).toBe(true);
    expect(table.rows()).toEqual([]);
  });

  it("compares everything again after the settings changed", () => {
    const { table, inputs, set, comparisons } = world();
    set(liveOf(configMap("a"), "1", "app"));
    const desired = desiredOf(configMap("a"));
    table.updateAll(inputs(desired));
    table.invalidate();
    table.updateAll(inputs(desired));
    expect(comparisons()).toBe(2);
  });

  it("counts a live hook as a hook, never as something to prune", () => {
    const { table, inputs, set } = world();
    const hook = {
      ...configMap("hook"),
      metadata: { name: "hook", annotations: { "argocd.argoproj.io/hook": "PreSync" } },
    };
    set(liveOf(hook, "1", "app"));
    table.updateAll(inputs(desiredOf()));
    expect(table.rows()).toMatchObject([{ isHook: true, requiresPruning: false }]);
  });

  it("leaves extraneous objects alone that say so", () => {
    const { table, inputs, set } = world();
    const extra = {
      ...configMap("extra"),
      metadata: { name: "extra", annotations: { "argocd.argoproj.io/compare-options": "IgnoreExtraneous" } },
    };
    set(liveOf(extra, "1", "app"));
    table.updateAll(inputs(desiredOf()));
    expect(table.rows()).toMatchObject([{ ignored: true, sync: "Synced" }]);
  });

  it("does not know an object of which only metadata has been read", () => {
    const { table, inputs, set } = world();
    const { object: _object, ...entry } = liveOf(configMap("a"), "1", "app");
    set(entry);
    table.updateAll(inputs(desiredOf(configMap("a"))));
    expect(table.rows()[0]).toMatchObject({ sync: "Unknown" });
  });

  it("compares in turns: others go on in between, and in the end it is as if it had been done at once", async () => {
    const { table, inputs, set } = world();
    const objects = Array.from({ length: 100 }, (_, at) => configMap(`a${at}`, { key: "value" }));
    for (let at = 0; at < 100; at++)
      set(liveOf(configMap(`a${at}`, { key: at % 2 === 0 ? "value" : "other" }), "1", "app"));
    const seen: number[] = [];
    let nowMs = 0;
    const turns = new Turns({
      // Each look at the clock is a turn later.
      monotonic: () => (nowMs += 20),
      after: (_delayMs, run) => {
        seen.push(table.rows().length);
        queueMicrotask(run);
        return () => {};
      },
    });
    await table.updateInTurns(inputs(desiredOf(...objects)), undefined, turns);
    expect(seen).toEqual([20, 40, 60, 80, 100]);
    expect(table.rows().map(({ sync }) => sync)).toEqual(
      table.rows().map(({ text }) => (Number(text.slice("/ConfigMap//a".length)) % 2 === 0 ? "Synced" : "OutOfSync")),
    );
  });

  it("says of what must be compared again what it was, until it is", () => {
    const { table, inputs, set, comparisons } = world();
    set(liveOf(configMap("a", { key: "value" }), "1", "app"));
    const desired = desiredOf(configMap("a", { key: "value" }));
    table.updateAll(inputs(desired));
    const before = table.rows();
    table.invalidate();
    expect(table.rows()).toEqual(before);
    expect(table.rows()[0]).toMatchObject({ sync: "Synced", desired: expect.anything(), live: expect.anything() });
    table.updateAll(inputs(desired));
    table.updateAll(inputs(desired));
    expect(comparisons()).toBe(2);
  });
});
