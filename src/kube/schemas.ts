// Merge schemas of a cluster's kinds, from its OpenAPI v3 documents: one for each group version, read when first asked
// for and kept as long as the index names the same hash. Source: Kubernetes API concepts, "OpenAPI V3".
import type { JsonObject } from "#base/json.ts";
import type { Operation } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import { catalogueFromOpenApiV3, type SchemaCatalogue, type TypeSchema } from "#core/merge/schema.ts";
import type { Transport } from "./transport.ts";
import type { Schemas } from "./types.ts";

const maxIndexAgeMs = 10 * 60_000;
/** After a document could not be read: how long the kinds in it count as having no schema. */
const retryBrokenMs = 30_000;

interface Document {
  readonly url: string;
  readonly catalogue: SchemaCatalogue | undefined;
  readonly readAtMs: number;
}

/** A missing or broken document gives undefined, never an error: comparing falls back to plain JSON. */
export function createSchemas(transport: Transport, clock: Clock): Schemas {
  let index: Promise<ReadonlyMap<string, string>> | undefined;
  let indexAtMs = 0;
  const documents = new Map<string, Promise<Document>>();
  const settled = new Map<string, Document>();

  const readIndex = (op: Operation): Promise<ReadonlyMap<string, string>> => {
    if (index === undefined || clock.monotonic() - indexAtMs > maxIndexAgeMs) {
      indexAtMs = clock.monotonic();
      const asking = fetchIndex(transport, op);
      index = asking;
      asking.catch(() => {
        if (index === asking) index = undefined;
      });
    }
    return index;
  };

  const readDocument = async (op: Operation, name: string): Promise<Document | undefined> => {
    const url = (await readIndex(op)).get(name);
    if (url === undefined) return undefined;
    const known = settled.get(name);
    if (known !== undefined && isCurrent(known, url, clock)) return known;
    let reading = documents.get(name);
    if (reading === undefined) {
      reading = fetchDocument(transport, op, url, clock)
        .then((document) => {
          settled.set(name, document);
          return document;
        })
        .finally(() => documents.delete(name));
      documents.set(name, reading);
    }
    return reading;
  };

  return {
    async typeOf(op, gvk): Promise<TypeSchema | undefined> {
      const name = gvk.group === "" ? `api/${gvk.version}` : `apis/${gvk.group}/${gvk.version}`;
      try {
        return (await readDocument(op, name))?.catalogue?.typeOf(gvk);
      } catch (thrown) {
        if (op.signal.aborted) throw thrown;
        op.log.warn("no schema", { cluster: transport.connection.name, document: name, error: String(thrown) });
        return undefined;
      }
    },
    async named(op, type): Promise<TypeSchema | undefined> {
      const [group = "", version = "v1", name = version] = type.split("/");
      const definition = definitionOf(group, version, name);
      try {
        const documents = [...(await readIndex(op)).keys()];
        const holds = (document: string): boolean =>
          document === `apis/${group}/${version}` ||
          (document.startsWith(`apis/${group}.`) && document.endsWith(`/${version}`));
        const document = documents.find(holds) ?? "api/v1";
        return (await readDocument(op, document))?.catalogue?.named(definition);
      } catch (thrown) {
        if (op.signal.aborted) throw thrown;
        op.log.warn("no schema", { cluster: transport.connection.name, type, error: String(thrown) });
        return undefined;
      }
    },
    invalidate() {
      index = undefined;
    },
  };
}

function definitionOf(group: string, version: string, name: string): string {
  if (group === "core" && name === "Quantity") return "io.k8s.apimachinery.pkg.api.resource.Quantity";
  if (group === "meta") return `io.k8s.apimachinery.pkg.apis.meta.${version}.${name}`;
  return `io.k8s.api.${group}.${version}.${name}`;
}

function isCurrent(document: Document, url: string, clock: Clock): boolean {
  if (document.url !== url) return false;
  return document.catalogue !== undefined || clock.monotonic() - document.readAtMs < retryBrokenMs;
}

async function fetchIndex(transport: Transport, op: Operation): Promise<ReadonlyMap<string, string>> {
  const answer = await transport.request(op, { method: "GET", path: "/openapi/v3", idempotent: true });
  const body = JSON.parse(answer.body) as { paths?: Record<string, { serverRelativeURL?: string }> };
  const urls = new Map<string, string>();
  for (const [name, entry] of Object.entries(body.paths ?? {})) {
    if (entry.serverRelativeURL !== undefined) urls.set(name, entry.serverRelativeURL);
  }
  return urls;
}

async function fetchDocument(transport: Transport, op: Operation, url: string, clock: Clock): Promise<Document> {
  const readAtMs = clock.monotonic();
  try {
    const answer = await transport.request(op, { method: "GET", path: url, idempotent: true, compress: true });
    // Only the schemas are needed: the paths, half of the document, are let go at once.
    const { components } = JSON.parse(answer.body) as { components?: JsonObject };
    return { url, readAtMs, catalogue: components && catalogueFromOpenApiV3([{ components }]) };
  } catch (thrown) {
    if (op.signal.aborted) throw thrown;
    op.log.warn("OpenAPI document not readable", { cluster: transport.connection.name, url, error: String(thrown) });
    return { url, readAtMs, catalogue: undefined };
  }
}
