// Charts and artifacts of registries as sources, and the dependencies of charts: rendered by the engine, from real servers.
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import { composed, type Neighbours } from "#git/composed.ts";
import { createGitWorld, testClock, type GitWorld } from "#git/testing.ts";
import { createUrlFiles } from "#git/url-files.ts";
import type { ApplicationSource } from "#model/application.ts";
import { createRegistries } from "#registry/registries.ts";
import { startHelmServer, type HelmServer } from "#registry/testing/helm-server.ts";
import { startOciServer, type OciServer } from "#registry/testing/oci-server.ts";
import type { Registries, RegistryAccess } from "#registry/types.ts";
import { artifactRepository, type ArtifactRepository } from "./artifact-repository.ts";
import { engineForTests, testPool } from "./engine/testing.ts";
import { createRenderer } from "./renderer.ts";
import type { Renderer, RenderRequest, RenderResult } from "./types.ts";

let world: GitWorld;
let renderer: Renderer;
let registries: Registries;
let helm: HelmServer;
let oci: OciServer;
let dir: string;
const names = new Map<string, string>();
const urlFiles = createUrlFiles({ clock: testClock, freshMs: 0 });

beforeAll(async () => {
  world = await createGitWorld();
  dir = mkdtempSync(join(tmpdir(), "driftless-charts-"));
  registries = createRegistries({ dir, clock: testClock, timeoutMs: 5000, lookAgainMs: 0 });
  renderer = createRenderer({
    digest: (text) => createHash("sha256").update(text).digest("hex"),
    engine: testPool(),
  });
  [helm, oci] = [await startHelmServer(), await startOciServer()];
  names.set("shop", helm.url);
});
afterAll(async () => {
  await renderer.close();
  await registries.close();
  await Promise.all([helm.close(), oci.close(), world.close()]);
  rmSync(dir, { recursive: true, force: true });
});

const accessTo = (url: string): RegistryAccess => {
  const name = /^(?:@|alias:)(.*)$/.exec(url)?.[1];
  return { url: name === undefined ? url : (names.get(name) ?? ""), forceHttp: true };
};

const neighbours: Neighbours = {
  view: "default",
  submodules: true,
  open: () => {
    throw new DriftlessError("RENDER_REFUSED", "no repositories here");
  },
  async chart(op, { repo, name, version }) {
    const chart = artifactRepository(registries.open(accessTo(repo), name));
    const { sha } = await chart.resolve(op, version);
    return { repository: await chart.pinned(op, sha), sha };
  },
  file: (op, { url }) => urlFiles.get(op, { url }),
};

function place(repoURL: string, chart?: string): ArtifactRepository {
  return artifactRepository(registries.open(accessTo(repoURL), chart));
}

async function render(
  source: ApplicationSource,
  more: Partial<RenderRequest> = {},
): Promise<RenderResult & { readonly revision: string }> {
  const artifact = place(source.repoURL, source.chart);
  const { sha } = await artifact.resolve(world.op, source.targetRevision ?? "");
  const result = await renderer.render(world.op, {
    source,
    repository: composed(await artifact.pinned(world.op, sha), neighbours),
    sha,
    appName: "rel",
    namespace: "prod",
    ...more,
  });
  return { ...result, revision: sha };
}

let count = 0;
async function inGit(
  files: Record<string, string>,
  source: Partial<ApplicationSource> = {},
): Promise<RenderResult & { readonly again: () => Promise<RenderResult> }> {
  const { dir: folder, url } = await world.repository(`charts${count++}`);
  const sha = await world.commit(folder, files);
  const repository = world.repositories.open({ url });
  await repository.refresh(world.op);
  const again = (): Promise<RenderResult> =>
    renderer.render(world.op, {
      source: { repoURL: url, path: ".", ...source },
      repository: composed(repository, neighbours),
      sha,
      appName: "rel",
      namespace: "prod",
    });
  return { ...(await again()), again };
}

async function failure(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof DriftlessError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "none";
}

const template = (name: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: "${name}" }\ndata:\n  chart: "{{ .Chart.Name }} {{ .Chart.Version }}"\n  values: {{ toJson .Values | quote }}\n`;
const chartFile = (name: string, dependencies = "", more = ""): string =>
  `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n${dependencies === "" ? "" : `dependencies:\n${dependencies}`}${more}`;
const data = (result: RenderResult, name: string): Record<string, string> | undefined =>
  (result.objects.find(({ object }) => object.metadata.name === name)?.object as { data?: Record<string, string> })
    ?.data;
const ids = (result: RenderResult): string[] => result.objects.map(({ object }) => object.metadata.name ?? "").sort();

describe.skipIf(!engineForTests())("charts and artifacts of registries", () => {
  it("a chart of a Helm repository, with parameters, values and its own value files", async () => {
    await helm.publish("web", "1.2.3", {
      "values.yaml": "a: default\nb: default\nc: default\n",
      "values-prod.yaml": "b: prod\n",
      "templates/a.yaml": template("{{ .Release.Name }}-web"),
    });
    const result = await render({
      repoURL: helm.url,
      chart: "web",
      targetRevision: "^1.0",
      helm: { valueFiles: ["values-prod.yaml"], parameters: [{ name: "c", value: "param" }] },
    });
    expect(result.revision).toBe("1.2.3");
    expect(result.sourceType).toBe("Helm");
    expect(data(result, "rel-web")).toEqual({
      chart: "web 1.2.3",
      values: JSON.stringify({ a: "default", b: "prod", c: "param", global: undefined }),
    });
  });

  it("value files of another source by its ref", async () => {
    await helm.publish("ref", "1.0.0", { "values.yaml": "a: default\n", "templates/a.yaml": template("ref") });
    const { dir: folder, url } = await world.repository("values");
    const sha = await world.commit(folder, { "envs/prod.yaml": "a: from-git\n" });
    const repository = world.repositories.open({ url });
    await repository.refresh(world.op);
    const result = await render(
      { repoURL: helm.url, chart: "ref", targetRevision: "1.0.0", helm: { valueFiles: ["$values/envs/prod.yaml"] } },
      { refs: { values: { repository, sha } } },
    );
    expect(data(result, "ref")?.["values"]).toContain("from-git");
    expect(result.refReads?.["values"]?.files.map(({ path }) => path)).toEqual(["envs/prod.yaml"]);
  });

  it("value files of another chart by its ref", async () => {
    await helm.publish("presets", "1.0.0", { "big.yaml": "a: from-presets\n" });
    await helm.publish("user", "1.0.0", { "values.yaml": "a: default\n", "templates/a.yaml": template("user") });
    const presets = await place(helm.url, "presets").pinned(world.op, "1.0.0");
    const result = await render(
      { repoURL: helm.url, chart: "user", targetRevision: "1.0.0", helm: { valueFiles: ["$presets/big.yaml"] } },
      { refs: { presets: { repository: presets, sha: "1.0.0" } } },
    );
    expect(data(result, "user")?.["values"]).toContain("from-presets");
  });

  it("value files and file parameters behind a URL, read anew when they change", async () => {
    await helm.publish("url", "1.0.0", { "values.yaml": "a: default\n", "templates/a.yaml": template("url") });
    helm.answer({ status: 200, body: "a: from-url\n" }, "/prod.yaml");
    helm.answer({ status: 200, body: "a text" }, "/some.txt");
    const source = {
      repoURL: helm.url,
      chart: "url",
      targetRevision: "1.0.0",
      helm: {
        valueFiles: [`${helm.url}/prod.yaml`],
        fileParameters: [{ name: "b", path: `${helm.url}/some.txt` }],
      },
    };
    expect(JSON.parse(data(await render(source), "url")?.["values"] ?? "")).toMatchObject({
      a: "from-url",
      b: "a text",
    });
    helm.answer({ status: 200, body: "a: changed\n" }, "/prod.yaml");
    expect(JSON.parse(data(await render(source), "url")?.["values"] ?? "")).toMatchObject({ a: "changed" });
    helm.answer({ status: 404 }, "/prod.yaml");
    expect(await failure(render(source))).toMatch(/^REPOSITORY_UNREACHABLE: .*prod\.yaml.*404/);
    helm.answer({ status: 200, body: "a: [\n" }, "/prod.yaml");
    expect(await failure(render(source))).toMatch(/^RENDER_FAILED: http.*\/prod\.yaml:\d+: /);
  });

  it("a version that was published anew is rendered anew, and one that was not is not", async () => {
    const source = { repoURL: helm.url, chart: "anew", targetRevision: "1.0.0" };
    await helm.publish("anew", "1.0.0", { "values.yaml": "a: old\n", "templates/a.yaml": template("anew") });
    expect(data(await render(source), "anew")?.["values"]).toContain("old");
    const before = renderer.statistics.engineRenders;
    await render(source);
    expect(renderer.statistics.engineRenders).toBe(before);
    await helm.publish("anew", "1.0.0", { "values.yaml": "a: new\n", "templates/a.yaml": template("anew") });
    await place(helm.url, "anew").refresh(world.op);
    expect(data(await render(source), "anew")?.["values"]).toContain("new");
  });

  it("errors in a chart's templates say the file in the chart, and the line", async () => {
    await helm.publish("bad", "1.0.0", { "templates/a.yaml": "a: 1\nb: {{ .Values.x.y }}\n" });
    expect(await failure(render({ repoURL: helm.url, chart: "bad", targetRevision: "1.0.0" }))).toMatch(
      /^RENDER_FAILED: templates\/a\.yaml:2:13: .*nil pointer/s,
    );
  });

  it("an archive that is no chart", async () => {
    await oci.push("charts/none", "1.0.0", {
      bytes: await import("#registry/testing/archives.ts").then(({ tgzOf }) => tgzOf({ "none/x.yaml": "a: b" })),
      mediaType: "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
    });
    const source = { repoURL: `oci://${oci.host}/charts`, chart: "none", targetRevision: "1.0.0" };
    expect(await failure(render(source))).toBe("RENDER_FAILED: Chart.yaml file is missing");
  });

  it("manifests, an overlay and a chart as OCI artifacts", async () => {
    const repoURL = `oci://${oci.host}/team/config`;
    await oci.pushFiles("team/config", "1.0.0", {
      "plain/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: plain }\n",
      "overlay/kustomization.yaml": "resources: [../base]\nnamePrefix: my-\n",
      "base/kustomization.yaml": "resources: [b.yaml]\n",
      "base/b.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: plain }\n",
      "chart/Chart.yaml": chartFile("inner"),
      "chart/templates/a.yaml": template("inner"),
    });
    const kinds: [string, string, string][] = [
      ["plain", "Directory", "plain"],
      ["overlay", "Kustomize", "my-plain"],
      ["chart", "Helm", "inner"],
    ];
    for (const [path, type, name] of kinds) {
      const result = await render({ repoURL, path, targetRevision: "1.x" });
      expect([result.sourceType, ...ids(result)]).toEqual([type, name]);
      expect(result.revision).toMatch(/^sha256:[0-9a-f]{64}$/);
    }
    expect(await failure(render({ repoURL, path: "none", targetRevision: "1.0.0" }))).toMatch(
      /^PATH_NOT_FOUND: spec\.source\.path "none": no such directory/,
    );
  });

  it("a chart as an OCI artifact, without its folder", async () => {
    await oci.pushChart("charts", "alone", "1.0.0", { "templates/a.yaml": template("alone") });
    const result = await render({ repoURL: `oci://${oci.host}/charts/alone`, path: ".", targetRevision: "1.0.0" });
    expect([result.sourceType, ...ids(result)]).toEqual(["Helm", "alone"]);
  });
});

describe.skipIf(!engineForTests())("the dependencies of a chart in Git", () => {
  beforeAll(async () => {
    for (const version of ["1.0.0", "1.1.0"])
      await helm.publish("dep", version, {
        "values.yaml": "v: dep\n",
        "templates/d.yaml": template("dep-{{ .Chart.Name }}"),
      });
    await oci.pushChart("charts", "cache", "2.0.0", { "templates/c.yaml": template("cache") });
  });

  it("come from a Helm repository and an OCI registry, the newest in their range", async () => {
    const dependencies = `- { name: dep, version: ^1, repository: "${helm.url}" }\n- { name: cache, version: 2.x.x, repository: "oci://${oci.host}/charts" }\n`;
    const result = await inGit({
      "Chart.yaml": chartFile("umbrella", dependencies),
      "values.yaml": "dep: { v: parent }\n",
      "templates/a.yaml": template("own"),
    });
    expect(ids(result)).toEqual(["cache", "dep-dep", "own"]);
    expect(data(result, "dep-dep")).toEqual({ chart: "dep 1.1.0", values: expect.stringContaining('"v":"parent"') });
    expect(result.objects.find(({ object }) => object.metadata.name === "cache")?.file).toBe(
      "charts/cache/templates/c.yaml",
    );
  });

  it("come by the name of a configured repository", async () => {
    for (const repository of ["@shop", "alias:shop"]) {
      const result = await inGit({
        "Chart.yaml": chartFile("umbrella", `- { name: dep, version: 1.0.0, repository: "${repository}" }\n`),
      });
      expect(data(result, "dep-dep")?.["chart"]).toBe("dep 1.0.0");
    }
  });

  it("have aliases, conditions, tags and import-values as Helm has them", async () => {
    await helm.publish("exp", "1.0.0", {
      "values.yaml": "exports: { data: { shared: yes-it-is } }\n",
      "templates/e.yaml": template("exp"),
    });
    const repository = `repository: "${helm.url}"`;
    const dependencies = [
      `- { name: dep, version: 1.1.0, ${repository}, alias: first }`,
      `- { name: dep, version: 1.1.0, ${repository}, alias: second, condition: second.enabled }`,
      `- { name: exp, version: 1.0.0, ${repository}, import-values: [data] }`,
    ].join("\n");
    const files = {
      "Chart.yaml": chartFile("umbrella", `${dependencies}\n`),
      "values.yaml": "second: { enabled: false }\n",
      "templates/a.yaml": template("own"),
    };
    const result = await inGit(files);
    expect(ids(result)).toEqual(["dep-first", "exp", "own"]);
    expect(data(result, "own")?.["values"]).toContain("yes-it-is");
    const both = await inGit(files, { helm: { parameters: [{ name: "second.enabled", value: "true" }] } });
    expect(ids(both)).toEqual(["dep-first", "dep-second", "exp", "own"]);
  });

  it("that are in charts/ are taken from there, and nobody is asked", async () => {
    const result = await inGit({
      "Chart.yaml": chartFile("umbrella", `- { name: here, version: 1.0.0, repository: "http://127.0.0.1:1/none" }\n`),
      "charts/here/Chart.yaml": chartFile("here"),
      "charts/here/templates/a.yaml": template("here"),
    });
    expect(ids(result)).toEqual(["here"]);
  });

  it("of local charts that have some themselves", async () => {
    const result = await inGit({
      "Chart.yaml": chartFile("umbrella", `- { name: lib, version: 1.0.0, repository: "file://libs/lib" }\n`),
      "libs/lib/Chart.yaml": chartFile("lib", `- { name: dep, version: 1.0.0, repository: "${helm.url}" }\n`),
      "libs/lib/templates/a.yaml": template("lib"),
    });
    expect(ids(result)).toEqual(["dep-dep", "lib"]);
  });

  it("are rendered once, and again where another version is in the range", async () => {
    await helm.publish("moving", "1.0.0", { "templates/d.yaml": template("moving") });
    const result = await inGit({
      "Chart.yaml": chartFile("umbrella", `- { name: moving, version: "*", repository: "${helm.url}" }\n`),
    });
    const before = renderer.statistics.engineRenders;
    await result.again();
    expect(renderer.statistics.engineRenders).toBe(before);
    await helm.publish("moving", "1.1.0", { "templates/d.yaml": template("moving") });
    await place(helm.url, "moving").refresh(world.op);
    expect(data(await result.again(), "moving")?.["chart"]).toBe("moving 1.1.0");
  });

  describe("with a Chart.lock", () => {
    const locked = (version: string, repository: string): Record<string, string> => {
      const wanted = [{ name: "dep", version: "^1", repository }];
      const lock = [{ name: "dep", version, repository }];
      const sum = createHash("sha256")
        .update(JSON.stringify([wanted, lock]))
        .digest("hex");
      return {
        "Chart.yaml": chartFile("umbrella", `- { name: dep, version: ^1, repository: "${repository}" }\n`),
        "Chart.lock": `dependencies:\n- name: dep\n  repository: ${repository}\n  version: ${version}\ndigest: sha256:${sum}\ngenerated: "2026-01-01T00:00:00Z"\n`,
      };
    };

    it("have its versions", async () => {
      const result = await inGit(locked("1.0.0", helm.url));
      expect(data(result, "dep-dep")?.["chart"]).toBe("dep 1.0.0");
    });

    it("that was made from other dependencies are refused, as by helm dependency build", async () => {
      const files = locked("1.0.0", helm.url);
      files["Chart.yaml"] = (files["Chart.yaml"] ?? "").replace("^1", "^1.0");
      expect(await failure(inGit(files))).toMatch(
        /^RENDER_FAILED: Chart\.lock is out of sync with the dependencies in Chart\.yaml/,
      );
    });
  });

  describe("that are not to be had are named, with where they were looked for", () => {
    it.each<[string, (url: string) => string, string, RegExp]>([
      [
        "version",
        (url) => url,
        "9.9.9",
        /^REVISION_NOT_FOUND: Chart\.yaml: dep of http.*: chart dep of http.* has no version "9\.9\.9": there are 1\.1\.0, 1\.0\.0$/,
      ],
      [
        "chart",
        (url) => `${url}/nothing`,
        "1.0.0",
        /^REPOSITORY_UNREACHABLE: Chart\.yaml: dep of http.*\/nothing\/index\.yaml: there is nothing there/,
      ],
      [
        "server",
        () => "http://127.0.0.1:1/none",
        "1.0.0",
        /^REPOSITORY_UNREACHABLE: Chart\.yaml: dep of http:\/\/127\.0\.0\.1:1\/none: .*ECONNREFUSED/,
      ],
      [
        "kind of address",
        () => "s3://bucket",
        "1.0.0",
        /^SPEC_INVALID: Chart\.yaml: dep of s3:\/\/bucket: .*neither http, https nor oci/,
      ],
    ])("a %s", async (_name, address, version, expected) => {
      const dependencies = `- { name: dep, version: ${version}, repository: "${address(helm.url)}" }\n`;
      expect(await failure(inGit({ "Chart.yaml": chartFile("umbrella", dependencies) }))).toMatch(expected);
    });

    it("one without a repository that is not in charts/", async () => {
      expect(await failure(inGit({ "Chart.yaml": chartFile("umbrella", "- { name: dep, version: 1.0.0 }\n") }))).toBe(
        "RENDER_FAILED: Chart.yaml: dependencies are not in charts/: dep 1.0.0 from charts/, since it names no repository",
      );
    });
  });

  it("charts of apiVersion v3 are rendered", async () => {
    const result = await inGit({
      "Chart.yaml": "apiVersion: v3\nname: three\nversion: 1.0.0\n",
      "requirements.yaml": "dependencies: [{ name: none, version: 1.0.0, repository: http://127.0.0.1:1 }]\n",
      "templates/a.yaml":
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: three }\ndata: { v: '{{ .Chart.APIVersion }}' }\n",
    });
    expect(data(result, "three")).toEqual({ v: "v3" });
  });
});
