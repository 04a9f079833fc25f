import { expect, it } from "vitest";
import { objectPath } from "./paths.ts";

const configMaps = { group: "", version: "v1", plural: "configmaps", namespaced: true };

it.each([
  ["a", "/api/v1/namespaces/ns/configmaps/a"],
  ["system:a", "/api/v1/namespaces/ns/configmaps/system%3Aa"],
  ["a..b", "/api/v1/namespaces/ns/configmaps/a..b"],
  ["а?b#c", "/api/v1/namespaces/ns/configmaps/%D0%B0%3Fb%23c"],
])("%s has an address of its own", (name, path) => {
  expect(objectPath(configMaps, { namespace: "ns", name })).toBe(path);
});

it.each(["", ".", "..", "a/b", "../../pods/a", "a%2fb", "a\nb", "a\0b"])(
  "%j is no name: it would be another address",
  (name) => {
    expect(() => objectPath(configMaps, { namespace: "ns", name })).toThrow(/^name: /);
    expect(() => objectPath(configMaps, { namespace: name, name })).toThrow(/^name(space)?: /);
  },
);
