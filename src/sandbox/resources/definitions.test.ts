// What the definitions give the API: types, schemas, versions; all lazily.
import { describe, expect, test } from "vitest";
import type { KubernetesObject } from "#model/object.ts";
import { builtinResources } from "./definitions.ts";
import { toOpenApiV2 } from "./openapi.ts";

const find = (kind: string, version = "v1") =>
  builtinResources().find((item) => item.kind === kind && item.version === version && item.verbs.includes("list"))!;

describe("a definition's schema", () => {
  test("holds everything that it refers to", () => {
    for (const { kind, openapi } of builtinResources()) {
      const components = openapi?.components() ?? {};
      const text = JSON.stringify(components);
      for (const [, name = ""] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
        expect(components[name], `${kind} refers to ${name}`).toBeDefined();
      }
    }
  });

  test("carries merge keys, list types and the kind", () => {
    const openapi = find("Deployment").openapi!;
    const all = openapi.components();
    expect(openapi.name).toBe("io.k8s.api.apps.v1.Deployment");
    expect(all[openapi.name]).toMatchObject({
      "x-kubernetes-group-version-kind": [{ group: "apps", version: "v1", kind: "Deployment" }],
    });
    expect(all["io.k8s.api.core.v1.PodSpec"]).toMatchObject({
      required: ["containers"],
      properties: {
        containers: {
          "x-kubernetes-list-map-keys": ["name"],
          "x-kubernetes-list-type": "map",
          "x-kubernetes-patch-merge-key": "name",
          "x-kubernetes-patch-strategy": "merge",
        },
      },
    });
  });

  test("is written for OpenAPI v2 without what that has no word for", () => {
    const schema = {
      type: "object",
      properties: {
        spec: { default: {}, allOf: [{ $ref: "#/components/schemas/io.k8s.api.apps.v1.DeploymentSpec" }] },
        port: { format: "int-or-string", oneOf: [{ type: "integer" }, { type: "string" }] },
        size: { oneOf: [{ type: "string" }, { type: "number" }] },
        name: { type: "string", default: "", nullable: true },
      },
    };
    expect(toOpenApiV2(schema)).toEqual({
      type: "object",
      properties: {
        spec: { $ref: "#/definitions/io.k8s.api.apps.v1.DeploymentSpec" },
        port: { type: "string", format: "int-or-string" },
        size: { type: "string" },
        name: { type: "string" },
      },
    });
  });
});

describe("a definition's type", () => {
  test("tells how lists merge", () => {
    const { type } = find("Service");
    expect(type).toMatchObject({
      kind: "struct",
      fields: {
        spec: { kind: "struct", fields: { ports: { kind: "list", listType: "map", keys: ["port", "protocol"] } } },
      },
    });
  });

  test("of every kind that can be written is there", () => {
    const missing = builtinResources().filter((item) => item.verbs.includes("create") && item.type === undefined);
    expect(missing.map((item) => item.kind)).toEqual([]);
  });
});

test("an autoscaler reads the same in its two versions", () => {
  const scaler = (apiVersion: string, spec: object, annotations?: Record<string, string>): KubernetesObject => ({
    apiVersion,
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "h", ...(annotations === undefined ? {} : { annotations }) },
    spec: { maxReplicas: 3, scaleTargetRef: { kind: "Deployment", name: "d" }, ...spec },
  });
  const cpu = { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } } };
  const memory = {
    type: "Resource",
    resource: { name: "memory", target: { type: "AverageValue", averageValue: "1Gi" } },
  };
  const v2 = scaler("autoscaling/v2", { metrics: [memory, cpu] });
  const definition = find("HorizontalPodAutoscaler", "v2");
  const v1 = definition.convert!(v2, "autoscaling/v1");
  expect(v1).toMatchObject({ apiVersion: "autoscaling/v1", spec: { targetCPUUtilizationPercentage: 50 } });
  expect(v1.spec).not.toHaveProperty("metrics");
  expect(definition.convert!(v1, "autoscaling/v2")).toMatchObject(v2);
});
