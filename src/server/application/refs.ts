// Which application a hand-written route is about, by its path and query. Checks no permission.
import type { FastifyRequest } from "fastify";
import type { AppRef } from "./queries.ts";

type Query = Readonly<Record<string, string | string[] | undefined>>;

export function appRef(request: FastifyRequest): AppRef {
  const query = request.query as Query;
  const one = (name: string): string | undefined => [query[name] ?? []].flat().at(-1);
  const [appNamespace, project] = [one("appNamespace"), one("project")];
  return {
    name: (request.params as { readonly name?: string }).name ?? "",
    ...(appNamespace ? { appNamespace } : {}),
    ...(project ? { project } : {}),
  };
}
