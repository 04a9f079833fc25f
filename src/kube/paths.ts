// Addresses of the Kubernetes API, by kind and name. Source: "Kubernetes API Concepts", Resource URIs.
import type { ObjectRef, ResourcePath } from "./types.ts";

const plain = /^[A-Za-z0-9._-]*$/;

function segment(text: string): string {
  return plain.test(text) ? text : encodeURIComponent(text);
}

/** `/api/v1/namespaces/NS/configmaps`, `/apis/apps/v1/deployments` (all namespaces), … */
export function collectionPath(type: ResourcePath, namespace: string | undefined): string {
  const root = type.group === "" ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  return type.namespaced && namespace !== undefined && namespace !== ""
    ? `${root}/namespaces/${segment(namespace)}/${type.plural}`
    : `${root}/${type.plural}`;
}

export function objectPath(type: ResourcePath, ref: ObjectRef, subresource?: string): string {
  const path = `${collectionPath(type, ref.namespace)}/${segment(ref.name)}`;
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
