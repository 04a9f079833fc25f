// Streams of the application service: what changes of applications and of one application's tree, as server-sent events
// for browsers and as lines of JSON otherwise. A slow client is dropped, never waited for.
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Application } from "#model/application.ts";
import type { Clock } from "#base/ports.ts";
import type { ApplicationController } from "#controllers/application/controller.ts";
import type { Informer } from "#runtime/informer.ts";
import type { HttpDeps } from "../http.ts";
import { fieldsOf } from "./fields.ts";
import { applicationQuery, appRef } from "./routes.ts";
import type { ApplicationService } from "./service.ts";

export interface StreamDeps extends HttpDeps {
  readonly applications: Informer<Application>;
  readonly controller: ApplicationController;
  readonly clock: Clock;
}

/** A client that has this much unread is too slow. */
const unreadLimitBytes = 16 * 1024 * 1024;
const keepAliveMs = 15_000;
const treeEveryMs = 200;

export function applicationStreams(app: FastifyInstance, deps: StreamDeps, service: ApplicationService): void {
  app.get("/api/v1/stream/applications", (request, reply) => {
    const query = request.query as Record<string, string>;
    const wanted = applicationQuery(query);
    const name = query["name"] ?? "";
    const matches = (item: Application): boolean =>
      service.queries.matches(item, wanted) && (name === "" || item.metadata.name === name);
    const stream = openStream(deps, request, reply, fieldsOf(query["fields"]));
    const since = query["resourceVersion"] ?? "";
    for (const item of service.queries.list(wanted).items) {
      if (matches(item) && (since === "" || Number(item.metadata.resourceVersion) > Number(since)))
        stream.send({ type: "ADDED", application: service.queries.presented(item) });
    }
    stream.onClose(
      deps.applications.subscribe(({ before, after }) => {
        const was = before !== undefined && matches(before);
        const is = after !== undefined && matches(after);
        if (is) stream.send({ type: was ? "MODIFIED" : "ADDED", application: service.queries.presented(after) });
        else if (was) stream.send({ type: "DELETED", application: service.queries.presented(after ?? before) });
      }),
    );
  });

  app.get("/api/v1/stream/applications/:applicationName/resource-tree", (request, reply) => {
    const ref = appRef(request, "applicationName");
    const found = service.queries.find(ref);
    const key = `${found.metadata.namespace}/${found.metadata.name}`;
    const stream = openStream(deps, request, reply);
    let last = "";
    let cancel: (() => void) | undefined;
    // Runs from a timer: an application that was deleted meanwhile ends its stream, nothing more.
    const treeOf = (): ReturnType<ApplicationService["resources"]["tree"]> | undefined => {
      try {
        return service.resources.tree(ref);
      } catch {
        stream.end();
        return undefined;
      }
    };
    const send = (): void => {
      cancel = undefined;
      const tree = treeOf();
      if (!tree) return;
      const text = JSON.stringify(tree);
      if (text !== last) stream.send(tree);
      last = text;
    };
    send();
    stream.onClose(
      deps.controller.onTreeChange((changed) => {
        if (changed === key) cancel ??= deps.clock.after(treeEveryMs, send);
      }),
    );
    stream.onClose(() => cancel?.());
  });
}

interface Stream {
  send(result: unknown): void;
  end(): void;
  onClose(callback: () => void): void;
}

function openStream(
  deps: StreamDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  pick?: (message: unknown) => unknown,
): Stream {
  const events = (request.headers.accept ?? "").includes("text/event-stream");
  reply.hijack();
  const raw = reply.raw;
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    "content-type": events ? "text/event-stream" : "application/json",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
  });
  raw.flushHeaders();
  const callbacks: (() => void)[] = [];
  let closed = false;
  const close = (): void => {
    if (closed) return;
    closed = true;
    for (const callback of callbacks) callback();
  };
  let cancelKeepAlive: (() => void) | undefined;
  const keepAlive = (): void => {
    raw.write(events ? ":\n" : "\n");
    cancelKeepAlive = deps.clock.after(keepAliveMs, keepAlive);
  };
  cancelKeepAlive = deps.clock.after(keepAliveMs, keepAlive);
  callbacks.push(() => cancelKeepAlive?.());
  const stop = (): void => void raw.end();
  deps.stopping.addEventListener("abort", stop);
  callbacks.push(() => deps.stopping.removeEventListener("abort", stop));
  raw.on("close", close);
  raw.on("error", close);
  return {
    send(result) {
      if (closed) return;
      const message = { result };
      const text = JSON.stringify(pick ? pick(message) : message);
      raw.write(events ? `data: ${text}\n\n` : `${text}\n`);
      if (raw.writableLength > unreadLimitBytes) raw.destroy();
    },
    end: stop,
    onClose: (callback) => void callbacks.push(callback),
  };
}
