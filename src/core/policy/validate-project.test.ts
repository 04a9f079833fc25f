import { describe, expect, it } from "vitest";
import type { AppProject, AppProjectSpec } from "#model/application.ts";
import { globalProjectsOf, withGlobalProjects } from "./global-projects.ts";
import { validateProject } from "./validate-project.ts";

const project = (spec: AppProjectSpec, labels: Record<string, string> = {}, name = "p"): AppProject => ({
  apiVersion: "argoproj.io/v1alpha1",
  kind: "AppProject",
  metadata: { name, labels },
  spec,
});
const role = (policy: string) => ({ roles: [{ name: "ci", policies: [policy] }] });

describe("validateProject", () => {
  it.each<[string, AppProjectSpec, string | undefined]>([
    [
      "an ordinary one",
      {
        sourceRepos: ["*"],
        destinations: [{ server: "*", namespace: "*" }],
        ...role("p, proj:p:ci, applications, sync, p/*, allow"),
      },
      undefined,
    ],
    ["a policy for a namespace's application", role("p, proj:p:ci, applications, get, p/ns/app, allow"), undefined],
    ["a policy of another project", role("p, proj:q:ci, applications, sync, p/*, allow"), "spec.roles[0].policies[0]"],
    [
      "a policy over another project",
      role("p, proj:p:ci, applications, sync, q/*, allow"),
      "spec.roles[0].policies[0]",
    ],
    ["a policy for accounts", role("p, proj:p:ci, accounts, get, p/*, allow"), "spec.roles[0].policies[0]"],
    ["a policy without an effect", role("p, proj:p:ci, applications, sync, p/*"), "spec.roles[0].policies[0]"],
    [
      "a policy that stands twice",
      {
        roles: [
          { name: "ci", policies: ["p, proj:p:ci, logs, get, p/*, allow", "p, proj:p:ci, logs, get, p/*, allow"] },
        ],
      },
      "spec.roles[0].policies[1]",
    ],
    ["a role's name with a colon", { roles: [{ name: "a:b" }] }, "spec.roles[0].name"],
    ["two roles of one name", { roles: [{ name: "a" }, { name: "a" }] }, "spec.roles[1].name"],
    ["a group with a line break", { roles: [{ name: "a", groups: ["x\ny"] }] }, "spec.roles[0].groups[0]"],
    ["a source twice", { sourceRepos: ["a", "a"] }, "spec.sourceRepos[1]"],
    ["a denial of everything", { destinations: [{ server: "!*", namespace: "*" }] }, "spec.destinations[0]"],
    [
      "a destination twice",
      {
        destinations: [
          { server: "a", namespace: "b" },
          { server: "a", namespace: "b" },
        ],
      },
      "spec.destinations[1]",
    ],
    [
      "a window for nothing",
      { syncWindows: [{ kind: "allow", schedule: "* * * * *", duration: "1h" }] },
      "spec.syncWindows[0]",
    ],
    [
      "a window of no kind",
      { syncWindows: [{ kind: "x", schedule: "* * * * *", duration: "1h", applications: ["*"] }] },
      "spec.syncWindows[0]",
    ],
    [
      "a service account that is a pattern",
      { destinationServiceAccounts: [{ server: "*", namespace: "*", defaultServiceAccount: "*" }] },
      "spec.destinationServiceAccounts[0]",
    ],
  ])("%s", (_name, spec, field) => {
    expect(validateProject(project(spec))[0]?.field).toBe(field);
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
