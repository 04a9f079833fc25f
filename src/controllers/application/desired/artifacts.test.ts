import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Operation } from "#base/operation.ts";
import type { Poller } from "#git/poller.ts";
import { testClock, testOperation } from "#git/testing.ts";
import { createRegistries } from "#registry/registries.ts";
import { startHelmServer, type HelmServer } from "#registry/testing/helm-server.ts";
import type { Registries, RegistryAccess } from "#registry/types.ts";
import { createRenderer } from "#render/renderer.ts";
import { createArtifacts } from "./artifacts.ts";
import { Sources, type FollowRequest } from "./sources.ts";

interface World {
  readonly op: Operation;
  readonly server: HelmServer;
  readonly sources: Sources;
  /** What is polled now: a poll of each by its name. */
  readonly polled: Map<string, () => Promise<unknown>>;
  readonly told: [string[], string][];
  access: (url: string) => RegistryAccess;
  readonly registries: Registries;
}

let world: World;
let dir: string;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "driftless-artifacts-"));
  const op = testOperation();
  const polled: World["polled"] = new Map();
  const poller: Pick<Poller, "use"> = {
    use(repository) {
      polled.set(repository.url, () => repository.refresh(op));
      return () => void polled.delete(repository.url);
    },
  };
  const registries = createRegistries({ dir, clock: testClock, timeoutMs: 1000, lookAgainMs: 0 });
  const told: World["told"] = [];
  const renderer = createRenderer({ digest: (text) => text });
  renderer.render = async () => ({
    objects: [],
    duplicates: [],
    warnings: [],
    sourceType: "Helm",
    reads: { directories: [{ path: "", oid: "x", recursive: true }], files: [], absent: [] },
    hash: "x",
  });
  const sources = new Sources({
    repositories: { open: () => ({}) as never, close: () => Promise.resolve() },
    artifacts: createArtifacts({ registries, poller: poller as Poller, access: (url) => world.access(url) }),
    renderer,
    access: (url) => ({ url }),
    expireFiles: () => registries.askAnew(),
    affected: (applications, why) => void told.push([[...applications].sort(), why]),
    op,
  });
  world = { op, server: await startHelmServer(), sources, polled, told, access: (url) => ({ url }), registries };
});
afterEach(async () => {
  world.sources.close();
  await world.registries.close();
  await world.server.close();
  rmSync(dir, { recursive: true, force: true });
});

const request = (application: string, chart: string, targetRevision: string): FollowRequest => ({
  application,
  appName: application,
  project: "default",
  namespace: "prod",
  sources: [{ repoURL: world.server.url, chart, targetRevision }],
});

const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe("charts that applications follow", () => {
  beforeEach(async () => {
    for (const chart of ["web", "db"]) await world.server.publish(chart, "1.0.0");
  });

  it("are polled once for each repository, and who follows what moved is told", async () => {
    const { op, server, sources, polled, told } = world;
    await sources.follow(op, request("a", "web", "^1"));
    await sources.follow(op, request("b", "web", "1.0.0"));
    await sources.follow(op, request("c", "db", "*"));
    expect(polled.size).toBe(1);
    const before = server.requests.length;
    await server.publish("web", "1.1.0");
    for (const poll of polled.values()) await poll();
    await expect.poll(() => told).toEqual([[["a"], "content"]]);
    expect(sources.revisions("a")).toEqual(["1.1.0"]);
    expect(sources.revisions("b")).toEqual(["1.0.0"]);
    expect(server.requests.slice(before).filter((line) => line.includes("index.yaml"))).toEqual([
      "GET /index.yaml 200",
    ]);
  });

  it("go on at their last known version while the repository does not answer, with the problem told", async () => {
    const { op, server, sources, polled, told } = world;
    await sources.follow(op, request("a", "web", "^1"));
    server.answer({ status: 503 });
    for (const [name, poll] of polled)
      await poll().catch((error: unknown) => sources.polled(name, error as Parameters<Sources["polled"]>[1]));
    expect(told).toEqual([[["a"], "problem"]]);
    expect(sources.problem("a")?.message).toContain("503");
    await sources.follow(op, request("a", "web", "^1"));
    expect(sources.revisions("a")).toEqual(["1.0.0"]);
  });

  it("are asked for at once by an explicit refresh, although the repository did not answer a moment ago", async () => {
    const { op, server, sources, polled } = world;
    await sources.follow(op, request("a", "web", "^1"));
    await server.publish("web", "1.1.0");
    server.answer("hang");
    for (const poll of polled.values()) await expect(poll()).rejects.toThrow("no answer within 1 s");
    server.answer(undefined);
    for (const poll of polled.values()) await expect(poll()).rejects.toThrow("no answer within 1 s");
    await sources.refresh(op, request("a", "web", "^1"));
    expect(sources.revisions("a")).toEqual(["1.1.0"]);
  });

  it("with other credentials now are asked with those, and with the old ones no longer", async () => {
    const { op, sources, polled } = world;
    await sources.follow(op, request("a", "web", "^1"));
    const [old] = polled.keys();
    world.access = (url) => ({ url, username: "ada", password: "new" });
    await sources.follow(op, request("a", "web", "^1"));
    await settled();
    expect(polled.size).toBe(1);
    expect([...polled.keys()]).not.toContain(old);
  });
});
