// Callers who should not be, or no longer are: refused before they are listened to, and nothing is kept of them.
import http2 from "node:http2";
import net from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, expect, it } from "vitest";
import Fastify from "fastify";
import { DriftlessError } from "#base/errors.ts";
import { silentLogger } from "#base/operation.ts";
import { AccountService } from "#protocol/gen/argoproj/account_pb.js";
import { ApplicationService } from "#protocol/gen/argoproj/application_pb.js";
import { systemClock } from "#runtime/system.ts";
import type { Account } from "../auth/account.ts";
import { grpcHandler } from "./grpc.ts";
import { OpenStreams } from "./limits.ts";
import { listen, type Listener } from "./listener.ts";
import { restRoutes, type RestDeps } from "./rest.ts";
import { bind, open, session, type Implementation } from "./service.ts";

const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

const ann = { username: "ann", kind: "local", issuer: "", groups: [] } as unknown as Account;
const large = "x".repeat(200_000);

class World {
  watching = 0;
  told = 0;
  readonly streams = new OpenStreams(3);
  listener!: Listener;

  async start(): Promise<this> {
    const stopping = new AbortController().signal;
    const accounts = {
      canI: { access: open, handle: () => ({ value: "yes" }) },
      getAccount: { access: session, handle: () => ({ name: "ann" }) },
    };
    const applications = {
      watch: {
        access: open,
        stream: () => this.#endless(),
      },
    };
    const services = [
      bind(AccountService, accounts as unknown as Implementation<typeof AccountService>),
      bind(ApplicationService, applications as unknown as Implementation<typeof ApplicationService>),
    ];
    const http = Fastify();
    const deps = { log: silentLogger, stopping, streams: this.streams, clock: systemClock };
    restRoutes(http, deps as unknown as RestDeps, services);
    await http.ready();
    const authenticate = async (headers: Headers): Promise<Account | undefined> => {
      if (headers.get("authorization") === "Bearer bad")
        throw new DriftlessError("UNAUTHENTICATED", "no valid session");
      return headers.has("authorization") ? ann : undefined;
    };
    const handler = grpcHandler({ ...deps, authenticate }, services, (request, response) =>
      http.routing(request as never, response as never),
    );
    this.listener = await listen({ host: "127.0.0.1", port: 0, handler, limits: { pingMs: 300, stalledMs: 500 } });
    ending.push(() => this.listener.close());
    return this;
  }

  async *#endless(): AsyncGenerator<object> {
    this.watching++;
    try {
      for (;;) {
        this.told++;
        yield { type: "ADDED", application: { metadata: { name: large } } };
        await wait(1);
      }
    } finally {
      this.watching--;
    }
  }

  get url(): string {
    return `http://127.0.0.1:${this.listener.port}`;
  }

  client(): http2.ClientHttp2Session {
    const client = http2.connect(this.url);
    client.on("error", () => {});
    ending.push(() => client.destroy());
    return client;
  }
}

function call(client: http2.ClientHttp2Session, path: string, headers: object = {}): http2.ClientHttp2Stream {
  const stream = client.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  stream.on("error", () => {});
  return stream;
}

it.for([["Host: %%%"], ["Host: a b"], ["Host: [::"], ["X: y"]] as const)(
  "a call with %s is refused, and the next is answered",
  async ([header]) => {
    const world = await new World().start();
    const socket = net.connect(world.listener.port, "127.0.0.1");
    const path = "/account.AccountService/CanI";
    socket.write(
      `POST ${path} HTTP/1.0\r\n${header}\r\ncontent-type: application/grpc-web\r\ncontent-length: 0\r\n\r\n`,
    );
    let text = "";
    for await (const chunk of socket) text += String(chunk);
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    const answer = await fetch(`${world.url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    expect([answer.status, await answer.text()]).toEqual([200, '{"value":"yes"}']);
  },
);

it.for([
  ["without a token", {}, "no session information"],
  ["with a bad token", { authorization: "Bearer bad" }, "no valid session"],
] as const)("a call %s is refused before its message is read", async ([, headers, message]) => {
  const world = await new World().start();
  const stream = call(world.client(), "/account.AccountService/GetAccount", headers);
  // Five bytes of a frame say that 16 MiB follow; they never do.
  stream.write(Buffer.from([0, 1, 0, 0, 0]));
  const [status, said] = await new Promise<unknown[]>((resolve) => {
    const tell = (given: http2.IncomingHttpHeaders): void => {
      if (given["grpc-status"] !== undefined)
        resolve([given["grpc-status"], decodeURIComponent(String(given["grpc-message"]))]);
    };
    stream.on("response", tell).on("trailers", tell).resume();
  });
  expect([status, said]).toEqual(["16", message]);
});

const frame = Buffer.alloc(5);

it.for([
  ["whose gRPC client stops reading", "/application.ApplicationService/Watch"],
  ["whose HTTP client stops reading", "/api/v1/stream/applications"],
] as const)("a stream %s is not written on for it, and ends when the client goes", async ([, path]) => {
  const world = await new World().start();
  const client = world.client();
  const stream = path.startsWith("/api")
    ? client.request({ ":path": path })
    : call(client, path, { authorization: "Bearer ann" });
  stream.on("error", () => {});
  if (!path.startsWith("/api")) stream.end(frame);
  await expect.poll(() => world.watching).toBe(1);
  // Told until nobody takes it: a window of HTTP/2 and a piece or two more.
  let before = -1;
  await expect
    .poll(
      () => {
        const same = before === world.told;
        before = world.told;
        return same;
      },
      { interval: 200 },
    )
    .toBe(true);
  expect(world.told).toBeLessThan(20);
  stream.close(http2.constants.NGHTTP2_CANCEL);
  await expect.poll(() => world.watching).toBe(0);
});

it.for([
  ["REST", "GET /api/v1/stream/applications HTTP/1.1\r\nHost: a\r\n\r\n"],
  [
    "gRPC-Web",
    "POST /application.ApplicationService/Watch HTTP/1.1\r\nHost: a\r\ncontent-type: application/grpc-web+proto\r\nauthorization: a\r\ncontent-length: 5\r\n\r\n\0\0\0\0\0",
  ],
] as const)(
  "a stream by %s over HTTP/1 whose client stops reading ends, whether the client goes or not",
  async ([, ask]) => {
    const world = await new World().start();
    for (const goes of [true, false]) {
      const socket = net.connect(world.listener.port, "127.0.0.1");
      ending.push(() => socket.destroy());
      socket.write(ask);
      socket.pause();
      await expect.poll(() => world.watching).toBe(1);
      if (goes) socket.destroy();
      await expect.poll(() => world.watching, { timeout: 10_000 }).toBe(0);
    }
  },
);

it("an account has so many streams, by any transport, and more when some have ended", async () => {
  const world = await new World().start();
  const client = world.client();
  const watch = (): http2.ClientHttp2Stream =>
    call(client, "/application.ApplicationService/Watch", { authorization: "Bearer ann" }).end(frame);
  const [first] = [watch(), watch(), watch()];
  await expect.poll(() => world.watching).toBe(3);
  const fourth = watch().resume();
  const trailers = await new Promise<http2.IncomingHttpHeaders>((resolve) =>
    fourth.on("trailers", resolve).on("response", (given) => given["grpc-status"] && resolve(given)),
  );
  expect([trailers["grpc-status"], trailers["grpc-message"]]).toEqual(["8", expect.stringMatching(/3.*streams/)]);
  first.close();
  await expect.poll(() => world.watching).toBe(2);
  watch();
  await expect.poll(() => world.watching).toBe(3);
});
