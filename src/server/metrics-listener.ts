// Metrics for scrapers, on a port of their own without a login, as Argo CD has them: whoever reaches the port reads names of
// applications and addresses of clusters and repositories, so it is for the cluster's inside alone. Nothing else is answered.
import http from "node:http";
import type { AddressInfo } from "node:net";
import { DriftlessError, toError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { Metrics } from "#runtime/metrics.ts";

export interface MetricsListener {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens. Error: PORT_IN_USE. */
export async function listenForMetrics(
  op: Op,
  metrics: Metrics,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<MetricsListener> {
  const server = http.createServer((request, response) => {
    const path = (request.url ?? "").split("?")[0];
    if (request.method !== "GET" || (path !== "/metrics" && path !== "/healthz"))
      return void response.writeHead(404).end();
    if (path === "/healthz") return void response.writeHead(200, { "content-type": "text/plain" }).end("ok");
    metrics.scrape().then(
      ({ contentType, text }) => response.writeHead(200, { "content-type": contentType }).end(text),
      (thrown: unknown) => {
        op.log.error("metrics not read", { error: toError(thrown).message });
        response.writeHead(500).end();
      },
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) =>
      reject(
        cause.code === "EADDRINUSE"
          ? new DriftlessError("PORT_IN_USE", `port ${port} on ${host} is taken by another program`, { cause })
          : cause,
      ),
    );
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}
