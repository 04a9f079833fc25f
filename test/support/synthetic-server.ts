// A server with the page and any number of made-up applications, and a stream that changes them: for tests of the page's
// speed, without a cluster. Answers only what the list asks for.
import { createReadStream, existsSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join } from "node:path";
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

function application(index: number, version: number): object {
  const team = `team-${index % 40}`;
  const name = `${words[index % words.length]}-${words[(index * 7 + 3) % words.length]}-${String(index).padStart(5, "0")}`;
  return {
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
}

export async function startSyntheticServer(count: number): Promise<SyntheticServer> {
  const listeners = new Set<ServerResponse>();
  const list = JSON.stringify({
    metadata: { resourceVersion: "1" },
    items: Array.from({ length: count }, (_, index) => application(index, 1)),
  });
  let version = 1;
  let isDown = false;
  const server = createServer((request, response) => {
    const path = (request.url ?? "/").split("?")[0]!;
    if (isDown && path.startsWith("/api/")) {
      request.socket.destroy();
      return;
    }
    const json = (body: string): void => void response.writeHead(200, { "content-type": "application/json" }).end(body);
    if (path === "/api/v1/session/userinfo") json('{"loggedIn":true,"username":"admin"}');
    else if (path === "/api/v1/applications") json(list);
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
      const event = { result: { type: "MODIFIED", application: application(index, version) } };
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
