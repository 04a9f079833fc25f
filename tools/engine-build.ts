// npm run engine:build: builds driftless-engine from its Go sources into the user's cache, with progress. Nothing to do
// when it is there. Needs Go and, the first time, the Go module proxy; about a minute then. `--if-go`: without Go, say
// so in one line and end well. `--quiet`: no progress.
import { execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { buildNote, engineCache, engineSources, findEngine } from "../src/render/engine/binary.ts";

const run = promisify(execFile);

class BuildError extends Error {}

/** Builds into the cache and returns the program's path. Throws BuildError. */
async function build(report: (line: string) => void): Promise<string> {
  const env = { ...process.env, CGO_ENABLED: "0" };
  const { version } = findEngine({ ...process.env, DRIFTLESS_ENGINE: undefined });
  await checkGo(env);
  const target = join(engineCache(process.env), version);
  mkdirSync(dirname(target), { recursive: true });
  const work = mkdtempSync(join(dirname(target), "building-"));
  const note = buildNote(process.env, version);
  const started = performance.now();
  const progress = { downloaded: 0, compiled: 0, total: 0 };
  const tell = (): void => {
    const line = progressLine(progress, performance.now() - started);
    writeFileSync(note, JSON.stringify({ pid: process.pid, progress: line }));
    report(line);
  };
  tell();
  const tick = setInterval(tell, 1000);
  try {
    await go(["mod", "download", "-x"], env, (line) => {
      if (line.includes(".zip: 200")) progress.downloaded++;
    });
    await go(["list", "-deps", "-trimpath", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}", "."], env, (line) => {
      if (line.trim() !== "") progress.total++;
    });
    const flags = `-s -w -X main.version=${version}`;
    const output = join(work, "driftless-engine");
    await go(["build", "-v", "-trimpath", "-ldflags", flags, "-o", output, "."], env, (line) => {
      if (/^[a-z0-9_.\-/]+$/i.test(line)) progress.compiled++;
    });
    try {
      renameSync(work, target);
    } catch (thrown) {
      if (!findEngine(process.env).program) throw thrown; // of two builds at once the first stays
    }
  } finally {
    clearInterval(tick);
    rmSync(note, { force: true });
    rmSync(work, { recursive: true, force: true });
  }
  return join(target, "driftless-engine");
}

async function checkGo(env: NodeJS.ProcessEnv): Promise<void> {
  const wanted = /^go (\S+)$/m.exec(readFileSync(join(engineSources, "go.mod"), "utf8"))?.[1] ?? "1";
  try {
    await run("go", ["list", "-m"], { cwd: engineSources, env });
  } catch (thrown) {
    const why =
      thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT" ? "it is not installed" : String(thrown);
    throw new BuildError(
      `driftless-engine is built with Go ${wanted} or newer: ${why.split("\n")[0]}; see https://go.dev/dl`,
    );
  }
}

function progressLine(progress: { downloaded: number; compiled: number; total: number }, elapsedMs: number): string {
  const seconds = Math.round(elapsedMs / 1000);
  const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  if (progress.total === 0)
    return `${clock}, reading modules${progress.downloaded > 0 ? `, ${progress.downloaded} downloaded` : ""}`;
  return `${clock}, compiled ${Math.min(progress.compiled, progress.total)} of ${progress.total} packages`;
}

async function go(args: readonly string[], env: NodeJS.ProcessEnv, onLine: (line: string) => void): Promise<void> {
  const child = spawn("go", args, { cwd: engineSources, env, stdio: ["ignore", "pipe", "pipe"] });
  const last: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      onLine(line);
      last.push(line);
      if (last.length > 15) last.shift();
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code !== 0) throw new BuildError(`go ${args[0]} failed (exit code ${code}):\n${last.join("\n")}`);
}

const flags = new Set(process.argv.slice(2));
const quiet = flags.has("--quiet");
let shownAt = 0;
const found = findEngine(process.env).program;
try {
  const program =
    found ??
    (await build((line) => {
      if (quiet) return;
      if (process.stderr.isTTY) process.stderr.write(`\r\u001b[KBuilding driftless-engine: ${line}`);
      else if (performance.now() - shownAt > 10_000) {
        shownAt = performance.now();
        process.stderr.write(`Building driftless-engine: ${line}\n`);
      }
    }));
  if (!quiet && process.stderr.isTTY && !found) process.stderr.write("\n");
  if (!quiet) console.log(found ? `already built: ${program}` : `built: ${program}`);
} catch (thrown) {
  if (!(thrown instanceof BuildError)) throw thrown;
  console.error(thrown.message);
  if (!flags.has("--if-go")) process.exitCode = 1;
}
