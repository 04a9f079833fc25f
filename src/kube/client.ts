// The Kubernetes client: objects in, objects out, one request each. No retries of its own beyond the transport's, no
// cache of objects (that is cache.ts).
import { DriftlessError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import { apiVersionOf, type KubernetesObject } from "#model/object.ts";
import type { Connection } from "./connection.ts";
import { createDiscovery } from "./discovery.ts";
import { withoutManagedFields } from "./managed-fields.ts";
import { collectionPath, objectPath, query } from "./paths.ts";
import { createSchemas } from "./schemas.ts";
import { withoutSecretValues } from "./secret-refusals.ts";
import { Transport, type TransportOptions } from "./transport.ts";
import type {
  DeleteOptions,
  KubeClient,
  ListOptions,
  ListResult,
  PatchType,
  ResourcePath,
  ServerVersion,
  WatchOptions,
  WriteOptions,
} from "./types.ts";
import { lineBatches, watchEvents } from "./watch.ts";

export type ClientOptions = TransportOptions;

const one = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
const many = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
const json = "application/json";

const contentTypes: Readonly<Record<PatchType, string>> = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
};

/** A client for one connection. Closing it breaks off its watches and requests. */
export function createClient(connection: Connection, options: ClientOptions): KubeClient {
  const transport = new Transport(connection, options);
  const read = reader(transport, undefined);
  const shared = {
    name: connection.name,
    server: connection.server,
    discovery: createDiscovery(transport, options.clock),
    schemas: createSchemas(transport, options.clock),
  };
  return {
    ...shared,
    ...objectRequests(transport, undefined),
    impersonating: (user) => ({ ...shared, ...objectRequests(transport, user) }),
    async version(op) {
      return parse(await read(op, "/version", json), "/version") as ServerVersion;
    },
    watch: (op, type, settings) => {
      const path = collectionPath(type, settings.namespace) + query(watchQuery(settings));
      return watchEvents(transport, op, {
        path,
        accept: settings.metadataOnly === true ? one : json,
        dropManagedFields: settings.dropManagedFields === true,
        keepFields: settings.keepFields,
        onOpen: settings.onOpen,
      });
    },
    async raw(op, request) {
      const answer = await transport.request(op, { ...request, idempotent: request.method === "GET", accept: "*/*" });
      return answer.body;
    },
    lines: (op, path) => lineBatches(transport, op, { path, accept: "*/*", idleMs: 0, rest: true }),
    async exec(op, request, handlers) {
      const { openExec } = await import("./exec.ts");
      return openExec(op, connection, { "user-agent": options.userAgent }, { request, handlers });
    },
    close: () => transport.close(),
  };
}

type Read = (op: Operation, path: string, accept: string, compress?: boolean) => Promise<string>;

function reader(transport: Transport, user: string | undefined): Read {
  return async (op, path, accept, compress = false) => {
    const as = user === undefined ? {} : { user };
    return (await transport.request(op, { method: "GET", path, accept, idempotent: true, compress, ...as })).body;
  };
}

/** Reads and writes of objects, in the name of `user` where one is given. */
function objectRequests(
  transport: Transport,
  user: string | undefined,
): Pick<KubeClient, "get" | "list" | "create" | "replace" | "patch" | "delete"> {
  const as = user === undefined ? {} : { user };
  const read = reader(transport, user);
  const write = async (
    op: Operation,
    {
      type,
      sent,
      ...request
    }: Omit<Parameters<Transport["request"]>[1], "body"> & {
      readonly type: ResourcePath;
      readonly sent: unknown;
    },
  ): Promise<KubernetesObject> => {
    const whole = { ...request, body: JSON.stringify(sent), ...as };
    const answer = await transport.request(op, whole).catch((thrown: unknown) => {
      throw withoutSecretValues(thrown, type, sent);
    });
    return parse(answer.body, request.path) as KubernetesObject;
  };
  return {
    async get(op, type, ref, settings = {}) {
      try {
        const path = objectPath(type, ref, settings.subresource);
        return parse(await read(op, path, settings.metadataOnly === true ? one : json), path) as KubernetesObject;
      } catch (thrown) {
        if (thrown instanceof DriftlessError && thrown.code === "NOT_FOUND") return undefined;
        throw thrown;
      }
    },
    list: (op, type, settings = {}) => listAll(read, op, type, settings),
    create(op, type, object, settings = {}) {
      const namespace = object.metadata.namespace;
      const path =
        settings.subresource === undefined
          ? collectionPath(type, namespace)
          : objectPath(
              type,
              { ...(namespace === undefined ? {} : { namespace }), name: nameOf(object) },
              settings.subresource,
            );
      return write(op, {
        method: "POST",
        path: path + query(writeQuery(settings)),
        type,
        sent: object,
        idempotent: false,
      });
    },
    replace(op, type, object, settings = {}) {
      const { namespace } = object.metadata;
      const ref = { ...(namespace === undefined ? {} : { namespace }), name: nameOf(object) };
      return write(op, {
        method: "PUT",
        path: objectPath(type, ref, settings.subresource) + query(writeQuery(settings)),
        type,
        sent: object,
        idempotent: true,
      });
    },
    patch(op, type, ref, patch, settings = {}) {
      return write(op, {
        method: "PATCH",
        path: objectPath(type, ref, settings.subresource) + query({ ...writeQuery(settings), force: settings.force }),
        contentType: contentTypes[patch.type],
        type,
        sent: patch.body,
        idempotent: patch.type !== "json",
      });
    },
    async delete(op, type, ref, settings = {}) {
      try {
        const path = objectPath(type, ref);
        await transport.request(op, { method: "DELETE", path, body: deleteBody(settings), idempotent: true, ...as });
      } catch (thrown) {
        if (!(thrown instanceof DriftlessError && thrown.code === "NOT_FOUND")) throw thrown;
      }
    },
  };
}

async function listAll(read: Read, op: Operation, type: ResourcePath, settings: ListOptions): Promise<ListResult> {
  const accept = settings.metadataOnly === true ? many : json;
  const base = collectionPath(type, settings.namespace);
  const cached = settings.resourceVersion === "0";
  const items: KubernetesObject[] = [];
  let next: string | undefined;
  for (;;) {
    const parameters = {
      labelSelector: settings.labelSelector,
      fieldSelector: settings.fieldSelector,
      // The API server's cache ignores the limit; newer ones would page from etcd instead.
      limit: cached ? undefined : (settings.limit ?? 500),
      continue: next,
      resourceVersion: next === undefined ? settings.resourceVersion : undefined,
    };
    const body = await read(op, base + query(parameters), accept, true);
    const text = settings.dropManagedFields === true ? withoutManagedFields(body, settings.keepFields) : body;
    const page = parse(text, base) as RawList;
    addItems(items, page, type);
    next = page.metadata?.continue;
    if (next === undefined || next === "") {
      return { items, resourceVersion: page.metadata?.resourceVersion ?? "" };
    }
  }
}

interface RawList {
  readonly kind?: string;
  readonly items?:
    | readonly (Omit<KubernetesObject, "kind" | "apiVersion"> & { kind?: string; apiVersion?: string })[]
    | null;
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
}

/** Items of a list come without apiVersion and kind, except those of partial metadata and of custom resources. */
function addItems(into: KubernetesObject[], page: RawList, type: ResourcePath): void {
  const apiVersion = apiVersionOf(type);
  const kind = page.kind?.endsWith("List") === true ? page.kind.slice(0, -4) : "";
  for (const item of page.items ?? []) {
    if (item.kind !== undefined && item.apiVersion !== undefined) into.push(item as KubernetesObject);
    else into.push({ apiVersion, kind, ...item } as KubernetesObject);
  }
}

function watchQuery(settings: WatchOptions): Record<string, string | number | boolean | undefined> {
  return {
    watch: true,
    allowWatchBookmarks: true,
    resourceVersion: settings.resourceVersion,
    labelSelector: settings.labelSelector,
    fieldSelector: settings.fieldSelector,
    timeoutSeconds: settings.timeoutSeconds,
    ...(settings.sendInitialEvents === true ? { sendInitialEvents: true, resourceVersionMatch: "NotOlderThan" } : {}),
  };
}

function writeQuery(settings: WriteOptions): Record<string, string | undefined> {
  return {
    dryRun: settings.dryRun === true ? "All" : undefined,
    fieldManager: settings.fieldManager,
    fieldValidation: settings.fieldValidation,
  };
}

function deleteBody(settings: DeleteOptions): string {
  const { propagationPolicy, gracePeriodSeconds, uid, resourceVersion } = settings;
  return JSON.stringify({
    apiVersion: "v1",
    kind: "DeleteOptions",
    propagationPolicy,
    gracePeriodSeconds,
    dryRun: settings.dryRun === true ? ["All"] : undefined,
    preconditions: uid === undefined && resourceVersion === undefined ? undefined : { uid, resourceVersion },
  });
}

function nameOf(object: KubernetesObject): string {
  const { name } = object.metadata;
  if (name !== undefined && name !== "") return name;
  throw new DriftlessError("INVALID_ARGUMENT", `${object.kind}: metadata.name is missing`);
}

function parse(body: string, path: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch (thrown) {
    throw new DriftlessError("CLUSTER_UNREACHABLE", `${path}: the answer is not JSON`, { cause: thrown });
  }
}
