// Previews over HTTP: what a branch, or files laid over a commit, would make of the applications that follow a
// repository. Answered as one document, or with `stream=true` as lines of JSON that tell of the progress first.
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { DriftlessError, toError } from "#base/errors.ts";
import { isObject } from "#base/json.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import type { ApplicationController } from "#controllers/application/controller.ts";
import { previewChange, type PreviewRequest } from "#controllers/application/desired/preview.ts";
import { unpackFiles } from "#git/unpack.ts";
import type { Preview, PreviewEvent } from "#protocol/preview.ts";
import { readJson } from "./bodies.ts";
import type { ApplicationAccess } from "./application/access.ts";
import { bodyOf, withArchives } from "./application/manifests/manifest-routes.ts";
import type { ApplicationService } from "./application/service.ts";
import type { Account } from "./auth/account.ts";
import { errorBody, operationOf, type HttpDeps } from "./http.ts";

export interface PreviewRouteDeps extends HttpDeps {
  readonly clock: Clock;
  readonly controller: ApplicationController;
  readonly access: ApplicationAccess;
}

const bodyLimit = 128 << 20;
const maxRequestBytes = 1 << 20;

/** Adds POST /api/v1/preview. */
export async function previewRoutes(
  app: FastifyInstance,
  deps: PreviewRouteDeps,
  service: ApplicationService,
): Promise<void> {
  await withArchives(app, (scope) => {
    scope.post("/api/v1/preview", { bodyLimit }, async (request, reply) => {
      const op = untilLeft(operationOf(deps, request), reply);
      const wanted = await requestOf(op, request, service);
      if ((request.query as Record<string, unknown>)["stream"] !== "true")
        return previewChange(op, depsOf(deps, request.account), wanted, () => {});
      return streamed(deps, reply, (progress) => previewChange(op, depsOf(deps, request.account), wanted, progress));
    });
  });
}

function depsOf(
  { controller, clock, access }: PreviewRouteDeps,
  account: Account | undefined,
): Parameters<typeof previewChange>[1] {
  return {
    sources: controller.sources,
    clock,
    // Applications that the caller may not see are no part of it.
    states: () => [...controller.states()].filter(({ app }) => access.may(account, "get", app)),
    desiredAt: (op, state, revisions) => controller.desiredAt(op, state, revisions),
    compareWith: (op, state, desired) => controller.compareWith(op, state, desired),
    maskedAnnotations: controller.maskedAnnotations,
  };
}

/** A preview that nobody waits for any more ends. */
function untilLeft(op: Op, reply: FastifyReply): Op {
  const left = new AbortController();
  reply.raw.once("close", () => {
    if (!reply.raw.writableFinished) left.abort();
  });
  return { ...op, signal: AbortSignal.any([op.signal, left.signal]) };
}

/** Errors: INVALID_ARGUMENT naming the field, those of the archive. */
async function requestOf(op: Op, request: FastifyRequest, service: ApplicationService): Promise<PreviewRequest> {
  const json = request.headers["content-type"]?.startsWith("application/json") === true;
  const given = json ? await jsonOf(bodyOf(request)) : (request.query as Readonly<Record<string, unknown>>);
  const text = (name: string): string => {
    const value = given[name] ?? "";
    if (typeof value === "string") return value;
    throw new DriftlessError("INVALID_ARGUMENT", `${name} is not a text`, { details: { field: name } });
  };
  const needed = (name: string): string => {
    const value = text(name);
    if (value !== "") return value;
    throw new DriftlessError("INVALID_ARGUMENT", `${name} is missing`, { details: { field: name } });
  };
  const against = text("against") || "base";
  if (against !== "base" && against !== "live")
    throw new DriftlessError("INVALID_ARGUMENT", `against is base or live, not ${against}`, {
      details: { field: "against" },
    });
  const query = {
    projects: text("project") === "" ? [] : [text("project")],
    selector: text("selector"),
    appNamespace: text("appNamespace"),
  };
  return {
    repository: needed("repository"),
    base: text("base"),
    head: json ? needed("head") : { over: needed("over"), files: await unpackFiles(op, bodyOf(request)) },
    against,
    matches: (app) => service.queries.matches(app, query),
  };
}

async function jsonOf(body: AsyncIterable<Uint8Array>): Promise<Readonly<Record<string, unknown>>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    if ((size += chunk.length) > maxRequestBytes) throw new DriftlessError("TOO_LARGE", "the body is too large");
  }
  const value = readJson(Buffer.concat(chunks).toString("utf8"));
  if (!isObject(value)) throw new DriftlessError("INVALID_ARGUMENT", "a JSON object is required as the body");
  return value;
}

async function streamed(
  deps: PreviewRouteDeps,
  reply: FastifyReply,
  work: (progress: (done: number, total: number) => void) => Promise<Preview>,
): Promise<FastifyReply> {
  reply.hijack();
  const { raw } = reply;
  const headers = reply.getHeaders() as Record<string, string>;
  raw.writeHead(200, { ...headers, "content-type": "application/x-ndjson", "cache-control": "no-cache" });
  const write = (event: PreviewEvent): void => void raw.write(`${JSON.stringify(event)}\n`);
  try {
    write({ result: await work((done, total) => write({ progress: { done, total } })) });
  } catch (thrown) {
    const error = toError(thrown);
    if (error.code === "INTERNAL") deps.log.error("preview failed", { error: error.message, stack: error.stack });
    const { code, message } = errorBody(error);
    write({ error: { code, message } });
  }
  raw.end();
  return reply;
}
