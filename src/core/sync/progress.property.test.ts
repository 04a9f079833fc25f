// A random executor over a small simulated cluster: it crashes at any action, loses what it had not stored, plans anew and
// goes on. Whatever happens: no hook runs twice, nothing is pruned twice, waves keep their order, the sync ends, and it
// ends as the run without crashes does.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { listAt, stringAt } from "#base/json.ts";
import type { HealthStatus, OperationPhase, ResourceResult } from "#model/application.ts";
import { annotation, finalizer } from "#model/names.ts";
import type { KubernetesObject, ObjectKey } from "#model/object.ts";
import { keyOf, keyText } from "#model/object.ts";
import type { ReadyPlan, SyncResource } from "./plan.ts";
import { planSync } from "./plan.ts";
import type { SyncAction } from "./progress.ts";
import { advance } from "./progress.ts";
import type { SyncOutcome } from "./results.ts";
import { recordOutcomes } from "./results.ts";
import { phaseOrder, taskId } from "./task.ts";

type Fate = "good" | "bad" | "refused";
interface Spec {
  readonly kind: "ConfigMap" | "Deployment" | "Job";
  readonly wave: number;
  readonly hook?: string;
  readonly policy?: string;
  readonly live: boolean;
  readonly desired: boolean;
  readonly fate: Fate;
  readonly ticks: number;
}
interface Scenario {
  readonly specs: readonly Spec[];
  readonly options: readonly string[];
}

// Health of the simulated kinds, in the shape of core/health's answer.
function healthOf(object: KubernetesObject): HealthStatus | undefined {
  if (object.metadata.deletionTimestamp !== undefined) return { status: "Progressing", message: "Pending deletion" };
  const conditions = listAt(object, "status", "conditions");
  if (object.kind === "ConfigMap") return undefined;
  if (conditions.length === 0) return { status: "Progressing" };
  const bad = ["Failed", "ProgressDeadlineExceeded"];
  const failed = conditions.some(
    (one) => bad.includes(String(stringAt(one, "type"))) || bad.includes(String(stringAt(one, "reason"))),
  );
  return { status: failed ? "Degraded" : "Healthy" };
}

const apiVersions = { ConfigMap: "v1", Deployment: "apps/v1", Job: "batch/v1" };

function nameOf(index: number, spec: Spec): string {
  return `${spec.kind.toLowerCase()}-${index}`;
}

function objectOf(index: number, spec: Spec): KubernetesObject {
  return {
    apiVersion: apiVersions[spec.kind],
    kind: spec.kind,
    metadata: {
      name: nameOf(index, spec),
      namespace: "prod",
      ...(spec.kind === "Deployment" ? { generation: 1 } : {}),
      annotations: {
        "argocd.argoproj.io/sync-wave": String(spec.wave),
        ...(spec.hook ? { "argocd.argoproj.io/hook": spec.hook } : {}),
        ...(spec.policy ? { "argocd.argoproj.io/hook-delete-policy": spec.policy } : {}),
      },
    },
  };
}

class World {
  readonly objects = new Map<string, KubernetesObject>();
  readonly age = new Map<string, number>();
  readonly runs = new Map<string, number>();
  readonly prunes = new Map<string, number>();
  readonly log: string[] = [];
  readonly specs: ReadonlyMap<string, Spec>;
  #uids = 0;

  constructor(scenario: Scenario) {
    this.specs = new Map(scenario.specs.map((spec, index) => [nameOf(index, spec), spec]));
    for (const [index, spec] of scenario.specs.entries()) if (spec.live) this.put(objectOf(index, spec));
  }
  put(object: KubernetesObject): void {
    const key = keyText(keyOf(object));
    const before = this.objects.get(key);
    const uid = before?.metadata.uid ?? `uid-${this.#uids++}`;
    this.objects.set(key, { ...object, metadata: { ...object.metadata, uid } });
    if (before === undefined) this.age.set(key, 0);
  }
  get(key: ObjectKey): KubernetesObject | undefined {
    return this.objects.get(keyText(key));
  }
  remove(key: string): void {
    const object = this.objects.get(key);
    if (object === undefined) return;
    if (object.metadata.finalizers?.length) {
      this.objects.set(key, { ...object, metadata: { ...object.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } });
    } else this.objects.delete(key);
  }
  execute(action: SyncAction): SyncOutcome | undefined {
    const { task } = action;
    const key = keyText(task.key);
    if (action.type === "apply") {
      if (this.specs.get(task.key.name)?.fate === "refused") return { task, ok: false, message: "refused" };
      const run = task.run ?? "";
      if (task.action === "hook") {
        this.runs.set(`${key}@${run}`, (this.runs.get(`${key}@${run}`) ?? 0) + 1);
        // Applying over an object that is still there would not run it.
        const mark = this.objects.get(key)?.metadata.annotations?.[annotation.hookRun];
        if (mark === run) throw new Error(`${key} is created over itself in ${run}`);
      }
      this.log.push(taskId(task));
      this.put(task.desired as KubernetesObject);
      return { task, ok: true, message: "configured" };
    }
    if (action.type === "prune") {
      const uid = task.live?.metadata.uid ?? "";
      this.prunes.set(uid, (this.prunes.get(uid) ?? 0) + 1);
      if (this.objects.get(key)?.metadata.uid === uid) this.remove(key);
      return { task, ok: true, message: "pruned" };
    }
    const object = this.objects.get(key);
    if (object !== undefined) {
      const finalizers = object.metadata.finalizers?.filter((name) => name !== finalizer.hook) ?? [];
      this.objects.set(key, { ...object, metadata: { ...object.metadata, finalizers } });
      if (action.type === "delete-hook" || object.metadata.deletionTimestamp !== undefined) this.remove(key);
    }
    return undefined;
  }
  /** Time passes: controllers do their part. */
  tick(): void {
    for (const [key, object] of this.objects) {
      const spec = this.specs.get(object.metadata.name ?? "");
      const age = (this.age.get(key) ?? 0) + 1;
      this.age.set(key, age);
      if (spec === undefined || age < spec.ticks) continue;
      const bad = spec.fate === "bad";
      if (object.kind === "Job") {
        const type = bad ? "Failed" : "Complete";
        this.objects.set(key, { ...object, status: { conditions: [{ type, status: "True", message: type }] } });
      } else if (object.kind === "Deployment") {
        const reason = bad ? "ProgressDeadlineExceeded" : "NewReplicaSetAvailable";
        const status = { observedGeneration: 1, conditions: [{ type: "Progressing", status: "True", reason }] };
        this.objects.set(key, { ...object, status });
      }
    }
  }
}

function planFor(world: World, scenario: Scenario): ReadyPlan {
  const resources = scenario.specs.flatMap((spec, index): SyncResource[] => {
    const object = objectOf(index, spec);
    const live = spec.hook === undefined ? world.get(keyOf(object)) : undefined;
    if (spec.desired) return [{ desired: object, ...(live ? { live } : {}) }];
    return live ? [{ live }] : [];
  });
  const plan = planSync({
    application: "web",
    namespace: "prod",
    operation: { prune: true, syncOptions: scenario.options },
    resources,
    revision: "0123456789abcdef",
    startedAt: "2026-01-01T00:00:00Z",
    allowEmpty: true,
    kindOf: () => ({ namespaced: true }),
  });
  if (!plan.ok) throw new Error(plan.reason);
  return plan;
}

interface Ended {
  readonly phase: OperationPhase;
  readonly results: readonly ResourceResult[];
  readonly world: World;
}

/** Runs to the end. `crash()` is asked before and after every action; `terminateAt` ends it at that turn. */
function run(scenario: Scenario, crash: () => boolean, terminateAt = Infinity): Ended {
  const world = new World(scenario);
  let stored: readonly ResourceResult[] = [];
  let plan = planFor(world, scenario);
  let missing: ReadonlySet<string> = new Set();
  for (let turn = 0; turn < 400; turn++) {
    const progress = advance(plan, {
      phase: turn >= terminateAt ? "Terminating" : "Running",
      results: stored,
      live: (key) => world.get(key),
      health: healthOf,
      now: turn,
      missing,
    });
    missing = new Set(progress.verify.map(keyText));
    let crashed = false;
    const careful = plan.tasks.some((task) => task.action !== "apply");
    if (progress.persistFirst || (careful && progress.steps.length > 0)) stored = progress.results;
    const outcomes: SyncOutcome[] = [];
    steps: for (const step of progress.steps) {
      let failed = false;
      for (const action of step.actions) {
        crashed ||= crash();
        if (crashed) break steps;
        const outcome = world.execute(action);
        if (outcome) outcomes.push(outcome);
        failed ||= outcome?.ok === false;
        crashed ||= crash();
        if (crashed) break steps;
      }
      if (failed && step.stopOnFailure) break;
    }
    if (crashed) {
      plan = planFor(world, scenario);
      world.tick();
      continue;
    }
    stored = recordOutcomes(progress.results, outcomes);
    if (progress.phase !== "Running") return { phase: progress.phase, results: stored, world };
    world.tick();
  }
  throw new Error(`the sync does not end: ${JSON.stringify(stored)}`);
}

const spec: fc.Arbitrary<Spec> = fc.oneof(
  fc.record({
    kind: fc.constantFrom("ConfigMap" as const, "Deployment" as const),
    wave: fc.integer({ min: -1, max: 2 }),
    live: fc.boolean(),
    desired: fc.boolean(),
    fate: fc.constantFrom<Fate>("good", "good", "good", "good", "bad", "refused"),
    ticks: fc.integer({ min: 0, max: 3 }),
  }),
  fc.record({
    kind: fc.constant("Job" as const),
    wave: fc.integer({ min: -1, max: 2 }),
    hook: fc.constantFrom("PreSync", "Sync", "PostSync", "SyncFail", "PreSync,PostSync"),
    policy: fc.constantFrom("", "HookSucceeded", "HookFailed", "BeforeHookCreation,HookSucceeded"),
    live: fc.boolean(),
    desired: fc.constant(true),
    fate: fc.constantFrom<Fate>("good", "good", "good", "bad", "refused"),
    ticks: fc.integer({ min: 0, max: 3 }),
  }),
);
const scenarios: fc.Arbitrary<Scenario> = fc.record({
  specs: fc.array(spec, { maxLength: 7 }),
  options: fc.subarray(["PruneLast=true", "ApplyOutOfSyncOnly=true"]),
});

function crasher(plan: readonly boolean[]): () => boolean {
  let at = 0;
  return () => plan[at++] ?? false;
}

test("crashes at any point repeat no hook and no prune, and the end is that of the run without crashes", () => {
  fc.assert(
    fc.property(scenarios, fc.array(fc.boolean(), { maxLength: 40 }), (scenario, crashes) => {
      const calm = run(scenario, () => false);
      const rough = run(scenario, crasher(crashes));
      for (const ended of [calm, rough]) {
        for (const [hook, count] of ended.world.runs) expect({ hook, count }).toEqual({ hook, count: 1 });
        for (const [uid, count] of ended.world.prunes) expect({ uid, count }).toEqual({ uid, count: 1 });
      }
      // Which prunes are left decides how their waves are mirrored: with several, a resumed sync may end earlier.
      const pruned = scenario.specs.filter((spec) => spec.live && !spec.desired);
      if (new Set(pruned.map((spec) => spec.wave)).size > 1) return;
      // No result is lost, of prunes neither, of which nothing else is left.
      const told = (ended: Ended): unknown =>
        ended.phase === "Succeeded"
          ? ended.results
              .map(({ kind, name, status, hookPhase }) => `${kind}/${name} ${status} ${hookPhase}`)
              .toSorted()
          : ended.phase;
      // How far a failing sync came depends on when it was interrupted; what a good one leaves does not.
      const left = (ended: Ended): unknown =>
        ended.phase === "Succeeded"
          ? [[...ended.world.runs.keys()].toSorted(), [...ended.world.objects.keys()].toSorted()]
          : ended.phase;
      expect(left(rough)).toEqual(left(calm));
      expect(told(rough)).toEqual(told(calm));
    }),
    { numRuns: 1500 },
  );
});

test("no step runs before the waves before it have ended well", () => {
  fc.assert(
    fc.property(scenarios, (scenario) => {
      const plan = planFor(new World(scenario), scenario);
      const order = new Map(plan.tasks.map((task) => [taskId(task), phaseOrder[task.phase] * 1000 + task.wave]));
      const ended = run(scenario, () => false);
      const places = ended.world.log.map((id) => order.get(id) ?? NaN);
      expect(places).toEqual(places.toSorted((a, b) => a - b));
      const applied = plan.tasks.filter(
        (task) => task.action !== "prune" && task.phase !== "SyncFail" && !task.skipped,
      );
      const whole = ended.phase === "Succeeded" ? applied.length : ended.world.log.length;
      expect(ended.world.log).toHaveLength(whole);
    }),
    { numRuns: 300 },
  );
});

test("terminating ends it at once, with no hook left running", () => {
  fc.assert(
    fc.property(scenarios, fc.integer({ min: 0, max: 8 }), (scenario, at) => {
      const ended = run(scenario, () => false, at);
      const running = ended.results.filter((result) => result.hookType && result.hookPhase === "Running");
      expect(running).toEqual([]);
      for (const object of ended.world.objects.values()) {
        expect(object.metadata.finalizers ?? []).not.toContain(finalizer.hook);
      }
    }),
    { numRuns: 300 },
  );
});
