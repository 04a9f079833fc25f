import { describe, expect, test } from "vitest";
import type { KubernetesObject } from "#model/object.ts";
import type { ManagedResource } from "#protocol/rest.ts";
import { flattened, matching, onlyFields } from "./live-objects.ts";

const pod: KubernetesObject = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web-0", namespace: "web" },
  spec: {
    nodeName: "n1",
    containers: [
      { name: "a", image: "a:1", ports: [{ containerPort: 80 }, { containerPort: 81 }] },
      { name: "b", image: "b:1" },
    ],
  },
};

describe("fields of an object", () => {
  test.each<readonly [fields: readonly string[], expected: object]>([
    [["spec.nodeName"], { spec: { nodeName: "n1" } }],
    [
      ["spec.containers.image", "spec.containers.name"],
      {
        spec: {
          containers: [
            { name: "a", image: "a:1" },
            { name: "b", image: "b:1" },
          ],
        },
      },
    ],
    [
      ["spec.containers.ports.containerPort"],
      { spec: { containers: [{ ports: [{ containerPort: 80 }, { containerPort: 81 }] }] } },
    ],
    [["status.podIP", "spec.nodeName"], { spec: { nodeName: "n1" } }],
    [["spec.nodeName.deeper"], {}],
    [["kind"], { kind: "Pod" }],
  ])("%j", (fields, expected) => {
    expect(onlyFields(pod, fields)).toEqual({ metadata: { name: "web-0" }, ...expected });
  });

  test("as lines, sorted", () => {
    expect(flattened({ b: [1, { c: null }], a: { "x.y/z": true } })).toEqual([
      ["a.x.y/z", "true"],
      ["b[0]", "1"],
      ["b[1].c", "<nil>"],
    ]);
  });
});

const live = (apiVersion: string, kind: string, namespace: string, name: string): ManagedResource => ({
  kind,
  name,
  liveState: JSON.stringify({ apiVersion, kind, metadata: { namespace, name } }),
});

describe("live objects that flags mean", () => {
  const resources = [
    live("v1", "Service", "web", "web"),
    live("serving.example/v1", "Service", "web", "web"),
    live("apps/v1", "Deployment", "web", "web"),
    { kind: "ConfigMap", name: "missing", liveState: "null" },
  ];
  const any = { kind: "", namespace: "", "resource-name": "", all: false };

  test.each<readonly [wanted: object, found: readonly string[]]>([
    [{ kind: "Deployment" }, ["apps/v1"]],
    [{ kind: "Service", group: "" }, ["/v1"]],
    [{ kind: "Service", all: true }, ["/v1", "serving.example/v1"]],
    [{ "resource-name": "web", namespace: "web", all: true }, ["/v1", "serving.example/v1", "apps/v1"]],
  ])("%j", (wanted, found) => {
    const targets = matching(resources, { ...any, ...wanted });
    expect(targets.map(({ group, version }) => `${group}/${version}`)).toEqual(found);
  });

  test.each<readonly [wanted: object, error: RegExp]>([
    [{ kind: "Service" }, /2 resources match.*--all/],
    [{ kind: "ConfigMap" }, /no matching resource found/],
    [{ kind: "Service", namespace: "other" }, /no matching resource found/],
  ])("%j is refused", (wanted, error) => {
    expect(() => matching(resources, { ...any, ...wanted })).toThrow(error);
  });
});
