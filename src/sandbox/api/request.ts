// What a request asks for, read from its path and headers. Knows Kubernetes' URL layout ("API concepts: Resource
// URIs") and content negotiation; looks nothing up.
import { noSuchForm, notAcceptable } from "./status.ts";

export interface ResourcePath {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
  /** The old `/api/v1/watch/…` form. */
  readonly watch?: boolean;
}

const namespaceSubresources = new Set(["status", "finalize"]);

/** The resource that a path names; undefined for discovery and other documents, and for what is no path of the API. */
export function parseResourcePath(path: string): ResourcePath | undefined {
  const parts = path.split("/").filter((part) => part !== "");
  let decoded: string[];
  try {
    decoded = parts.map((part) => decodeURIComponent(part));
  } catch {
    return undefined;
  }
  const [root] = decoded;
  if (root !== "api" && root !== "apis") return undefined;
  const group = root === "api" ? "" : (decoded[1] ?? "");
  const rest = decoded.slice(root === "api" ? 1 : 2);
  const version = rest.shift();
  const watch = rest[0] === "watch";
  if (watch) rest.shift();
  if (version === undefined || rest.length === 0) return undefined;
  const base = { group, version, ...(watch ? { watch } : {}) };
  if (rest[0] === "namespaces" && rest.length >= 3 && !(group === "" && namespaceSubresources.has(rest[2] ?? ""))) {
    const [, namespace = "", plural = "", name, subresource] = rest;
    return { ...base, namespace, plural, ...named(name, subresource) };
  }
  const [plural = "", name, subresource] = rest;
  return { ...base, plural, ...named(name, subresource) };
}

function named(name: string | undefined, subresource: string | undefined) {
  return { ...(name === undefined ? {} : { name }), ...(subresource === undefined ? {} : { subresource }) };
}

export type Encoding = "json" | "yaml";

export interface AcceptedForm {
  readonly encoding: Encoding;
  /** "partial" is PartialObjectMetadata(List). */
  readonly as: "object" | "table" | "partial" | "discovery";
  /** Version of meta.k8s.io, or of apidiscovery.k8s.io. */
  readonly version: string;
  /** Whether the metadata of a list were asked for. */
  readonly list?: boolean;
}

const transformed: Readonly<Record<string, AcceptedForm["as"]>> = {
  Table: "table",
  PartialObjectMetadata: "partial",
  PartialObjectMetadataList: "partial",
  APIGroupDiscoveryList: "discovery",
};

const versionsOf: Readonly<Record<string, readonly string[]>> = {
  table: ["v1", "v1beta1"],
  partial: ["v1", "v1beta1"],
  discovery: ["v2", "v2beta1"],
};

/**
 * The first form of an Accept header that we can give. `allowed` names the transformations that the path knows.
 * Errors: NotAcceptable.
 */
export function negotiate(
  accept: string | undefined,
  allowed: readonly AcceptedForm["as"][],
  streaming = false,
): AcceptedForm {
  const plain: AcceptedForm = { encoding: "json", as: "object", version: "" };
  if (accept === undefined || accept === "" || accept === "application/json") return plain;
  let known = false;
  for (const clause of clauses(accept)) {
    const encoding = encodings[clause.type];
    if (encoding === undefined) continue;
    known = true;
    const wanted = clause.parameters.get("as");
    if (wanted === undefined) return { ...plain, encoding };
    const as = transformed[wanted];
    const version = clause.parameters.get("v") ?? "v1";
    if (as === undefined || !allowed.includes(as) || versionsOf[as]?.includes(version) !== true) continue;
    return { encoding, as, version, ...(as === "partial" ? { list: wanted.endsWith("List") } : {}) };
  }
  throw known ? noSuchForm() : notAcceptable(streaming);
}

const encodings: Readonly<Record<string, Encoding>> = {
  "application/json": "json",
  "application/yaml": "yaml",
  "application/*": "json",
  "*/*": "json",
};

interface Clause {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

function clauses(accept: string): Clause[] {
  return accept
    .split(",")
    .map((text) => {
      const [type = "", ...rest] = text.split(";").map((part) => part.trim());
      const parameters = new Map(
        rest.map((part) => {
          const equals = part.indexOf("=");
          return equals < 0 ? [part, ""] : [part.slice(0, equals), part.slice(equals + 1)];
        }),
      );
      return { type, parameters, quality: Number(parameters.get("q") ?? 1) };
    })
    .sort((a, b) => b.quality - a.quality);
}

/** Whether a query parameter says yes, as Kubernetes reads booleans. */
export function isSet(value: string | null): boolean {
  return value !== null && value !== "" && value !== "false" && value !== "0";
}
