// A proxy between `driftless up` and an API server, over which a test sees each request, and can make any of them the last
// that a process sends, or one that is never answered. It changes no request and no answer.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import {
  Agent as HttpAgent,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from "node:https";
import { connect, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { parse } from "yaml";

/** One request that was answered. */
export interface Seen {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly status: number;
  /** The body sent, as text. */
  readonly body: string;
  readonly answer: string;
}

export interface ApiProxy {
  /** A kubeconfig that leads to the proxy. */
  readonly kubeconfig: string;
  /** The address that it listens on. */
  readonly url: string;
  /** Writes (no GET, no dry run) that were answered, in order. */
  readonly writes: Seen[];
  /** Called with each write once the server has done it and before its answer goes out; while it runs nothing goes out. */
  onWrite: ((seen: Seen) => Promise<void> | void) | undefined;
  /** Requests for which this is true are never answered, nor sent on; of those that were waiting. */
  hangs: ((request: { readonly method: string; readonly path: string }) => boolean) | undefined;
  /** Where WebSockets are led to, with this token: the address of a stand-in. */
  sockets: { readonly url: string; readonly token: string } | undefined;
  /** Resolves once no write is under way: what the server does of a process that was killed is among `writes` then. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

interface KubeconfigFile {
  readonly clusters: readonly { readonly cluster: Readonly<Record<string, string>> }[];
  readonly users: readonly { readonly user: Readonly<Record<string, string>> }[];
}

/** Takes the path of a kubeconfig; whoever uses the proxy acts as its user. */
export async function startProxy(kubeconfig: string): Promise<ApiProxy> {
  const upstream = upstreamOf(kubeconfig);
  const underWay = new Set<Promise<void>>();
  const directory = mkdtempSync(join(tmpdir(), "driftless-proxy-"));
  const proxy: { -readonly [name in keyof ApiProxy]: ApiProxy[name] } = {
    kubeconfig: join(directory, "kubeconfig"),
    url: "",
    writes: [],
    onWrite: undefined,
    hangs: undefined,
    sockets: undefined,
    settled: async () => {
      while (underWay.size > 0) await Promise.all(underWay);
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      upstream.agent.destroy();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  const server = createServer((incoming, outgoing) => {
    const url = new URL(incoming.url ?? "/", "http://proxy");
    if (proxy.hangs?.({ method: incoming.method ?? "", path: url.pathname }) === true) return;
    const answered = pass(proxy, upstream, { incoming, outgoing, url });
    if (!isWrite(incoming, url)) return;
    underWay.add(answered);
    void answered.finally(() => underWay.delete(answered));
  });
  server.on("upgrade", (request, socket) => {
    const to = proxy.sockets;
    if (to) tunnel(request, socket, to);
    else socket.destroy();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "proxy",
    clusters: [{ name: "proxy", cluster: { server: proxy.url } }],
    users: [{ name: "proxy", user: {} }],
    contexts: [{ name: "proxy", context: { cluster: "proxy", user: "proxy" } }],
  };
  writeFileSync(proxy.kubeconfig, JSON.stringify(config), { mode: 0o600 });
  return proxy;
}

function tunnel(request: IncomingMessage, socket: Duplex, to: NonNullable<ApiProxy["sockets"]>): void {
  const { hostname, port } = new URL(to.url);
  const headers = { ...request.headers, authorization: `Bearer ${to.token}` };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`);
  const other = connect(Number(port), hostname);
  other.write(`GET ${request.url ?? "/"} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
  socket.pipe(other).pipe(socket);
  for (const [one, its] of [
    [socket, other],
    [other, socket],
  ] as const)
    one.on("error", () => its.destroy()).on("close", () => its.destroy());
}

interface Upstream {
  readonly url: URL;
  readonly agent: HttpAgent | HttpsAgent;
  readonly authorization: string | undefined;
}

function upstreamOf(kubeconfig: string): Upstream {
  const file = parse(readFileSync(kubeconfig, "utf8")) as KubeconfigFile;
  const cluster = file.clusters[0]!.cluster;
  const user = file.users[0]?.user ?? {};
  const pem = (from: Readonly<Record<string, string>>, name: string): string | undefined =>
    from[`${name}-data`] === undefined
      ? from[name] && readFileSync(from[name], "utf8")
      : Buffer.from(from[`${name}-data`]!, "base64").toString("utf8");
  const url = new URL(cluster["server"]!);
  const tls = {
    ca: pem(cluster, "certificate-authority"),
    cert: pem(user, "client-certificate"),
    key: pem(user, "client-key"),
    keepAlive: true,
  };
  return {
    url,
    agent: url.protocol === "https:" ? new HttpsAgent(tls) : new HttpAgent({ keepAlive: true }),
    authorization: user["token"] === undefined ? undefined : `Bearer ${user["token"]}`,
  };
}

const isWrite = ({ method }: IncomingMessage, url: URL): boolean =>
  method !== "GET" && url.searchParams.get("dryRun") === null;

/** Returns a promise that resolves once the server has answered, or the request has failed. */
function pass(
  proxy: ApiProxy,
  upstream: Upstream,
  { incoming, outgoing, url }: { incoming: IncomingMessage; outgoing: ServerResponse; url: URL },
): Promise<void> {
  const { authorization } = upstream;
  const headers = { ...incoming.headers, host: upstream.url.host, ...(authorization ? { authorization } : {}) };
  const options: RequestOptions = { method: incoming.method, headers, agent: upstream.agent };
  const send = upstream.url.protocol === "https:" ? httpsRequest : httpRequest;
  const forward = send(new URL(incoming.url ?? "/", upstream.url), options);
  const writes = isWrite(incoming, url);
  const sent: Buffer[] = [];
  incoming.on("data", (chunk: Buffer) => sent.push(chunk));
  incoming.pipe(forward);
  // The server does a write that it has received whole, whether or not the one who asked for it lives to hear of it.
  outgoing.on("close", () => {
    if (!writes || !incoming.complete) forward.destroy();
  });
  forward.on("error", () => outgoing.destroy());
  forward.on("response", (answer) => {
    if (!writes) {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      outgoing.flushHeaders();
      answer.pipe(outgoing);
      return;
    }
    const received: Buffer[] = [];
    answer.on("data", (chunk: Buffer) => received.push(chunk));
    answer.on("end", () => {
      const seen: Seen = {
        method: incoming.method ?? "",
        path: url.pathname,
        query: url.searchParams,
        headers: incoming.headers,
        status: answer.statusCode ?? 502,
        body: Buffer.concat(sent).toString("utf8"),
        answer: Buffer.concat(received).toString("utf8"),
      };
      proxy.writes.push(seen);
      void Promise.resolve(proxy.onWrite?.(seen)).then(() => {
        if (outgoing.destroyed) return;
        outgoing.writeHead(seen.status, answer.headers);
        outgoing.end(Buffer.concat(received));
      });
    });
  });
  return new Promise((resolve) => forward.once("close", resolve));
}
