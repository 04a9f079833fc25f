import { expect, it } from "vitest";
import type { ApplicationStatus, ResourceResult, ResourceStatus } from "#model/application.ts";
import { fittingStatus } from "./status-size.ts";

const resource = (index: number, more: Partial<ResourceStatus> = {}): ResourceStatus => ({
  version: "v1",
  kind: "ConfigMap",
  namespace: "shop",
  name: `one-of-many-with-quite-a-long-name-${index}`,
  status: "Synced",
  ...more,
});
const result = (index: number, more: Partial<ResourceResult> = {}): ResourceResult => ({
  group: "",
  version: "v1",
  kind: "ConfigMap",
  namespace: "shop",
  name: `one-of-many-with-quite-a-long-name-${index}`,
  status: "Synced",
  hookPhase: "Running",
  syncPhase: "Sync",
  message: `configmap/one-of-many-with-quite-a-long-name-${index} created`,
  ...more,
});
const statusOf = (resources: readonly ResourceStatus[], results: readonly ResourceResult[]): ApplicationStatus => ({
  resources,
  operationState: {
    operation: { sync: {} },
    phase: "Running",
    startedAt: "2026-01-01T00:00:00Z",
    syncResult: { revision: "abc", resources: results },
  },
});
const times = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

it("leaves a status that fits as it is", () => {
  const status = statusOf(
    times(1000).map((index) => resource(index)),
    times(1000).map((index) => result(index)),
  );
  expect(fittingStatus(status)).toBe(status);
  const larger = statusOf(
    times(2500).map((index) => resource(index)),
    times(2500).map((index) => result(index)),
  );
  expect(fittingStatus(larger)).toEqual(larger);
});

it("drops ordinary results first, and keeps hooks, prunes and failures", () => {
  const results = times(6000).map((index) => result(index));
  results[5000] = result(5000, { hookType: "PostSync" });
  results[5500] = result(5500, { status: "Pruned", hookPhase: "Succeeded" });
  results[5999] = result(5999, { status: "SyncFailed", hookPhase: "Failed" });
  const fitting = fittingStatus(
    statusOf(
      times(6000).map((index) => resource(index)),
      results,
    ),
  );
  expect(JSON.stringify(fitting).length).toBeLessThan(1_310_000);
  expect(fitting.resources).toHaveLength(6000);
  const kept = fitting.operationState?.syncResult?.resources ?? [];
  expect(kept.length).toBeGreaterThan(100);
  expect(kept.slice(-3)).toEqual([results[5000], results[5500], results[5999]]);
  expect(kept[0]).toBe(results[0]);
});

it("of too many objects lists those first that are not in order", () => {
  const resources = times(20_000).map((index) => resource(index));
  resources[19_999] = resource(19_999, { status: "OutOfSync" });
  const fitting = fittingStatus(statusOf(resources, []));
  expect(JSON.stringify(fitting).length).toBeLessThan(1_310_000);
  expect(fitting.resources?.at(-1)).toBe(resources[19_999]);
});
