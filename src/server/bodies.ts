// What comes in with a REST request: JSON read once, with everything refused that could not be held or handed on as it
// came, and the refusals of the HTTP library in our own errors and words. No business logic.
import type { FastifyInstance } from "fastify";
import { DriftlessError, toError } from "#base/errors.ts";
import { problemOfJson } from "#base/json.ts";

/** Reads JSON bodies; an empty one is none, as for Argo CD's gateway. Other content types are refused. */
export function jsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  const read = (_request: unknown, text: string, done: (error: Error | null, body?: unknown) => void): void => {
    try {
      done(null, text.trim() === "" ? undefined : readJson(text));
    } catch (thrown) {
      done(toError(thrown));
    }
  };
  app.addContentTypeParser("application/json", { parseAs: "string" }, read);
  app.addContentTypeParser(/^application\/[\w.-]+\+json/, { parseAs: "string" }, read);
}

/** Takes the text of a body, or of another field. Error: INVALID_ARGUMENT with what is wrong, never with what stands in it. */
export function readJson(text: string, field = "body"): unknown {
  const refused = (why: string): DriftlessError =>
    new DriftlessError("INVALID_ARGUMENT", `${field}: ${why}`, { details: { field } });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    const why = (thrown as Error).message.replace(/, (\.\.\.)?"[\s\S]*$/, "").replace(/ in JSON/, "");
    throw refused(`no valid JSON: ${why}`);
  }
  const problem = problemOfJson(value);
  if (problem !== undefined) throw refused(problem);
  return value;
}

const refusals: Readonly<Record<number, (message: string) => DriftlessError>> = {
  404: (message) => new DriftlessError("NOT_FOUND", message),
  413: () => new DriftlessError("TOO_LARGE", "body: it is larger than this call takes"),
  414: () => new DriftlessError("INVALID_ARGUMENT", "path: a part of it is too long"),
  415: () => new DriftlessError("UNSUPPORTED_MEDIA_TYPE", "content-type: application/json is expected"),
};

/** Anything that was thrown while a request was answered, as one of our errors. */
export function refusalOf(thrown: unknown): DriftlessError {
  const { statusCode: status, message } = thrown as { statusCode?: number; message?: string };
  if (thrown instanceof DriftlessError || status === undefined || status >= 500) return toError(thrown);
  return (
    refusals[status]?.(message ?? "") ?? new DriftlessError("INVALID_ARGUMENT", message ?? "the request is malformed")
  );
}
