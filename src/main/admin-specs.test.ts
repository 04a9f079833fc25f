// `admin … generate-spec`: the resources are those that argocd makes of the same words, recorded.
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "#base/json.ts";
import { runCommand } from "./testing/commands.ts";

const cases = parse(readFileSync(new URL("cases/generate-spec.yaml", import.meta.url), "utf8")) as readonly {
  readonly words: readonly string[];
  readonly resource: JsonObject;
}[];
const kubeconfig = `
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
contexts: [{name: c, context: {cluster: c, user: u}}]
users: [{name: u, user: {token: t}}]
current-context: c
`;
const given = { files: { kubeconfig }, env: { KUBECONFIG: "{DIR}/kubeconfig" } };

/** The texts in Secrets that are JSON themselves, as values: the order of their fields means nothing. */
function comparable(resource: unknown): unknown {
  const copy = structuredClone(resource) as { stringData?: Record<string, unknown> };
  const config = copy.stringData?.["config"];
  if (typeof config === "string") copy.stringData!["config"] = JSON.parse(config) as unknown;
  return copy;
}

describe("specs as argocd makes them", () => {
  test.each(cases)("$words", async ({ words, resource }) => {
    const json = await runCommand(["admin", ...words, "-o", "json"], given);
    expect(json.code, json.err).toBe(0);
    expect(comparable(JSON.parse(json.out))).toEqual(comparable(resource));
    const yaml = await runCommand(["admin", ...words], given);
    expect(comparable(parse(yaml.out))).toEqual(comparable(resource));
  });
});

const app = `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web, namespace: argocd, labels: {a: b}}
spec:
  project: default
  source: {repoURL: https://git.example.com/deploy.git, path: web, targetRevision: main}
  destination: {server: https://kubernetes.default.svc, namespace: web}
status: {sync: {status: Synced}}
`;
const changed = `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  labels:
    a: b
  name: web
spec:
  destination:
    namespace: web
    server: https://kubernetes.default.svc
  project: default
  source:
    path: web
    repoURL: https://git.example.com/deploy.git
    targetRevision: v2
`;

test("of a project that was read from a cluster nothing is kept that belongs to it", async () => {
  const project = `
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: p, namespace: argocd, uid: u, resourceVersion: "7", generation: 2, creationTimestamp: "2026-01-02T03:04:05Z", annotations: {a: b}}
spec: {sourceRepos: ["*"]}
status: {}
`;
  const { out } = await runCommand(["admin", "proj", "generate-spec", "-f", "{DIR}/p"], { files: { p: project } });
  expect(parse(out)).toEqual({
    apiVersion: "argoproj.io/v1alpha1",
    kind: "AppProject",
    metadata: { name: "p", annotations: { a: "b" } },
    spec: { sourceRepos: ["*"] },
  });
});

describe("a file that is there already", () => {
  const words = ["admin", "app", "generate-spec", "-f", "{DIR}/app.yaml", "--revision", "v2"];

  test("is printed with the change, without what belongs to a cluster", async () => {
    expect(await runCommand(words, { files: { "app.yaml": app } })).toEqual({ code: 0, out: changed, err: "" });
  });

  test("is replaced with --inline, and kept beside", async () => {
    let stands: string[] = [];
    const after = (dir: string): void => {
      stands = [readFileSync(`${dir}/app.yaml`, "utf8"), readFileSync(`${dir}/app.yaml.back`, "utf8")];
    };
    const found = await runCommand([...words, "--inline"], { files: { "app.yaml": app }, after });
    expect(found).toEqual({ code: 0, out: "", err: "" });
    expect(stands).toEqual([changed, app]);
  });

  test.each<readonly [words: readonly string[], err: RegExp]>([
    [["app", "generate-spec"], /has no name/],
    [["app", "generate-spec", "x", "-i"], /the file path must be specified using flag '--file'/],
    [["app", "generate-spec", "x", "-o", "wide"], /unknown output format: wide/],
    [["app", "generate-spec", "-f", "{DIR}/two.yaml"], /more than one application is not supported/],
    [["proj", "generate-spec"], /a name is missing/],
    [["repo", "generate-spec", "https://x/y", "--type", "helm"], /Must specify --name for repos of type 'helm'/],
    [["cluster", "generate-spec", "nope"], /Context nope does not exist in kubeconfig/],
    [
      ["cluster", "generate-spec", "c", "--in-cluster", "--cluster-endpoint", "internal"],
      /Can only use one of --in-cluster or --cluster-endpoint/,
    ],
  ])("%j is refused", async (rest, err) => {
    const files = { ...given.files, "two.yaml": `${app}---\n${app}` };
    const found = await runCommand(["admin", ...rest], { ...given, files });
    expect(found).toMatchObject({ code: 20, out: "", err: expect.stringMatching(err) as string });
  });
});

test("of a repository's flags none is forgotten", async () => {
  const words = ["repo", "generate-spec", "https://git.example.com/deploy.git"];
  const app = ["--github-app-id", "1", "--github-app-installation-id", "2", "--proxy", "http://proxy:1"];
  const { out } = await runCommand(["admin", ...words, ...app, "--no-proxy", "a,b", "--force-http-basic-auth"]);
  expect(parse(out)).toMatchObject({
    stringData: {
      githubAppID: "1",
      githubAppInstallationID: "2",
      proxy: "http://proxy:1",
      noProxy: "a,b",
      forceHttpBasicAuth: "true",
    },
  });
});

test("a cluster's Secret without a token says so, and no context lists them", async () => {
  const made = await runCommand(["admin", "cluster", "generate-spec", "c"], given);
  expect(made.err).toContain('put one in the place of "bearer-token"');
  const listed = await runCommand(["admin", "cluster", "generate-spec"], given);
  expect(listed).toMatchObject({ code: 1, err: "Choose a context name from:\n" });
  expect(listed.out).toMatch(/^\* +c +c +https:\/\/127\.0\.0\.1:1$/m);
});
