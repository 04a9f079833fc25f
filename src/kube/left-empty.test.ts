import { expect, test } from "vitest";
import { lacksEmpty } from "./left-empty.ts";

test.each([
  ["an empty object that is there", { a: {} }, { a: {} }, false],
  ["an empty object that is filled", { a: {} }, { a: { b: 1 } }, false],
  ["an empty object that is missing", { spec: { affinity: {} } }, { spec: {} }, true],
  ["an empty list that is missing", { spec: { ports: [] } }, { spec: { size: 1 } }, true],
  ["an empty list that is null", { ports: [] }, { ports: null }, true],
  [
    "in an element that is found by its name",
    { c: [{ name: "b", r: {} }] },
    { c: [{ name: "a" }, { name: "b" }] },
    true,
  ],
  ["in no element", { c: [{ name: "b", r: {} }] }, { c: [{ name: "a" }, { name: "b", r: {} }] }, false],
  ["in an element without a name", { c: [{ r: [] }] }, { c: [{}] }, true],
  ["what is not empty", { a: 1, b: [1], c: { d: "" } }, {}, false],
] as const)("%s", (_name, applied, answer, expected) => {
  expect(lacksEmpty(applied, answer)).toBe(expected);
});
