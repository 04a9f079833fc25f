import { describe, expect, it } from "vitest";
import type { ApplicationSource } from "#model/application.ts";
import { sourceProblem } from "./sources.ts";

const destination = { server: "https://kubernetes.default.svc" };
const said = (problem: ReturnType<typeof sourceProblem>): string | undefined =>
  problem && `${problem.field}: ${problem.message}`;
const one = (source: ApplicationSource): string | undefined =>
  said(sourceProblem({ project: "default", destination, source }));
const several = (...sources: ApplicationSource[]): string | undefined =>
  said(sourceProblem({ project: "default", destination, sources }));
const git = { repoURL: "https://git.example.com/a" };
const charts = { repoURL: "https://charts.example.com" };
const incomplete = "spec.source.repoURL and either spec.source.path or spec.source.chart are required";
const incompleteOne = "spec.source.repoURL and either source.path, source.chart, or source.ref are required for source";

describe("an application's sources", () => {
  it.each<[string, string | undefined, string | undefined]>([
    ["a path", one({ ...git, path: "." }), undefined],
    ["a chart with a version", one({ ...charts, chart: "web", targetRevision: "1.0.0" }), undefined],
    ["an OCI artifact with a path", one({ repoURL: "oci://ghcr.io/org/config", path: "." }), undefined],
    [
      "a chart and what lends it values",
      several({ ...charts, chart: "web", targetRevision: "*" }, { ...git, ref: "v" }),
      undefined,
    ],
    ["nothing", said(sourceProblem({ project: "default", destination })), `spec.source: ${incomplete}`],
    ["no URL", one({ repoURL: "", path: "." }), `spec.source.repoURL: ${incomplete}`],
    ["neither path nor chart", one(git), `spec.source: ${incomplete}`],
    ["a ref alone, where there is one source", one({ ...git, ref: "v" }), `spec.source: ${incomplete}`],
    ["neither path, chart nor ref", several({ ...git, path: "a" }, git), `spec.sources[1]: ${incompleteOne} 2`],
    [
      "a chart without a version",
      one({ ...charts, chart: "web" }),
      "spec.source.targetRevision: spec.source.targetRevision is required if the manifest source is a helm chart",
    ],
    [
      "two of one ref",
      several({ ...git, ref: "v" }, { ...git, ref: "v" }),
      "spec.sources: invalid sources: multiple sources had the same `ref` key: v",
    ],
  ])("%s", (_name, found, expected) => expect(found).toBe(expected));
});
