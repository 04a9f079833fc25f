import { createHash } from "node:crypto";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import { createGitWorld, type GitWorld } from "#git/testing.ts";
import type { FileContent } from "#git/seed.ts";
import type { ApplicationSource } from "#model/application.ts";
import { compileGlob } from "./glob.ts";
import { readsTouched } from "./reads.ts";
import { createRenderer, type RendererOptions } from "./renderer.ts";
import type { RenderResult } from "./types.ts";

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");
const configMap = (name: string, extra = ""): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n${extra}`;

let world: GitWorld;
let count = 0;
beforeAll(async () => {
  world = await createGitWorld();
});
afterAll(() => world.close());

/** Commits the files into a new repository and renders them. */
async function render(
  files: Record<string, FileContent>,
  source: Partial<ApplicationSource> = {},
  options: Partial<RendererOptions> = {},
): Promise<RenderResult> {
  const { dir, url } = await world.repository(`r${count++}`);
  const sha = await world.commit(dir, files);
  const repository = world.repositories.open({ url });
  await repository.resolve(world.op, "main");
  const renderer = createRenderer({ digest, ...options });
  try {
    return await renderer.render(world.op, {
      source: { repoURL: url, path: "app", ...source },
      repository,
      sha,
      appName: "x",
      namespace: "default",
    });
  } finally {
    await renderer.close();
  }
}

const names = (result: RenderResult): string[] => result.objects.map(({ object }) => object.metadata.name ?? "");
async function failure(
  work: Promise<unknown>,
): Promise<{ code: string; message: string; details: DriftlessError["details"] }> {
  try {
    await work;
  } catch (error) {
    if (error instanceof DriftlessError) return { code: error.code, message: error.message, details: error.details };
    throw error;
  }
  return { code: "none", message: "", details: {} };
}

const tree: Record<string, FileContent> = {
  "app/a.yaml": configMap("a"),
  "app/b.yml": configMap("b"),
  "app/c.json": JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" } }),
  "app/.hidden.yaml": configMap("hidden"),
  "app/readme.md": "# no",
  "app/sub/d.yaml": configMap("d"),
  "app/sub/.dot/e.yaml": configMap("e"),
  "other/f.yaml": configMap("f"),
};

describe("which files of a directory are manifests", () => {
  const table: [string, Partial<ApplicationSource>, string[]][] = [
    ["its own level only", {}, ["hidden", "a", "b", "c"]],
    ["all levels with recurse, hidden ones too", { directory: { recurse: true } }, ["hidden", "a", "b", "c", "e", "d"]],
    ["a path with ./ and a slash at the end", { path: "./app//" }, ["hidden", "a", "b", "c"]],
    ["the root", { path: ".", directory: { recurse: true, include: "other/*" } }, ["f"]],
    [
      "include, whose star crosses folders",
      { directory: { recurse: true, include: "*.yaml" } },
      ["hidden", "a", "e", "d"],
    ],
    ["include of several", { directory: { recurse: true, include: "{a.yaml,sub/d.yaml}" } }, ["a", "d"]],
    ["exclude", { directory: { recurse: true, exclude: "sub/*" } }, ["hidden", "a", "b", "c"]],
    ["exclude before include", { directory: { include: "*.yaml", exclude: "a.yaml" } }, ["hidden"]],
    ["a block that sets nothing", { directory: {} }, ["hidden", "a", "b", "c"]],
  ];
  it.each(table)("%s", async (_name, source, expected) => {
    expect(names(await render(tree, source))).toEqual(expected);
  });

  it("follows links to files inside the repository, and records what it read", async () => {
    const result = await render({
      "app/l.yaml": { symlink: "../shared/x.yaml" },
      "app/gone.yaml": { symlink: "nowhere.yaml" },
      "app/dir.yaml": { symlink: "../shared" },
      "shared/x.yaml": configMap("x"),
    });
    expect(names(result)).toEqual(["x"]);
    expect(result.objects[0]?.file).toBe("app/l.yaml");
    expect(result.warnings.length).toBe(2);
    expect(readsTouched(result.reads, ["shared/x.yaml"])).toBe(true);
    expect(readsTouched(result.reads, ["app/nowhere.yaml"])).toBe(true);
    expect(readsTouched(result.reads, ["shared/y.yaml"])).toBe(false);
  });

  it("renders nothing of a source that only lends its files by ref", async () => {
    const { objects } = await render(tree, { ref: "values", path: "" });
    expect(objects).toEqual([]);
    expect(names(await render(tree, { ref: "values" }))).toEqual(["hidden", "a", "b", "c"]);
  });

  it("finds a path that goes over a link", async () => {
    expect(
      names(
        await render(
          { current: { symlink: "versions/2" }, "versions/2/app/a.yaml": configMap("a") },
          { path: "current/app" },
        ),
      ),
    ).toEqual(["a"]);
  });

  it("refuses links out of the repository and in circles", async () => {
    for (const target of ["/etc/passwd", "../../../etc/passwd", "l.yaml"]) {
      expect(await failure(render({ "app/l.yaml": { symlink: target } }))).toMatchObject({
        code: "MANIFEST_INVALID",
        details: { file: expect.stringContaining("l.yaml") as unknown },
      });
    }
  });
});

describe("the type of a source", () => {
  const table: [string, Record<string, string>, Partial<ApplicationSource>, RegExp][] = [
    ["a chart", { "app/Chart.yaml": "name: x" }, {}, /ENGINE_MISSING.*driftless-engine/],
    ["a kustomization", { "app/kustomization.yml": "resources: []" }, {}, /ENGINE_MISSING.*driftless-engine/],
    ["jsonnet", { "app/x.jsonnet": "{}" }, {}, /ENGINE_MISSING.*driftless-engine/],
    ["a chart of a Helm repository", {}, { chart: "x" }, /ENGINE_MISSING.*driftless-engine/],
    ["a plugin", { "app/a.yaml": configMap("a") }, { plugin: {} }, /SOURCE_UNSUPPORTED.*Plugin/],
    [
      "two types",
      { "app/a.yaml": configMap("a") },
      { helm: { releaseName: "x" }, directory: { recurse: true } },
      /SPEC_INVALID.*Helm, Directory/,
    ],
    ["no such path", { "other/a.yaml": configMap("a") }, {}, /PATH_NOT_FOUND.*"app"/],
    ["a file as path", { app: "x" }, {}, /PATH_NOT_FOUND.*is a file/],
    ["a path out of the repository", { "app/a.yaml": "" }, { path: "../x" }, /SPEC_INVALID/],
    ["an absolute path", { "app/a.yaml": "" }, { path: "/app" }, /SPEC_INVALID/],
  ];
  it.each(table)("%s is said clearly", async (_name, files, source, expected) => {
    const { code, message } = await failure(render(files, source));
    expect(`${code}: ${message}`).toMatch(expected);
  });

  it("is Directory where the spec says so, whatever the folder holds", async () => {
    expect(
      names(
        await render(
          { "app/Chart.yaml": "name: x", "app/a.yaml": configMap("a") },
          { directory: { include: "a.yaml" } },
        ),
      ),
    ).toEqual(["a"]);
  });
});

describe("documents", () => {
  it("are counted with their lines, empty ones skipped, lists unfolded", async () => {
    const text = `# nothing\n---\n---\n${configMap("one")}---\n\n# comment\n${configMap("two")}---\napiVersion: v1\nkind: List\nitems:\n- ${configMap("three").trim().replaceAll("\n", "\n  ")}\n---\n`;
    const result = await render({ "app/a.yaml": text, "app/empty.yaml": "", "app/comment.yaml": "# only\n" });
    expect(result.objects.map(({ object, line }) => [object.metadata.name, line])).toEqual(
      [
        ["one", 4],
        ["two", 11],
        ["three", 16],
      ].map(([n, l]) => [n, l]),
    );
  });

  it("read scalars as Kubernetes does", async () => {
    const data =
      'spec:\n  yes: yes\n  off: off\n  octal: 0644\n  hex: 0x1F\n  under: 1_000\n  date: 2001-01-01\n  time: 1:30\n  eight: 08\n  exp: 1e3\n  tilde: ~\n  empty:\n  text: "0644"\n  float: 1.50\n  merged: {<<: {a: 1}, b: 2}\n  1: number\n';
    const result = await render({ "app/a.yaml": configMap("a", data) });
    expect(result.objects[0]?.object["spec"]).toEqual({
      true: true,
      false: false,
      octal: 420,
      hex: 31,
      under: 1000,
      date: "2001-01-01",
      time: "1:30",
      eight: 8,
      exp: 1000,
      tilde: null,
      empty: null,
      text: "0644",
      float: 1.5,
      merged: { a: 1, b: 2 },
      1: "number",
    });
  });

  it("tell of numbers that would lose digits", async () => {
    const result = await render({
      "app/a.yaml": configMap("a", "spec:\n  big: 9007199254740993\n  fine: 9007199254740992\n"),
      "app/b.json":
        '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b"},"n":12345678901234567891,"s":"12345678901234567891"}',
    });
    expect(result.warnings.map((text) => text.replace(/ is too.*/, ""))).toEqual([
      "app/a.yaml: the number 9007199254740993",
      "app/b.json: the number 12345678901234567891",
    ]);
  });

  it("of one key: the last counts, both places are told", async () => {
    const result = await render({
      "app/a.yaml": configMap("same", "data: {v: '1'}\n"),
      "app/b.yaml": `${configMap("other")}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: same, namespace: default}\ndata: {v: '2'}\n`,
    });
    expect(
      result.objects.map(({ object }) => [
        object.metadata.name,
        (object["data"] as Record<string, string> | undefined)?.["v"],
      ]),
    ).toEqual([
      ["same", "2"],
      ["other", undefined],
    ]);
    expect(result.duplicates).toEqual([
      {
        key: "ConfigMap default/same",
        places: [
          { file: "app/a.yaml", line: 1 },
          { file: "app/b.yaml", line: 6 },
        ],
      },
    ]);
  });

  it("that are no manifests are left alone; marked files too", async () => {
    const result = await render({
      "app/a.yaml": configMap("a"),
      "app/values.yaml": "image: x\nkind: big\n".replace("kind: big\n", ""),
      "app/skip.yaml": `# +argocd:skip-file-rendering\n${configMap("skipped")}`,
    });
    expect(names(result)).toEqual(["a"]);
    expect(result.warnings).toEqual([expect.stringContaining("app/values.yaml")]);
  });

  const bomb = `a: &a [x,x,x,x,x,x,x,x,x,x]\n${["b", "c", "d", "e", "f", "g", "h"]
    .map(
      (n, i) =>
        `${n}: &${n} [${Array(10)
          .fill(`*${"abcdefgh"[i] ?? ""}`)
          .join(",")}]\n`,
    )
    .join("")}`;
  const bad: [string, string, string, number | undefined, RegExp][] = [
    ["a tab", "a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: x\n", 4, /tab/],
    ["a duplicate key", "a.yaml", configMap("x", "data:\n  a: '1'\n  a: '2'\n"), 7, /duplicated/],
    ["no kind", "a.yaml", `${configMap("ok")}---\napiVersion: v1\nmetadata: {name: x}\n`, 6, /no kind/],
    ["no apiVersion", "a.yaml", "kind: ConfigMap\nmetadata: {name: x}\n", 1, /no apiVersion/],
    ["no name", "a.yaml", "\napiVersion: v1\nkind: ConfigMap\nmetadata: {}\n", 2, /no metadata.name/],
    ["a numeric name", "a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 12}\n", 1, /not a string/],
    ["a numeric label", "a.yaml", configMap("x", "  labels: {a: 1}\n"), 1, /labels\["a"\].*not a string: 1/],
    ["a stray document beside an object", "a.yaml", `${configMap("ok")}---\njust text\n`, 6, /not a mapping/],
    ["an unclosed bracket", "a.yaml", "apiVersion: v1\nkind: [ConfigMap\n", 3, /indentation|flow/],
    ["an unknown alias", "a.yaml", configMap("x", "data: *nope\n"), 5, /alias/],
    ["an anchor bomb", "a.yaml", configMap("x", bomb), 1, /too many values/],
    ["an anchor that holds itself", "a.yaml", configMap("x", "data: &a [*a]\n"), undefined, /./],
    [
      "deep nesting",
      "a.yaml",
      configMap("x", `data: ${"[".repeat(5000)}${"]".repeat(5000)}\n`),
      undefined,
      /nest|depth/i,
    ],
    ["infinity", "a.yaml", configMap("x", "spec: {a: .inf}\n"), 1, /no such number/],
    ["broken JSON", "a.json", '{"apiVersion": "v1",\n  "kind": }', 2, /no valid JSON/],
    ["two JSON objects", "a.json", "{}\n{}", 2, /no valid JSON/],
    ["bytes that are no text", "a.yaml", "", undefined, /UTF-8/],
  ];
  it.each(bad)("with %s are an error that names file and line", async (name, file, text, line, expected) => {
    const content = name.startsWith("bytes") ? new Uint8Array([0xc3, 0x28, 0xff]) : text;
    const { code, message, details } = await failure(render({ [`app/${file}`]: content }));
    expect([code, details.file]).toEqual(["MANIFEST_INVALID", `app/${file}`]);
    expect(details.line).toBe(line ?? details.line);
    expect(message).toMatch(expected);
  });

  it("beyond the limit together are refused", async () => {
    const files = {
      "app/a.yaml": configMap("a", `data: {x: "${"y".repeat(600)}"}\n`),
      "app/b.yaml": configMap("b", `data: {x: "${"y".repeat(600)}"}\n`),
    };
    expect((await failure(render(files, {}, { maxManifestBytes: 1000 }))).code).toBe("RENDER_TOO_LARGE");
    expect((await failure(render(files, {}, { maxManifestBytes: 500 }))).code).toBe("RENDER_TOO_LARGE");
    expect(names(await render(files, {}, { maxManifestBytes: 0 }))).toEqual(["a", "b"]);
  });
});

describe("what was rendered is kept", () => {
  it("so that a changed file costs one parse, an equal tree none, and a restart none", async () => {
    const { dir, url } = await world.repository("cached");
    const files: Record<string, string> = {};
    for (let i = 0; i < 30; i++) files[`app/${i}.yaml`] = configMap(`c${i}`);
    const one = await world.commit(dir, files);
    const two = await world.commit(dir, { "app/7.yaml": configMap("c7", "data: {a: b}\n") });
    const three = await world.commit(dir, { "elsewhere/x.yaml": configMap("x") });
    const repository = world.repositories.open({ url });
    await repository.resolve(world.op, "main");
    const cacheDir = join(world.dir, "cache");
    const source = { repoURL: url, path: "app" };
    const at = { source, repository, appName: "x", namespace: "default" };
    const renderer = createRenderer({ digest, cacheDir });
    const first = await renderer.render(world.op, { ...at, sha: one });
    expect(renderer.statistics.filesParsed).toBe(30);
    const second = await renderer.render(world.op, { ...at, sha: two });
    expect(renderer.statistics.filesParsed).toBe(31);
    expect(second.objects.filter((object, i) => object.object !== first.objects[i]?.object).length).toBe(1);
    expect(await renderer.render(world.op, { ...at, sha: three, appName: "y" })).toBe(second);
    expect(second.hash).not.toBe(first.hash);
    await renderer.close();
    const again = createRenderer({ digest, cacheDir });
    expect(await again.render(world.op, { ...at, sha: two })).toEqual(second);
    expect(again.statistics).toMatchObject({ filesParsed: 0, diskHits: 30 });
    await again.close();
    // Damage: entries or the whole file.
    for (const name of readdirSync(cacheDir))
      writeFileSync(join(cacheDir, name), "not a database at all, but long enough to be read as one".repeat(100));
    const problems: string[] = [];
    const log = {
      debug: () => {},
      info: () => {},
      error: () => {},
      warn: (text: string) => void problems.push(text),
      with: () => log,
    };
    const damaged = createRenderer({ digest, cacheDir, log });
    expect(await damaged.render(world.op, { ...at, sha: two })).toEqual(second);
    expect(damaged.statistics.filesParsed).toBe(30);
    expect(problems.length).toBe(1);
    await damaged.close();
  });
});

describe("reads", () => {
  const reads = {
    directories: [
      { path: "app", oid: "1", recursive: false },
      { path: "deep", oid: "2", recursive: true },
    ],
    files: [{ path: "shared/x.yaml", oid: "3" }],
    absent: ["app/missing"],
  };
  const table: [string, boolean][] = [
    ["app/a.yaml", true],
    ["app/sub/a.yaml", false],
    ["deep/sub/a.yaml", true],
    ["deeper/a.yaml", false],
    ["shared/x.yaml", true],
    ["shared/y.yaml", false],
    ["app/missing", true],
    ["app/missing/now/a/folder", true],
    ["app", true],
    ["readme.md", false],
  ];
  it.each(table)("a change of %s concerns them: %s", (path, expected) => {
    expect(readsTouched(reads, [path])).toBe(expected);
  });
  it("of the root are touched by anything", () => {
    expect(
      readsTouched({ directories: [{ path: "", oid: "1", recursive: true }], files: [], absent: [] }, ["x/y"]),
    ).toBe(true);
  });
});

describe("globs", () => {
  const table: [string, string, boolean][] = [
    ["*.yaml", "a/b/c.yaml", true],
    ["**/c.yaml", "a/b/c.yaml", true],
    ["?.yaml", "ab.yaml", false],
    ["[a-c].yaml", "b.yaml", true],
    ["[!a-c].yaml", "b.yaml", false],
    ["{config,env-{usw2,use1}}/*", "env-use1/x.yaml", true],
    ["{config,env-{usw2,use1}}/*", "env-eu/x.yaml", false],
    ["a\\*b", "a*b", true],
    ["a\\*b", "axb", false],
    ["", "", true],
  ];
  it.each(table)("%s on %s: %s", (pattern, path, expected) => {
    expect(compileGlob(pattern, "include")(path)).toBe(expected);
  });
  it("are checked, and quick whatever they are", () => {
    expect(() => compileGlob("{a", "include")).toThrow(/include/);
    expect(() => compileGlob("{a,b}".repeat(20), "include")).toThrow(/include/);
    expect(compileGlob("*a".repeat(200), "include")("a".repeat(5000) + "b")).toBe(false);
  });
});
