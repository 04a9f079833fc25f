// The REST path of drift and who caused it: ours, below Argo CD's applications.
import type { FastifyInstance, FastifyRequest } from "fastify";
import { operationOf, type HttpDeps } from "../../http.ts";
import type { ApplicationAccess } from "../access.ts";
import { appRef } from "../refs.ts";
import type { ApplicationService } from "../service.ts";

type Query = Readonly<Record<string, string | undefined>>;

export function driftRoutes(
  app: FastifyInstance,
  deps: HttpDeps & { readonly access: ApplicationAccess },
  service: ApplicationService,
): void {
  app.get("/api/v1/applications/:name/drift", async (request: FastifyRequest) => {
    const { group = "", kind = "", namespace = "", resourceName = "" } = request.query as Query;
    deps.access.require(request.account, "get", appRef(request));
    const filter = { group, kind, namespace, name: resourceName };
    return service.drift.of(operationOf(deps, request), appRef(request), filter);
  });
}
