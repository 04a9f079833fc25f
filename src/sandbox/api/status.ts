// The API's refusals, in Kubernetes' words: one function for each reason. Makes ApiErrors, decides nothing.
import { ApiError, type FieldError, type Status, type StatusCause } from "../contract.ts";

/** A resource as messages name it: plural and group. */
export interface ResourceName {
  readonly group: string;
  readonly plural: string;
}

interface KindName {
  readonly group: string;
  readonly kind: string;
}

interface Refusal {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly details?: Status["details"];
  readonly metadata?: Status["metadata"];
}

export function refusal({ code, reason, message, details, metadata = {} }: Refusal): ApiError {
  return new ApiError({
    kind: "Status",
    apiVersion: "v1",
    metadata,
    status: "Failure",
    message,
    ...(reason === "" ? {} : { reason }),
    ...(details === undefined ? {} : { details }),
    code,
  });
}

/** `configmaps`, or `deployments.apps` where there is a group. */
export function qualified({ group, plural }: ResourceName): string {
  return group === "" ? plural : `${plural}.${group}`;
}

function details(resource: ResourceName, name: string) {
  return {
    ...(name === "" ? {} : { name }),
    ...(resource.group === "" ? {} : { group: resource.group }),
    kind: resource.plural,
  };
}

export function notFound(resource: ResourceName, name: string): ApiError {
  const message = `${qualified(resource)} ${JSON.stringify(name)} not found`;
  return refusal({ code: 404, reason: "NotFound", message, details: details(resource, name) });
}

/** A path of a served group-version whose resource does not exist. */
export function noSuchResource(): ApiError {
  const message = "the server could not find the requested resource";
  return refusal({ code: 404, reason: "NotFound", message, details: {} });
}

export function alreadyExists(resource: ResourceName, name: string): ApiError {
  const message = `${qualified(resource)} ${JSON.stringify(name)} already exists`;
  return refusal({ code: 409, reason: "AlreadyExists", message, details: details(resource, name) });
}

export function conflict(resource: ResourceName, name: string, why: string): ApiError {
  const message = `Operation cannot be fulfilled on ${qualified(resource)} ${JSON.stringify(name)}: ${why}`;
  return refusal({ code: 409, reason: "Conflict", message, details: details(resource, name) });
}

export const modified = "the object has been modified; please apply your changes to the latest version and try again";

export function forbidden(
  resource: ResourceName,
  name: string,
  why: string,
  causes?: readonly StatusCause[],
): ApiError {
  const subject = name === "" ? qualified(resource) : `${qualified(resource)} ${JSON.stringify(name)}`;
  return refusal({
    code: 403,
    reason: "Forbidden",
    message: `${subject} is forbidden: ${why}`,
    details: { ...details(resource, name), ...(causes === undefined ? {} : { causes }) },
  });
}

export function badRequest(message: string): ApiError {
  return refusal({ code: 400, reason: "BadRequest", message });
}

export function methodNotAllowed(verb: string, resource: ResourceName): ApiError {
  const message =
    verb === ""
      ? "the server does not allow this method on the requested resource"
      : `${verb} is not supported on resources of kind ${JSON.stringify(qualified(resource))}`;
  return refusal({ code: 405, reason: "MethodNotAllowed", message, details: verb === "" ? {} : details(resource, "") });
}

export function unauthorized(): ApiError {
  return refusal({ code: 401, reason: "Unauthorized", message: "Unauthorized" });
}

export function tooLarge(limitBytes: number): ApiError {
  const message = `Request entity too large: limit is ${limitBytes}`;
  return refusal({ code: 413, reason: "RequestEntityTooLarge", message });
}

/** None of the media types that the client accepts can be given. */
export function notAcceptable(streaming: boolean): ApiError {
  const plain = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];
  const streams = ["application/json;stream=watch", "application/vnd.kubernetes.protobuf;stream=watch"];
  const available = (streaming ? [...plain, ...streams] : plain).join(", ");
  const message = `406: Not Acceptable\n\nAvailable representations: ${available}`;
  return refusal({ code: 406, reason: "NotAcceptable", message, details: {} });
}

/** The media type is known, its parameters ask for something else. */
export function noSuchForm(): ApiError {
  const message =
    "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf";
  return refusal({ code: 406, reason: "NotAcceptable", message });
}

export function unsupportedMediaType(accepted: readonly string[]): ApiError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`;
  return refusal({ code: 415, reason: "UnsupportedMediaType", message });
}

export function expired(message: string): ApiError {
  return refusal({ code: 410, reason: "Expired", message });
}

export function internal(message: string): ApiError {
  const causes = [{ reason: "", message }];
  return refusal({
    code: 500,
    reason: "InternalError",
    message: `Internal error occurred: ${message}`,
    details: { causes },
  });
}

/** The client asked for a resourceVersion that the cluster has not reached. */
export function futureResourceVersion(asked: number, current: number): ApiError {
  return refusal({
    code: 504,
    reason: "Timeout",
    message: `Timeout: Too large resource version: ${asked}, current: ${current}`,
    details: {
      causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
      retryAfterSeconds: 1,
    },
  });
}

const causeReasons: Readonly<Record<FieldError["type"], string>> = {
  "Required value": "FieldValueRequired",
  "Invalid value": "FieldValueInvalid",
  "Not found": "FieldValueNotFound",
  "Duplicate value": "FieldValueDuplicate",
  "Unsupported value": "FieldValueNotSupported",
  Forbidden: "FieldValueForbidden",
  "Too long": "FieldValueTooLong",
  "Too many": "FieldValueTooMany",
};

/** Validation's findings as the one Invalid answer, with a cause for each. */
export function invalid(kind: KindName, name: string, errors: readonly FieldError[]): ApiError {
  const causes = errors.map((error) => ({
    reason: error.reason ?? causeReasons[error.type],
    message: fieldErrorText(error),
    field: error.field,
  }));
  const texts = [...new Set(causes.map((cause) => `${cause.field}: ${cause.message}`))];
  const qualifiedKind = kind.group === "" ? kind.kind : `${kind.kind}.${kind.group}`;
  const list = texts.length === 1 ? texts[0] : `[${texts.join(", ")}]`;
  return refusal({
    code: 422,
    reason: "Invalid",
    message: `${qualifiedKind} ${JSON.stringify(name)} is invalid: ${list}`,
    details: {
      ...(name === "" ? {} : { name }),
      ...(kind.group === "" ? {} : { group: kind.group }),
      ...(kind.kind === "" ? {} : { kind: kind.kind }),
      causes,
    },
  });
}

const withoutValue = new Set<FieldError["type"]>(["Required value", "Forbidden", "Too long"]);

/** `Invalid value: "x": must be …`, as Kubernetes' field errors read. */
export function fieldErrorText({ type, value, detail }: FieldError): string {
  const parts: string[] = [type];
  if (!withoutValue.has(type)) parts.push(valueText(value));
  if (detail !== "") parts.push(detail);
  return parts.join(": ");
}

function valueText(value: unknown): string {
  if (value === undefined || value === null) return "null";
  return JSON.stringify(value);
}
