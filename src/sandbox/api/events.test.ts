import { expect, test } from "vitest";
import { trackUpdate } from "#core/merge/structured.ts";
import type { KubernetesObject } from "#model/object.ts";
import { builtinResources } from "../resources/index.ts";
import { trackedEvent, type EventShapes } from "./events.ts";

const { type: schema } = builtinResources().find(({ group, kind }) => group === "" && kind === "Event")!;
const base = { apiVersion: "v1", kind: "Event" };
const about = { involvedObject: { kind: "Pod", name: "a" }, reason: "Started", count: 1, eventTime: null };

const events: readonly (readonly [string, KubernetesObject])[] = [
  ["a first one", { ...base, metadata: { name: "a", namespace: "d" }, ...about }],
  ["one of the same shape", { ...base, metadata: { name: "b", namespace: "d" }, ...about, reason: "", count: 2 }],
  ["one with a source", { ...base, metadata: { name: "c", namespace: "d" }, ...about, source: { component: "x" } }],
  ["one with an empty source", { ...base, metadata: { name: "c", namespace: "d" }, ...about, source: {} }],
  ["one with labels", { ...base, metadata: { name: "d", namespace: "d", labels: { a: "b" } }, ...about }],
  ["one with other labels", { ...base, metadata: { name: "d", namespace: "d", labels: { c: "d" } }, ...about }],
  ["one with a list", { ...base, metadata: { name: "d", finalizers: ["a.b/c"] }, ...about }],
  ["one without labels", { ...base, metadata: { name: "d", namespace: "d", labels: {} }, ...about }],
];

test("created events are tracked as any object is, whatever came before them", () => {
  const shapes: EventShapes = new Map();
  for (const [index, [what, event]] of events.entries()) {
    const by = { manager: `m${index}`, time: `2026-01-01T00:00:0${index}Z` };
    const plain = trackUpdate({ after: event, schema: schema!, ...by });
    let asked = false;
    const tracked = trackedEvent(shapes, event, by, () => {
      asked = true;
      return plain;
    });
    expect(tracked, what).toEqual(plain);
    expect(asked, what).toBe(what !== "one of the same shape");
  }
});
