import { describe, expect, it } from "vitest";
import type { TypeSchema } from "#core/merge/schema.ts";
import { duplicateFields, parseText, shape } from "./decode.ts";

describe("fields that a body has twice", () => {
  it.each([
    ['{"a":1,"a":2}', ["a"]],
    ['{"data":{"a":"x","b":"y","a":"z"}}', ["data.a"]],
    ['{"list":[{"n":1},{"n":1,"n":2}]}', ["list[1].n"]],
    ['{"a":"{\\"b\\":1,\\"b\\":2}"}', []],
    ['{"a":{"x":1},"b":{"x":1}}', []],
    ['{"a\\u0062":1,"ab":2}', ["ab"]],
    ['{"a":["a","a"],"b":{}}', []],
  ])("%s: %j", (text, expected) => {
    expect(duplicateFields(text)).toEqual(expected);
  });
});

describe("bodies", () => {
  it("are YAML where they are said to be, or JSON within it", () => {
    expect(parseText("a: 1\nb: [x]\n", "yaml", true).value).toEqual({ a: 1, b: ["x"] });
    expect(parseText('{"a":1}', "yaml", true).value).toEqual({ a: 1 });
  });
});

const text: TypeSchema = { kind: "scalar", type: "string" };
const schema: TypeSchema = {
  kind: "struct",
  fields: {
    name: text,
    labels: { kind: "map", value: text },
    count: { kind: "scalar", type: "integer" },
    cpu: { kind: "scalar", type: "string", format: "quantity" },
    list: {
      kind: "list",
      listType: "map",
      keys: ["n"],
      items: { kind: "struct", fields: { n: text, deep: { kind: "struct", fields: {} } } },
    },
    free: { kind: "map", value: { kind: "scalar", type: "any" } },
    must: { kind: "list", listType: "atomic", items: text },
  },
  required: ["must"],
};

describe("the shape of a built-in kind", () => {
  const typed = (value: unknown) => shape(value, schema, { typed: true, kind: "Thing" });

  it("drops and reports unknown fields wherever they are, and shares what stays", () => {
    const list = [{ n: "a", deep: {}, bad: 1 }];
    const labels = { a: "b" };
    const { value, findings } = typed({ name: "x", nope: 1, labels, list });
    expect(value).toEqual({ name: "x", labels: { a: "b" }, list: [{ n: "a", deep: {} }] });
    expect((value as { labels: unknown }).labels).toBe(labels);
    expect(findings.unknown).toEqual(["nope", "list[0].bad"]);
  });

  it("leaves out nulls and what is empty, but for what is required or free", () => {
    const { value } = typed({ name: null, labels: {}, list: [], must: [], free: {} });
    expect(value).toEqual({ must: [], free: {} });
  });

  it("writes quantities canonically", () => {
    expect(typed({ cpu: "1000m" }).value).toEqual({ cpu: "1" });
    expect(typed({ cpu: 0.5 }).value).toEqual({ cpu: "500m" });
  });

  it.each([
    [{ count: "x" }, "json: cannot unmarshal string into Go struct field Thing.count of type int32"],
    [{ count: 1.5 }, "json: cannot unmarshal number 1.5 into Go struct field Thing.count of type int32"],
    [{ labels: { a: 1 } }, "json: cannot unmarshal number into Go struct field Thing.labels of type string"],
    [{ labels: [] }, "json: cannot unmarshal array into Go struct field Thing.labels of type map[string]string"],
  ])("refuses %j", (value, message) => {
    expect(typed(value).findings.wrong).toEqual([message]);
  });

  it("returns the same value where nothing has to go", () => {
    const value = { name: "x", labels: { a: "b" }, list: [{ n: "a" }], count: 3 };
    expect(typed(value).value).toBe(value);
  });
});
