// Every path but those of the page: the bindings of the services, and what stands beside them. Adds routes and does nothing else, so that a test can ask which there are.
import type { FastifyInstance } from "fastify";
import { toError } from "#base/errors.ts";
import { driftRoutes } from "./application/resources/drift-routes.ts";
import { manifestRoutes } from "./application/manifests/manifest-routes.ts";
import { planRoutes } from "./application/operations/plan-routes.ts";
import type { ApplicationService } from "./application/service.ts";
import { watchRoutes } from "./http.ts";
import { previewRoutes } from "./preview.ts";
import { recordAudit, type AuditEntry } from "./rpc/audit.ts";
import { restRoutes } from "./rpc/rest.ts";
import type { BoundService } from "./rpc/service.ts";
import { swaggerRoutes } from "./swagger.ts";

type RouteDeps = Parameters<typeof restRoutes>[1] &
  Parameters<typeof planRoutes>[1] &
  Parameters<typeof driftRoutes>[1] &
  Parameters<typeof manifestRoutes>[1] &
  Parameters<typeof previewRoutes>[1] & {
    readonly version: string;
    webhook(request: {
      headers: Readonly<Record<string, string | readonly string[] | undefined>>;
      body: Uint8Array;
    }): Promise<void>;
  };

export async function apiRoutes(
  http: FastifyInstance,
  deps: RouteDeps,
  { service, services }: { readonly service: ApplicationService; readonly services: readonly BoundService[] },
): Promise<void> {
  watchRoutes(http, deps);
  restRoutes(http, deps, services);
  swaggerRoutes(http, deps.version);
  planRoutes(http, deps, service);
  driftRoutes(http, deps, service);
  await manifestRoutes(http, deps, service);
  await previewRoutes(http, deps, service);
  await http.register(async (scope) => {
    // Signatures are over the bytes as they came.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
    scope.post("/api/webhook", { bodyLimit: 50 * 1024 * 1024 }, async (request) => {
      const sinceMs = deps.clock.monotonic();
      const record = (code: AuditEntry["code"]): void => {
        const durationMs = deps.clock.monotonic() - sinceMs;
        const what = { user: "", address: request.ip, transport: "webhook", method: "webhook", object: "" } as const;
        recordAudit(deps.log, { ...what, code, durationMs });
      };
      const { headers, body } = request;
      await deps.webhook({ headers, body: (body as Uint8Array | undefined) ?? new Uint8Array() }).then(
        () => record("OK"),
        (thrown: unknown) => {
          record(toError(thrown).entry.grpc);
          throw thrown;
        },
      );
      return {};
    });
  });
}
