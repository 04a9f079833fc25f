import { describe, expect, test } from "vitest";
import type { AppProject, AppProjectSpec } from "#model/application.ts";
import type { Rbac } from "../auth/rbac.ts";
import type { Call } from "../rpc/service.ts";
import { refuseLosses, requireWidening, withoutInherited } from "./update.ts";

const project = (spec: AppProjectSpec): AppProject => ({
  apiVersion: "argoproj.io/v1alpha1",
  kind: "AppProject",
  metadata: { name: "team" },
  spec,
});
const call = { account: { username: "alice" } } as unknown as Call;

/** Which rights a change asks for. */
function asked(before: AppProjectSpec, after: AppProjectSpec): readonly string[] {
  const found: string[] = [];
  const rbac = { require: (_account: unknown, ...question: string[]) => void found.push(question.join(" ")) };
  requireWidening(rbac as unknown as Rbac, call, project(before), project(after));
  return found;
}

describe("a project that is changed asks for rights over", () => {
  const a = { server: "https://a", namespace: "*" };
  const b = { name: "b", namespace: "*" };
  const namespaces = [{ group: "", kind: "Namespace" }];
  test.each<[string, AppProjectSpec, AppProjectSpec, readonly string[]]>([
    [
      "nothing where it stays",
      { destinations: [a], sourceRepos: ["x"] },
      { destinations: [a], sourceRepos: ["x"] },
      [],
    ],
    [
      "nothing where it is narrowed",
      { destinations: [a, b], sourceRepos: ["x"] },
      { destinations: [], sourceRepos: [] },
      [],
    ],
    ["a cluster that comes in", { destinations: [a] }, { destinations: [a, b] }, ["clusters update b"]],
    ["a repository that comes in", { sourceRepos: ["x"] }, { sourceRepos: ["x", "y"] }, ["repositories update y"]],
    [
      "all of its clusters where kinds change",
      { destinations: [a, b] },
      { destinations: [a, b], clusterResourceWhitelist: namespaces },
      ["clusters update https://a", "clusters update b"],
    ],
    [
      "all of its clusters where kinds are no longer denied",
      { destinations: [a], namespaceResourceBlacklist: namespaces },
      { destinations: [a] },
      ["clusters update https://a"],
    ],
  ])("%s", (_, before, after, expected) => {
    expect(asked(before, after)).toEqual(expected);
  });
});

test("applications that would lose what they use are counted and named", () => {
  expect(() => refuseLosses({ sources: [], destinations: [] })).not.toThrow();
  expect(() => refuseLosses({ sources: ["shop"], destinations: ["shop", "team/cart"] })).toThrow(
    "as a result of project update 1 applications source became invalid and 2 applications destination became invalid: shop, team/cart",
  );
});

test("what was only read from a global project is not written into the project", () => {
  const base = project({ sourceRepos: ["global", "both"], syncWindows: [{ kind: "deny" }] });
  const before = project({ sourceRepos: ["own", "both"] });
  const wanted = project({ sourceRepos: ["own", "both", "global", "new"], syncWindows: [{ kind: "deny" }] });
  expect(withoutInherited(wanted, before, [base]).spec).toEqual({
    sourceRepos: ["own", "both", "new"],
    syncWindows: [],
  });
  expect(withoutInherited(wanted, before, [])).toBe(wanted);
});
