// What each flag of create and set writes into a spec.
import { describe, expect, test } from "vitest";
import type { ApplicationSpec } from "#model/application.ts";
import { parseFlags } from "../flags.ts";
import { addSource, changeSpec, imageName, specFlags } from "./spec-flags.ts";

const empty: ApplicationSpec = { project: "", destination: {} };

function changed(line: readonly string[], spec: ApplicationSpec = empty, position?: number): unknown {
  const { values, given } = parseFlags(specFlags, line);
  return changeSpec(spec, { values, given, literalValues: "a: 1\n", ...(position === undefined ? {} : { position }) });
}

const automated = ["--sync-policy", "automated"];

describe("flags become a spec", () => {
  test.each<readonly [string, readonly string[], object]>([
    [
      "source and destination",
      [
        "--repo",
        "https://x/y.git",
        "--path",
        "app",
        "--revision",
        "v1",
        "--dest-server",
        "https://k",
        "--dest-namespace",
        "n",
        "--project",
        "p",
      ],
      {
        project: "p",
        destination: { server: "https://k", namespace: "n" },
        source: { repoURL: "https://x/y.git", path: "app", targetRevision: "v1" },
      },
    ],
    ["cluster by name", ["--dest-name", "prod"], { destination: { name: "prod" } }],
    ["automatic sync", automated, { syncPolicy: { automated: {} } }],
    ["its alias", ["--sync-policy", "auto"], { syncPolicy: { automated: {} } }],
    [
      "automatic sync with prune, self-heal and nothing left",
      ["--auto-prune", "--self-heal", "--allow-empty", ...automated],
      { syncPolicy: { automated: { prune: true, selfHeal: true, allowEmpty: true } } },
    ],
    [
      "sync options",
      ["--sync-option", "CreateNamespace=true", "--sync-option", "Prune=false"],
      { syncPolicy: { syncOptions: ["CreateNamespace=true", "Prune=false"] } },
    ],
    [
      "retries",
      ["--sync-retry-limit", "3", "--sync-retry-backoff-duration", "10s", "--sync-retry-refresh"],
      {
        syncPolicy: {
          retry: { limit: 3, backoff: { duration: "10s", factor: 2, maxDuration: "3m0s" }, refresh: true },
        },
      },
    ],
    [
      "directory",
      ["--directory-recurse", "--directory-include", "*.yaml", "--directory-exclude", "x*"],
      { source: { directory: { recurse: true, include: "*.yaml", exclude: "x*" } } },
    ],
    [
      "jsonnet",
      ["--jsonnet-tla-str", "a=b", "--jsonnet-ext-var-code", "c=1", "--jsonnet-libs", "lib"],
      {
        source: {
          directory: {
            jsonnet: {
              tlas: [{ name: "a", value: "b" }],
              extVars: [{ name: "c", value: "1", code: true }],
              libs: ["lib"],
            },
          },
        },
      },
    ],
    [
      "helm",
      [
        "--helm-chart",
        "nginx",
        "--helm-set",
        "a=1",
        "--helm-set-string",
        "b=2",
        "--helm-set-file",
        "c=d.txt",
        "--values",
        "v.yaml",
        "--release-name",
        "r",
        "--helm-skip-crds",
        "-p",
        "e=f=g",
        "--values-literal-file",
        "-",
      ],
      {
        source: {
          chart: "nginx",
          helm: {
            parameters: [
              { name: "a", value: "1" },
              { name: "b", value: "2", forceString: true },
              { name: "e", value: "f=g" },
            ],
            fileParameters: [{ name: "c", path: "d.txt" }],
            valueFiles: ["v.yaml"],
            releaseName: "r",
            skipCrds: true,
            values: "a: 1\n",
          },
        },
      },
    ],
    [
      "kustomize",
      [
        "--nameprefix",
        "p-",
        "--kustomize-image",
        "node:1",
        "--kustomize-image",
        "node:2",
        "--kustomize-replica",
        "web=3",
        "--kustomize-common-label",
        "a=b",
        "--kustomize-label-without-selector",
      ],
      {
        source: {
          kustomize: {
            namePrefix: "p-",
            images: ["node:2"],
            replicas: [{ name: "web", count: 3 }],
            commonLabels: { a: "b" },
            labelWithoutSelector: true,
          },
        },
      },
    ],
    [
      "plugin",
      ["--config-management-plugin", "x", "--plugin-env", "A=b"],
      { source: { plugin: { name: "x", env: [{ name: "A", value: "b" }] } } },
    ],
    [
      "hydrator",
      ["--dry-source-repo", "r", "--sync-source-branch", "b"],
      { sourceHydrator: { drySource: { repoURL: "r" }, syncSource: { targetBranch: "b" } } },
    ],
  ])("%s", (_name, line, expected) => {
    expect(changed(line)).toEqual({ ...empty, ...expected });
  });

  test("a spec that is changed keeps the rest, and is not written to", () => {
    const spec: ApplicationSpec = {
      project: "p",
      source: { repoURL: "r", path: "a", helm: { parameters: [{ name: "x", value: "1" }] } },
      destination: { name: "prod" },
      syncPolicy: { automated: { prune: true }, syncOptions: ["A=true", "B=true"] },
    };
    const before = structuredClone(spec);
    expect(changed(["--helm-set", "x=2", "--sync-policy", "none", "--sync-option", "!A=true"], spec)).toEqual({
      ...spec,
      source: { ...spec.source, helm: { parameters: [{ name: "x", value: "2" }] } },
      syncPolicy: { syncOptions: ["B=true"] },
    });
    expect(spec).toEqual(before);
  });

  test("a policy that is left empty goes", () => {
    expect(changed(["--sync-policy", "none"], { ...empty, syncPolicy: { automated: {} } })).toEqual(empty);
  });

  test("one of several sources is changed", () => {
    const spec: ApplicationSpec = { ...empty, sources: [{ repoURL: "a" }, { repoURL: "b" }] };
    expect(changed(["--path", "x"], spec, 1)).toEqual({
      ...empty,
      sources: [{ repoURL: "a" }, { repoURL: "b", path: "x" }],
    });
    expect(() => changed(["--path", "x"], spec)).toThrow(/--source-position/);
  });

  test.each([
    [["--auto-prune"], "Cannot set --auto-prune: application not configured with automatic sync"],
    [["--sync-policy", "sometimes"], "Invalid sync-policy: sometimes"],
    [["--helm-set", "a"], '--helm-set takes KEY=VALUE, not "a"'],
    [["--kustomize-replica", "web=many"], "--kustomize-replica takes NAME=COUNT"],
    [["--sync-retry-limit", "-1"], "Invalid sync-retry-limit [-1]"],
  ])("%j is refused", (line, message) => {
    expect(() => changed(line)).toThrow(message);
  });

  test("helm parameters are refused for what is not helm", () => {
    expect(() => changed(["-p", "a=b"], { ...empty, source: { repoURL: "r", kustomize: {} } })).toThrow(
      /only be set against Helm/,
    );
  });
});

test.each([
  ["node:8", "node"],
  ["localhost:5000/node", "localhost:5000/node"],
  ["localhost:5000/node:8", "localhost:5000/node"],
  ["node@sha256:ab", "node"],
  ["mysql=mariadb:10", "mysql"],
])("the image %s is named %s", (image, name) => {
  expect(imageName(image)).toBe(name);
});

test("a source is added behind the others, by the flags that are about sources", () => {
  const spec: ApplicationSpec = { project: "p", destination: {}, sources: [{ repoURL: "https://x/a.git", path: "a" }] };
  const line = ["--repo", "https://x/b.git", "--ref", "values", "--helm-set", "a=1", "--project", "other"];
  const { values, given } = parseFlags(specFlags, line);
  expect(addSource(spec, { values, given }, "b")).toEqual({
    ...spec,
    sources: [
      { repoURL: "https://x/a.git", path: "a" },
      {
        name: "b",
        repoURL: "https://x/b.git",
        ref: "values",
        helm: { parameters: [{ name: "a", value: "1" }] },
      },
    ],
  });
  expect(() => addSource(spec, { values, given: new Set(["ref"]) }, "")).toThrow(/needs --repo/);
});
