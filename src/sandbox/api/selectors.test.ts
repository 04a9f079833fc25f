import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "#model/object.ts";
import { ApiError, type ResourceDefinition } from "../contract.ts";
import { parseFieldSelector, parseLabelSelector } from "./selectors.ts";

function labelled(labels: Record<string, string>): KubernetesObject {
  return { apiVersion: "v1", kind: "Pod", metadata: { name: "a", namespace: "n", labels } };
}

const pod: ResourceDefinition = {
  group: "",
  version: "v1",
  kind: "Pod",
  listKind: "PodList",
  plural: "pods",
  singular: "pod",
  shortNames: [],
  categories: [],
  namespaced: true,
  verbs: [],
  subresources: [],
  selectableFields: { "spec.nodeName": (object) => (object["spec"] as { nodeName?: string })?.nodeName ?? "" },
};

describe("label selectors", () => {
  const table: readonly (readonly [selector: string, labels: Record<string, string>, matches: boolean])[] = [
    ["a=b", { a: "b" }, true],
    ["a==b", { a: "c" }, false],
    ["a!=b", {}, true],
    ["a != b", { a: "b" }, false],
    ["a in (b, c)", { a: "c" }, true],
    ["a in (b,c)", {}, false],
    ["a notin (b,c)", {}, true],
    ["a notin (b)", { a: "b" }, false],
    ["a", { a: "" }, true],
    ["!a", { a: "" }, false],
    ["!a,b", { b: "x" }, true],
    ["a=", { a: "" }, true],
    ["a=,b", { a: "", b: "" }, true],
    ["a in ()", { a: "" }, true],
    ["n>3", { n: "4" }, true],
    ["n<3", { n: "4" }, false],
    ["app.kubernetes.io/name=x,tier in (web)", { "app.kubernetes.io/name": "x", tier: "web" }, true],
  ];
  it.each(table)("%s on %j: %s", (selector, labels, matches) => {
    expect(parseLabelSelector(selector)?.(labelled(labels))).toBe(matches);
  });

  it("selects everything when empty", () => {
    expect([parseLabelSelector(""), parseLabelSelector("  ")]).toEqual([undefined, undefined]);
  });

  it.each(["a b", "a in b", "a in (b", "=a", "a,", "a=b=c", "-x=1"])("refuses %s", (selector) => {
    expect(() => parseLabelSelector(selector)).toThrow(ApiError);
  });
});

describe("field selectors", () => {
  const object: KubernetesObject = { ...labelled({}), spec: { nodeName: "node-1" } };
  it.each([
    ["metadata.name=a", true],
    ["metadata.name!=a", false],
    ["metadata.namespace=n,spec.nodeName=node-1", true],
    ["spec.nodeName==", false],
    ["metadata.name=a\\,b", false],
  ])("%s: %s", (selector, matches) => {
    expect(parseFieldSelector(selector, pod)?.matches(object)).toBe(matches);
  });

  it("knows the one name that is asked for", () => {
    expect(parseFieldSelector("metadata.name=a", pod)?.name).toBe("a");
  });

  it("refuses fields that the kind does not offer, in Kubernetes' words", () => {
    expect(() => parseFieldSelector("spec.x=1", pod)).toThrow("field label not supported: spec.x");
    const { selectableFields: _, ...plain } = pod;
    expect(() => parseFieldSelector("spec.x=1", plain)).toThrow(
      '"spec.x" is not a known field selector: only "metadata.name", "metadata.namespace"',
    );
  });
});
