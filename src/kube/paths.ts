// Addresses of the Kubernetes API, by kind and name. Source: "Kubernetes API Concepts", Resource URIs; "Object Names and
// IDs", path segment names.
import { DriftlessError } from "#base/errors.ts";
import type { ObjectRef, ResourcePath } from "./types.ts";

const plain = /^[A-Za-z0-9._-]*$/;

/** A name in a path. What would make it the path of something else, of a whole collection too, is refused. */
function segment(text: string, what: "name" | "namespace"): string {
  if (text === "" || text === "." || text === ".." || /[/%\p{Cc}]/u.test(text))
    throw new DriftlessError(
      "INVALID_ARGUMENT",
      text === "" ? `${what}: it is empty` : `${what}: ${JSON.stringify(text.slice(0, 100))} cannot be one`,
      { details: { field: what } },
    );
  return plain.test(text) ? text : encodeURIComponent(text.toWellFormed());
}

/** `/api/v1/namespaces/NS/configmaps`, `/apis/apps/v1/deployments` (all namespaces), … */
export function collectionPath(type: ResourcePath, namespace: string | undefined): string {
  const root = type.group === "" ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  return type.namespaced && namespace !== undefined && namespace !== ""
    ? `${root}/namespaces/${segment(namespace, "namespace")}/${type.plural}`
    : `${root}/${type.plural}`;
}

export function objectPath(type: ResourcePath, ref: ObjectRef, subresource?: string): string {
  const path = `${collectionPath(type, ref.namespace)}/${segment(ref.name, "name")}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** `?a=b&c=d` of what is given; empty where nothing is. */
export function query(parameters: Readonly<Record<string, string | number | boolean | undefined>>): string {
  let text = "";
  for (const name in parameters) {
    const value = parameters[name];
    if (value === undefined) continue;
    text += `${text === "" ? "?" : "&"}${name}=${encodeURIComponent(value)}`;
  }
  return text;
}
