import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import { silentLogger, type Operation } from "#base/operation.ts";
import { testClock } from "#git/testing.ts";
import type { FileAnswer } from "./frames.ts";
import { createEvaluators } from "./evaluate.ts";
import { createEnginePool } from "./pool.ts";
import type { EngineWork, FileServer } from "./process.ts";
import { engineForTests, testPool } from "./testing.ts";

const op: Operation = { signal: new AbortController().signal, log: silentLogger };

/** Files from a map; folders are what their names say. */
function memoryFiles(files: Readonly<Record<string, string>>): FileServer {
  const names = Object.keys(files);
  const below = (path: string): string[] => names.filter((name) => path === "" || name.startsWith(`${path}/`));
  return {
    async open(path): Promise<FileAnswer> {
      const text = files[path];
      if (text !== undefined) return { found: "file", path, body: [Buffer.from(text)] };
      return below(path).length > 0 ? { found: "directory", path } : { found: "absent" };
    },
    async list(): Promise<FileAnswer> {
      return { found: "absent" };
    },
    async tree(path): Promise<FileAnswer> {
      const found = below(path);
      return {
        found: "directory",
        entries: found.map((name) => ({ p: name.slice(path.length + 1), s: Buffer.byteLength(files[name] ?? "") })),
        body: found.map((name) => Buffer.from(files[name] ?? "")),
      };
    },
  };
}

const helm = (template: string, more: Record<string, string> = {}): EngineWork => ({
  kind: "helm",
  params: { chart: "c", releaseName: "r", namespace: "n" },
  files: memoryFiles({
    "c/Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n",
    "c/templates/a.yaml": template,
    ...more,
  }),
});
const fine = helm('apiVersion: v1\nkind: ConfigMap\nmetadata: { name: "{{ .Release.Name }}" }\n');
const objects = async (work: Promise<Buffer>): Promise<number> =>
  (JSON.parse((await work).toString()) as { objects: unknown[] }).objects.length;
const code = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "none",
    (error: unknown) => (error instanceof DriftlessError ? error.code : String(error)),
  );

describe("without the program", () => {
  it("says how to get it, and what is being waited for", async () => {
    const state: { building?: string } = {};
    const pool = createEnginePool({
      locate: () => ({ version: "v", program: undefined, building: state.building }),
      clock: testClock,
    });
    await expect(pool.run(op, fine)).rejects.toMatchObject({
      code: "ENGINE_MISSING",
      message: expect.stringContaining("npm run engine:build") as string,
    });
    state.building = "0:12, compiled 3 of 900 packages";
    await expect(pool.run(op, fine)).rejects.toThrow("compiled 3 of 900");
    await pool.close();
  });
});

describe.skipIf(!engineForTests())("engine processes", () => {
  const pools: { close(): Promise<void> }[] = [];
  const make: typeof testPool = (options) => {
    const pool = testPool(options);
    pools.push(pool);
    return pool;
  };
  afterAll(() => Promise.all(pools.map((pool) => pool.close())));

  it("can open no file, no socket, start no program, and see no environment", async () => {
    const pool = make();
    const tried = JSON.parse((await pool.run(op, { kind: "selftest", params: {} })).toString()) as Record<
      string,
      string
    >;
    if (process.platform !== "linux") return;
    expect(Object.keys(tried).length).toBeGreaterThan(10);
    for (const [name, outcome] of Object.entries(tried))
      expect(outcome, name).toMatch(/^refused: (?:.*operation not permitted|.*permission denied|empty)/);
    expect(pool.locks).toMatchObject({ seccomp: true, noNewPrivileges: true, memory: true });
  });

  it("refuses an engine of another version", async () => {
    const dir = mkdtempSync(join(tmpdir(), "driftless-engine-"));
    const program = join(dir, "engine");
    const hello = JSON.stringify({ t: "hello", protocol: 1, engine: "other" });
    const frame = Buffer.alloc(8 + hello.length);
    frame.writeUInt32LE(4 + hello.length, 0);
    frame.writeUInt32LE(hello.length, 4);
    frame.write(hello, 8);
    writeFileSync(join(dir, "hello"), frame);
    writeFileSync(program, `#!/bin/sh\ncat ${join(dir, "hello")}\nexec cat > /dev/null\n`, { mode: 0o755 });
    const pool = make({ locate: () => ({ version: "mine", program, building: undefined }) });
    await expect(pool.run(op, fine)).rejects.toMatchObject({
      code: "ENGINE_MISSING",
      message: expect.stringContaining("another version") as string,
    });
    rmSync(dir, { recursive: true, force: true });
  });

  const hostile: [string, string, string][] = [
    ["a loop without end", "{{ range $i := until 50000 }}{{ range until 50000 }}{{ end }}{{ end }}", "RENDER_TIMEOUT"],
    ["endless memory", "{{ until 2000000000 | len }}", "RENDER_TOO_LARGE"],
    ["endless text", '{{ range until 300 }}{{ repeat 1048576 "x" }}{{ end }}', "RENDER_TOO_LARGE"],
    ["output beyond the limit", 'a: {{ repeat 35000000 "x" }}', "RENDER_TOO_LARGE"],
    [
      "a template that includes itself",
      '{{ define "a" }}{{ include "a" . }}{{ end }}{{ include "a" . }}',
      "RENDER_FAILED",
    ],
  ];
  it.each(hostile)("ends %s within limits while others render", async (_name, template, expected) => {
    const pool = make({ timeoutMs: 2_000, memoryMiB: 256 });
    const started = performance.now();
    const [outcome, ...counts] = await Promise.all([
      code(pool.run(op, helm(template))),
      ...Array.from({ length: 50 }, () => objects(pool.run(op, fine, { timeoutMs: 20_000 }))),
    ]);
    expect(outcome).toBe(expected);
    expect(counts).toEqual(Array.from({ length: 50 }, () => 1));
    expect(performance.now() - started).toBeLessThan(15_000);
  });

  it("goes on after a process was killed: what ran there runs again", async () => {
    const pool = make({ processes: 1 });
    await pool.run(op, fine);
    const [pid] = pool.pids;
    const running = Promise.all(Array.from({ length: 5 }, () => objects(pool.run(op, fine))));
    process.kill(pid as number, "SIGKILL");
    expect(await running).toEqual([1, 1, 1, 1, 1]);
    expect(pool.pids).not.toEqual([pid]);
  });

  it("gives up at once when the caller does", async () => {
    const pool = make({ processes: 1 });
    const stop = new AbortController();
    const endless = pool.run({ ...op, signal: stop.signal }, helm(hostile[0]?.[1] ?? ""));
    const waiting = pool.run({ ...op, signal: stop.signal }, fine);
    await pool.run(op, { kind: "ping", params: {} });
    stop.abort();
    expect(await code(endless)).toBe("CANCELLED");
    expect(await code(waiting)).toBe("CANCELLED");
    expect(await objects(pool.run(op, fine))).toBe(1);
  });

  const evaluations: [string, unknown, unknown][] = [
    [
      "gotemplate",
      { items: [{ text: "{{ .a | upper }}-{{ normalize .b }}", data: { a: "x", b: "A_b" } }] },
      [{ value: "X-a-b" }],
    ],
    [
      "gotemplate",
      { items: [{ text: "{{ .a }}", data: {}, options: ["missingkey=error"] }] },
      [{ error: { line: 1 } }],
    ],
    ["gotemplate", { items: [{ text: '{{ env "HOME" }}', data: {} }] }, [{ error: { kind: "template" } }]],
    ["gotemplate", { items: [{ text: "[[ .a ]]", left: "[[", right: "]]", data: { a: 1 } }] }, [{ value: "1" }]],
    ["expr", { items: [{ text: "a + 1 > 2 && b.c == 'x'", data: { a: 2, b: { c: "x" } } }] }, [{ value: true }]],
    [
      "jq",
      {
        items: [
          { text: ".a[] | . * 2", data: { a: [1, 2] } },
          { text: ".[", data: {} },
        ],
      },
      [{ value: [2, 4] }, { error: {} }],
    ],
    ["jq", { items: [{ text: "env", data: {} }] }, [{ value: [{}] }]],
    ["cel", { items: [{ text: "a.exists(x, x > 1) ? {'k': a[0]} : {}", data: { a: [1, 2] } }] }, [{ value: { k: 1 } }]],
    [
      "semver",
      { items: [{ constraint: "^1.2", versions: ["1.2.0", "v1.10.1", "2.0.0", "x"] }] },
      [{ value: ["v1.10.1", "1.2.0"] }],
    ],
    ["semver", { items: [{ constraint: "no", versions: [] }] }, [{ error: {} }]],
    [
      "lua",
      {
        script: "hs = {status = 'Healthy', message = obj.a} seen = (seen or 0) + 1 hs.seen = seen return hs",
        items: [{ globals: { obj: { a: "x" } } }, { globals: { obj: { a: "y" } } }],
      },
      [
        { value: { status: "Healthy", message: "x", seen: 1 } },
        { value: { status: "Healthy", message: "y", seen: 1 } },
      ],
    ],
    [
      "lua",
      { items: [{ script: "while true do end" }, { script: "return {1, {}}" }] },
      [{ error: { message: "the script did not end within 1s" } }, { value: [1, []] }],
    ],
    [
      "lua",
      { items: [{ script: "return tostring(io) .. tostring(os.execute) .. tostring(dofile) .. tostring(string)" }] },
      [{ value: "nilnilnilnil" }],
    ],
    [
      "lua",
      { allLibraries: true, items: [{ script: "return string.upper('a') .. math.floor(1.5)" }] },
      [{ value: "A1" }],
    ],
  ];
  it.each(evaluations)("evaluates %s", async (kind, params, expected) => {
    const pool = make({ processes: 1 });
    expect(JSON.parse((await pool.run(op, { kind, params })).toString())).toMatchObject(expected as object);
  });

  it("ends a jq expression that does not, and answers the others", async () => {
    const evaluators = createEvaluators(make({ processes: 1 }));
    const data = { list: [{ name: "a" }, { name: "b" }], none: null };
    const items = [
      { text: 'path(.list[] | select(.name == "b"))', data },
      { text: "path(def f: f; f)", data },
      { text: "path(.none[])", data },
      { text: "path(.list[)", data },
      { text: "path(.list[0].name)", data },
    ];
    const [named, endless, nothing, broken, last] = await evaluators.jq(op, items, { timeoutMs: 200 });
    expect(named).toEqual({ ok: true, value: [["list", 1]] });
    expect(endless).toMatchObject({
      ok: false,
      error: { code: "RENDER_TIMEOUT", message: "it takes longer than 200 ms" },
    });
    // Ignore rules know these words: a list that is not there has no elements.
    expect(nothing).toMatchObject({
      ok: false,
      error: { message: expect.stringMatching(/cannot iterate over: null/) as string },
    });
    expect(broken).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining("unexpected token") as string },
    });
    expect(last).toEqual({ ok: true, value: [["list", 0, "name"]] });
  });

  it("gives each item of a batch its own outcome", async () => {
    const evaluators = createEvaluators(make({ processes: 1 }));
    const health = "return {status = obj.ready and 'Healthy' or 'Progressing', missing = obj.none.deep}";
    const outcomes = await evaluators.lua(op, [
      { script: "return {status = obj.ready and 'Healthy' or 'Progressing'}", globals: { obj: { ready: true } } },
      { script: health, globals: { obj: { ready: true } } },
    ]);
    expect(outcomes[0]).toEqual({ ok: true, value: { status: "Healthy" } });
    expect(outcomes[1]).toMatchObject({ ok: false, error: { code: "RENDER_FAILED" } });
    expect(await evaluators.templates(op, [{ text: "{{ .a }}", data: { a: "b" } }])).toEqual([
      { ok: true, value: "b" },
    ]);
    expect(await evaluators.semver(op, [])).toEqual([]);
  });
});
