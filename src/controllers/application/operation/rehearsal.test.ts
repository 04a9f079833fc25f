import { expect, it } from "vitest";
import { DriftlessError, type ErrorCode } from "#base/errors.ts";
import type { SyncTask } from "#core/sync/task.ts";
import { refusals } from "./rehearsal.ts";

const task = (name: string, more: Partial<SyncTask> = {}): SyncTask =>
  ({
    key: { group: "", kind: "ConfigMap", namespace: "shop", name },
    action: "apply",
    options: { force: false },
    ...more,
  }) as SyncTask;

async function tried(tasks: readonly SyncTask[], answers: Readonly<Record<string, [ErrorCode, string]>> = {}) {
  const asked: string[] = [];
  const apply = async ({ key }: SyncTask): Promise<void> => {
    asked.push(key.name);
    const answer = answers[key.name];
    if (answer) throw new DriftlessError(...answer);
  };
  const refused = await refusals(tasks, apply, 4);
  return { asked, refused: refused.map((outcome) => [outcome.task.key.name, outcome.ok, outcome.message]) };
}

it("tells what the cluster refuses, and why", async () => {
  const { refused } = await tried([task("good"), task("bad"), task("homeless")], {
    bad: ["KUBERNETES_REFUSED", "it is invalid"],
    homeless: ["NOT_FOUND", "no such namespace"],
  });
  expect(refused).toEqual([
    ["bad", false, "it is invalid"],
    ["homeless", false, "no such namespace"],
  ]);
});

it.each<[string, ErrorCode, string]>([
  ["an unreachable cluster", "CLUSTER_UNREACHABLE", "refused"],
  ["a port that the pruning may free", "KUBERNETES_REFUSED", "provided port is already allocated"],
  ["a quota that the pruning may free", "PERMISSION_DENIED", "exceeded quota: pods"],
  ["a webhook without dry runs", "KUBERNETES_REFUSED", 'admission webhook "x" does not support dry run'],
])("does not count %s", async (_what, code, message) => {
  expect((await tried([task("one")], { one: [code, message] })).refused).toEqual([]);
});

it("asks only of what a dry run can tell", async () => {
  const { asked } = await tried([
    task("plain"),
    task("in-sync", { unchanged: true }),
    task("left-out", { skipped: true }),
    task("custom", { definition: { group: "", kind: "", namespace: "", name: "" } }),
    task("gone", { action: "prune" }),
    task("hook", { action: "hook" }),
    task("new-home", { key: { group: "", kind: "Namespace", namespace: "", name: "later" } }),
    task("in-new-home", { key: { group: "", kind: "ConfigMap", namespace: "later", name: "in-new-home" } }),
  ]);
  expect(asked).toEqual(["plain", "later"]);
});
