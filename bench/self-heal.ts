// A hand edit of a live object until it is reverted, on a real API server.
import type { ResourcePath } from "#kube/types.ts";
import { percentile, round, type Bench } from "./lib/report.ts";
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
  untilObject,
  untilSynced,
} from "./lib/world.ts";

const count = 50;
const edits = 30;
const configMaps: ResourcePath = { group: "", version: "v1", plural: "configmaps", namespaced: true };

export const bench: Bench = async (context) => {
  const world = await createWorld(context, fleetFiles(count));
  const times: number[] = [];
  try {
    await createNamespaces(world.client);
    await world.startDriftless();
    await inParallel(count, 20, (index) =>
      world.client.create(op, applicationPath, application(index, world.repositoryUrl)),
    );
    await untilSynced(world.client, count, performance.now());
    await new Promise((resolve) => setTimeout(resolve, 5000));
    for (let edit = 0; edit < edits; edit++) {
      const ref = { namespace: namespaceOf(edit), name: nameOf(edit) };
      const edited = await world.client.patch(op, configMaps, ref, {
        type: "merge",
        body: { data: { LOG_LEVEL: "debug" } },
      });
      const started = performance.now();
      await untilObject(
        world.client,
        configMaps,
        ref,
        (object) =>
          (object["data"] as Record<string, string>)["LOG_LEVEL"] === "info" &&
          object.metadata.resourceVersion !== edited.metadata.resourceVersion,
      );
      times.push(performance.now() - started);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  } finally {
    await world.stop();
  }
  const median = percentile(times, 50);
  return {
    bench: "self-heal",
    results: { edits, medianMs: round(median), p90Ms: round(percentile(times, 90)), minMs: round(Math.min(...times)) },
    targets: [{ metric: "median ms", value: median, limit: 150 }],
  };
};
