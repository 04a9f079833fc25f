// Slow, silent and broken clients over real sockets, with limits of a moment instead of minutes.
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import http2 from "node:http2";
import net from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "#runtime/system.ts";
import type { HttpHandler } from "./grpc.ts";
import { limitsOf, OpenStreams, type ConnectionLimits } from "./limits.ts";
import { listen, type Listener } from "./listener.ts";
import { writeStream } from "./stream.ts";

const momentMs = 300;
const limits: ConnectionLimits = {
  firstBytesMs: momentMs,
  headersMs: momentMs,
  requestMs: momentMs * 2,
  stalledMs: momentMs,
  idleMs: 60_000,
  pingMs: 60_000,
  headerBytes: 8192,
  streamsPerConnection: 5,
};
const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

const echo: HttpHandler = (request, response) => {
  let text = "";
  request.on("data", (chunk) => (text += String(chunk)));
  request.on("end", () => (response as ServerResponse).end(`${request.method} ${text}`));
};

async function serve(handler: HttpHandler = echo, changed: Partial<ConnectionLimits> = {}): Promise<Listener> {
  const listener = await listen({ host: "127.0.0.1", port: 0, handler, limits: { ...limits, ...changed } });
  ending.push(() => listener.close());
  return listener;
}

/** What a server says to raw bytes, each part written when the one before has gone, until it closes the connection. */
function said(port: number, ...parts: readonly (string | Buffer)[]): Promise<string> {
  const socket = net.connect(port, "127.0.0.1");
  ending.push(() => socket.destroy());
  let text = "";
  socket.setNoDelay(true);
  socket.on("data", (chunk) => (text += chunk.toString("latin1")));
  const write = ([part, ...rest]: readonly (string | Buffer)[]): void => {
    if (part !== undefined) socket.write(part, () => setTimeout(() => write(rest), 5));
  };
  write(parts);
  return new Promise((resolve) => socket.on("close", () => resolve(text)).on("error", () => {}));
}

async function works({ port }: Listener): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body: "x" });
  expect(await response.text()).toBe("POST x");
}

/** An HTTP/2 client; `pong`: whether it answers pings, which Node does by itself. */
function http2Client(port: number): http2.ClientHttp2Session {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  ending.push(() => session.destroy());
  return session;
}

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0", "latin1");
const headers = "POST / HTTP/1.1\r\nHost: localhost\r\n";

describe("a connection is ended, with an answer where there can be one,", () => {
  it.for([
    ["that says nothing", [""], ""],
    ["that begins and does not go on", ["P"], ""],
    ["whose headers do not end", [headers], "408 Request Timeout"],
    ["whose body does not come", [`${headers}Content-Length: 5\r\n\r\n`, "ab"], "408 Request Timeout"],
    ["whose chunks do not end", [`${headers}Transfer-Encoding: chunked\r\n\r\n`, "1\r\na\r\n"], "408 Request Timeout"],
    [
      "whose headers are too large",
      [`${headers}X: ${"x".repeat(10_000)}\r\n\r\n`],
      "431 Request Header Fields Too Large",
    ],
    ["that says two lengths", [`${headers}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`], "400 Bad Request"],
    [
      "that says a length and chunks",
      [`${headers}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
      "400 Bad Request",
    ],
    ["that says chunks twice", [`${headers}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`], "400 Bad Request"],
    ["that hides its chunks", [`${headers}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`], "400 Bad Request"],
    ["that writes a space before a colon", [`${headers}Content-Length : 1\r\n\r\na`], "400 Bad Request"],
    ["that folds a header", [`${headers}X: a\r\n b\r\n\r\n`], "400 Bad Request"],
    ["that ends lines without CR", ["POST / HTTP/1.1\nHost: localhost\nContent-Length: 1\n\na"], "400 Bad Request"],
    ["that writes a NUL into a header", [`${headers}X: a\0b\r\n\r\n`], "400 Bad Request"],
    ["that writes no HTTP", ["nonsense\r\n\r\n"], "400 Bad Request"],
    ["that writes an unknown method", ["NONSENSE / HTTP/1.1\r\nHost: a\r\n\r\n"], "400 Bad Request"],
  ] as const)("%s", async ([, parts, status]) => {
    const listener = await serve();
    const text = await said(listener.port, ...parts);
    expect(text.split("\r\n", 1)[0]).toBe(status === "" ? "" : `HTTP/1.1 ${status}`);
    expect(text).toMatch(status === "" ? /^$/ : /"message":"[^"]*request/);
    await works(listener);
  });

  it("whose HTTP/2 request does not end; the connection's other requests go on", async () => {
    const listener = await serve();
    const session = http2Client(listener.port);
    const slow = session.request({ ":method": "POST", ":path": "/" });
    slow.on("error", () => {});
    slow.write("ab");
    await new Promise((resolve) => slow.on("close", resolve));
    expect(slow.rstCode).toBe(http2.constants.NGHTTP2_CANCEL);
    const other = session.request({ ":method": "POST", ":path": "/" }, { endStream: true });
    expect(await new Response(other as never).text()).toBe("POST ");
  });

  it("whose answer is not taken", async () => {
    const listener = await serve((_request, response) => (response as ServerResponse).end(Buffer.alloc(64 << 20)));
    const socket = net.connect(listener.port, "127.0.0.1", () => socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    socket.on("error", () => {});
    const closed = new Promise((resolve) => socket.on("close", resolve));
    setTimeout(() => socket.resume(), momentMs * 4);
    let bytes = 0;
    socket.pause();
    socket.on("data", (chunk) => (bytes += chunk.length));
    socket.pause();
    await closed;
    expect(bytes).toBeLessThan(64 << 20);
  });

  it("that writes nonsense behind HTTP/2's preface", async () => {
    const listener = await serve();
    await said(listener.port, preface, Buffer.alloc(200, 255));
    await works(listener);
  });

  it("whose HTTP/2 client is gone without a word", async () => {
    const listener = await serve(echo, { pingMs: momentMs });
    await said(listener.port, preface);
  });

  it("over HTTP/2 without a request; one with a request stays", async () => {
    const silent = (): void => {};
    const listener = await serve(silent, { idleMs: momentMs, requestMs: 60_000, pingMs: 50 });
    const [idle, busy] = [http2Client(listener.port), http2Client(listener.port)];
    busy.request({ ":path": "/" }).on("error", () => {});
    await new Promise((resolve) => idle.on("close", resolve));
    expect(busy.closed).toBe(false);
  });
});

describe("a slow client that goes on", () => {
  it("is answered, byte for byte", async () => {
    const listener = await serve(echo, { firstBytesMs: 10_000, headersMs: 10_000, requestMs: 10_000 });
    const request = `${headers}Connection: close\r\nContent-Length: 2\r\n\r\nab`;
    expect(await said(listener.port, ...request.split(""))).toMatch(/POST ab$/);
  });

  it("takes a large answer as slowly as it likes", async () => {
    const sizeBytes = 24 << 20;
    const listener = await serve((_request, response) => (response as ServerResponse).end(Buffer.alloc(sizeBytes)));
    const response = await new Promise<IncomingMessage>((resolve) =>
      http.get({ port: listener.port, host: "127.0.0.1", agent: false }, resolve),
    );
    let bytes = 0;
    for await (const chunk of response) {
      const before = bytes;
      bytes += (chunk as Buffer).length;
      if (before >> 21 !== bytes >> 21) await new Promise((resolve) => setTimeout(resolve, momentMs / 3));
    }
    expect(bytes).toBe(sizeBytes);
  });

  it("keeps a stream whose messages are far apart", async () => {
    async function* messages(): AsyncGenerator<object> {
      yield { n: 1 };
      await new Promise((resolve) => setTimeout(resolve, momentMs * 4));
      yield { n: 2 };
    }
    const stream = { clock: systemClock, headers: {}, events: false, signal: new AbortController().signal, fields: "" };
    const listener = await serve(
      (_request, response) => void writeStream(response as ServerResponse, messages(), stream),
    );
    const response = await fetch(`http://127.0.0.1:${listener.port}/`);
    expect(await response.text()).toBe('{"result":{"n":1}}\n{"result":{"n":2}}\n');
  });
});

it("an HTTP/2 connection has so many requests at a time, and more when one has ended", async () => {
  const open: ServerResponse[] = [];
  const listener = await serve((_request, response) => void open.push(response as ServerResponse));
  const session = http2Client(listener.port);
  await new Promise((resolve) => session.once("remoteSettings", resolve));
  for (let n = 0; n < 7; n++) session.request({ ":path": "/" }).on("error", () => {});
  await expect.poll(() => open.length).toBe(5);
  open[0]!.end();
  await expect.poll(() => open.length).toBe(6);
});

it("a connection that resets its requests again and again is ended, and no other", async () => {
  const listener = await serve();
  const session = http2Client(listener.port);
  let ended = false;
  session.on("close", () => (ended = true));
  for (let n = 0; n < 5000 && !session.destroyed && !session.closed; n++) {
    const request = session.request({ ":path": "/" });
    request.on("error", () => {});
    request.close(http2.constants.NGHTTP2_CANCEL);
    if (n % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await expect.poll(() => ended, { timeout: 10_000 }).toBe(true);
  await works(listener);
});

describe("limits", () => {
  it.for([
    [{}, 300_000, []],
    [{ "server.request.timeout.seconds": "20" }, 20_000, []],
    [{ "server.request.timeout.seconds": "0" }, 300_000, ["server.request.timeout.seconds"]],
    [{ "server.request.timeout.seconds": "soon" }, 300_000, ["server.request.timeout.seconds"]],
  ] as const)("are read from %j", ([params, requestMs, wrong]) => {
    const read = limitsOf(params);
    expect([read.limits.requestMs, read.problems.map(({ key }) => key)]).toEqual([requestMs, wrong]);
  });

  it("hold for each account, and what has ended no longer counts", () => {
    const streams = new OpenStreams(2);
    const [ann, bob] = ["ann", "bob"].map((username) => ({ username, kind: "local", issuer: "", groups: [] }) as never);
    const end = streams.take(ann);
    streams.take(ann);
    expect(() => streams.take(ann)).toThrow(/ann has 2 streams open/);
    streams.take(bob);
    end();
    end();
    streams.take(ann);
    expect(() => streams.take(ann)).toThrow(expect.objectContaining({ code: "TOO_MANY_REQUESTS" }) as Error);
  });
});
