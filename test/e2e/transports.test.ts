// The same stories by REST, gRPC, gRPC-Web and the command line, on the sandbox and, over TLS, on a real Kubernetes: each
// must come true, and what was answered on the way must be the same whatever the way. The stories stand in transports/.
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clustersUnderTest } from "../support/cluster.ts";
import { methods } from "../support/rpc.ts";
import { driverKinds } from "./transports/drivers.ts";
import { comingLater, documentedAsLater } from "./transports/every-method.ts";
import { restChecks, withRest } from "./transports/rest-only.ts";
import { startStage, type RunningStage } from "./transports/stage.ts";
import { stories } from "./transports/stories.ts";
import { differenceOf, Told, type Entry, type Story } from "./transports/story.ts";

const kinds = driverKinds(process.env);

describe.each(clustersUnderTest({ name: "transports", cases: stories.length }))("on $name", (cluster) => {
  let stage: RunningStage | undefined;
  const tellings = new Map<string, Promise<readonly Entry[]>>();

  beforeAll(async () => {
    stage = await startStage(cluster, kinds);
  });
  afterAll(async () => {
    await stage?.stop();
  });

  /** Tells a story once, whoever asks first. */
  function telling(story: Story, driver: string): Promise<readonly Entry[]> {
    const key = `${story.name} by ${driver}`;
    const tell = async (): Promise<readonly Entry[]> => {
      const told = new Told(stage!, stage!.drivers.get(driver)!);
      await story.run(told);
      return told.transcript;
    };
    const before = tellings.get(key);
    if (before) return before;
    const started = tell();
    // Whoever waits for it hears of it.
    started.catch(() => {});
    tellings.set(key, started);
    return started;
  }

  it("every method is answered, but for those that the documentation says come later", async () => {
    const { url, api } = stage!.world.up;
    const login = { username: "admin", password: stage!.world.up.password };
    const { token } = await api.must<{ token: string }>("POST", "/api/v1/session", login);
    const nodeOptions = { rejectUnauthorized: false };
    const documented = documentedAsLater();
    expect(methods.size).toBe(documented.methods);
    expect(await comingLater(createGrpcTransport({ baseUrl: url, nodeOptions }), token)).toEqual(documented.later);
  });

  it.each(restChecks)("REST: $name", async ({ run }) => {
    await withRest(stage!.world.up, run);
  });

  describe.each(stories)("$name", (story) => {
    const tellers = kinds.filter(({ isApi }) => isApi || !story.apiOnly).map(({ name }) => name);

    it.concurrent.each(tellers)("by %s", async (driver) => {
      await telling(story, driver);
    });

    it.concurrent("is answered the same", async () => {
      const [first, ...others] = await Promise.all(
        tellers.map(async (driver) => ({ driver, transcript: await telling(story, driver) })),
      );
      for (const { driver, transcript } of others) {
        const difference = differenceOf(first!.transcript, transcript);
        expect(difference, `${first!.driver} and ${driver}`).toBeUndefined();
      }
    });
  });
});
