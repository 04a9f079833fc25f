// Charts of repositories and registries, and dependencies of charts: the same objects as the official helm gives, run
// against the same servers on loopback.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { composed } from "#git/composed.ts";
import { createGitWorld, testClock, type GitWorld } from "#git/testing.ts";
import type { ApplicationSource } from "#model/application.ts";
import { createRegistries } from "#registry/registries.ts";
import { startHelmServer, type HelmServer } from "#registry/testing/helm-server.ts";
import { startOciServer, type OciServer } from "#registry/testing/oci-server.ts";
import type { Registries } from "#registry/types.ts";
import { artifactRepository } from "#render/artifact-repository.ts";
import { engineForTests, testPool } from "#render/engine/testing.ts";
import { createRenderer } from "#render/renderer.ts";
import type { Renderer } from "#render/types.ts";
import { createManifestParser } from "#render/yaml.ts";
import { officialCli } from "./cli.ts";

const run = promisify(execFile);
type Files = Readonly<Record<string, string>>;

const template = (name: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: "{{ .Release.Name }}-${name}" }\ndata:\n  chart: "{{ .Chart.Name }} {{ .Chart.Version }}"\n  values: {{ omit .Values "global" | toJson | quote }}\n  template: "{{ .Template.Name }}"\n  files: {{ .Files.Get "note.txt" | quote }}\n`;
const chart = (name: string, more: Files = {}): Files => ({
  "values.yaml": `color: ${name}\nexports: { data: { from: ${name} } }\n`,
  "note.txt": `a note of ${name}`,
  ".helmignore": "ignored.yaml\n",
  "templates/main.yaml": template(name),
  ...more,
});
const manifest = (version: string, dependencies: readonly string[]): string =>
  `apiVersion: ${version}\nname: umbrella\nversion: 1.0.0\n${dependencies.length === 0 ? "" : `dependencies:\n${dependencies.map((one) => `- ${one}\n`).join("")}`}`;

describe.skipIf(!engineForTests())("the same as helm with the same servers", () => {
  let helm: HelmServer;
  let oci: OciServer;
  let world: GitWorld;
  let registries: Registries;
  let renderer: Renderer;
  let program: string;
  let home: string;
  let count = 0;

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), "driftless-helm-"));
    [program, helm, oci, world] = await Promise.all([
      officialCli("helm"),
      startHelmServer(),
      startOciServer(),
      createGitWorld(),
    ]);
    registries = createRegistries({ dir: join(home, "registry"), clock: testClock, lookAgainMs: 0 });
    renderer = createRenderer({
      digest: (text) => createHash("sha256").update(text).digest("hex"),
      engine: testPool(),
    });
    for (const version of ["1.0.0", "1.2.0", "2.0.0-rc.1"]) await helm.publish("web", version, chart("web"));
    await helm.publish(
      "db",
      "3.1.4",
      chart("db", {
        "charts/inner/Chart.yaml": "apiVersion: v2\nname: inner\nversion: 0.1.0\n",
        "charts/inner/templates/a.yaml": template("inner"),
      }),
    );
    await helm.publish("lib", "0.1.0", {
      "Chart.yaml": "apiVersion: v2\nname: lib\nversion: 0.1.0\ntype: library\n",
      "templates/_lib.tpl": '{{- define "lib.name" }}lib-{{ .Release.Name }}{{ end -}}',
    });
    await oci.pushChart("charts", "cache", "4.0.0", chart("cache"));
    await oci.pushChart("charts", "cache", "4.1.0+build.5", chart("cache"));
  }, 300_000);
  afterAll(async () => {
    await renderer.close();
    await registries.close();
    await Promise.all([helm.close(), oci.close(), world.close()]);
    rmSync(home, { recursive: true, force: true });
  });

  const command = async (cwd: string, ...args: string[]): Promise<string> => {
    const env = { HOME: home, PATH: "", HELM_CACHE_HOME: join(home, "cache"), HELM_CONFIG_HOME: join(home, "config") };
    return (await run(program, args, { cwd, env, maxBuffer: 64 << 20 })).stdout;
  };
  const official = async (cwd: string, ...args: string[]): Promise<unknown[]> => {
    return createManifestParser()
      .yaml(await command(cwd, ...args), "helm")
      .documents.map(({ value }) => value)
      .filter((value) => value !== null && value !== undefined);
  };

  const neighbours = {
    view: "default",
    submodules: false,
    open: () => {
      throw new Error("no repositories");
    },
    async chart(
      op: Parameters<Registries["chart"]>[0],
      { repo, name, version }: { repo: string; name: string; version: string },
    ) {
      const found = artifactRepository(registries.open({ url: repo, forceHttp: true }, name));
      const { sha } = await found.resolve(op, version);
      return { repository: await found.pinned(op, sha), sha };
    },
    file: async () => {
      throw new Error("no files");
    },
  };

  /** What we make of a chart of a registry, and of a chart in Git. */
  const ours = async (source: ApplicationSource): Promise<unknown[]> => {
    const place = artifactRepository(registries.open({ url: source.repoURL, forceHttp: true }, source.chart));
    const { sha } = await place.resolve(world.op, source.targetRevision ?? "");
    const repository = composed(await place.pinned(world.op, sha), neighbours);
    const result = await renderer.render(world.op, { source, repository, sha, appName: "rel", namespace: "prod" });
    return result.objects.map(({ object }) => object);
  };
  const oursInGit = async (files: Files): Promise<unknown[]> => {
    const { dir, url } = await world.repository(`umbrella${count++}`);
    const sha = await world.commit(dir, files);
    const repository = world.repositories.open({ url });
    await repository.refresh(world.op);
    const source = { repoURL: url, path: "." };
    const at = { repository: composed(repository, neighbours), sha, appName: "rel", namespace: "prod" };
    return (await renderer.render(world.op, { source, ...at })).objects.map(({ object }) => object);
  };

  const common = ["--namespace", "prod", "--include-crds"];

  it.each([
    ["web", "1.0.0"],
    ["web", "^1"],
    ["web", "*"],
    ["web", ">0.0.0-0"],
    ["web", "~1.0"],
    ["db", "3.x.x"],
  ])("a chart of a Helm repository: %s %s", async (name, version) => {
    const theirs = await official(home, "template", "rel", name, "--repo", helm.url, "--version", version, ...common);
    expect(theirs.length).toBeGreaterThan(0);
    expect(await ours({ repoURL: helm.url, chart: name, targetRevision: version })).toEqual(theirs);
  });

  it.each(["4.0.0", "4.1.0+build.5", "^4", "*"])("a chart of an OCI registry: %s", async (version) => {
    const url = `oci://${oci.host}/charts/cache`;
    const theirs = await official(home, "template", "rel", url, "--version", version, "--plain-http", ...common);
    expect(theirs.length).toBeGreaterThan(0);
    expect(await ours({ repoURL: `oci://${oci.host}/charts`, chart: "cache", targetRevision: version })).toEqual(
      theirs,
    );
  });

  const cases: Record<string, () => Files> = {
    "one dependency": () => ({
      "Chart.yaml": manifest("v2", [`{ name: web, version: ^1, repository: "${helm.url}" }`]),
    }),
    "a repository and a registry": () => ({
      "Chart.yaml": manifest("v2", [
        `{ name: web, version: ~1.0, repository: "${helm.url}" }`,
        `{ name: cache, version: 4.0.0, repository: "oci://${oci.host}/charts" }`,
        `{ name: db, version: "*", repository: "${helm.url}" }`,
      ]),
      "values.yaml": "web: { color: mine }\ncache: { extra: [1, 2] }\n",
      "templates/own.yaml": template("own"),
    }),
    "aliases, conditions and tags": () => ({
      "Chart.yaml": manifest("v2", [
        `{ name: web, version: 1.0.0, repository: "${helm.url}", alias: front }`,
        `{ name: web, version: 1.0.0, repository: "${helm.url}", alias: back, condition: back.enabled }`,
        `{ name: db, version: 3.1.4, repository: "${helm.url}", tags: [storage] }`,
      ]),
      "values.yaml": "front: { color: front }\nback: { enabled: false }\ntags: { storage: false }\n",
      "templates/own.yaml": template("own"),
    }),
    "import-values": () => ({
      "Chart.yaml": manifest("v2", [
        `{ name: web, version: 1.2.0, repository: "${helm.url}", import-values: [data] }`,
        `{ name: db, version: 3.1.4, repository: "${helm.url}", import-values: [{ child: exports.data, parent: db-data }] }`,
      ]),
      "templates/own.yaml": template("own"),
    }),
    "a library": () => ({
      "Chart.yaml": manifest("v2", [`{ name: lib, version: 0.x.x, repository: "${helm.url}" }`]),
      "templates/own.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: '{{ include \"lib.name\" . }}' }\n",
    }),
    "requirements.yaml of apiVersion v1": () => ({
      "Chart.yaml": manifest("v1", []),
      "requirements.yaml": `dependencies:\n- { name: web, version: ^1, repository: "${helm.url}" }\n`,
      "templates/own.yaml": template("own"),
    }),
    "a local chart beside one of a repository": () => ({
      "Chart.yaml": manifest("v2", [
        '{ name: near, version: 1.0.0, repository: "file://near" }',
        `{ name: web, version: 1.0.0, repository: "${helm.url}" }`,
      ]),
      "near/Chart.yaml": "apiVersion: v2\nname: near\nversion: 1.0.0\n",
      "near/templates/a.yaml": template("near"),
    }),
  };

  it.each(Object.keys(cases))("dependencies: %s, without a lock and with it", async (name) => {
    const files = cases[name]?.() ?? {};
    const folder = mkdtempSync(join(home, "umbrella-"));
    for (const [file, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), content);
    }
    await command(folder, "dependency", "update", ".", "--plain-http");
    const theirs = await official(folder, "template", "rel", ".", ...common);
    expect(theirs.length).toBeGreaterThan(0);
    expect(await oursInGit(files)).toEqual(theirs);
    const lock = ["Chart.lock", "requirements.lock"].find((file) => existsSync(join(folder, file))) ?? "";
    expect(await oursInGit({ ...files, [lock]: readFileSync(join(folder, lock), "utf8") })).toEqual(theirs);
  });
});
