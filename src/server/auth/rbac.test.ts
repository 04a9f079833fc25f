// Our compiled policies answer as casbin's own enforcer does, and accounts, projects and defaults count as documented.
import { newEnforcer, newModelFromString, StringAdapter } from "casbin";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { builtinRoles } from "#core/policy/builtin-roles.ts";
import { matcher, Policy, type MatchMode } from "#core/policy/rbac.ts";
import type { AppProject } from "#model/application.ts";
import type { ConfigData } from "#model/settings.ts";
import type { Account } from "./account.ts";
import { configuredPolicy, groupScopes, model, projectPolicy, Rbac, readPolicy, type Resource } from "./rbac.ts";

const local = (username: string): Account => ({ username, kind: "local", issuer: "argocd", groups: [] });

function rbac(config: ConfigData, projects: readonly AppProject[] = []): { rbac: Rbac; problems: string[] } {
  const problems: string[] = [];
  return {
    problems,
    rbac: new Rbac({
      config: () => config,
      project: (name) => projects.find((project) => project.metadata.name === name),
      problem: (error) => problems.push(error.message),
    }),
  };
}

/** What `Rbac.on` says of an object. */
function told(inProject: ReturnType<Rbac["on"]>, object: string): boolean {
  const said = inProject(object.slice(0, object.indexOf("/")));
  return said === "all" || said(object);
}

const word = (...words: string[]): fc.Arbitrary<string> => fc.constantFrom(...words);
const subjects = ["alice", "bob", "role:a", "role:b", "role:c", "proj:p:r"];
const ruleLine = fc
  .tuple(
    word(...subjects),
    word("applications", "clusters", "*", "app*"),
    word("get", "sync", "update/*", "*", "action/apps/*", '"{get,sync}"'),
    word("p/*", "*", "p/a", "*/b", "q/[ab]", "p/?"),
    word("allow", "allow", "deny"),
  )
  .map((fields) => `p, ${fields.join(", ")}`);
const grantLine = fc
  .tuple(word(...subjects), word("role:a", "role:b", "role:c"))
  .map((fields) => `g, ${fields.join(", ")}`);

describe("a policy", () => {
  it.each(["glob", "regex"] as const)("answers as casbin's enforcer does (%s)", async (mode: MatchMode) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(ruleLine, grantLine), { minLength: 1, maxLength: 12 }),
        fc.array(
          fc.tuple(
            word(...subjects),
            word("applications", "clusters"),
            word("get", "sync", "update/a/b", "action/apps/x"),
            word("p/a", "p/b", "q/a", "p/ab", "p/n/a"),
          ),
          { minLength: 1, maxLength: 8 },
        ),
        async (lines, questions) => {
          const text = lines.join("\n");
          const enforcer = await newEnforcer(newModelFromString(model), new StringAdapter(text));
          await enforcer.addFunction("matches", (value: string, pattern: string) => matcher(pattern, mode)(value));
          const ours = new Policy([readPolicy(text)], mode);
          for (const question of questions)
            expect(ours.may(...question), question.join()).toBe(await enforcer.enforce(...question));
        },
      ),
      { numRuns: 300 },
    );
  });

  it("reads quoted fields, comments and empty lines", () => {
    expect(readPolicy('# teams\n\n  p, "role:a,b", applications, get, */*, allow\ng, "my org:team", role:a')).toEqual({
      rules: [["role:a,b", "applications", "get", "*/*", "allow"]],
      grants: [["my org:team", "role:a"]],
    });
  });

  it.each([
    ["p, role:a, applications, get, allow", 1],
    ["\np, role:a, applications, get, */*, perhaps", 2],
    ["g, alice", 1],
    ["x, y", 1],
  ])("refuses %j with the line", (text, line) => {
    expect(() => readPolicy(text)).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID", details: expect.objectContaining({ line }) }),
    );
  });

  it("joins overlays in the order of their names", () => {
    expect(
      configuredPolicy({ "policy.b.csv": "2", "policy.csv": "0", "policy.a.csv": "1", "policy.default": "x" }),
    ).toBe("0\n1\n2");
  });
});

describe("Rbac", () => {
  const questions: readonly [string, ConfigData, string, Resource, string, string, boolean][] = [
    ["admin may everything", {}, "admin", "clusters", "delete", "https://x", true],
    ["nobody else may anything", {}, "alice", "applications", "get", "default/a", false],
    [
      "the default role holds for all",
      { "policy.default": "role:readonly" },
      "alice",
      "applications",
      "get",
      "default/a",
      true,
    ],
    [
      "but it gives no more than it says",
      { "policy.default": "role:readonly" },
      "alice",
      "applications",
      "sync",
      "default/a",
      false,
    ],
    ["a grant", { "policy.csv": "g, alice, role:admin" }, "alice", "applications", "sync", "default/a", true],
    [
      "updating an application is not updating its objects",
      { "policy.csv": "p, alice, applications, update, */*, allow" },
      "alice",
      "applications",
      "update/apps/Deployment/ns/x",
      "p/a",
      false,
    ],
    [
      "a denial wins",
      { "policy.csv": "g, alice, role:admin\np, alice, applications, delete, prod/*, deny" },
      "alice",
      "applications",
      "delete",
      "prod/a",
      false,
    ],
    [
      "a star in a pattern passes slashes",
      { "policy.csv": "p, alice, applications, get, p/*, allow" },
      "alice",
      "applications",
      "get",
      "p/ns/a",
      true,
    ],
    [
      "regular expressions where asked for",
      { "policy.matchMode": "regex", "policy.csv": "p, alice, applications, get, ^p/(a|b)$, allow" },
      "alice",
      "applications",
      "get",
      "p/b",
      true,
    ],
  ];
  it.each(questions)("%s", (_name, config, user, resource, action, object, expected) => {
    expect(rbac(config).rbac.may(local(user), resource, action, object)).toBe(expected);
  });

  const project = {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "AppProject",
    metadata: { name: "p" },
    spec: {
      roles: [
        {
          name: "ci",
          policies: ["p, proj:p:ci, applications, sync, p/*, allow", "p, proj:p:ci, applications, sync, q/*, allow"],
          groups: ["ops"],
        },
      ],
    },
  } as unknown as AppProject;
  const token: Account = {
    username: "proj:p:ci",
    kind: "project",
    issuer: "argocd",
    groups: [],
    project: { name: "p", role: "ci" },
  };

  it("a project's role has its say within the project alone", () => {
    const other = { ...project, metadata: { name: "q" }, spec: {} } as AppProject;
    const { rbac: asked } = rbac({}, [project, other]);
    expect(asked.may(token, "applications", "sync", "p/a")).toBe(true);
    expect(asked.may(token, "applications", "sync", "q/a")).toBe(false);
    expect(asked.may(token, "projects", "get", "p")).toBe(true);
    expect(asked.may(token, "clusters", "get", "https://x")).toBe(false);
  });

  it("groups have the roles that projects and the policy give them", () => {
    const member: Account = { ...local("carol"), kind: "sso", groups: ["ops", "other"] };
    const { rbac: asked } = rbac({ "policy.csv": "g, other, role:readonly" }, [project]);
    expect(asked.may(member, "applications", "sync", "p/a")).toBe(true);
    expect(asked.may(member, "applications", "get", "z/a")).toBe(true);
    expect(asked.may(member, "applications", "sync", "z/a")).toBe(false);
  });

  it("answers for many objects as for each", () => {
    const other = { ...project, metadata: { name: "q" }, spec: {} } as AppProject;
    const policy =
      "g, other, role:readonly\np, dave, applications, get, q/*, allow\np, dave, applications, get, q/b, deny";
    const { rbac: asked } = rbac({ "policy.csv": policy }, [project, other]);
    const member: Account = { ...local("carol"), kind: "sso", groups: ["ops", "other"] };
    for (const account of [member, token, local("dave"), undefined])
      for (const action of ["get", "sync"]) {
        const inProject = asked.on(account, "applications", action);
        for (const object of ["p/a", "q/a", "q/b", "z/a", "p/ns/a"])
          expect([object, told(inProject, object)]).toEqual([
            object,
            asked.may(account, "applications", action, object),
          ]);
      }
    const dave = asked.on(local("dave"), "applications", "get");
    expect([told(dave, "q/b"), told(dave, "q/a"), asked.on(local("carol"), "clusters", "get")("p")]).toEqual([
      false,
      true,
      expect.any(Function),
    ]);
    expect(asked.on(member, "applications", "get")("p")).toBe("all");
  });

  it.each(["glob", "regex"] as const)("answers for many objects as for each, whatever the policy (%s)", (mode) => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(ruleLine, grantLine, word("p, alice, *, *, */*, allow", "p, bob, *, get, p/*, allow"))),
        word("alice", "bob"),
        word("get", "sync"),
        (lines, user, action) => {
          const { rbac: asked } = rbac({ "policy.csv": lines.join("\n"), "policy.matchMode": mode });
          const inProject = asked.on(local(user), "applications", action);
          for (const object of ["p/a", "p/b", "q/a", "p/ab", "p/n/a", "q*/a"])
            expect(told(inProject, object)).toBe(asked.may(local(user), "applications", action, object));
        },
      ),
    );
  });

  it("whoever has no session may nothing, whatever the default role", () => {
    expect(rbac({ "policy.default": "role:admin" }).rbac.may(undefined, "clusters", "get", "x")).toBe(false);
  });

  it("keeps the policy that it had while a new one cannot be read", () => {
    let config: ConfigData = { "policy.csv": "g, alice, role:readonly" };
    const problems: string[] = [];
    const asked = new Rbac({
      config: () => config,
      project: () => undefined,
      problem: (error) => problems.push(error.message),
    });
    expect(asked.may(local("alice"), "clusters", "get", "x")).toBe(true);
    config = { "policy.csv": "nonsense" };
    expect(asked.may(local("alice"), "clusters", "get", "x")).toBe(true);
    expect(problems).toHaveLength(1);
  });

  it("refuses with what was asked and by whom", () => {
    const { rbac: asked } = rbac({});
    expect(() => asked.require({ ...local("alice"), issuedAtMs: 0 }, "applications", "get", "p/a")).toThrow(
      "permission denied: applications, get, p/a, sub: alice, iat: 1970-01-01T00:00:00Z",
    );
  });

  it("built-in roles name no resource twice", () => {
    const lines = builtinRoles.rules.map((rule) => rule.join());
    expect(new Set(lines).size).toBe(lines.length);
    expect(projectPolicy(project).split("\n")).toHaveLength(4);
  });

  it.each([
    [undefined, ["groups"]],
    ["[groups, email]", ["groups", "email"]],
    ["'[\"a\"]'", ['["a"]']],
    ["roles", ["roles"]],
  ])("reads scopes %s", (scopes, expected) => {
    expect(groupScopes(scopes === undefined ? {} : { scopes })).toEqual(expected);
  });
});
