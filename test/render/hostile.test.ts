// Bad input: each gets its own error, with its place, within its limit, while fifty other renders end unharmed.
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import type { FileContent } from "#git/seed.ts";
import { createGitWorld, type GitWorld } from "#git/testing.ts";
import type { GitRepository } from "#git/types.ts";
import type { ApplicationSource } from "#model/application.ts";
import { engineForTests, testPool } from "#render/engine/testing.ts";
import type { EnginePool } from "#render/engine/pool.ts";
import { createRenderer } from "#render/renderer.ts";
import type { Renderer, RenderRequest, RenderResult } from "#render/types.ts";

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");
const limits = { timeoutMs: 3000, memoryMiB: 256 };
/** A bad source is told of within the time limit of a render, and what starting a process anew takes. */
const toldWithinMs = 15_000;

type Files = Readonly<Record<string, FileContent>>;
const chart = (files: Files): Files => ({ "Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n", ...files });
const object = (name: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\n`;
const bomb = `a: &a [x, x, x, x, x, x, x, x, x, x]\n${Array.from({ length: 9 }, (_, at) => {
  const [name, before] = [String.fromCodePoint(98 + at), String.fromCodePoint(97 + at)];
  return `${name}: &${name} [${Array.from({ length: 10 }, () => `*${before}`).join(", ")}]`;
}).join("\n")}\n`;

interface Bad {
  readonly files: Files;
  readonly source?: Partial<ApplicationSource>;
  readonly refs?: readonly string[];
  readonly code: string;
  readonly says: RegExp;
}

const cases: Readonly<Record<string, Bad>> = {
  "bases in a circle": {
    files: { "kustomization.yaml": "resources: [other]\n", "other/kustomization.yaml": "resources: [../]\n" },
    code: "RENDER_FAILED",
    says: /cycle/,
  },
  "a values file that is missing": {
    files: chart({}),
    source: { helm: { valueFiles: ["none.yaml"] } },
    code: "RENDER_FAILED",
    says: /the value file none\.yaml does not exist/,
  },
  "a template that fails": {
    files: chart({ "templates/deep/main.yaml": `${object("a")}data:\n  v: {{ .Values.a.b.c }}\n` }),
    code: "RENDER_FAILED",
    says: /templates\/deep\/main\.yaml:5:\d+/,
  },
  "a template of a subchart that fails": {
    files: chart({
      "charts/sub/Chart.yaml": "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
      "charts/sub/templates/s.yaml": `${object("a")}data: { v: {{ required "give me a" .Values.a }} }\n`,
    }),
    code: "RENDER_FAILED",
    says: /charts\/sub\/templates\/s\.yaml:4:\d+.*give me a/s,
  },
  "a template that does not parse": {
    files: chart({ "templates/a.yaml": "a: b\nc: {{ if }}\n" }),
    code: "RENDER_FAILED",
    says: /templates\/a\.yaml:2/,
  },
  "a template whose output is no YAML": {
    files: chart({ "templates/a.yaml": `${object("a")}data: [\n` }),
    code: "MANIFEST_INVALID",
    says: /templates\/a\.yaml/,
  },
  "values that the chart's schema refuses": {
    files: chart({
      "values.schema.json": JSON.stringify({ properties: { port: { type: "integer" } } }),
      "values.yaml": "port: many\n",
    }),
    code: "RENDER_FAILED",
    says: /port.*(?:integer|string)/s,
  },
  "tabs in YAML": {
    files: { "a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: a\n" },
    code: "MANIFEST_INVALID",
    says: /a\.yaml:4:1/,
  },
  "tabs in a kustomization": {
    files: { "kustomization.yaml": "resources:\n\t- a.yaml\n" },
    code: "RENDER_FAILED",
    says: /kustomization\.yaml/,
  },
  "tabs in values": {
    files: chart({ "values.yaml": "a:\n\tb: c\n" }),
    code: "RENDER_FAILED",
    says: /values\.yaml/,
  },
  "an anchor bomb among manifests": {
    files: { "a.yaml": `${object("a")}data:\n${bomb}` },
    code: "MANIFEST_INVALID",
    says: /a\.yaml.*alias/s,
  },
  "an anchor bomb in values": {
    files: chart({
      "values.yaml": bomb,
      "templates/a.yaml": `${object("a")}data: { v: {{ toYaml .Values | quote }} }\n`,
    }),
    code: "RENDER_(?:FAILED|TOO_LARGE|TIMEOUT)",
    says: /./,
  },
  "an anchor bomb in a base": {
    files: { "kustomization.yaml": "resources: [a.yaml]\n", "a.yaml": `${object("a")}${bomb}` },
    code: "RENDER_(?:FAILED|TOO_LARGE|TIMEOUT)|MANIFEST_INVALID",
    says: /./,
  },
  "a path that leads out": {
    files: {},
    source: { path: "../../etc" },
    code: "SPEC_INVALID",
    says: /leads out of the repository/,
  },
  "an absolute path": { files: {}, source: { path: "/etc" }, code: "SPEC_INVALID", says: /absolute/ },
  "a base that leads out": {
    files: { "kustomization.yaml": "resources: [../../../../../etc]\n" },
    code: "RENDER_REFUSED",
    says: /leads out of the repository/,
  },
  "a patch that leads out": {
    files: {
      "kustomization.yaml": "resources: [a.yaml]\npatches: [{ path: ../../../../etc/passwd }]\n",
      "a.yaml": object("a"),
    },
    code: "RENDER_REFUSED",
    says: /leads out of the repository/,
  },
  "a values file that leads out": {
    files: chart({}),
    source: { helm: { valueFiles: ["../../../../etc/passwd"] } },
    code: "RENDER_REFUSED",
    says: /leads out of the repository/,
  },
  "a file parameter that leads out": {
    files: chart({}),
    source: { helm: { fileParameters: [{ name: "a", path: "../../../etc/passwd" }] } },
    code: "RENDER_REFUSED",
    says: /leads out of the repository/,
  },
  "a Jsonnet import that leads out": {
    files: { "a.jsonnet": 'import "../../../../etc/passwd"\n' },
    code: "RENDER_(?:REFUSED|FAILED)",
    says: /leads out of the repository|a\.jsonnet/,
  },
  "a link that leads out": {
    files: { "a.yaml": { symlink: "../../../etc/passwd" } },
    code: "MANIFEST_INVALID",
    says: /leads out of the repository/,
  },
  "an absolute link in a chart": {
    files: chart({ "templates/a.yaml": { symlink: "/etc/passwd" } }),
    code: "RENDER_REFUSED",
    says: /leads out of the repository/,
  },
  "a link in a base that leads out": {
    files: { "kustomization.yaml": "resources: [a.yaml]\n", "a.yaml": { symlink: "../../../etc/passwd" } },
    code: "RENDER_REFUSED",
    says: /leads out of the repository/,
  },
  "a link to itself": { files: { "a.yaml": { symlink: "a.yaml" } }, code: "MANIFEST_INVALID", says: /loop/ },
  "folders linked in a circle": {
    files: chart({ "templates/a": { symlink: ".." } }),
    code: "RENDER_REFUSED",
    says: /circle/,
  },
  "a values file of a source that leads out of it": {
    files: chart({}),
    source: { helm: { valueFiles: ["$other/../../etc/passwd"] } },
    refs: ["other"],
    code: "RENDER_REFUSED",
    says: /leads out of the repository/,
  },
  "a values file of a source that is not there": {
    files: chart({}),
    source: { helm: { valueFiles: ["$nobody/values.yaml"] } },
    code: "SPEC_INVALID",
    says: /no source of the application has the ref nobody/,
  },
  "values by file://": {
    files: chart({}),
    source: { helm: { valueFiles: ["file:///etc/passwd"] } },
    code: "RENDER_REFUSED",
    says: /elsewhere/,
  },
  "a base by file://": {
    files: { "kustomization.yaml": "resources: ['file:///etc']\n" },
    code: "RENDER_REFUSED",
    says: /file:\/\/\/etc/,
  },
  "a dependency by file:// that leads out": {
    files: chart({
      "Chart.yaml":
        "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies: [{ name: a, version: 1.0.0, repository: 'file://../../../../etc' }]\n",
    }),
    code: "RENDER_REFUSED",
    says: /leads out of the repository/,
  },
  "100 MB of output": {
    files: chart({ "templates/a.yaml": `${object("a")}data: { v: {{ repeat 104857600 "x" }} }\n` }),
    code: "RENDER_TOO_LARGE",
    says: /more than|memory/,
  },
  "100 MB of output by Jsonnet": {
    files: {
      "a.jsonnet": `local x = std.repeat("x", 1048576); { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a" }, data: { ["k" + i]: x for i in std.range(1, 100) } }\n`,
    },
    code: "RENDER_TOO_LARGE",
    says: /more|memory/,
  },
  "a template without end": {
    files: chart({ "templates/a.yaml": "{{ range until 50000 }}{{ range until 50000 }}{{ end }}{{ end }}" }),
    code: "RENDER_TIMEOUT",
    says: /did not end within 3 s/,
  },
  "a template that includes itself": {
    files: chart({ "templates/a.yaml": '{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}' }),
    code: "RENDER_FAILED",
    says: /a\.yaml/,
  },
  "Jsonnet without end": {
    files: { "a.jsonnet": "local f(x) = f(x + 1) tailstrict; f(0)\n" },
    code: "RENDER_(?:TIMEOUT|FAILED|TOO_LARGE)",
    says: /did not end|max stack frames|memory/,
  },
  "a chart that is no chart": { files: { "Chart.yaml": "a: [" }, code: "RENDER_FAILED", says: /Chart\.yaml/ },
  "a program in a kustomization": {
    files: {
      "kustomization.yaml": "resources: [a.yaml]\ntransformers: [t.yaml]\n",
      "a.yaml": object("a"),
      "t.yaml":
        "apiVersion: v1\nkind: T\nmetadata: { name: t, annotations: { config.kubernetes.io/function: 'exec: { path: /bin/sh }' } }\n",
    },
    code: "RENDER_(?:REFUSED|FAILED)",
    says: /./,
  },
  "settings in Git that are no mapping": {
    files: { ".argocd-source.yaml": "- a\n", "a.yaml": object("a") },
    code: "MANIFEST_INVALID",
    says: /argocd-source\.yaml/,
  },
  "an object without a kind": {
    files: { "a.yaml": "apiVersion: v1\nmetadata: { name: a }\n" },
    code: "MANIFEST_INVALID",
    says: /a\.yaml:1.*no kind/s,
  },
};

describe.skipIf(!engineForTests())("bad input", () => {
  let world: GitWorld;
  let repository: GitRepository;
  let pool: EnginePool;
  let renderer: Renderer;
  let sha: string;
  const names = Object.keys(cases);

  beforeAll(async () => {
    world = await createGitWorld();
    pool = testPool(limits);
    renderer = createRenderer({ digest, engine: pool });
    const files: Record<string, FileContent> = { "readme.md": "x" };
    for (const [index, name] of names.entries())
      for (const [file, content] of Object.entries(cases[name]!.files)) files[`bad/c${index}/${file}`] = content;
    const good: Files = {
      "good/overlay/kustomization.yaml": "resources: [../base]\nnamePrefix: x-\n",
      "good/base/kustomization.yaml": "resources: [a.yaml]\n",
      "good/base/a.yaml": object("a"),
      "good/plain/a.yaml": object("plain"),
      "good/jsonnet/a.jsonnet": '{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "j" } }',
    };
    Object.assign(files, good);
    for (const [file, content] of Object.entries(chart({ "templates/a.yaml": object("{{ .Release.Name }}") })))
      files[`good/chart/${file}`] = content;
    const { dir, url } = await world.repository("hostile");
    sha = await world.commit(dir, files);
    repository = world.repositories.open({ url });
    await repository.refresh(world.op);
  });
  afterAll(async () => {
    await renderer.close();
    await world.close();
  });

  const render = (source: Partial<ApplicationSource>, more: Partial<RenderRequest> = {}): Promise<RenderResult> =>
    renderer.render(world.op, {
      source: { repoURL: repository.url, ...source },
      repository,
      sha,
      appName: "shop",
      namespace: "prod",
      ...more,
    });

  let round = 0;
  /** Fifty sources that nobody has rendered before, of every type. */
  const others = (): Promise<number>[] => {
    round++;
    return Array.from({ length: 50 }, async (_, at) => {
      const kinds: Partial<ApplicationSource>[] = [
        { path: "good/chart", helm: { releaseName: `r${round}-${at}` } },
        { path: "good/overlay", kustomize: { nameSuffix: `-${round}-${at}` } },
        { path: "good/plain" },
        { path: "good/jsonnet", directory: { jsonnet: { extVars: [{ name: "n", value: `${round}-${at}` }] } } },
      ];
      return (await render(kinds[at % kinds.length]!)).objects.length;
    });
  };

  it.each(names)("%s", async (name) => {
    const bad = cases[name]!;
    const started = performance.now();
    const refs = Object.fromEntries((bad.refs ?? []).map((ref) => [ref, { repository, sha }]));
    const work = render({ path: `bad/c${names.indexOf(name)}`, ...bad.source }, { refs }).then(
      (result) => ({ error: undefined, ms: 0, result }),
      (error: unknown) => ({ error, ms: performance.now() - started, result: undefined }),
    );
    const [{ error, ms, result }, ...counts] = await Promise.all([work, ...others()]);
    expect(result?.objects.map(({ object }) => object)).toBeUndefined();
    expect(error).toBeInstanceOf(DriftlessError);
    const { code, message } = error as DriftlessError;
    expect(code).toMatch(new RegExp(`^(?:${bad.code})$`));
    expect(message).toMatch(bad.says);
    expect(message.length).toBeLessThan(5000);
    expect(ms).toBeLessThan(toldWithinMs);
    expect(counts).toEqual(Array.from({ length: 50 }, () => 1));
  });

  it("objects that are there twice are told with both places, and the last counts", async () => {
    const { dir, url } = await world.repository("twice");
    const twice = await world.commit(dir, {
      "a.yaml": `${object("a")}---\n${object("b")}`,
      "b.yaml": `# again\n${object("a")}`,
    });
    const own = world.repositories.open({ url });
    await own.refresh(world.op);
    const result = await render({ path: "." }, { repository: own, sha: twice });
    expect(result.duplicates).toEqual([
      {
        key: expect.stringContaining("ConfigMap") as string,
        places: [
          { file: "a.yaml", line: 1 },
          { file: "b.yaml", line: 2 },
        ],
      },
    ]);
    expect(result.objects.map(({ file }) => file)).toEqual(["b.yaml", "a.yaml"]);
  });

  it("a branch that was pushed by force is followed, one that was deleted is told, and neither stops the others", async () => {
    const { dir, url } = await world.repository("forced");
    await world.commit(dir, { "a.yaml": object("first") });
    await world.commit(dir, { "a.yaml": object("side") }, { branch: "side" });
    const own = world.repositories.open({ url });
    await own.refresh(world.op);
    const at = async (branch: string): Promise<string> => {
      const resolved = await own.resolve(world.op, branch);
      const { objects } = await render({ path: "." }, { repository: own, sha: resolved.sha });
      return objects[0]?.object.metadata.name ?? "";
    };
    expect([await at("main"), await at("side")]).toEqual(["first", "side"]);
    await world.commit(dir, { "a.yaml": object("rewritten") }, { parent: null, whole: true });
    await world.remove(dir, "refs/heads/side");
    await own.refresh(world.op);
    expect(await at("main")).toBe("rewritten");
    await expect(at("side")).rejects.toMatchObject({ code: "REVISION_NOT_FOUND" });
    expect(await Promise.all(others())).toEqual(Array.from({ length: 50 }, () => 1));
  });

  it("engines that are killed in the middle, again and again, cost no render", async () => {
    const counts: number[] = [];
    for (let batch = 0; batch < 4; batch++) {
      const running = Promise.all(others());
      // Each batch loses one process, while both are at work.
      await expect.poll(() => pool.pids.length, { interval: 1 }).toBeGreaterThan(1);
      process.kill(pool.pids[batch % 2] as number, "SIGKILL");
      counts.push(...(await running));
    }
    expect(counts).toEqual(Array.from({ length: 200 }, () => 1));
  });
});
