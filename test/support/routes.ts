// The paths that the server adds, by its own table: added to a server that never listens, with nothing behind them.
import Fastify from "fastify";
import type { ApplicationService } from "#server/application/service.ts";
import { apiRoutes } from "#server/routes.ts";
import { apiServices, type ApiDeps } from "#server/services.ts";
import { terminalPath } from "#server/terminal/upgrade.ts";

/** Stands for everything: routes are added, none is called. */
const anything: unknown = new Proxy(() => {}, { get: () => anything, apply: () => anything });
const named = [
  "accounts",
  "clusters",
  "control",
  "controller",
  "projects",
  "rbac",
  "secrets",
  "sessions",
  "access",
  "metrics",
];
const deps = {
  ...Object.fromEntries(named.map((name) => [name, anything])),
  namespace: "argocd",
  version: "0",
  applications: { resourceVersion: "1", subscribe: () => () => {}, values: () => [], get: () => undefined },
};

/** A WebSocket beside the routes. */
export const terminalRoute = `GET ${terminalPath}`;

/** `GET /api/v1/applications/{}`: each way to reach each route, what varies left out. */
export async function routesOfServer(): Promise<ReadonlySet<string>> {
  const http = Fastify();
  const found = new Set<string>();
  http.addHook("onRoute", ({ method, url }) => {
    for (const each of [method].flat()) if (each !== "HEAD") found.add(plainRoute(`${each} ${url}`));
  });
  const service = anything as ApplicationService;
  await apiRoutes(http, deps as never, { service, services: apiServices(deps as unknown as ApiDeps, service) });
  await http.ready();
  await http.close();
  return found;
}

/** A route, or a binding's verb and path, without the names of what varies. */
export function plainRoute(route: string): string {
  return route.replaceAll(/\{[^}]+\}|:\w+|\*/g, "{}");
}
