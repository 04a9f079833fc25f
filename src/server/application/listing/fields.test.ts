import { describe, expect, it } from "vitest";
import { fieldsOf } from "./fields.ts";

const list = {
  metadata: { resourceVersion: "7" },
  items: [
    { metadata: { name: "a", uid: "1" }, status: { sync: { status: "Synced", revision: "x" }, history: [1, 2] } },
    { metadata: { name: "b", uid: "2" } },
  ],
};

describe("the fields parameter", () => {
  it.each([
    ["items.metadata.name", { items: [{ metadata: { name: "a" } }, { metadata: { name: "b" } }] }],
    [
      "metadata.resourceVersion,items.status.sync",
      { metadata: { resourceVersion: "7" }, items: [{ status: { sync: { status: "Synced", revision: "x" } } }, {}] },
    ],
    ["items.nothing", { items: [{}, {}] }],
    ["__proto__.x,constructor", {}],
    [
      "-metadata,items.status.history,items.metadata.uid",
      {
        items: [
          { metadata: { name: "a" }, status: { sync: { status: "Synced", revision: "x" } } },
          { metadata: { name: "b" } },
        ],
      },
    ],
  ])("%s", (parameter, expected) => expect(fieldsOf(parameter)!(list)).toEqual(expected));

  it("wants everything where it is empty or absent", () => {
    expect(fieldsOf("")).toBeUndefined();
    expect(fieldsOf(undefined)).toBeUndefined();
  });
});
