import { describe, expect, it } from "vitest";
import type { AppProject } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";
import { desiredState, isHookObject, type DesiredInput } from "./desired.ts";
import { configMap } from "../testing/fakes.ts";
import type { RenderedSource } from "./sources.ts";

const project: AppProject = {
  apiVersion: "argoproj.io/v1alpha1",
  kind: "AppProject",
  metadata: { name: "team" },
  spec: { destinations: [{ server: "*", namespace: "*" }], sourceRepos: ["*"] },
};

function rendered(...objects: KubernetesObject[]): RenderedSource {
  const list = objects.map((object, index) => ({
    object,
    hash: `h${index}`,
    file: `apps/${index}.yaml`,
    line: index + 1,
  }));
  const reads = { directories: [], files: [], absent: [] };
  return {
    source: { repoURL: "https://git.example.com/x.git" },
    sha: "abc",
    result: { objects: list, duplicates: [], warnings: [], sourceType: "Directory", reads, hash: "x" },
  };
}

function desired(sources: RenderedSource[], change: Partial<DesiredInput> = {}) {
  return desiredState({
    application: "app",
    rendered: sources,
    destination: { server: "https://kubernetes.default.svc", name: "in-cluster", namespace: "prod" },
    tracking: { method: "annotation", instanceLabelKey: "app.kubernetes.io/instance", controllerNamespace: "argocd" },
    project,
    scopeOf: ({ kind }) => (kind === "ConfigMap" ? "namespaced" : kind === "ClusterRole" ? "cluster" : undefined),
    ...change,
  });
}

describe("desiredState", () => {
  it("fills in the destination's namespace, keeps a namespace of its own, and takes it from cluster-scoped objects", () => {
    const own = { ...configMap("own"), metadata: { name: "own", namespace: "other" } };
    const role = {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: { name: "r", namespace: "x" },
    };
    const open = { ...project, spec: { ...project.spec, clusterResourceWhitelist: [{ group: "*", kind: "*" }] } };
    const state = desired([rendered(configMap("a"), own, role)], { project: open });
    expect([...state.objects.values()].map(({ object }) => object.metadata.namespace)).toEqual([
      "prod",
      "other",
      undefined,
    ]);
  });

  it("marks objects as the application's", () => {
    const [object] = desired([rendered(configMap("a"))]).objects.values();
    expect(object!.object.metadata.annotations).toEqual({ "argocd.argoproj.io/tracking-id": "app:/ConfigMap:prod/a" });
  });

  it("tells kinds that the cluster does not know, with their file, and not those that a definition beside them brings", () => {
    const widget = { apiVersion: "example.com/v1", kind: "Widget", metadata: { name: "w" } };
    expect(desired([rendered(widget)]).unknownKinds).toMatchObject([{ file: "apps/0.yaml", line: 1 }]);
    const crd = {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "widgets.example.com" },
      spec: { group: "example.com", scope: "Namespaced", names: { kind: "Widget" } },
    };
    const both = desired([rendered(crd, widget)], {
      scopeOf: ({ kind }) => (kind === "CustomResourceDefinition" ? "cluster" : undefined),
    });
    expect(both.unknownKinds).toEqual([]);
    expect([...both.objects.values()].at(-1)?.key.namespace).toBe("prod");
  });

  it("tells objects that the project forbids", () => {
    const role = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata: { name: "r" } };
    const { forbidden } = desired([rendered(role)]);
    expect(forbidden).toHaveLength(1);
    expect(forbidden[0]!.reason).toContain("is not permitted in project team");
  });

  it("takes the last of two sources' same object, and says so", () => {
    const state = desired([rendered(configMap("a", { from: "first" })), rendered(configMap("a", { from: "second" }))]);
    expect([...state.objects.values()].map(({ object }) => object["data"])).toEqual([{ from: "second" }]);
    expect(state.conditions).toMatchObject([{ type: "RepeatedResourceWarning" }]);
  });

  it("keeps hooks apart", () => {
    const hook = { ...configMap("h"), metadata: { name: "h", annotations: { "argocd.argoproj.io/hook": "PreSync" } } };
    const state = desired([rendered(hook, configMap("a"))]);
    expect(state.hooks.map(({ key }) => key.name)).toEqual(["h"]);
    expect([...state.objects.values()].map(({ key }) => key.name)).toEqual(["a"]);
  });
});

describe("isHookObject", () => {
  const cases: [Record<string, string> | undefined, boolean][] = [
    [undefined, false],
    [{ "argocd.argoproj.io/hook": "Sync" }, true],
    [{ "helm.sh/hook": "pre-install" }, true],
    [{ "helm.sh/hook": "crd-install" }, false],
    [{ "argocd.argoproj.io/sync-wave": "1" }, false],
  ];
  it.each(cases)("with annotations %o: %s", (annotations, expected) => {
    expect(isHookObject({ ...configMap("a"), metadata: { name: "a", ...(annotations ? { annotations } : {}) } })).toBe(
      expected,
    );
  });
});
