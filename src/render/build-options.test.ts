import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { buildOptions, kustomizeVersion, parseBuildOptions } from "./build-options.ts";

describe("kustomize.buildOptions", () => {
  it.each<[string, object]>([
    ["", {}],
    ["--load-restrictor LoadRestrictionsNone", { loadRestrictionsNone: true }],
    ["--load_restrictor none", { loadRestrictionsNone: true }],
    ["--load-restrictor=LoadRestrictionsRootOnly", { loadRestrictionsNone: false }],
    ["--enable-helm  --reorder none", { enableHelm: true, reorder: "none" }],
    ["--enable-helm=false --enable-alpha-plugins=false", { enableHelm: false }],
    ["--enable-managedby-label --helm-command helm3 --helm-debug", { managedByLabel: true }],
    [
      `--helm-kube-version "1.30" --helm-api-versions a/v1,b/v1`,
      { kubeVersion: "1.30", apiVersions: ["a/v1", "b/v1"] },
    ],
  ])("%s", (text, expected) => {
    expect(parseBuildOptions(text, "kustomize.buildOptions")).toEqual(expected);
  });

  it.each(["--enable-alpha-plugins", "--enable-exec", "--network", "-o out", "-e A=b"])("refuses %s", (text) => {
    expect(() => parseBuildOptions(text, "kustomize.buildOptions")).toThrow(
      expect.objectContaining({
        code: "RENDER_REFUSED",
        message: expect.stringContaining("kustomize.buildOptions of argocd-cm"),
      }),
    );
  });

  it.each(["--unknown", "word", "--reorder odd", "--load-restrictor all"])("does not know %s", (text) => {
    expect(() => parseBuildOptions(text, "k")).toThrow(expect.objectContaining({ code: "SOURCE_UNSUPPORTED" }));
  });
});

describe("kustomize.version", () => {
  const settings = {
    buildOptions: "--enable-helm",
    versions: {
      "v4.5.7": { path: "/custom/kustomize" },
      "v5.0.0": { path: "built-in", buildOptions: "--reorder none" },
    },
  };

  it("is the engine's own, or one that the administrator lets it stand for", () => {
    expect(buildOptions(settings, undefined)).toEqual({ enableHelm: true });
    expect(buildOptions(settings, `v${kustomizeVersion}`)).toEqual({ enableHelm: true });
    expect(buildOptions(settings, "5.8.0")).toEqual({ enableHelm: true });
    expect(buildOptions(settings, "v5.0.0")).toEqual({ reorder: "none" });
    for (const version of ["v4.5.7", "v3.0.0"])
      expect(() => buildOptions(settings, version)).toThrow(expect.objectContaining({ code: "SOURCE_UNSUPPORTED" }));
  });

  it("is the one that the engine is built with", () => {
    expect(readFileSync("engine/go.mod", "utf8")).toContain(
      `sigs.k8s.io/kustomize/kustomize/v5 v${kustomizeVersion}\n`,
    );
  });
});
