// The deletion of an application: cases, and a simulated cluster in which it is stopped at any point.
import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parse } from "yaml";
import type { HealthStatus, HealthStatusCode } from "#model/application.ts";
import { annotation, finalizer } from "#model/names.ts";
import type { KubernetesObject } from "#model/object.ts";
import { keyOf, keyText } from "#model/object.ts";
import type { DeletionInput, DeletionTurn, LiveResource } from "./deletion.ts";
import {
  deletionFinalizers,
  hookFinalizers,
  keepHookFinalizers,
  needsHooks,
  nextDeletion,
  ownFinalizers,
} from "./deletion.ts";
import { parseSyncOptions } from "./options.ts";
import { runName } from "./plan.ts";
import { build } from "./testing/cases.ts";

interface Case {
  readonly name: string;
  readonly finalizers: readonly string[];
  readonly live?: readonly string[];
  readonly hooks?: readonly string[];
  readonly confirmed?: boolean;
  readonly options?: readonly string[];
  readonly forbidden?: readonly string[];
  readonly expect: {
    readonly do?: string;
    readonly waits?: readonly string[];
    readonly done?: readonly string[];
    readonly problem?: string;
    readonly failed?: readonly string[];
  };
}

const requestedAt = "2026-01-01T00:00:00Z";
const names: Readonly<Record<string, string>> = {
  pre: deletionFinalizers.preDelete,
  "pre/cleanup": deletionFinalizers.preDeleteCleanup,
  foreground: finalizer.resources,
  background: finalizer.resourcesBackground,
  post: deletionFinalizers.postDelete,
  "post/cleanup": deletionFinalizers.postDeleteCleanup,
};
const shortOf = (name: string): string => Object.keys(names).find((short) => names[short] === name) ?? name;

interface Live {
  readonly resource: LiveResource;
  readonly object: KubernetesObject;
  readonly health: HealthStatus | undefined;
  readonly tracked: boolean;
}

// "Kind name …": as in plan.yaml, and of the live object: health=…, run=PreDelete, deleting, held, by=…, unknown, stranger.
function liveOf(text: string): Live {
  const words = text.split(" ");
  const flags = new Set(["deleting", "held", "unknown", "stranger"]);
  const value = (name: string): string | undefined =>
    words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
  const own = words.filter((word) => !flags.has(word) && !/^(health|run|by)=/.test(word)).join(" ");
  const built = build(own, true);
  const run = value("run");
  const finalizers = [...(words.includes("held") ? [finalizer.hook] : []), ...(value("by") ? [value("by")!] : [])];
  const object: KubernetesObject = {
    ...built,
    metadata: {
      ...built.metadata,
      annotations: {
        ...built.metadata.annotations,
        ...(run
          ? { [annotation.hookRun]: run === "old" ? run : runName({ startedAt: requestedAt }, run as "PreDelete") }
          : {}),
      },
      ...(finalizers.length > 0 ? { finalizers } : {}),
      ...(words.includes("deleting") ? { deletionTimestamp: requestedAt } : {}),
    },
  };
  const resource: LiveResource = {
    key: keyOf(object),
    version: "v1",
    uid: object.metadata.uid ?? "",
    resourceVersion: "1",
    deleting: words.includes("deleting"),
    ...(words.includes("unknown") ? {} : { object }),
  };
  const health = value("health");
  return {
    resource,
    object,
    health: health === undefined ? undefined : { status: health as HealthStatusCode },
    tracked: !words.includes("stranger"),
  };
}

function inputOf(one: Case): DeletionInput {
  const live = (one.live ?? []).map(liveOf);
  const healths = new Map(live.map(({ object, health }) => [object.metadata.uid, health]));
  return {
    self: { group: "argoproj.io", kind: "Application", namespace: "argocd", name: "web" },
    finalizers: one.finalizers.map((short) => names[short] ?? short),
    requestedAt,
    confirmed: one.confirmed === true,
    live: live.filter(({ tracked }) => tracked).map(({ resource }) => resource),
    liveAt: (key) => live.find(({ object }) => keyText(keyOf(object)) === keyText(key))?.object,
    hooks: (one.hooks ?? []).map((text) => {
      const hook = build(text, false);
      return { ...hook, metadata: { ...hook.metadata, namespace: "prod" } };
    }),
    revision: "0123456789",
    options: parseSyncOptions(one.options),
    track: (object) => object,
    health: (object) => healths.get(object.metadata.uid),
    permits: ({ kind }) => !one.forbidden?.includes(kind),
  };
}

const shown = (turn: DeletionTurn): string =>
  turn.actions
    .map((action) => {
      const { kind, name } = action.type === "create-hook" ? action.key : action.resource.key;
      return `${action.type} ${kind}/${name}${action.type === "delete" ? ` ${action.propagation}` : ""}`;
    })
    .join(", ");

const cases = parse(readFileSync(new URL("cases/deletion.yaml", import.meta.url), "utf8")) as Case[];

test.each(cases.map((one) => [one.name, one] as const))("%s", (_, one) => {
  const turn = nextDeletion(inputOf(one));
  expect(shown(turn)).toBe(one.expect.do ?? "");
  expect(turn.done.map(shortOf)).toEqual(one.expect.done ?? []);
  expect(turn.problem).toBe(one.expect.problem);
  expect(turn.failed.map(({ key }) => `${key.kind}/${key.name}`)).toEqual(one.expect.failed ?? []);
  const waits = turn.waits.map((wait) => wait.reason);
  expect(waits).toEqual(one.expect.waits ?? waits);
});

test("an application carries both finalizers of each type of deletion hook that it has", () => {
  const hooks = (...texts: string[]): readonly string[] =>
    hookFinalizers(texts.map((text) => build(text, false))).map(shortOf);
  expect(hooks("Job a hook=PreSync", "ConfigMap b")).toEqual([]);
  expect(hooks("Job a hook=PreDelete")).toEqual(["pre", "pre/cleanup"]);
  expect(hooks("Job a helm=post-delete")).toEqual(["post", "post/cleanup"]);
  expect(hooks("Job a hook=PreSync;PostDelete", "Job b helm=pre-delete")).toEqual([
    "pre",
    "pre/cleanup",
    "post",
    "post/cleanup",
  ]);
});

test("an application that Git desires keeps the finalizers that its own hooks gave it, and no others", () => {
  const app = (...shorts: string[]): KubernetesObject => ({
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Application",
    metadata: { name: "child", finalizers: shorts.map((short) => names[short] ?? short) },
  });
  const kept = (desired: KubernetesObject, live: KubernetesObject): unknown =>
    keepHookFinalizers(desired, live).metadata.finalizers?.map(shortOf);
  expect(kept(app("foreground"), app("foreground", "pre", "pre/cleanup"))).toEqual([
    "foreground",
    "pre",
    "pre/cleanup",
  ]);
  expect(kept(app("foreground"), app("post", "foreground", "team.example.com/x"))).toEqual(["post", "foreground"]);
  expect(kept(app("background"), app("foreground"))).toEqual(["background"]);
  const other = { ...app("foreground"), kind: "Widget" };
  expect(keepHookFinalizers(other, app("pre"))).toBe(other);
});

test("finalizers of others are not ours", () => {
  expect(ownFinalizers(["team.example.com/keep", finalizer.resources, deletionFinalizers.postDeleteCleanup])).toEqual([
    finalizer.resources,
    deletionFinalizers.postDeleteCleanup,
  ]);
});

test("the source is rendered only while its hooks are still to run", () => {
  const needs = (...shorts: string[]): boolean => needsHooks(shorts.map((short) => names[short]!));
  expect(needs("pre", "pre/cleanup", "foreground")).toBe(true);
  expect(needs("pre/cleanup", "foreground", "post")).toBe(false);
  expect(needs("foreground", "post")).toBe(false);
  expect(needs("post", "post/cleanup")).toBe(true);
  expect(needs("post/cleanup")).toBe(false);
});

interface World {
  finalizers: readonly string[];
  readonly objects: Map<string, KubernetesObject>;
  readonly created: Map<string, number>;
  readonly deleted: string[];
}

// One whole deletion over simulated objects; `stop()` is asked before each action, and then all that is not stored is lost.
function run(texts: { live: readonly string[]; hooks: readonly string[] }, stop: () => boolean): World {
  const hooks = texts.hooks.map((text) => {
    const hook = build(text, false);
    return { ...hook, metadata: { ...hook.metadata, namespace: "prod" } };
  });
  const world: World = {
    finalizers: [...hookFinalizers(hooks), finalizer.resources],
    objects: new Map(texts.live.map((text) => [keyText(keyOf(build(text, true))), build(text, true)])),
    created: new Map(),
    deleted: [],
  };
  for (let turns = 0; turns < 200; turns++) {
    const live = [...world.objects.values()].map((object) => ({
      key: keyOf(object),
      version: "v1",
      uid: object.metadata.uid ?? "",
      resourceVersion: "1",
      deleting: false,
      object,
    }));
    const turn = nextDeletion({
      ...inputOf({ name: "", finalizers: [], expect: {} }),
      finalizers: world.finalizers,
      live,
      liveAt: (key) => world.objects.get(keyText(key)),
      hooks,
      health: (object) => (object.kind === "Job" ? { status: "Healthy" } : undefined),
    });
    if (turn.actions.length + turn.waits.length + turn.done.length === 0) return world;
    for (const action of turn.actions) {
      if (stop()) break;
      if (action.type === "create-hook") {
        const text = keyText(action.key);
        world.created.set(text, (world.created.get(text) ?? 0) + 1);
        world.objects.set(text, { ...action.object, metadata: { ...action.object.metadata, uid: text } });
      } else if (action.type === "delete") {
        world.objects.delete(keyText(action.resource.key));
        world.deleted.push(`${action.resource.key.kind}/${action.resource.key.name}`);
      } else {
        const { finalizers: _, ...metadata } = action.resource.object!.metadata;
        world.objects.set(keyText(action.resource.key), { ...action.resource.object!, metadata });
      }
    }
    world.finalizers = world.finalizers.filter((name) => !turn.done.includes(name));
  }
  throw new Error("the deletion does not end");
}

test("stopped at any point a deletion runs each hook once and ends as without being stopped", () => {
  const live = fc.uniqueArray(
    fc.constantFrom(
      "ConfigMap a",
      "ConfigMap b wave=1",
      "Deployment d wave=1",
      "Secret k opts=Delete=false",
      "Job old hook=PostSync",
    ),
  );
  const hooks = fc.uniqueArray(
    fc.constantFrom(
      "Job p hook=PreDelete",
      "Job q hook=PreDelete wave=1",
      "Job r hook=PostDelete",
      "Job s hook=PostDelete policy=Never",
      "ConfigMap t hook=PostDelete",
    ),
  );
  fc.assert(
    fc.property(live, hooks, fc.array(fc.boolean(), { maxLength: 30 }), (objects, wanted, stops) => {
      const calm = run({ live: objects, hooks: wanted }, () => false);
      let at = 0;
      const rough = run({ live: objects, hooks: wanted }, () => stops[at++] ?? false);
      for (const world of [calm, rough]) {
        for (const [hook, count] of world.created) expect({ hook, count }).toEqual({ hook, count: 1 });
        expect(new Set(world.deleted).size).toBe(world.deleted.length);
        expect(world.finalizers).toEqual([]);
      }
      expect([...rough.objects.keys()].toSorted()).toEqual([...calm.objects.keys()].toSorted());
      expect(rough.deleted.toSorted()).toEqual(calm.deleted.toSorted());
    }),
    { numRuns: 500 },
  );
});
