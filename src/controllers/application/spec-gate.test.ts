import { describe, expect, test } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import type { EffectiveSpec } from "#core/policy/project.ts";
import type { Application, ApplicationSpec, AppProject } from "#model/application.ts";
import type { DestinationCluster } from "./deps.ts";
import { livePermits } from "./comparison/live-permits.ts";
import { SpecGate } from "./spec-gate.ts";

const repoURL = "https://git.example/shop";
const server = "https://kubernetes.default.svc";
const everything: EffectiveSpec = {
  sourceRepos: ["*"],
  destinations: [{ server: "*", namespace: "*" }],
  sourceNamespaces: ["team-*"],
};

const project = (spec: EffectiveSpec): AppProject => ({
  apiVersion: "argoproj.io/v1alpha1",
  kind: "AppProject",
  metadata: { name: "p" },
  spec,
});

function application(spec: Partial<ApplicationSpec> = {}, namespace = "argocd"): Application {
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Application",
    metadata: { name: "shop", namespace },
    spec: { project: "p", source: { repoURL, path: "." }, destination: { server, namespace: "web" }, ...spec },
  };
}

const cluster = { server, name: "in-cluster" } as DestinationCluster;

function gate(spec: EffectiveSpec | undefined): SpecGate {
  const known = spec && project(spec);
  return new SpecGate({
    namespace: "argocd",
    project: (name) => (name === "p" ? known : undefined),
    settings: () => ({ applicationNamespaces: ["team-*"] }) as never,
    clusters: {
      find: ({ server: wanted, name }: ApplicationSpec["destination"]) =>
        wanted === server || name === "in-cluster"
          ? cluster
          : new DriftlessError("CLUSTER_UNKNOWN", `there is no cluster with server ${wanted}`),
    } as never,
  });
}

const words = (errors: readonly DriftlessError[]): string[] => errors.map(({ code, message }) => `${code}: ${message}`);

describe("why an application may not stand as it is", () => {
  const source = `PROJECT_FORBIDS: application repo ${repoURL} is not permitted in project 'p'`;
  const destination = (place: string): string =>
    `PROJECT_FORBIDS: application destination server '${place}' and namespace 'web' do not match any of the allowed destinations in project 'p'`;
  test.each<[string, EffectiveSpec | undefined, Application, string[]]>([
    ["nothing", everything, application(), []],
    ["nothing in another namespace", everything, application({}, "team-a"), []],
    ["no project", undefined, application(), ["SPEC_INVALID: Application references project p, which does not exist"]],
    [
      "a namespace that the project does not let in",
      { ...everything, sourceNamespaces: [] },
      application({}, "team-a"),
      ["PROJECT_FORBIDS: application 'shop' in namespace 'team-a' is not permitted to use project 'p'"],
    ],
    ["its source", { ...everything, sourceRepos: [] }, application(), [source]],
    ["its destination", { ...everything, destinations: [] }, application(), [destination(server)]],
    [
      "its destination by name",
      { ...everything, destinations: [] },
      application({ destination: { name: "in-cluster", namespace: "web" } }),
      [destination("in-cluster")],
    ],
    ["both", { sourceRepos: [], destinations: [] }, application(), [source, destination(server)]],
    [
      "a cluster of others",
      { ...everything, permitOnlyProjectScopedClusters: true },
      application(),
      [destination(server)],
    ],
    [
      "one of several sources",
      { ...everything, sourceRepos: ["https://git.example/else"] },
      application({
        sources: [
          { repoURL: "https://git.example/else", path: "." },
          { repoURL, path: "." },
        ],
      }),
      [source],
    ],
    [
      "an unknown cluster",
      everything,
      application({ destination: { server: "https://elsewhere", namespace: "web" } }),
      ["CLUSTER_UNKNOWN: there is no cluster with server https://elsewhere"],
    ],
  ])("%s", (_, spec, app, expected) => {
    expect(words(gate(spec).problems(app))).toEqual(expected);
    const said = (): string => {
      try {
        return gate(spec).check(app).cluster.name;
      } catch (thrown) {
        return words([thrown as DriftlessError])[0]!;
      }
    };
    expect(said()).toBe(expected[0] ?? "in-cluster");
  });
});

test("a namespace that does not count is refused before all else", () => {
  const said = words(gate({}).problems(application({}, "elsewhere")));
  expect(said).toEqual(["PERMISSION_DENIED: namespace is not permitted: 'elsewhere'"]);
});

test("what a change of a project takes from an application", () => {
  const lost = (after: EffectiveSpec, before = everything): unknown =>
    gate(everything).lost(application(), { before: project(before), after: project(after) });
  expect(lost(everything)).toEqual({ source: false, destination: false });
  expect(lost({ ...everything, sourceRepos: [] })).toEqual({ source: true, destination: false });
  expect(lost({ ...everything, destinations: [] })).toEqual({ source: false, destination: true });
  expect(lost({}, {})).toEqual({ source: false, destination: false });
});

test("live objects count as long as the project permits their kind, name and namespace", () => {
  const permits = livePermits(
    project({
      destinations: [{ server: "*", namespace: "web" }],
      clusterResourceWhitelist: [{ group: "", kind: "Namespace", name: "team-*" }],
      namespaceResourceBlacklist: [{ group: "", kind: "Secret" }],
    }),
    cluster,
  );
  const asked = (kind: string, namespace: string, name = "a"): boolean => permits({ group: "", kind, namespace, name });
  expect(asked("ConfigMap", "web")).toBe(true);
  expect(asked("ConfigMap", "elsewhere")).toBe(false);
  expect(asked("Secret", "web")).toBe(false);
  expect(asked("Namespace", "", "team-a")).toBe(true);
  expect(asked("Namespace", "", "kube-system")).toBe(false);
  expect(asked("Namespace", "", "team-a")).toBe(true);
});
