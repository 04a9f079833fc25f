// What stands in and beside a repository: submodules, Git LFS, remote bases of Kustomize; what projects ask of signatures;
// and branches that are rewritten or gone.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { JsonObject } from "#base/json.ts";
import type { KubernetesObject } from "#model/object.ts";
import { startHelmServer } from "#registry/testing/helm-server.ts";
import { steadily } from "../../support/eventually.ts";
import type { Repository } from "../../support/repository.ts";
import { configMap, manifests, scenario, type Scenario, type Stage } from "../../support/scenario.ts";

const color = (name: string) => (object: KubernetesObject) => expect(object["data"]).toEqual({ color: name });
const settings = (name: string) => manifests(configMap("settings", { color: name }));

async function project(stage: Stage, spec: JsonObject): Promise<string> {
  const { namespace } = stage.up;
  await stage.kube.create({
    apiVersion: "argoproj.io/v1alpha1",
    kind: "AppProject",
    metadata: { name: stage.name, namespace },
    spec: { sourceRepos: ["*"], destinations: [{ server: "*", namespace: "*" }], ...spec },
  });
  stage.world.later(() => stage.kube.remove("AppProject", stage.name, namespace));
  return stage.name;
}

/** Commits a submodule's commit at a path, and pushes. */
async function mount(repository: Repository, path: string, module: Repository, sha: string): Promise<string> {
  mkdirSync(join(repository.directory, path), { recursive: true });
  const text = `[submodule "lib"]\n\tpath = ${path}\n\turl = ../${module.url.split("/").at(-1)}\n`;
  writeFileSync(join(repository.directory, ".gitmodules"), text);
  await repository.git("add", ".gitmodules");
  await repository.git("update-index", "--add", "--cacheinfo", `160000,${sha},${path}`);
  await repository.git("commit", "--quiet", "-m", "Module");
  await repository.git("push", "--quiet", "origin", "HEAD:refs/heads/main");
  return repository.git("rev-parse", "HEAD");
}

export const beside: readonly Scenario[] = [
  scenario("a revision is signed where the project asks for it", async (stage) => {
    const repository = await stage.repository({ "settings.yaml": settings("unsigned") });
    const key = join(repository.directory, ".git", "key");
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "ada", "-f", key]);
    const fingerprint =
      execFileSync("ssh-keygen", ["-l", "-f", `${key}.pub`], { encoding: "utf8" }).split(" ")[1] ?? "";
    const signers = { name: "argocd-ssh-allowed-signers-cm", namespace: stage.up.namespace };
    await stage.kube.create({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { ...signers, labels: { "app.kubernetes.io/part-of": "argocd" } },
      data: { allowed_signers: `ada@example.com ${readFileSync(`${key}.pub`, "utf8")}` },
    });
    stage.world.later(() => stage.kube.remove("ConfigMap", signers.name, signers.namespace));
    const app = await stage.application({
      repository,
      automated: true,
      project: await project(stage, { signatureKeys: [{ keyID: fingerprint }] }),
    });
    await app.condition("ComparisonError", ["requires signatures", "it is not signed", "by Ada <ada@example.com>"]);
    expect(await stage.kube.get("ConfigMap", "settings", stage.namespace)).toBeUndefined();

    const sign = ["-c", "gpg.format=ssh", "-c", `user.signingKey=${key}`];
    await repository.git(...sign, "commit", "--quiet", "--amend", "-S", "--no-edit");
    await repository.git("push", "--quiet", "--force", "origin", "HEAD:refs/heads/main");
    const signed = await repository.git("rev-parse", "HEAD");

    await stage.live("ConfigMap", "settings", color("unsigned"));
    await app.is({ sync: "Synced", revision: signed });
    const metadata = await stage.up.api.must("GET", `/api/v1/applications/${app.name}/revisions/${signed}/metadata`);
    expect(metadata).toMatchObject({ signatureInfo: `Good signature from ada@example.com key ${fingerprint}` });

    // A commit that nobody signed neither changes nor prunes anything.
    await repository.push({ "settings.yaml": null, "other.yaml": manifests(configMap("other")) });
    await app.condition("ComparisonError", ["it is not signed"]);
    await steadily(async () => {
      color("unsigned")((await stage.kube.get("ConfigMap", "settings", stage.namespace)) as KubernetesObject);
      expect(await stage.kube.get("ConfigMap", "other", stage.namespace)).toBeUndefined();
    }, 1_000);
  }),

  scenario("a submodule is read where it stands", async (stage) => {
    const module = await stage.repository({ "settings.yaml": settings("first") }, "module");
    const repository = await stage.repository({ "own.yaml": manifests(configMap("own")) });
    await mount(repository, "lib", module, await module.git("rev-parse", "HEAD"));
    const app = await stage.application({ repository, recurse: true, automated: true });
    await stage.live("ConfigMap", "settings", color("first"));
    await stage.live("ConfigMap", "own");

    const moved = await mount(repository, "lib", module, await module.push({ "settings.yaml": settings("second") }));

    await stage.live("ConfigMap", "settings", color("second"));
    await app.is({ sync: "Synced", revision: moved });
  }),

  scenario("a file of Git LFS is what its pointer stands for", async (stage) => {
    const content = Buffer.from(settings("large"));
    const oid = createHash("sha256").update(content).digest("hex");
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${content.length}\n`;
    const repository = await stage.repository({ "settings.yaml": pointer });
    const folder = join(stage.up.dataDir, "repositories", repository.url.split("/").at(-1) ?? "", "lfs");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, oid), content);
    const secret = { name: stage.name, namespace: stage.up.namespace };
    await stage.kube.create({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { ...secret, labels: { "argocd.argoproj.io/secret-type": "repository" } },
      stringData: { type: "git", url: repository.url, enableLfs: "true" },
    });
    stage.world.later(() => stage.kube.remove("Secret", secret.name, secret.namespace));

    const app = await stage.application({ repository, automated: true });

    await stage.live("ConfigMap", "settings", color("large"));
    await app.synced();
  }),

  scenario("a remote base of Kustomize is followed, as the project permits", async (stage) => {
    const base = await stage.repository(
      { "deploy/kustomization.yaml": "resources: [settings.yaml]", "deploy/settings.yaml": settings("first") },
      "base",
    );
    const repository = await stage.repository({
      "kustomization.yaml": `namePrefix: my-\nresources:\n- ${base.url}//deploy?ref=main\n`,
    });
    const own = await project(stage, { sourceRepos: [repository.url] });
    const app = await stage.application({ repository, automated: true, project: own });
    await app.condition("InvalidSpecError", [
      "kustomization.yaml:3: ",
      base.url,
      "does not permit",
      "spec.sourceRepos",
    ]);

    const at = { name: own, namespace: stage.up.namespace };
    await stage.kube.edit("AppProject", at, { spec: { sourceRepos: [repository.url, base.url] } });
    await stage.live("ConfigMap", "my-settings", color("first"));

    await base.push({ "deploy/settings.yaml": settings("second") });
    await stage.live("ConfigMap", "my-settings", color("second"));
    await app.synced();
  }),

  scenario("a kustomization's chart of a range moves to a new version", async (stage) => {
    const server = await startHelmServer();
    stage.world.later(() => server.close());
    const template =
      'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: "{{ .Release.Name }}" }\ndata: { color: "{{ .Values.color }} {{ .Chart.Version }}" }\n';
    await server.publish("web", "1.0.0", { "templates/a.yaml": template });
    const settingsAt = { name: "argocd-cm", namespace: stage.up.namespace };
    await stage.kube.edit("ConfigMap", settingsAt, { data: { "kustomize.buildOptions": "--enable-helm" } });
    stage.world.later(async () => {
      await stage.kube.edit("ConfigMap", settingsAt, { data: { "kustomize.buildOptions": null } });
    });
    const chart = `{ name: web, repo: "${server.url}", version: ^1.0, releaseName: settings, valuesInline: { color: red } }`;
    const repository = await stage.repository({ "kustomization.yaml": `namePrefix: my-\nhelmCharts: [${chart}]\n` });

    const app = await stage.application({ repository, automated: true });
    await stage.live("ConfigMap", "my-settings", color("red 1.0.0"));

    await server.publish("web", "1.1.0", { "templates/a.yaml": template });
    await app.refresh();
    await stage.live("ConfigMap", "my-settings", color("red 1.1.0"));
    await app.synced();
  }),

  scenario("a rewritten branch is followed, a deleted one prunes nothing", async (stage) => {
    const repository = await stage.repository({ "settings.yaml": settings("main") });
    await repository.push(
      { "settings.yaml": settings("first"), "more.yaml": manifests(configMap("more")) },
      { branch: "live" },
    );
    const app = await stage.application({ repository, revision: "live", automated: true });
    await app.synced();

    await repository.git("checkout", "--quiet", "-B", "live", "main");
    writeFileSync(join(repository.directory, "settings.yaml"), settings("rewritten"));
    await repository.git("commit", "--quiet", "-a", "-m", "Rewritten");
    await repository.git("push", "--quiet", "--force", "origin", "live");
    await stage.live("ConfigMap", "settings", color("rewritten"));
    await stage.gone("ConfigMap", "more");

    await repository.removeRef("live");
    await app.condition("ComparisonError", ["live", "not found"]);
    await steadily(
      async () =>
        color("rewritten")((await stage.kube.get("ConfigMap", "settings", stage.namespace)) as KubernetesObject),
      1_000,
    );

    await repository.git("push", "--quiet", "origin", "live");
    await app.synced();
  }),
];
