// What stands in and beside a repository: submodules, remote bases of Kustomize, single files behind URLs.
import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import { composed, type Neighbours } from "#git/composed.ts";
import { mountName } from "#git/mounts.ts";
import { createGitRepositories } from "#git/repository.ts";
import type { FileContent } from "#git/seed.ts";
import type { GitServer } from "#git/server.ts";
import { createGitWorld, testClock, type GitWorld } from "#git/testing.ts";
import { createUrlFiles, type UrlFiles } from "#git/url-files.ts";
import type { ApplicationSource } from "#model/application.ts";
import { engineForTests, testPool } from "./engine/testing.ts";
import { createRenderer } from "./renderer.ts";
import type { Renderer, RenderResult } from "./types.ts";

const config = (name: string, data = "x"): string =>
  JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { a: data } });

let world: GitWorld;
let server: GitServer;
let web: Server;
let webUrl: string;
let renderer: Renderer;
let files: UrlFiles;
let count = 0;
const pages = new Map<string, string>();

beforeAll(async () => {
  world = await createGitWorld();
  server = await world.serve();
  renderer = createRenderer({
    digest: (text) => createHash("sha256").update(text).digest("hex"),
    engine: testPool(),
    kustomize: () => ({ buildOptions: "--enable-helm", versions: {} }),
  });
  files = createUrlFiles({ clock: testClock, freshMs: 0 });
  web = createServer((request, response) => {
    const page = pages.get(request.url ?? "");
    if (page?.startsWith("->")) response.writeHead(302, { location: page.slice(2) }).end();
    else response.writeHead(page === undefined ? 404 : 200).end(page);
  });
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  webUrl = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await renderer.close();
  await files.close();
  await new Promise((resolve) => web.close(resolve));
  await world.close();
});

interface Repo {
  readonly dir: string;
  readonly url: string;
  readonly name: string;
}

async function repo(): Promise<Repo> {
  const name = `b${count++}`;
  const { dir } = await world.repository(name);
  return { dir, url: server.repositoryUrl(name), name };
}

const neighbours = (allowed: (url: string) => boolean = () => true, submodules = true): Neighbours => ({
  view: allowed.toString(),
  submodules,
  open(url) {
    if (!allowed(url)) throw new DriftlessError("PROJECT_FORBIDS", `${url} is not permitted`);
    return world.repositories.open({ url });
  },
  async chart(op, { repo: from, name, version }) {
    if (!allowed(from)) throw new DriftlessError("PROJECT_FORBIDS", `${from} is not permitted`);
    const repository = world.repositories.open({ url: `${from}/${name}.git` });
    return { repository, sha: (await repository.resolve(op, version)).sha };
  },
  async file(op, { url }) {
    if (!allowed(url)) throw new DriftlessError("PROJECT_FORBIDS", `${url} is not permitted`);
    return files.get(op, { url });
  },
});

async function render(
  from: Repo,
  sha: string,
  source: Partial<ApplicationSource> = {},
  beside: Neighbours = neighbours(),
): Promise<RenderResult> {
  const repository = composed(world.repositories.open({ url: from.url }), beside);
  await repository.refresh(world.op);
  return renderer.render(world.op, {
    source: { repoURL: from.url, path: "app", ...source },
    repository,
    sha,
    appName: "shop",
    namespace: "prod",
  });
}

const namesOf = ({ objects }: RenderResult): string[] => objects.map(({ object }) => object.metadata.name ?? "");
const push = (to: Repo, changed: Record<string, FileContent | null>): Promise<string> => world.commit(to.dir, changed);
const modules = (...entries: [string, string][]): string =>
  entries.map(([path, url]) => `[submodule "${path}"]\n\tpath = ${path}\n\turl = ${url}\n`).join("");

describe("submodules", () => {
  it("are folders at their paths, by relative and absolute URLs, and nested", async () => {
    const [inner, middle, outer] = [await repo(), await repo(), await repo()];
    const innerSha = await push(inner, { "deep.yaml": config("deep") });
    const middleSha = await push(middle, {
      "m/one.yaml": config("one"),
      ".gitmodules": modules(["m/inner", inner.url]),
      "m/inner": { submodule: innerSha },
    });
    const sha = await push(outer, {
      "app/own.yaml": config("own"),
      ".gitmodules": modules(["app/lib", `../${middle.name}.git`]),
      "app/lib": { submodule: middleSha },
    });
    const recurse = { directory: { recurse: true } };
    expect(namesOf(await render(outer, sha, recurse))).toEqual(["deep", "one", "own"]);
    expect(namesOf(await render(outer, sha, { path: "app/lib/m" }))).toEqual(["one"]);
    expect(namesOf(await render(outer, sha, { path: "app/lib/m/inner" }))).toEqual(["deep"]);
    // Switched off, they are not there.
    expect(
      namesOf(
        await render(
          outer,
          sha,
          recurse,
          neighbours(() => true, false),
        ),
      ),
    ).toEqual(["own"]);
  });

  it("render anew when they move, and not when the repository around them does", async () => {
    const [module, outer] = [await repo(), await repo()];
    const first = await push(module, { "c.yaml": config("c", "1") });
    const before = await push(outer, {
      "app/kustomization.yaml": "resources: [lib/c.yaml]",
      ".gitmodules": modules(["app/lib", module.url]),
      "app/lib": { submodule: first },
    });
    if (!engineForTests()) return;
    expect((await render(outer, before)).objects[0]?.object["data"]).toEqual({ a: "1" });
    const renders = renderer.statistics.engineRenders;
    const aside = await push(outer, { "other.txt": "x" });
    await render(outer, aside);
    expect(renderer.statistics.engineRenders).toBe(renders);
    const second = await push(module, { "c.yaml": config("c", "2") });
    const after = await push(outer, { "app/lib": { submodule: second } });
    expect((await render(outer, after)).objects[0]?.object["data"]).toEqual({ a: "2" });
  });

  it("are refused where they lead in a circle, to this machine, or where the project forbids", async () => {
    const [a, b] = [await repo(), await repo()];
    const aFirst = await push(a, { "app/a.yaml": config("a") });
    const bSha = await push(b, {
      ".gitmodules": modules(["back", a.url]),
      back: { submodule: aFirst },
      "b.yaml": config("b"),
    });
    const sha = await push(a, { ".gitmodules": modules(["app/b", b.url]), "app/b": { submodule: bSha } });
    const recurse = { directory: { recurse: true } };
    await expect(render(a, sha, recurse)).rejects.toMatchObject({
      code: "RENDER_REFUSED",
      message: expect.stringContaining("lead back to it"),
    });
    await expect(
      render(
        a,
        sha,
        recurse,
        neighbours((url) => url === a.url),
      ),
    ).rejects.toMatchObject({ code: "PROJECT_FORBIDS" });
    const local = await push(a, { ".gitmodules": modules(["app/b", `file://${b.dir}`]) });
    await expect(render(a, local, recurse)).rejects.toMatchObject({
      code: "RENDER_REFUSED",
      message: expect.stringContaining("on this machine"),
    });
  });
});

describe.skipIf(!engineForTests())("remote bases", () => {
  it("are rendered at their revision, and anew when it moves", async () => {
    const [base, app] = [await repo(), await repo()];
    await push(base, { "deploy/kustomization.yaml": "resources: [c.yaml]", "deploy/c.yaml": config("c", "1") });
    await world.tag(base.dir, "v1", (await world.tip(base.dir)) ?? "");
    const sha = await push(app, {
      "app/kustomization.yaml": `namePrefix: my-\nresources:\n- ${base.url}//deploy?ref=main\n- local.yaml\n`,
      "app/local.yaml": config("local"),
      "fixed/kustomization.yaml": `resources:\n- ${base.url}//deploy?ref=v1\n`,
    });
    const result = await render(app, sha);
    expect(namesOf(result)).toEqual(["my-c", "my-local"]);
    const renders = renderer.statistics.engineRenders;
    await render(app, sha);
    expect(renderer.statistics.engineRenders).toBe(renders);
    await render(app, sha, { path: "fixed" });

    await push(base, { "deploy/c.yaml": config("c", "2") });
    await world.repositories.open({ url: base.url }).refresh(world.op);
    expect(
      (await render(app, sha)).objects.find(({ object }) => object.metadata.name === "my-c")?.object["data"],
    ).toEqual({ a: "2" });
    const moved = renderer.statistics.engineRenders;
    expect((await render(app, sha, { path: "fixed" })).objects[0]?.object["data"]).toEqual({ a: "1" });
    expect(renderer.statistics.engineRenders).toBe(moved);
    // What changes in it beside what was read renders nothing.
    await push(base, { "elsewhere.txt": "x" });
    await world.repositories.open({ url: base.url }).refresh(world.op);
    await render(app, sha);
    expect(renderer.statistics.engineRenders).toBe(moved);
  });

  it("may have bases of their own, remote ones too, components and submodules", async () => {
    const [far, base, module, app] = [await repo(), await repo(), await repo(), await repo()];
    await push(far, { "kustomization.yaml": "resources: [c.yaml]", "c.yaml": config("far") });
    const moduleSha = await push(module, { "m.yaml": config("module") });
    await push(base, {
      "over/kustomization.yaml": `resources: [../plain, ../lib/m.yaml]\ncomponents: [../comp]\n`.replace(
        ", ../lib/m.yaml",
        ", ../wrap",
      ),
      "wrap/kustomization.yaml": "resources: [lib/m.yaml]",
      "wrap/lib": { submodule: moduleSha },
      ".gitmodules": modules(["wrap/lib", `../${module.name}.git`]),
      "plain/kustomization.yaml": `resources: ["${far.url}"]`.replace(".git", ".git?ref=main"),
      "comp/kustomization.yaml":
        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ncommonAnnotations: {by: comp}\n",
    });
    const sha = await push(app, { "app/kustomization.yaml": `resources: ["${base.url}/over"]\n` });
    const result = await render(app, sha);
    expect(namesOf(result)).toEqual(["far", "module"]);
    expect(result.objects[0]?.object.metadata.annotations).toEqual({ by: "comp" });
  });

  it("say what is forbidden, where, and what is missing", async () => {
    const [base, app] = [await repo(), await repo()];
    await push(base, { "deploy/kustomization.yaml": "resources: [../../../repository/app/secret.yaml]" });
    const at = (text: string) => push(app, { "app/kustomization.yaml": text, "app/secret.yaml": config("secret") });
    const of = async (text: string, allowed?: Neighbours) => render(app, await at(text), {}, allowed);
    await expect(
      of(
        `resources:\n- ${base.url}//deploy\n`,
        neighbours(() => false),
      ),
    ).rejects.toMatchObject({
      code: "PROJECT_FORBIDS",
      message: expect.stringContaining("app/kustomization.yaml:2: "),
    });
    await expect(of(`resources:\n- ${base.url}//nowhere\n`)).rejects.toMatchObject({ code: "PATH_NOT_FOUND" });
    await expect(of(`resources:\n- ${base.url}//deploy?ref=gone\n`)).rejects.toMatchObject({
      code: "REVISION_NOT_FOUND",
    });
    await expect(of("resources:\n- file:///etc//x\n")).rejects.toMatchObject({ code: "RENDER_REFUSED" });
    // A base may not reach into the repository that uses it.
    await expect(of(`resources:\n- ${base.url}//deploy\n`)).rejects.toMatchObject({
      code: "RENDER_REFUSED",
      message: expect.stringContaining("leads out of its repository"),
    });
    await expect(of("resources: [../../beside/0/deploy]")).rejects.toMatchObject({ code: "RENDER_REFUSED" });
  });

  it("are not for sources to make up names of", async () => {
    const [base, app] = [await repo(), await repo()];
    await push(base, { "deploy/kustomization.yaml": "resources: [c.yaml]", "deploy/c.yaml": config("c") });
    const name = mountName({ kind: "git", url: base.url, revision: "", submodules: false }).replace("\0", "\\0");
    const sha = await push(app, {
      "app/kustomization.yaml": `resources: ["../${name}/deploy"]`,
      "app/link.yaml": { symlink: `../${name}/deploy/c.yaml` },
      "dir/link.yaml": { symlink: `../${mountName({ kind: "file", url: `${webUrl}/v1/c.yaml` })}` },
      "lib/a.jsonnet": `import '../${mountName({ kind: "file", url: `${webUrl}/v1/c.yaml` })}'`,
    });
    await expect(render(app, sha)).rejects.toMatchObject({ code: "RENDER_REFUSED" });
    await expect(
      render(app, sha, { path: mountName({ kind: "git", url: base.url, revision: "", submodules: false }) }),
    ).rejects.toMatchObject({ code: "SPEC_INVALID" });
    await expect(render(app, sha, { path: "lib" })).rejects.toMatchObject({ code: "RENDER_REFUSED" });
    await expect(render(app, sha, { path: "dir" })).rejects.toMatchObject({ code: "MANIFEST_INVALID" });
  });

  it("of a server that hangs cost only who needs them", async () => {
    const silent = createTcpServer(() => {}).listen(0, "127.0.0.1");
    await new Promise((resolve) => silent.once("listening", resolve));
    const { port } = silent.address() as AddressInfo;
    const impatient = createGitRepositories({
      dir: join(world.dir, "impatient"),
      clock: testClock,
      env: { PATH: process.env["PATH"] ?? "" },
      timeoutMs: 1500,
    });
    const app = await repo();
    const others = Object.fromEntries(
      Array.from({ length: 50 }, (_, i) => [
        [`ok${i}/kustomization.yaml`, "resources: [a.yaml]"],
        [`ok${i}/a.yaml`, config(`a${i}`)],
      ]).flat(),
    ) as Record<string, string>;
    const sha = await push(app, {
      "app/kustomization.yaml": `resources: ["http://127.0.0.1:${port}/x.git//deploy?ref=main"]`,
      ...others,
    });
    const beside: Neighbours = { ...neighbours(), open: (url) => impatient.open({ url }) };
    const began = performance.now();
    let hangingMs = 0;
    const hanging = render(app, sha, {}, beside).finally(() => (hangingMs = performance.now() - began));
    hanging.catch(() => {});
    const done = await Promise.all(Array.from({ length: 50 }, (_, i) => render(app, sha, { path: `ok${i}` })));
    expect(done.flatMap(namesOf)).toHaveLength(50);
    await expect(hanging).rejects.toMatchObject({
      code: "REPOSITORY_UNREACHABLE",
      message: expect.stringContaining("no answer within 1.5 s"),
    });
    expect(hangingMs).toBeGreaterThan(1400);
    await impatient.close();
    silent.close();
  });

  it("in a circle are told as one", async () => {
    const [a, b] = [await repo(), await repo()];
    await push(a, { "app/kustomization.yaml": `resources: ["${b.url}?ref=main"]` });
    await push(b, { "kustomization.yaml": `resources: ["${a.url}/app?ref=main"]` });
    await expect(render(a, (await world.tip(a.dir)) ?? "")).rejects.toMatchObject({
      code: "RENDER_FAILED",
      message: expect.stringContaining("cycle"),
    });
  });

  it("come from the Application's components too", async () => {
    const [base, app] = [await repo(), await repo()];
    await push(base, {
      "comp/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamePrefix: c-\n",
    });
    const sha = await push(app, { "app/kustomization.yaml": "resources: [a.yaml]", "app/a.yaml": config("a") });
    const kustomize = { components: [`${base.url}//comp?ref=main`] };
    expect(namesOf(await render(app, sha, { kustomize }))).toEqual(["c-a"]);
  });

  it("may be charts, whose versions move", async () => {
    const [chart, app] = [await repo(), await repo()];
    const files = (data: string): Record<string, string> => ({
      "Chart.yaml": `apiVersion: v2\nname: ${chart.name}\nversion: 1.0.0\n`,
      "values.yaml": `data: ${data}\n`,
      "templates/c.yaml":
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}, namespace: {{ .Release.Namespace }}}\ndata: {a: {{ .Values.data }}, b: {{ .Values.other }}}\n",
    });
    await push(chart, files("one"));
    const text = `namespace: ns\nnamePrefix: p-\nhelmCharts:\n- name: ${chart.name}\n  repo: ${server.url}\n  version: main\n  releaseName: rel\n  valuesInline: {other: o}\n`;
    const sha = await push(app, { "app/kustomization.yaml": text });
    const before = await render(app, sha);
    expect(before.objects[0]?.object).toMatchObject({
      metadata: { name: "p-rel", namespace: "ns" },
      data: { a: "one", b: "o" },
    });
    await push(chart, files("two"));
    await world.repositories.open({ url: chart.url }).refresh(world.op);
    expect((await render(app, sha)).objects[0]?.object["data"]).toEqual({ a: "two", b: "o" });
    await expect(
      render(
        app,
        sha,
        {},
        neighbours((url) => url === app.url),
      ),
    ).rejects.toMatchObject({
      code: "PROJECT_FORBIDS",
      message: expect.stringContaining(`app/kustomization.yaml:5: ${chart.name} of `),
    });
  });

  it("single files are resources, patches and data", async () => {
    const app = await repo();
    pages.set("/v1/c.yaml", `${config("web")}\n`);
    pages.set("/latest", `->${webUrl}/v1/c.yaml`);
    pages.set("/p.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {b: patched}\n");
    pages.set("/app.conf", "key=value\n");
    const sha = await push(app, {
      "app/kustomization.yaml": `
resources: ["${webUrl}/v1/c.yaml"]
patches: [{path: "${webUrl}/p.yaml"}]
configMapGenerator: [{name: g, files: ["${webUrl}/app.conf", "other=${webUrl}/app.conf"], options: {disableNameSuffixHash: true}}]
`,
      "again/kustomization.yaml": `resources: ["${webUrl}/latest"]`,
      "gone/kustomization.yaml": `resources: ["${webUrl}/gone.yaml"]`,
    });
    const result = await render(app, sha);
    expect(namesOf(result)).toEqual(["g", "web"]);
    expect(result.objects[0]?.object["data"]).toEqual({ "app.conf": "key=value\n", other: "key=value\n" });
    expect(result.objects[1]?.object["data"]).toEqual({ a: "x", b: "patched" });
    pages.set("/v1/c.yaml", config("web", "changed"));
    expect((await render(app, sha)).objects[1]?.object["data"]).toEqual({ a: "changed", b: "patched" });
    await expect(render(app, sha, { path: "gone" })).rejects.toMatchObject({
      code: "REPOSITORY_UNREACHABLE",
      message: expect.stringContaining("gone/kustomization.yaml:1: "),
    });
    await expect(
      render(
        app,
        sha,
        {},
        neighbours((url) => !url.startsWith(webUrl)),
      ),
    ).rejects.toMatchObject({ code: "PROJECT_FORBIDS" });
  });
});
