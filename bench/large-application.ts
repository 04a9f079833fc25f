// One application of 5,000 objects, synced, compared and looked at on the sandbox: how long a small answer of the API takes
// meanwhile, for everything runs in one process and nobody is to wait for somebody else's large application.
import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { baseEnvironment, type GitProgram } from "#git/process.ts";
import { writeCommit } from "#git/seed.ts";
import { startGitServer } from "#git/server.ts";
import { startUp, type Up } from "#test/support/up.ts";
import type { Probe } from "./lib/prober.ts";
import { percentile, round, type Bench, type BenchContext } from "./lib/report.ts";
import { op } from "./lib/world.ts";

const objects = 5000;
const perFile = 250;
const refreshes = 3;
const everyMs = 20;
const limitMs = 100;
const deadlineMs = 150_000;

interface Beside {
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export const bench: Bench = async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "driftless-bench-"));
  const program: GitProgram = {
    path: "git",
    env: baseEnvironment({ PATH: process.env["PATH"] ?? "" }, join(folder, "home")),
  };
  const git = await startGitServer(op, { root: join(folder, "repositories"), program });
  // BENCH_PROFILE=DIR leaves a CPU profile there.
  const profile = process.env["BENCH_PROFILE"];
  const up = await startUp({
    demo: false,
    env: profile ? { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profile}` } : {},
  });
  const prober = fork(new URL("./lib/prober.ts", import.meta.url), { serialization: "json" });
  try {
    await git.create(op, "large");
    const commit = (version: number): Promise<string> =>
      writeCommit(op, program, git.directory("large"), {
        message: `Version ${version}`,
        files: files(version),
        time: Date.now(),
      });
    await commit(0);
    const probe: Probe = { url: up.url, token: await up.api.token(), path: "/api/v1/projects/default", everyMs };
    prober.send(probe);
    const beside = async (what: string, work: () => Promise<unknown>): Promise<Beside & { readonly tookS: number }> => {
      context.say(what);
      await report(prober);
      const started = performance.now();
      await work();
      const tookS = round((performance.now() - started) / 1000);
      return { tookS, ...ofTimes(await report(prober)) };
    };
    return await measure(context, { up, beside, commit, repoURL: git.repositoryUrl("large") });
  } finally {
    prober.kill();
    await up.stop();
    await git.close();
    rmSync(folder, { recursive: true, force: true });
  }
};

interface Setting {
  readonly up: Up;
  readonly beside: (what: string, work: () => Promise<unknown>) => Promise<Beside>;
  readonly commit: (version: number) => Promise<unknown>;
  readonly repoURL: string;
}

async function measure(context: BenchContext, { up, beside, commit, repoURL }: Setting) {
  const path = "/api/v1/applications/large";
  const idle = await beside("nothing else", () => new Promise((resolve) => setTimeout(resolve, 3000)));
  const synced = await beside(`first sync of ${objects} objects`, async () => {
    await up.api.must("POST", "/api/v1/applications", application(repoURL));
    await untilSynced(context, up, path);
  });
  const compared = await beside(`${refreshes} hard refreshes`, async () => {
    for (let at = 0; at < refreshes; at++) await up.api.must("GET", `${path}?refresh=hard`);
  });
  const changed = await beside("a commit that changes every object", async () => {
    await commit(1);
    await up.api.must("GET", `${path}?refresh=normal`);
    await untilSynced(context, up, path);
  });
  const looked = await beside("the page's questions about it", async () => {
    for (const question of ["resource-tree", "managed-resources", "manifests"])
      for (let at = 0; at < 3; at++) await up.api.must("GET", `${path}/${question}`);
  });
  const all = { idle, synced, compared, changed, looked };
  const target = (what: string, { p99Ms }: Beside) => ({
    metric: `small answer beside ${what}, p99, ms`,
    value: p99Ms,
    limit: limitMs,
  });
  return {
    bench: "large-application",
    results: { ...all, loadAverage: round(loadavg()[0] ?? 0) },
    targets: [
      target("a first sync", synced),
      target("comparing", compared),
      target("a sync of changes", changed),
      target("questions about it", looked),
    ],
  };
}

function report(prober: ReturnType<typeof fork>): Promise<readonly number[]> {
  const told = new Promise<readonly number[]>((resolve) =>
    prober.once("message", (times) => resolve(times as number[])),
  );
  prober.send("report");
  return told;
}

function ofTimes(timesMs: readonly number[]): Beside {
  return {
    medianMs: round(percentile(timesMs, 50)),
    p99Ms: round(percentile(timesMs, 99)),
    maxMs: round(Math.max(...timesMs)),
  };
}

async function untilSynced(context: BenchContext, up: Up, path: string): Promise<void> {
  interface Told {
    readonly status?: {
      readonly sync?: { readonly status?: string };
      readonly operationState?: { readonly phase?: string; readonly message?: string };
    };
  }
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const { status } = await up.api.must<Told>(
      "GET",
      `${path}?fields=status.sync.status,status.operationState.phase,status.operationState.message`,
    );
    const { phase = "", message = "" } = status?.operationState ?? {};
    if (phase === "Failed" || phase === "Error") throw new Error(`the sync failed: ${message}`);
    if (status?.sync?.status === "Synced" && phase === "Succeeded") return;
    if (performance.now() > deadline) {
      context.say(JSON.stringify(status));
      throw new Error("the application was not Synced in time");
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

function application(repoURL: string): object {
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Application",
    metadata: { name: "large" },
    spec: {
      project: "default",
      source: { repoURL, targetRevision: "main", path: "objects" },
      destination: { server: "https://kubernetes.default.svc", namespace: "default" },
      syncPolicy: { automated: { prune: true, selfHeal: true } },
    },
  };
}

function files(version: number): Record<string, string> {
  const text = (index: number): string =>
    `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: object-${index}\n  labels:\n    app: large\ndata:\n  VERSION: "${version}"\n  LOG_LEVEL: info\n  GREETING: hello from object ${index}\n`;
  return Object.fromEntries(
    Array.from({ length: objects / perFile }, (_, file) => [
      `objects/${file}.yaml`,
      Array.from({ length: perFile }, (_unused, at) => text(file * perFile + at)).join("---\n"),
    ]),
  );
}
