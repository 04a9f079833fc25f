import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import { silentLogger, type Operation } from "#base/operation.ts";
import { parseSettings, type ConfigData, type Settings } from "#model/settings.ts";
import type { KubernetesObject } from "#model/object.ts";
import { createEvaluators, type Evaluators, type LuaItem, type Outcome } from "#render/engine/evaluate.ts";
import { engineForTests, testPool } from "#render/engine/testing.ts";
import type { Json } from "#base/json.ts";
import { CustomHealth } from "./custom-health.ts";

const op: Operation = { signal: new AbortController().signal, log: silentLogger };

/** Time that stands still until it is told to go on. */
class StepClock {
  #nowMs = 0;
  #timers: { readonly atMs: number; readonly run: () => void }[] = [];
  now = (): number => this.#nowMs;
  monotonic = (): number => this.#nowMs;
  after = (delayMs: number, run: () => void): (() => void) => {
    if (delayMs === 0) {
      queueMicrotask(run);
      return () => {};
    }
    const timer = { atMs: this.#nowMs + delayMs, run };
    this.#timers.push(timer);
    return () => void (this.#timers = this.#timers.filter((one) => one !== timer));
  };
  pass(ms: number): void {
    this.#nowMs += ms;
    const due = this.#timers.filter(({ atMs }) => atMs <= this.#nowMs);
    this.#timers = this.#timers.filter(({ atMs }) => atMs > this.#nowMs);
    for (const { run } of due) run();
  }
}

const gate = (name: string, resourceVersion = "1", kind = "Gate"): KubernetesObject => ({
  apiVersion: "example.com/v1",
  kind,
  metadata: { name, namespace: "a", uid: `uid-${kind}-${name}`, resourceVersion },
  spec: { name },
});

interface World {
  readonly health: CustomHealth;
  readonly calls: (readonly LuaItem[])[];
  readonly clock: StepClock;
  settings: Settings;
  answer: (items: readonly LuaItem[]) => Promise<readonly Outcome<Json>[]>;
}

const settingsOf = (cm: ConfigData): Settings => parseSettings(cm, undefined).settings;
const fine: World["answer"] = (items) =>
  Promise.resolve(items.map(() => ({ ok: true, value: { status: "Healthy", message: "by script" } })));
function failing(failure: DriftlessError): World["answer"] {
  return (items) => Promise.resolve(items.map(() => ({ ok: false, error: failure })));
}

function world(cm: ConfigData = { "resource.customizations.health.example.com_Gate": "return x" }): World {
  const clock = new StepClock();
  const calls: (readonly LuaItem[])[] = [];
  const now: Pick<World, "settings" | "answer"> = { settings: settingsOf(cm), answer: fine };
  const health = new CustomHealth({
    clock,
    op,
    log: silentLogger,
    settings: () => now.settings,
    evaluators: {
      lua: (_op, items) => {
        calls.push(items);
        return now.answer(items);
      },
    },
  });
  return Object.assign(now, { calls, clock, health });
}

describe("health by script", () => {
  test("5,000 objects are one round trip, and none when they are asked for again", async () => {
    const { health, calls } = world();
    const objects = Array.from({ length: 5000 }, (_, index) => gate(`g${index}`));
    await Promise.all([health.learn(op, objects.slice(0, 2000)), health.learn(op, objects.slice(1000))]);
    expect(calls.map((items) => items.length)).toEqual([5000]);
    expect(health.of(objects[4999]!)).toEqual({ status: "Healthy", message: "by script" });
    await health.learn(op, objects);
    expect(calls).toHaveLength(1);
    await health.learn(op, [gate("g1", "2"), gate("g2")]);
    expect(calls.map((items) => items.length)).toEqual([5000, 1]);
  });

  test("kinds without a script cost nothing and keep their built-in check", async () => {
    const { health, calls } = world();
    const service: KubernetesObject = { apiVersion: "v1", kind: "Service", metadata: { name: "s", uid: "u" } };
    await health.learn(op, [service]);
    expect(calls).toHaveLength(0);
    expect(health.of(service)).toEqual({ status: "Healthy" });
    expect(health.isCustom({ group: "", kind: "Service" })).toBe(false);
  });

  test("what is being deleted is Progressing, whatever a script would say", async () => {
    const { health, calls } = world();
    const going = { ...gate("g"), metadata: { ...gate("g").metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } };
    health.offer(going);
    await Promise.resolve();
    expect(calls).toHaveLength(0);
    expect(health.of(going)?.message).toBe("Pending deletion");
  });

  test("a script that returns nothing says that the object has no health; one that returns nonsense, Unknown", async () => {
    const one = world();
    one.answer = () => Promise.resolve([{ ok: true, value: null }]);
    await one.health.learn(op, [gate("g")]);
    expect(one.health.of(gate("g"))).toBe(undefined);
    const shown = async (value: Json): Promise<string | undefined> => {
      const other = world();
      other.answer = () => Promise.resolve([{ ok: true, value }]);
      await other.health.learn(op, [gate("g")]);
      expect(other.health.of(gate("g"))?.status).toBe("Unknown");
      return other.health.of(gate("g"))?.message;
    };
    expect(await shown("Healthy")).toMatch(/returned a string/);
    expect(await shown([])).toMatch(/a table without a status/);
    expect(await shown({ status: "Great" })).toMatch(/invalid health status: "Great"/);
  });

  test("a script that fails makes its object Unknown, and says which", async () => {
    const one = world();
    one.answer = failing(new DriftlessError("RENDER_FAILED", "script:1: attempt to index a nil value"));
    await one.health.learn(op, [gate("g")]);
    expect(one.health.of(gate("g"))).toEqual({
      status: "Unknown",
      message: "the health script failed: script:1: attempt to index a nil value",
    });
    expect(one.health.problem(gate("g"))).toBe(
      'failed to get resource health for "Gate" with name "g" in namespace "a": script:1: attempt to index a nil value',
    );
    await one.health.learn(op, [gate("g")]);
    expect(one.calls).toHaveLength(1);
    expect(one.health.forSync(gate("g"))?.status).toBe("Unknown");
  });

  test("without the engine objects are Unknown, and are looked at again when it may have come", async () => {
    const one = world();
    const missing = new DriftlessError("ENGINE_MISSING", "it is not built yet");
    one.answer = () => Promise.reject(missing);
    const told: string[][] = [];
    one.health.onChange((uids) => told.push([...uids]));
    await one.health.learn(op, [gate("g")]);
    expect(one.health.of(gate("g"))?.status).toBe("Unknown");
    expect(one.health.of(gate("g"))?.message).toMatch(/needs the program driftless-engine/);
    expect(one.health.problem(gate("g"))).toBe(undefined);
    // A sync waits meanwhile: a hook does not fail for want of the engine.
    expect(one.health.forSync(gate("g"))?.status).toBe("Progressing");
    one.answer = fine;
    one.clock.pass(6000);
    expect(told).toEqual([["uid-Gate-g"]]);
    await one.health.learn(op, [gate("g")]);
    expect(one.health.of(gate("g"))?.status).toBe("Healthy");
    one.clock.pass(60_000);
    expect(told).toHaveLength(1);
  });

  test("a script that does not end is not run again for a while, and holds up no other", async () => {
    const one = world({
      "resource.customizations.health.example.com_Gate": "loop",
      "resource.customizations.health.example.com_Calm": "calm",
    });
    const late = new DriftlessError("RENDER_TIMEOUT", "the script did not end within 1s");
    one.answer = (items) => (items[0]!.script === "loop" ? failing(late)(items) : fine(items));
    await one.health.learn(op, [gate("g"), gate("c", "1", "Calm")]);
    // One that was never seen to end goes over by itself.
    expect(one.calls.map((items) => items.map(({ script }) => script))).toEqual([["loop"], ["calm"]]);
    await one.health.learn(op, [gate("g", "2"), gate("g", "3"), gate("c", "2", "Calm")]);
    expect(one.calls.map(([first]) => first!.script)).toEqual(["loop", "calm", "calm"]);
    expect(one.health.of(gate("g", "3"))?.message).toMatch(/did not end within 1s/);
    expect(one.health.of(gate("c", "2", "Calm"))?.status).toBe("Healthy");
    one.clock.pass(31_000);
    one.answer = fine;
    await one.health.learn(op, [gate("g", "3")]);
    expect(one.health.of(gate("g", "3"))?.status).toBe("Healthy");
  });

  test("an object that ends its process is found, and the others have their health", async () => {
    const one = world();
    one.answer = (items) => {
      const poison = items.some(({ globals }) => JSON.stringify(globals).includes("g37"));
      if (poison) return Promise.reject(new DriftlessError("RENDER_TOO_LARGE", "more memory than 512 MiB"));
      return fine(items);
    };
    const objects = Array.from({ length: 64 }, (_, index) => gate(`g${index}`));
    await one.health.learn(op, objects);
    const codes = objects.map((object) => one.health.of(object)?.status);
    expect(codes.filter((code) => code === "Healthy")).toHaveLength(63);
    expect(codes[37]).toBe("Unknown");
  });

  test("a changed script runs again; one that is gone leaves the built-in check", async () => {
    const one = world();
    await one.health.learn(op, [gate("g")]);
    one.settings = settingsOf({ "resource.customizations.health.example.com_Gate": "return y" });
    expect(one.health.of(gate("g"))).toEqual({ status: "Progressing", message: "the health script has not run yet" });
    await one.health.learn(op, [gate("g")]);
    expect(one.calls.at(-1)?.[0]?.script).toBe("return y");
    one.settings = settingsOf({});
    expect(one.health.of(gate("g"))).toBe(undefined);
  });

  test("objects that are not kept are offered, and listeners hear of a new health", async () => {
    const one = world();
    const told: string[][] = [];
    one.health.onChange((uids) => told.push([...uids]));
    one.health.offer(gate("g"));
    one.health.offer(gate("h"));
    await one.health.learn(op, [gate("g"), gate("h")]);
    expect(one.calls.map((items) => items.length)).toEqual([2]);
    expect(told).toEqual([["uid-Gate-g", "uid-Gate-h"]]);
    expect(one.health.ofVersion({ group: "example.com", kind: "Gate" }, "uid-Gate-g", "1")?.status).toBe("Healthy");
    expect(one.health.ofVersion({ group: "example.com", kind: "Gate" }, "uid-Gate-g", "2")).toBe(undefined);
    one.health.forget("uid-Gate-g");
    expect(one.health.ofVersion({ group: "example.com", kind: "Gate" }, "uid-Gate-g", "1")).toBe(undefined);
  });

  test("keys: a kind's own before patterns, longer patterns before shorter, open libraries by key", async () => {
    const one = world({
      "resource.customizations.health.example.com_Gate": "own",
      "resource.customizations.useOpenLibs.example.com_Gate": "true",
      "resource.customizations.health._.example.com__": "underscore",
      "resource.customizations": `
"*.com/*": {health.lua: short}
"*.example.com/*": {health.lua: long, health.lua.useOpenLibs: true}
ConfigMap: {health.lua: core}
`,
    });
    const of = (apiVersion: string, kind: string): KubernetesObject => ({
      apiVersion,
      kind,
      metadata: { name: "x", uid: `${apiVersion}${kind}`, resourceVersion: "1" },
    });
    const kinds = [
      of("example.com/v1", "Gate"),
      of("a.example.com/v1", "Thing"),
      of("other.com/v1", "Thing"),
      of("v1", "ConfigMap"),
    ];
    await one.health.learn(op, kinds);
    const ran = one.calls.flat().map(({ script, allLibraries }) => [script, allLibraries === true]);
    expect(ran).toEqual([
      ["own", true],
      ["underscore", true],
      ["short", false],
      ["core", false],
    ]);
    expect(one.health.isCustom({ group: "net", kind: "Thing" })).toBe(false);
  });
});

describe.runIf(engineForTests())("in the engine", () => {
  const pool = testPool();
  let trips = 0;
  const evaluators: Evaluators = createEvaluators({
    ...pool,
    run: (...args) => {
      trips++;
      return pool.run(...args);
    },
  });
  afterAll(() => pool.close());
  const healthWith = (cm: ConfigData): CustomHealth => {
    const settings = settingsOf(cm);
    return new CustomHealth({
      clock: { now: Date.now, monotonic: () => performance.now(), after: afterMs },
      op,
      log: silentLogger,
      settings: () => settings,
      evaluators,
    });
  };
  const afterMs = (delayMs: number, run: () => void): (() => void) => {
    const timer = setTimeout(run, delayMs);
    timer.unref();
    onTestFinished(() => clearTimeout(timer));
    return () => clearTimeout(timer);
  };

  test("5,000 objects in one round trip", async () => {
    const health = healthWith({
      "resource.customizations.health.example.com_Gate": `
for i, condition in ipairs(obj.status.conditions) do
  if condition.type == "Ready" and condition.status == "True" then
    return {status = "Healthy", message = obj.metadata.name}
  end
end
return {status = "Progressing"}`,
    });
    const objects = Array.from({ length: 5000 }, (_, index) => ({
      ...gate(`g${index}`),
      status: {
        conditions: [
          { type: "Synced", status: "True" },
          { type: "Ready", status: "True" },
        ],
      },
    }));
    trips = 0;
    await health.learn(op, objects);
    expect(trips).toBe(1);
    expect(health.of(objects[4321]!)).toEqual({ status: "Healthy", message: "g4321" });
    await health.learn(op, objects);
    expect(trips).toBe(1);
  });

  test("loops end, files and programs are closed, and the rest goes on", async () => {
    const script = (text: string): string => `if obj.spec.name == "bad" then ${text} end return {status = "Healthy"}`;
    for (const [text, message] of [
      ["while true do end", /did not end within 1s/],
      ["io.open('/etc/passwd')", /attempt to index a (non-table object\(nil\)|nil value)|io/],
      ["os.execute('true')", /attempt to call a (non-function object|nil value)/],
      ["os.getenv('HOME')", /attempt to call a (non-function object|nil value)/],
      ["dofile('/etc/passwd')", /attempt to call a (non-function object|nil value)/],
      ["error('on purpose')", /on purpose/],
    ] as const) {
      const health = healthWith({
        "resource.customizations.health.example.com_Gate": script(text),
        "resource.customizations.useOpenLibs.example.com_Gate": "true",
      });
      const objects = [gate("a"), gate("bad"), gate("b")];
      await health.learn(op, objects);
      expect(objects.map((object) => health.of(object)?.status)).toEqual(["Healthy", "Unknown", "Healthy"]);
      expect(health.of(objects[1]!)?.message).toMatch(message);
    }
  });

  test("one loop over many objects costs seconds, not one for each", async () => {
    const health = healthWith({ "resource.customizations.health.example.com_Gate": "while true do end" });
    const objects = Array.from({ length: 100 }, (_, index) => gate(`g${index}`));
    const started = performance.now();
    await health.learn(op, objects);
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(new Set(objects.map((object) => health.of(object)?.status))).toEqual(new Set(["Unknown"]));
  }, 20_000);

  test("the clock, text and print are what users' scripts expect", async () => {
    const health = healthWith({
      "resource.customizations.useOpenLibs.example.com_Gate": "true",
      "resource.customizations.health.example.com_Gate": `
print("debugging", obj.metadata.name)
local at = os.time({year = 2026, month = 3, day = 4, hour = 5, min = 6, sec = 7})
return {status = "Healthy", message = os.date("!%Y-%m-%dT%XZ", at) .. string.upper("x") .. math.floor(1.5)}`,
    });
    await health.learn(op, [gate("g")]);
    expect(health.of(gate("g"))?.message).toBe("2026-03-04T05:06:07ZX1");
  });
});
