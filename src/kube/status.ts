// From an API server's answer to a catalogued error. Source: Kubernetes API conventions, "Error codes" and "Status kind".
import { DriftlessError, type ErrorCode } from "#base/errors.ts";

interface StatusBody {
  readonly kind?: string;
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly details?: { readonly retryAfterSeconds?: number };
}

/** Takes the HTTP status and body of a refused request; returns the error, with the server's own message and reason. */
export function errorOfAnswer(status: number, body: string, context: { server: string; what: string }): DriftlessError {
  const parsed = parseStatus(body);
  return errorOfStatus({ ...parsed, code: status }, body, context);
}

/** Takes a Status object (of a watch's ERROR event, for one); returns the error. */
export function errorOfStatus(
  status: StatusBody,
  body: string,
  context: { server: string; what: string },
): DriftlessError {
  const code = status.code ?? 500;
  const text = status.message ?? body.trim().slice(0, 500);
  const message = text === "" ? `${context.what}: the API server answered ${code}` : text;
  return new DriftlessError(codeOf(code, status.reason), message, {
    details: {
      status: code,
      cluster: context.server,
      ...(status.reason === undefined ? {} : { reason: status.reason }),
      ...(status.details?.retryAfterSeconds === undefined ? {} : { retryAfterS: status.details.retryAfterSeconds }),
    },
  });
}

function parseStatus(body: string): StatusBody {
  if (!body.startsWith("{")) return {};
  try {
    const parsed = JSON.parse(body) as StatusBody;
    return parsed.kind === "Status" ? parsed : {};
  } catch {
    return {};
  }
}

function codeOf(status: number, reason: string | undefined): ErrorCode {
  switch (status) {
    case 401:
    case 403:
      return "PERMISSION_DENIED";
    case 404:
      return "NOT_FOUND";
    case 409:
      return reason === "AlreadyExists" ? "ALREADY_EXISTS" : "CONFLICT";
    case 410:
      return "RESOURCE_EXPIRED";
    case 413:
      return "TOO_LARGE";
    case 429:
      return "TOO_MANY_REQUESTS";
    case 502:
    case 503:
    case 504:
      return "CLUSTER_UNREACHABLE";
    default:
      return "KUBERNETES_REFUSED";
  }
}

/** Takes what the network threw; returns it as an error that names the cluster and the cause. */
export function errorOfNetwork(thrown: unknown, context: { server: string; what: string }): DriftlessError {
  if (thrown instanceof DriftlessError) return thrown;
  const error = thrown as { name?: string; code?: string; message?: string; errors?: readonly Error[] };
  if (error.name === "AbortError") {
    return new DriftlessError("CANCELLED", `${context.what}: cancelled`, { cause: thrown });
  }
  if (error.name === "TimeoutError") {
    return new DriftlessError("DEADLINE_EXCEEDED", `${context.what}: time limit reached`, { cause: thrown });
  }
  const reason = error.message || error.errors?.[0]?.message || error.code || String(thrown);
  return new DriftlessError("CLUSTER_UNREACHABLE", `${context.server}: ${reason}`, {
    cause: thrown,
    details: { cluster: context.server, ...(error.code === undefined ? {} : { reason: error.code }) },
  });
}
