// Drift as the API answers it: who changed what, with no value of a Secret in it, and one unreadable object harming no other.
import { expect, test } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import { silentLogger, type Operation } from "#base/operation.ts";
import type { Row } from "#controllers/application/comparison/table.ts";
import { keyOf, keyText, type KubernetesObject } from "#model/object.ts";
import { ApplicationDrift } from "./drift.ts";
import type { ApplicationQueries } from "../queries.ts";

const op: Operation = { signal: new AbortController().signal, log: silentLogger };
const secret = (name: string, value: string): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: "shop" },
  data: { password: value },
});

function rowOf(live: KubernetesObject, predicted: KubernetesObject, more: Partial<Row> = {}): Row {
  const key = keyOf(live);
  const entry = { key, version: "v1", uid: "u", resourceVersion: "1", owners: [], object: live };
  return {
    key,
    text: keyText(key),
    sync: "OutOfSync",
    desired: { object: predicted },
    live: entry,
    paths: ["/data/password"],
    predicted,
    ...more,
  } as unknown as Row;
}

function driftOf(rows: readonly Row[], get: (name: string) => Promise<KubernetesObject | undefined>): ApplicationDrift {
  const cluster = {
    typeOf: () => ({ group: "", version: "v1", kind: "Secret", plural: "secrets", namespaced: true }),
    schemaOf: () => undefined,
    client: { get: (_op: unknown, _type: unknown, { name }: { name: string }) => get(name) },
  };
  return new ApplicationDrift({
    state: () => ({ table: { rows: () => rows }, cluster }),
  } as unknown as ApplicationQueries);
}

const managedFields = [
  {
    manager: "kubectl-edit",
    operation: "Update" as const,
    apiVersion: "v1",
    time: "2026-01-02T00:00:00Z",
    fieldsType: "FieldsV1" as const,
    fieldsV1: { "f:data": { "f:password": {} } },
  },
];

test("tells who changed a Secret, not to what", async () => {
  const live = secret("s", "aHVudGVyMg==");
  const row = rowOf(live, secret("s", "c2VjcmV0"));
  const whole = { ...live, metadata: { ...live.metadata, managedFields } };
  const { items } = await driftOf([row], () => Promise.resolve(whole)).of(op, { name: "app" }, {});
  expect(items[0]!.fields[0]).toMatchObject({
    path: "/data/password",
    state: "set",
    writers: [{ manager: "kubectl-edit", time: "2026-01-02T00:00:00Z" }],
    who: "set by kubectl-edit at 2026-01-02T00:00:00Z",
  });
  expect(items[0]!.fields[0]!.live).not.toEqual(items[0]!.fields[0]!.desired);
  expect(JSON.stringify(items)).not.toMatch(/aHVudGVyMg|c2VjcmV0/);
});

test("an object that cannot be read, compared or found harms no other", async () => {
  const rows = [
    rowOf(secret("a", "YQ=="), secret("a", "Yg==")),
    rowOf(secret("b", "YQ=="), secret("b", "Yg==")),
    rowOf(secret("c", "YQ=="), secret("c", "Yg=="), { error: "no answer", sync: "Unknown" }),
    rowOf(secret("d", "YQ=="), secret("d", "Yg=="), { sync: "Synced" }),
  ];
  const drift = driftOf(rows, (name) =>
    name === "a" ? Promise.reject(new DriftlessError("PERMISSION_DENIED", "not you")) : Promise.resolve(undefined),
  );
  const { items } = await drift.of(op, { name: "app" }, {});
  expect(items).toMatchObject([
    { name: "a", error: "who changed it cannot be read: not you", fields: [] },
    { name: "b", fields: [{ path: "", state: "absent", who: "not live" }] },
    { name: "c", status: "Unknown", error: "no answer", fields: [] },
  ]);
  expect((await drift.of(op, { name: "app" }, { name: "c", kind: "Secret" })).items).toHaveLength(1);
});
