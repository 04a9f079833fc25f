import { describe, expect, it } from "vitest";
import { applicationOf, emptyDraft } from "./draft.ts";
import { parseYaml, yamlOf } from "./yaml.ts";

const draft = {
  ...emptyDraft,
  name: " web ",
  repo: "https://git.example.com/a.git",
  path: "apps/web",
  namespace: "web",
};

describe("a new application", () => {
  it("is what the form says", () => {
    expect(applicationOf(draft)).toEqual({
      apiVersion: "argoproj.io/v1alpha1",
      kind: "Application",
      metadata: { name: "web" },
      spec: {
        project: "default",
        source: { repoURL: "https://git.example.com/a.git", path: "apps/web", targetRevision: "HEAD" },
        destination: { server: "https://kubernetes.default.svc", namespace: "web" },
        syncPolicy: { automated: { prune: true, selfHeal: true }, syncOptions: ["CreateNamespace=true"] },
      },
    });
  });
  it("stands in the namespace that its name begins with", () => {
    expect(applicationOf({ ...draft, name: "team/web" })).toMatchObject({
      metadata: { name: "web", namespace: "team" },
    });
  });
  it.each([
    ["eu-1", { name: "eu-1" }],
    ["https://kube.example.com", { server: "https://kube.example.com" }],
    ["", { server: "https://kubernetes.default.svc" }],
  ])("goes to cluster %s", (cluster, destination) =>
    expect(applicationOf({ ...draft, cluster, namespace: "" })).toMatchObject({ spec: { destination } }),
  );
  it("has no policy where none was chosen", () => {
    const plain = applicationOf({ ...draft, automated: false, createNamespace: false, cascade: true });
    expect(plain).not.toHaveProperty("spec.syncPolicy");
    expect(plain).toHaveProperty("metadata.finalizers", ["resources-finalizer.argocd.argoproj.io"]);
  });
});

describe("YAML", () => {
  it("survives being written and read, well-known keys first", () => {
    const text = yamlOf(applicationOf(draft));
    expect(text.split("\n").slice(0, 3)).toEqual([
      "apiVersion: argoproj.io/v1alpha1",
      "kind: Application",
      "metadata:",
    ]);
    expect(parseYaml(text).value).toEqual(applicationOf(draft));
  });
  it("says where text is not YAML, and that a list is no object", () => {
    expect(parseYaml("a: b\nc: [").problem).toMatch(/line 2/);
    expect(parseYaml("- a").problem).toMatch(/object/);
    expect(parseYaml("").problem).toMatch(/object/);
  });
});
