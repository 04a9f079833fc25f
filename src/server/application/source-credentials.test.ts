import { describe, expect, it } from "vitest";
import type { Application } from "#model/application.ts";
import { hiddenIn, withHiddenCredentials, withKeptCredentials } from "./source-credentials.ts";

const url = "https://me:canary@git.example.com/a";
const shown = "https://***@git.example.com/a";
const source = { repoURL: url, path: ".", helm: { valueFiles: ["values.yaml", "https://me:canary@host/values.yaml"] } };
const app = {
  apiVersion: "argoproj.io/v1alpha1",
  kind: "Application",
  metadata: {
    name: "web",
    annotations: { "kubectl.kubernetes.io/last-applied-configuration": JSON.stringify({ spec: { source } }) },
  },
  spec: { source, sources: [source, { repoURL: "https://git.example.com/b" }], sourceHydrator: { drySource: source } },
  operation: { sync: { source, sources: [source] } },
  status: {
    sync: { comparedTo: { source, sources: [source] } },
    history: [
      { id: 1, source },
      { id: 2, sources: [source] },
    ],
    operationState: { operation: { sync: { source } }, syncResult: { source, sources: [source], resources: [] } },
  },
} as unknown as Application;

describe("an application with passwords in its URLs", () => {
  it("is shown without any of them", () => {
    const text = JSON.stringify(withHiddenCredentials(app));
    expect(text).not.toContain("canary");
    expect(text.match(/https:\/\/\*\*\*@git\.example\.com\/a/g)).toHaveLength(13);
    expect(text).toContain("https://***@host/values.yaml");
    expect(text).toContain('"https://git.example.com/b"');
  });

  it("is the same after it was read and written back", () => {
    const { spec } = withHiddenCredentials(app);
    expect(withKeptCredentials(spec, app.spec)).toEqual(app.spec);
    expect(withKeptCredentials({ ...spec, project: "other" }, app.spec)).toEqual({ ...app.spec, project: "other" });
  });

  it("takes new ones, and none where none are written", () => {
    const wanted = {
      source: { repoURL: "https://me:new@git.example.com/a" },
      other: { repoURL: "https://git.example.com/a" },
    };
    expect(withKeptCredentials(wanted, app.spec)).toBe(wanted);
  });

  it("cannot be copied to where they are not", () => {
    const wanted = { source: { repoURL: "https://***@git.example.com/other" } };
    expect(() => withKeptCredentials(wanted, app.spec)).toThrow(/git\.example\.com\/other are hidden/);
    expect(() => withKeptCredentials(wanted, undefined)).toThrow("no such URL");
  });
});

it("hides them in a project's sources, too, and takes them back", () => {
  const project = { metadata: { name: "p" }, spec: { sourceRepos: ["*", "https://me:canary@host/*"] } };
  const seen = withHiddenCredentials(project as never) as typeof project;
  expect(seen.spec.sourceRepos).toEqual(["*", "https://***@host/*"]);
  expect(withKeptCredentials(seen.spec, project.spec)).toEqual(project.spec);
});

it("is left as it is, and copied nowhere, without any", () => {
  const plain = hiddenIn(withHiddenCredentials({ ...app, metadata: { name: "web" } }));
  expect(withHiddenCredentials(plain)).toBe(plain);
  const ssh = { ...plain, spec: { source: { repoURL: "ssh://git@github.com/a" } } } as unknown as Application;
  expect(withHiddenCredentials(ssh)).toBe(ssh);
  expect(JSON.stringify(plain)).toContain(shown);
});
