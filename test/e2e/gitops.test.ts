// The main job, end to end: the same scenarios on the sandbox and on a real Kubernetes, over real Git protocols, against
// `driftless up` as a child process. The scenarios stand in scenarios/, one file per subject.
import { afterAll, beforeAll, describe, it } from "vitest";
import { clustersUnderTest } from "../support/cluster.ts";
import { Stage, type World } from "../support/scenario.ts";
import { startWorld, type RunningWorld } from "../support/world.ts";
import { scenarios } from "./scenarios/all.ts";

describe.each(clustersUnderTest({ name: "end to end", cases: scenarios.length }))("on $name", (cluster) => {
  let running: RunningWorld | undefined;
  const world = (): World => {
    if (!running) throw new Error("driftless up did not start");
    return running;
  };

  beforeAll(async () => {
    running = await startWorld(cluster);
  });

  afterAll(async () => {
    await running?.stop();
  });

  for (const { name, run, not } of scenarios) {
    const why = not?.[cluster.name];
    const test = why === undefined ? it.concurrent : it.skip;
    test(why === undefined ? name : `${name} (left out: ${why})`, async () => {
      await run(new Stage(world(), name));
    });
  }
});
