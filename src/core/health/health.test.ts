import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { HealthStatus, HealthStatusCode } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { ApplicationMember } from "./health.ts";
import { applicationHealth, healthOf, worstHealth } from "./health.ts";
import { checks } from "./registry.ts";

interface Case {
  readonly name: string;
  readonly object: KubernetesObject;
  readonly expect: HealthStatus | null;
}

const folder = new URL("cases/", import.meta.url);
const files = readdirSync(folder).filter((file) => file.endsWith(".yaml"));
const cases = files.map((file): [string, Case[]] => [
  file,
  parse(readFileSync(new URL(file, folder), "utf8")) as Case[],
]);

for (const [file, list] of cases) {
  describe(file, () => {
    for (const one of list) {
      test(one.name, () => {
        expect(healthOf(one.object) ?? null).toEqual(one.expect);
      });
    }
  });
}

test("every built-in check has a case", () => {
  const seen = new Set(cases.flatMap(([, list]) => list.map(({ object }) => `${object.apiVersion}/${object.kind}`)));
  const kinds = new Set([...seen].map((text) => text.replace(/^v1\//, "/").replace(/\/v[^/]+\//, "/")));
  const untested = [...checks.keys()].filter((key) => !kinds.has(key) && !key.startsWith("extensions/"));
  expect(untested).toEqual([]);
});

test("no check throws on an object that is nothing like its kind", () => {
  const odd: unknown[] = [
    null,
    5,
    "x",
    [],
    [null],
    [5],
    { conditions: [null, 3, {}] },
    { conditions: "x" },
    { phase: 7 },
  ];
  for (const key of checks.keys()) {
    const [group = "", kind = ""] = key.split("/");
    for (const status of odd) {
      for (const spec of odd) {
        const object = { apiVersion: group ? `${group}/v1` : "v1", kind, metadata: { name: "x" }, spec, status };
        expect(() => healthOf(object)).not.toThrow();
      }
    }
  }
});

test("a customisation goes before the built-in check, deletion before both", () => {
  const object: KubernetesObject = { apiVersion: "v1", kind: "Service", metadata: { name: "s" } };
  expect(healthOf(object, () => ({ status: "Degraded" }))).toEqual({ status: "Degraded" });
  expect(healthOf(object, () => undefined)).toEqual({ status: "Healthy" });
  const deleted = { ...object, metadata: { name: "s", deletionTimestamp: "2026-01-01T00:00:00Z" } };
  expect(healthOf(deleted, () => ({ status: "Degraded" }))?.message).toBe("Pending deletion");
});

test("the worst health wins, in Argo CD's order", () => {
  const order: HealthStatusCode[] = ["Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown"];
  for (let index = 0; index < order.length; index++) {
    expect(worstHealth(order.slice(0, index + 1).toReversed())).toBe(order[index]);
  }
  expect(worstHealth([])).toBe("Healthy");
});

describe("an application's health", () => {
  const live = (annotations?: Record<string, string>): KubernetesObject => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "s", ...(annotations ? { annotations } : {}) },
  });
  const member = (code: HealthStatusCode | undefined, more: Partial<ApplicationMember> = {}): ApplicationMember => ({
    group: "",
    kind: "Service",
    live: live(),
    ...(code ? { health: { status: code } } : {}),
    ...more,
  });
  const absent: ApplicationMember = { group: "", kind: "Service" };
  const child = { group: "argoproj.io", kind: "Application" };
  const rules: [string, ApplicationMember[], HealthStatusCode][] = [
    ["nothing at all is healthy", [], "Healthy"],
    ["objects without health are healthy", [member(undefined)], "Healthy"],
    ["the worst object counts", [member("Healthy"), member("Degraded"), member("Progressing")], "Degraded"],
    ["nothing live is missing", [absent, absent], "Missing"],
    ["one missing object beside live ones does not count", [absent, member("Healthy")], "Healthy"],
    ["hooks do not count", [member("Healthy"), member("Degraded", { hook: true })], "Healthy"],
    ["only hooks is healthy", [{ ...absent, hook: true }], "Healthy"],
    ["the application itself does not count", [member("Degraded", { self: true })], "Healthy"],
    ["a missing child application does not count", [member("Missing", child)], "Healthy"],
    ["an unknown child application does not count", [member("Unknown", child)], "Healthy"],
    ["a degraded child application counts", [member("Degraded", child)], "Degraded"],
    ["an unknown object counts", [member("Unknown")], "Unknown"],
    [
      "an object that asks to be ignored does not count",
      [member("Degraded", { live: live({ "argocd.argoproj.io/ignore-healthcheck": "true" }) })],
      "Healthy",
    ],
  ];
  test.each(rules)("%s", (_, members, expected) => {
    expect(applicationHealth(members)).toBe(expected);
  });
});
