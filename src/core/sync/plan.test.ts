import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { annotation, finalizer } from "#model/names.ts";
import type { KubernetesObject } from "#model/object.ts";
import { keyText } from "#model/object.ts";
import type { SyncPlan } from "./plan.ts";
import { deletionApproved, planSync } from "./plan.ts";
import type { PlanCase } from "./testing/cases.ts";
import { inputOf } from "./testing/cases.ts";

interface Case extends PlanCase {
  readonly name: string;
  readonly steps?: readonly string[];
  readonly refused?: string;
  readonly failed?: readonly string[];
  readonly warnings?: readonly string[];
  readonly options?: Record<string, unknown>;
  readonly policies?: readonly string[];
  readonly keys?: readonly string[];
}

function stepsOf(plan: SyncPlan): string[] {
  if (!plan.ok) return [plan.reason];
  return plan.tasks.map((task) => {
    const action = task.skipped ? "skip" : task.action;
    return `${task.phase}/${task.wave} ${action} ${task.key.kind}/${task.key.name}${task.ignored ? `: ${task.ignored}` : ""}`;
  });
}

const cases = parse(readFileSync(new URL("cases/plan.yaml", import.meta.url), "utf8")) as Case[];

describe("planning", () => {
  test.each(cases.map((one) => [one.name, one] as const))("%s", (_, one) => {
    const plan = planSync(inputOf(one));
    const failed = plan.ok ? [] : plan.results.map((result) => `${result.kind}/${result.name}`);
    expect(stepsOf(plan)).toEqual(one.refused === undefined ? one.steps : [one.refused]);
    expect(failed).toEqual(one.failed ?? []);
    const tasks = plan.ok ? plan.tasks : [];
    expect(plan.ok ? plan.warnings : []).toEqual(one.warnings ?? []);
    expect(tasks[0]?.options ?? {}).toMatchObject(one.options ?? {});
    const first = tasks[0]?.deletePolicies;
    expect(first).toEqual(one.policies ?? first);
    const keys = tasks.map((task) => keyText(task.key));
    expect(keys).toEqual(one.keys ?? keys);
    expect(tasks.map((task) => task.order)).toEqual(tasks.map((_, index) => index));
  });
});

test("hooks carry the mark of their run and our finalizer, and the tracking that the caller adds", () => {
  const one: PlanCase = { desired: ["Job j hook=PreSync"] };
  const plan = planSync({ ...inputOf(one), attempt: 2, track: (object) => ({ ...object, tracked: true }) });
  const hook = plan.ok ? plan.tasks[0]?.desired : undefined;
  expect(hook?.metadata.annotations?.[annotation.hookRun]).toBe("1767225600-2-presync");
  expect(hook?.metadata.finalizers).toEqual([finalizer.hook]);
  expect(hook?.["tracked"]).toBe(true);
});

test("planning changes none of what it was given", () => {
  const input = inputOf({ desired: ["Job gen-/ hook=PreSync", "ConfigMap c"], live: ["ConfigMap old"] });
  const before = JSON.stringify(input.resources);
  planSync(input);
  expect(JSON.stringify(input.resources)).toBe(before);
});

test("a pruning is approved by an annotation that is not older than the operation", () => {
  const at = (time: string): KubernetesObject => ({
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Application",
    metadata: { annotations: { [annotation.deletionApproved]: time } },
  });
  const start = "2026-01-01T12:00:00Z";
  expect(deletionApproved(at("2026-01-01T12:00:00Z"), start)).toBe(true);
  expect(deletionApproved(at("2026-01-01T11:59:59Z"), start)).toBe(false);
  expect(deletionApproved(at("yes"), start)).toBe(false);
  expect(deletionApproved({ ...at(""), metadata: {} }, start)).toBe(false);
});
