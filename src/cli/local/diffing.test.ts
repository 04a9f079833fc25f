import { describe, expect, test } from "vitest";
import { differences } from "./diffing.ts";

const object = (replicas: number): string => JSON.stringify({ kind: "Deployment", spec: { replicas } });
const base = { group: "apps", kind: "Deployment", namespace: "n", name: "web" };

describe("what differs", () => {
  test.each([
    [
      "nothing",
      { liveState: object(1), normalizedLiveState: object(1), targetState: object(1), predictedLiveState: object(1) },
      undefined,
    ],
    [
      "a changed field",
      { normalizedLiveState: object(2), targetState: object(1), predictedLiveState: object(1), modified: true },
      [2, 1],
    ],
    [
      "an object that is to be made",
      { normalizedLiveState: "null", targetState: object(1), predictedLiveState: object(1) },
      [undefined, 1],
    ],
    [
      "an object that is to be pruned",
      { normalizedLiveState: object(2), targetState: "null", predictedLiveState: "null" },
      [2, undefined],
    ],
    ["nothing of a hook", { normalizedLiveState: "null", targetState: object(1), hook: true }, undefined],
    [
      "nothing where the server says so, whatever the texts",
      { normalizedLiveState: object(2), targetState: object(1), modified: false },
      undefined,
    ],
  ])("%s", (_name, states, expected) => {
    const found = differences([{ ...base, ...states }]);
    const replicas = (value: unknown): number | undefined =>
      (value as { spec: { replicas: number } } | null)?.spec.replicas;
    expect(found.map((item) => [replicas(item.live), replicas(item.target)])).toEqual(expected ? [expected] : []);
  });
});
