import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import type { HealthStatus, HealthStatusCode, OperationPhase, ResourceResult } from "#model/application.ts";
import { annotation, finalizer } from "#model/names.ts";
import type { KubernetesObject } from "#model/object.ts";
import { keyText } from "#model/object.ts";
import type { ReadyPlan } from "./plan.ts";
import { planSync } from "./plan.ts";
import type { SyncProgress } from "./progress.ts";
import { advance } from "./progress.ts";
import { recordHookDeletionFailure, recordOutcomes } from "./results.ts";
import type { SyncTask } from "./task.ts";
import type { PlanCase } from "./testing/cases.ts";
import { apiVersions, inputOf } from "./testing/cases.ts";

interface Case extends PlanCase {
  readonly name: string;
  readonly phase?: OperationPhase;
  readonly world?: readonly string[];
  readonly results?: readonly string[];
  readonly missing?: readonly string[];
  readonly delay?: { readonly lastWaveAt: number; readonly waveDelayMs: number; readonly now: number };
  readonly expect: {
    readonly phase: OperationPhase;
    readonly message?: string;
    readonly do: string;
    readonly waits?: readonly string[];
    readonly set?: readonly string[];
    readonly verify?: readonly string[];
    readonly persistFirst?: boolean;
    readonly retryAt?: number;
  };
}

const crdConditions: Record<string, unknown> = {
  established: [{ type: "Established", status: "True" }],
  clash: [{ type: "NamesAccepted", status: "False", message: "taken" }],
  nonstructural: [{ type: "Established", status: "False", message: "schema is not structural" }],
};

interface WorldObject {
  readonly object: KubernetesObject;
  readonly health?: HealthStatus;
}

// "Kind/name health words…": the words that are no flags are the health's message.
function worldOf(plan: ReadyPlan, lines: readonly string[]): Map<string, WorldObject> {
  const world = new Map<string, WorldObject>();
  for (const line of lines) {
    const [id = "", code = "-", ...words] = line.split(" ");
    const task = plan.tasks.find((one) => `${one.key.kind}/${one.key.name}` === id);
    if (task === undefined) throw new Error(`no task for ${id}`);
    const has = (word: string): boolean => words.includes(word);
    const flags = ["run", "old", "held", "deleting", "stranger", ...Object.keys(crdConditions)];
    const message = words.filter((word) => !flags.includes(word)).join(" ");
    const run = has("run") ? task.run : has("old") ? "an-earlier-run" : undefined;
    const conditions = crdConditions[words.find((word) => word in crdConditions) ?? ""];
    const object: KubernetesObject = {
      ...(task.desired ?? (task.live as KubernetesObject)),
      metadata: {
        name: task.key.name,
        uid: has("stranger") ? "another" : (task.live?.metadata.uid ?? "u"),
        ...(has("deleting") ? { deletionTimestamp: "2026-01-01T00:00:00Z" } : {}),
        finalizers: has("held") ? [finalizer.hook] : [],
        annotations: run ? { [annotation.hookRun]: run } : {},
      },
      ...(conditions ? { status: { conditions } } : {}),
    };
    const health: HealthStatus = { status: code as HealthStatusCode, ...(message ? { message } : {}) };
    world.set(keyText(task.key), code === "-" ? { object } : { object, health });
  }
  return world;
}

function resultOf(line: string): ResourceResult {
  const match = /^(\w+)\/(\S+) (\w+): (\w+) (\w+) (.*)$/.exec(line);
  if (match === null) throw new Error(line);
  const [, kind = "", name = "", syncPhase, status, hookPhase, message] = match;
  const group = (apiVersions[kind] ?? "v1").split("/").at(-2) ?? "";
  const namespace = kind === "CustomResourceDefinition" || kind === "Namespace" ? "" : "prod";
  return { group, version: "v1", kind, namespace, name, syncPhase, status, hookPhase, message } as ResourceResult;
}

function show(result: ResourceResult): string {
  return `${result.kind}/${result.name} ${result.syncPhase}: ${result.status} ${result.hookPhase} ${result.message}`;
}

function run(one: Case): SyncProgress {
  const plan = planSync(inputOf(one));
  if (!plan.ok) throw new Error(plan.reason);
  const world = worldOf(plan, one.world ?? []);
  const byObject = new Map([...world.values()].map((entry) => [entry.object.metadata.name, entry.health]));
  const missing = plan.tasks.filter((task) => one.missing?.includes(`${task.key.kind}/${task.key.name}`));
  return advance(plan, {
    phase: one.phase ?? "Running",
    results: (one.results ?? []).map(resultOf),
    live: (key) => world.get(keyText(key))?.object,
    health: (object) => byObject.get(object.metadata.name),
    missing: new Set(missing.map((task) => keyText(task.key))),
    ...(one.delay ?? { now: 0 }),
  });
}

const cases = parse(readFileSync(new URL("cases/progress.yaml", import.meta.url), "utf8")) as Case[];

test.each(cases.map((one) => [one.name, one] as const))("%s", (_, one) => {
  const progress = run(one);
  const wanted = one.expect;
  const done = progress.steps.map((step) =>
    step.actions.map(({ type, task }) => `${type} ${task.key.kind}/${task.key.name}`).join(", "),
  );
  expect(done.join(" | ")).toBe(wanted.do);
  expect({ phase: progress.phase, message: progress.message }).toEqual({
    phase: wanted.phase,
    message: wanted.message ?? progress.message,
  });
  expect(progress.waits.map((wait) => wait.reason)).toEqual(wanted.waits ?? progress.waits.map((wait) => wait.reason));
  expect(progress.results.map(show)).toEqual(expect.arrayContaining([...(wanted.set ?? [])]));
  expect(progress.verify.map((key) => `${key.kind}/${key.name}`)).toEqual(wanted.verify ?? []);
  expect(progress.persistFirst).toBe(wanted.persistFirst ?? progress.persistFirst);
  expect(progress.retryAt).toBe(wanted.retryAt);
});

const task: SyncTask = {
  key: { group: "apps", kind: "Deployment", namespace: "prod", name: "web" },
  version: "v1",
  phase: "Sync",
  wave: 0,
  action: "apply",
  desired: {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: { template: { spec: { containers: [{ image: "a:1" }, { image: "b:1" }, { image: "a:1" }] } } },
  },
  options: {} as SyncTask["options"],
  order: 0,
};

test("an outcome becomes a result as Argo CD stores it", () => {
  expect(recordOutcomes([], [{ task, ok: true, message: "deployment.apps/web configured" }])).toEqual([
    {
      group: "apps",
      version: "v1",
      kind: "Deployment",
      namespace: "prod",
      name: "web",
      status: "Synced",
      hookPhase: "Running",
      syncPhase: "Sync",
      message: "deployment.apps/web configured",
      images: ["a:1", "b:1"],
    },
  ]);
});

test("outcomes of dry runs, failures and prunes", () => {
  const first = (outcome: Partial<Parameters<typeof recordOutcomes>[1][number]>): ResourceResult | undefined =>
    recordOutcomes([], [{ task, ok: true, message: "m", ...outcome }])[0];
  expect(first({ dryRun: true })).toMatchObject({ status: "Synced", hookPhase: "Succeeded" });
  expect(first({ ok: false })).toMatchObject({ status: "SyncFailed", hookPhase: "Failed", message: "m" });
  const prune: SyncTask = { ...task, action: "prune" };
  expect(first({ task: prune })).toMatchObject({ status: "Pruned", hookPhase: "Succeeded" });
  expect(first({ task: prune, dryRun: true })).toMatchObject({ status: "Pruned", message: "pruned (dry run)" });
});

test("a result keeps its place and what else it holds", () => {
  const before = recordOutcomes([], [{ task, ok: true, message: "a" }]);
  const other: SyncTask = { ...task, key: { ...task.key, name: "api" } };
  const after = recordOutcomes(before, [
    { task: other, ok: true, message: "x" },
    { task, ok: false, message: "b" },
  ]);
  expect(after.map((result) => [result.name, result.message])).toEqual([
    ["web", "b"],
    ["api", "x"],
  ]);
  expect(before[0]?.message).toBe("a");
  expect(recordOutcomes(before, [])).toBe(before);
});

test("a hook that cannot be deleted is an error of that hook", () => {
  const before = recordOutcomes([], [{ task, ok: true, message: "a" }]);
  expect(recordHookDeletionFailure(before, task, "forbidden")[0]).toMatchObject({
    status: "Synced",
    hookPhase: "Error",
    message: "failed to delete resource: forbidden",
  });
});

test("results that did not change are the same list", () => {
  const results = [resultOf("ConfigMap/c Sync: Synced Succeeded x")];
  const plan = planSync(inputOf({ desired: ["ConfigMap c"] })) as ReadyPlan;
  const state = { phase: "Running", results, live: () => undefined, health: () => undefined, now: 0 } as const;
  expect(advance(plan, state).results).toBe(results);
});
