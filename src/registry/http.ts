// GET over HTTP(S) for registries: with limits on size and time, redirects followed without taking credentials along,
// proxies, client certificates. One client for one access; it keeps connections. Knows nothing of charts or registries.
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { Agent, ProxyAgent, request, type Dispatcher } from "undici";
import { DriftlessError, toError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import type { RegistryAccess } from "./types.ts";

export interface HttpRequest {
  readonly url: string;
  readonly method?: "GET" | "HEAD" | "POST";
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent to the URL's own origin only, not where a redirect leads. */
  readonly authorization?: string;
  readonly maxBytes: number;
  /** The server may send it compressed; the limit is of what it unfolds to. */
  readonly compressed?: boolean;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer<ArrayBuffer>;
  /** Where redirects led. */
  readonly url: string;
}

export interface HttpClient {
  /** Any status is an answer. Errors: REPOSITORY_UNREACHABLE (network, TLS, time), TOO_LARGE, CANCELLED. */
  send(op: Operation, wanted: HttpRequest): Promise<HttpAnswer>;
  /** Hosts that did not answer in time are asked again at the next request; those that asked for rest are not. */
  askAnew(): void;
  close(): Promise<void>;
}

export interface HttpOptions {
  /** Of one request with its answer's body. */
  readonly timeoutMs: number;
  /** Proxy variables, as curl knows them; a repository's own proxy comes first. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
}

const maxRedirects = 5;
/** How long a host that did not answer in time is not asked again: whoever works on something else need not wait too. */
const pauseMs = 20_000;
/** A `Retry-After` up to this is waited for, once or twice; a longer one leaves the host alone, up to the other. */
const maxWaitMs = 10_000;
const maxWaits = 2;
const maxRestMs = 300_000;

/** Why a host is left alone, and until when. */
interface Rest {
  readonly until: number;
  readonly error: DriftlessError;
  readonly wished: boolean;
}

export function createHttpClient(
  access: Omit<RegistryAccess, "url">,
  { timeoutMs, env, clock }: HttpOptions,
): HttpClient {
  const dispatchers = new Map<string, Dispatcher>();
  const resting = new Map<string, Rest>();
  const dispatcherFor = (url: URL, own: boolean): Dispatcher => {
    const proxy = proxyFor(url, access, env);
    const key = `${own} ${proxy ?? ""}`;
    let found = dispatchers.get(key);
    if (!found) dispatchers.set(key, (found = dispatcher(access, own, proxy)));
    return found;
  };
  const once = async (op: Operation, signal: AbortSignal, wanted: HttpRequest, own: boolean): Promise<HttpAnswer> => {
    const { statusCode, headers, body } = await request(wanted.url, {
      method: wanted.method ?? "GET",
      dispatcher: dispatcherFor(new URL(wanted.url), own),
      signal: AbortSignal.any([op.signal, signal]),
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      headers: {
        "user-agent": "driftless",
        ...wanted.headers,
        ...(wanted.compressed ? { "accept-encoding": "gzip" } : {}),
        ...(wanted.authorization === undefined || !own ? {} : { authorization: wanted.authorization }),
      },
      ...(wanted.body === undefined ? {} : { body: wanted.body }),
    });
    const flat = flatten(headers);
    const redirected = statusCode >= 300 && statusCode < 400 && flat["location"] !== undefined;
    // What an error says is shown, not its whole page.
    const limit = statusCode === 200 ? wanted.maxBytes : 64 << 10;
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > limit) {
        body.destroy();
        if (statusCode === 200)
          throw new DriftlessError("TOO_LARGE", `${shown(wanted.url)} has more than ${wanted.maxBytes} bytes`);
        break;
      }
      if (!redirected) chunks.push(chunk);
    }
    const whole = Buffer.concat(chunks);
    const packed =
      wanted.compressed === true && /^(?:x-)?gzip$/i.test(flat["content-encoding"] ?? "") && whole.length > 0;
    const unpacked = packed ? await unfolded(whole, wanted) : whole;
    return { status: statusCode, headers: flat, body: unpacked, url: wanted.url };
  };
  /** Follows redirects, and waits where a host asks for a moment. */
  const followed = async (op: Operation, late: AbortSignal, wanted: HttpRequest): Promise<HttpAnswer> => {
    const { origin } = new URL(wanted.url);
    const endsAt = clock.monotonic() + timeoutMs;
    let next = wanted;
    for (let [redirects, waits] = [0, 0]; ;) {
      const answer = await once(op, late, next, new URL(next.url).origin === origin).catch((thrown: unknown) => {
        throw explain(thrown, { op, late, url: next.url, timeoutMs });
      });
      const { location } = answer.headers;
      const wishedMs = wishedRest(answer, clock);
      if (wishedMs !== undefined) {
        const mayWait = wishedMs <= maxWaitMs && clock.monotonic() + wishedMs < endsAt && waits++ < maxWaits;
        if (!mayWait) {
          const until = clock.monotonic() + Math.min(wishedMs, maxRestMs);
          resting.set(origin, { until, wished: true, error: tooMany(answer, wishedMs) });
          return answer;
        }
        await pause(AbortSignal.any([op.signal, late]), clock, wishedMs);
        continue;
      }
      if (answer.status < 300 || answer.status > 399 || location === undefined) return answer;
      if (redirects++ >= maxRedirects) throw unreachable(wanted.url, `redirects more than ${maxRedirects} times`);
      next = { ...next, url: redirectTarget(next.url, location) };
    }
  };
  return {
    async send(op, wanted) {
      const late = AbortSignal.timeout(timeoutMs);
      const { origin } = new URL(wanted.url);
      const before = resting.get(origin);
      if (before && before.until > clock.monotonic()) throw before.error;
      resting.delete(origin);
      try {
        return await followed(op, late, wanted);
      } catch (thrown) {
        const error = explain(thrown, { op, late, url: wanted.url, timeoutMs });
        if (late.aborted && !op.signal.aborted)
          resting.set(origin, { until: clock.monotonic() + pauseMs, wished: false, error });
        throw error;
      }
    },
    askAnew() {
      for (const [origin, { wished }] of resting) if (!wished) resting.delete(origin);
    },
    async close() {
      await Promise.all([...dispatchers.values()].map((one) => one.destroy()));
      dispatchers.clear();
    },
  };
}

const gunzipLater = promisify(gunzip);

async function unfolded(bytes: Buffer, { url, maxBytes }: HttpRequest): Promise<Buffer<ArrayBuffer>> {
  try {
    return Buffer.from(await gunzipLater(bytes, { maxOutputLength: maxBytes }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE")
      throw new DriftlessError("TOO_LARGE", `${shown(url)} has more than ${maxBytes} bytes`, { cause: error });
    throw unreachable(url, `what it sends is damaged: ${(error as Error).message}`, error);
  }
}

/** A URL for people: no user information, no query (signed URLs hold secrets there). */
export function shown(url: string): string {
  return url.replace(/[?#].*$/s, "").replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/]*@/i, "$1");
}

function unreachable(url: string, why: string, cause?: unknown): DriftlessError {
  return new DriftlessError("REPOSITORY_UNREACHABLE", `${shown(url)}: ${why}`, {
    details: { repository: shown(url) },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** How long a host wants to be left alone, in milliseconds; undefined where it does not say so. */
function wishedRest({ status, headers }: HttpAnswer, clock: Clock): number | undefined {
  const written = headers["retry-after"]?.trim() ?? "";
  if ((status !== 429 && status !== 503) || written === "") return undefined;
  const ms = /^\d+$/.test(written) ? Number(written) * 1000 : Date.parse(written) - clock.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

function tooMany({ url, status }: HttpAnswer, wishedMs: number): DriftlessError {
  const seconds = Math.ceil(wishedMs / 1000);
  return unreachable(url, `it asked to be left alone for ${seconds} s (HTTP ${status}); it is not asked before`);
}

/** Ends early, without an error, where the signal says so: the request after it has one. */
function pause(signal: AbortSignal, clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}

function redirectTarget(from: string, location: string): string {
  if (!URL.canParse(location, from)) throw unreachable(from, "redirects to something that is no URL");
  const target = new URL(location, from);
  if (target.protocol !== "https:" && target.protocol !== "http:")
    throw unreachable(from, `redirects to ${target.protocol}, which is not followed`);
  if (target.protocol === "http:" && from.startsWith("https:"))
    throw unreachable(from, `redirects from https to http (${target.host}), which is not followed`);
  target.username = "";
  target.password = "";
  return target.href;
}

function explain(
  thrown: unknown,
  { op, late, url, timeoutMs }: { op: Operation; late: AbortSignal; url: string; timeoutMs: number },
): DriftlessError {
  if (op.signal.aborted) return new DriftlessError("CANCELLED", "the caller gave up");
  if (late.aborted) return unreachable(url, `no answer within ${Math.round(timeoutMs / 100) / 10} s`, thrown);
  if (thrown instanceof DriftlessError) return thrown;
  const { code, cause, message } = thrown as { code?: string; cause?: { message?: string }; message: string };
  if (code?.startsWith("UND_ERR_") && /TIMEOUT/.test(code)) return unreachable(url, "no answer in time", thrown);
  const why = cause?.message ?? message;
  return unreachable(url, why === "" ? (code ?? toError(thrown).message) : why, thrown);
}

function flatten(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) flat[name.toLowerCase()] = Array.isArray(value) ? value.join(", ") : value;
  return flat;
}

/** `own`: for the registry's own host, which may see the client certificate. */
function dispatcher(access: Omit<RegistryAccess, "url">, own: boolean, proxy: string | undefined): Dispatcher {
  const tls = {
    ...(access.insecure === true ? { rejectUnauthorized: false } : {}),
    ...(access.caBundle ? { ca: access.caBundle } : {}),
    ...(own && access.tlsClientCert ? { cert: access.tlsClientCert } : {}),
    ...(own && access.tlsClientKey ? { key: access.tlsClientKey } : {}),
  };
  const common = { connections: 8, keepAliveTimeout: 10_000 };
  if (proxy === undefined) return new Agent({ ...common, connect: { timeout: 10_000, ...tls } });
  const { username, password } = new URL(proxy);
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return new ProxyAgent({
    ...common,
    uri: proxy,
    requestTls: { timeout: 10_000, ...tls },
    ...(username === "" ? {} : { token: `Basic ${Buffer.from(login).toString("base64")}` }),
  });
}

function proxyFor(
  url: URL,
  access: Omit<RegistryAccess, "url">,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const read = (name: string): string | undefined => env[name.toLowerCase()] || env[name.toUpperCase()] || undefined;
  const proxy = access.proxy ?? read(url.protocol === "https:" ? "https_proxy" : "http_proxy") ?? read("all_proxy");
  if (proxy === undefined) return undefined;
  const without = access.proxy === undefined ? read("no_proxy") : access.noProxy;
  const skipped = (without ?? "").split(",").map((name) => name.trim().toLowerCase());
  const isSkipped = skipped.some((name) => {
    if (name === "*") return true;
    const bare = name.replace(/^\*?\./, "");
    return bare !== "" && (url.host === bare || url.hostname === bare || url.hostname.endsWith(`.${bare}`));
  });
  if (isSkipped) return undefined;
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(proxy) ? proxy : `http://${proxy}`;
  if (!URL.canParse(full) || !/^https?:/i.test(full))
    throw new DriftlessError("SPEC_INVALID", "the repository's proxy is no http or https URL", {
      details: { field: "proxy" },
    });
  return full;
}
