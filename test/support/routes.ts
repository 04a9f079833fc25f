// The paths that the server adds, by its own table: added to a server that never listens, with nothing behind them.
import Fastify from "fastify";
import { apiRoutes } from "#server/routes.ts";
import { terminalPath } from "#server/terminal/upgrade.ts";
import { unwired } from "./unwired.ts";

/** A WebSocket beside the routes. */
export const terminalRoute = `GET ${terminalPath}`;

/** `GET /api/v1/applications/{}`: each way to reach each route, what varies left out. */
export async function routesOfServer(): Promise<ReadonlySet<string>> {
  const http = Fastify();
  const found = new Set<string>();
  http.addHook("onRoute", ({ method, url }) => {
    for (const each of [method].flat()) if (each !== "HEAD") found.add(plainRoute(`${each} ${url}`));
  });
  await apiRoutes(http, unwired.deps as never, { service: unwired.service, services: unwired.services() });
  await http.ready();
  await http.close();
  return found;
}

/** A route, or a binding's verb and path, without the names of what varies. */
export function plainRoute(route: string): string {
  return route.replaceAll(/\{[^}]+\}|:\w+|\*/g, "{}");
}
