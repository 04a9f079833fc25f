// Errors that registries share, worded for people. Pure.
import { DriftlessError } from "#base/errors.ts";
import { newestFirst } from "#model/versions.ts";
import { shown, type HttpAnswer } from "./http.ts";
import type { RegistryAccess } from "./types.ts";

/** An answer other than 200, with what to do about it. */
export function refusedAnswer(
  answer: Pick<HttpAnswer, "status" | "url">,
  access: RegistryAccess,
  wanted: string,
): DriftlessError {
  const named = [access.username, access.password, access.bearerToken, access.tlsClientCert].some(Boolean);
  const why: Readonly<Record<number, string>> = {
    401: named ? "the credentials are refused" : "it wants credentials, and none are configured for it",
    403: named ? "the credentials do not permit this" : "it forbids this without credentials",
    404: `there is nothing there (${wanted})`,
    429: "it answers to too many requests; later again",
  };
  return new DriftlessError(
    "REPOSITORY_UNREACHABLE",
    `${shown(answer.url)}: ${why[answer.status] ?? "it answers with an error"} (HTTP ${answer.status})`,
    { details: { repository: shown(access.url), status: answer.status } },
  );
}

/** A version that is not there, or a range that none is in: says which there are. Error: REVISION_NOT_FOUND. */
export function versionMissing(at: {
  readonly what: string;
  readonly revision: string;
  readonly versions: readonly string[];
}): DriftlessError {
  const known = newestFirst(at.versions);
  const list = known.slice(0, 8).join(", ");
  const there =
    known.length === 0 ? "it has none" : `there are ${list}${known.length > 8 ? ` and ${known.length - 8} more` : ""}`;
  return new DriftlessError(
    "REVISION_NOT_FOUND",
    `${at.what} has no version ${JSON.stringify(at.revision === "" ? "*" : at.revision)}: ${there}`,
    { details: { field: "spec.source.targetRevision" } },
  );
}
