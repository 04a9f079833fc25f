// What a change will do before it does it: differences with other revisions and local files, previews of branches, syncs of
// local files; by the command line, as a person or a pipeline uses it.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "vitest";
import type { Preview } from "#protocol/preview.ts";
import { startHelmServer } from "#registry/testing/helm-server.ts";
import { driftless } from "../../support/cli.ts";
import type { Repository } from "../../support/repository.ts";
import { configMap, manifests, scenario, type Scenario } from "../../support/scenario.ts";

const settings = (color: string): string => manifests(configMap("settings", { color }));
const secret = (password: string): string =>
  manifests({ apiVersion: "v1", kind: "Secret", metadata: { name: "login" }, stringData: { password } });

/** Writes a file of the clone without committing it. */
function write(repository: Repository, path: string, content: string): void {
  const file = join(repository.directory, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

export const previews: readonly Scenario[] = [
  scenario(
    "an application that is only a file yet is rendered, of its repository and of local files",
    async (stage) => {
      const repository = await stage.repository({ "web/settings.yaml": settings("blue") });
      const name = `${stage.name}-unborn`;
      const written = {
        apiVersion: "argoproj.io/v1alpha1",
        kind: "Application",
        metadata: { name },
        spec: {
          project: "default",
          source: { repoURL: repository.url, path: "web", targetRevision: "main" },
          destination: { server: "https://kubernetes.default.svc", namespace: stage.namespace },
        },
      };
      write(repository, "app.yaml", JSON.stringify(written));
      write(repository, "web/settings.yaml", settings("red"));
      write(repository, "web/login.yaml", secret("hunter2"));
      const cli = (...args: string[]) =>
        driftless(stage.up, ["app", "render", "-f", "app.yaml", ...args], { cwd: repository.directory });

      const committed = await cli("-o", "yaml");
      expect(committed, committed.err).toMatchObject({ code: 0, err: "" });
      expect(committed.out).toContain("color: blue");
      expect(committed.out).toContain(`namespace: ${stage.namespace}`);
      const local = await cli("--local", "web", "-o", "yaml");
      expect(local, local.err).toMatchObject({ code: 0, err: "" });
      expect(local.out).toMatch(/^--- # web\/settings\.yaml$/m);
      expect(local.out).toContain("color: red");
      expect(local.out).not.toContain("hunter2");

      const twice = await cli("--revision", "main");
      expect(twice.err).toContain("revisions are those that the file says");
      write(repository, "app.yaml", JSON.stringify({ ...written, spec: { ...written.spec, project: "nowhere" } }));
      expect((await cli("--local", "web")).err).toContain("references project nowhere, which does not exist");
      write(repository, "app.yaml", JSON.stringify({ ...written, metadata: { name: "../up" } }));
      expect((await cli("--local", "web")).err).toContain("is not a valid name");
      // Nothing was made.
      expect((await driftless(stage.up, ["app", "get", name])).err).toMatch(/not found/);
    },
  ),

  scenario("a diff of a branch and of local files tells what a sync of them would change", async (stage) => {
    const repository = await stage.repository({
      "web/settings.yaml": settings("blue"),
      "web/old.yaml": settings("x").replace("settings", "old"),
    });
    const app = await stage.application({ repository, path: "web", automated: true });
    await app.synced();
    await repository.push({ "web/settings.yaml": settings("green") }, { branch: "topic" });
    const cli = (...args: string[]) => driftless(stage.up, args, { cwd: repository.directory });

    const branch = await cli("app", "diff", app.name, "--revision", "topic");
    expect(branch, branch.err).toMatchObject({ code: 1, err: "" });
    expect(branch.out).toContain(`===== /ConfigMap ${stage.namespace}/settings ======`);
    expect(branch.out).toMatch(/^- +color: blue\n\+ +color: green$/m);
    expect((await cli("app", "manifests", app.name, "--revision", "topic")).out).toContain("color: green");
    const same = await cli("app", "diff", app.name, "--revision", "main");
    expect(same, same.out).toMatchObject({ code: 0, out: "" });
    const lost = await cli("app", "diff", app.name, "--revision", "no-such-branch");
    expect(lost.code).toBe(2);
    expect(lost.err).toContain('revision "no-such-branch" not found');

    write(repository, "web/settings.yaml", settings("red"));
    write(repository, "web/login.yaml", secret("hunter2"));
    rmSync(join(repository.directory, "web/old.yaml"));
    const local = await cli("app", "diff", app.name, "--local", "web");
    expect(local.code, local.err).toBe(1);
    expect(local.out).toMatch(/^- +color: blue\n\+ +color: red$/m);
    expect(local.out).toMatch(/===== \/Secret \S+login ======[^]*password: \+{8}/);
    expect(local.out).toContain("-  name: old");
    expect(local.out).not.toContain("hunter2");
    const whole = await cli("app", "diff", app.name, "--local", ".", "--server-side-generate");
    expect(whole.out).toBe(local.out);
    const rendered = await cli("app", "manifests", app.name, "--local", "web");
    expect(rendered.out).toContain("color: red");
    expect(rendered.out).not.toContain("hunter2");
    write(repository, "web/settings.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: [");
    const broken = await cli("app", "diff", app.name, "--local", "web");
    expect(broken.code).toBe(2);
    expect(broken.err).toContain("web/settings.yaml");
    // Nothing of it was kept.
    await app.is({ sync: "Synced" });
    await stage.live("ConfigMap", "settings", (object) => expect(object["data"]).toEqual({ color: "blue" }));
  }),

  scenario("of several sources one is compared at another revision, the others as they are followed", async (stage) => {
    const repository = await stage.repository({
      "one/settings.yaml": settings("blue"),
      "two/settings.yaml": settings("blue").replace("settings", "second"),
    });
    await repository.push(
      { "one/settings.yaml": settings("green"), "two/settings.yaml": settings("green").replace("settings", "second") },
      { branch: "topic" },
    );
    const source = { repoURL: repository.url, targetRevision: "main" };
    const sources = [
      { ...source, path: "one" },
      { ...source, path: "two", name: "second" },
    ];
    const destination = { server: "https://kubernetes.default.svc", namespace: stage.namespace };
    const spec = { project: "default", sources, destination, syncPolicy: { automated: {} } };
    await stage.targetNamespace();
    const metadata = { name: stage.name, namespace: stage.up.namespace };
    await stage.kube.create({ apiVersion: "argoproj.io/v1alpha1", kind: "Application", metadata, spec });
    await stage.existing(stage.name).synced();
    const diff = (...args: string[]) => driftless(stage.up, ["app", "diff", stage.name, ...args]);

    const second = await diff("--revisions", "topic", "--source-positions", "2");
    expect(second.code, second.err).toBe(1);
    expect(second.out.match(/^=====.*$/gm)).toEqual([`===== /ConfigMap ${stage.namespace}/second ======`]);
    expect((await diff("--revisions", "topic", "--source-names", "second")).out).toBe(second.out);
    const both = await diff("--revisions", "topic", "--revisions", "topic", "--source-positions", "1,2");
    expect(both.out.match(/^=====/gm)).toHaveLength(2);
    expect((await diff("--revision", "topic")).err).toContain("use --revisions with --source-positions");
    const range = `/api/v1/applications/${stage.name}/manifests?revisions=topic&sourcePositions=3`;
    expect(await stage.up.api.call("GET", range)).toMatchObject({
      status: 400,
      body: { message: "source position is out of range" },
    });
  }),

  scenario("a preview of a branch tells of each application that it changes", async (stage) => {
    const repository = await stage.repository({
      "one/settings.yaml": settings("blue"),
      "two/login.yaml": secret("hunter1"),
      "three/settings.yaml": settings("blue").replace("settings", "third"),
      "four/settings.yaml": settings("blue").replace("settings", "fourth"),
    });
    for (const path of ["one", "two", "three", "four"])
      await (await stage.application({ repository, path, suffix: path, automated: true })).synced();
    await repository.push(
      {
        "one/settings.yaml": settings("green"),
        "one/more.yaml": settings("new").replace("settings", "more"),
        "two/login.yaml": secret("hunter2"),
        "three/settings.yaml": "a: [",
      },
      { branch: "topic" },
    );
    const cli = (...args: string[]) => driftless(stage.up, ["preview", ...args], { cwd: repository.directory });

    const json = await cli("-o", "json", "--exit-code");
    expect(json.code, json.err).toBe(2);
    const preview = JSON.parse(json.out) as Preview;
    expect(preview.statistics).toMatchObject({ following: 4, affected: 3, rendered: 3 });
    expect(preview.applications.map(({ name, outcome }) => `${name.slice(stage.name.length)} ${outcome}`)).toEqual([
      "-one changed",
      "-three failed",
      "-two changed",
    ]);
    expect(json.out).not.toContain("hunter");

    const text = await cli("--live");
    expect(text.code).toBe(0);
    expect(text.out).toMatch(/^- +color: blue\n\+ +color: green$/m);
    expect(text.out).toContain("2 of 4 applications change: 1 object added, 2 changed; 1 cannot be rendered.");

    const markdown = await cli("-o", "markdown");
    expect(markdown.out).toMatch(/^### 2 of 4 applications change/);
    expect(markdown.out).toMatch(/^\| \S+-one \| \S+ \| 1 \| 1 \| 0 \| {2}\|$/m);
    expect(markdown.out).toContain("```diff\n");
    const small = await cli("-o", "markdown", "--max-size", "1500");
    expect(small.out.length).toBeLessThanOrEqual(1500);
    expect(small.out).toContain("**Cut here:**");

    const base = ["--repo", repository.url, "--base", "main"];
    const one = await cli(...base, "--head", "topic", "--exit-code", "-l", "none=such");
    expect(one, one.err).toMatchObject({ code: 0 });
    write(repository, "four/settings.yaml", settings("red").replace("settings", "fourth"));
    const local = await cli("--local", ".", "-o", "json");
    const names = (JSON.parse(local.out) as Preview).applications.map(({ name }) => name.slice(stage.name.length));
    expect(names).toEqual(["-four", "-one", "-three", "-two"]);
    await stage.live("ConfigMap", "settings", (object) => expect(object["data"]).toEqual({ color: "blue" }));
  }),

  scenario("a branch of value files is previewed with the chart of a repository that they are for", async (stage) => {
    const server = await startHelmServer();
    stage.world.later(() => server.close());
    await server.publish("web", "1.0.0", {
      "values.yaml": "color: none\n",
      "templates/a.yaml": manifests(configMap("settings", { color: "{{ .Values.color }}" })),
    });
    const repository = await stage.repository({ "env/values.yaml": "color: blue\n" });
    const sources = [
      { repoURL: server.url, chart: "web", targetRevision: "^1.0", helm: { valueFiles: ["$values/env/values.yaml"] } },
      { repoURL: repository.url, targetRevision: "main", ref: "values" },
    ];
    const destination = { server: "https://kubernetes.default.svc", namespace: stage.namespace };
    const spec = { project: "default", sources, destination, syncPolicy: { automated: {} } };
    await stage.targetNamespace();
    const metadata = { name: stage.name, namespace: stage.up.namespace };
    await stage.kube.create({ apiVersion: "argoproj.io/v1alpha1", kind: "Application", metadata, spec });
    await stage.existing(stage.name).synced();
    await repository.push({ "env/values.yaml": "color: green\n" }, { branch: "topic" });

    for (const more of [[], ["--live"], ["--local", "."]]) {
      const shown = await driftless(stage.up, ["preview", ...more], { cwd: repository.directory });
      expect(shown, shown.err).toMatchObject({ code: 0, err: "" });
      expect(shown.out).toMatch(/^- +color: blue\n\+ +color: green$/m);
      expect(shown.out).toContain("1 of 1 application changes: 1 object changed.");
    }
  }),

  scenario("local files are synced without a push, but not beside automated sync", async (stage) => {
    const repository = await stage.repository({ "web/settings.yaml": settings("blue") });
    const app = await stage.application({ repository, path: "web" });
    await app.is({ sync: "OutOfSync" });
    write(repository, "web/settings.yaml", settings("red"));
    write(repository, "web/login.yaml", secret("hunter2"));
    const sync = (...more: string[]) =>
      driftless(stage.up, ["app", "sync", app.name, "--local", "web", ...more], { cwd: repository.directory });

    const synced = await sync();

    expect(synced, synced.err).toMatchObject({ code: 0 });
    await stage.live("ConfigMap", "settings", (object) => expect(object["data"]).toEqual({ color: "red" }));
    await stage.live("Secret", "login", (object) =>
      expect(object["data"]).toEqual({ password: Buffer.from("hunter2").toString("base64") }),
    );
    await app.is({ sync: "OutOfSync" });
    expect(await app.get()).not.toHaveProperty("status.history.0");
    expect(JSON.stringify(await stage.up.api.application(app.name))).not.toContain("hunter2");
    expect(stage.up.log()).not.toContain("hunter2");

    await app.edit({ spec: { syncPolicy: { automated: { prune: true } } } });
    await stage.live("ConfigMap", "settings", (object) => expect(object["data"]).toEqual({ color: "blue" }));
    const refused = await sync();
    expect(refused.code).toBe(20);
    expect(refused.err).toContain("cannot use local sync when Automatic Sync Policy is enabled");
    expect(await sync("--dry-run")).toMatchObject({ code: 0 });
    await stage.live("ConfigMap", "settings", (object) => expect(object["data"]).toEqual({ color: "blue" }));
  }),
];
