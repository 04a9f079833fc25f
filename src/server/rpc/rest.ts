// REST from the services' HTTP bindings: each binding becomes a route. Requests are checked against the method's message;
// answers are JSON as Kubernetes writes it, `fields` picks from them. No business logic.
import { Readable } from "node:stream";
import type { DescMethod } from "@bufbuild/protobuf";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { toError } from "#base/errors.ts";
import type { Clock } from "#base/ports.ts";
import { requestOf } from "#protocol/http.ts";
import { fromJson } from "#protocol/json.ts";
import { bindingsOf, type Binding } from "#protocol/services.ts";
import { fieldsOf } from "../application/listing/fields.ts";
import { operationOf, setSessionCookie, type HttpDeps } from "../http.ts";
import type { OpenStreams } from "./limits.ts";
import { hasLongList, jsonPieces } from "./pieces.ts";
import { PreparedAnswer } from "./prepared.ts";
import { answer, endWith, messages, open, streams, type AnyMethod, type BoundService, type Call } from "./service.ts";
import { begun, writeStream } from "./stream.ts";

export interface RestDeps extends HttpDeps {
  readonly clock: Clock;
  readonly streams: OpenStreams;
}

/** Adds a route for every binding of every method. */
export function restRoutes(app: FastifyInstance, deps: RestDeps, services: readonly BoundService[]): void {
  const taken = new Set<string>();
  for (const { desc, methods } of services) {
    for (const method of desc.methods) {
      const implementation = methods[method.localName];
      // Older names of a method share its binding: the first answers.
      const bindings = bindingsOf(method).filter(({ verb, path }) => !taken.has(`${verb} ${path}`));
      if (!implementation || method.methodKind === "client_streaming") continue;
      for (const binding of bindings) {
        taken.add(`${binding.verb} ${binding.path}`);
        route(app, deps, { method, implementation, binding });
      }
    }
  }
}

interface Route {
  readonly method: DescMethod;
  readonly implementation: AnyMethod;
  readonly binding: Binding;
}

function route(app: FastifyInstance, deps: RestDeps, { method, implementation, binding }: Route): void {
  const { url, names } = routePath(binding.path);
  app.route({
    method: binding.verb,
    url,
    config: { open: implementation.access === open },
    handler: async (request, reply) => {
      const json = requestOf(method.input, binding, {
        path: pathParameters(request, names),
        query: request.query as Record<string, string | string[]>,
        body: request.body,
      });
      fromJson(method.input, json);
      const call = callOf(deps, request, reply);
      if (streams(implementation))
        return stream(deps, { request, reply }, async () => {
          const started = await messages(implementation, untilClosed(call, reply), json);
          return endWith(started, deps.streams.take(call.account));
        });
      const result = await answer(implementation, call, json);
      const fields = fieldsParameter(request);
      if (result instanceof PreparedAnswer)
        return reply.type("application/json; charset=utf-8").send(await result.body(fields));
      const wanted = fieldsOf(fields)?.(result) ?? result;
      if (!hasLongList(wanted)) return reply.send(wanted);
      return reply
        .type("application/json; charset=utf-8")
        .send(Readable.from(jsonPieces(wanted), { objectMode: false }));
    },
  });
}

async function stream(
  deps: RestDeps,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  start: () => Promise<AsyncIterable<object>>,
): Promise<FastifyReply> {
  const started = await begun(await start());
  reply.hijack();
  await writeStream(reply.raw, started, {
    clock: deps.clock,
    headers: reply.getHeaders() as Record<string, string>,
    events: (request.headers.accept ?? "").includes("text/event-stream"),
    signal: deps.stopping,
    fields: fieldsParameter(request),
  }).catch((thrown: unknown) => {
    const error = toError(thrown);
    if (error.code === "INTERNAL") deps.log.error("stream failed", { error: error.message, stack: error.stack });
  });
  return reply;
}

function callOf(deps: RestDeps, request: FastifyRequest, reply: FastifyReply): Call {
  return {
    op: operationOf(deps, request),
    account: request.account,
    transport: "rest",
    address: request.ip,
    query: request.query as Record<string, string | string[]>,
    setSession: (token) => setSessionCookie(reply, request, token),
  };
}

function fieldsParameter(request: FastifyRequest): string {
  return [(request.query as Record<string, string | string[] | undefined>)["fields"] ?? ""].flat().join(",");
}

/** A stream's work ends with its client, also while there is nothing to send. */
function untilClosed(call: Call, reply: FastifyReply): Call {
  const closed = new AbortController();
  reply.raw.once("close", () => closed.abort());
  return { ...call, op: { ...call.op, signal: AbortSignal.any([call.op.signal, closed.signal]) } };
}

/** `/applications/{name}` as Fastify writes it, with the fields' names in order; names may hold dots, routes not. */
function routePath(path: string): { readonly url: string; readonly names: readonly string[] } {
  const names: string[] = [];
  const url = path.replace(/\{([^}=]+)(=\*\*)?\}/g, (_all, name: string, rest?: string) => {
    names.push(name);
    return rest ? "*" : `:p${names.length - 1}`;
  });
  return { url, names };
}

function pathParameters(request: FastifyRequest, names: readonly string[]): Record<string, string> {
  const given = request.params as Record<string, string>;
  return Object.fromEntries(names.map((name, index) => [name, given[`p${index}`] ?? given["*"] ?? ""]));
}
