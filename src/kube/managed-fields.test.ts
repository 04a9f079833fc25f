import { assert, jsonValue, property } from "fast-check";
import { expect, test } from "vitest";
import type { KubernetesObject } from "#model/object.ts";
import { objectWithoutManagedFields, withoutManagedFields } from "./managed-fields.ts";

const managedFields = [
  {
    manager: 'k"}]',
    operation: "Apply",
    apiVersion: "v1",
    fieldsType: "FieldsV1",
    fieldsV1: { "f:data": { 'k:{"a":"]\\"}': {}, "v:[": {} } },
  },
  { manager: "b\\", operation: "Update" },
];

const cases = [
  ["last", { metadata: { name: "a", managedFields } }],
  ["first", { metadata: { managedFields, name: "a" } }],
  ["alone", { metadata: { managedFields } }],
  [
    "in the middle of a list",
    { items: [{ metadata: { name: "a", managedFields }, x: 1 }, { metadata: { managedFields, b: 2 } }] },
  ],
  ["none", { metadata: { name: "a" }, data: { x: "managedFields" } }],
  ["only as text", { data: { x: JSON.stringify({ managedFields }) } }],
  ["as another list", { spec: { managedFields: ["a"] } }],
] as const;

test.each(cases)("managedFields go, all else stays: %s", (name, value) => {
  const text = withoutManagedFields(JSON.stringify(value));
  const expected = JSON.parse(JSON.stringify(value), (key, each: unknown) =>
    key === "managedFields" && name !== "as another list" ? undefined : each,
  ) as unknown;
  expect(JSON.parse(text)).toEqual(expected);
});

const applied = { manager: "us", operation: "Apply", apiVersion: "v1", fieldsV1: { "f:data": { 'k:{"a":"]}"}': {} } } };
const others = [
  { manager: "us", operation: "Update" },
  { manager: "us too", operation: "Apply", fieldsV1: {} },
];

test.each([
  ["alone", [applied], [applied]],
  ["among others", [others[0], applied, others[1]], [applied]],
  [
    "twice, for a subresource",
    [applied, others[1], { ...applied, subresource: "scale" }],
    [applied, { ...applied, subresource: "scale" }],
  ],
  ["not at all", others, undefined],
])("what one manager applied is kept: %s", (_, managedFields, kept) => {
  const object = (fields: unknown) => ({ metadata: { name: "a", managedFields: fields, uid: "u" }, data: { x: "y" } });
  const given = { items: [object(managedFields), object(others), object(managedFields)] };
  const expected = { items: [object(kept), object(undefined), object(kept)] };
  const plain = JSON.parse(JSON.stringify(expected)) as unknown;
  expect(JSON.parse(withoutManagedFields(JSON.stringify(given), "us"))).toEqual(plain);
  const one = object(managedFields) as unknown as KubernetesObject;
  expect(objectWithoutManagedFields(one, "us")).toEqual(JSON.parse(JSON.stringify(object(kept))));
});

test("any values around and inside are kept or cut whole", () => {
  assert(
    property(jsonValue(), jsonValue(), (inside, outside) => {
      const fields = [{ manager: "m", fieldsV1: inside }];
      const text = JSON.stringify({ a: outside, metadata: { managedFields: fields, z: outside } });
      expect(withoutManagedFields(text)).toBe(JSON.stringify({ a: outside, metadata: { z: outside } }));
    }),
  );
});
