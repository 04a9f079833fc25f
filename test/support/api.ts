// The REST API as a client with a token sees it: the few calls that tests make. Knows no other part of the product.
import { Agent, fetch, type RequestInit } from "undici";
import type { Application } from "#model/application.ts";

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

export interface Api {
  readonly url: string;
  /** Logs in at the first call. */
  token(): Promise<string>;
  /** Any call; answers of every status come back as they are. */
  call(method: string, path: string, body?: unknown): Promise<ApiAnswer>;
  /** A call that must succeed; returns the body. Throws with what the server said. */
  must<T = unknown>(method: string, path: string, body?: unknown): Promise<T>;
  application(name: string): Promise<Application>;
  /** POST to /api/webhook, unauthenticated, the body's bytes as they are. */
  webhook(headers: Readonly<Record<string, string>>, body: string): Promise<ApiAnswer>;
}

export function createApi(
  url: string,
  login: { readonly username: string; readonly password: string } | { readonly token: string },
): Api {
  let token = "token" in login ? Promise.resolve(login.token) : undefined;
  // A server's own certificate is not what these calls are about: it is on this machine.
  const tls = url.startsWith("https:") ? { dispatcher: new Agent({ connect: { rejectUnauthorized: false } }) } : {};
  const send = async (path: string, init: RequestInit): Promise<ApiAnswer> => {
    const response = await fetch(new URL(path, url), { ...init, ...tls, signal: AbortSignal.timeout(90_000) });
    const text = await response.text();
    let body: unknown = text;
    try {
      body = JSON.parse(text);
    } catch {
      // Not every answer is JSON.
    }
    return { status: response.status, body };
  };
  const logIn = async (): Promise<string> => {
    const answer = await send("/api/v1/session", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(login),
    });
    if (answer.status !== 200) throw new Error(`login: ${answer.status} ${JSON.stringify(answer.body)}`);
    return (answer.body as { token: string }).token;
  };
  const call: Api["call"] = async (method, path, body) => {
    const headers: Record<string, string> = { authorization: `Bearer ${await (token ??= logIn())}` };
    if (body !== undefined) headers["content-type"] = "application/json";
    return send(path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  };
  const must = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const answer = await call(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body as T;
  };
  return {
    url,
    token: () => (token ??= logIn()),
    call,
    must,
    application: (name) => must<Application>("GET", `/api/v1/applications/${name}`),
    webhook: (headers, body) =>
      send("/api/webhook", { method: "POST", headers: { "content-type": "application/json", ...headers }, body }),
  };
}
