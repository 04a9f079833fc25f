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
  const asText = kept?.map(({ fieldsV1, ...rest }) => ({ ...rest, fieldsText: JSON.stringify(fieldsV1) }));
  const expected = { items: [object(asText), object(undefined), object(asText)] };
  const plain = JSON.parse(JSON.stringify(expected)) as unknown;
  expect(JSON.parse(withoutManagedFields(JSON.stringify(given), { appliedBy: "us" }))).toEqual(plain);
  const one = object(managedFields) as unknown as KubernetesObject;
  expect(objectWithoutManagedFields(one, { appliedBy: "us" })).toEqual(JSON.parse(JSON.stringify(object(asText))));
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

test("what named managers own is kept, whatever they did", () => {
  const object = (fields: unknown) => ({ metadata: { name: "a", managedFields: fields, uid: "u" } });
  const scaler = {
    manager: "scaler",
    operation: "Update",
    apiVersion: "v1",
    fieldsV1: { "f:spec": { "f:replicas": {} } },
  };
  const given = object([applied, ...others, scaler]);
  const keep = { appliedBy: "us", managers: ["scaler"] };
  const text = JSON.stringify(scaler.fieldsV1);
  const found = JSON.parse(withoutManagedFields(JSON.stringify(given), keep)) as KubernetesObject;
  expect(found.metadata.managedFields?.map(({ manager }) => manager)).toEqual(["us", "scaler"]);
  expect(found.metadata.managedFields?.[1]).toMatchObject({ operation: "Update", fieldsText: text });
  expect(objectWithoutManagedFields(given as unknown as KubernetesObject, keep)).toEqual(found);
});
