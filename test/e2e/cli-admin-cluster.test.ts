// `driftless admin …` against a cluster, without a server: backup and restore, passwords, RBAC, roles, clusters. The real
// program on the sandbox and on a real Kubernetes, where the installation's objects stand and no controller runs.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { load, loadAll } from "js-yaml";
import { silentLogger } from "#base/operation.ts";
import { bootstrap } from "#main/bootstrap.ts";
import type { KubernetesObject } from "#model/object.ts";
import { buildPage } from "../support/build-page.ts";
import { program, runToEnd, type Ended } from "../support/cli.ts";
import { clustersUnderTest, type RunningCluster } from "../support/cluster.ts";
import { connectKube, type Kube } from "../support/kube.ts";

const canary = "canary-1f4e";
const base64 = (text: string): string => Buffer.from(text).toString("base64");

const secret = (name: string, data: Record<string, string>, labels: Record<string, string> = {}): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: "argocd", labels },
  data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(value)])),
});
const ofType = (type: string): Record<string, string> => ({ "argocd.argoproj.io/secret-type": type });

function application(name: string, namespace = "argocd", spec: object = {}): KubernetesObject {
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Application",
    metadata: { name, namespace, finalizers: ["resources-finalizer.argocd.argoproj.io"] },
    spec: {
      project: "default",
      source: { repoURL: "https://git.example.com/deploy.git", path: name, targetRevision: "main" },
      destination: { server: "https://kubernetes.default.svc", namespace: "shop" },
      ...spec,
    },
    status: { sync: { status: "Synced" }, resources: [{ kind: "ConfigMap", namespace: "web", name: "x" }] },
  };
}

const role = { name: "deployer", policies: ["p, proj:default:deployer, applications, sync, default/*, allow"] };
const objects: readonly KubernetesObject[] = [
  secret("argocd-secret", { "server.secretkey": canary }),
  secret("argocd-initial-admin-secret", { password: "first-password" }),
  secret("deploy", { url: "https://git.example.com/deploy.git", password: canary }, ofType("repository")),
  secret(
    "second",
    { server: "https://10.0.0.1", name: "second", config: JSON.stringify({ bearerToken: canary }) },
    ofType("cluster"),
  ),
  secret("somebody-elses", { password: "not-ours" }),
  application("web"),
  application("team-app", "team"),
  application("other-app", "other"),
  {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "ApplicationSet",
    metadata: { name: "set", namespace: "argocd" },
    spec: { generators: [], template: { metadata: { name: "x" }, spec: application("x")["spec"] } },
  },
];

describe.each(clustersUnderTest({ name: "admin commands", cases: 1 }))("on $name", { timeout: 120_000 }, (under) => {
  let cluster: RunningCluster;
  let kube: Kube;
  let home = "";

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), "driftless-admin-"));
    cluster = await under.start();
    kube = connectKube(cluster.kubeconfig);
    await bootstrap({ signal: new AbortController().signal, log: silentLogger }, kube.client, "argocd");
    for (const name of ["team", "other"])
      await kube.create({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
    await kube.edit(
      "ConfigMap",
      { name: "argocd-cmd-params-cm", namespace: "argocd" },
      { data: { "application.namespaces": "team" } },
    );
    await kube.edit("AppProject", { name: "default", namespace: "argocd" }, { spec: { roles: [role] } });
    for (const object of objects) await kube.create(object);
  });
  afterAll(async () => {
    await kube?.close();
    await cluster?.stop();
    rmSync(home, { recursive: true, force: true });
  });

  function admin(args: readonly string[], input = ""): Promise<Ended> {
    const env = { KUBECONFIG: cluster.kubeconfig, ARGOCD_OPTS: "--server nowhere:1" };
    return runToEnd(program, ["admin", ...args], { home, env, input });
  }

  async function succeeds(...args: string[]): Promise<string> {
    const result = await admin(args);
    expect(result, args.join(" ")).toMatchObject({ code: 0, err: "" });
    return result.out;
  }

  const names = (stream: string): string[] =>
    (loadAll(stream) as (KubernetesObject | null)[]).flatMap((object) =>
      object ? [`${object.kind} ${[object.metadata.namespace, object.metadata.name].filter(Boolean).join("/")}`] : [],
    );

  test("the first password, and a policy with the roles of a project", async () => {
    expect(await succeeds("initial-password", "-n", "argocd")).toMatch(/^first-password\n/);
    // The namespace is found where neither a flag nor the kubeconfig names it.
    expect(await succeeds("initial-password")).toMatch(/^first-password\n/);
    expect((await admin(["initial-password", "-n", "team"])).err).toContain(
      "no Secret team/argocd-initial-admin-secret",
    );
    const can = ["settings", "rbac", "can", "-n", "argocd"];
    expect(await succeeds(...can, "proj:default:deployer", "sync", "app", "default/web")).toBe("Yes\n");
    expect(await admin([...can, "proj:default:deployer", "delete", "app", "default/web"])).toMatchObject({
      code: 1,
      out: "No\n",
    });
    const config = { data: { "policy.csv": "p, a, b" } };
    await kube.edit("ConfigMap", { name: "argocd-rbac-cm", namespace: "argocd" }, config);
    expect((await admin(["settings", "rbac", "validate", "--namespace", "argocd"])).out).toMatch(/^Policy is invalid/);
    await kube.edit("ConfigMap", { name: "argocd-rbac-cm", namespace: "argocd" }, { data: { "policy.csv": null } });
  });

  test("a backup brings an installation back", async () => {
    const file = join(home, "backup.yaml");
    const asked = ["export", "-n", "argocd"];
    expect(await succeeds(...asked, "-o", file)).toBe("");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const stream = readFileSync(file, "utf8");
    expect(names(stream)).toEqual([
      "ConfigMap argocd-cm",
      "ConfigMap argocd-rbac-cm",
      "ConfigMap argocd-ssh-known-hosts-cm",
      "ConfigMap argocd-tls-certs-cm",
      "Secret argocd-secret",
      "Secret deploy",
      "Secret second",
      "AppProject default",
      "Application web",
      "Application team/team-app",
      "ApplicationSet set",
    ]);
    expect(stream).not.toMatch(/resourceVersion|uid:|managedFields/);
    expect(names(await succeeds(...asked, "--application-namespaces", "other,team"))).toContain(
      "Application other/other-app",
    );

    const nothing = await succeeds("import", "-n", "argocd", file);
    expect(nothing).toMatch(
      /^import process started argocd\nImport process completed successfully in namespace argocd at /,
    );

    await kube.edit(
      "Application",
      { name: "web", namespace: "argocd" },
      { spec: { source: { path: "changed" } }, operation: { sync: {} } },
    );
    await kube.edit("Secret", { name: "deploy", namespace: "argocd" }, { data: { password: base64("changed") } });
    await kube.edit("Application", { name: "team-app", namespace: "team" }, { metadata: { finalizers: null } });
    await kube.remove("Application", "team-app", "team");
    await kube.create(application("newer"));

    const plan = await succeeds("import", "-n", "argocd", file, "--dry-run", "--verbose", "--stop-operation");
    expect(plan).toContain("argoproj.io/Application web in namespace argocd updated (dry run)\n");
    expect(plan).toMatch(/^ {2}\/spec\/source\/path$/m);
    expect(plan).toMatch(/^ {2}\/operation$/m);
    expect(plan).toMatch(/^ {2}\/data\/password$/m);
    expect(plan).toContain("/ConfigMap argocd-cm unchanged (dry run)\n");
    expect(plan).toContain("argoproj.io/Application team-app in namespace team created (dry run)\n");
    expect(plan).toContain("argoproj.io/Application newer needs pruning\n");
    expect(plan).not.toContain(canary);
    expect((await kube.get("Application", "web", "argocd"))?.["spec"]).toMatchObject({ source: { path: "changed" } });
    expect(await kube.get("Application", "team-app", "team")).toBeUndefined();

    const done = await succeeds("import", "-n", "argocd", file, "--stop-operation");
    expect(done).toContain("argoproj.io/Application team-app in namespace team created\n");
    expect(done).toContain("argoproj.io/Application newer needs pruning\n");
    const web = await kube.get("Application", "web", "argocd");
    expect(web).toMatchObject({ spec: { source: { path: "web" } }, status: { sync: { status: "Synced" } } });
    expect(web?.["operation"]).toBeUndefined();
    expect(await kube.get("Secret", "deploy", "argocd")).toMatchObject({ data: { password: base64(canary) } });
    expect(await kube.get("Application", "newer", "argocd")).toBeDefined();
    expect(await succeeds("export", "-n", "argocd", "--application-namespaces", "team")).toContain("newer");
  });

  test("only what is asked for is pruned, and applications alone: what they deployed stays", async () => {
    const file = join(home, "part.yaml");
    const [cm] = loadAll(await succeeds("export", "-n", "argocd")) as KubernetesObject[];
    writeFileSync(file, JSON.stringify(cm));
    const kept = ["--skip-resources-with-label", "keep=yes"];
    await kube.edit("Application", { name: "web", namespace: "argocd" }, { metadata: { labels: { keep: "yes" } } });
    const asked = ["import", "-n", "argocd", file, "--prune", ...kept];
    const plan = await succeeds(...asked, "--dry-run");
    expect(plan).toContain("argoproj.io/Application newer pruned (dry run)\n");
    expect(plan).toContain("/Secret argocd-secret is not in the backup; settings are not pruned\n");
    expect(plan).not.toContain("Application web");
    const no = await admin([...asked, "--prompts-enabled"], "n\n".repeat(20));
    expect(no.out).toContain("The command to prune argoproj.io/Application newer was cancelled.\n");
    expect(await kube.get("Application", "newer", "argocd")).toBeDefined();
    expect(await succeeds(...asked)).toContain("argoproj.io/Application newer pruned\n");
    // No finalizer held it up: nothing that it deployed is deleted with it.
    for (const name of ["newer", "team-app"]) expect(await kube.get("Application", name, "argocd")).toBeUndefined();
    expect(await kube.get("Application", "web", "argocd")).toBeDefined();
    expect(await kube.get("Secret", "argocd-secret", "argocd")).toBeDefined();
    expect(await kube.get("Secret", "somebody-elses", "argocd")).toBeDefined();
    expect(await kube.get("Application", "other-app", "other")).toBeDefined();
    const back = await succeeds("import", "-n", "argocd", join(home, "backup.yaml"));
    expect(back).toContain("/Secret second in namespace argocd created\n");
    expect(back).toContain("argoproj.io/AppProject default in namespace argocd created\n");
  });

  test("clusters: what applications use of them, how they are reached, and which namespaces are managed", async () => {
    const own = "https://kubernetes.default.svc";
    const rows = async (...args: string[]): Promise<string[][]> =>
      (await succeeds(...args, "-n", "argocd"))
        .trimEnd()
        .split("\n")
        .map((line) => line.trimEnd().split(/ {2,}/));
    expect(await rows("cluster", "namespaces")).toEqual([
      ["CLUSTER", "NAMESPACES"],
      ["https://10.0.0.1"],
      [own, "web"],
    ]);
    expect(await rows("cluster", "shards")).toEqual([
      ["SHARD", "RESOURCES COUNT"],
      ["0", "2 (100%)"],
    ]);
    const stats = await rows("cluster", "stats", "in-cluster");
    expect(stats[1]).toEqual([own, "0", "Successful", "1", "2", "2"]);

    const file = join(home, "kubeconfig-of-second");
    expect(await succeeds("cluster", "kubeconfig", "second", file, "-n", "argocd")).toBe("");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(load(readFileSync(file, "utf8"))).toMatchObject({
      "current-context": "https://10.0.0.1",
      clusters: [{ cluster: { server: "https://10.0.0.1" } }],
      users: [{ user: { token: canary } }],
    });
    expect((await admin(["cluster", "kubeconfig", own, file, "-n", "argocd"])).err).toContain("has no Secret");
    expect((await admin(["cluster", "kubeconfig", "nowhere", file, "-n", "argocd"])).err).toContain(
      "is not configured",
    );

    const enable = [
      "cluster",
      "namespaces",
      "enable-namespaced-mode",
      "*",
      "--max-namespace-count",
      "3",
      "-n",
      "argocd",
    ];
    expect(await succeeds(...enable)).toBe(`Setting cluster ${own} namespaces to [web]...done (dry run)\n`);
    expect(await kube.list("Secret", "argocd", "argocd.argoproj.io/secret-type=cluster")).toHaveLength(1);
    expect(await succeeds(...enable, "--dry-run=false", "--cluster-resources")).toContain("...done\n");
    const made = await kube.list("Secret", "argocd", "argocd.argoproj.io/secret-type=cluster");
    const restricted = made.find(({ metadata }) => metadata.name?.startsWith("cluster-kubernetes.default.svc-"));
    expect(restricted).toMatchObject({
      data: { server: base64(own), namespaces: base64("web"), clusterResources: base64("true") },
    });
    const disable = ["cluster", "namespaces", "disable-namespaced-mode", "*", "--dry-run=false", "-n", "argocd"];
    expect(await succeeds(...disable)).toBe(`Disabling namespaced mode for cluster ${own}...done\n`);
    const data = (await kube.get("Secret", restricted?.metadata.name ?? "", "argocd"))?.["data"];
    expect(Object.keys(data as object).sort()).toEqual(["config", "name", "server"]);
    await kube.remove("Secret", restricted?.metadata.name ?? "", "argocd");
  });

  test("roles of projects are changed all at once, and a ClusterRole becomes a project", async () => {
    await kube.edit("AppProject", { name: "default", namespace: "argocd" }, { spec: { roles: [role] } });
    const set = ["proj", "update-role-policy", "def*", "set", "action/*", "--role", "*ploy*", "-n", "argocd"];
    const what = ["--resource", "applications", "--scope", "*", "--permission", "allow"];
    expect((await admin(set)).err).toContain("Flag --resource cannot be empty");
    const added = "p, proj:default:deployer, applications, action/*, default/*, allow";
    const roles = async (): Promise<unknown> => (await kube.get("AppProject", "default", "argocd"))?.["spec"];
    expect(await succeeds(...set, ...what)).toContain(`+      - ${added}\n`);
    expect(await roles()).toMatchObject({ roles: [role] });
    await succeeds(...set, ...what, "--dry-run=false");
    expect(await roles()).toMatchObject({ roles: [{ policies: [role.policies[0], added] }] });
    await succeeds("proj", "update-role-policy", "*", "remove", "sync", "--dry-run=false", "-n", "argocd");
    expect(await roles()).toMatchObject({ roles: [{ policies: [added] }] });

    const file = join(home, "role.yaml");
    const rules = [
      { apiGroups: ["", "apps"], resources: ["configmaps", "deployments", "pods/log"], verbs: ["get", "create"] },
      { apiGroups: [""], resources: ["namespaces"], verbs: ["*"] },
      { apiGroups: ["batch"], resources: ["jobs"], verbs: ["get"] },
    ];
    const metadata = { name: "r" };
    writeFileSync(
      file,
      JSON.stringify({ apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata, rules }),
    );
    expect(load(await succeeds("proj", "generate-allow-list", file, "generated"))).toEqual({
      apiVersion: "argoproj.io/v1alpha1",
      kind: "AppProject",
      metadata: { name: "generated" },
      spec: {
        clusterResourceWhitelist: [{ group: "", kind: "Namespace" }],
        namespaceResourceWhitelist: [
          { group: "", kind: "ConfigMap" },
          { group: "apps", kind: "Deployment" },
        ],
      },
    });
  });

  test("states of applications are written down and compared", async () => {
    const [before, after] = [join(home, "before.yaml"), join(home, "after.yaml")];
    await succeeds("app", "get-reconcile-results", before, "-n", "argocd");
    expect(load(readFileSync(before, "utf8"))).toEqual({
      applications: [{ name: "web", health: null, sync: { status: "Synced" }, conditions: null }],
    });
    const status = { sync: { status: "OutOfSync" }, health: { status: "Healthy" } };
    await kube.edit("Application", { name: "web", namespace: "argocd" }, { status });
    await succeeds("app", "get-reconcile-results", after, "-n", "argocd", "--o", "json");
    const found = await succeeds("app", "diff-reconcile-results", before, after);
    expect(found).toMatch(/^web\n/);
    expect(found).toContain("-  status: Synced\n+  status: OutOfSync\n");
    expect(await succeeds("app", "diff-reconcile-results", after, after)).toBe("web\n");
    expect((await admin(["app", "diff-reconcile-results", after, join(home, "role.yaml")])).err).toContain(
      "holds no results",
    );
  });

  test("applications are reconciled anew in the command's own process, and nothing is written", async () => {
    const before = await kube.get("Application", "web", "argocd");
    const file = join(home, "anew.yaml");
    expect(await succeeds("app", "get-reconcile-results", file, "--refresh", "-n", "argocd")).toBe("web\n");
    // Its repository does not exist: that is what this program says of it, whatever was written before.
    expect(load(readFileSync(file, "utf8"))).toMatchObject({
      applications: [{ name: "web", sync: { status: "Unknown" }, conditions: [{ type: "ComparisonError" }] }],
    });
    const after = await kube.get("Application", "web", "argocd");
    expect(after?.metadata.resourceVersion).toBe(before?.metadata.resourceVersion);
  });

  test("the page and the API are served to whoever has the link", async () => {
    await buildPage();
    const { PATH = "" } = process.env;
    const env = { PATH, HOME: home, TZ: "UTC", KUBECONFIG: cluster.kubeconfig };
    const child = spawn(program, ["admin", "dashboard", "-n", "argocd", "--port", "0"], { env });
    let [out, err] = ["", ""];
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
    try {
      const link = await new Promise<string>((resolve, reject) => {
        child.stdout.on("data", (chunk: Buffer) => {
          const found = /^The page is at (\S+)\n/.exec((out += chunk.toString()))?.[1];
          if (found) resolve(found);
        });
        void ended.then((code) => reject(new Error(`ended with ${code}: ${err}`)));
      });
      const base = new URL("/", link.replace("localhost", "127.0.0.1")).href;
      const ask = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
        fetch(new URL(path, base), { headers, redirect: "manual" });
      const entered = await ask(link.slice(link.indexOf("/auth/")));
      expect([entered.status, entered.headers.get("location")]).toEqual([302, "/"]);
      const cookie = (entered.headers.get("set-cookie") ?? "").split(";")[0]!;
      expect(entered.headers.get("set-cookie")).toMatch(/^argocd\.token=\S+; Path=\/; HttpOnly; SameSite=Lax$/);
      expect(await (await ask("/", { cookie, accept: "text/html" })).text()).toContain("<!doctype html>");
      const listed = (await (await ask("/api/v1/applications", { cookie })).json()) as { items: KubernetesObject[] };
      expect(listed.items.map(({ metadata }) => metadata.name)).toContain("web");
      // Nobody else.
      expect((await ask("/api/v1/applications")).status).toBe(401);
      expect((await ask("/auth/enter?token=guessed")).status).toBe(401);
      expect((await ask("/auth/enter")).status).toBe(401);
    } finally {
      child.kill("SIGINT");
    }
    expect([await ended, err]).toEqual([0, ""]);
  });

  test("a backup that argocd wrote is brought back, and written the same", async () => {
    const stream = readFileSync(new URL("fixtures/argocd-export.yaml", import.meta.url), "utf8");
    await kube.edit("Application", { name: "web", namespace: "argocd" }, { metadata: { finalizers: null } });
    await kube.remove("Application", "web", "argocd");
    const brought = await admin(["import", "-n", "argocd", "-", "--verbose"], stream);
    expect(brought).toMatchObject({ code: 0, err: "" });
    for (const what of ["/Secret repo-x", "argoproj.io/AppProject payments", "argoproj.io/Application web"])
      expect(brought.out).toContain(`${what} in namespace argocd created\n`);
    expect(brought.out).toContain("/ConfigMap argocd-cm unchanged\n");
    const written = loadAll(await succeeds("export", "-n", "argocd"));
    // The project default has been changed here.
    const others = (loadAll(stream) as (KubernetesObject | null)[]).filter(
      (object) => object !== null && object.metadata.name !== "default",
    );
    for (const object of others) expect(written).toContainEqual(object);
  });

  test("settings of the cluster are checked, and tried on an object", async () => {
    const settings = (...args: string[]): Promise<Ended> =>
      admin(["settings", ...args, "--load-cluster-settings", "-n", "argocd"]);
    expect(await settings("validate")).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^✅ accounts\n1 accounts\n/) as string,
    });
    const at = { name: "argocd-cm", namespace: "argocd" };
    await kube.edit("ConfigMap", at, { data: { "accounts.ci": "fly", "timeout.reconciliation": "never" } });
    const found = await settings("validate", "--group", "accounts");
    expect(found).toMatchObject({ code: 1, out: "❌ accounts\naccounts.ci: fly is neither login nor apiKey: fly\n" });
    await kube.edit("ConfigMap", at, { data: null });
    const file = join(home, "object.yaml");
    writeFileSync(file, "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: x}, status: {phase: Bound}}");
    const health = await settings("resource-overrides", "health", file);
    expect(health).toMatchObject({ code: 0, out: "STATUS: Healthy\nMESSAGE: \n" });
  });

  test("notifications: what is configured is told; what sends comes later", async () => {
    const data = {
      "template.short": "message: hi\n",
      "template.long": "message: |\n  one\n  two\n",
      "template.slack": "slack: {attachments: a}\n",
      "trigger.on-sync": "- {when: a == 'b', send: [long, short], oncePer: x}\n- {when: \"true\", send: [short]}\n",
      "service.webhook.x": "url: http://x",
    };
    const name = "argocd-notifications-cm";
    expect((await admin(["notifications", "trigger", "get", "-n", "argocd"])).err).toContain(
      `no ConfigMap argocd/${name}`,
    );
    await kube.create({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "argocd" }, data });
    const get = (...args: string[]): Promise<string> => succeeds("notifications", ...args, "-n", "argocd");
    expect(await get("template", "get")).toBe(
      'NAME   PREVIEW\nlong   one two\nshort  hi\nslack  {"slack":{"attachments":"a"}}\n',
    );
    expect(await get("template", "get", "-o", "name")).toBe("long\nshort\nslack\n");
    expect(await get("template", "get", "short", "-o", "yaml")).toBe("short:\n  message: hi\n");
    expect(await get("trigger", "get")).toBe(
      "NAME     TEMPLATE     CONDITION\non-sync  long, short  a == 'b'\n         short        true\n",
    );
    expect(JSON.parse(await get("trigger", "get", "-o", "json"))).toMatchObject({ "on-sync": [{ oncePer: "x" }, {}] });
    for (const args of [
      ["template", "notify", "short", "web"],
      ["trigger", "run", "on-sync", "web"],
    ])
      expect((await admin(["notifications", ...args])).err).toContain("come later");
  });

  test.each<readonly [what: string, stream: string, why: string]>([
    ["no backup at all", "", "the input holds no objects"],
    ["no YAML", "a: [", "the input: line 1: "],
    [
      "something else",
      "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\n",
      "document 1 of the input is a Pod, which is not part of a backup",
    ],
    [
      "an object twice",
      "kind: ConfigMap\napiVersion: v1\nmetadata: {name: x}\n---\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: x}\n",
      "holds /ConfigMap x twice",
    ],
  ])("%s is refused before anything is written", async (_what, stream, why) => {
    const refused = await admin(["import", "-n", "argocd", "-", "--prune"], stream);
    expect(refused).toMatchObject({ code: 20, out: "", err: expect.stringContaining(why) as string });
  });
});
