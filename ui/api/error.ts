// What can go wrong between page and server, as one type with a kind that code can decide by and words that people read.

export type ApiErrorKind =
  | "unauthenticated"
  | "forbidden"
  | "not-found"
  | "conflict"
  | "invalid"
  | "busy"
  | "unreachable"
  | "failed";

export class ApiError extends Error {
  readonly kind: ApiErrorKind;
  /** HTTP status; 0 where there was no answer. */
  readonly status: number;

  constructor(kind: ApiErrorKind, status: number, message: string) {
    super(message);
    this.name = "ApiError";
    this.kind = kind;
    this.status = status;
  }
}

const kinds: Readonly<Record<number, ApiErrorKind>> = {
  400: "invalid",
  401: "unauthenticated",
  403: "forbidden",
  404: "not-found",
  409: "conflict",
  422: "invalid",
  429: "busy",
  502: "unreachable",
  503: "unreachable",
  504: "unreachable",
};

export function kindOf(status: number): ApiErrorKind {
  return kinds[status] ?? "failed";
}

/** Anything thrown, as words for a person. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
