// Requests for every method of the API, made from its descriptors: fields are filled by their names, as far as there are
// values for them. A method that comes is asked like the others.
import type { DescField, DescMessage } from "@bufbuild/protobuf";

/** What stands in fields, by their JSON names: a value, or several to be tried one after the other. */
export interface Values {
  readonly [field: string]: unknown;
}

/** Takes a request's message and values; returns the request with what there is for it. */
export function requestFor(message: DescMessage, values: Values): Record<string, unknown> {
  const request: Record<string, unknown> = {};
  for (const field of message.fields) {
    const value = valueFor(message, field, values);
    if (value !== undefined) request[field.jsonName] = value;
  }
  return request;
}

function valueFor(message: DescMessage, field: DescField, values: Values): unknown {
  const { jsonName: name } = field;
  // What a name means depends on what it is a name in.
  const value = values[`${message.name}.${name}`] ?? values[name];
  if (field.fieldKind === "list") {
    if (Array.isArray(value)) return value;
    return value !== undefined && field.listKind === "scalar" ? [value] : undefined;
  }
  if (field.fieldKind === "message" && value === undefined) {
    const inner = requestFor(field.message, values);
    return Object.keys(inner).length > 0 && /query|request|id$/i.test(name) ? inner : undefined;
  }
  if (field.fieldKind === "message") return typeof value === "object" ? value : undefined;
  if (field.fieldKind === "map") return undefined;
  return typeof value === "object" ? undefined : value;
}
