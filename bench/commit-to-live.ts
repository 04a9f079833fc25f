// A one-line change to one of N applications in one repository: from the return of the push (with a webhook) until the
// object is live on a real API server, and the CPU that our process spends on it. For 50 and for 500 applications.
import type { KubernetesObject } from "#model/object.ts";
import type { ResourcePath } from "#kube/types.ts";
import { percentile, round, type Bench } from "./lib/report.ts";
import { cpuSeconds } from "./lib/processes.ts";
import {
  application,
  applicationFiles,
  applicationPath,
  createNamespaces,
  createWorld,
  fleetFiles,
  inParallel,
  nameOf,
  namespaceOf,
  op,
  untilObject,
  untilSynced,
} from "./lib/world.ts";

const configMaps: ResourcePath = { group: "", version: "v1", plural: "configmaps", namespaced: true };
const commits = 20;
/** How long after a commit its CPU is still counted. */
const settleMs = 2000;
const sizes = (process.env["BENCH_SIZES"] ?? "50,500").split(",").map(Number);

export const bench: Bench = async (context) => {
  const world = await createWorld(context, fleetFiles(Math.max(...sizes)));
  const results: Record<string, unknown> = {};
  const medians: number[] = [];
  const cpus: number[] = [];
  try {
    await createNamespaces(world.client);
    const running = await world.startDriftless();
    let made = 0;
    for (const size of sizes) {
      context.say(`${size} applications`);
      const from = made;
      await inParallel(size - from, 20, (index) =>
        world.client.create(op, applicationPath, application(from + index, world.repositoryUrl)),
      );
      made = size;
      await untilSynced(world.client, size, performance.now());
      await quiet(running.pid);
      const times: number[] = [];
      const idle = await measureCpu(running.pid, settleMs, async () => {});
      const spent: number[] = [];
      for (let commit = 0; commit < commits; commit++) {
        const index = (commit * 7919) % size;
        const version = `${size}-${commit}`;
        const changed = applicationFiles(index);
        const path = `apps/${nameOf(index)}/config.yaml`;
        const cpu = await measureCpu(running.pid, settleMs, async () => {
          const sha = await world.commit({ [path]: changed[path]!.replace('VERSION: "0"', `VERSION: "${version}"`) });
          const started = performance.now();
          const live = untilObject(
            world.client,
            configMaps,
            { namespace: namespaceOf(index), name: nameOf(index) },
            (object) => dataOf(object)["VERSION"] === version,
          );
          await running.webhook(sha);
          await live;
          times.push(performance.now() - started);
        });
        spent.push(Math.max(0, cpu - idle));
      }
      const median = percentile(times, 50);
      const cpuS = spent.reduce((sum, value) => sum + value, 0) / spent.length;
      medians.push(median);
      cpus.push(cpuS);
      results[`${size} applications`] = {
        medianMs: round(median),
        p90Ms: round(percentile(times, 90)),
        minMs: round(Math.min(...times)),
        cpuSecondsPerCommit: round(cpuS),
        idleCpuSeconds: round(idle),
      };
    }
  } finally {
    await world.stop();
  }
  return {
    bench: "commit-to-live",
    results,
    targets: [
      { metric: "median ms, 500 applications", value: medians[1]!, limit: 250 },
      { metric: "CPU-seconds a commit, 500 applications", value: cpus[1]!, limit: 0.05 },
      { metric: "median at 500 / median at 50", value: medians[1]! / medians[0]!, limit: 1.5 },
      { metric: "CPU at 500 / CPU at 50", value: cpus[1]! / Math.max(cpus[0]!, 0.001), limit: 1.5 },
    ],
  };
};

function dataOf(object: KubernetesObject): Readonly<Record<string, string>> {
  return (object["data"] ?? {}) as Record<string, string>;
}

async function measureCpu(pid: number, settle: number, work: () => Promise<void>): Promise<number> {
  const before = cpuSeconds(pid);
  await work();
  await new Promise((resolve) => setTimeout(resolve, settle));
  return cpuSeconds(pid) - before;
}

/** Waits until a process spends next to nothing for a second. */
async function quiet(pid: number): Promise<void> {
  for (let tries = 0; tries < 60; tries++) {
    const before = cpuSeconds(pid);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    if (cpuSeconds(pid) - before < 0.03) return;
  }
}
