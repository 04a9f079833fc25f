import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { Json } from "#base/json.ts";
import { parseApiVersion, type KubernetesObject } from "#model/object.ts";
import {
  actionsFromScript,
  builtinActions,
  builtinActionsOf,
  changesFromScript,
  parseCustomActions,
  patchesOf,
  runBuiltinAction,
} from "./actions.ts";

interface BuiltinCase {
  readonly name: string;
  readonly object: KubernetesObject;
  readonly action: string;
  readonly params?: Record<string, string>;
  readonly disabled?: boolean;
  readonly patch?: { main?: unknown; status?: unknown };
  readonly create?: KubernetesObject;
  readonly refused?: string;
  readonly none?: boolean;
}

interface ScriptCase {
  readonly name: string;
  readonly source: KubernetesObject;
  readonly result: Json;
  readonly patches?: readonly unknown[];
  readonly creates?: readonly unknown[];
  readonly error?: string;
}

const read = (file: string): unknown => parse(readFileSync(new URL(`cases/${file}`, import.meta.url), "utf8"));
const cases = read("builtin.yaml") as BuiltinCase[];
const scriptCases = read("scripts.yaml") as ScriptCase[];
const nowMs = Date.parse("2026-03-04T05:06:07Z");

/** What came of running an action, in the words of the cases. */
function outcome(object: KubernetesObject, found: ReturnType<typeof runBuiltinAction>): object {
  if (found === undefined) return { none: true };
  if (typeof found === "string") return { refused: found };
  const [change] = found;
  if (change === undefined || change.operation === "create") return { create: change?.object };
  const { main, status } = patchesOf(object, change.object);
  return { patch: { ...(main ? { main } : {}), ...(status ? { status } : {}) } };
}

describe("built-in actions", () => {
  test.each(cases.map((one) => [one.name, one] as const))("%s", (_, one) => {
    const { name, object, action, params = {}, disabled = false, ...expected } = one;
    const info = builtinActionsOf(object).find((each) => each.name === action);
    expect(info?.disabled === true, name).toBe(disabled);
    const found = outcome(object, runBuiltinAction(object, action, { params, nowMs }));
    // Of a disabled action it is enough that it is disabled.
    expect(found).toEqual(disabled && !("patch" in expected) ? found : expected);
  });

  test("each has a case, a name and an icon", () => {
    const seen = new Set(
      cases.map(({ object, action }) => `${parseApiVersion(object.apiVersion).group}/${object.kind} ${action}`),
    );
    const all = Object.entries(builtinActions).flatMap(([kind, list]) => list.map((action) => ({ kind, action })));
    const named = new Set(cases.map(({ action }) => action));
    for (const { kind, action } of all) {
      expect(named.has(action.name), `${kind} ${action.name}`).toBe(true);
      expect(action.displayName).not.toBe("");
      expect(action.iconClass).toMatch(/^fa /);
    }
    const kindsSeen = new Set([...seen].map((text) => text.split(" ")[0]));
    expect(Object.keys(builtinActions).filter((kind) => !kindsSeen.has(kind))).toEqual([]);
  });

  test("none throws on an object that is nothing like its kind", () => {
    for (const [key, list] of Object.entries(builtinActions)) {
      const [group = "", kind = ""] = key.split("/");
      for (const odd of [undefined, null, 5, [], { strategy: 3, jobTemplate: [] }]) {
        const object = { apiVersion: `${group}/v1`, kind, metadata: { name: "x" }, spec: odd, status: odd };
        expect(() => builtinActionsOf(object)).not.toThrow();
        for (const { name } of list) expect(() => runBuiltinAction(object, name, { params: {}, nowMs })).not.toThrow();
      }
    }
  });
});

function scriptOutcome(source: KubernetesObject, changes: ReturnType<typeof changesFromScript>): object {
  if (typeof changes === "string") return { error: changes, creates: [] };
  const patches = changes.flatMap((change) => {
    if (change.operation === "create") return [];
    const { main, status } = patchesOf(source, change.object);
    return main || status ? [main, status].filter((part) => part !== undefined) : [{}];
  });
  const creates = changes.flatMap((change) => (change.operation === "create" ? [change.object] : []));
  return { patches, creates };
}

describe("actions by script", () => {
  test.each(scriptCases.map((one) => [one.name, one] as const))("%s", (_, one) => {
    const { name: _name, source, result, ...expected } = one;
    expect(scriptOutcome(source, changesFromScript(result, source))).toEqual({ creates: [], ...expected });
  });

  test("discovery: names, parameters, icons, what is disabled", () => {
    expect(actionsFromScript([])).toEqual([]);
    expect(
      actionsFromScript({
        stop: { disabled: true },
        go: [],
        scale: {
          displayName: "Scale up",
          iconClass: "fa fa-up",
          params: [{ name: "replicas", default: 3 }, { name: "why" }],
        },
      }),
    ).toEqual([
      { name: "go" },
      {
        name: "scale",
        displayName: "Scale up",
        iconClass: "fa fa-up",
        params: [{ name: "replicas", default: "3" }, { name: "why" }],
      },
      { name: "stop", disabled: true },
    ]);
    expect(actionsFromScript("x")).toMatch(/expect table output/);
    expect(actionsFromScript(["x"])).toMatch(/expect table output/);
  });

  test("definitions in the settings", () => {
    const text = `mergeBuiltinActions: true
discovery.lua: return {}
definitions:
- name: go
  action.lua: return obj
`;
    expect(parseCustomActions(text)).toEqual({
      discovery: "return {}",
      scripts: new Map([["go", "return obj"]]),
      mergeBuiltin: true,
    });
    expect(parseCustomActions("- a")).toMatch(/not a mapping/);
    expect(parseCustomActions("a: [")).toMatch(/not YAML/);
    expect(parseCustomActions("definitions:\n- name: x\n")).toMatch(/no action.lua/);
  });
});
