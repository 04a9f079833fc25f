// One port for everything: looks at a connection's first bytes and hands it to HTTP/1.1, HTTP/2 in clear text, or TLS
// (where HTTP/2 or HTTP/1.1 is agreed on). Knows nothing of what is answered.
import http from "node:http";
import http2 from "node:http2";
import net from "node:net";
import type { SecureContextOptions } from "node:tls";
import { DriftlessError } from "#base/errors.ts";
import type { HttpHandler } from "./grpc.ts";

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

/** A connection that says nothing for this long is closed. */
const firstBytesMs = 10_000;
const http2Preface = "PRI * HTTP/2.0";

/** Listens. Error: PORT_IN_USE. */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { handler, certificate } = options;
  const plain = http.createServer(certificate ? redirect : handler);
  const clear = http2.createServer(handler);
  const secure = certificate
    ? http2.createSecureServer({ ...options.tls, allowHTTP1: true, ...certificate }, handler)
    : undefined;
  (secure ?? plain).on("upgrade", (request: http.IncomingMessage, socket: net.Socket, head: Buffer) => {
    if (options.upgrade) options.upgrade(request, socket, head);
    else socket.destroy();
  });
  for (const server of [clear, secure]) server?.on("sessionError", () => {});
  secure?.on("tlsClientError", (_error, socket) => socket.destroy());
  const sockets = new Set<net.Socket>();
  const door = net.createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    socket.setTimeout(firstBytesMs, () => socket.destroy());
    socket.once("readable", () => {
      const first = socket.read() as Buffer | null;
      if (!first) return;
      socket.setTimeout(0);
      socket.removeAllListeners("timeout");
      // Not flowing: whoever takes the connection over reads these bytes again, then the rest.
      socket.unshift(first);
      const tls = first[0] === 0x16;
      const isHttp2 = http2Preface.startsWith(first.subarray(0, http2Preface.length).toString("latin1"));
      const server = tls ? secure : isHttp2 ? (secure ? undefined : clear) : plain;
      if (!server) return void socket.destroy();
      server.emit("connection", socket);
    });
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
      const closed = new Promise<void>((resolve) => door.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function redirect(request: http.IncomingMessage, response: http.ServerResponse): void {
  response.writeHead(307, { location: `https://${request.headers.host ?? "localhost"}${request.url ?? "/"}` });
  response.end();
}
