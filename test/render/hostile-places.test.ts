// Bad places: a chart repository that hangs, a base on a forbidden repository, a repository far too large to fetch whole.
// Each is told in time or costs little, while fifty other renders end unharmed. As the controller opens sources.
import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DriftlessError } from "#base/errors.ts";
import { createArtifacts } from "#controllers/application/desired/artifacts.ts";
import { createNeighbours } from "#controllers/application/desired/neighbours.ts";
import { Sources, type RenderedSource } from "#controllers/application/desired/sources.ts";
import type { GitServer } from "#git/server.ts";
import { createPoller } from "#git/poller.ts";
import { createGitWorld, testClock, type GitWorld } from "#git/testing.ts";
import { createUrlFiles, type UrlFiles } from "#git/url-files.ts";
import type { ApplicationSource } from "#model/application.ts";
import { createRegistries } from "#registry/registries.ts";
import { startHelmServer, type HelmServer } from "#registry/testing/helm-server.ts";
import type { Registries } from "#registry/types.ts";
import { engineForTests, testPool } from "#render/engine/testing.ts";
import { createRenderer } from "#render/renderer.ts";
import type { Renderer } from "#render/types.ts";

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");
const object = (name: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\n`;
/** What a registry has for one answer here. */
const timeoutMs = 1500;

describe.skipIf(!engineForTests())("bad places", () => {
  let world: GitWorld;
  let server: GitServer;
  let charts: HelmServer;
  let registries: Registries;
  let files: UrlFiles;
  let renderer: Renderer;
  let sources: Sources;
  const allowed: string[] = [];

  beforeAll(async () => {
    world = await createGitWorld();
    [server, charts] = await Promise.all([world.serve(), startHelmServer()]);
    registries = createRegistries({ dir: join(world.dir, "registry"), clock: testClock, timeoutMs });
    files = createUrlFiles({ clock: testClock });
    renderer = createRenderer({ digest, engine: testPool({ timeoutMs: 20_000 }) });
    const poller = createPoller(world.op, { clock: testClock, random: { next: () => 0 }, intervalMs: 0 });
    const signatures = {
      asks: () => false,
      pass: async () => {},
      passRegistry: () => {},
      describe: async () => undefined,
    };
    sources = new Sources({
      repositories: world.repositories,
      artifacts: createArtifacts({ registries, poller, access: (url) => ({ url }) }),
      renderer,
      access: (url) => ({ url }),
      neighbours: createNeighbours({
        project: () => ({
          apiVersion: "argoproj.io/v1alpha1",
          kind: "AppProject",
          metadata: { name: "shop" },
          spec: { sourceRepos: allowed },
        }),
        access: (url) => ({ url }),
        openQuietly: (access) => world.repositories.open(access),
        files,
        signatures,
        submodules: () => true,
        chartRepository: (written) => written,
        valuesFileSchemes: () => ["https"],
      }),
      affected: () => {},
      op: world.op,
    });
    const good = await world.repository("good");
    const at = server.repositoryUrl("good");
    await world.commit(good.dir, {
      "chart/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
      "chart/templates/a.yaml": object("{{ .Release.Name }}"),
      "overlay/kustomization.yaml": "resources: [../base]\n",
      "base/kustomization.yaml": "resources: [a.yaml]\n",
      "base/a.yaml": object("a"),
      "plain/a.yaml": object("plain"),
    });
    allowed.push(at, charts.url);
  });
  afterAll(async () => {
    sources.close();
    await renderer.close();
    await Promise.all([registries.close(), files.close(), charts.close()]);
    await world.close();
  });

  const render = (source: ApplicationSource): Promise<readonly RenderedSource[]> =>
    sources.renderAt(
      world.op,
      { application: "a", appName: "shop", project: "shop", namespace: "prod", sources: [source] },
      [undefined],
    );

  let round = 0;
  /** Fifty sources that nobody has rendered before; how many objects each has. */
  const others = (): Promise<number[]> => {
    round++;
    return Promise.all(
      Array.from({ length: 50 }, async (_, at) => {
        const repoURL = server.repositoryUrl("good");
        const kinds: ApplicationSource[] = [
          { repoURL, path: "chart", helm: { releaseName: `r${round}-${at}` } },
          { repoURL, path: "overlay", kustomize: { nameSuffix: `-${round}-${at}` } },
          { repoURL, path: "plain" },
        ];
        const [rendered] = await render(kinds[at % kinds.length]!);
        return rendered?.result.objects.length ?? 0;
      }),
    );
  };
  const unharmed = Array.from({ length: 50 }, () => 1);

  const failureOf = async (source: ApplicationSource): Promise<{ error: DriftlessError; ms: number }> => {
    const started = performance.now();
    const error = await render(source).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    return { error: error as DriftlessError, ms: performance.now() - started };
  };
  const inGit = async (name: string, content: Readonly<Record<string, string>>): Promise<ApplicationSource> => {
    const { dir } = await world.repository(name);
    await world.commit(dir, content);
    const repoURL = server.repositoryUrl(name);
    allowed.push(repoURL);
    return { repoURL, path: "." };
  };

  it("a chart repository that hangs", async () => {
    charts.answer("hang");
    const umbrella = await inGit("umbrella", {
      "Chart.yaml": `apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies: [{ name: db, version: ^1, repository: "${charts.url}" }]\n`,
    });
    const [own, dependency, counts] = await Promise.all([
      failureOf({ repoURL: charts.url, chart: "web", targetRevision: "^1" }),
      failureOf(umbrella),
      others(),
    ]);
    for (const { error, ms } of [own, dependency]) {
      expect(error).toMatchObject({ code: "REPOSITORY_UNREACHABLE" });
      expect(error.message).toContain(`${charts.url}/index.yaml: no answer within 1.5 s`);
      expect(ms).toBeLessThan(timeoutMs + 10_000);
    }
    expect(counts).toEqual(unharmed);
  });

  it.each([
    ["a base", "remote base", (url: string) => ({ "kustomization.yaml": `resources: ["${url}//base?ref=main"]\n` })],
    [
      "a file",
      "file",
      (url: string) => ({ "kustomization.yaml": `resources: ["${url.replace(/\.git$/, "")}/a.yaml"]\n` }),
    ],
    [
      "a dependency",
      "chart repository",
      (url: string) => ({
        "Chart.yaml": `apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies: [{ name: db, version: ^1, repository: "${url}" }]\n`,
      }),
    ],
  ])("%s of a repository that the project forbids, which is never asked", async (name, what, content) => {
    const forbidden = await world.repository("forbidden");
    await world.commit(forbidden.dir, {
      "base/kustomization.yaml": "resources: [a.yaml]\n",
      "base/a.yaml": object("a"),
    });
    const own = await world.serve();
    const url = own.repositoryUrl("forbidden");
    const source = await inGit(`names-${name.replace(/^an? /, "")}`, content(url));
    const [{ error, ms }, counts] = await Promise.all([failureOf(source), others()]);
    expect(error).toMatchObject({ code: "PROJECT_FORBIDS" });
    expect(error.message).toContain(`project shop does not permit the ${what} ${url.replace(/\.git$/, "")}`);
    expect(error.message).toContain("add it to spec.sourceRepos");
    expect(ms).toBeLessThan(10_000);
    expect(own.sentBytes).toBe(0);
    expect(counts).toEqual(unharmed);
  });

  it("a repository of hundreds of megabytes, of which little is fetched or held", { timeout: 120_000 }, async () => {
    const { dir } = await world.repository("huge");
    // As they are: packing them would take longer than everything else here.
    await promisify(execFile)("git", ["--git-dir", dir, "config", "core.compression", "0"], { env: world.program.env });
    for (let at = 0; at < 10; at++)
      await world.commit(
        dir,
        Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`media/${at}/${i}.bin`, randomBytes(5 << 20)])),
      );
    await world.commit(dir, { "apps/web/a.yaml": object("web"), "apps/web/b.yaml": object("b") });
    expect(bytesBelow(dir)).toBeGreaterThan(240 << 20);
    allowed.push(server.repositoryUrl("huge"));
    const before = {
      sent: server.sentBytes,
      held: process.memoryUsage().arrayBuffers,
      disk: bytesBelow(join(world.dir, "git")),
    };
    let held = 0;
    const watch = setInterval(() => (held = Math.max(held, process.memoryUsage().arrayBuffers)), 10);
    const [rendered, counts] = await Promise.all([
      render({ repoURL: server.repositoryUrl("huge"), path: "apps/web" }),
      others(),
    ]);
    clearInterval(watch);
    expect(rendered[0]?.result.objects.map(({ object: { metadata } }) => metadata.name)).toEqual(["web", "b"]);
    expect(counts).toEqual(unharmed);
    expect(server.sentBytes - before.sent).toBeLessThan(1 << 20);
    expect(bytesBelow(join(world.dir, "git")) - before.disk).toBeLessThan(4 << 20);
    expect(held - before.held).toBeLessThan(64 << 20);
  });
});

function bytesBelow(dir: string): number {
  let sum = 0;
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) sum += statSync(join(entry.parentPath, entry.name)).size;
  return sum;
}
