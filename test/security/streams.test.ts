// Ten thousand watches on one server, over a few HTTP/2 connections, and a thousand over HTTP/1 beside them: all are told of
// a change, others are answered meanwhile, and when they leave nothing of them stays.
import { readFileSync } from "node:fs";
import http, { type ClientRequest } from "node:http";
import http2 from "node:http2";
import { toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, it } from "vitest";
import { fromJson } from "#protocol/json.ts";
import { eventually } from "../support/eventually.ts";
import { methods } from "../support/rpc.ts";
import { frameOf } from "./wire.ts";
import { startGuarded, type Guarded } from "./world.ts";

const [connections, each, overHttp1] = [5, 2000, 1000];
/** Of the server, for each stream, with the connections and all that garbage is collected late of. */
const streamKilobytes = 100;
/** Enough for all streams once. What stayed of those that left would soon not fit, and the server would end. */
const heapMegabytes = 900;
const answerWithinMs = 5000;
const path = "/application.ApplicationService/Watch";

let world: Guarded;
beforeAll(async () => {
  world = await startGuarded({ env: { NODE_OPTIONS: `--max-old-space-size=${heapMegabytes}` } });
});
afterAll(async () => {
  await world?.close();
});

class Streams {
  begun = 0;
  chunks = 0;
  readonly refusals: string[] = [];
  #asked = 0;
  readonly #sessions: http2.ClientHttp2Session[] = [];
  readonly #requests: ClientRequest[] = [];
  readonly #frame = frameOf(
    Buffer.from(
      toBinary(
        methods.get("ApplicationService.watch")!.input,
        fromJson(methods.get("ApplicationService.watch")!.input, { name: "guarded" }),
      ),
    ),
  );

  /** So many streams in a connection of their own. */
  async connect(count: number): Promise<void> {
    const session = http2.connect(world.up.url, { maxSessionMemory: 1000 });
    session.on("error", () => {});
    this.#sessions.push(session);
    await new Promise((resolve) => session.once("remoteSettings", resolve));
    for (let n = 0; n < count; n++) this.#open(session);
    await this.settled();
  }

  /** All that were asked for have begun, or been refused. */
  async settled(): Promise<void> {
    await eventually(
      () => {
        const missing = this.#asked - this.begun - this.refusals.length;
        if (missing > 0) throw new Error(`${missing} streams have not begun`);
      },
      { withinMs: 90_000 },
    );
  }

  #open(session: http2.ClientHttp2Session): void {
    this.#asked++;
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      authorization: `Bearer ${world.tokens.admin}`,
    });
    const refused = (headers: http2.IncomingHttpHeaders): void => {
      if (headers["grpc-status"] !== undefined) this.refusals.push(String(headers["grpc-status"]));
    };
    let told = false;
    stream.on("error", () => {});
    stream.on("response", refused).on("trailers", refused);
    stream.on("data", () => {
      if (!told) this.begun++;
      told = true;
      this.chunks++;
    });
    stream.end(this.#frame);
  }

  /** One by HTTP/1, as browsers have it. */
  listen(): void {
    this.#asked++;
    const headers = { accept: "text/event-stream", authorization: `Bearer ${world.tokens.readonly}` };
    const request = http.get(`${world.up.url}/api/v1/stream/applications?name=guarded`, { agent: false, headers });
    let told = false;
    request.on("error", () => {});
    request.on("response", (response) =>
      response
        .on("error", () => {})
        .on("data", () => {
          if (!told) this.begun++;
          told = true;
          this.chunks++;
        }),
    );
    this.#requests.push(request);
  }

  leave(): void {
    for (const session of this.#sessions.splice(0)) session.destroy();
    for (const request of this.#requests.splice(0)) request.destroy();
  }
}

const megabytes = (): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${world.up.pid}/status`, "utf8"))?.[1] ?? 0) / 1024;

/** How long the slowest of a few calls of others takes. */
async function slowestMs(): Promise<number> {
  let slowest = 0;
  for (let n = 0; n < 5; n++) {
    const start = performance.now();
    await world.up.api.must("GET", "/api/v1/applications/guarded?fields=metadata.name");
    slowest = Math.max(slowest, performance.now() - start);
  }
  return slowest;
}

/** Opens one; returns how it was refused, if it was. */
async function oneMore(): Promise<readonly string[]> {
  const one = new Streams();
  await one.connect(1);
  one.leave();
  return one.refusals;
}

async function openAll(): Promise<Streams> {
  const streams = new Streams();
  for (let n = 0; n < connections; n++) await streams.connect(each);
  return streams;
}

let streams: Streams;

it("ten thousand are open in five connections and a thousand in as many, within bounds", async () => {
  const before = megabytes();
  streams = await openAll();
  for (let n = 0; n < overHttp1; n++) streams.listen();
  await streams.settled();
  expect([streams.begun, streams.refusals]).toEqual([connections * each + overHttp1, []]);
  const kilobytes = ((megabytes() - before) * 1024) / streams.begun;
  console.log(`${streams.begun} streams: ${kilobytes.toFixed(1)} kB each`);
  expect(kilobytes).toBeLessThan(streamKilobytes);
});

it("others are answered meanwhile", async () => {
  expect(await slowestMs()).toBeLessThan(answerWithinMs);
});

it("all are told of a change", async () => {
  const told = streams.chunks;
  const patch = JSON.stringify({ metadata: { labels: { told: "once" } } });
  await world.up.api.must("PATCH", "/api/v1/applications/guarded", { patch, patchType: "merge" });
  await eventually(() => expect(streams.chunks - told).toBeGreaterThanOrEqual(streams.begun));
});

it("an account that has as many as it may gets no more", async () => {
  expect(await oneMore()).toEqual(["8"]);
});

it("what left is let go at once", async () => {
  streams.leave();
  expect(await slowestMs()).toBeLessThan(answerWithinMs);
  await eventually(async () => expect(await oneMore()).toEqual([]));
});

it.each(["again", "and again"])("as many fit in %s", async () => {
  const streams = await openAll();
  expect([streams.begun, streams.refusals]).toEqual([connections * each, []]);
  streams.leave();
  await eventually(async () => expect(await oneMore()).toEqual([]));
});
