// A process in a container, over the API server's WebSocket (`v5.channel.k8s.io`, else `v4`): what it writes, what is
// typed, the size of its terminal. Loaded when it is first asked for. Source: Kubernetes' remotecommand protocol
// (KEP-4006); channel numbers stand in the first byte of each frame.
import type { IncomingMessage } from "node:http";
import { Agent } from "node:https";
import type { RawData, WebSocket } from "ws";
import { DriftlessError } from "#base/errors.ts";
import { isObject, listAt, stringAt } from "#base/json.ts";
import type { Operation } from "#base/operation.ts";
import type { Connection } from "./connection.ts";
import { objectPath } from "./paths.ts";
import { errorOfAnswer, errorOfNetwork } from "./status.ts";
import type { ExecHandlers, ExecRequest, ExecSession } from "./types.ts";

const protocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;
const handshakeMs = 30_000;
const refusalBytes = 64 * 1024;
const podType = { group: "", version: "v1", plural: "pods", namespaced: true };

/** Resolves when the process is being started. Errors: those of any request, before that; later ones go to `onEnd`. */
export async function openExec(
  op: Operation,
  connection: Connection,
  headers: Readonly<Record<string, string>>,
  { request, handlers }: { readonly request: ExecRequest; readonly handlers: ExecHandlers },
): Promise<ExecSession> {
  const { WebSocket: Socket } = await import("ws");
  const path = objectPath(podType, { namespace: request.namespace, name: request.pod }, "exec");
  const context = { server: connection.server, what: `exec ${path}` };
  const authorization = await connection.auth.authorization(op);
  const url = `${connection.server.replace(/^http/, "ws").replace(/\/$/, "")}${path}?${parametersOf(request)}`;
  const socket = new Socket(url, protocols, {
    ...tlsOf(connection),
    handshakeTimeout: handshakeMs,
    perMessageDeflate: false,
    headers: { ...headers, ...connection.headers, ...(authorization === undefined ? {} : { authorization }) },
  });
  const stop = (): void => socket.terminate();
  op.signal.addEventListener("abort", stop, { once: true });
  socket.once("close", () => op.signal.removeEventListener("abort", stop));
  if (op.signal.aborted) stop();
  let ended = false;
  const end = (error?: DriftlessError): void => {
    if (ended) return;
    ended = true;
    handlers.onEnd(error);
    socket.close();
  };
  socket.on("message", (data: RawData) => {
    const frame = data as Buffer;
    if (frame[0] === channel.stdout || frame[0] === channel.stderr) {
      if (frame.length > 1) handlers.onOutput(frame.subarray(1));
    } else if (frame[0] === channel.error) end(outcomeOf(frame.subarray(1).toString("utf8")));
  });
  await opened(socket, context);
  socket.on("error", (error) => end(errorOfNetwork(error, context)));
  socket.on("close", () => end(new DriftlessError("CLUSTER_UNREACHABLE", `${context.what}: the connection ended`)));
  const send = (number: number, bytes: Uint8Array): void => {
    if (socket.readyState === Socket.OPEN) socket.send(Buffer.concat([Buffer.of(number), bytes]));
  };
  return {
    write: (bytes) => send(channel.stdin, bytes),
    resize: (columns, rows) => send(channel.resize, Buffer.from(JSON.stringify({ Width: columns, Height: rows }))),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    get waitingBytes() {
      return socket.bufferedAmount;
    },
    close() {
      ended = true;
      socket.close();
    },
  };
}

function parametersOf({ container, command, tty }: ExecRequest): string {
  const parameters = new URLSearchParams({ container, stdin: "true", stdout: "true", tty: String(tty) });
  // A terminal has one stream for both.
  if (!tty) parameters.set("stderr", "true");
  for (const word of command) parameters.append("command", word);
  return parameters.toString();
}

function tlsOf({ tls, auth, proxyUrl, server }: Connection): object {
  if (proxyUrl?.startsWith("socks"))
    throw new DriftlessError("FAILED_PRECONDITION", `exec through the SOCKS proxy of ${server} is not supported`);
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

/** What the process came to, by the Status that ends it: undefined where it succeeded. */
function outcomeOf(text: string): DriftlessError | undefined {
  let status: unknown;
  try {
    status = JSON.parse(text);
  } catch {
    return new DriftlessError("KUBERNETES_REFUSED", text.trim().slice(0, 500));
  }
  if (!isObject(status) || stringAt(status, "status") === "Success") return undefined;
  const causes = listAt(status, "details", "causes").filter(isObject);
  const exit = causes.find((cause) => cause["reason"] === "ExitCode");
  return new DriftlessError("KUBERNETES_REFUSED", stringAt(status, "message") ?? "the process failed", {
    details: {
      reason: stringAt(status, "reason") ?? "",
      ...(exit === undefined ? {} : { exitCode: Number(exit["message"]) }),
    },
  });
}
