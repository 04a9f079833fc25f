// gRPC, gRPC-Web and Connect for the same services: bytes to JSON and back, errors as gRPC statuses. No business logic.
import {
  Code,
  ConnectError,
  type ConnectRouter,
  type HandlerContext,
  createContextKey,
  createConnectRouter,
  createContextValues,
} from "@connectrpc/connect";
import {
  universalRequestFromNodeRequest,
  universalResponseToNodeResponse,
  type connectNodeAdapter,
} from "@connectrpc/connect-node";
import type { DescMethod, Message } from "@bufbuild/protobuf";
import { DriftlessError, toError, type GrpcStatus } from "#base/errors.ts";
import type { Logger } from "#base/operation.ts";
import { fromJson, toJson } from "#protocol/json.ts";
import type { Account } from "../auth/account.ts";
import { compressMinBytes, quickCompressions } from "./compression.ts";
import type { OpenStreams } from "./limits.ts";
import { PreparedAnswer, SharedMessages } from "./prepared.ts";
import {
  answer,
  collected,
  endWith,
  messages,
  open,
  streams,
  type AnyMethod,
  type BoundService,
  type Call,
} from "./service.ts";
import { withErrorsInHeaders, withMalformedBlamed } from "./web-errors.ts";

export interface GrpcDeps {
  readonly log: Logger;
  readonly stopping: AbortSignal;
  readonly streams: OpenStreams;
  /** Who calls, by the request's headers; undefined without a session. Errors: UNAUTHENTICATED, PERMISSION_DENIED. */
  authenticate(headers: Headers): Promise<Account | undefined>;
}

export type HttpHandler = (request: NodeRequest, response: NodeResponse) => void;
type NodeRequest = Parameters<ReturnType<typeof connectNodeAdapter>>[0];
type NodeResponse = Parameters<ReturnType<typeof connectNodeAdapter>>[1];

const address = createContextKey("", { description: "the caller's network address" });
const caller = createContextKey<Promise<Account | undefined>>(Promise.resolve(undefined), { description: "who calls" });

/** The largest message that is read, packed or not. */
const readMaxBytes = 32 * 1024 * 1024;
/** The same from anybody, where there is no need to have logged in. */
const readMaxBytesOpen = 1024 * 1024;

/** A handler of the services' gRPC paths; everything else goes to `fallback`. */
export function grpcHandler(deps: GrpcDeps, services: readonly BoundService[], fallback: HttpHandler): HttpHandler {
  const router = createConnectRouter({
    readMaxBytes,
    acceptCompression: quickCompressions,
    compressMinBytes,
    shutdownSignal: deps.stopping,
  });
  for (const service of services) addService(deps, router, service);
  const handlers = new Map(
    router.handlers.map((each) => [each.requestPath, withErrorsInHeaders(withMalformedBlamed(each))]),
  );
  return (request, response) => {
    const handler = handlers.get((request.url ?? "").split("?", 1)[0]!);
    if (!handler) return fallback(request, response);
    // The connection's own, never what a header claims: limits of guessing go by it.
    const values = createContextValues().set(address, request.socket.remoteAddress ?? "");
    let universal;
    try {
      universal = universalRequestFromNodeRequest(request, response, undefined, values);
    } catch {
      return refuseHost(response);
    }
    handler(universal)
      .then((answered) => universalResponseToNodeResponse(answered, response))
      // What the method throws has become an answer before: this is the connection's end, which the client knows of.
      .catch((thrown: unknown) => {
        deps.log.debug("answer not sent", { path: handler.requestPath, error: toError(thrown).message });
        response.destroy();
      });
  };
}

function refuseHost(response: NodeResponse): void {
  const message = "host: the name that the request was sent to is no host name";
  response.writeHead(400, { "content-type": "application/json" });
  response.end(JSON.stringify({ code: Code.InvalidArgument, message, error: message }));
}

function addService(deps: GrpcDeps, router: ConnectRouter, { desc, methods }: BoundService): void {
  for (const method of desc.methods) {
    const implementation = methods[method.localName];
    if (!implementation) continue;
    const isOpen = implementation.access === open;
    router.rpc(method as never, handlerOf(deps, method, implementation) as never, {
      requestGate: (context) => knownFirst(deps, context, isOpen),
      ...(isOpen ? { readMaxBytes: readMaxBytesOpen } : {}),
    });
  }
}

/** Finds out who calls before anything is read of what they send: nobody else's megabytes are held in memory. */
async function knownFirst(deps: GrpcDeps, { values, requestHeader }: HandlerContext, isOpen: boolean): Promise<void> {
  const account = deps.authenticate(requestHeader);
  values.set(caller, account);
  // Whoever may be anybody may come with a session that has ended.
  if (isOpen) return void (await account.catch(() => {}));
  try {
    if (!(await account)) throw new DriftlessError("UNAUTHENTICATED", "no session information");
  } catch (thrown) {
    throw statusOf(deps, thrown);
  }
}

function handlerOf(deps: GrpcDeps, method: DescMethod, implementation: AnyMethod): unknown {
  const read = (message: Message): unknown => toJson(method.input, message);
  const write = (answer: object): Message => fromJson(method.output, answer);
  if (streams(implementation)) {
    return async function* (message: Message, context: HandlerContext): AsyncGenerator<Message> {
      try {
        const call = await callOf(deps, method, { context, implementation });
        const stream = await messages(implementation, call, read(message));
        for await (const each of endWith(stream, deps.streams.take(call.account))) {
          if (!(each instanceof SharedMessages)) yield write(each);
          else for (const one of each.messages) yield binary(context) ? one.message(method.output) : write(one.value);
        }
      } catch (thrown) {
        throw statusOf(deps, thrown);
      }
    };
  }
  return async (given: Message | AsyncIterable<Message>, context: HandlerContext): Promise<Message> => {
    try {
      const call = await callOf(deps, method, { context, implementation });
      if (method.methodKind === "client_streaming")
        return write(await collected(implementation, call, mapped(given as AsyncIterable<Message>, read)));
      const result = await answer(implementation, call, read(given as Message));
      if (!(result instanceof PreparedAnswer)) return write(result);
      return await (binary(context) ? result.message(method.output) : write(result.object()));
    } catch (thrown) {
      throw statusOf(deps, thrown);
    }
  };
}

/** Whether messages go out in protobuf's binary form: gRPC and Connect can also speak JSON. */
function binary({ requestHeader }: HandlerContext): boolean {
  return !(requestHeader.get("content-type") ?? "json").includes("json");
}

async function* mapped<T, U>(items: AsyncIterable<T>, map: (item: T) => U): AsyncGenerator<U> {
  for await (const item of items) yield map(item);
}

async function callOf(
  deps: GrpcDeps,
  method: DescMethod,
  { context, implementation }: { readonly context: HandlerContext; readonly implementation: AnyMethod },
): Promise<Call> {
  const account = context.values.get(caller);
  return {
    op: {
      // It ends with the program, too: the router knows when that stops.
      signal: context.signal,
      log: deps.log.with({ method: `${method.parent.typeName}/${method.name}` }),
    },
    // Whoever may be anybody may come with a session that has ended.
    account: await (implementation.access === open ? account.catch(() => undefined) : account),
    transport: "grpc",
    address: context.values.get(address),
  };
}

const codes: Readonly<Record<GrpcStatus, Code>> = {
  INVALID_ARGUMENT: Code.InvalidArgument,
  NOT_FOUND: Code.NotFound,
  ALREADY_EXISTS: Code.AlreadyExists,
  PERMISSION_DENIED: Code.PermissionDenied,
  UNAUTHENTICATED: Code.Unauthenticated,
  FAILED_PRECONDITION: Code.FailedPrecondition,
  ABORTED: Code.Aborted,
  RESOURCE_EXHAUSTED: Code.ResourceExhausted,
  UNAVAILABLE: Code.Unavailable,
  DEADLINE_EXCEEDED: Code.DeadlineExceeded,
  UNIMPLEMENTED: Code.Unimplemented,
  CANCELLED: Code.Canceled,
  INTERNAL: Code.Internal,
};

function statusOf(deps: GrpcDeps, thrown: unknown): ConnectError {
  if (thrown instanceof ConnectError) return thrown;
  const error = toError(thrown);
  if (error.code === "INTERNAL") {
    deps.log.error("call failed", { error: error.message, stack: error.stack });
    return new ConnectError("internal error: see the log", Code.Internal);
  }
  return new ConnectError(error.message, codes[error.entry.grpc]);
}
