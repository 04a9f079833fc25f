// A small API server for the tests of this folder: answers what a test tells it, over real HTTP on loopback. It knows no
// Kubernetes rules; those are the sandbox's and the contract suite's matter.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Operation } from "#base/operation.ts";
import { silentLogger } from "#base/operation.ts";
import type { Clock, Random } from "#base/ports.ts";
import type { KubernetesObject } from "#model/object.ts";

export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export type FakeHandler = (request: FakeRequest, response: ServerResponse) => void;

export interface FakeServer {
  readonly url: string;
  readonly requests: FakeRequest[];
  handler: FakeHandler;
  close(): Promise<void>;
}

export async function startFakeServer(handler: FakeHandler): Promise<FakeServer> {
  const requests: FakeRequest[] = [];
  const fake = { handler };
  const server = createServer((incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const url = new URL(incoming.url ?? "/", "http://fake");
      const request: FakeRequest = {
        method: incoming.method ?? "",
        path: url.pathname,
        query: url.searchParams,
        headers: incoming.headers,
        body: Buffer.concat(chunks).toString("utf8"),
      };
      requests.push(request);
      fake.handler(request, response);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    get handler() {
      return fake.handler;
    },
    set handler(next) {
      fake.handler = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function answer(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

export function refuse(response: ServerResponse, code: number, reason: string, message: string): void {
  answer(response, code, { kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message });
}

/** One cluster's state for list and watch of some kinds, with the server's rules about versions left to the test. */
export class FakeKind {
  readonly objects = new Map<string, KubernetesObject>();
  version = 1;
  /** Open watches: `send` reaches all of them. */
  readonly watches = new Set<ServerResponse>();
  readonly #plural: string;
  readonly #kind: string;

  constructor(plural: string, kind: string) {
    this.#plural = plural;
    this.#kind = kind;
  }

  get path(): string {
    return `/api/v1/${this.#plural}`;
  }

  make(name: string, fields: Record<string, unknown> = {}, metadata: Record<string, unknown> = {}): KubernetesObject {
    this.version++;
    return {
      apiVersion: "v1",
      kind: this.#kind,
      metadata: { name, namespace: "default", uid: `uid-${name}`, resourceVersion: `${this.version}`, ...metadata },
      ...fields,
    };
  }

  put(name: string, fields: Record<string, unknown> = {}, metadata: Record<string, unknown> = {}): KubernetesObject {
    const object = this.make(name, fields, metadata);
    const type = this.objects.has(name) ? "MODIFIED" : "ADDED";
    this.objects.set(name, object);
    this.send({ type, object });
    return object;
  }

  remove(name: string): void {
    const object = this.objects.get(name);
    if (object === undefined) return;
    this.objects.delete(name);
    this.version++;
    this.send({
      type: "DELETED",
      object: { ...object, metadata: { ...object.metadata, resourceVersion: `${this.version}` } },
    });
  }

  send(event: unknown): void {
    for (const watch of this.watches) watch.write(`${JSON.stringify(event)}\n`);
  }

  /** Ends the open watches, as a server does after timeoutSeconds. */
  endWatches(): void {
    for (const watch of this.watches) watch.end();
    this.watches.clear();
  }

  bookmark(initial = false): unknown {
    const metadata = {
      resourceVersion: `${this.version}`,
      ...(initial ? { annotations: { "k8s.io/initial-events-end": "true" } } : {}),
    };
    return { type: "BOOKMARK", object: { apiVersion: "v1", kind: this.#kind, metadata } };
  }

  list(response: ServerResponse): void {
    const items = [...this.objects.values()].map(({ apiVersion: _a, kind: _k, ...rest }) => rest);
    const metadata = { resourceVersion: `${this.version}` };
    answer(response, 200, { kind: `${this.#kind}List`, apiVersion: "v1", metadata, items });
  }

  /** Answers a watch, with the initial events where they are asked for. */
  watch(request: FakeRequest, response: ServerResponse): void {
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    if (request.query.get("sendInitialEvents") === "true") {
      for (const object of this.objects.values()) response.write(`${JSON.stringify({ type: "ADDED", object })}\n`);
      response.write(`${JSON.stringify(this.bookmark(true))}\n`);
    }
    this.watches.add(response);
    response.on("close", () => this.watches.delete(response));
  }

  discoveryEntry(): Record<string, unknown> {
    return {
      resource: this.#plural,
      responseKind: { group: "", version: "v1", kind: this.#kind },
      scope: "Namespaced",
      singularResource: this.#kind.toLowerCase(),
      verbs: ["get", "list", "watch", "create", "update", "patch", "delete"],
    };
  }
}

export function aggregatedDiscovery(group: string, resources: readonly Record<string, unknown>[]): unknown {
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: "apidiscovery.k8s.io/v2",
    items: [{ metadata: { name: group }, versions: [{ version: "v1", freshness: "Current", resources }] }],
  };
}

/** Real time, with delays a hundred times shorter: backoff is exercised, not waited for. */
export const quickClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs / 100);
    return () => clearTimeout(timer);
  },
};

export const fixedRandom: Random = { next: () => 0.5 };

export function operation(signal?: AbortSignal): Operation {
  return { signal: signal ?? new AbortController().signal, log: silentLogger };
}

/** Waits until the condition holds; fails after five seconds with what was waited for. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const endsAtMs = performance.now() + 5000;
  while (!condition()) {
    if (performance.now() > endsAtMs) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 2);
    });
  }
}
