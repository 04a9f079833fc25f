// The HTTP surface, on one port: REST as Argo CD's bindings have it, event streams, webhooks, health, metrics, the page.
// Each request is authorised once, here, before its handler runs. Built on Fastify; no business logic.
import { constants } from "node:zlib";
import fastifyCompress from "@fastify/compress";
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { DriftlessError } from "#base/errors.ts";
import type { Logger, Operation as Op } from "#base/operation.ts";
import type { Metrics } from "#runtime/metrics.ts";
import { authenticate, cookieName } from "./auth/authenticate.ts";
import type { Account } from "./auth/account.ts";
import type { Sessions } from "./auth/sessions.ts";
import { jsonBodies, refusalOf } from "./bodies.ts";
import { securityHeaders, type HeaderSettings } from "./security-headers.ts";

declare module "fastify" {
  interface FastifyRequest {
    account?: Account;
  }
  interface FastifyContextConfig {
    /** Answered to anybody, with the account where there is a valid session. */
    open?: boolean;
  }
}

export interface HttpDeps {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly sessions: Sessions;
  /** Ends long requests when the program stops. */
  readonly stopping: AbortSignal;
  /** Whether the program is ready to work; false: /healthz answers 503. */
  ready(): boolean;
  /** How pages may be framed and scripted. */
  settings(): HeaderSettings;
  /** Whether an account may read metrics: they name everything that there is. */
  mayScrape(account: Account | undefined): boolean;
}

const bodyLimit = 8 * 1024 * 1024;
/** Shorter answers are sent as they are. */
const compressedFromBytes = 1024;
/** As much as takes a millisecond or two. */
const compressedAtOnceBytes = 256 * 1024;
/** Answered to anybody, by their routes. */
const openPaths = new Set(["/api/webhook", "/api/version"]);

/** Makes the server with what every route shares: authentication, errors, security headers. */
export async function createHttp(deps: HttpDeps): Promise<FastifyInstance> {
  const app = Fastify({
    logger: false,
    bodyLimit,
    // Addresses of repositories and clusters stand in paths, encoded; headers as a whole are limited anyhow.
    routerOptions: { maxParamLength: 16 * 1024 },
  });
  jsonBodies(app);
  // Streams and what is compressed already are left alone. Speed matters more than the last percent. What is short is
  // compressed in one go: less time and far less garbage than a stream, which costs every request beside it.
  await app.register(fastifyCompress, {
    encodings: ["gzip", "deflate"],
    threshold: compressedFromBytes,
    zlibOptions: { level: constants.Z_BEST_SPEED },
    syncThreshold: compressedAtOnceBytes,
  });
  app.addHook("onRequest", async (request, reply) => {
    reply.headers(securityHeaders(deps.settings()));
    await identify(deps.sessions, request);
  });
  app.setErrorHandler((thrown, _request, reply) => {
    const error = refusalOf(thrown);
    if (error.code === "INTERNAL") deps.log.error("request failed", { error: error.message, stack: error.stack });
    return reply.code(error.entry.http).send(errorBody(error));
  });
  return app;
}

/** Adds what watches over the program: whether it is ready, and metrics for who may read everything. */
export function watchRoutes(app: FastifyInstance, deps: HttpDeps): void {
  app.get("/healthz", async (_request, reply) =>
    reply
      .code(deps.ready() ? 200 : 503)
      .type("text/plain")
      .send(deps.ready() ? "ok" : "starting"),
  );
  app.get("/metrics", async (request, reply) => {
    if (!deps.mayScrape(request.account)) throw new DriftlessError("PERMISSION_DENIED", "permission denied");
    const { contentType, text } = await deps.metrics.scrape();
    return reply.header("content-type", contentType).send(text);
  });
}

/** The Operation of a request: ends with the client, or with the program. */
export function operationOf(deps: Pick<HttpDeps, "log" | "stopping">, request: FastifyRequest): Op {
  const gone = new AbortController();
  request.raw.once("close", () => {
    if (request.raw.destroyed && !request.raw.complete) gone.abort();
  });
  return {
    signal: AbortSignal.any([gone.signal, deps.stopping]),
    log: deps.log.with({ path: request.routeOptions.url ?? "" }),
  };
}

/** gRPC's number for a status name, as REST errors carry it. */
export const grpcCodes = {
  CANCELLED: 1,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

export function errorBody(error: DriftlessError): { code: number; message: string; error: string } {
  const message = error.code === "INTERNAL" ? "internal error: see the log" : error.message;
  return { code: grpcCodes[error.entry.grpc], message, error: message };
}

export function setSessionCookie(reply: FastifyReply, request: FastifyRequest, token: string): void {
  const byTls = request.protocol === "https" || request.headers["x-forwarded-proto"] === "https";
  const secureFlag = byTls ? "; Secure" : "";
  const age = token === "" ? "; Max-Age=0" : "";
  reply.header("set-cookie", `${cookieName}=${token}; Path=/; HttpOnly; SameSite=Lax${secureFlag}${age}`);
}

async function identify(sessions: Sessions, request: FastifyRequest): Promise<void> {
  const path = pathOf(request);
  if ((!path.startsWith("/api/") && path !== "/metrics") || openPaths.has(path)) return;
  const optional = request.routeOptions.config.open === true;
  const { headers, method } = request;
  const read = (name: string): string | undefined => {
    const value = headers[name];
    return typeof value === "string" ? value : undefined;
  };
  try {
    const account = await authenticate(sessions, { header: read, writes: method !== "GET" });
    if (account) request.account = account;
    else if (!optional) throw new DriftlessError("UNAUTHENTICATED", "no session information");
  } catch (thrown) {
    if (!optional) throw thrown;
  }
}

/** The route that was found, however it was written; where there is none, the path that was meant. */
function pathOf({ routeOptions, url }: FastifyRequest): string {
  const written = url.split("?")[0]!;
  try {
    return routeOptions.url ?? decodeURIComponent(written);
  } catch {
    return written;
  }
}
