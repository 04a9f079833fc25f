// The controller stopped, 500 live ConfigMaps edited, started again: how long until every application was reconciled and
// until every edit was reverted, from the start of the process.
import type { Application } from "#model/application.ts";
import type { ResourcePath } from "#kube/types.ts";
import { round, type Bench } from "./lib/report.ts";
import {
  application,
  applicationPath,
  createNamespaces,
  createWorld,
  fleetFiles,
  inParallel,
  nameOf,
  namespaceOf,
  op,
  untilSynced,
} from "./lib/world.ts";

const count = 500;
const configMaps: ResourcePath = { group: "", version: "v1", plural: "configmaps", namespaced: true };

export const bench: Bench = async (context) => {
  const world = await createWorld(context, fleetFiles(count));
  try {
    await createNamespaces(world.client);
    const first = await world.startDriftless();
    await inParallel(count, 20, (index) =>
      world.client.create(op, applicationPath, application(index, world.repositoryUrl)),
    );
    await untilSynced(world.client, count, performance.now());
    await new Promise((resolve) => setTimeout(resolve, 5000));
    await first.stop();
    context.say("stopped; editing");
    await inParallel(count, 20, (index) =>
      world.client.patch(
        op,
        configMaps,
        { namespace: namespaceOf(index), name: nameOf(index) },
        { type: "merge", body: { data: { LOG_LEVEL: "debug" } } },
      ),
    );
    const stop = new AbortController();
    const started = performance.now();
    const reconciled = whenReconciled(world.client, stop.signal, started);
    const reverted = whenReverted(world.client, stop.signal, started);
    await world.startDriftless();
    const [reconciledMs, revertedMs] = await Promise.all([reconciled, reverted]);
    stop.abort();
    return {
      bench: "restart",
      results: { reconciledS: round(reconciledMs / 1000), revertedS: round(revertedMs / 1000) },
      targets: [
        { metric: "all applications reconciled, s", value: reconciledMs / 1000, limit: 5 },
        { metric: "all edits reverted, s", value: revertedMs / 1000, limit: 10 },
      ],
    };
  } finally {
    await world.stop();
  }
};

type Client = Parameters<typeof untilSynced>[0];

/** Every application has seen its edit: it was OutOfSync, or an operation began, after the start. */
async function whenReconciled(client: Client, signal: AbortSignal, started: number): Promise<number> {
  const since = new Date(Date.now() - 1000).toISOString();
  const seen = new Set<string>();
  const { items, resourceVersion } = await client.list(op, applicationPath, { namespace: "argocd" });
  const known = new Map(items.map((item) => [item.metadata.name!, item.metadata.resourceVersion]));
  for await (const event of client.watch({ ...op, signal }, applicationPath, {
    resourceVersion,
    namespace: "argocd",
  })) {
    const app = event.object as Application;
    if (event.type !== "MODIFIED" || known.get(app.metadata.name!) === app.metadata.resourceVersion) continue;
    if (
      (app.status?.reconciledAt ?? "") >= since.slice(0, 19) ||
      (app.status?.operationState?.startedAt ?? "") >= since.slice(0, 19)
    )
      seen.add(app.metadata.name!);
    if (seen.size >= count) return performance.now() - started;
  }
  throw new Error(`only ${seen.size} applications were reconciled`);
}

async function whenReverted(client: Client, signal: AbortSignal, started: number): Promise<number> {
  const { items, resourceVersion } = await client.list(op, configMaps);
  const edited = new Set(items.filter((item) => level(item) === "debug").map((item) => item.metadata.name!));
  for await (const event of client.watch({ ...op, signal }, configMaps, { resourceVersion })) {
    if (event.type === "MODIFIED" && level(event.object) === "info") edited.delete(event.object.metadata.name!);
    if (edited.size === 0) return performance.now() - started;
  }
  throw new Error(`${edited.size} edits were not reverted`);
}

const level = (object: { readonly [field: string]: unknown }): string | undefined =>
  (object["data"] as Record<string, string> | undefined)?.["LOG_LEVEL"];
