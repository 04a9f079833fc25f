import { expect, test } from "vitest";
import type { ClusterSpec } from "#kube/clusters.ts";
import type { AppProject, AppProjectSpec } from "#model/application.ts";
import type { RepositoryConfig } from "#model/repository.ts";
import { Projects } from "./projects.ts";

const project = (name: string, spec: AppProjectSpec, labels: Record<string, string> = {}): AppProject => ({
  apiVersion: "argoproj.io/v1alpha1",
  kind: "AppProject",
  metadata: { name, namespace: "argocd", labels },
  spec,
});

function world(...written: AppProject[]) {
  const found = new Map(written.map((each) => [each.metadata.name!, each]));
  const repositories: RepositoryConfig[] = [];
  const clusters: ClusterSpec[] = [];
  const globalProjects: { projectName: string; labelSelector?: unknown }[] = [];
  const projects = new Projects({
    projects: { get: (_namespace, name) => found.get(name) },
    namespace: "argocd",
    settings: () => ({ globalProjects }),
    repositories: () => repositories,
    clusters: () => clusters,
  });
  const told: string[][] = [];
  projects.onChange((names) => told.push([...names].sort()));
  const write = (after: AppProject): void => {
    const before = found.get(after.metadata.name!);
    found.set(after.metadata.name!, after);
    projects.look({ before, after });
  };
  return { projects, told, write, repositories, clusters, globalProjects, found };
}

test("a project is the same object until something of it changes", () => {
  const { projects, told, write } = world(project("team", { sourceRepos: ["a"] }));
  const before = projects.get("team");
  write({ ...project("team", { sourceRepos: ["a"] }), status: { jwtTokensByRole: {} } });
  expect(projects.get("team")).toBe(before);
  expect(told).toEqual([]);
  write(project("team", { sourceRepos: ["b"] }));
  expect(projects.get("team")?.spec.sourceRepos).toEqual(["b"]);
  expect(told).toEqual([["team"]]);
});

test("what belongs to a project by its Secret holds for that project, and its going is told", () => {
  const { projects, told, repositories, clusters } = world(project("team", {}), project("other", {}));
  projects.get("team");
  projects.get("other");
  repositories.push({ url: "https://git.example/a", type: "git", isTemplate: false, secretName: "a", project: "team" });
  repositories.push({ url: "https://git.example", type: "git", isTemplate: true, secretName: "b", project: "team" });
  clusters.push({ server: "https://c", name: "c", namespaces: ["x"], project: "team" } as unknown as ClusterSpec);
  projects.look();
  expect(projects.get("team")?.spec).toEqual({
    own: {
      repositories: ["https://git.example/a"],
      clusters: [{ server: "https://c", name: "c", namespaces: ["x"] }],
    },
  });
  repositories.length = clusters.length = 0;
  projects.look();
  expect(projects.get("team")?.spec).toEqual({});
  expect(told).toEqual([["team"], ["team"]]);
});

test("a global project's change is told for those that inherit from it, whoever asks first", () => {
  const globalProjects = [{ projectName: "base", labelSelector: { matchLabels: { tier: "app" } } }];
  const given = world(
    project("base", { sourceRepos: ["b"] }),
    project("team", { sourceRepos: ["a"] }, { tier: "app" }),
    project("other", { sourceRepos: ["a"] }),
  );
  given.globalProjects.push(...globalProjects);
  const { projects, told, write } = given;
  expect(projects.get("team")?.spec.sourceRepos).toEqual(["a", "b"]);
  expect(projects.get("other")?.spec.sourceRepos).toEqual(["a"]);
  write(project("base", { sourceRepos: ["c"] }));
  expect(projects.get("team")?.spec.sourceRepos).toEqual(["a", "c"]);
  expect(told).toEqual([["base", "team"]]);
  // Somebody asks between the change and its being told.
  given.found.set("other", project("other", { sourceRepos: ["a"] }, { tier: "app" }));
  expect(projects.get("other")?.spec.sourceRepos).toEqual(["a", "c"]);
  projects.look();
  expect(told.at(-1)).toEqual(["other"]);
});

test("a project that came, or went, is told of", () => {
  const { projects, told, write, found } = world();
  expect(projects.get("team")).toBeUndefined();
  expect(projects.get("default")?.spec.sourceRepos).toEqual(["*"]);
  write(project("team", {}));
  const before = found.get("team")!;
  projects.get("team");
  found.delete("team");
  projects.look({ before, after: undefined });
  expect(projects.get("team")).toBeUndefined();
  expect(told).toEqual([["team"], ["team"]]);
});
