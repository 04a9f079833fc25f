import { describe, expect, it } from "vitest";
import type { Application } from "#model/application.ts";
import { keyOf, keyText, type KubernetesObject } from "#model/object.ts";
import { buildStatus, statusPatch, type StatusInput } from "./status.ts";
import type { Row } from "../comparison/table.ts";
import { configMap } from "../testing/fakes.ts";

const app: Application = {
  apiVersion: "argoproj.io/v1alpha1",
  kind: "Application",
  metadata: { name: "app", namespace: "argocd" },
  spec: {
    project: "default",
    source: { repoURL: "https://git.example.com/x.git", path: "." },
    destination: { server: "https://kubernetes.default.svc", namespace: "prod" },
  },
};

function row(object: KubernetesObject, change: Partial<Row> = {}): Row {
  const key = keyOf(object);
  const live = { key, version: "v1", uid: "1", resourceVersion: "1", owners: [], object };
  return {
    key,
    text: keyText(key),
    desired: undefined,
    live,
    sync: "Synced",
    paths: [],
    predicted: undefined,
    error: undefined,
    health: undefined,
    requiresPruning: false,
    ignored: false,
    isHook: false,
    ...change,
  };
}

const desired = {
  revisions: ["abc"],
  sourceTypes: ["Directory" as const],
  objects: new Map(),
  hooks: [],
  conditions: [],
  unknownKinds: [],
  forbidden: [],
};
const base: StatusInput = {
  app,
  controllerNamespace: "argocd",
  rows: [],
  desired,
  conditions: [],
  operationState: undefined,
  history: undefined,
  nowMs: Date.UTC(2026, 0, 1),
  refreshed: false,
};

describe("buildStatus", () => {
  const cases: { name: string; rows: Row[]; sync: string }[] = [
    { name: "no objects", rows: [], sync: "Synced" },
    { name: "all rows synced", rows: [row(configMap("a"))], sync: "Synced" },
    {
      name: "one row out of sync",
      rows: [row(configMap("a")), row(configMap("b"), { sync: "OutOfSync" })],
      sync: "OutOfSync",
    },
    {
      name: "one row unknown",
      rows: [row(configMap("a"), { sync: "OutOfSync" }), row(configMap("b"), { sync: "Unknown" })],
      sync: "Unknown",
    },
    { name: "a hook out of sync", rows: [row(configMap("a"), { sync: "OutOfSync", isHook: true })], sync: "Synced" },
    {
      name: "an ignored row out of sync",
      rows: [row(configMap("a"), { sync: "OutOfSync", ignored: true })],
      sync: "Synced",
    },
  ];
  it.each(cases)("says $sync for $name", ({ rows, sync }) => {
    expect(buildStatus({ ...base, rows }).sync?.status).toBe(sync);
  });

  it("keeps resources, health and revision where the desired state is not known, and says Unknown", () => {
    const before = buildStatus({ ...base, rows: [row(configMap("a"))] });
    const after = buildStatus({ ...base, app: { ...app, status: before }, rows: [], desired: undefined });
    expect(after.sync).toMatchObject({ status: "Unknown", revision: "abc" });
    expect(after.resources).toEqual(before.resources);
    expect(after.health).toEqual(before.health);
  });

  it("dates a condition once, and keeps the date while it stays", () => {
    const first = buildStatus({ ...base, conditions: [{ type: "SyncError", message: "no" }] });
    const later = buildStatus({
      ...base,
      app: { ...app, status: first },
      conditions: [{ type: "SyncError", message: "no" }],
      nowMs: base.nowMs + 60_000,
    });
    expect(later.conditions).toEqual([
      { type: "SyncError", message: "no", lastTransitionTime: "2026-01-01T00:00:00Z" },
    ]);
  });

  it("does not move reconciledAt where nothing was compared anew", () => {
    const first = buildStatus(base);
    const later = buildStatus({ ...base, app: { ...app, status: first }, nowMs: base.nowMs + 60_000 });
    expect(later.reconciledAt).toBe(first.reconciledAt);
    expect(statusPatch({ ...app, status: first }, later, undefined)).toBeUndefined();
    const refreshed = buildStatus({
      ...base,
      app: { ...app, status: first },
      nowMs: base.nowMs + 60_000,
      refreshed: true,
    });
    expect(refreshed.reconciledAt).toBe("2026-01-01T00:01:00Z");
  });

  it("moves reconciledAt past the end of an operation that changed nothing: argocd waits for that", () => {
    const first = buildStatus(base);
    const ended = {
      phase: "Succeeded" as const,
      operation: {},
      startedAt: "2026-01-01T00:00:30Z",
      finishedAt: "2026-01-01T00:00:40Z",
    };
    const given = { ...base, operationState: ended, nowMs: base.nowMs + 60_000 };
    const after = buildStatus({ ...given, app: { ...app, status: first } });
    expect(after.reconciledAt).toBe("2026-01-01T00:01:00Z");
    const later = buildStatus({ ...given, app: { ...app, status: after }, nowMs: base.nowMs + 90_000 });
    expect(later.reconciledAt).toBe(after.reconciledAt);
  });
});

it("health: what is to be pruned counts, a hook does not, and its time moves only with it", () => {
  const degraded = { status: "Degraded", message: "m" } as const;
  const rows = [
    row(configMap("a")),
    row(configMap("b"), { health: degraded, sync: "OutOfSync", requiresPruning: true }),
  ];
  const first = buildStatus({ ...base, rows });
  expect(first.health).toEqual({ status: "Degraded", lastTransitionTime: "2026-01-01T00:00:00Z" });
  const later = { ...base, rows, app: { ...app, status: first }, nowMs: Date.UTC(2026, 0, 2) };
  expect(buildStatus(later).health).toEqual(first.health);
  const hook = row(configMap("h"), { health: degraded, isHook: true });
  expect(buildStatus({ ...later, rows: [row(configMap("a")), hook] }).health).toEqual({
    status: "Healthy",
    lastTransitionTime: "2026-01-02T00:00:00Z",
  });
});

it("each object's health stands in the status only where that is asked for", () => {
  const rows = [row(configMap("a"), { health: { status: "Suspended", message: "m" } })];
  const without = buildStatus({ ...base, rows });
  expect(without.resourceHealthSource).toBe("appTree");
  expect(without.resources?.[0]?.health).toBe(undefined);
  const kept = buildStatus({ ...base, rows, persistHealth: true });
  expect(kept.resourceHealthSource).toBe(undefined);
  expect(kept.resources?.[0]?.health).toEqual({ status: "Suspended", message: "m" });
});
