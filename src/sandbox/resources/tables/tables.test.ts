// Rows of `kubectl get` against the Table that a real API server answered for the same objects (cases/defaults*), and
// against what users know of kubectl for objects that live.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { KubernetesObject } from "#model/object.ts";
import { builtinResources } from "../definitions.ts";
import { definitionOf } from "../testing/cases.ts";
import { duration } from "./cells.ts";
import { podReady, podRestarts, podStatus } from "./pods.ts";

type Expected = Record<string, { object: KubernetesObject; cells?: unknown[] }>;
const expected = JSON.parse(
  readFileSync(new URL("../cases/defaults.expected.json", import.meta.url), "utf8"),
) as Expected;
const now = "2026-01-01T00:00:00Z";
const nowMs = Date.parse(now);
/** Allocated anew for each request, and times. */
const varying = /^10\.0\.\d+\.\d+$|:3\d{4}\/|^\d{4}-\d\d-\d\dT|controller-uid=/;

const shown = (cells: readonly unknown[]): unknown[] =>
  cells.map((cell) => (typeof cell === "string" && varying.test(cell) ? "varies" : cell));

const rows = Object.entries(expected).flatMap(([name, { object, cells }]) =>
  cells === undefined ? [] : [{ name, object, cells }],
);

describe("kubectl get", () => {
  test.each(rows)("$name", ({ object, cells }) => {
    const created = { ...object, metadata: { ...object.metadata, creationTimestamp: now } };
    expect(shown(definitionOf(object).table!.row(created, nowMs))).toEqual(shown(cells));
  });

  test("every column of every kind has a cell", () => {
    for (const { kind, group, table } of builtinResources()) {
      const empty = { apiVersion: "v1", kind, metadata: { name: "x", creationTimestamp: now } };
      const missing = table?.columns
        .filter((_, index) => table.row(empty, nowMs)[index] === null)
        .map((column) => column.name);
      if (kind === "ComponentStatus" || kind === "PodCertificateRequest") continue;
      expect(missing ?? [], `${group}/${kind}`).toEqual([]);
    }
  });
});

const pods = parse(readFileSync(new URL("../cases/pods.yaml", import.meta.url), "utf8")) as {
  name: string;
  shows: string;
  pod: Partial<KubernetesObject>;
}[];

test.each(pods)("a pod that is $name shows $shows", ({ shows, pod }) => {
  const object = {
    apiVersion: "v1",
    kind: "Pod",
    ...pod,
    metadata: { name: "p", ...pod.metadata },
  } as KubernetesObject;
  expect([podReady(object), podStatus(object), podRestarts(object, nowMs)].join(" ")).toBe(shows);
});

test.each([
  [0, "0s"],
  [119_000, "119s"],
  [120_000, "2m"],
  [200_000, "3m20s"],
  [10 * 60_000, "10m"],
  [179 * 60_000, "179m"],
  [3 * 3_600_000, "3h"],
  [3.5 * 3_600_000, "3h30m"],
  [47 * 3_600_000, "47h"],
  [50 * 3_600_000, "2d2h"],
  [8 * 86_400_000, "8d"],
  [729 * 86_400_000, "729d"],
  [800 * 86_400_000, "2y70d"],
  [3000 * 86_400_000, "8y"],
])("%d ms reads %s", (ms, text) => {
  expect(duration(ms)).toBe(text);
});
