// What comparing asks the engine and the API server for: once for each object, and a failure harms one object alone.
import { describe, expect, test } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import type { Json } from "#base/json.ts";
import type { IgnoreDifference } from "#model/application.ts";
import { keyOf, keyText, type KubernetesObject } from "#model/object.ts";
import { parseSettings } from "#model/settings.ts";
import type { LiveEntry } from "#kube/live.ts";
import type { Evaluators, Outcome } from "#render/engine/evaluate.ts";
import { comparingOf, systemComparing } from "./compare-settings.ts";
import type { DestinationCluster } from "../deps.ts";
import { EvidenceGatherer, type Ends } from "./evidence.ts";
import { JqPlaces, stepsOf } from "./jq-places.ts";
import { configMap, op } from "../testing/fakes.ts";

/** An engine of which `answer` says what comes of each expression. */
function engine(answer: (text: string, data: Json) => Outcome<readonly Json[]>) {
  const asked: { text: string; data: Json }[][] = [];
  const jq: Evaluators["jq"] = (_op, items) => {
    asked.push([...items]);
    return Promise.resolve(items.map(({ text, data }) => answer(text, data)));
  };
  return { evaluators: { jq } as Evaluators, asked };
}

const failed = (message: string): Outcome<readonly Json[]> => ({
  ok: false,
  error: new DriftlessError("RENDER_FAILED", message),
});

function comparing(ignoreDifferences: readonly IgnoreDifference[], compareOptions = "") {
  const { settings } = parseSettings(undefined, undefined);
  const app = {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Application",
    metadata: { name: "app", annotations: { "argocd.argoproj.io/compare-options": compareOptions } },
    spec: { project: "default", destination: {}, ignoreDifferences },
  };
  return comparingOf(app, systemComparing(settings));
}

const rule = (expression: string): IgnoreDifference[] => [
  { group: "", kind: "ConfigMap", jqPathExpressions: [expression] },
];

function endsOf(object: KubernetesObject, live: KubernetesObject = { ...object }): Ends {
  const key = keyOf(object);
  const entry: LiveEntry = { key, version: "v1", uid: "u", resourceVersion: "1", owners: [], object: live };
  return { text: keyText(key), key, desired: { object, hash: JSON.stringify(object) }, live: entry };
}

function cluster(patch: (name: string) => Promise<KubernetesObject>): DestinationCluster {
  return {
    typeOf: () => ({ group: "", version: "v1", kind: "ConfigMap", plural: "configmaps", namespaced: true }),
    client: { patch: (_op: unknown, _type: unknown, { name }: { name: string }) => patch(name) },
    schemaOf: () => undefined,
  } as unknown as DestinationCluster;
}
const nowhere = cluster(() => Promise.reject(new Error("nobody asks")));
const gathererOf = (evaluators: Evaluators) => new EvidenceGatherer(new JqPlaces(evaluators, () => 1000));

describe("jq expressions", () => {
  test("are asked for all objects at once, and for an unchanged object once", async () => {
    const { evaluators, asked } = engine(() => ({ ok: true, value: [["data", "key"]] }));
    const gatherer = gathererOf(evaluators);
    const place = { cluster: nowhere, comparing: comparing(rule(".data.key")) };
    const ends = [endsOf(configMap("a")), endsOf(configMap("b"))];
    const first = await gatherer.gather(op, place, ends);
    expect(asked.map((items) => items.length)).toEqual([4]);
    expect(asked[0]![0]!.text).toBe("path(\n.data.key\n)");
    const how = first.how.get(ends[0]!.text)!;
    expect(how).toMatchObject({ selected: { live: [["data", "key"]], desired: [["data", "key"]] } });
    await gatherer.gather(op, place, ends);
    expect(asked).toHaveLength(1);
    const changed = endsOf(ends[0]!.desired.object, { ...configMap("a", { key: "other" }) });
    await gatherer.gather(op, place, [changed, ends[1]!]);
    expect(asked.map((items) => items.length)).toEqual([4, 1]);
  });

  test("of many large objects are asked in several goes", async () => {
    const { evaluators, asked } = engine(() => ({ ok: true, value: [] }));
    const text = "x".repeat(1024 * 1024);
    const ends = Array.from({ length: 10 }, (_, i) => endsOf(configMap(`big-${i}`, { text })));
    await gathererOf(evaluators).gather(op, { cluster: nowhere, comparing: comparing(rule(".data")) }, ends);
    expect(asked.flat()).toHaveLength(20);
    expect(asked.length).toBeGreaterThan(1);
  });

  test("that fail name themselves and the object, and harm no other", async () => {
    const { evaluators } = engine((_text, data) =>
      JSON.stringify(data).includes('"bad"') ? failed("unexpected token") : { ok: true, value: [] },
    );
    const place = { cluster: nowhere, comparing: comparing(rule(".data[")) };
    const found = await gathererOf(evaluators).gather(op, place, [endsOf(configMap("bad")), endsOf(configMap("good"))]);
    expect(found.how.get("/ConfigMap//bad")).toEqual({
      error: 'ignoreDifferences: the jq expression ".data[" failed on the live object configmap/bad: unexpected token',
    });
    expect(found.how.get("/ConfigMap//good")).toMatchObject({ selected: { live: [] } });
    expect(found.again).toEqual(["/ConfigMap//bad"]);
  });

  test("over a list that is not there name nothing", async () => {
    const { evaluators } = engine(() => failed("cannot iterate over: null"));
    const found = await gathererOf(evaluators).gather(op, { cluster: nowhere, comparing: comparing(rule(".a[]")) }, [
      endsOf(configMap("a")),
    ]);
    expect(found.how.get("/ConfigMap//a")).toMatchObject({ selected: { live: [], desired: [] } });
  });

  test("without an engine make their objects unknown, and are asked again", async () => {
    let missing = true;
    const jq: Evaluators["jq"] = (_op, items) =>
      missing
        ? Promise.reject(new DriftlessError("ENGINE_MISSING", "not built"))
        : Promise.resolve(items.map(() => ({ ok: true as const, value: [] })));
    const gatherer = gathererOf({ jq } as Evaluators);
    const place = { cluster: nowhere, comparing: comparing(rule(".data")) };
    const ends = [endsOf(configMap("a"))];
    const found = await gatherer.gather(op, place, ends);
    expect(found.how.get("/ConfigMap//a")).toMatchObject({ error: expect.stringContaining("not built") as string });
    missing = false;
    expect((await gatherer.gather(op, place, ends)).how.get("/ConfigMap//a")).toMatchObject({ selected: {} });
  });

  test("are not asked of objects that are not live, nor of kinds without a rule", async () => {
    const { evaluators, asked } = engine(() => ({ ok: true, value: [] }));
    const other = [{ group: "apps", kind: "Deployment", jqPathExpressions: [".spec"] }];
    await gathererOf(evaluators).gather(op, { cluster: nowhere, comparing: comparing(other) }, [
      endsOf(configMap("a")),
    ]);
    const gone = { ...endsOf(configMap("a")), live: undefined };
    await gathererOf(evaluators).gather(op, { cluster: nowhere, comparing: comparing(rule(".data")) }, [gone]);
    expect(asked).toEqual([]);
  });

  test("that fail stop a sync that respects them", async () => {
    const { evaluators } = engine(() => failed("unexpected token"));
    const ends = { key: keyOf(configMap("a")), desired: configMap("a"), live: configMap("a") };
    const respected = gathererOf(evaluators).respected(
      op,
      { cluster: nowhere, comparing: comparing(rule(".x[")) },
      ends,
    );
    await expect(respected).rejects.toMatchObject({ code: "SPEC_INVALID" });
  });

  test("give the live value to a sync that respects them", async () => {
    const { evaluators } = engine(() => ({ ok: true, value: [["data", "seed"]] }));
    const desired = configMap("a", { seed: "1", color: "green" });
    const live = configMap("a", { seed: "777", color: "blue" });
    const ends = { key: keyOf(desired), desired, live };
    const place = { cluster: nowhere, comparing: comparing(rule(".data.seed")) };
    const applied = await gathererOf(evaluators).respected(op, place, ends);
    expect(applied["data"]).toEqual({ seed: "777", color: "green" });
  });
});

describe("paths of jq", () => {
  const value = { list: ["a", "b", "c"], map: { "x/y": 1 } };
  test.each([
    [["list", 1], [["list", "1"]]],
    [["list", -1], [["list", "2"]]],
    [["map", "x/y"], [["map", "x/y"]]],
    [
      ["list", { start: 1, end: null }],
      [
        ["list", "1"],
        ["list", "2"],
      ],
    ],
    [["list", { start: -1, end: null }], [["list", "2"]]],
    [
      ["list", { start: null, end: 2 }],
      [
        ["list", "0"],
        ["list", "1"],
      ],
    ],
    [[], [[]]],
  ] as const)("%j is %j", (path, steps) => {
    expect(stepsOf(value, path as unknown as Json)).toEqual(steps);
  });
});

describe("server-side diff", () => {
  const options = "ServerSideDiff=true";
  const none = engine(() => failed("not asked")).evaluators;

  test("asks once for each pair of desired and live, a few at a time", async () => {
    let now = 0;
    let most = 0;
    let asked = 0;
    const there = cluster(async (name) => {
      asked++;
      most = Math.max(most, ++now);
      await new Promise((resolve) => setImmediate(resolve));
      now--;
      return configMap(name);
    });
    const gatherer = gathererOf(none);
    const place = { cluster: there, comparing: comparing([], options) };
    const ends = Array.from({ length: 30 }, (_, i) => endsOf(configMap(`c-${i}`)));
    const found = await gatherer.gather(op, place, ends);
    expect(found.how.get("/ConfigMap//c-3")).toMatchObject({
      method: "server-side",
      answer: { metadata: { name: "c-3" } },
    });
    expect([asked, most]).toEqual([30, 8]);
    await gatherer.gather(op, place, ends);
    expect(asked).toBe(30);
    await gatherer.gather(op, place, [{ ...ends[0]!, desired: { ...ends[0]!.desired, hash: "another" } }]);
    expect(asked).toBe(31);
    gatherer.forgetAnswers();
    await gatherer.gather(op, place, ends);
    expect(asked).toBe(61);
  });

  test("tells what the API server says against one object, and asks again", async () => {
    const there = cluster((name) =>
      name === "bad"
        ? Promise.reject(new DriftlessError("KUBERNETES_REFUSED", "field is immutable"))
        : Promise.resolve(configMap(name)),
    );
    const place = { cluster: there, comparing: comparing([], options) };
    const found = await gathererOf(none).gather(op, place, [endsOf(configMap("bad")), endsOf(configMap("good"))]);
    expect(found.how.get("/ConfigMap//bad")).toEqual({ error: "server-side diff: field is immutable" });
    expect(found.how.get("/ConfigMap//good")).toMatchObject({ answer: {} });
    expect(found.again).toEqual(["/ConfigMap//bad"]);
  });
});
