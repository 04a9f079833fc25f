// One port for everything: looks at a connection's first bytes and hands it to HTTP/1.1, HTTP/2 in clear text, or TLS
// (where HTTP/2 or HTTP/1.1 is agreed on). Knows nothing of what is answered.
import http from "node:http";
import http2 from "node:http2";
import net from "node:net";
import type { Duplex } from "node:stream";
import type { SecureContextOptions } from "node:tls";
import { DriftlessError } from "#base/errors.ts";
import { Connections } from "./connections.ts";
import type { HttpHandler } from "./grpc.ts";
import { defaultLimits, type ConnectionLimits } from "./limits.ts";

export interface Certificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly handler: HttpHandler;
  /** With it, TLS is spoken, and plain HTTP is sent to it. */
  readonly certificate?: Certificate;
  /** Those that are not said are at their defaults. */
  readonly limits?: Partial<ConnectionLimits>;
  /** How TLS is spoken. */
  readonly tls?: Pick<SecureContextOptions, "minVersion" | "maxVersion" | "ciphers">;
  upgrade?(request: http.IncomingMessage, socket: net.Socket, head: Buffer): void;
}

export interface Listener {
  readonly port: number;
  /** New connections get this certificate. Throws where it is not usable; the one before stays. */
  setCertificate(certificate: Certificate): void;
  close(): Promise<void>;
}

/** Between requests of one HTTP/1 connection: longer than proxies keep theirs, so that they are the ones who close. */
const keepAliveMs = 90_000;
/** Node's own counts what waits to be sent too, and would end large answers. In megabytes. */
const sessionMemory = 128;
const http2Preface = "PRI * HTTP/2.0";

/** Listens. Error: PORT_IN_USE. */
export async function listen(options: ListenOptions): Promise<Listener> {
  const limits: ConnectionLimits = { ...defaultLimits, ...options.limits };
  const connections = new Connections(limits);
  const { plain, clear, secure } = servers(options, limits, connections);
  const sockets = new Set<net.Socket>();
  const door = net.createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    socket.setTimeout(limits.firstBytesMs, () => socket.destroy());
    let first: Buffer = Buffer.alloc(0);
    const look = (): void => {
      const more = socket.read() as Buffer | null;
      if (!more) return;
      first = first.length === 0 ? more : Buffer.concat([first, more]);
      const start = first.subarray(0, http2Preface.length).toString("latin1");
      const isHttp2 = start === http2Preface;
      // A slow client's POST may begin as the preface does.
      if (!isHttp2 && http2Preface.startsWith(start)) return;
      socket.off("readable", look);
      socket.setTimeout(0);
      socket.removeAllListeners("timeout");
      // Not flowing: whoever takes the connection over reads these bytes again, then the rest.
      socket.unshift(first);
      const tls = first[0] === 0x16;
      // Without TLS its clients are told in clear: they know from that what is wrong.
      const server = tls ? (secure ?? plain) : isHttp2 ? (secure ? undefined : clear) : plain;
      if (!server) return void socket.destroy();
      server.emit("connection", socket);
    };
    socket.on("readable", look);
  });
  await new Promise<void>((resolve, reject) => {
    door.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "EADDRINUSE"
          ? new DriftlessError("PORT_IN_USE", `port ${options.port} on ${options.host} is taken by another program`, {
              cause: error,
            })
          : error,
      ),
    );
    door.listen(options.port, options.host, resolve);
  });
  return {
    port: (door.address() as net.AddressInfo).port,
    setCertificate: ({ cert, key }) => secure?.setSecureContext({ ...options.tls, cert, key }),
    async close() {
      connections.close();
      for (const server of [plain, secure]) server?.close();
      const closed = new Promise<void>((resolve) => door.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

interface Servers {
  readonly plain: http.Server;
  readonly clear: http2.Http2Server;
  readonly secure: http2.Http2SecureServer | undefined;
}

/** What speaks each protocol. They never listen themselves: connections are handed to them. */
function servers(options: ListenOptions, limits: ConnectionLimits, connections: Connections): Servers {
  const { certificate } = options;
  const handler: HttpHandler = (request, response) => {
    connections.request(request, response);
    options.handler(request, response);
  };
  const http1 = {
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: keepAliveMs,
    connectionsCheckingInterval: Math.min(5000, limits.headersMs / 4),
    maxHeaderSize: limits.headerBytes,
  };
  const http2Options = {
    maxSessionMemory: sessionMemory,
    settings: { maxConcurrentStreams: limits.streamsPerConnection, maxHeaderListSize: limits.headerBytes },
  };
  const plain = http.createServer(http1, certificate ? redirect : handler);
  const clear = http2.createServer(http2Options, handler);
  const secure = certificate
    ? http2.createSecureServer(
        {
          ...options.tls,
          ...http2Options,
          ...http1,
          allowHTTP1: true,
          handshakeTimeout: limits.headersMs,
          ...certificate,
        },
        handler,
      )
    : undefined;
  if (secure) Object.assign(secure, http1);
  for (const server of [secure, plain]) server?.on("clientError", refuse);
  (secure ?? plain).on("upgrade", (request: http.IncomingMessage, socket: net.Socket, head: Buffer) => {
    if (options.upgrade) options.upgrade(request, socket, head);
    else socket.destroy();
  });
  for (const server of [clear, secure]) {
    server?.on("sessionError", () => {});
    server?.on("session", (session) => connections.session(session));
  }
  secure?.on("tlsClientError", (_error, socket) => socket.destroy());
  // Node begins to look for late requests when a server listens, which these do not.
  for (const server of [plain, secure]) server?.emit("listening");
  return { plain, clear, secure };
}

const refusals: Readonly<Record<string, readonly [status: number, code: number, message: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 8, "the request's headers are too large"],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 4, "the request did not come in time"],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 8, "the request's chunks are too large"],
};

/** Answers what is no HTTP request, where anybody still reads, and ends its connection. */
function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === "ECONNRESET") return void socket.destroy();
  const [status, code, message] = refusals[error.code ?? ""] ?? [400, 3, "this is no HTTP request that can be read"];
  const body = JSON.stringify({ code, message, error: message });
  socket.end(
    `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
}

function redirect(request: http.IncomingMessage, response: http.ServerResponse): void {
  response.writeHead(307, { location: `https://${request.headers.host ?? "localhost"}${request.url ?? "/"}` });
  response.end();
}
