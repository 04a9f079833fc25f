// `--core`: the command line straight against a cluster on which nobody else works at the time. What it reads is right, what
// it writes is what was asked for and nothing else: a proxy between it and the API server sees every write.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { Application } from "#model/application.ts";
import { program, runToEnd, type Ended } from "../support/cli.ts";
import { clustersUnderTest, type RunningCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { connectKube, type Kube } from "../support/kube.ts";
import { startProxy, type ApiProxy } from "../support/proxy.ts";
import { cloneRepository, createBare, type Repository } from "../support/repository.ts";
import { configMap, deployment, manifests } from "../support/scenario.ts";
import { startUp, type Up } from "../support/up.ts";

const namespace = "argocd";
const clusters = clustersUnderTest({ name: "the command line without a server", cases: 8 });

/** The installation's namespace is that of the context, as with argocd. */
function inNamespace(text: string, name: string): string {
  const config = parse(text) as { readonly contexts: readonly { readonly context: object }[] };
  const contexts = config.contexts.map((item) => ({ ...item, context: { ...item.context, namespace: name } }));
  return JSON.stringify({ ...config, contexts });
}

describe.each(clusters)("--core on $name", { timeout: 60_000 }, (under) => {
  let home = "";
  let cluster: RunningCluster;
  let kube: Kube;
  let proxy: ApiProxy;
  let kubeconfig = "";
  let repository: Repository;
  let up: Up;

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), "driftless-core-"));
    cluster = await under.start();
    kube = connectKube(cluster.kubeconfig);
    proxy = await startProxy(cluster.kubeconfig);
    kubeconfig = join(home, "kubeconfig");
    writeFileSync(kubeconfig, inNamespace(readFileSync(proxy.kubeconfig, "utf8"), namespace));
    await createBare(join(home, "deploy.git"));
    repository = await cloneRepository(`file://${join(home, "deploy.git")}`);
    await repository.push({ "web/all.yaml": manifests(configMap("web", { colour: "blue" }), deployment("web")) });
    up = await startUp({ kubeconfig: cluster.kubeconfig, demo: false, namespace });
    await kube.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "web" } });
    await kube.create({
      apiVersion: "argoproj.io/v1alpha1",
      kind: "Application",
      metadata: { name: "web", namespace },
      spec: {
        project: "default",
        source: { repoURL: repository.url, path: "web", targetRevision: "main" },
        destination: { server: "https://kubernetes.default.svc", namespace: "web" },
        syncPolicy: { automated: { selfHeal: true } },
      },
    });
    await eventually(async () => expect((await application()).status?.sync?.status).toBe("Synced"));
    // From here on nobody works on it but the command line.
    await up.interrupt();
  });
  afterAll(async () => {
    await up?.stop();
    await proxy?.close();
    await kube?.close();
    await cluster?.stop();
    repository?.close();
    rmSync(home, { recursive: true, force: true });
  });
  beforeEach(() => void proxy.writes.splice(0));

  const application = async (): Promise<Application> =>
    (await kube.get("Application", "web", namespace)) as unknown as Application;

  function driftless(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    return runToEnd(program, args, { home, env: { KUBECONFIG: kubeconfig, ...env } });
  }

  async function core(...args: string[]): Promise<string> {
    const result = await driftless(["--core", ...args]);
    expect(result, args.join(" ")).toMatchObject({ code: 0, err: "" });
    return result.out;
  }

  /** What the cluster was told to change, but for the Events that tell of it. */
  const writes = (): readonly string[] =>
    proxy.writes.filter(({ path }) => !path.endsWith("/events")).map(({ method, path }) => `${method} ${path}`);
  const ofApplication = `/apis/argoproj.io/v1alpha1/namespaces/${namespace}/applications/web`;

  test("reads: the list, the tree, manifests, the plan, live objects", async () => {
    expect(await core("app", "list", "-o", "name")).toBe("argocd/web\n");
    expect(await core("app", "resources", "web")).toMatch(/^apps +Deployment +web +web +No$/m);
    expect(await core("app", "resources", "web", "--output", "tree")).toContain("ReplicaSet");
    expect(await core("app", "manifests", "web")).toContain("colour: blue");
    expect(await core("app", "plan", "web")).toContain("2 unchanged");
    expect(await core("app", "get-resource", "web", "--kind", "ConfigMap", "--filter-fields", "data.colour")).toContain(
      "blue",
    );
    expect(await core("account", "get-user-info")).toContain("Username: admin\n");
    expect(await core("proj", "list")).toContain("default");
    expect(writes()).toEqual([]);
  });

  test("drift is told of and left alone, also where somebody heals it elsewhere", async () => {
    await kube.edit("ConfigMap", { name: "web", namespace: "web" }, { data: { colour: "red" } });
    const diff = await driftless(["--core", "app", "diff", "web"]);
    expect(diff).toMatchObject({ code: 1, err: "" });
    expect(diff.out).toContain("-  colour: red\n+  colour: blue");
    expect((await driftless(["--core", "app", "drift", "web"])).out).toContain(`/data/colour: "red" → "blue"`);
    expect(writes()).toEqual([]);
    expect((await kube.get("ConfigMap", "web", "web"))?.["data"]).toEqual({ colour: "red" });
  });

  test("a commit is seen at once, also by what the command before left", async () => {
    await repository.push({ "web/more.yaml": manifests(configMap("more")) });
    expect(await core("app", "manifests", "web")).toContain("name: more");
    await repository.push({ "web/next.yaml": manifests(configMap("next")) }, { branch: "next" });
    await repository.git("checkout", "--quiet", "main");
    const preview = await core("preview", "--repo", repository.url, "--base", "main", "--head", "next");
    expect(preview).toContain("next");
    expect(writes()).toEqual([]);
  });

  test("a sync is asked for, and done by whoever runs the controllers", async () => {
    const asked = core("app", "sync", "web", "--timeout", "50");
    await eventually(async () => expect((await application()).operation).toBeDefined());
    await eventually(() => expect(writes()).toEqual([`PATCH ${ofApplication}`]));
    await up.restart();
    expect(await asked).toContain("Phase:              Succeeded");
    await up.interrupt();
    expect(writes()).toEqual([`PATCH ${ofApplication}`]);
    expect(await kube.get("ConfigMap", "more", "web")).toBeDefined();
  });

  test("writes what is asked for, and an Event", async () => {
    await core("app", "set", "web", "--sync-policy", "none");
    expect((await application()).spec.syncPolicy?.automated).toBeUndefined();
    const patched = ["--kind", "ConfigMap", "--resource-name", "web", "--patch", '{"data": {"colour": "green"}}'];
    const result = await driftless(["--core", "app", "patch-resource", "web", ...patched]);
    expect(result).toMatchObject({ code: 0, err: "info: Resource 'web' patched\n" });
    expect((await kube.get("ConfigMap", "web", "web"))?.["data"]).toEqual({ colour: "green" });
    expect(writes()).toEqual([`PATCH ${ofApplication}`, "PATCH /api/v1/namespaces/web/configmaps/web"]);
    const deleted = ["app", "delete-resource", "web", "--kind", "ConfigMap", "--resource-name", "more"];
    const logged = await driftless(["--core", ...deleted, "--logformat", "json"]);
    expect(JSON.parse(logged.err)).toMatchObject({ level: "info", msg: "Resource 'more' deleted" });
    expect(await kube.get("ConfigMap", "more", "web")).toBeUndefined();
  });

  test("a context says it once, and ARGOCD_OPTS says it for one command", async () => {
    expect(await driftless(["login", "--core", "--name", "here"])).toMatchObject({
      code: 0,
      out: "Context 'here' updated\n",
    });
    const file = readFileSync(join(home, ".config", "driftless", "config"), "utf8");
    expect(file).toContain("core: true");
    expect(file).not.toContain("auth-token");
    expect((await driftless(["app", "list", "-o", "name"])).out).toBe("argocd/web\n");
    await driftless(["context", "here", "--delete"]);
    expect((await driftless(["app", "list", "-o", "name"])).code).toBe(20);
    expect((await driftless(["app", "list", "-o", "name"], { ARGOCD_OPTS: "--core" })).out).toBe("argocd/web\n");
  });

  test("says where it looked and what to do, where there is no installation", async () => {
    const nowhere = await driftless(["--core", "app", "list", "--namespace", "web"]);
    expect(nowhere.code).toBe(20);
    expect(nowhere.err).toMatch(/namespace web of .* has no ConfigMap argocd-cm: .*--namespace/);
    const other = await driftless(["--core", "app", "list", "--kube-context", "other"]);
    expect(other.err).toContain("Context other does not exist in kubeconfig");
  });

  test("several at the same time get in nobody's way", async () => {
    const lists = await Promise.all([1, 2, 3].map(() => core("app", "manifests", "web")));
    expect(new Set(lists).size).toBe(1);
  });
});
