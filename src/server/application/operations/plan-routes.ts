// REST paths of plans and waits: ours, below Argo CD's applications.
import type { FastifyInstance, FastifyRequest } from "fastify";
import { operationOf, type HttpDeps } from "../../http.ts";
import type { ApplicationAccess } from "../access.ts";
import { appRef } from "../refs.ts";
import type { ApplicationService } from "../service.ts";

type Query = Readonly<Record<string, string | string[] | undefined>>;

const many = (query: Query, name: string): readonly string[] =>
  [query[name] ?? []].flat().filter((value) => value !== "");

export function planRoutes(
  app: FastifyInstance,
  deps: HttpDeps & { readonly access: ApplicationAccess },
  service: ApplicationService,
): void {
  const base = "/api/v1/applications/:name";
  app.get(`${base}/plan`, async (request: FastifyRequest) => {
    deps.access.require(request.account, "get", appRef(request));
    const query = request.query as Query;
    const [revision] = many(query, "revision");
    const [prune] = many(query, "prune");
    const [strategy] = many(query, "strategy");
    return service.plans.plan(operationOf(deps, request), appRef(request), {
      ...(revision ? { revision } : {}),
      revisions: many(query, "revisions"),
      ...(prune === undefined ? {} : { prune: prune === "true" }),
      resources: many(query, "resource"),
      syncOptions: many(query, "syncOption"),
      ...(strategy ? { strategy } : {}),
    });
  });
  app.get(`${base}/waiting`, async (request: FastifyRequest) => {
    deps.access.require(request.account, "get", appRef(request));
    return service.plans.waiting(appRef(request));
  });
}
