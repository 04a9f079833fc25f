// From creating 500 Applications until all are Synced, beside the floor: a bare client that server-side-applies the same
// 3,000 objects at its best concurrency. Also CPU, idle CPU and memory of our process.
import { parse } from "yaml";
import type { KubernetesObject } from "#model/object.ts";
import { parseApiVersion } from "#model/object.ts";
import type { KubeClient, ResourcePath } from "#kube/types.ts";
import { round, type Bench, type BenchContext } from "./lib/report.ts";
import { cpuSeconds, residentMB } from "./lib/processes.ts";
import {
  application,
  applicationFiles,
  applicationPath,
  createNamespaces,
  createWorld,
  fleetFiles,
  inParallel,
  namespaceOf,
  op,
  untilSynced,
} from "./lib/world.ts";

const count = 500;
const idleMs = 30_000;
const plurals: Readonly<Record<string, string>> = {
  ServiceAccount: "serviceaccounts",
  ConfigMap: "configmaps",
  Secret: "secrets",
  Service: "services",
  Deployment: "deployments",
  PodDisruptionBudget: "poddisruptionbudgets",
};

export const bench: Bench = async (context) => {
  const floors: Record<string, number> = {};
  for (const concurrency of [16, 32, 64]) floors[concurrency] = await floor(context, concurrency);
  const floorMs = Math.min(...Object.values(floors));
  const world = await createWorld(context, fleetFiles(count));
  try {
    await createNamespaces(world.client);
    const running = await world.startDriftless();
    const cpuBefore = cpuSeconds(running.pid);
    context.say(`creating ${count} Applications`);
    const started = performance.now();
    const synced = untilSynced(world.client, count, started);
    await inParallel(count, 20, (index) =>
      world.client.create(op, applicationPath, application(index, world.repositoryUrl)),
    );
    const fleetMs = await synced;
    const cpuS = cpuSeconds(running.pid) - cpuBefore;
    context.say(`all Synced after ${(fleetMs / 1000).toFixed(1)} s; floor ${(floorMs / 1000).toFixed(1)} s; now idle`);
    await new Promise((resolve) => setTimeout(resolve, 15_000));
    const idleBefore = cpuSeconds(running.pid);
    await new Promise((resolve) => setTimeout(resolve, idleMs));
    const idle = (cpuSeconds(running.pid) - idleBefore) / (idleMs / 1000);
    const rss = residentMB(running.pid);
    return {
      bench: "fleet",
      results: {
        fleetS: round(fleetMs / 1000),
        floorS: round(floorMs / 1000),
        floorSByConcurrency: floors,
        cpuSeconds: round(cpuS),
        idleCores: round(idle),
        residentMB: round(rss),
      },
      targets: [
        { metric: "fleet / floor", value: fleetMs / floorMs, limit: 1.5 },
        { metric: "CPU-seconds", value: cpuS, limit: 15 },
        { metric: "idle CPU, cores", value: idle, limit: 0.01 },
        { metric: "resident memory, MB", value: rss, limit: 400 },
      ],
    };
  } finally {
    await world.stop();
  }
};

/** The same objects by a bare client, on a control plane of its own; milliseconds. */
async function floor(context: BenchContext, concurrency: number): Promise<number> {
  const world = await createWorld(context, {});
  try {
    await createNamespaces(world.client);
    const objects = Array.from({ length: count }, (_, index) =>
      Object.values(applicationFiles(index)).map((text) => {
        const object = parse(text) as KubernetesObject;
        return { ...object, metadata: { ...object.metadata, namespace: namespaceOf(index) } };
      }),
    ).flat();
    context.say(`floor: ${objects.length} objects, ${concurrency} at once`);
    const started = performance.now();
    await inParallel(objects.length, concurrency, (index) => applyOne(world.client, objects[index]!));
    return performance.now() - started;
  } finally {
    await world.stop();
  }
}

async function applyOne(client: KubeClient, object: KubernetesObject): Promise<void> {
  const type: ResourcePath = { ...parseApiVersion(object.apiVersion), plural: plurals[object.kind]!, namespaced: true };
  await client.patch(
    op,
    type,
    { namespace: object.metadata.namespace!, name: object.metadata.name! },
    { type: "apply", body: object },
    { fieldManager: "floor", force: true },
  );
}
