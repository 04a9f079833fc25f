// For a server beside which no controller works: a request about an application's objects waits until the application was
// rendered and compared, once. What was asked for stays up to date from then on; applications that nobody asks for cost
// nothing.
import type { FastifyInstance, FastifyRequest } from "fastify";
import { isObject } from "#base/json.ts";
import type { ApplicationController } from "#controllers/application/controller.ts";

export interface LookFirstDeps {
  readonly namespace: string;
  readonly controller: Pick<ApplicationController, "look" | "states">;
}

const prefix = "/api/v1/";
const every = Symbol("every application");
/** What is answered from the application itself, or written to it. */
const needsNoLook = new Set(["spec", "sync", "rollback", "operation", "waiting", "syncwindows"]);

/** Adds the waiting to every route that comes after. */
export function lookFirst(http: FastifyInstance, deps: LookFirstDeps): void {
  http.addHook("preHandler", async (request) => {
    const wanted = lookedAt(request);
    if (wanted === undefined) return;
    const keys =
      wanted === every ? [...deps.controller.states()].map(({ key }) => key) : [keyOf(deps, request, wanted)];
    await Promise.all(keys.map((key) => deps.controller.look(key)));
  });
}

/** The name of the application whose objects a request is about; `every` where it may be about any. */
function lookedAt({ url, query }: FastifyRequest): string | typeof every | undefined {
  const path = url.split("?")[0]!;
  if (path === `${prefix}preview`) return every;
  if (path === `${prefix}applications/manifestsWithFiles`) return textIn(query, "name");
  const [, name = "", rest = ""] = /^\/api\/v1\/(?:stream\/)?applications\/([^/]+)\/(.+)$/.exec(path) ?? [];
  return name === "" || needsNoLook.has(rest) ? undefined : decodeURIComponent(name);
}

function keyOf(deps: LookFirstDeps, { query, body }: FastifyRequest, name: string): string {
  return `${textIn(query, "appNamespace") ?? textIn(body, "appNamespace") ?? deps.namespace}/${name}`;
}

function textIn(from: unknown, field: string): string | undefined {
  const value = isObject(from) ? from[field] : undefined;
  return typeof value === "string" && value !== "" ? value : undefined;
}
