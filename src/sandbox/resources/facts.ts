// The facts of the built-in kinds (facts/kubernetes.json, made by tools/kubernetes-facts.ts, which explains the
// notation) as typed values, and a reader for their notation. Reads nothing else; knows no kind by name.
import document from "./facts/kubernetes.json" with { type: "json" };
import type { Json, JsonObject } from "#base/json.ts";

export interface ResourceFacts {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly namespaced: boolean;
  /** Separated by spaces. */
  readonly verbs: string;
  /** [name, kind, apiVersion, verbs separated by spaces] */
  readonly subresources?: readonly (readonly string[])[];
  /** Of `kubectl get`: [name, type, format, priority] */
  readonly columns?: readonly (readonly (string | number)[])[];
}

/** A field that has more than a type. */
export interface FieldFacts {
  readonly t: string;
  readonly d?: Json;
  readonly e?: readonly string[];
  readonly i?: readonly string[];
  readonly k?: readonly string[];
  readonly l?: string;
  readonly m?: string;
  readonly p?: string;
  readonly a?: number;
  readonly x?: JsonObject;
}

export interface TypeFacts {
  readonly f?: Readonly<Record<string, string | FieldFacts>>;
  readonly r?: readonly string[];
  readonly g?: readonly (readonly [string, string, string])[];
  /** 1: the type belongs to every group and version (DeleteOptions, WatchEvent). */
  readonly every?: number;
  readonly x?: JsonObject;
  readonly raw?: JsonObject;
}

interface Facts {
  readonly origin: string;
  readonly resources: readonly ResourceFacts[];
  readonly types: Readonly<Record<string, TypeFacts>>;
}

export const facts = document as unknown as Facts;

/** Every type's OpenAPI name begins with this; the facts leave it out. */
export const typePrefix = "io.k8s.";

export function fieldFacts(field: string | FieldFacts): FieldFacts {
  return typeof field === "string" ? { t: field } : field;
}

/** The name of the type that a code refers to below its lists and maps: `[=api.core.v1.Container`. */
export function referredType(code: string): string | undefined {
  const at = code.indexOf("=");
  return at < 0 ? undefined : code.slice(at + 1);
}

const byKind: ReadonlyMap<string, string> = new Map(
  Object.entries(facts.types).flatMap(([name, type]) =>
    (type.g ?? []).map(([group, version, kind]) => [`${group}/${version}/${kind}`, name] as const),
  ),
);

/** The type's name (without prefix) of a group, version and kind. */
export function typeNameOf(group: string, version: string, kind: string): string | undefined {
  return byKind.get(`${group}/${version}/${kind}`);
}
