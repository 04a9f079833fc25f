import { spawn, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import type { JsonObject } from "#base/json.ts";
import type { FileContent } from "#git/seed.ts";
import { createGitWorld, testClock, type GitWorld } from "#git/testing.ts";
import type { GitRepository } from "#git/types.ts";
import type { ApplicationSource } from "#model/application.ts";
import { createRenderer } from "../renderer.ts";
import type { Renderer, RenderRequest, RenderResult } from "../types.ts";
import { commandPlugins } from "./commands.ts";
import { bothPlugins } from "./plugins.ts";
import { sidecarPlugins } from "./sidecar.ts";
import type { Plugins } from "./types.ts";

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");
const program = join(import.meta.dirname, "..", "..", "..", "test", "render", "sidecar.ts");

let world: GitWorld;
let folder: string;
let count = 0;
const children: ChildProcess[] = [];
const closers: (() => Promise<void>)[] = [];

beforeAll(async () => {
  world = await createGitWorld();
});
afterAll(() => world.close());
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

/** A folder for the test's sockets and plugin files. */
function place(): { sockets: string; commands: string } {
  folder = mkdtempSync(join(tmpdir(), "driftless-plugins-"));
  const sockets = join(folder, "sockets");
  const commands = join(folder, "commands");
  for (const dir of [sockets, commands]) mkdirSync(dir);
  return { sockets, commands };
}

/** Starts a sidecar with a plugin.yaml; resolves when it listens. */
async function sidecar(sockets: string, name: string, spec: JsonObject): Promise<ChildProcess> {
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, JSON.stringify({ kind: "ConfigManagementPlugin", metadata: { name }, spec }));
  const child = spawn(process.execPath, [program, join(sockets, `${name}.sock`), file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  await new Promise((resolve, reject) => {
    child.stdout.once("data", resolve);
    child.once("exit", reject);
  });
  return child;
}

function command(commands: string, name: string, spec: JsonObject, preserveFileMode = false): void {
  const document = { kind: "ConfigManagementPlugin", metadata: { name }, spec: { ...spec, preserveFileMode } };
  writeFileSync(join(commands, `${name}.yaml`), JSON.stringify(document));
}

function rendererOf(plugins: Plugins): Renderer {
  const renderer = createRenderer({ digest, plugins });
  closers.push(() => renderer.close());
  return renderer;
}

interface Repo {
  readonly dir: string;
  readonly repository: GitRepository;
  sha: string;
}

async function repo(files: Record<string, FileContent>): Promise<Repo> {
  const { dir, url } = await world.repository(`p${count++}`);
  const sha = await world.commit(dir, files);
  const repository = world.repositories.open({ url });
  await repository.refresh(world.op);
  return { dir, repository, sha };
}

async function commit(one: Repo, files: Record<string, FileContent | null>): Promise<void> {
  one.sha = await world.commit(one.dir, files);
  await one.repository.refresh(world.op);
}

const render = (
  renderer: Renderer,
  { repository, sha }: Repo,
  source: Partial<ApplicationSource>,
  more: Partial<RenderRequest> = {},
): Promise<RenderResult> =>
  renderer.render(world.op, {
    source: { repoURL: repository.url, path: "app", ...source },
    repository,
    sha,
    appName: "shop",
    namespace: "prod",
    ...more,
  });

async function failure(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  try {
    await work;
  } catch (error) {
    if (error instanceof DriftlessError) return { code: error.code, message: error.message };
    throw error;
  }
  return { code: "none", message: "" };
}

const dataOf = (result: RenderResult): Record<string, string> =>
  (result.objects[0] as unknown as { object: { data: Record<string, string> } }).object.data;

/** A command that puts words into a ConfigMap. */
const shell = (script: string): JsonObject => ({ command: ["sh", "-c"], args: [script] });
const configMap = (value: string): string =>
  `echo '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"v":"'"${value}"'"}}'`;
const files: Record<string, FileContent> = {
  "app/words.txt": "hello",
  "lib/shared.txt": "from the library",
  "readme.md": "x",
};

// Both forms do the same with a plugin.yaml; each case runs on both.
describe.each(["sidecar", "command"] as const)("a plugin as %s", (form) => {
  async function withPlugin(
    name: string,
    spec: JsonObject,
    options: { timeoutMs?: number; outputBytes?: number } = {},
  ): Promise<Renderer> {
    const { sockets, commands } = place();
    if (form === "sidecar") {
      await sidecar(sockets, name, spec);
      return rendererOf(sidecarPlugins({ clock: testClock, dir: sockets, ...options }));
    }
    command(commands, name, spec);
    const plugins = commandPlugins({
      dir: commands,
      path: process.env["PATH"] ?? "",
      limits: options,
      problem: () => {},
    });
    return rendererOf(plugins);
  }

  it("renders what its commands print, in the source's folder, after init", async () => {
    const renderer = await withPlugin("one", {
      init: shell("printf made > made.txt"),
      generate: shell(
        `${configMap("$(cat words.txt) $(cat made.txt)")}; echo ---; ${configMap("x").replace('"a"', '"b"')}`,
      ),
    });
    const result = await render(renderer, await repo(files), { plugin: { name: "one" } });
    expect(result.sourceType).toBe("Plugin");
    expect(dataOf(result)).toEqual({ v: "hello made" });
    expect(result.objects.map(({ object }) => object.metadata.name)).toEqual(["a", "b"]);
  });

  it("gives it the build environment, prefixed variables, parameters and the cluster", async () => {
    const renderer = await withPlugin("one", {
      generate: shell(
        configMap(
          "$ARGOCD_APP_NAME|$ARGOCD_APP_NAMESPACE|$ARGOCD_ENV_FOO|$FOO|$PARAM_TEXT|$PARAM_L_1|$PARAM_M_A_B|$KUBE_VERSION|$KUBE_API_VERSIONS|$ARGOCD_APP_SOURCE_PATH",
        ) +
          "; echo ---; printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: b}\\ndata: {v: %s}\\n' \"'$ARGOCD_APP_PARAMETERS'\"",
      ),
    });
    const plugin = {
      name: "one",
      env: [{ name: "FOO", value: "bar-$ARGOCD_APP_NAME" }],
      parameters: [
        { name: "text", string: "t" },
        { name: "l", array: ["x", "y"] },
        { name: "m", map: { "a.b": "c" } },
      ],
    };
    const result = await render(
      renderer,
      await repo(files),
      { plugin },
      {
        capabilities: async () => ({ kubeVersion: "v1.31.2", apiVersions: ["apps/v1", "v1"] }),
      },
    );
    expect(dataOf(result)["v"]).toBe("shop|prod|bar-shop||t|y|c|1.31.2|apps/v1,v1|app");
    const [, second] = result.objects;
    expect(JSON.parse((second as unknown as { object: { data: { v: string } } }).object.data.v)).toEqual(
      plugin.parameters,
    );
  });

  it("is found by its discovery, and asked no more than once for the same files", async () => {
    const renderer = await withPlugin("finder", {
      discover: { fileName: "words.*" },
      generate: shell(configMap("found")),
    });
    const one = await repo({
      ...files,
      "other/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: plain }\n",
    });
    expect((await render(renderer, one, {})).sourceType).toBe("Plugin");
    expect((await render(renderer, one, { path: "other" })).sourceType).toBe("Directory");
    expect((await render(renderer, one, { plugin: {} })).sourceType).toBe("Plugin");
    expect(await failure(render(renderer, one, { path: "other", plugin: { name: "finder" } }))).toMatchObject({
      code: "RENDER_FAILED",
      message: expect.stringContaining("does not want other") as string,
    });
    expect(await failure(render(renderer, one, { path: "other", plugin: {} }))).toMatchObject({
      code: "PLUGIN_UNREACHABLE",
    });
  });

  it("runs again only when what it got has changed", async () => {
    const renderer = await withPlugin("one", { generate: shell(configMap("$(cat words.txt)")) });
    const one = await repo(files);
    const source = { plugin: { name: "one" } };
    const first = await render(renderer, one, source);
    await commit(one, { "elsewhere.txt": "x" });
    expect((await render(renderer, one, source)).hash).toBe(first.hash);
    expect(renderer.statistics.pluginRenders).toBe(1);
    expect(first.reads.directories).toEqual([expect.objectContaining({ path: "app", recursive: true })]);
    await commit(one, { "app/words.txt": "bye" });
    expect(dataOf(await render(renderer, one, source))).toEqual({ v: "bye" });
    await render(renderer, one, { plugin: { name: "one", parameters: [{ name: "a", string: "b" }] } });
    expect(renderer.statistics.pluginRenders).toBe(3);
  });

  it("gets the commit as a variable, and runs at each where the application hands it on", async () => {
    const renderer = await withPlugin("one", { generate: shell(configMap("$ARGOCD_ENV_REV")) });
    const one = await repo(files);
    const source = { plugin: { name: "one", env: [{ name: "REV", value: "${ARGOCD_APP_REVISION}" }] } };
    expect(dataOf(await render(renderer, one, source))).toEqual({ v: one.sha });
    await commit(one, { "elsewhere.txt": "x" });
    expect(dataOf(await render(renderer, one, source))).toEqual({ v: one.sha });
  });

  it("gets the files that manifest-generate-paths names, and they count as read", async () => {
    const renderer = await withPlugin("one", { generate: shell(configMap("$(cat ../lib/shared.txt 2>&1)")) });
    const one = await repo(files);
    const source = { plugin: { name: "one" } };
    const more = { generatePaths: ".;/lib" };
    const result = await render(renderer, one, source, more);
    expect(dataOf(result)).toEqual({ v: "from the library" });
    expect(result.reads.directories.map(({ path }) => path).sort()).toEqual(["app", "lib"]);
    await commit(one, { "lib/shared.txt": "newer" });
    expect(dataOf(await render(renderer, one, source, more))).toEqual({ v: "newer" });
  });

  it("says what it wrote to its standard error, bounded and without secrets", async () => {
    const renderer = await withPlugin("one", {
      generate: shell(
        'echo starting >&2; echo "cannot reach https://bot:hunter22@example.com with $ARGOCD_ENV_API_TOKEN" >&2; exit 3',
      ),
    });
    const one = await repo(files);
    const plugin = { name: "one", env: [{ name: "API_TOKEN", value: "abcdef123456" }] };
    const { code, message } = await failure(render(renderer, one, { plugin }));
    expect(code).toBe("RENDER_FAILED");
    expect(message).toContain("exit code 3");
    expect(message).toContain("cannot reach https://***@example.com with ++++++++");
    expect(message).not.toMatch(/hunter22|abcdef123456/);
    const noisy = await withPlugin("two", { generate: shell("yes word | head -c 200000 >&2; exit 1") });
    expect((await failure(render(noisy, one, { plugin: { name: "two" } }))).message.length).toBeLessThan(4000);
  });

  it.each([
    ["manifests that are no YAML", "echo 'a: [b'", "MANIFEST_INVALID"],
    ["something that is no object", "echo 'apiVersion: v1'", "MANIFEST_INVALID"],
    ["a command that does not end", "sleep 600", "RENDER_TIMEOUT"],
    ["endless output", "yes", form === "sidecar" ? "RENDER_FAILED" : "RENDER_TOO_LARGE"],
    ["a command that is not there", "exec /nowhere/at/all", "RENDER_FAILED"],
  ])("fails for itself with %s", async (_name, script, code) => {
    const renderer = await withPlugin("one", { generate: shell(script) }, { timeoutMs: 3000, outputBytes: 1 << 20 });
    const one = await repo({ ...files, "plain/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: p }\n" });
    const [bad, good] = await Promise.all([
      failure(render(renderer, one, { plugin: { name: "one" } })),
      render(renderer, one, { path: "plain" }),
    ]);
    expect(bad.code).toBe(code);
    expect(good.objects).toHaveLength(1);
  });

  it("announces its parameters, the static ones last", async () => {
    const { sockets, commands } = place();
    const spec = {
      generate: shell("true"),
      parameters: {
        dynamic: shell('echo \'[{"name":"dynamic","map":{"a":"b"},"collectionType":"map"}]\''),
        static: [{ name: "fixed", title: "Fixed", required: true, array: ["x"] }],
      },
    };
    if (form === "sidecar") await sidecar(sockets, "one", spec);
    else command(commands, "one", spec);
    const plugins =
      form === "sidecar"
        ? sidecarPlugins({ clock: testClock, dir: sockets })
        : commandPlugins({ dir: commands, path: process.env["PATH"] ?? "", problem: () => {} });
    const { repository, sha } = await repo(files);
    const source = { repoURL: repository.url, path: "app", plugin: { name: "one" } };
    const request = { source, repository, sha, appName: "shop" };
    expect(await rendererOf(plugins).pluginParameters(world.op, request)).toMatchObject([
      { name: "dynamic", map: { a: "b" }, collectionType: "map" },
      { name: "fixed", title: "Fixed", required: true, array: ["x"] },
    ]);
  });
});

describe("sidecars", () => {
  it("are asked again after they were started anew", async () => {
    const { sockets } = place();
    const renderer = rendererOf(sidecarPlugins({ clock: testClock, dir: sockets }));
    const one = await repo(files);
    const source = { plugin: { name: "one-v2" } };
    const first = await sidecar(sockets, "one-v2", { generate: shell(configMap("first")) });
    expect(dataOf(await render(renderer, one, source))).toEqual({ v: "first" });
    first.kill("SIGKILL");
    rmSync(join(sockets, "one-v2.sock"));
    await sidecar(sockets, "one-v2", { generate: shell(configMap("second")) });
    expect(dataOf(await render(renderer, one, source))).toEqual({ v: "second" });
  });

  it("that are gone or answer nonsense are told with their name, and bother no other source", async () => {
    const { sockets } = place();
    const child = await sidecar(sockets, "gone", { discover: { fileName: "*" }, generate: shell("true") });
    child.kill("SIGKILL");
    const nonsense: Server = createServer((socket) => {
      socket.write("HTTP/1.1 400 no\r\n\r\n");
      socket.once("data", () => socket.destroy());
    });
    await new Promise<void>((resolve) => nonsense.listen(join(sockets, "nonsense.sock"), resolve));
    closers.push(() => new Promise((resolve) => nonsense.close(() => resolve())));
    const renderer = rendererOf(sidecarPlugins({ clock: testClock, dir: sockets, timeoutMs: 2000 }));
    const one = await repo({ "app/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: p }\n" });
    for (const name of ["gone", "nonsense"]) {
      const failed = await failure(render(renderer, one, { plugin: { name } }));
      expect(failed.message).toContain(name);
      expect(["PLUGIN_UNREACHABLE", "RENDER_FAILED", "RENDER_TIMEOUT"]).toContain(failed.code);
    }
    expect((await render(renderer, one, {})).sourceType).toBe("Directory");
    expect(await failure(render(renderer, one, { plugin: { name: "never" } }))).toMatchObject({
      code: "PLUGIN_UNREACHABLE",
      message: expect.stringContaining("there are gone, nonsense") as string,
    });
    expect((await failure(render(renderer, one, { plugin: { name: "../x" } }))).code).toBe("SPEC_INVALID");
  });
});

describe("a sidecar that does not answer", () => {
  it("is waited for once, not by every source", async () => {
    const { sockets } = place();
    let asked = 0;
    const silent: Server = createServer((socket) => {
      asked++;
      socket.resume();
    });
    await new Promise<void>((resolve) => silent.listen(join(sockets, "silent.sock"), resolve));
    closers.push(() => new Promise((resolve) => silent.close(() => resolve())));
    const renderer = rendererOf(sidecarPlugins({ clock: testClock, dir: sockets, timeoutMs: 300 }));
    const plain = Object.fromEntries(
      Array.from({ length: 20 }, (_, at) => [
        `s${at}/a.yaml`,
        `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a${at} }\n`,
      ]),
    );
    const one = await repo(plain);
    const started = performance.now();
    for (let at = 0; at < 20; at++)
      expect((await render(renderer, one, { path: `s${at}` })).objects, String(at)).toHaveLength(1);
    expect(performance.now() - started).toBeLessThan(3000);
    expect(asked).toBe(1);
  });
});

describe("commands", () => {
  const only = (dir: string, options: Partial<Parameters<typeof commandPlugins>[0]> = {}): Plugins =>
    commandPlugins({ dir, path: process.env["PATH"] ?? "", problem: () => {}, ...options });

  it("see nothing of this process's environment and leave nothing behind", async () => {
    const { commands } = place();
    process.env["DRIFTLESS_TEST_SECRET"] = "hidden";
    command(commands, "one", {
      generate: shell(
        '(sleep 300 & echo $! > pid); pid=$(cat pid); printf \'%s\\n\' \'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"pid":"\'$pid\'","v":"\'"$(env | cut -d= -f1 | sort | tr \'\\n\' \' \')"\'","pwd":"\'"$(pwd)"\'"}}\'',
      ),
    });
    const renderer = rendererOf(only(commands));
    const data = dataOf(await render(renderer, await repo(files), { plugin: { name: "one" } }));
    delete process.env["DRIFTLESS_TEST_SECRET"];
    const names = (data["v"] ?? "")
      .trim()
      .split(" ")
      .filter((name) => !/^(?:ARGOCD_|KUBE_|PWD|SHLVL|_|OLDPWD)/.test(name));
    expect(names).toEqual(["HOME", "PATH", "TMPDIR"]);
    expect(existsSync(data["pwd"] ?? "")).toBe(false);
    await expect.poll(() => alive(Number(data["pid"]))).toBe(false);
  });

  it("follow links inside, take one file out of the folder by a link, and are refused one that leads out", async () => {
    const { commands } = place();
    command(commands, "one", { generate: shell(configMap("$(cat here.txt) $(cat there.txt)")) });
    const renderer = rendererOf(only(commands));
    const source = { plugin: { name: "one" } };
    const one = await repo({
      ...files,
      "app/here.txt": { symlink: "words.txt" },
      "app/there.txt": { symlink: "../lib/shared.txt" },
    });
    expect(dataOf(await render(renderer, one, source))).toEqual({ v: "hello from the library" });
    await commit(one, { "app/out.txt": { symlink: "../../etc/passwd" } });
    expect((await failure(render(renderer, one, source))).code).toBe("MANIFEST_INVALID");
  });

  it("keep the executable bit only where the plugin asks for it", async () => {
    const { commands } = place();
    const one = await repo(files);
    const listing = shell(configMap("$(test -x words.txt && echo yes || echo no)"));
    command(commands, "plain", { generate: listing });
    command(commands, "modes", { generate: listing }, true);
    const renderer = rendererOf(only(commands));
    expect(dataOf(await render(renderer, one, { plugin: { name: "plain" } }))).toEqual({ v: "no" });
    expect(dataOf(await render(renderer, one, { plugin: { name: "modes" } }))).toEqual({ v: "no" });
  });

  it("tell once which of their files cannot be used", async () => {
    const { commands } = place();
    writeFileSync(join(commands, "bad.yaml"), "kind: Other\n");
    writeFileSync(join(commands, "worse.yml"), "a: [\n");
    writeFileSync(join(commands, "notes.txt"), "not read\n");
    const told: string[] = [];
    const plugins = only(commands, { problem: (file) => told.push(file.slice(commands.length + 1)) });
    for (let at = 0; at < 3; at++) expect(await plugins.list(world.op)).toEqual([]);
    expect(told).toEqual(["bad.yaml", "worse.yml"]);
    expect(readdirSync(commands)).toHaveLength(3);
  });

  it("and sidecars are found side by side; of two with one name the sidecar counts", async () => {
    const { sockets, commands } = place();
    await sidecar(sockets, "same", { generate: shell(configMap("sidecar")) });
    command(commands, "same", { generate: shell(configMap("command")) });
    command(commands, "own", { generate: shell(configMap("command")) });
    const renderer = rendererOf(bothPlugins(sidecarPlugins({ clock: testClock, dir: sockets }), only(commands)));
    const one = await repo(files);
    expect(dataOf(await render(renderer, one, { plugin: { name: "same" } }))).toEqual({ v: "sidecar" });
    expect(dataOf(await render(renderer, one, { plugin: { name: "own" } }))).toEqual({ v: "command" });
  });

  it("run again when they are asked to, and what they give then is what holds", async () => {
    const { commands } = place();
    const outside = join(folder, "outside");
    writeFileSync(outside, "first");
    command(commands, "one", { generate: shell(configMap(`$(cat ${outside})`)) });
    const renderer = rendererOf(only(commands));
    const one = await repo(files);
    const source = { plugin: { name: "one" } };
    expect(dataOf(await render(renderer, one, source))).toEqual({ v: "first" });
    writeFileSync(outside, "second");
    expect(dataOf(await render(renderer, one, source))).toEqual({ v: "first" });
    expect(dataOf(await render(renderer, one, source, { again: true }))).toEqual({ v: "second" });
    expect(dataOf(await render(renderer, one, source))).toEqual({ v: "second" });
  });

  it("of two applications with equal inputs run once, also at the same time", async () => {
    const { commands } = place();
    command(commands, "one", { generate: shell(configMap("x")) });
    const renderer = rendererOf(only(commands));
    const one = await repo(files);
    const results = await Promise.all(
      Array.from({ length: 8 }, () => render(renderer, one, { plugin: { name: "one" } })),
    );
    expect(new Set(results.map(({ hash }) => hash)).size).toBe(1);
    expect(renderer.statistics.pluginRenders).toBe(1);
  });
});

/** Whether it runs; one that has ended and that nobody has collected does not. */
function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
