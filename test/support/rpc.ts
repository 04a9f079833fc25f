// The API by each of its transports, from the descriptors: one method, one request as JSON, one answer as JSON, whether it
// went by REST, gRPC or gRPC-Web. Refusals are thrown with gRPC's status. For tests.
import type { DescMethod, DescMethodStreaming, DescMethodUnary } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createGrpcTransport, createGrpcWebTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { Agent, fetch } from "undici";
import { isObject } from "#base/json.ts";
import { fromJson, toJson } from "#protocol/json.ts";
import { bindingsOf, services, type Binding } from "#protocol/services.ts";

/** What a server answered instead of what it was asked for. */
export class Refused extends Error {
  /** gRPC's name of it: `NOT_FOUND`; "" where only a text is known. */
  readonly status: string;
  constructor(status: string, message: string) {
    super(message);
    this.status = status;
  }
}

export interface Caller {
  /** Takes `Service.method` and its request; returns the answer. Throws Refused. */
  call<T = unknown>(method: string, request?: object): Promise<T>;
  /** The messages of a method that streams, until the signal ends it. Throws Refused. */
  stream<T = unknown>(method: string, request: object, signal: AbortSignal): AsyncIterable<T>;
  close(): Promise<void>;
}

export interface Server {
  readonly url: string;
  readonly token: string;
  /** PEM that the server's certificate is verified with, where it speaks TLS. */
  readonly ca?: string;
}

/** All methods of the API by `Service.method`. */
export const methods: ReadonlyMap<string, DescMethod> = new Map(
  services.flatMap((service) =>
    (service.methods as readonly DescMethod[]).map(
      (method) => [`${service.name}.${method.localName}`, method] as const,
    ),
  ),
);

function methodNamed(name: string): DescMethod {
  const method = methods.get(name);
  if (!method) throw new Error(`the API has no method ${name}`);
  return method;
}

const withinMs = 60_000;

/** By gRPC, over HTTP/2 in clear text or TLS; or by gRPC-Web, over HTTP/1.1. */
export function grpcCaller(kind: "gRPC" | "gRPC-Web", server: Server): Caller {
  const nodeOptions = server.ca === undefined ? {} : { ca: server.ca };
  const sessionManager = new Http2SessionManager(server.url, {}, nodeOptions);
  const transport: Transport =
    kind === "gRPC"
      ? createGrpcTransport({ baseUrl: server.url, nodeOptions, sessionManager })
      : createGrpcWebTransport({ baseUrl: server.url, httpVersion: "1.1", nodeOptions });
  const header = server.token === "" ? {} : { authorization: `Bearer ${server.token}` };
  return {
    async call<T>(name: string, request: object = {}): Promise<T> {
      const method = methodNamed(name);
      const message = fromJson(method.input, request);
      const signal = AbortSignal.timeout(withinMs);
      try {
        if (method.methodKind === "unary") {
          const answer = await transport.unary(method as DescMethodUnary, signal, undefined, header, message);
          return toJson(method.output, answer.message) as T;
        }
        const answer = await transport.stream(method as DescMethodStreaming, signal, undefined, header, once(message));
        for await (const each of answer.message) return toJson(method.output, each) as T;
        throw new Error(`${name} ended without an answer`);
      } catch (thrown) {
        throw refusalOf(thrown);
      }
    },
    async *stream<T>(name: string, request: object, signal: AbortSignal): AsyncGenerator<T> {
      const method = methodNamed(name);
      const message = once(fromJson(method.input, request));
      try {
        const answer = await transport.stream(method as DescMethodStreaming, signal, undefined, header, message);
        for await (const each of answer.message) yield toJson(method.output, each) as T;
      } catch (thrown) {
        if (!signal.aborted) throw refusalOf(thrown);
      }
    },
    close: async () => sessionManager.abort(),
  };
}

async function* once<T>(value: T): AsyncGenerator<T> {
  await Promise.resolve();
  yield value;
}

function refusalOf(thrown: unknown): Error {
  if (!(thrown instanceof ConnectError)) return thrown as Error;
  return new Refused(statusName(thrown.code), thrown.rawMessage);
}

/** `PERMISSION_DENIED` of gRPC's number. */
export function statusName(code: number): string {
  return code === 0 ? "OK" : (Code[code] ?? String(code)).replace(/(?<=[a-z])([A-Z])/g, "_$1").toUpperCase();
}

/** By REST, as the methods' HTTP bindings say. */
export function restCaller(server: Server): Caller {
  const dispatcher = new Agent(server.ca === undefined ? {} : { connect: { ca: server.ca } });
  const open = async (name: string, request: object, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> => {
    const binding = bindingsOf(methodNamed(name))[0];
    if (!binding) throw new Error(`${name} has no HTTP binding`);
    const { path, body } = placed(binding, request);
    const response = await fetch(new URL(path, server.url), {
      method: binding.verb,
      signal,
      dispatcher,
      headers: {
        ...(server.token === "" ? {} : { authorization: `Bearer ${server.token}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (response.status >= 300) throw restRefusal(response.status, await response.text());
    return (response.body ?? []) as AsyncIterable<Uint8Array>;
  };
  return {
    async call<T>(name: string, request: object = {}): Promise<T> {
      const chunks: Uint8Array[] = [];
      for await (const chunk of await open(name, request, AbortSignal.timeout(withinMs))) chunks.push(chunk);
      const text = Buffer.concat(chunks).toString("utf8");
      return (text === "" ? {} : JSON.parse(text)) as T;
    },
    async *stream<T>(name: string, request: object, signal: AbortSignal): AsyncGenerator<T> {
      const decoder = new TextDecoder();
      let rest = "";
      try {
        for await (const chunk of await open(name, request, signal)) {
          const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
          rest = lines.pop() ?? "";
          for (const line of lines.filter((each) => each.trim() !== "")) yield messageOf(line) as T;
        }
      } catch (thrown) {
        if (!signal.aborted) throw thrown;
      }
    },
    close: () => dispatcher.close(),
  };
}

function messageOf(line: string): unknown {
  const { result, error } = JSON.parse(line) as { result?: unknown; error?: { code?: number; message?: string } };
  if (error) throw new Refused(statusName(error.code ?? 2), error.message ?? "");
  return result;
}

function restRefusal(status: number, text: string): Refused {
  try {
    const { code, message } = JSON.parse(text) as { code?: number; message?: string };
    if (code !== undefined) return new Refused(statusName(code), message ?? "");
  } catch {
    // Not an answer of the API.
  }
  return new Refused(`HTTP ${status}`, text);
}

/** A request's fields where its binding has them: in the path, the body, and the rest in the query, nested ones with dots. */
function placed(binding: Binding, request: object): { readonly path: string; readonly body?: unknown } {
  const rest = structuredClone(request) as Record<string, unknown>;
  const path = binding.path.replace(/\{([^}=]+)(=\*\*)?\}/g, (_all, name: string) =>
    encodeURIComponent(take(rest, name.split("."))),
  );
  if (binding.body === "*") return { path, body: rest };
  const body = binding.body === "" ? undefined : (rest[binding.body] ?? {});
  delete rest[binding.body];
  const query = new URLSearchParams(flat(rest, ""));
  return { path: query.size === 0 ? path : `${path}?${query.toString()}`, ...(body === undefined ? {} : { body }) };
}

function flat(fields: Readonly<Record<string, unknown>>, prefix: string): [string, string][] {
  return Object.entries(fields).flatMap(([name, value]): [string, string][] => {
    if (value === undefined || value === null) return [];
    if (isObject(value)) return flat(value, `${prefix}${name}.`);
    return [value].flat().map((each) => [`${prefix}${name}`, String(each as string | number | boolean)]);
  });
}

function take(from: Record<string, unknown>, [name, ...rest]: readonly string[]): string {
  const value = from[name!];
  if (rest.length > 0) return take((value ?? {}) as Record<string, unknown>, rest);
  delete from[name!];
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}
