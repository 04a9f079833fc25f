// WebSockets to an API server, with a connection's credentials, certificates and proxy: for exec and port-forward.
import type { IncomingMessage } from "node:http";
import { Agent } from "node:https";
import type { RawData, WebSocket } from "ws";
import { DriftlessError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import type { Connection } from "./connection.ts";
import { errorOfAnswer, errorOfNetwork } from "./status.ts";

const handshakeMs = 30_000;
const refusalBytes = 64 * 1024;

export interface SocketRequest {
  /** With its query. */
  readonly path: string;
  /** Subprotocols, the best first. */
  readonly protocols: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  /** What is done, for errors. */
  readonly what: string;
  /** Told of every frame, from the first on. */
  onFrame(frame: Buffer): void;
}

/** Resolves when the socket is open; it ends with the operation. Errors: those of any request. */
export async function openSocket(op: Operation, connection: Connection, request: SocketRequest): Promise<WebSocket> {
  const { WebSocket: Socket } = await import("ws");
  const context = { server: connection.server, what: request.what };
  const authorization = await connection.auth.authorization(op);
  const url = `${connection.server.replace(/^http/, "ws").replace(/\/$/, "")}${request.path}`;
  const socket = new Socket(url, [...request.protocols], {
    ...tlsOf(connection, request.what),
    handshakeTimeout: handshakeMs,
    perMessageDeflate: false,
    headers: { ...request.headers, ...connection.headers, ...(authorization === undefined ? {} : { authorization }) },
  });
  const stop = (): void => socket.terminate();
  op.signal.addEventListener("abort", stop, { once: true });
  socket.once("close", () => op.signal.removeEventListener("abort", stop));
  if (op.signal.aborted) stop();
  socket.on("message", (data: RawData) => request.onFrame(data as Buffer));
  await opened(socket, context);
  return socket;
}

function tlsOf({ tls, auth, proxyUrl, server }: Connection, what: string): object {
  if (proxyUrl?.startsWith("socks"))
    throw new DriftlessError("FAILED_PRECONDITION", `${what} through the SOCKS proxy of ${server} is not supported`);
  const own = auth.certificate?.();
  const options = {
    ca: tls.ca,
    cert: own?.cert ?? tls.cert,
    key: own?.key ?? tls.key,
    ...(tls.servername === undefined ? {} : { servername: tls.servername }),
    rejectUnauthorized: tls.insecure !== true,
  };
  if (proxyUrl === undefined) return options;
  return { ...options, agent: new Agent({ ...options, proxyEnv: { HTTPS_PROXY: proxyUrl } }) };
}

function opened(socket: WebSocket, context: { server: string; what: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => reject(errorOfNetwork(error, context));
    socket.once("error", failed);
    socket.once("open", () => {
      socket.off("error", failed);
      resolve();
    });
    socket.on("unexpected-response", (_request: unknown, response: IncomingMessage) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => {
        if (chunks.reduce((sum, each) => sum + each.length, 0) < refusalBytes) chunks.push(chunk);
      });
      response.on("close", () => {
        socket.on("error", () => {});
        socket.terminate();
        reject(errorOfAnswer(response.statusCode ?? 500, Buffer.concat(chunks).toString("utf8"), context));
      });
    });
  });
}
