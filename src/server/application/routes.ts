// REST bindings of the application service, as Argo CD has them. Reads parameters, calls the service, writes answers.
import type { FastifyInstance, FastifyRequest } from "fastify";
import { DriftlessError } from "#base/errors.ts";
import type { Application, ApplicationSpec } from "#model/application.ts";
import { operationOf, type HttpDeps } from "../http.ts";
import { fieldsOf } from "./fields.ts";
import type { SyncRequest } from "./operations.ts";
import type { ApplicationQuery, AppRef } from "./queries.ts";
import type { ApplicationService } from "./service.ts";

type Query = Readonly<Record<string, string | string[] | undefined>>;

const one = (query: Query, name: string): string | undefined => {
  const value = query[name];
  return Array.isArray(value) ? value.at(-1) : value;
};
const many = (query: Query, ...names: string[]): string[] =>
  names.flatMap((name) => query[name] ?? []).filter((value) => value !== "");
const flag = (query: Query, name: string): boolean | undefined => {
  const value = one(query, name);
  return value === undefined || value === "" ? undefined : value === "true" || value === "1";
};

export function applicationQuery(query: Query): ApplicationQuery {
  return {
    projects: many(query, "projects", "project"),
    selector: one(query, "selector") ?? "",
    repo: one(query, "repo") ?? "",
    appNamespace: one(query, "appNamespace") ?? "",
  };
}

export function appRef(request: FastifyRequest, name = "name"): AppRef {
  const query = request.query as Query;
  const body = (request.body ?? {}) as { appNamespace?: string; project?: string };
  const appNamespace = one(query, "appNamespace") ?? body.appNamespace;
  const project = one(query, "project") ?? body.project;
  return {
    name: (request.params as Record<string, string>)[name] ?? "",
    ...(appNamespace ? { appNamespace } : {}),
    ...(project ? { project } : {}),
  };
}

export function applicationRoutes(app: FastifyInstance, deps: HttpDeps, service: ApplicationService): void {
  const op = (request: FastifyRequest): ReturnType<typeof operationOf> => operationOf(deps, request);
  const user = (request: FastifyRequest): string => request.account?.username ?? "";
  const base = "/api/v1/applications";

  app.get(base, async (request) => {
    const query = request.query as Query;
    const name = one(query, "name");
    const { items, resourceVersion } = service.queries.list(applicationQuery(query));
    const found = name ? items.filter((item) => item.metadata.name === name) : items;
    const answer = { metadata: { resourceVersion }, items: found.map((item) => service.queries.presented(item)) };
    return fieldsOf(one(query, "fields"))?.(answer) ?? answer;
  });
  app.post(base, async (request) => {
    const query = request.query as Query;
    const upsert = flag(query, "upsert");
    const validate = flag(query, "validate");
    const body = bodyObject(request) as unknown as Application;
    return service.queries.presented(
      await service.writes.create(op(request), body, {
        ...(upsert === undefined ? {} : { upsert }),
        ...(validate === undefined ? {} : { validate }),
      }),
    );
  });
  app.get(`${base}/:name`, async (request) => {
    const refresh = one(request.query as Query, "refresh");
    return service.queries.presented(
      await service.queries.get(op(request), { ...appRef(request), ...(refresh ? { refresh } : {}) }),
    );
  });
  app.put(`${base}/:name`, async (request) => {
    const body = bodyObject(request) as unknown as Application;
    if (body.metadata?.name !== (request.params as { name: string }).name) {
      throw new DriftlessError("INVALID_ARGUMENT", "the name in the path and in metadata.name differ", {
        details: { field: "metadata.name" },
      });
    }
    const validate = flag(request.query as Query, "validate");
    return service.queries.presented(
      await service.writes.update(op(request), body, validate === undefined ? {} : { validate }),
    );
  });
  app.put(`${base}/:name/spec`, async (request) => {
    const validate = flag(request.query as Query, "validate");
    return service.writes.updateSpec(
      op(request),
      appRef(request),
      bodyObject(request) as unknown as ApplicationSpec,
      validate === undefined ? {} : { validate },
    );
  });
  app.patch(`${base}/:name`, async (request) => {
    const body = bodyObject(request) as { patch?: string; patchType?: string };
    return service.queries.presented(
      await service.writes.patch(op(request), appRef(request), body.patch ?? "", body.patchType ?? ""),
    );
  });
  app.delete(`${base}/:name`, async (request) => {
    const query = request.query as Query;
    const cascade = flag(query, "cascade");
    await service.writes.delete(op(request), appRef(request), {
      ...(cascade === undefined ? {} : { cascade }),
      propagationPolicy: one(query, "propagationPolicy") ?? "",
    });
    return {};
  });
  app.post(`${base}/:name/sync`, async (request) =>
    service.queries.presented(
      await service.operations.sync(op(request), appRef(request), (request.body ?? {}) as SyncRequest, user(request)),
    ),
  );
  app.post(`${base}/:name/rollback`, async (request) => {
    const body = bodyObject(request) as { id?: number | string; prune?: boolean; dryRun?: boolean };
    return service.queries.presented(
      await service.operations.rollback(
        op(request),
        appRef(request),
        { ...body, id: Number(body.id ?? 0) },
        user(request),
      ),
    );
  });
  app.delete(`${base}/:name/operation`, async (request) => {
    await service.operations.terminate(op(request), appRef(request));
    return {};
  });
  app.get(`${base}/:applicationName/resource-tree`, async (request) =>
    service.resources.tree(appRef(request, "applicationName")),
  );
  app.get(`${base}/:applicationName/managed-resources`, async (request) => {
    const query = request.query as Query;
    const filter = Object.fromEntries(
      ["group", "kind", "namespace", "name"].map((name) => [name, one(query, name) ?? ""]),
    );
    return { items: service.resources.managedResources(appRef(request, "applicationName"), filter) };
  });
  app.get(`${base}/:name/revisions/:revision/metadata`, async (request) =>
    service.queries.revisionMetadata(op(request), appRef(request), (request.params as { revision: string }).revision),
  );
}

function bodyObject(request: FastifyRequest): Record<string, unknown> {
  const body = request.body;
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw new DriftlessError("INVALID_ARGUMENT", "a JSON object is required as the body");
  return body as Record<string, unknown>;
}
