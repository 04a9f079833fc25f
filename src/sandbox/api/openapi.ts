// OpenAPI documents of what the cluster serves: /openapi/v3 (an index, and one document for each group-version) and
// /openapi/v2. Schemas come from the definitions; paths say just what kubectl looks for: kinds and query parameters.
import { createHash } from "node:crypto";
import type { JsonObject } from "#base/json.ts";
import type { ResourceDefinition } from "../contract.ts";
import { toOpenApiV2 } from "../resources/index.ts";
import type { DiscoveryAnswer } from "./discovery.ts";
import type { Kinds } from "./kinds.ts";
import { versionInfo } from "./version.ts";

const info = { title: "Kubernetes", version: versionInfo.gitVersion };
const objectMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

export class OpenApi {
  private readonly kinds: Kinds;
  /** Of documents by their group-version; texts are large and seldom asked for, so they are made again each time. */
  private hashes = new Map<string, string>();
  private revision = -1;

  constructor(kinds: Kinds) {
    this.kinds = kinds;
  }

  /** The document at a path, or undefined where there is none. */
  answer(path: string): DiscoveryAnswer | undefined {
    if (this.revision !== this.kinds.revision) {
      this.hashes = new Map();
      this.revision = this.kinds.revision;
    }
    if (path === "/openapi/v3") return answerOf(JSON.stringify(this.index()));
    if (path === "/openapi/v2") return answerOf(JSON.stringify(this.version2()));
    const match = /^\/openapi\/v3\/(?:api|apis\/([^/]+))\/([^/]+)$/.exec(path);
    if (match === null || !this.kinds.hasVersion(match[1] ?? "", match[2] ?? "")) return undefined;
    return answerOf(this.text(match[1] ?? "", match[2] ?? ""));
  }

  private index(): JsonObject {
    const paths: Record<string, JsonObject> = {};
    for (const { name, versions } of this.kinds.groups()) {
      for (const version of versions) {
        const place = name === "" ? `api/${version}` : `apis/${name}/${version}`;
        paths[place] = { serverRelativeURL: `/openapi/v3/${place}?hash=${this.hash(name, version)}` };
      }
    }
    return { paths };
  }

  private hash(group: string, version: string): string {
    const key = `${group}/${version}`;
    let hash = this.hashes.get(key);
    if (hash === undefined) {
      hash = hashOf(this.text(group, version));
      this.hashes.set(key, hash);
    }
    return hash;
  }

  private text(group: string, version: string): string {
    const definitions = this.kinds.inVersion(group, version);
    const schemas: Record<string, JsonObject> = {};
    const paths: Record<string, JsonObject> = {};
    for (const definition of definitions) {
      Object.assign(schemas, componentsOf(definition));
      Object.assign(paths, pathsOf(definition));
    }
    return JSON.stringify({ openapi: "3.0.0", info, paths, components: { schemas } });
  }

  private version2(): JsonObject {
    const definitions: Record<string, JsonObject> = {};
    const paths: Record<string, JsonObject> = {};
    for (const definition of this.kinds.all()) {
      for (const [name, schema] of Object.entries(componentsOf(definition))) definitions[name] ??= toOpenApiV2(schema);
      Object.assign(paths, pathsOf(definition));
    }
    return { swagger: "2.0", info, paths, definitions };
  }
}

export const openApiProtobufType = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

/**
 * /openapi/v2 for clients that read it in protobuf only (kubectl, for kinds that it does not find in v3): a document
 * that names nothing, so that they look no further. Field numbers are those of gnostic's OpenAPIv2.
 */
export function emptyProtobufDocument(): Buffer {
  const field = (number: number, bytes: Buffer): Buffer =>
    Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
  const about = Buffer.concat([field(1, Buffer.from(info.title)), field(2, Buffer.from(info.version))]);
  const [swagger, paths, definitions] = [field(1, Buffer.from("2.0")), Buffer.alloc(0), Buffer.alloc(0)];
  return Buffer.concat([swagger, field(2, about), field(8, paths), field(9, definitions)]);
}

function answerOf(text: string): DiscoveryAnswer {
  return { text, contentType: "application/json", etag: `"${hashOf(text)}"` };
}

function hashOf(text: string): string {
  return createHash("sha512").update(text).digest("hex").toUpperCase();
}

function componentsOf({ group, version, kind, openapi }: ResourceDefinition): Readonly<Record<string, JsonObject>> {
  if (openapi !== undefined) return openapi.components();
  const name = [...group.split(".").toReversed(), version, kind].filter((part) => part !== "").join(".");
  return {
    [name]: {
      type: "object",
      "x-kubernetes-preserve-unknown-fields": true,
      "x-kubernetes-group-version-kind": [{ group, version, kind }],
      properties: {
        apiVersion: { type: "string" },
        kind: { type: "string" },
        metadata: { allOf: [{ $ref: `#/components/schemas/${objectMeta}` }] },
      },
    },
  };
}

const queryParameter = (name: string) => ({ name, in: "query", schema: { type: "string", uniqueItems: true } });
const writeParameters = ["dryRun", "fieldManager", "fieldValidation"].map(queryParameter);
const patchParameters = [...writeParameters, queryParameter("force")];

function pathsOf(definition: ResourceDefinition): Record<string, JsonObject> {
  const { group, version, kind, plural, namespaced, verbs } = definition;
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  const collection = `${root}/${namespaced ? "namespaces/{namespace}/" : ""}${plural}`;
  const gvk = { "x-kubernetes-group-version-kind": { group, version, kind } };
  const responses = { "200": { description: "OK" } };
  const operation = (action: string, parameters: readonly JsonObject[] = []): JsonObject => ({
    ...(parameters.length > 0 ? { parameters } : {}),
    responses,
    "x-kubernetes-action": action,
    ...gvk,
  });
  const has = (verb: string, value: JsonObject): JsonObject => (verbs.includes(verb) ? value : {});
  return {
    [collection]: {
      ...has("list", { get: operation("list") }),
      ...has("create", { post: operation("post", writeParameters) }),
      ...has("deletecollection", { delete: operation("deletecollection") }),
    },
    [`${collection}/{name}`]: {
      ...has("get", { get: operation("get") }),
      ...has("update", { put: operation("put", writeParameters) }),
      ...has("patch", { patch: operation("patch", patchParameters) }),
      ...has("delete", { delete: operation("delete") }),
    },
  };
}
