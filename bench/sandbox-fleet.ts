// `driftless up` as a newcomer runs it, everything in one process: start-up, and 500 Applications of 6 objects on the
// sandbox until all are Synced and Healthy, with CPU and memory of that one process.
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { baseEnvironment, type GitProgram } from "#git/process.ts";
import { writeCommit } from "#git/seed.ts";
import { startGitServer } from "#git/server.ts";
import { clientFromKubeconfig } from "#kube/credentials.ts";
import type { KubeClient } from "#kube/types.ts";
import type { Application } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";
import { systemClock, systemRandom } from "#runtime/system.ts";
import { cpuSeconds, residentMB } from "./lib/processes.ts";
import { round, type Bench } from "./lib/report.ts";
import { application, applicationPath, createNamespaces, fleetFiles, inParallel, op } from "./lib/world.ts";

const count = 500;
const idleMs = 20_000;
const deadlineMs = 300_000;
const main = join(import.meta.dirname, "..", "src", "main", "driftless.ts");

export const bench: Bench = async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "driftless-bench-"));
  const program: GitProgram = {
    path: "git",
    env: baseEnvironment({ PATH: process.env["PATH"] ?? "" }, join(folder, "home")),
  };
  const git = await startGitServer(op, { root: join(folder, "repositories"), program });
  const state = join(folder, "state");
  let up: Up | undefined;
  try {
    await git.create(op, "fleet");
    const files = fleetFiles(count);
    await writeCommit(op, program, git.directory("fleet"), { message: "The fleet", files, time: Date.now() });
    up = await startUp(state);
    const firstReadyMs = up.readyMs;
    const { pid } = up;
    const client = clientOf(state);
    await createNamespaces(client);
    const cpuBefore = cpuSeconds(pid);
    context.say(`creating ${count} Applications`);
    const started = performance.now();
    const settled = untilSettled(client, started);
    await inParallel(count, 20, (index) =>
      client.create(op, applicationPath, application(index, git.repositoryUrl("fleet"))),
    );
    const { syncedMs, healthyMs } = await settled;
    const cpuS = cpuSeconds(pid) - cpuBefore;
    context.say(`all Synced after ${(syncedMs / 1000).toFixed(1)} s, Healthy after ${(healthyMs / 1000).toFixed(1)} s`);
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    const idleBefore = cpuSeconds(pid);
    await new Promise((resolve) => setTimeout(resolve, idleMs));
    const idle = (cpuSeconds(pid) - idleBefore) / (idleMs / 1000);
    const rss = residentMB(pid);
    await client.close();
    await up.stop();
    up = await startUp(state);
    return {
      bench: "sandbox-fleet",
      results: {
        firstReadyS: round(firstReadyMs / 1000),
        againReadyS: round(up.readyMs / 1000),
        syncedS: round(syncedMs / 1000),
        healthyS: round(healthyMs / 1000),
        cpuSeconds: round(cpuS),
        idleCores: round(idle),
        residentMB: round(rss),
      },
      targets: [
        { metric: "ready again, s", value: up.readyMs / 1000, limit: 5 },
        { metric: "all Synced and Healthy, s", value: healthyMs / 1000, limit: 30 },
        { metric: "CPU-seconds", value: cpuS, limit: 15 },
        { metric: "idle CPU, cores", value: idle, limit: 0.02 },
        { metric: "resident memory, MB", value: rss, limit: 600 },
      ],
    };
  } finally {
    await up?.stop();
    await git.close();
    rmSync(folder, { recursive: true, force: true });
  }
};

interface Up {
  readonly pid: number;
  /** From the start of the process until it says that it is ready. */
  readonly readyMs: number;
  stop(): Promise<void>;
}

async function startUp(dataDir: string): Promise<Up> {
  const started = performance.now();
  const args = [main, "up", "--no-demo", "--port", "0", "--data-dir", dataDir];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  process.once("exit", () => void child.kill("SIGKILL"));
  await untilReady(child);
  const readyMs = performance.now() - started;
  return {
    pid: child.pid!,
    readyMs,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
    },
  };
}

function untilReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = "";
    child.stdout!.on("data", (chunk) => {
      output += String(chunk);
      if (/Page\s+http/.test(output)) resolve();
    });
    child.once("exit", (code) => reject(new Error(`driftless ended with ${code}: ${output}`)));
  });
}

function clientOf(dataDir: string): KubeClient {
  return clientFromKubeconfig(
    { path: join(dataDir, "kubeconfig") },
    { clock: systemClock, random: systemRandom, userAgent: "driftless-bench", concurrency: 64 },
  );
}

/** When all applications were Synced for the first time, and when they were Healthy too; ms after `startedMs`. */
async function untilSettled(
  client: KubeClient,
  startedMs: number,
): Promise<{ readonly syncedMs: number; readonly healthyMs: number }> {
  const synced = new Set<string>();
  const healthy = new Set<string>();
  const see = (object: KubernetesObject): void => {
    const { metadata, status } = object as Application;
    if (status?.sync?.status === "Synced") synced.add(metadata.name!);
    else synced.delete(metadata.name!);
    if (status?.sync?.status === "Synced" && status.health?.status === "Healthy") healthy.add(metadata.name!);
    else healthy.delete(metadata.name!);
  };
  const { items, resourceVersion } = await client.list(op, applicationPath, { namespace: "argocd" });
  for (const item of items) see(item);
  let syncedMs: number | undefined;
  const signal = AbortSignal.timeout(deadlineMs);
  const events = client.watch({ ...op, signal }, applicationPath, { resourceVersion, namespace: "argocd" });
  for await (const event of events) {
    if (event.type === "ADDED" || event.type === "MODIFIED") see(event.object);
    if (synced.size >= count) syncedMs ??= performance.now() - startedMs;
    if (syncedMs !== undefined && healthy.size >= count) return { syncedMs, healthyMs: performance.now() - startedMs };
  }
  throw new Error(`of ${count} applications only ${synced.size} were Synced and ${healthy.size} Healthy in time`);
}
