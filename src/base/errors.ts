// The one catalogue of errors: stable codes, with the HTTP and gRPC status each answers with, the condition type an
// application shows for it, and a hint. docs/errors.md is written from it (npm run docs:errors) and a test keeps it equal.
import { redactUrls } from "./redact.ts";

export type GrpcStatus =
  | "INVALID_ARGUMENT"
  | "NOT_FOUND"
  | "ALREADY_EXISTS"
  | "PERMISSION_DENIED"
  | "UNAUTHENTICATED"
  | "FAILED_PRECONDITION"
  | "ABORTED"
  | "RESOURCE_EXHAUSTED"
  | "UNAVAILABLE"
  | "DEADLINE_EXCEEDED"
  | "UNIMPLEMENTED"
  | "CANCELLED"
  | "INTERNAL";

export interface ErrorEntry {
  /** HTTP status of an answer that carries this error. */
  readonly http: number;
  readonly grpc: GrpcStatus;
  /** The type of the Application condition that shows this error, where one does. */
  readonly condition?: "ComparisonError" | "InvalidSpecError" | "SyncError" | "DeletionError" | "UnknownError";
  /** What the error means, in one sentence. */
  readonly means: string;
  /** What a person can do about it, in one sentence. */
  readonly hint: string;
  /** Whether trying the same again, unchanged, can succeed. */
  readonly retryable?: boolean;
}

export const catalogue = {
  // requests
  INVALID_ARGUMENT: {
    http: 400,
    grpc: "INVALID_ARGUMENT",
    means: "The request is malformed.",
    hint: "Correct the field that the message names.",
  },
  UNAUTHENTICATED: {
    http: 401,
    grpc: "UNAUTHENTICATED",
    means: "No valid session or token came with the request.",
    hint: "Log in again: driftless login SERVER.",
  },
  PERMISSION_DENIED: {
    http: 403,
    grpc: "PERMISSION_DENIED",
    means: "The account may not do this, or the object does not exist.",
    hint: "Ask for a role that allows the action that the message names.",
  },
  NOT_FOUND: {
    http: 404,
    grpc: "NOT_FOUND",
    means: "The object does not exist.",
    hint: "Check the name and the namespace.",
  },
  ALREADY_EXISTS: {
    http: 409,
    grpc: "ALREADY_EXISTS",
    means: "An object of that name exists already, with another spec.",
    hint: "Choose another name, or update with --upsert.",
  },
  CONFLICT: {
    http: 409,
    grpc: "ABORTED",
    means: "Somebody else changed the object in between.",
    hint: "Read the object again and repeat the change.",
    retryable: true,
  },
  FAILED_PRECONDITION: {
    http: 400,
    grpc: "FAILED_PRECONDITION",
    means: "The object's present state does not allow this.",
    hint: "See what the message says it waits for.",
  },
  TOO_LARGE: {
    http: 413,
    grpc: "RESOURCE_EXHAUSTED",
    means: "The body or result is larger than its limit.",
    hint: "Send or render less, or raise the limit.",
  },
  TOO_MANY_REQUESTS: {
    http: 429,
    grpc: "RESOURCE_EXHAUSTED",
    means: "Too many requests in too short a time.",
    hint: "Wait, then try again.",
    retryable: true,
  },
  UNSUPPORTED_MEDIA_TYPE: {
    http: 415,
    grpc: "INVALID_ARGUMENT",
    means: "The request's body is of another content type than the call takes.",
    hint: "Send JSON, with the header Content-Type: application/json.",
  },
  METHOD_NOT_ALLOWED: {
    http: 405,
    grpc: "UNIMPLEMENTED",
    means: "There is something at that path, but not for that HTTP method.",
    hint: "Use one of the methods that the answer's header Allow names; see /swagger-ui.",
  },
  UNIMPLEMENTED: {
    http: 501,
    grpc: "UNIMPLEMENTED",
    means: "This version does not have the feature.",
    hint: "See docs/compatibility.md.",
  },
  SERVER_UNREACHABLE: {
    http: 503,
    grpc: "UNAVAILABLE",
    means: "The Driftless server that the command line was told to use does not answer.",
    hint: "Start it with driftless up, or name another with --server or driftless login.",
    retryable: true,
  },
  CANCELLED: { http: 499, grpc: "CANCELLED", means: "The caller gave up.", hint: "Nothing to do." },
  DEADLINE_EXCEEDED: {
    http: 504,
    grpc: "DEADLINE_EXCEEDED",
    means: "The work did not end within its time limit.",
    hint: "Try again, or raise the limit.",
    retryable: true,
  },
  INTERNAL: {
    http: 500,
    grpc: "INTERNAL",
    condition: "UnknownError",
    means: "A defect of Driftless itself.",
    hint: "Report it with the message and the log around it.",
  },
  // Git
  REPOSITORY_UNREACHABLE: {
    http: 503,
    grpc: "UNAVAILABLE",
    condition: "ComparisonError",
    means: "The repository could not be read: network, TLS, credentials or path.",
    hint: "Check the URL and the credentials: driftless repo list.",
    retryable: true,
  },
  REVISION_NOT_FOUND: {
    http: 400,
    grpc: "INVALID_ARGUMENT",
    condition: "ComparisonError",
    means: "The repository has no such branch, tag, commit or version.",
    hint: "Correct spec.source.targetRevision, or push the revision.",
    retryable: true,
  },
  PATH_NOT_FOUND: {
    http: 400,
    grpc: "INVALID_ARGUMENT",
    condition: "ComparisonError",
    means: "The path does not exist in that revision.",
    hint: "Correct spec.source.path.",
    retryable: true,
  },
  ARTIFACT_INVALID: {
    http: 400,
    grpc: "INVALID_ARGUMENT",
    condition: "ComparisonError",
    means: "A chart, an artifact or the index of its repository is damaged, or not what it says it is.",
    hint: "Publish it anew; see the message for what is wrong with it.",
    retryable: true,
  },
  GIT_MISSING: {
    http: 500,
    grpc: "FAILED_PRECONDITION",
    means: "The program git is not installed, or too old.",
    hint: "Install git 2.34 or newer and start again.",
  },
  // rendering
  MANIFEST_INVALID: {
    http: 400,
    grpc: "INVALID_ARGUMENT",
    condition: "ComparisonError",
    means: "A manifest is not a valid Kubernetes object.",
    hint: "Correct the file and line that the message names.",
  },
  SOURCE_UNSUPPORTED: {
    http: 400,
    grpc: "UNIMPLEMENTED",
    condition: "ComparisonError",
    means: "This version does not render that type of source.",
    hint: "See docs/compatibility.md.",
  },
  RENDER_TOO_LARGE: {
    http: 400,
    grpc: "RESOURCE_EXHAUSTED",
    condition: "ComparisonError",
    means: "The rendered manifests are larger than the limit.",
    hint: "Split the application, or raise the limit.",
  },
  RENDER_FAILED: {
    http: 400,
    grpc: "INVALID_ARGUMENT",
    condition: "ComparisonError",
    means: "The chart, overlay or program cannot be rendered.",
    hint: "Correct the file and line that the message names.",
  },
  RENDER_REFUSED: {
    http: 400,
    grpc: "PERMISSION_DENIED",
    condition: "ComparisonError",
    means:
      "The source wants something that sources may not: a remote URL, a program, a path outside of its repository.",
    hint: "Commit to the repository what the message names, and refer to it there.",
  },
  RENDER_TIMEOUT: {
    http: 400,
    grpc: "DEADLINE_EXCEEDED",
    condition: "ComparisonError",
    means: "The render did not end within its time limit.",
    hint: "Look for a loop without end in the templates, or split the application.",
  },
  ENGINE_MISSING: {
    http: 503,
    grpc: "UNAVAILABLE",
    condition: "ComparisonError",
    means: "The program driftless-engine, which renders Helm, Kustomize and Jsonnet, is not there yet.",
    hint: "Build it with npm run engine:build, which needs Go; directories of YAML and JSON work without it.",
    retryable: true,
  },
  PLUGIN_UNREACHABLE: {
    http: 503,
    grpc: "UNAVAILABLE",
    condition: "ComparisonError",
    means: "The config management plugin that the source needs is not there, or does not answer.",
    hint: "Look at the plugin's sidecar and its socket, or at spec.source.plugin.name: docs/guides/plugins.md.",
    retryable: true,
  },
  // applications
  SPEC_INVALID: {
    http: 400,
    grpc: "INVALID_ARGUMENT",
    condition: "InvalidSpecError",
    means: "The application's spec is not usable.",
    hint: "Correct the field that the message names.",
  },
  PROJECT_FORBIDS: {
    http: 403,
    grpc: "PERMISSION_DENIED",
    condition: "InvalidSpecError",
    means: "The project does not permit this source, destination or kind.",
    hint: "Change the application, or the AppProject.",
  },
  SIGNATURE_REQUIRED: {
    http: 403,
    grpc: "FAILED_PRECONDITION",
    condition: "ComparisonError",
    means: "The project asks for signed revisions, and this one is not signed by a key that it allows.",
    hint: "Sign the commit or tag with an allowed key, or add the key to the project and to argocd-gpg-keys-cm.",
  },
  CLUSTER_UNREACHABLE: {
    http: 503,
    grpc: "UNAVAILABLE",
    condition: "ComparisonError",
    means: "The destination cluster does not answer.",
    hint: "Check the cluster's address and credentials: driftless cluster list.",
    retryable: true,
  },
  CLUSTER_UNKNOWN: {
    http: 400,
    grpc: "INVALID_ARGUMENT",
    condition: "InvalidSpecError",
    means: "No cluster of that name or address is configured.",
    hint: "Add it with driftless cluster add, or correct spec.destination.",
  },
  KIND_UNKNOWN: {
    http: 400,
    grpc: "INVALID_ARGUMENT",
    condition: "ComparisonError",
    means: "The cluster does not know that kind of resource.",
    hint: "Install the CustomResourceDefinition first, or correct apiVersion and kind.",
    retryable: true,
  },
  OPERATION_IN_PROGRESS: {
    http: 409,
    grpc: "FAILED_PRECONDITION",
    means: "Another operation is already in progress.",
    hint: "Wait for it: driftless app wait NAME --operation; or end it: driftless app terminate-op NAME.",
  },
  DELETION_FAILED: {
    http: 500,
    grpc: "INTERNAL",
    condition: "DeletionError",
    means: "The application's resources could not be deleted.",
    hint: "See the objects and reasons in the message.",
    retryable: true,
  },
  // Kubernetes' own answers
  KUBERNETES_REFUSED: {
    http: 422,
    grpc: "INVALID_ARGUMENT",
    condition: "SyncError",
    means: "The API server refused the object.",
    hint: "Correct the fields that its message names.",
  },
  RESOURCE_EXPIRED: {
    http: 410,
    grpc: "ABORTED",
    means: "The resourceVersion or continue token is too old.",
    hint: "List again from the start.",
    retryable: true,
  },
  // the machine
  PORT_IN_USE: {
    http: 500,
    grpc: "FAILED_PRECONDITION",
    means: "The port that a server should listen on is taken.",
    hint: "Choose another with --port, or stop the program that has it.",
  },
  DATA_DIR_UNWRITABLE: {
    http: 500,
    grpc: "FAILED_PRECONDITION",
    means: "The data directory cannot be written.",
    hint: "Choose another with --data-dir, or give the right to write.",
  },
  DATA_DIR_CORRUPT: {
    http: 500,
    grpc: "INTERNAL",
    means: "A file of the data directory is damaged.",
    hint: "Restore the data directory from a copy, or start with an empty one.",
  },
  DATA_DIR_LOCKED: {
    http: 500,
    grpc: "FAILED_PRECONDITION",
    means: "Another Driftless uses the data directory.",
    hint: "Stop it first, or choose another with --data-dir.",
  },
  CONFIG_INVALID: {
    http: 400,
    grpc: "INVALID_ARGUMENT",
    means: "A flag, an environment variable or a configuration file is not usable.",
    hint: "Correct what the message names.",
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof catalogue;

/** What went wrong and where: every part is optional, and what is there is shown to people. Never holds a secret. */
export interface ErrorDetails {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly field?: string;
  /** An object as people write it: `apps/Deployment prod/web`. */
  readonly resource?: string;
  readonly repository?: string;
  readonly cluster?: string;
  /** Status code and reason of a Kubernetes API answer. */
  readonly status?: number;
  readonly reason?: string;
  /** Of a process that ended otherwise than by success. */
  readonly exitCode?: number;
  /** Seconds after which to try again, where the other side said. */
  readonly retryAfterS?: number;
}

/**
 * The one error class. Takes a code of the catalogue and what was wrong; carries where it happened. User information in
 * URLs is hidden here, for errors go to answers, conditions, events and logs.
 */
export class DriftlessError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: { details?: ErrorDetails; cause?: unknown } = {}) {
    super(redactUrls(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "DriftlessError";
    this.code = code;
    this.details = redactedDetails(options.details ?? {});
  }

  get entry(): ErrorEntry {
    return catalogue[this.code];
  }
}

function redactedDetails(details: ErrorDetails): ErrorDetails {
  return Object.values(details).some((value) => typeof value === "string" && value.includes("@"))
    ? Object.fromEntries(
        Object.entries(details).map(([name, value]: [string, unknown]) => [
          name,
          typeof value === "string" ? redactUrls(value) : value,
        ]),
      )
    : details;
}

/** Takes anything that was thrown; returns it as a catalogued error (INTERNAL, or CANCELLED for aborts). */
export function toError(thrown: unknown): DriftlessError {
  if (thrown instanceof DriftlessError) return thrown;
  if (thrown instanceof Error) {
    const code: ErrorCode =
      thrown.name === "AbortError" ? "CANCELLED" : thrown.name === "TimeoutError" ? "DEADLINE_EXCEEDED" : "INTERNAL";
    return new DriftlessError(code, thrown.message, { cause: thrown });
  }
  return new DriftlessError("INTERNAL", String(thrown));
}
