import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { AppProject, AppProjectSpec } from "#model/application.ts";
import { globalProjectsOf, withGlobalProjects } from "./global-projects.ts";
import { validateProject } from "./validate-project.ts";

const project = (spec: AppProjectSpec, labels: Record<string, string> = {}, name = "p"): AppProject => ({
  apiVersion: "argoproj.io/v1alpha1",
  kind: "AppProject",
  metadata: { name, labels },
  spec,
});

const cases = parse(readFileSync(new URL("cases/validation.yaml", import.meta.url), "utf8")) as readonly [
  string,
  AppProjectSpec,
  string?,
][];

describe("validateProject", () => {
  it.each(cases)("%s", (_name, spec, said) => {
    const problems = validateProject(project(spec)).map(({ field, why }) => `${field}: ${why}`);
    expect(problems).toEqual(said === undefined ? [] : [said]);
  });

  it("tells of a description that is too long", () => {
    const window = { kind: "allow", schedule: "* * * * *", duration: "1h", applications: ["*"] };
    const spec = { syncWindows: [{ ...window, description: "x".repeat(256) }] };
    expect(validateProject(project(spec))[0]?.why).toBe("description must not exceed 255 characters");
  });
});

describe("global projects", () => {
  const everywhere = project(
    { sourceRepos: ["https://global/*"], namespaceResourceBlacklist: [{ group: "", kind: "Secret" }] },
    {},
    "everywhere",
  );
  const find = (name: string): AppProject | undefined => (name === "everywhere" ? everywhere : undefined);
  const selecting = (labelSelector: unknown) => [{ projectName: "everywhere", labelSelector }];

  it.each<[string, unknown, boolean]>([
    ["labels that match", { matchLabels: { team: "a" } }, true],
    ["labels that do not", { matchLabels: { team: "b" } }, false],
    ["In", { matchExpressions: [{ key: "team", operator: "In", values: ["a", "b"] }] }, true],
    ["NotIn", { matchExpressions: [{ key: "team", operator: "NotIn", values: ["a"] }] }, false],
    ["Exists", { matchExpressions: [{ key: "team", operator: "Exists" }] }, true],
    ["DoesNotExist", { matchExpressions: [{ key: "team", operator: "DoesNotExist" }] }, false],
    ["an operator that nobody knows", { matchExpressions: [{ key: "team", operator: "Likes" }] }, false],
    ["nothing", undefined, false],
  ])("by %s", (_name, selector, expected) => {
    const found = globalProjectsOf(project({}, { team: "a" }), selecting(selector), find);
    expect(found.length === 1).toBe(expected);
  });

  it("lend their lists and nothing else", () => {
    const own = project({ sourceRepos: ["https://own"], description: "mine" }, { team: "a" });
    const merged = withGlobalProjects(own, [everywhere]);
    expect(merged.spec).toEqual({
      description: "mine",
      sourceRepos: ["https://own", "https://global/*"],
      namespaceResourceBlacklist: [{ group: "", kind: "Secret" }],
    });
    expect(withGlobalProjects(own, [])).toBe(own);
  });

  it("a global project does not inherit from itself", () => {
    expect(globalProjectsOf(everywhere, selecting({}), find)).toEqual([]);
  });
});
