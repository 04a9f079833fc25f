// The contract of an API service, apart from any transport: each method says who may call it and what it does. Requests
// and answers are JSON as Kubernetes writes it; transports turn bytes into it and back. Authorised here, once.
import type { DescMethod, DescService, MessageShape } from "@bufbuild/protobuf";
import { DriftlessError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { JsonShape } from "#protocol/shape.ts";
import type { Account } from "../auth/account.ts";

/** One call, whatever way it came. */
export interface Call {
  readonly op: Op;
  /** Who calls; undefined without a session. */
  readonly account: Account | undefined;
  readonly transport: "grpc" | "rest";
  /** The caller's network address, for limits and audit. */
  readonly address: string;
  /** REST alone: the query's parameters as they came, also those that the protocol does not know. */
  readonly query?: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** REST alone: the session's cookie for a browser; "" takes it away. */
  setSession?(token: string): void;
}

/** Throws where the caller may not; asked before anything is done. Errors: UNAUTHENTICATED, PERMISSION_DENIED. */
export type Access<I> = (call: Call, request: I) => void | Promise<void>;

export interface Unary<I> {
  readonly access: Access<I>;
  handle(call: Call, request: I): Promise<object> | object;
}
export interface ServerStream<I> {
  readonly access: Access<I>;
  /** Messages until the call's operation ends. */
  stream(call: Call, request: I): AsyncIterable<object>;
}
export interface ClientStream<I> {
  readonly access: Access<undefined>;
  /** Reads the client's messages; checks what the first one names itself. */
  collect(call: Call, requests: AsyncIterable<I>): Promise<object>;
}

type Input<M extends DescMethod> = JsonShape<MessageShape<M["input"]>>;

/** What implements a service: one entry for each of its methods; one that is missing is answered as unimplemented. */
export type Implementation<S extends DescService> = {
  readonly [K in keyof S["method"]]?: S["method"][K] extends { methodKind: "server_streaming" }
    ? ServerStream<Input<S["method"][K]>>
    : S["method"][K] extends { methodKind: "client_streaming" }
      ? ClientStream<Input<S["method"][K]>>
      : Unary<Input<S["method"][K]>>;
};

export type AnyMethod = Unary<never> | ServerStream<never> | ClientStream<never>;

/** A service with what implements it, for transports. */
export interface BoundService {
  readonly desc: DescService;
  /** By the method's local name: `getManifests`. */
  readonly methods: Readonly<Record<string, AnyMethod>>;
}

/** Binds an implementation to its service. */
export function bind<S extends DescService>(desc: S, implementation: Implementation<S>): BoundService {
  return { desc, methods: implementation as BoundService["methods"] };
}

/** Anybody may call. */
export const open: Access<unknown> = () => {};

/** Whoever is logged in may call. */
export const session = ({ account }: Call): void => {
  if (!account) throw new DriftlessError("UNAUTHENTICATED", "no session information");
};

/** Asks whether the caller may, then does it: the one way into a method of one request and one answer. */
export async function answer(method: AnyMethod, call: Call, request: unknown): Promise<object> {
  const unary = method as Unary<unknown>;
  await unary.access(call, request);
  return unary.handle(call, request);
}

/** The same for a method that streams; throws before the first message where the caller may not. */
export async function messages(method: AnyMethod, call: Call, request: unknown): Promise<AsyncIterable<object>> {
  const streaming = method as ServerStream<unknown>;
  await streaming.access(call, request);
  return streaming.stream(call, request);
}

/** The same messages; `ended` is called when they have come to their end, or are no longer wanted, also before the first. */
export function endWith<T>(stream: AsyncIterable<T>, ended: () => void): AsyncIterable<T> {
  const items = stream[Symbol.asyncIterator]();
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        try {
          const next = await items.next();
          if (next.done === true) ended();
          return next;
        } catch (thrown) {
          ended();
          throw thrown;
        }
      },
      async return() {
        ended();
        await items.return?.();
        return { done: true, value: undefined };
      },
    }),
  };
}

/** The same for a method that takes a stream. */
export async function collected(method: AnyMethod, call: Call, requests: AsyncIterable<unknown>): Promise<object> {
  const collecting = method as ClientStream<unknown>;
  await collecting.access(call, undefined);
  return collecting.collect(call, requests);
}

/** Whether a method answers with a stream. */
export function streams(method: AnyMethod): boolean {
  return "stream" in method;
}
