import { describe, expect, it } from "vitest";
import { changedLines, comparable, diffObjects, diffTexts, sideBySide } from "./diff.ts";

const deployment = (replicas: number, more: object = {}): object => ({
  kind: "Deployment",
  apiVersion: "apps/v1",
  metadata: { name: "web", namespace: "shop" },
  spec: { replicas, template: { spec: { containers: [{ name: "web", image: "web:1" }] } } },
  ...more,
});

describe("the difference of live and desired", () => {
  it("is nothing where only what the API server writes differs, or the order of keys", () => {
    const live = {
      ...deployment(2, { status: { readyReplicas: 2 } }),
      metadata: {
        namespace: "shop",
        name: "web",
        uid: "u",
        resourceVersion: "9",
        generation: 3,
        creationTimestamp: "2030-01-01T00:00:00Z",
        managedFields: [{}],
        annotations: { "kubectl.kubernetes.io/last-applied-configuration": "{}" },
      },
    };
    expect(diffObjects(live, deployment(2))).toEqual([]);
    expect(comparable(live)).toEqual(deployment(2));
  });
  it("shows a changed value once on each side, with the changed word marked", () => {
    const [hunk, ...others] = diffObjects(deployment(2), deployment(3));
    expect(others).toEqual([]);
    expect(hunk!.lines.filter((line) => line.kind !== "same")).toEqual([
      {
        kind: "removed",
        text: "  replicas: 2",
        before: 7,
        after: undefined,
        pieces: [
          { text: "  replicas: ", changed: false },
          { text: "2", changed: true },
        ],
      },
      {
        kind: "added",
        text: "  replicas: 3",
        before: undefined,
        after: 7,
        pieces: [
          { text: "  replicas: ", changed: false },
          { text: "3", changed: true },
        ],
      },
    ]);
    expect(hunk!.skipped).toBe(3);
  });
  it("is all added where it does not exist, all removed where Git does not have it", () => {
    expect(changedLines(diffObjects(null, deployment(1)))).toEqual({ added: 12, removed: 0 });
    expect(changedLines(diffObjects(deployment(1), null))).toEqual({ added: 0, removed: 12 });
    expect(diffObjects(null, null)).toEqual([]);
  });
  it("leaves out what is equal between two changes far apart", () => {
    const lines = Array.from({ length: 40 }, (_, i) => `line ${i}`);
    const text = (...changed: number[]): string =>
      `${lines.map((line, i) => (changed.includes(i) ? `${line} changed` : line)).join("\n")}\n`;
    const hunks = diffTexts(text(), text(5, 30));
    expect(hunks.map((hunk) => hunk.skipped)).toEqual([2, 18]);
    expect(hunks[1]!.lines[0]).toMatchObject({ text: "line 27", before: 28, after: 28 });
  });
  it("stands side by side with removed beside added", () => {
    const [hunk] = diffTexts("a\nb\nc\nd\n", "a\nx\nd\n");
    expect(sideBySide(hunk!).map(({ left, right }) => [left?.text, right?.text])).toEqual([
      ["a", "a"],
      ["b", "x"],
      ["c", undefined],
      ["d", "d"],
    ]);
  });
});
