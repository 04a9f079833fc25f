// npm run kube:build: builds the real Kubernetes control plane (one Go binary) into the user's cache, with progress.
// Nothing to do when it is there. Needs Go and, the first time, the Go module proxy; takes minutes then, seconds later.
import { execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { buildDirectory, components, findBinary, sourceDirectory, sourcesHash } from "./binary.ts";
import type { BuildRecord } from "./binary.ts";

const run = promisify(execFile);
type Environment = Readonly<Record<string, string | undefined>>;

export interface BuildOptions {
  readonly env: Environment;
  /** Takes a line of progress; `final` lines are worth keeping, others replace each other. */
  readonly report: (line: string, final: boolean) => void;
  readonly signal?: AbortSignal;
}

/** What stands between a person and a built binary, in a sentence that says what to do. */
export class BuildError extends Error {
  override readonly name = "BuildError";
}

/** Returns the path of the binary, building it first where it is missing. Throws BuildError. */
export async function buildBinary(options: BuildOptions): Promise<string> {
  const found = findBinary(options.env);
  if (found) return found;
  const env = { ...options.env, CGO_ENABLED: "0" };
  const goVersion = await usableGo(env);
  const target = buildDirectory(options.env, goVersion);
  mkdirSync(dirname(target), { recursive: true });
  const work = mkdtempSync(join(dirname(target), "building-"));
  try {
    await compile(join(work, "kubernetes"), env, options);
    for (const name of components) symlinkSync("kubernetes", join(work, name));
    const record: BuildRecord = { sources: sourcesHash(), go: goVersion };
    writeFileSync(join(work, "build.json"), `${JSON.stringify(record)}\n`);
    putInPlace(work, target, options.env);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return join(target, "kubernetes");
}

/** The version of the installed Go, when it is new enough for go.mod. */
async function usableGo(env: Environment): Promise<string> {
  const wanted = /^go (\S+)$/m.exec(readFileSync(join(sourceDirectory, "go.mod"), "utf8"))?.[1] ?? "1";
  let version: string;
  try {
    version = (await run("go", ["env", "GOVERSION"], { cwd: sourceDirectory, env: { ...env } })).stdout.trim();
  } catch (thrown) {
    const missing = thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT";
    const what = missing ? "Go is not installed." : `Go does not work: ${firstLine(thrown)}`;
    throw new BuildError(`${what} The real Kubernetes is built with Go ${wanted} or newer: https://go.dev/dl`);
  }
  if (!atLeast(version.replace(/^go/, ""), wanted)) {
    throw new BuildError(`Go is too old: ${version}, wanted ${wanted} or newer: https://go.dev/dl`);
  }
  return version;
}

function atLeast(version: string, wanted: string): boolean {
  const numbers = (text: string) => text.split(/[.\s-]/).map((part) => Number.parseInt(part, 10) || 0);
  const [have, want] = [numbers(version), numbers(wanted)];
  for (const [index, number] of want.entries()) {
    const difference = (have[index] ?? 0) - number;
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** Kubernetes writes its own version into binaries at link time; the module's version in go.mod says which. */
function linkFlags(): string {
  const module = readFileSync(join(sourceDirectory, "go.mod"), "utf8");
  const version = /k8s\.io\/kubernetes (v(\d+)\.(\d+)\.\S+)/.exec(module);
  if (!version) throw new BuildError("test/kubernetes/go.mod names no version of k8s.io/kubernetes");
  const values = {
    gitVersion: version[1],
    gitMajor: version[2],
    gitMinor: version[3],
    gitTreeState: "clean",
    gitCommit: "0".repeat(40),
    buildDate: "2026-01-01T00:00:00Z",
  };
  const packages = ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"];
  const settings = packages.flatMap((name) =>
    Object.entries(values).map(([key, value]) => `-X ${name}.${key}=${value}`),
  );
  return ["-s -w", ...settings].join(" ");
}

async function compile(output: string, env: Environment, options: BuildOptions): Promise<void> {
  const started = performance.now();
  const progress = { downloaded: 0, compiled: 0, total: 0 };
  const show = () => options.report(progressLine(progress, performance.now() - started), false);
  options.report("building the real Kubernetes from Go modules (minutes the first time)", true);
  const tick = setInterval(show, 1_000);
  try {
    await go(["mod", "download", "-x"], env, options, (line) => {
      if (/\.zip: 200/.test(line)) progress.downloaded++;
    });
    await go(["list", "-deps", "-trimpath", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}", "."], env, options, (line) => {
      if (line.trim() !== "") progress.total++;
    });
    await go(["build", "-v", "-trimpath", "-ldflags", linkFlags(), "-o", output, "."], env, options, (line) => {
      if (/^[a-z0-9_.\-/]+$/i.test(line)) progress.compiled++;
    });
  } finally {
    clearInterval(tick);
  }
  options.report(progressLine(progress, performance.now() - started), true);
}

function progressLine(progress: { downloaded: number; compiled: number; total: number }, elapsedMs: number): string {
  const seconds = Math.round(elapsedMs / 1000);
  const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  const compiled = Math.min(progress.compiled, progress.total);
  const step =
    progress.total === 0
      ? `reading modules${progress.downloaded > 0 ? `, ${progress.downloaded} downloaded` : ""}`
      : `compiled ${compiled}/${progress.total} packages${compiled >= progress.total ? ", linking" : ""}`;
  return `  ${clock}  ${step}`;
}

/** Runs Go in the sources' folder; each line of both outputs goes to `onLine`. Throws with its last lines. */
async function go(
  args: readonly string[],
  env: Environment,
  options: BuildOptions,
  onLine: (line: string) => void,
): Promise<void> {
  const child = spawn("go", args, {
    cwd: sourceDirectory,
    env: { ...env },
    stdio: ["ignore", "pipe", "pipe"],
    ...(options.signal ? { signal: options.signal } : {}),
  });
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

/** Renames a finished build to where it is looked for. Of two builds at the same time, the first one stays. */
function putInPlace(work: string, target: string, env: Environment): void {
  try {
    renameSync(work, target);
  } catch (thrown) {
    if (!findBinary(env)) throw thrown;
  }
}

function firstLine(thrown: unknown): string {
  return (thrown instanceof Error ? thrown.message : String(thrown)).split("\n")[0] ?? "";
}

/** Shows progress on a terminal in one changing line, elsewhere as a line every ten seconds. */
export function terminalReport(stream: NodeJS.WriteStream): BuildOptions["report"] {
  let lastShown = 0;
  return (line, final) => {
    if (stream.isTTY) {
      stream.write(`\r\u001b[K${line}${final ? "\n" : ""}`);
    } else if (final || performance.now() - lastShown > 10_000) {
      lastShown = performance.now();
      stream.write(`${line}\n`);
    }
  };
}

if (import.meta.main) {
  try {
    const found = findBinary(process.env);
    const binary = found ?? (await buildBinary({ env: process.env, report: terminalReport(process.stderr) }));
    console.log(found ? `already built: ${binary}` : `built: ${binary}`);
  } catch (thrown) {
    if (!(thrown instanceof BuildError)) throw thrown;
    console.error(thrown.message);
    process.exitCode = 1;
  }
}
