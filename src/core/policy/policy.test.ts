import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { AppProjectSpec, ApplicationDestination } from "#model/application.ts";
import { globAny } from "./glob.ts";
import { isOrphan, warnsOfOrphans } from "./orphans.ts";
import type { EffectiveSpec, ResolvedDestination } from "./project.ts";
import {
  defaultProject,
  followedNamespaces,
  isApplicationNamespace,
  isDestinationPermitted,
  isKindPermitted,
  isSourceNamespacePermitted,
  isSourcePermitted,
  whyForbidden,
} from "./project.ts";
import { canSync, nextWindowWord, parseWindows, windowWord } from "./windows.ts";

interface ProjectCases {
  readonly sources: readonly [string, string[], string, boolean][];
  readonly destinations: readonly [string, ApplicationDestination[], ResolvedDestination, boolean][];
  readonly kinds: readonly [string, AppProjectSpec, string, boolean, boolean][];
  readonly namespaces: readonly [string, string[], string, boolean][];
  readonly own: readonly [string, EffectiveSpec, ResolvedDestination, boolean][];
  readonly followed: readonly [string[], string[] | null, string[], string[]][];
}
interface WindowCase {
  readonly name: string;
  readonly windows: readonly unknown[];
  readonly at: string;
  readonly started?: string;
  readonly expect: { readonly automated: boolean; readonly manual: boolean; readonly next?: string };
}
const read = (file: string): unknown =>
  parse(readFileSync(new URL(`cases/${file}`, import.meta.url), "utf8")) as unknown;
const project = read("project.yaml") as ProjectCases;

describe("sources", () => {
  test.each(project.sources)("%s", (_, sourceRepos, url, expected) => {
    expect(isSourcePermitted({ sourceRepos }, url)).toBe(expected);
  });
});

describe("destinations", () => {
  test.each(project.destinations)("%s", (_, destinations, destination, expected) => {
    expect(isDestinationPermitted({ destinations }, destination)).toBe(expected);
  });
});

describe("kinds", () => {
  test.each(project.kinds)("%s", (_, spec, text, namespaced, expected) => {
    const [groupKind = "", name] = text.split(" ");
    const [group = "", kind = ""] = groupKind.split("/");
    expect(isKindPermitted(spec, { group, kind }, namespaced, name)).toBe(expected);
  });
});

describe("namespaces of applications", () => {
  test.each(project.namespaces)("%s", (_, sourceNamespaces, namespace, expected) => {
    expect(isSourceNamespacePermitted({ sourceNamespaces }, namespace, "argocd")).toBe(expected);
  });
});

describe("clusters of the project's own", () => {
  test.each(project.own)("%s", (_, spec, destination, expected) => {
    expect(isDestinationPermitted(spec, destination)).toBe(expected);
  });
});

test("a repository of the project's own is permitted unless the project denies it", () => {
  const own = { repositories: ["https://git.example/Mine.git"], clusters: [] };
  expect(isSourcePermitted({ own }, "https://git.example/mine")).toBe(true);
  expect(isSourcePermitted({ own }, "https://git.example/mine/other")).toBe(false);
  expect(isSourcePermitted({ own, sourceRepos: ["!https://git.example/mine"] }, "https://git.example/mine")).toBe(
    false,
  );
});

describe("namespaces that are followed", () => {
  test.each(project.followed)("%j", (patterns, followed, counting, others) => {
    expect(followedNamespaces(patterns, "argocd") ?? null).toEqual(followed);
    for (const each of counting) expect([each, isApplicationNamespace(patterns, each, "argocd")]).toEqual([each, true]);
    for (const each of others) expect([each, isApplicationNamespace(patterns, each, "argocd")]).toEqual([each, false]);
  });
});

describe("orphans", () => {
  const cases = read("orphans.yaml") as readonly [string, AppProjectSpec, string, boolean][];
  test.each(cases)("%s", (_, spec, text, expected) => {
    const [groupKind = "", where = ""] = text.split(" ");
    const [group = "", kind = ""] = groupKind.split("/");
    const [namespace = "", name = ""] = where.split("/");
    expect(isOrphan(spec, { group, kind, namespace, name })).toBe(expected);
  });

  test("are warned of unless the project says no", () => {
    expect(warnsOfOrphans({})).toBe(false);
    expect(warnsOfOrphans({ orphanedResources: {} })).toBe(true);
    expect(warnsOfOrphans({ orphanedResources: { warn: false } })).toBe(false);
  });
});

test("the default project permits all", () => {
  expect(isSourcePermitted(defaultProject, "https://git.example/a/b")).toBe(true);
  expect(isDestinationPermitted(defaultProject, { server: "https://a", namespace: "x" })).toBe(true);
  expect(isKindPermitted(defaultProject, { group: "", kind: "Node" }, false)).toBe(true);
});

test("an empty project permits no source, destination or cluster-scoped kind", () => {
  expect(isSourcePermitted({}, "https://git.example/a")).toBe(false);
  expect(isDestinationPermitted({}, { server: "https://a", namespace: "x" })).toBe(false);
  expect(isKindPermitted({}, { group: "", kind: "Node" }, false)).toBe(false);
});

test("why an object is forbidden", () => {
  const one = {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "AppProject",
    metadata: { name: "demo" },
    spec: { destinations: [{ server: "*", namespace: "prod" }] },
  };
  const where = { server: "https://a", namespace: "prod" };
  const key = { group: "", kind: "ConfigMap", namespace: "prod", name: "c" };
  expect(whyForbidden(one, key, true, where)).toBeUndefined();
  expect(whyForbidden(one, { ...key, namespace: "test" }, true, where)).toBe(
    "namespace test is not permitted in project 'demo'",
  );
  expect(whyForbidden(one, { ...key, kind: "Node", namespace: "" }, false, where)).toBe(
    "resource :Node is not permitted in project demo",
  );
});

describe("sync windows", () => {
  const cases = read("windows.yaml") as WindowCase[];
  const subject = { application: "web", namespace: "prod", server: "https://a", clusterName: "eu" };
  test.each(cases.map((one) => [one.name, one] as const))("%s", (_, one) => {
    const { windows, problems } = parseWindows(one.windows);
    expect(problems).toEqual([]);
    const started = one.started === undefined ? {} : { startedAt: Date.parse(one.started) };
    const at = Date.parse(one.at);
    const automated = canSync(windows, subject, at, { manual: false, ...started });
    const manual = canSync(windows, subject, at, { manual: true, ...started });
    const next = automated.changesAt;
    const wanted = one.expect.next === "never" ? undefined : one.expect.next && Date.parse(one.expect.next);
    expect({ automated: automated.allowed, manual: manual.allowed, next: one.expect.next && next }).toEqual({
      ...one.expect,
      next: wanted,
    });
  });

  test("the next change is the next one of the answer, over windows that change nothing", () => {
    const { windows } = parseWindows([
      { kind: "deny", schedule: "0 10 * * *", duration: "4h", applications: ["*"], manualSync: true },
      { kind: "deny", schedule: "0 11 * * *", duration: "1h", applications: ["*"], manualSync: true },
    ]);
    const at = Date.parse("2026-03-02T10:30:00Z");
    expect(windowWord(windows, subject, at)).toBe("Manual Allowed");
    expect(nextWindowWord(windows, subject, at)).toEqual({
      at: Date.parse("2026-03-02T14:00:00Z"),
      word: "Sync Allowed",
    });
    expect(nextWindowWord([], subject, at)).toBeUndefined();
    const strict = parseWindows([
      { kind: "deny", schedule: "0 10 * * *", duration: "4h", applications: ["*"] },
    ]).windows;
    expect(windowWord(strict, subject, at)).toBe("Sync Denied");
  });

  test.each([
    [5, "it is not an object"],
    [{ kind: "maybe" }, "kind 'maybe' mismatch: can only be allow or deny"],
    [{ kind: "deny", schedule: "* * * * *", duration: "long" }, "cannot parse duration 'long'"],
    [{ kind: "deny", schedule: "* * * * *", duration: "0s" }, "cannot parse duration '0s'"],
  ])("a malformed window is a problem and denies: %j", (raw, why) => {
    const { windows, problems } = parseWindows([raw]);
    expect(problems).toEqual([{ index: 0, why }]);
    expect(canSync(windows, subject, 0, { manual: true })).toEqual({ allowed: false });
  });

  test.each(["x * * * *", "* * *", "61 * * * *", "* * * * * *"])("a malformed schedule %s is a problem", (schedule) => {
    const { problems } = parseWindows([{ kind: "allow", schedule, duration: "1h", applications: ["*"] }]);
    expect(problems).toHaveLength(1);
    expect(problems[0]?.why).toContain(`cannot parse schedule '${schedule}'`);
  });

  test("an unknown time zone is a problem", () => {
    const raw = { kind: "allow", schedule: "* * * * *", duration: "1h", timeZone: "Mars/Base" };
    expect(parseWindows([raw]).problems).toHaveLength(1);
  });
});

test.each([
  ["*", "a/b", undefined, true],
  ["a*c", "abbc", undefined, true],
  ["a?c", "abc", undefined, true],
  ["a?c", "ac", undefined, false],
  ["[a-c]x", "bx", undefined, true],
  ["[!a-c]x", "bx", undefined, false],
  ["{a,b*}", "bcd", undefined, true],
  ["{a", "{a", undefined, true],
  ["[a", "[a", undefined, true],
  ["a.c", "abc", undefined, false],
  ["a\\*", "a*", undefined, true],
  ["a\\*", "ab", undefined, false],
  ["", "", undefined, true],
  ["a/*", "a/b/c", "/", false],
  ["a/**", "a/b/c", "/", true],
] as const)("the pattern %j on %j (separator %j): %s", (pattern, text, separator, expected) => {
  expect(globAny([pattern], text, separator)).toBe(expected);
});
