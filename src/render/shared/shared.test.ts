import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { fakeClock } from "#base/testing/fake-clock.ts";
import { createGitWorld, testClock, testOperation, type GitWorld } from "#git/testing.ts";
import type { GitRepository } from "#git/types.ts";
import { startRedis } from "#test/support/redis.ts";
import { startS3, type S3Server } from "#test/support/s3.ts";
import { commandPlugins } from "../plugin/commands.ts";
import { createRenderer } from "../renderer.ts";
import type { Renderer, RenderResult } from "../types.ts";
import { openSharedStore } from "./open.ts";
import { GuardedStore, type SharedStore } from "./store.ts";

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");
const keys = { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "secret/+key" };

let world: GitWorld;
let repository: GitRepository;
let dir: string;
let commands: string;
const closers: (() => Promise<void>)[] = [];

beforeAll(async () => {
  world = await createGitWorld();
  const made = await world.repository("shared");
  dir = made.dir;
  repository = world.repositories.open({ url: made.url });
  // What renders is a command: what it cost is seen in the statistics.
  commands = mkdtempSync(join(tmpdir(), "driftless-shared-"));
  const args = [
    "-c",
    'for i in 1 2 3; do printf "apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: a$i}\\ndata: {v: $(cat v)}\\n---\\n"; done',
  ];
  const spec = { generate: { command: ["sh"], args } };
  writeFileSync(
    join(commands, "one.yaml"),
    JSON.stringify({ kind: "ConfigManagementPlugin", metadata: { name: "one" }, spec }),
  );
});
afterAll(async () => {
  await world.close();
  rmSync(commands, { recursive: true, force: true });
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A replica: a renderer of its own over the store. */
function replica(store: SharedStore): Renderer {
  const plugins = commandPlugins({ dir: commands, path: process.env["PATH"] ?? "", problem: () => {} });
  return createRenderer({ digest, plugins, shared: { store, clock: testClock } });
}

async function render(renderer: Renderer, sha: string): Promise<RenderResult> {
  const source = { repoURL: repository.url, path: "app", plugin: { name: "one" } };
  return renderer.render(world.op, { source, repository, sha, appName: "shop", namespace: "n" });
}

async function commit(v: string): Promise<string> {
  const sha = await world.commit(dir, { "app/v": v });
  await repository.refresh(world.op);
  return sha;
}

async function s3(): Promise<{ server: S3Server; url: string }> {
  const server = await startS3(keys.AWS_SECRET_ACCESS_KEY);
  closers.push(() => server.close());
  return { server, url: `s3://bucket/some/prefix?endpoint=${server.endpoint}&region=eu-central-1` };
}

async function redis(): Promise<string> {
  const server = await startRedis("pass word");
  closers.push(() => server.close());
  return server.url;
}

describe.each(["s3", "redis"] as const)("a store in %s", (kind) => {
  const open = async (): Promise<() => SharedStore> => {
    const url = kind === "s3" ? (await s3()).url : await redis();
    return () => openSharedStore(url, { ...keys, DRIFTLESS_RENDER_CACHE_PASSWORD: "pass word" });
  };

  it("gives back the bytes that were put, and nothing where there is nothing", async () => {
    const store = (await open())();
    const op = testOperation();
    expect(await store.get(op, "driftless/1/index/none")).toBeUndefined();
    const bytes = Buffer.from([0, 255, 10, 13, 36, 1]);
    await store.put(op, "driftless/1/index/a b+c", bytes);
    expect(Buffer.from((await store.get(op, "driftless/1/index/a b+c")) ?? [])).toEqual(bytes);
    await store.close();
  });

  it("saves another replica the render, for each commit whose reads are the same", async () => {
    const store = await open();
    const [first, second] = [replica(store()), replica(store())];
    const shas = [await commit("one"), await commit("two")];
    const made = [await render(first, shas[0]!), await render(first, shas[1]!)];
    await first.close(); // waits for what is being written
    const found = [await render(second, shas[0]!), await render(second, shas[1]!)];
    expect(found).toEqual(made);
    expect(second.statistics).toMatchObject({ pluginRenders: 0, sharedHits: 2 });
    await render(second, shas[1]!);
    expect(second.statistics).toMatchObject({ sharedHits: 2, memoryHits: 1 });
    await render(second, await commit("three"));
    expect(second.statistics).toMatchObject({ pluginRenders: 1 });
    await second.close();
  });

  it("that refuses us is as if it held nothing", async () => {
    const url = kind === "s3" ? (await s3()).url : await redis();
    const wrong = { ...keys, AWS_SECRET_ACCESS_KEY: "other", DRIFTLESS_RENDER_CACHE_PASSWORD: "other" };
    const renderer = replica(openSharedStore(url, wrong));
    expect((await render(renderer, await commit(`refused by ${kind}`))).objects).toHaveLength(3);
    await renderer.close();
  });
});

describe("a store that cannot be relied on", () => {
  it.each(["hang", "fail", "garble", "cut"] as const)(
    "changes nothing but time, of which little: %s",
    async (fault) => {
      const { server, url } = await s3();
      const first = replica(openSharedStore(url, keys));
      const sha = await commit(`with ${fault}`);
      const made = await render(first, sha);
      await first.close();
      expect(server.objects.size).toBe(2);
      server.fault = fault;
      const second = replica(openSharedStore(url, keys));
      const started = performance.now();
      expect(await render(second, sha)).toEqual(made);
      expect(performance.now() - started).toBeLessThan(2000);
      expect(second.statistics).toMatchObject({ pluginRenders: 1, sharedHits: 0 });
      await second.close();
    },
  );

  it("may hold an output of another name: it is not taken", async () => {
    const { server, url } = await s3();
    const first = replica(openSharedStore(url, keys));
    const shas = [await commit("first"), await commit("second")];
    for (const sha of shas) await render(first, sha);
    await first.close();
    const outputs = [...server.objects.keys()].filter((name) => name.includes("/output/"));
    const [a = "", b = ""] = outputs;
    server.objects.set(a, server.objects.get(b)!);
    const second = replica(openSharedStore(url, keys));
    const found = await Promise.all(shas.map((sha) => render(second, sha)));
    const values = found.map(({ objects }) => (objects[0]?.object as { data?: { v?: string } } | undefined)?.data?.v);
    expect(values).toEqual(["first", "second"]);
    expect(second.statistics).toMatchObject({ pluginRenders: 1, sharedHits: 1 });
    await second.close();
  });

  it("that nobody listens at is left alone", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    for (const url of [`redis://127.0.0.1:${port}`, `s3://b/p?endpoint=http://127.0.0.1:${port}`]) {
      const renderer = replica(openSharedStore(url, keys));
      expect((await render(renderer, await commit(url))).objects).toHaveLength(3);
      await renderer.close();
    }
  });

  it("is asked again only after a rest, and never waited for beyond the limit", async () => {
    const clock = fakeClock();
    let asked = 0;
    const never: SharedStore = {
      get: () => (asked++, new Promise(() => {})),
      put: () => (asked++, new Promise(() => {})),
      close: async () => {},
    };
    const told: string[] = [];
    const log = { ...world.op.log, warn: (text: string) => void told.push(text) };
    const store = new GuardedStore(never, { clock, log });
    const get = async (): Promise<unknown> => {
      const answer = store.get(testOperation(), "a");
      await clock.advance(250);
      return answer;
    };
    for (let at = 0; at < 10; at++) expect(await get()).toBeUndefined();
    expect(asked).toBe(3);
    expect(told).toHaveLength(1);
    await store.put("a", new Uint8Array());
    expect(asked).toBe(3);
    await clock.advance(30_000);
    await get();
    expect(asked).toBe(4);
  });
});

describe("the store's URL", () => {
  it.each([
    ["somewhere", "no URL"],
    ["https://example.com", "neither s3"],
    ["s3:///prefix", "bucket"],
    ["s3://bucket?endpoint=nowhere", "no URL"],
  ])("%s is refused with a reason", (url, why) => {
    expect(() => openSharedStore(url, keys)).toThrow(why);
  });

  it("of S3 wants credentials", () => {
    expect(() => openSharedStore("s3://bucket", {})).toThrow("AWS_ACCESS_KEY_ID");
  });
});
