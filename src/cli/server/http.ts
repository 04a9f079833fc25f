// Requests to the server over node:http, which starts faster than fetch and takes certificates. Turns answers into JSON
// and errors `{code, message}` into those of the catalogue. Knows no service.
import type { IncomingMessage, RequestOptions } from "node:http";
import type { Duplex } from "node:stream";
import { DriftlessError, type ErrorCode } from "#base/errors.ts";
import { isObject } from "#base/json.ts";
import type { Operation } from "#base/operation.ts";

export interface Target {
  /** Scheme, host, port and root path, without a slash at the end. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly insecure: boolean;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** Proxies, as HTTPS_PROXY, HTTP_PROXY and NO_PROXY name them. */
  readonly proxies?: Readonly<Record<string, string>>;
  /** Makes the connection to the server, where it is not simply dialled. */
  readonly tunnel?: (op: Operation) => Promise<Duplex>;
  /** How often a read that failed on the network is tried again. */
  readonly retries: number;
}

/** The token of every request, and how to get another where the server no longer takes it. */
export interface Credentials {
  token: string;
  renew?(op: Operation): Promise<string>;
}

export type Query = Readonly<Record<string, string | readonly string[] | boolean | number | undefined>>;

/** A body that is no JSON. */
export interface RawBody {
  readonly type: string;
  readonly bytes: Uint8Array;
}

export interface Http {
  readonly url: string;
  send(
    op: Operation,
    method: string,
    path: string,
    options?: { query?: Query; body?: unknown; raw?: RawBody },
  ): Promise<unknown>;
  /** Opens a stream of JSON lines: resolves once it is open, with its values until it ends. A body makes it a POST. */
  open(op: Operation, path: string, query: Query, body?: RawBody): Promise<AsyncIterable<unknown>>;
}

const answerLimitBytes = 256 * 1024 * 1024;

export function createHttp(target: Target, credentials: Credentials): Http {
  type Body = RawBody | undefined;
  const exchange = async (op: Operation, method: string, url: string, body: Body): Promise<IncomingMessage> => {
    for (let renewed = false; ; renewed = true) {
      const answer = await connect(op, target, { method, url, body, token: credentials.token });
      if (answer.statusCode !== 401 || renewed || !credentials.renew) return answer;
      answer.resume();
      credentials.token = await credentials.renew(op);
    }
  };
  const patiently = async (op: Operation, method: string, url: string, body: Body): Promise<IncomingMessage> => {
    for (let attempt = 0; ; attempt++) {
      try {
        return await exchange(op, method, url, body);
      } catch (thrown) {
        const again = method === "GET" && attempt < target.retries && (thrown as DriftlessError).entry?.retryable;
        if (!again || op.signal.aborted) throw thrown;
      }
    }
  };
  return {
    url: target.url,
    async send(op, method, path, options = {}) {
      const url = `${target.url}${path}${queryText(options.query)}`;
      const answer = await patiently(op, method, url, options.raw ?? jsonBody(options.body));
      const body = await readAll(answer);
      if (answer.headers.location !== undefined && (answer.statusCode ?? 0) < 400)
        throw new DriftlessError(
          "SERVER_UNREACHABLE",
          `the server ${target.url} redirects to ${answer.headers.location}: use that address`,
        );
      if ((answer.statusCode ?? 500) >= 400) throw errorOf(answer, body, target.url);
      return parse(body, answer, target.url);
    },
    async open(op, path, query, body) {
      const answer = await patiently(op, body ? "POST" : "GET", `${target.url}${path}${queryText(query)}`, body);
      if ((answer.statusCode ?? 500) >= 400) throw errorOf(answer, await readAll(answer), target.url);
      return linesOf(op, answer, target.url);
    },
  };
}

function queryText(query: Query | undefined): string {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    const items = Array.isArray(value) ? (value as readonly string[]) : value === undefined ? [] : [String(value)];
    for (const item of items) if (item !== "") pairs.append(name, item);
  }
  const text = pairs.toString();
  return text === "" ? "" : `?${text}`;
}

interface Exchange {
  readonly method: string;
  readonly url: string;
  readonly body: RawBody | undefined;
  readonly token: string;
}

function connect(op: Operation, target: Target, exchange: Exchange): Promise<IncomingMessage> {
  const secure = exchange.url.startsWith("https:");
  // Taken from the runtime, not imported: importing node:http evaluates all of its exports, and with them undici, which
  // costs 40 ms of the start.
  const { Agent, request } = secure ? process.getBuiltinModule("node:https") : process.getBuiltinModule("node:http");
  const { body } = exchange;
  const options: RequestOptions & Record<string, unknown> = {
    method: exchange.method,
    signal: op.signal,
    ...(target.proxies ? { agent: new Agent({ proxyEnv: target.proxies }) } : {}),
    headers: {
      accept: "application/json",
      ...(exchange.token === "" ? {} : { authorization: `Bearer ${exchange.token}` }),
      ...(body === undefined ? {} : { "content-type": body.type, "content-length": body.bytes.length }),
      ...target.headers,
    },
    ...(secure ? tlsOf(target) : {}),
    ...(target.tunnel ? { createConnection: through(op, target, secure) } : {}),
  };
  return new Promise((resolve, reject) => {
    const sent = request(exchange.url, options, resolve);
    sent.on("error", (thrown) => reject(networkError(op, thrown, target.url)));
    sent.end(body?.bytes);
  });
}

const tlsOf = (target: Target): object => ({
  rejectUnauthorized: !target.insecure,
  ca: target.ca,
  cert: target.cert,
  key: target.key,
});

/** Connections through the target's tunnel, with TLS where it is spoken. */
function through(op: Operation, target: Target, secure: boolean): RequestOptions["createConnection"] {
  const made = async (): Promise<Duplex> => {
    const socket = await target.tunnel!(op);
    if (!secure) return socket;
    const { connect: handshake } = process.getBuiltinModule("node:tls");
    return handshake({ ...tlsOf(target), socket, servername: "localhost" });
  };
  return (_options, done) => {
    void hand(made(), done);
    return undefined;
  };
}

/** As Node wants the outcome: by a callback. */
async function hand(made: Promise<Duplex>, done: (error: Error | null, socket: Duplex) => void): Promise<void> {
  let socket: Duplex;
  try {
    socket = await made;
  } catch (thrown) {
    return done(thrown as Error, undefined as never);
  }
  done(null, socket);
}

export function jsonBody(value: unknown): RawBody | undefined {
  return value === undefined ? undefined : { type: "application/json", bytes: Buffer.from(JSON.stringify(value)) };
}

/** What went wrong between here and the server, with its address. `cause.code` tells TLS apart from silence. */
function networkError(op: Operation, thrown: NodeJS.ErrnoException, url: string): DriftlessError {
  if (op.signal.aborted) return new DriftlessError("CANCELLED", "the command was interrupted", { cause: thrown });
  if (thrown instanceof DriftlessError) return thrown;
  const reasons: Readonly<Record<string, string>> = {
    ECONNREFUSED: "nothing listens there",
    ENOTFOUND: "there is no host of that name",
    EAI_AGAIN: "the name cannot be looked up now",
    ECONNRESET: "the connection was closed",
    ETIMEDOUT: "it does not answer",
    EPROTO: "it does not speak TLS (add --plaintext)",
    ERR_SSL_WRONG_VERSION_NUMBER: "it does not speak TLS (add --plaintext)",
    DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is self-signed (add --insecure, or --server-crt FILE)",
    SELF_SIGNED_CERT_IN_CHAIN: "its certificate is self-signed (add --insecure, or --server-crt FILE)",
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate cannot be verified (add --insecure, or --server-crt FILE)",
    CERT_HAS_EXPIRED: "its certificate has expired (add --insecure)",
    ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name (add --insecure)",
    HPE_INVALID_CONSTANT: "it does not speak HTTP there (leave out --plaintext)",
  };
  const reason = reasons[thrown.code ?? ""] ?? thrown.message;
  return new DriftlessError("SERVER_UNREACHABLE", `the server ${url} cannot be reached: ${reason}`, { cause: thrown });
}

async function readAll(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > answerLimitBytes) throw new DriftlessError("TOO_LARGE", "the server's answer is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parse(body: string, answer: IncomingMessage, url: string): unknown {
  if (body === "") return {};
  try {
    return JSON.parse(body);
  } catch (thrown) {
    throw new DriftlessError(
      "SERVER_UNREACHABLE",
      `${url} is not a Driftless or Argo CD server: it answers ${answer.statusCode} with ${answer.headers["content-type"] ?? "no type"}`,
      { cause: thrown },
    );
  }
}

const codes: Readonly<Record<number, ErrorCode>> = {
  1: "CANCELLED",
  3: "INVALID_ARGUMENT",
  4: "DEADLINE_EXCEEDED",
  5: "NOT_FOUND",
  6: "ALREADY_EXISTS",
  7: "PERMISSION_DENIED",
  8: "TOO_MANY_REQUESTS",
  9: "FAILED_PRECONDITION",
  10: "CONFLICT",
  12: "UNIMPLEMENTED",
  14: "SERVER_UNREACHABLE",
  16: "UNAUTHENTICATED",
};

/** An error answer as a catalogued error: by gRPC code, or by HTTP status where a proxy answered. */
export function errorOf(
  answer: { readonly statusCode?: number | undefined; readonly statusMessage?: string | undefined },
  body: string,
  url: string,
): DriftlessError {
  const status = answer.statusCode ?? 500;
  let content: unknown;
  try {
    content = JSON.parse(body);
  } catch {
    content = undefined;
  }
  const said = isObject(content) ? content["message"] : undefined;
  const known = typeof said === "string" ? Number((content as Record<string, unknown>)["code"]) : undefined;
  const byStatus: Readonly<Record<number, ErrorCode>> = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    413: "TOO_LARGE",
    429: "TOO_MANY_REQUESTS",
    502: "SERVER_UNREACHABLE",
    503: "SERVER_UNREACHABLE",
    504: "SERVER_UNREACHABLE",
  };
  const running = known === 9 && status === 409;
  const code = running ? "OPERATION_IN_PROGRESS" : (codes[known ?? -1] ?? byStatus[status] ?? "INTERNAL");
  const message = typeof said === "string" ? said : `${url} answers ${status} ${answer.statusMessage ?? ""}`.trim();
  return new DriftlessError(status === 413 ? "TOO_LARGE" : code, message, { details: { status } });
}

async function* linesOf(op: Operation, answer: IncomingMessage, url: string): AsyncIterable<unknown> {
  let rest = "";
  const text = new TextDecoder();
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      const lines = (rest + text.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const content = line.startsWith("data:") ? line.slice(5) : line;
        if (content.trim() === "" || content.startsWith(":")) continue;
        yield JSON.parse(content);
      }
    }
  } catch (thrown) {
    if (thrown instanceof SyntaxError) throw new DriftlessError("SERVER_UNREACHABLE", "the stream is not JSON lines");
    throw networkError(op, thrown as NodeJS.ErrnoException, url);
  } finally {
    answer.destroy();
  }
}
