// A day in the life of an installation, as people read of it and as they type it: every command that articles about
// GitOps quote, and a session from login to deletion, with what a person sees and what a script gets. On a sandbox and on
// a real Kubernetes, each with a second cluster.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { clustersUnderTest, kubectlPath } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { configMap, deployment, manifests } from "../support/scenario.ts";
import { quoted } from "./day/quoted.ts";
import type { Ended } from "../support/cli.ts";
import { Day } from "./day/world.ts";

const kubectl = kubectlPath();
const articles = join(import.meta.dirname, "fixtures", "articles");

const lines = (text: string): string[] => text.trimEnd().split("\n");
const cells = (table: string, first: string): string[] =>
  (lines(table).find((line) => line.startsWith(first)) ?? "").trimEnd().split(/ {2,}/);

describe.each(clustersUnderTest({ name: "a day", cases: quoted.length }))("on $name", { timeout: 120_000 }, (kind) => {
  let day: Day;

  beforeAll(async () => {
    day = await Day.begin(kind);
  });
  afterAll(async () => {
    await day?.stop();
  });

  /** Runs `driftless` and expects success and silence on standard error. */
  async function types(...args: readonly string[]): Promise<string> {
    const ended = await day.driftless(...args);
    expect(ended, args.join(" ")).toMatchObject({ code: 0, err: "" });
    return ended.out;
  }

  /** A context of the second cluster's kubeconfig. */
  const secondContext = async (): Promise<string> =>
    cells((await day.driftless("cluster", "add", "--kubeconfig", day.second.kubeconfig)).out, "*")[1]!;

  /** Adds it under a name; on a sandbox, which gives no tokens to service accounts, by a program that has one. */
  async function addSecond(name: string): Promise<Ended> {
    const flags = ["--kubeconfig", day.second.kubeconfig, "--name", name, "--yes"];
    if (kind.name === "kubernetes") return day.driftless("cluster", "add", await secondContext(), ...flags);
    const token = /token: "?([^\s"]+)/.exec(readFileSync(day.second.kubeconfig, "utf8"))?.[1] ?? "";
    const apiVersion = "client.authentication.k8s.io/v1beta1";
    const credential = day.file(
      "credential.json",
      JSON.stringify({ apiVersion, kind: "ExecCredential", status: { token } }),
    );
    const exec = ["--exec-command", "cat", "--exec-command-args", credential];
    const version = ["--exec-command-api-version", apiVersion];
    return day.driftless("cluster", "add", await secondContext(), ...flags, ...exec, ...version);
  }

  const addressOf = (output: string): string => /^Cluster '(\S+)' added$/m.exec(output)?.[1] ?? "";

  describe.skipIf(kubectl === undefined)("what articles quote", () => {
    const runs: Readonly<Record<string, () => Promise<void>>> = {
      namespace: async () => {
        const made = await day.shell("kubectl create namespace argocd");
        expect(made).toEqual({ code: 0, out: "namespace/argocd created\n", err: "" });
        await day.start();
      },

      password: async () => {
        const said = await day.shell(
          'kubectl -n argocd get secret argocd-initial-admin-secret -o jsonpath="{.data.password}" | base64 -d',
        );
        expect(said).toEqual({ code: 0, out: day.up.password, err: "" });
        await types("login", day.up.url, "--username", "admin", "--password", said.out, "--name", "day");
      },

      manifests: async () => {
        const repository = await day.repository("k8s-deployments");
        await repository.push({
          "apps/my-api/overlays/production/all.yaml": manifests(deployment("my-api", { image: "my-api:v1" })),
          "apps/my-api/overlays/staging/all.yaml": manifests(deployment("my-api")),
          "apps/platform-api/overlays/production/all.yaml": manifests(deployment("platform-api")),
          "apps/test-api/all.yaml": manifests(deployment("test-api")),
          "kubernetes/backend-api/all.yaml": manifests(deployment("backend-api")),
          "argocd/apps/backend-api.yaml": asOf("app-of-apps.yaml", repository.url).split("---\n")[1]!,
        });
        for (const file of ["project-and-application.yaml", "app-of-apps.yaml", "application-sets.yaml"]) {
          const applied = await day.shell("kubectl apply -n argocd -f -", asOf(file, repository.url));
          expect(applied.code, applied.err).toBe(0);
          // A real API server has a word on the finalizer, whose name is Argo CD's.
          expect(applied.err).toMatch(/^(Warning: metadata\.finalizers: .*\n)?$/);
          expect(applied.out).toMatch(/ created$/m);
        }
        const minimal = await day.shell("kubectl apply -f -", asOf("minimal.yaml", repository.url));
        expect(minimal).toMatchObject({ code: 0, err: "" });
        for (const name of ["my-api-production", "root", "backend-api", "platform-api", "test-api"])
          await types("app", "wait", name, "--timeout", "60");
        const live = await day.shell("kubectl get deployment -A -o name");
        expect(lines(live.out).sort()).toEqual(
          ["backend-api", "my-api", "platform-api", "test-api"].map((name) => `deployment.apps/${name}`),
        );
      },

      drift: async () => {
        const patch = '{"spec":{"replicas":5}}';
        const edited = await day.shell(`kubectl -n test patch deployment test-api -p '${patch}'`);
        expect(edited).toMatchObject({ code: 0, out: "deployment.apps/test-api patched\n" });
        await eventually(async () => {
          const { out } = await day.shell("kubectl -n test get deployment test-api -o jsonpath={.spec.replicas}");
          expect(out).toBe("1");
        });
      },

      push: async () => {
        const line = [
          `rm -rf k8s-deployments; git clone -q ${new URL("/k8s-deployments.git", day.up.cloneUrl).href}`,
          "cd k8s-deployments/apps/my-api/overlays/production",
          "sed -i s/my-api:v1/my-api:0123abc/ all.yaml",
          'git config user.name "github-actions"',
          'git config user.email "actions@example.com"',
          "git add .",
          'git commit -q -m "deploy: my-api 0123abc"',
          "git push -q",
        ].join(" && ");
        expect(await day.shell(`cd ${day.home} && ${line}`)).toMatchObject({ code: 0 });
        await imageIs("my-api:0123abc");
      },

      revert: async () => {
        const line = "git -c user.name=a -c user.email=a@example.com revert --no-edit HEAD && git push -q";
        expect(await day.shell(`cd ${day.home}/k8s-deployments && ${line}`)).toMatchObject({ code: 0 });
        await imageIs("my-api:v1");
      },

      clusters: async () => {
        const added = await addSecond("staging");
        expect(added).toMatchObject({ code: 0, out: expect.stringMatching(/^Cluster 'https:\S+' added\n$/) as string });
        const again = await day.driftless("cluster", "add", "production-us-east", "--name", "prod-us-east");
        expect(again.code).toBe(20);
        expect(again.err).toContain("Context production-us-east does not exist in kubeconfig");
      },

      application: async () => {
        const [address = ""] = /https:\S+/.exec(await types("cluster", "list")) ?? [];
        const url = new URL("/k8s-deployments.git", day.up.cloneUrl).href;
        const source = ["--repo", url, "--path", "apps/my-api/overlays/staging"];
        const target = ["--dest-server", address, "--dest-namespace", "staging"];
        expect(await types("app", "create", "my-api-staging", ...source, ...target)).toBe(
          "application 'my-api-staging' created\n",
        );
        await types("app", "delete", "my-api-staging", "--yes", "--wait");
        expect((await day.driftless("cluster", "rm", "staging", "--yes")).code).toBe(0);
      },
    };

    /** An article's manifests, with the repository that is here. */
    const asOf = (file: string, url: string): string =>
      readFileSync(join(articles, file), "utf8").replaceAll("https://git.example.com/deployments.git", url);

    async function imageIs(image: string): Promise<void> {
      await eventually(async () => {
        const path = "jsonpath={.spec.template.spec.containers[0].image}";
        const { out } = await day.shell(`kubectl -n production get deployment my-api -o ${path}`);
        expect(out).toBe(image);
      });
    }

    for (const { command, run, leftOut } of quoted) {
      const it = leftOut === undefined ? test : test.skip;
      it(leftOut === undefined ? command : `${command} (left out: ${leftOut})`, async () => runs[run!]!());
    }
  });

  test("a session, from login to deletion", async () => {
    if (!day.up) await day.start();
    const { up, git } = day;
    const repository = await day.repository("web");
    await repository.push({ "web/all.yaml": manifests(deployment("web"), configMap("settings", { color: "red" })) });
    const url = `${git.url}/web.git`;

    expect(await types("login", up.url, "--username", "admin", "--password", up.password, "--name", "day")).toBe(
      "'admin:login' logged in successfully\nContext 'day' updated\n",
    );
    const added = await addSecond("second");
    const address = addressOf(added.out);
    expect(added).toMatchObject({ code: 0, out: `Cluster '${address}' added\n` });
    expect(cells(await types("cluster", "list"), address).slice(0, 2)).toEqual([address, "second"]);

    const login = ["--username", git.username, "--password", git.password];
    const untrusted = await day.driftless("repo", "add", url, ...login);
    expect(untrusted).toMatchObject({ code: 20, out: "" });
    expect(untrusted.err).toMatch(/certificate/);
    expect(await types("cert", "add-tls", "127.0.0.1", "--from", day.file("git.pem", git.certificate))).toContain(
      "with 1 unique PEM certificates",
    );
    const wrong = await day.driftless("repo", "add", url, "--username", git.username, "--password", "wrong-one");
    expect(wrong).toMatchObject({ code: 20, out: "" });
    expect(wrong.err).not.toContain("wrong-one");
    expect(await types("repo", "add", url, ...login)).toBe(`Repository '${url}' added\n`);
    expect(await types("repo", "list")).not.toContain(git.password);

    expect(await types("proj", "create", "team", "--src", url, "--dest", `${address},team-*`)).toBe("");
    expect(await types("proj", "allow-cluster-resource", "team", "", "Namespace")).toContain("is added");
    const source = ["--repo", url, "--path", "web", "--revision", "main"];
    const target = ["--dest-server", address, "--dest-namespace", "team-web", "--sync-option", "CreateNamespace=true"];
    expect(await types("app", "create", "web", "--project", "team", ...source, ...target)).toBe(
      "application 'web' created\n",
    );
    expect(await types("app", "sync", "web")).toMatch(/^Phase: {14}Succeeded$/m);
    expect(await types("app", "wait", "web", "--timeout", "60")).toMatch(/^Health Status: {6}Healthy$/m);
    expect((await day.secondKube.get("ConfigMap", "settings", "team-web"))?.["data"]).toEqual({ color: "red" });
    expect(await day.driftless("app", "diff", "web")).toEqual({ code: 0, out: "", err: "" });

    await repository.push({ "web/all.yaml": manifests(deployment("web"), configMap("settings", { color: "blue" })) });
    const differs = await day.driftless("app", "diff", "web", "--refresh");
    expect(differs).toMatchObject({ code: 1, err: "" });
    expect(differs.out).toMatch(
      /^===== \/ConfigMap team-web\/settings ======$[\s\S]*^- +color: red$\n^\+ +color: blue$/m,
    );
    await types("app", "sync", "web");
    expect((await day.secondKube.get("ConfigMap", "settings", "team-web"))?.["data"]).toEqual({ color: "blue" });
    expect(await types("app", "history", "web", "-o", "id")).toBe("0\n1\n");
    await types("app", "rollback", "web", "0");
    expect((await day.secondKube.get("ConfigMap", "settings", "team-web"))?.["data"]).toEqual({ color: "red" });

    const used = await day.driftless("proj", "delete", "team");
    expect(used).toMatchObject({ code: 20, out: "" });
    expect(await types("app", "delete", "web", "--yes", "--wait")).toBe("application 'web' deleted\n");
    expect(await day.secondKube.get("ConfigMap", "settings", "team-web")).toBeUndefined();
    expect((await day.driftless("app", "get", "web")).code).toBe(20);
    await types("proj", "delete", "team");
    expect(await types("repo", "rm", url)).toBe(`Repository '${url}' removed\n`);
    expect((await day.driftless("cluster", "rm", "second", "--yes")).out).toBe("Cluster 'second' removed\n");
    expect(await types("logout", "day")).toContain("Logged out");
    expect((await day.driftless("app", "list")).code).toBe(20);
  });
});
