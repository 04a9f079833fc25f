// A server with the page and any number of made-up applications, and a stream that changes them: for tests of the page's
// speed, without a cluster. Answers only what the list asks for, as the program's own listing does.
import { createReadStream, existsSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
import { Listing, type ListingDeps } from "#server/application/listing/listing.ts";
import { filterOf, pageOf, type QueryParameters } from "#server/application/listing/listing-query.ts";
import type { Application } from "#model/application.ts";
import { repositoryRoot } from "./up.ts";

export interface SyntheticServer {
  readonly url: string;
  /** Sends a changed application to everybody who listens. */
  change(index: number): void;
  /** Ends every open stream, as a restarting server does. */
  drop(): void;
  /** From now on no request is answered, until it is told otherwise. */
  down(down: boolean): void;
  close(): Promise<void>;
}

const types: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};
const syncs = ["Synced", "Synced", "Synced", "OutOfSync", "Synced", "Unknown"];
const healths = ["Healthy", "Healthy", "Progressing", "Healthy", "Degraded", "Healthy", "Missing"];
const startedAt = Date.now();
const words = ["cart", "search", "billing", "mail", "login", "report", "queue", "image", "stock", "price"];

function application(index: number, version: number): Application {
  const team = `team-${index % 40}`;
  const name = `${words[index % words.length]}-${words[(index * 7 + 3) % words.length]}-${String(index).padStart(5, "0")}`;
  const made = {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Application",
    metadata: {
      name,
      namespace: "argocd",
      uid: `uid-${index}`,
      resourceVersion: String(version),
      creationTimestamp: "2030-01-01T00:00:00Z",
      labels: { team, tier: index % 2 === 0 ? "web" : "batch" },
    },
    spec: {
      project: `project-${index % 25}`,
      source: {
        repoURL: `https://git.example.com/${team}/config.git`,
        path: `apps/${name}`,
        targetRevision: "main",
      },
      destination: { name: `cluster-${index % 30}`, namespace: `${team}-${index % 7}` },
      syncPolicy: { automated: { prune: true } },
    },
    status: {
      sync: { status: syncs[(index + version) % syncs.length], revision: "0123456789abcdef0123456789abcdef01234567" },
      health: { status: healths[index % healths.length] },
      operationState: { phase: "Succeeded", finishedAt: new Date(startedAt - index * 97_000).toISOString() },
    },
  };
  return made as unknown as Application;
}

type Change = { before: Application | undefined; after: Application | undefined };

/** The program's listing over applications that nobody watches. */
class Applications {
  readonly #all: Application[];
  readonly #listeners: ((change: Change) => void)[] = [];
  readonly #listing: Listing;

  constructor(count: number) {
    this.#all = Array.from({ length: count }, (_, index) => application(index, 1));
    this.#listing = new Listing({
      applications: {
        values: () => this.#all.values(),
        subscribe: (listener: (change: Change) => void) => void this.#listeners.push(listener),
        resourceVersion: "1",
      },
      controller: { state: () => undefined },
      normaliseUrl: (url: string) => url,
      presented: (app: Application) => app,
    } as unknown as ListingDeps);
  }

  change(index: number, version: number): Application {
    const before = this.#all[index];
    const after = (this.#all[index] = application(index, version));
    for (const listener of this.#listeners) listener({ before, after });
    return after;
  }

  async answer(search: URLSearchParams): Promise<string> {
    const parameters: QueryParameters = Object.fromEntries(
      [...search.keys()].map((name) => [name, search.getAll(name)]),
    );
    const filter = filterOf({ project: search.getAll("project") }, parameters, (url) => url);
    const answer = this.#listing.list(filter, pageOf(parameters), () => true);
    const pieces: Buffer[] = [];
    for await (const piece of answer.pieces(search.get("fields") ?? "")) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  }
}

export async function startSyntheticServer(count: number): Promise<SyntheticServer> {
  const listeners = new Set<ServerResponse>();
  const applications = new Applications(count);
  let version = 1;
  let isDown = false;
  const server = createServer((request, response) => {
    const { pathname: path, searchParams } = new URL(request.url ?? "/", "http://localhost");
    if (isDown && path.startsWith("/api/")) {
      request.socket.destroy();
      return;
    }
    const json = (body: string): void => void response.writeHead(200, { "content-type": "application/json" }).end(body);
    if (path === "/api/v1/session/userinfo") json('{"loggedIn":true,"username":"admin"}');
    else if (path === "/api/v1/applications") void applications.answer(searchParams).then(json);
    else if (path === "/api/v1/stream/applications") {
      response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
      listeners.add(response);
      response.on("close", () => listeners.delete(response));
    } else {
      const asset = join(repositoryRoot, "dist", "ui", path);
      const file = extname(path) && existsSync(asset) ? asset : join(repositoryRoot, "dist", "ui", "index.html");
      response.writeHead(200, { "content-type": types[extname(file)] ?? "application/octet-stream" });
      createReadStream(file).pipe(response);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    change(index) {
      version++;
      const { metadata } = applications.change(index, version);
      const { name, namespace } = metadata;
      const event = { result: { type: "MODIFIED", application: { metadata: { name, namespace } } } };
      for (const listener of listeners) listener.write(`data: ${JSON.stringify(event)}\n\n`);
    },
    drop() {
      for (const listener of listeners) listener.destroy();
    },
    down(down) {
      isDown = down;
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
