import { expect, test } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import type { Json } from "#base/json.ts";
import { silentLogger } from "#base/operation.ts";
import { healthOf } from "#core/health/health.ts";
import type { LiveEntry } from "#kube/live.ts";
import { parseSettings, type ConfigData } from "#model/settings.ts";
import { keyOf, type KubernetesObject } from "#model/object.ts";
import type { Outcome } from "#render/engine/evaluate.ts";
import { UpdateFilter } from "./updates.ts";

const entryOf = (object: KubernetesObject, tag: string | undefined = "app"): LiveEntry => ({
  key: keyOf(object),
  version: "v1",
  uid: object.metadata.uid ?? "u",
  resourceVersion: object.metadata.resourceVersion ?? "",
  owners: [],
  object,
  ...(tag === undefined ? {} : { tag }),
});
const deployment = (resourceVersion: string, status: object, metadata: object = {}): KubernetesObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", uid: "u", resourceVersion, generation: 1, ...metadata },
  spec: { replicas: 2 },
  status: { observedGeneration: 1, ...status },
});
const ready = { replicas: 2, updatedReplicas: 2, availableReplicas: 2 };

function filterWith(
  cm: ConfigData,
  jq: (items: readonly { text: string; data: Json }[]) => readonly Outcome<Json[]>[],
) {
  const offered: string[] = [];
  const { settings } = parseSettings(cm, undefined);
  const filter = new UpdateFilter({
    op: { signal: new AbortController().signal, log: silentLogger },
    log: silentLogger,
    clock: { now: () => 0, monotonic: () => 0, after: (_delayMs, run) => (queueMicrotask(run), () => {}) },
    evaluators: { jq: async (_op, items) => jq(items) },
    health: {
      isCustom: ({ kind }) => kind === "Custom",
      of: (object) => healthOf(object),
      offer: (object) => void offered.push(object.metadata.name ?? ""),
    },
    settings: () => settings,
  });
  return { filter, offered };
}
const never = (): never => {
  throw new Error("not asked");
};

test("a status that goes on changing wakes nobody; a health that changes does", () => {
  const { filter } = filterWith({}, never);
  const before = entryOf(deployment("1", { ...ready, conditions: [{ lastUpdateTime: "a" }] }));
  const busy = entryOf(deployment("2", { ...ready, conditions: [{ lastUpdateTime: "b" }] }));
  expect(filter.counts(before, busy, never)).toBe(false);
  expect(filter.counts(before, entryOf(deployment("2", { ...ready, availableReplicas: 1 })), never)).toBe(true);
  expect(filter.counts(before, entryOf(deployment("2", ready, { labels: { a: "b" } })), never)).toBe(true);
});

test("what is new, gone, another's or not known whole always counts", () => {
  const { filter } = filterWith({}, never);
  const one = entryOf(deployment("1", ready));
  expect(filter.counts(undefined, one, never)).toBe(true);
  expect(filter.counts(one, undefined, never)).toBe(true);
  expect(filter.counts(one, entryOf(deployment("2", ready), "other"), never)).toBe(true);
  expect(filter.counts(one, entryOf(deployment("2", ready, { uid: "u2" })), never)).toBe(true);
  const { object: _object, ...partial } = one;
  expect(filter.counts(partial, one, never)).toBe(true);
});

test("where a script decides the health, it is asked, and says so itself", () => {
  const { filter, offered } = filterWith({}, never);
  const custom = (status: object): LiveEntry => entryOf({ ...deployment("1", status), kind: "Custom" });
  expect(filter.counts(custom({ a: 1 }), custom({ a: 2 }), never)).toBe(false);
  expect(offered).toEqual(["web"]);
});

const query = {
  "resource.customizations.ignoreResourceUpdates.apps_Deployment": "jqPathExpressions: ['.a[] | select(.b)']",
};
const labelled = entryOf(deployment("2", ready, { labels: { a: "b" } }));

test.each([
  ["the same but for what the query takes out", true, false],
  ["different also without it", false, true],
])("a query goes to the engine: %s", async (_, same, wakes) => {
  const asked: { text: string; data: Json }[] = [];
  const { filter } = filterWith(query, (items) => {
    asked.push(...items);
    return items.map((_item, index) => ({ ok: true, value: [same ? 0 : index] }));
  });
  const woken: string[] = [];
  expect(filter.counts(entryOf(deployment("1", ready)), labelled, () => void woken.push("now"))).toBe(false);
  await expect.poll(() => asked.length).toBe(2);
  expect(asked[0]!.text).toBe("del(.a[] | select(.b))");
  expect(JSON.stringify(asked)).not.toContain("resourceVersion");
  await expect.poll(() => woken.length > 0 || !wakes).toBe(true);
  expect(woken.length > 0).toBe(wakes);
});

test("without the engine, or where the query fails, every update counts", async () => {
  for (const answer of [
    (): never => {
      throw new DriftlessError("ENGINE_MISSING", "it is not there");
    },
    (items: readonly unknown[]): Outcome<Json[]>[] =>
      items.map(() => ({ ok: false, error: new DriftlessError("RENDER_FAILED", "invalid path") })),
  ]) {
    const { filter } = filterWith(query, answer);
    const woken: string[] = [];
    expect(filter.counts(entryOf(deployment("1", ready)), labelled, () => void woken.push("now"))).toBe(false);
    await expect.poll(() => woken.length).toBe(1);
  }
});
