// The one way to the server: same-origin requests with the session's cookie, JSON both ways, errors as ApiError.
import type { ErrorBody } from "#protocol/rest.ts";
import { ApiError, kindOf } from "./error.ts";

export interface RequestOptions {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly query?: Readonly<Record<string, string | readonly string[] | boolean | undefined>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  readonly accept?: string;
}

/** Fired at the window when the server no longer knows our session. */
export const sessionExpired = "driftless:session-expired";

/** These refuse a wrong password in the words for an ended session. */
const asksForPassword: readonly string[] = ["/session", "/account/password"];

/** Takes a path below /api/v1; returns the response, its body unread. Error: ApiError. */
export async function send(path: string, options: RequestOptions = {}): Promise<Response> {
  const { method = "GET", query = {}, body, signal, accept = "application/json" } = options;
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}${queryText(query)}`, {
      method,
      credentials: "same-origin",
      headers: { accept, ...(body === undefined ? {} : { "content-type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
  } catch (thrown) {
    if (signal?.aborted) throw thrown;
    throw new ApiError("unreachable", 0, "The server cannot be reached.");
  }
  if (response.ok) return response;
  const error = await errorOf(response);
  if (error.kind === "unauthenticated" && !asksForPassword.includes(path))
    window.dispatchEvent(new Event(sessionExpired));
  throw error;
}

/** As `send`, with the answer's JSON. */
export async function request<T>(path: string, options: RequestOptions = {}): Promise<T> {
  return (await (await send(path, options)).json()) as T;
}

async function errorOf(response: Response): Promise<ApiError> {
  let message = "";
  try {
    const body = (await response.json()) as ErrorBody;
    message = body.message ?? body.error ?? "";
  } catch {
    // Not our JSON: a proxy answered.
  }
  return new ApiError(
    kindOf(response.status),
    response.status,
    message || `The server answered ${response.status} ${response.statusText}`.trim(),
  );
}

function queryText(query: NonNullable<RequestOptions["query"]>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === "") continue;
    for (const item of Array.isArray(value) ? (value as readonly string[]) : [value]) params.append(name, String(item));
  }
  const text = params.toString();
  return text === "" ? "" : `?${text}`;
}
