// Stand-ins for port-forward: an API server's (the pods of a namespace, and the WebSocket of `v4.channel.k8s.io` to a port
// of this machine), and a kubelet's. For tests: the sandbox's pods, and those of the real control plane, have no processes.
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect, type AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import type { KubernetesObject } from "#model/object.ts";

export interface PortForwardServer {
  readonly url: string;
  /** `METHOD path?query` of each request, in order. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

/** Forwards every pod's port to a port of this machine. Requests without `Bearer kube` are refused. */
export async function startPortForwardServer(
  pods: readonly KubernetesObject[],
  targetPort: () => number,
): Promise<PortForwardServer> {
  const requests: string[] = [];
  const refusal = JSON.stringify({ kind: "Status", message: 'pods "p" is forbidden', reason: "Forbidden", code: 403 });
  const http: Server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    if (request.headers.authorization !== "Bearer kube") return void response.writeHead(403).end(refusal);
    const [path, query] = (request.url ?? "").split("?");
    const namespace = /^\/api\/v1\/namespaces\/([^/]+)\/pods$/.exec(path!)?.[1];
    if (namespace === undefined) return void response.writeHead(404).end(JSON.stringify({ kind: "Status", code: 404 }));
    const [label, value] = (new URLSearchParams(query).get("labelSelector") ?? "").split("=") as [string, string];
    const items = pods.filter(({ metadata }) => metadata.namespace === namespace && metadata.labels?.[label] === value);
    response
      .writeHead(200, { "content-type": "application/json" })
      .end(JSON.stringify({ kind: "PodList", apiVersion: "v1", metadata: { resourceVersion: "1" }, items }));
  });
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: (offered) => [...offered][0] ?? false });
  http.on("upgrade", (request, socket, head) => {
    requests.push(`UPGRADE ${request.url}`);
    if (request.headers.authorization !== "Bearer kube") return refuse(socket, refusal);
    accept(sockets, { request, socket, head }, targetPort());
  });
  return { ...(await listening(http, sockets, "http")), requests };
}

/** What an API server asks of a kubelet when a port of a pod is forwarded; it forwards to a port of this machine. */
export async function startKubelet(
  certificate: { readonly cert: string; readonly key: string },
  targetPort: number,
): Promise<PortForwardServer> {
  const requests: string[] = [];
  const https = createTlsServer(certificate, (_request, response) => response.writeHead(404).end());
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: (offered) => [...offered][0] ?? false });
  https.on("upgrade", (request, socket, head) => {
    requests.push(`UPGRADE ${request.url}`);
    accept(sockets, { request, socket, head }, targetPort);
  });
  return { ...(await listening(https, sockets, "https")), requests };
}

async function listening(
  server: Server,
  sockets: WebSocketServer,
  scheme: string,
): Promise<Pick<PortForwardServer, "url" | "close">> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

function accept(sockets: WebSocketServer, { request, socket, head }: Upgrade, targetPort: number): void {
  const port = Number(new URL(request.url ?? "/", "http://localhost").searchParams.get("ports"));
  sockets.handleUpgrade(request, socket, head, (client) => relay(client, port, targetPort));
}

function refuse(socket: Duplex, body: string): void {
  socket.end(`HTTP/1.1 403 Forbidden\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`);
}

/** As a container runtime does it: the port's number in each channel first, then data in 0, what is wrong in 1. */
function relay(client: WebSocket, port: number, targetPort: number): void {
  const send = (number: number, bytes: Uint8Array): void => client.send(Buffer.concat([Buffer.of(number), bytes]));
  const numbered = Buffer.alloc(2);
  numbered.writeUInt16LE(port);
  send(0, numbered);
  send(1, numbered);
  const target = connect(targetPort, "127.0.0.1");
  target.on("data", (bytes) => send(0, bytes));
  target.on("end", () => client.close());
  target.on("error", (error) => {
    send(1, Buffer.from(`error forwarding port ${port} to pod: ${error.message}`));
    client.close();
  });
  client.on("message", (data) => void target.write((data as Buffer).subarray(1)));
  client.on("close", () => target.destroy());
}
