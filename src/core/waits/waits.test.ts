import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { HealthStatus } from "#model/application.ts";
import type { KubernetesObject, ObjectMeta } from "#model/object.ts";
import { podTrouble } from "./pods.ts";
import { durationText, whyNotGone, whyNotReady, type PodView } from "./waits.ts";

interface WaitCase {
  readonly name: string;
  readonly object?: Omit<KubernetesObject, "apiVersion">;
  readonly health?: HealthStatus;
  readonly pods?: readonly PodView[];
  readonly ready?: string;
  readonly gone?: string;
}
interface PodCase {
  readonly name: string;
  readonly pod: { readonly metadata?: ObjectMeta; readonly [field: string]: unknown };
  readonly trouble?: string;
}
const read = (file: string): unknown =>
  parse(readFileSync(new URL(`cases/${file}`, import.meta.url), "utf8")) as unknown;

describe("what is waited for", () => {
  const now = Date.parse("2026-03-02T12:00:00Z");
  test.each((read("waits.yaml") as WaitCase[]).map((one) => [one.name, one] as const))("%s", (_, one) => {
    const { health, pods, ready, gone } = one;
    const object = one.object === undefined ? undefined : ({ apiVersion: "v1", ...one.object } as KubernetesObject);
    const subject = { object, now, ...(health ? { health } : {}), ...(pods ? { pods } : {}) };
    const why = ready === undefined ? whyNotGone : whyNotReady;
    expect(why(subject)).toBe(ready ?? gone);
  });
});

describe("what keeps a pod", () => {
  test.each((read("pods.yaml") as PodCase[]).map((one) => [one.name, one] as const))("%s", (_, { pod, trouble }) => {
    expect(podTrouble({ apiVersion: "v1", kind: "Pod", ...pod, metadata: pod.metadata ?? {} })).toBe(trouble);
  });
});

test("times are told in two units at most", () => {
  const s = 1000;
  expect([0, 59.9 * s, 60 * s, 65 * s, 3600 * s, 7500 * s, 48 * 3600 * s, 76 * 3600 * s, -5].map(durationText)).toEqual(
    ["0 s", "59 s", "1 min", "1 min 05 s", "1 h", "2 h 5 min", "2 d", "3 d 4 h", "0 s"],
  );
});
