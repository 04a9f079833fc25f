// The transports, end to end over real sockets: the same service by gRPC, gRPC-Web, Connect and REST, in clear text and by
// TLS, on one port.
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import Fastify from "fastify";
import net from "node:net";
import { DriftlessError } from "#base/errors.ts";
import { AccountService } from "#protocol/gen/argoproj/account_pb.js";
import { ApplicationService } from "#protocol/gen/argoproj/application_pb.js";
import { systemClock } from "#runtime/system.ts";
import { selfSigned } from "../tls/self-signed.ts";
import { grpcHandler } from "./grpc.ts";
import { OpenStreams } from "./limits.ts";
import { listen, type Certificate, type Listener } from "./listener.ts";
import { restRoutes, type RestDeps } from "./rest.ts";
import { bind, open, session, type BoundService, type Implementation } from "./service.ts";

const log = { debug() {}, info() {}, warn() {}, error() {}, with: () => log };

const accounts = {
  canI: { access: open, handle: (_call: unknown, request: object) => ({ value: JSON.stringify(request) }) },
  getAccount: {
    access: session,
    handle: (): never => {
      throw new DriftlessError("NOT_FOUND", "no such account");
    },
  },
  createToken: { access: open, handle: () => ({ token: "t" }) },
  listAccounts: {
    access: open,
    handle: (): never => {
      throw new Error("a secret detail");
    },
  },
} as unknown as Implementation<typeof AccountService>;

const applications = {
  watch: {
    access: open,
    async *stream(_call: unknown, { name = "" }: { name?: string }) {
      for (const type of ["ADDED", "MODIFIED"]) {
        await Promise.resolve();
        yield { type, application: { metadata: { name, creationTimestamp: "2026-01-02T03:04:05Z" } } };
      }
    },
  },
} as unknown as Implementation<typeof ApplicationService>;

const services: readonly BoundService[] = [bind(AccountService, accounts), bind(ApplicationService, applications)];
const open_: Listener[] = [];
let certificate: Certificate;

beforeAll(async () => {
  certificate = await selfSigned(["localhost", "127.0.0.1"], Date.now());
});
afterEach(async () => {
  for (const listener of open_.splice(0)) await listener.close();
});

async function serve(options: { tls?: boolean } = {}): Promise<Listener> {
  const stopping = new AbortController().signal;
  const http = Fastify();
  http.setErrorHandler((thrown, _request, reply) =>
    reply.code(thrown instanceof DriftlessError ? thrown.entry.http : 500).send({ message: (thrown as Error).message }),
  );
  const streams = new OpenStreams(1000);
  restRoutes(http, { log, stopping, streams, clock: systemClock } as unknown as RestDeps, services);
  await http.ready();
  const handler = grpcHandler(
    { log, stopping, streams, authenticate: async () => undefined },
    services,
    (request, response) => http.routing(request as never, response as never),
  );
  const listener = await listen({ host: "127.0.0.1", port: 0, handler, ...(options.tls ? { certificate } : {}) });
  open_.push(listener);
  return listener;
}

const transports: Record<string, { tls: boolean; of(port: number): Transport }> = {
  "gRPC, clear text": { tls: false, of: (port) => createGrpcTransport({ baseUrl: `http://127.0.0.1:${port}` }) },
  "gRPC, TLS": {
    tls: true,
    of: (port) =>
      createGrpcTransport({ baseUrl: `https://127.0.0.1:${port}`, nodeOptions: { rejectUnauthorized: false } }),
  },
  "gRPC-Web, HTTP/1.1": {
    tls: false,
    of: (port) => createGrpcWebTransport({ baseUrl: `http://127.0.0.1:${port}`, httpVersion: "1.1" }),
  },
  "gRPC-Web, HTTP/1.1, TLS": {
    tls: true,
    of: (port) =>
      createGrpcWebTransport({
        baseUrl: `https://127.0.0.1:${port}`,
        httpVersion: "1.1",
        nodeOptions: { rejectUnauthorized: false },
      }),
  },
  "Connect, HTTP/1.1": {
    tls: false,
    of: (port) => createConnectTransport({ baseUrl: `http://127.0.0.1:${port}`, httpVersion: "1.1" }),
  },
};

describe.each(Object.entries(transports))("%s", (_name, transport) => {
  const { tls } = transport;
  it("answers a call", async () => {
    const client = createClient(AccountService, transport.of((await serve({ tls })).port));
    const answer = await client.canI({ resource: "applications", action: "get", subresource: "a/b" });
    expect(JSON.parse(answer.value)).toEqual({ resource: "applications", action: "get", subresource: "a/b" });
  });

  it("streams", async () => {
    const client = createClient(ApplicationService, transport.of((await serve({ tls })).port));
    const seen: string[] = [];
    for await (const event of client.watch({ name: "guestbook" })) {
      seen.push(
        `${event.type} ${event.application?.metadata?.name} ${event.application?.metadata?.creationTimestamp?.seconds}`,
      );
    }
    expect(seen).toEqual(["ADDED guestbook 1767323045", "MODIFIED guestbook 1767323045"]);
  });

  it("tells errors by their status, and nothing of what is internal", async () => {
    const client = createClient(AccountService, transport.of((await serve({ tls })).port));
    const codeOf = (thrown: unknown): [Code, string] => {
      const error = ConnectError.from(thrown);
      return [error.code, error.rawMessage];
    };
    expect(await client.getAccount({ name: "x" }).catch(codeOf)).toEqual([
      Code.Unauthenticated,
      "no session information",
    ]);
    expect(await client.listAccounts({}).catch(codeOf)).toEqual([Code.Internal, "internal error: see the log"]);
    await expect(client.deleteToken({})).rejects.toMatchObject({ code: Code.Unimplemented });
  });
});

it("gRPC-Web tells a call's error in headers, where argocd looks for it", async () => {
  const { port } = await serve();
  const call = (method: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}/account.AccountService/${method}`, {
      method: "POST",
      headers: { "content-type": "application/grpc-web+proto" },
      body: new Uint8Array(5),
    });
  const refused = await call("GetAccount");
  expect([refused.headers.get("grpc-status"), refused.headers.get("grpc-message"), await refused.text()]).toEqual([
    "16",
    "no session information",
    "",
  ]);
  const answered = await call("CanI");
  expect([answered.headers.get("grpc-status"), (await answered.text()).includes("grpc-status: 0")]).toEqual([
    null,
    true,
  ]);
});

describe("REST on the same port", () => {
  it("fills requests from path, query and body", async () => {
    const { port } = await serve();
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/account/can-i/applications/get/proj/a%2Fb`);
    expect(JSON.parse(((await response.json()) as { value: string }).value)).toEqual({
      resource: "applications",
      action: "get",
      subresource: "proj/a/b",
    });
  });

  it("refuses values of the wrong type, with the field", async () => {
    const { port } = await serve();
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/account/admin/token`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ expiresIn: "soon" }),
    });
    expect([response.status, await response.json()]).toEqual([
      400,
      {
        message: 'expiresIn: an integer is expected, not "soon"',
      },
    ]);
  });

  it.each([
    ["text/event-stream", 'data: {"result":{"type":"ADDED","application":{"metadata":{"name":"a"'],
    ["application/json", '{"result":{"type":"ADDED","application":{"metadata":{"name":"a"'],
  ])("streams as %s", async (accept, start) => {
    const { port } = await serve();
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/stream/applications?name=a`, { headers: { accept } });
    expect(response.headers.get("content-type")).toBe(accept);
    const text = await response.text();
    expect(text.startsWith(start)).toBe(true);
    expect(text).toContain("MODIFIED");
  });

  it("is sent to https where TLS is spoken", async () => {
    const { port } = await serve({ tls: true });
    const response = await fetch(`http://127.0.0.1:${port}/api/version?x=1`, { redirect: "manual" });
    expect([response.status, response.headers.get("location")]).toEqual([
      307,
      `https://127.0.0.1:${port}/api/version?x=1`,
    ]);
  });

  it("new connections get a new certificate", async () => {
    const listener = await serve({ tls: true });
    const before = await servedCertificate(listener.port);
    listener.setCertificate(await selfSigned(["localhost", "127.0.0.1"], Date.now()));
    expect(await servedCertificate(listener.port)).not.toBe(before);
  });
});

it("garbage ends its own connection alone", async () => {
  const { port } = await serve();
  const socket = net.connect(port, "127.0.0.1");
  socket.write(Buffer.from([0x16, 3, 1, 0, 0, 255, 255]));
  socket.resume();
  await new Promise((resolve) => socket.on("close", resolve).on("error", resolve));
  const client = createClient(AccountService, createGrpcTransport({ baseUrl: `http://127.0.0.1:${port}` }));
  await expect(client.createToken({ name: "a" })).resolves.toMatchObject({ token: "t" });
});

async function servedCertificate(port: number): Promise<string> {
  const { connect } = await import("node:tls");
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on("error", reject);
  });
}
