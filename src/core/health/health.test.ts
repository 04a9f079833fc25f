import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { HealthStatus, HealthStatusCode } from "#model/application.ts";
import { KindTable } from "#model/kind-table.ts";
import { parseApiVersion, type KubernetesObject } from "#model/object.ts";
import type { ApplicationMember } from "./health.ts";
import { applicationHealth, healthOf, worstHealth } from "./health.ts";
import { allRules, checks } from "./registry.ts";
import { checkOf } from "./rule.ts";

interface Case {
  readonly name: string;
  readonly object: KubernetesObject;
  readonly expect: HealthStatus | null;
}

/** A case of rules/: the parts that matter, in short. */
interface ShortCase {
  readonly name: string;
  /** `group/version/Kind` */
  readonly kind: string;
  readonly generation?: number;
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
  readonly spec?: unknown;
  readonly status?: Record<string, unknown>;
  /** `Type=Status Reason message…`, laid into `status.conditions`; `seen` is their observedGeneration. */
  readonly conditions?: readonly string[];
  readonly seen?: number;
  /** `none`, `Health` with whatever message, or `Health: message`. */
  readonly expect: string;
}

const folder = new URL("cases/", import.meta.url);
const read = (file: string): unknown => parse(readFileSync(new URL(file, folder), "utf8"));
const yaml = (path: string): string[] =>
  readdirSync(new URL(path, folder))
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => path + file);
const cases = yaml("./").map((file): [string, Case[]] => [file, read(file) as Case[]]);
const shortCases = yaml("./rules/").map((file): [string, ShortCase[]] => [file, read(file) as ShortCase[]]);

function objectOf(one: ShortCase): KubernetesObject {
  const { generation, labels, annotations, spec, status, conditions } = one;
  const slash = one.kind.lastIndexOf("/");
  const list = conditions?.map((text) => {
    const [first = "", reason, ...message] = text.split(" ");
    const [type, state] = first.split("=");
    const seen = one.seen === undefined ? {} : { observedGeneration: one.seen };
    return { type, status: state, ...(reason ? { reason } : {}), message: message.join(" "), ...seen };
  });
  return {
    apiVersion: one.kind.slice(0, slash),
    kind: one.kind.slice(slash + 1),
    metadata: {
      name: "x",
      ...(generation === undefined ? {} : { generation }),
      ...(labels ? { labels } : {}),
      ...(annotations ? { annotations } : {}),
    },
    ...(spec === undefined ? {} : { spec }),
    ...(status || list ? { status: { ...status, ...(list ? { conditions: list } : {}) } } : {}),
  };
}

for (const [file, list] of cases) {
  describe(file, () => {
    for (const one of list) {
      test(one.name, () => {
        expect(healthOf(one.object) ?? null).toEqual(one.expect);
      });
    }
  });
}

for (const [file, list] of shortCases) {
  describe(file, () => {
    for (const one of list) {
      test(one.name, () => {
        const found = healthOf(objectOf(one));
        const shown = one.expect.includes(": ") ? `${found?.status}: ${found?.message}` : (found?.status ?? "none");
        expect(shown).toBe(one.expect);
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

test("every kind and every clause of a rule has a case, every rule a source, and no kind has two rules", () => {
  const objects = shortCases.flatMap(([, list]) => list.map(objectOf));
  const kinds = new Set(objects.map(({ apiVersion, kind }) => `${apiVersion.replace(/\/[^/]+$/, "")}/${kind}`));
  const missing: string[] = [];
  const named = new Set<string>();
  for (const rule of allRules) {
    expect(rule.source).toMatch(/^https:\/\//);
    const decided = new Set<number>();
    const check = checkOf(rule, (clause) => decided.add(clause));
    const table = new KindTable<true>();
    for (const kind of rule.kinds) {
      expect(named.has(kind), kind).toBe(false);
      named.add(kind);
      table.add(kind, true);
      if (!kind.includes("*") && !kinds.has(kind)) missing.push(kind);
    }
    for (const object of objects) {
      if (table.find(parseApiVersion(object.apiVersion).group, object.kind)) check(object);
    }
    rule.when.forEach((_, index) => {
      if (!decided.has(index)) missing.push(`${rule.kinds[0]}: clause ${index + 1}`);
    });
  }
  expect(missing).toEqual([]);
  expect(named.size).toBeGreaterThanOrEqual(60);
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
  for (const key of [...checks.keys(), ...allRules.flatMap(({ kinds }) => kinds)]) {
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
  expect(healthOf(object, () => null)).toBe(undefined);
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
