// What targetRevision may name, over which protocols, and how news of a push arrives.
import { execFileSync, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { silentLogger, type Operation } from "#base/operation.ts";
import type { KubernetesObject } from "#model/object.ts";
import { baseEnvironment } from "#git/process.ts";
import { startGitServer } from "#git/server.ts";
import { steadily } from "../../support/eventually.ts";
import { cloneRepository, createBare, type Files, type Repository } from "../../support/repository.ts";
import { endWithThisProcess } from "../../support/up.ts";
import { configMap, manifests, scenario, type Scenario, type Stage } from "../../support/scenario.ts";

const settings = (color: string): Files => ({ "settings.yaml": manifests(configMap("settings", { color })) });
const color = (name: string) => (object: KubernetesObject) => expect(object["data"]).toEqual({ color: name });

/** A Git server beside `driftless up`, with a login, as somebody else's would be. */
async function foreignServer(stage: Stage, login?: { username: string; password: string }): Promise<Repository> {
  const root = mkdtempSync(join(tmpdir(), "driftless-server-"));
  const ending = new AbortController();
  const op: Operation = { signal: ending.signal, log: silentLogger };
  const program = { path: "git", env: baseEnvironment({ PATH: process.env["PATH"] ?? "" }, root) };
  const server = await startGitServer(op, { root, program, ...(login ? { readLogin: login, pushLogin: login } : {}) });
  await server.create(op, `team/${stage.name}`);
  const url = new URL(server.repositoryUrl(`team/${stage.name}`));
  if (login) Object.assign(url, login);
  const repository = await cloneRepository(url.href);
  stage.world.later(async () => {
    repository.close();
    ending.abort();
    await server.close();
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  });
  return { ...repository, url: server.repositoryUrl(`team/${stage.name}`) };
}

/** `git daemon`, which serves the protocol git:// and nothing else; resolves with its port. */
async function gitDaemon(stage: Stage, root: string): Promise<number> {
  const port = await freePort();
  const program = join(execFileSync("git", ["--exec-path"], { encoding: "utf8" }).trim(), "git-daemon");
  const args = ["--reuseaddr", "--listen=127.0.0.1", `--port=${port}`, "--export-all", `--base-path=${root}`];
  const child = spawn(program, [...args, "--enable=receive-pack", root], { stdio: "ignore" });
  child.on("error", () => {});
  endWithThisProcess(child);
  stage.world.later(() => {
    child.kill("SIGKILL");
  });
  return port;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

const revisions: readonly Scenario[] = [
  scenario("a branch, a tag, a commit and HEAD are followed as what they are", async (stage) => {
    const repository = await stage.repository(settings("first"));
    const first = await repository.git("rev-parse", "HEAD");
    await repository.tag("stable", "A tag with a message");
    const wishes = [
      { suffix: "branch", revision: "release/1" },
      { suffix: "tag", revision: "stable" },
      { suffix: "commit", revision: first.slice(0, 12) },
      { suffix: "head", revision: "HEAD" },
    ];
    const second = await repository.push(settings("second"));
    const third = await repository.push(settings("third"), { branch: "release/1" });
    const apps = await Promise.all(
      wishes.map(async (wish) => {
        const namespace = await stage.targetNamespace(`${stage.namespace}-${wish.suffix}`);
        return stage.application({ ...wish, repository, namespace, automated: true });
      }),
    );

    const expected = [third, first, first, second];
    await Promise.all(apps.map((app, index) => app.is({ sync: "Synced", revision: expected[index]! })));
    for (const [suffix, name] of [
      ["branch", "third"],
      ["tag", "first"],
      ["commit", "first"],
      ["head", "second"],
    ] as const)
      await stage.live("ConfigMap", "settings", color(name), { namespace: `${stage.namespace}-${suffix}` });

    await repository.git("tag", "-f", "stable");
    await repository.git("push", "--quiet", "--force", "origin", "refs/tags/stable");
    await stage.live("ConfigMap", "settings", color("third"), { namespace: `${stage.namespace}-tag` });
    const fourth = await repository.push(settings("fourth"), { branch: "main" });
    await stage.live("ConfigMap", "settings", color("fourth"), { namespace: `${stage.namespace}-head` });
    await apps[3]!.is({ sync: "Synced", revision: fourth });
    await apps[2]!.is({ sync: "Synced", revision: first });
  }),

  scenario("a version range follows the highest tag in it", async (stage) => {
    const repository = await stage.repository(settings("1.0.0"));
    await repository.tag("v1.0.0");
    const app = await stage.application({ repository, revision: "1.x", automated: true });
    await stage.live("ConfigMap", "settings", color("1.0.0"));

    for (const version of ["1.2.0", "1.10.0", "2.0.0", "1.11.0-rc.1"]) {
      await repository.push(settings(version));
      await repository.tag(`v${version}`);
    }

    await stage.live("ConfigMap", "settings", color("1.10.0"));
    await app.is({ sync: "Synced", revision: await repository.git("rev-parse", "v1.10.0^{commit}") });
  }),

  scenario("an edited targetRevision is followed at once", async (stage) => {
    const repository = await stage.repository(settings("main"));
    await repository.push(settings("next"), { branch: "next" });
    const app = await stage.application({ repository, automated: true });
    await stage.live("ConfigMap", "settings", color("main"));

    await app.edit({ spec: { source: { targetRevision: "next" } } });

    await stage.live("ConfigMap", "settings", color("next"));
    await app.synced();
  }),
];

const news: readonly Scenario[] = [
  scenario("the refresh annotation asks the repository and is removed", async (stage) => {
    const repository = await stage.fileRepository();
    await repository.push(settings("blue"));
    const app = await stage.application({ repository, automated: true });
    await stage.live("ConfigMap", "settings", color("blue"));
    await app.synced();
    const commit = await repository.push(settings("green"));
    await steadily(() => stage.live("ConfigMap", "settings", color("blue"), { withinMs: 0 }), 500);

    await app.refresh("normal");

    await stage.live("ConfigMap", "settings", color("green"));
    await app.is({ sync: "Synced", revision: commit });
    const last = await repository.push(settings("red"));
    await app.refresh("hard");
    await stage.live("ConfigMap", "settings", color("red"));
    await app.is({ sync: "Synced", revision: last });
  }),

  scenario("a repository is followed over the git protocol", async (stage) => {
    const root = mkdtempSync(join(tmpdir(), "driftless-daemon-"));
    stage.world.later(() => rmSync(root, { recursive: true, force: true, maxRetries: 5 }));
    await createBare(join(root, "team", "settings.git"));
    const port = await gitDaemon(stage, root);
    const repository = await stage.until(() => cloneRepository(`git://127.0.0.1:${port}/team/settings.git`));
    stage.world.later(() => repository.close());
    await repository.push(settings("blue"));
    const app = await stage.application({ repository, automated: true });
    await stage.live("ConfigMap", "settings", color("blue"));

    const commit = await repository.push(settings("green"));
    await app.refresh();

    await stage.live("ConfigMap", "settings", color("green"));
    await app.is({ sync: "Synced", revision: commit });
  }),

  scenario("a GET with refresh answers with what is in the repository now", async (stage) => {
    const repository = await stage.fileRepository();
    await repository.push(settings("blue"));
    const app = await stage.application({ repository });
    await app.is({ sync: "OutOfSync" });
    const commit = await repository.push(settings("green"));

    const answer = await stage.up.api.must("GET", `/api/v1/applications/${app.name}?refresh=normal`);

    expect(answer).toMatchObject({ status: { sync: { revision: commit } } });
  }),

  scenario("a repository that asks for a login is read with its Secret", async (stage) => {
    const login = { username: "robot", password: "s3cret/with:signs" };
    const repository = await foreignServer(stage, login);
    await repository.push(settings("blue"));
    const app = await stage.application({ repository, automated: true });
    await app.condition("ComparisonError", [repository.url]);

    await stage.kube.create({
      apiVersion: "v1",
      kind: "Secret",
      metadata: {
        name: stage.namespace,
        namespace: stage.up.namespace,
        labels: { "argocd.argoproj.io/secret-type": "repository" },
      },
      stringData: { type: "git", url: repository.url, ...login },
    });

    await stage.live("ConfigMap", "settings", color("blue"), { withinMs: 30_000 });
    await app.synced();
    expect(JSON.stringify(await app.get())).not.toContain(login.password);
    expect(stage.up.log()).not.toContain(login.password);
  }),
];

interface Hook {
  readonly host: string;
  /** Key in argocd-secret and its value. */
  readonly secret: readonly [string, string];
  readonly request: (push: Pushed) => { headers: Record<string, string>; body: string };
}

interface Pushed {
  readonly url: string;
  readonly before: string;
  readonly after: string;
  readonly secret: string;
}

const hmac = (secret: string, body: string): string => createHmac("sha256", secret).update(body).digest("hex");

const hosts: readonly Hook[] = [
  {
    host: "GitHub",
    secret: ["webhook.github.secret", "github's"],
    request: ({ url, before, after, secret }) => {
      const repository = { clone_url: url, html_url: url.replace(/\.git$/, ""), default_branch: "main" };
      const body = JSON.stringify({ ref: "refs/heads/main", before, after, repository, commits: [] });
      return { headers: { "x-github-event": "push", "x-hub-signature-256": `sha256=${hmac(secret, body)}` }, body };
    },
  },
  {
    host: "GitLab",
    secret: ["webhook.gitlab.secret", "gitlab's"],
    request: ({ url, before, after, secret }) => {
      const project = { git_http_url: url, web_url: url.replace(/\.git$/, ""), default_branch: "main" };
      const body = JSON.stringify({ object_kind: "push", ref: "refs/heads/main", before, after, project, commits: [] });
      return { headers: { "x-gitlab-event": "Push Hook", "x-gitlab-token": secret }, body };
    },
  },
  {
    host: "Gitea",
    secret: ["webhook.gogs.secret", "gitea's"],
    request: ({ url, before, after, secret }) => {
      const repository = { clone_url: url, html_url: url.replace(/\.git$/, ""), default_branch: "main" };
      const body = JSON.stringify({ ref: "refs/heads/main", before, after, repository, commits: [] });
      const headers = { "x-gitea-event": "push", "x-github-event": "push", "x-gitea-signature": hmac(secret, body) };
      return { headers, body };
    },
  },
  {
    host: "Bitbucket",
    secret: ["webhook.bitbucket.uuid", "{5ca1ab1e}"],
    request: ({ url, before, after, secret }) => {
      const href = url.replace(/\.git$/, "");
      const side = (hash: string) => ({ type: "branch", name: "main", target: { hash } });
      const body = JSON.stringify({
        repository: { full_name: new URL(href).pathname.slice(1), links: { html: { href } } },
        push: { changes: [{ old: side(before), new: side(after) }] },
      });
      return { headers: { "x-event-key": "repo:push", "x-hook-uuid": secret }, body };
    },
  },
];

const webhooks: readonly Scenario[] = hosts.map(({ host, secret: [key, value], request }) =>
  scenario(`a webhook of ${host} brings a commit at once`, async (stage) => {
    const repository = await foreignServer(stage);
    const before = await repository.push(settings("blue"));
    const app = await stage.application({ repository, automated: true });
    await stage.live("ConfigMap", "settings", color("blue"));
    const secret = { name: "argocd-secret", namespace: stage.up.namespace };
    await stage.kube.edit("Secret", secret, { stringData: { [key]: value } });
    const after = await repository.push(settings("green"));
    const push = { url: repository.url, before, after };

    const forged = request({ ...push, secret: "guessed" });
    const refused = await stage.up.api.webhook(forged.headers, forged.body);
    expect([400, 401]).toContain(refused.status);
    await steadily(() => stage.live("ConfigMap", "settings", color("blue"), { withinMs: 0 }), 400);

    const { headers, body } = request({ ...push, secret: value });
    expect(await stage.up.api.webhook(headers, body)).toMatchObject({ status: 200 });
    await stage.live("ConfigMap", "settings", color("green"), { withinMs: 5_000 });
    await app.is({ sync: "Synced", revision: after });
  }),
);

export const following: readonly Scenario[] = [...revisions, ...news, ...webhooks];
