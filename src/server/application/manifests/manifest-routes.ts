// REST bindings of manifests and comparisons: of revisions by GET, of files by POST of a tar.gz. Archives are read as they
// come. POST of lines of JSON to `manifestsWithFiles` is what a gateway makes of Argo CD's stream of chunks.
import type { FastifyInstance, FastifyRequest } from "fastify";
import { DriftlessError } from "#base/errors.ts";
import type { Application } from "#model/application.ts";
import { readJson } from "../../bodies.ts";
import { operationOf, type HttpDeps } from "../../http.ts";
import { recordedAs, type AuditDeps } from "../../rpc/audit.ts";
import type { ApplicationAccess } from "../access.ts";
import { queryAndFiles } from "./chunks.ts";
import { syncFiles } from "./local-sync.ts";
import type { LocalFiles, RevisionQuery } from "./manifests.ts";
import type { SyncRequest } from "../operations/operations.ts";
import type { AppRef } from "../queries.ts";
import type { ApplicationService } from "../service.ts";

type Query = Readonly<Record<string, string | readonly string[] | undefined>>;
type Body = AsyncIterable<Uint8Array>;

/** Above the limit that the archive itself is held to, so that its own error is answered. */
const bodyLimit = 128 << 20;
const archiveTypes = ["application/gzip", "application/x-gzip", "application/x-tar", "application/octet-stream"];

export async function manifestRoutes(
  app: FastifyInstance,
  deps: HttpDeps & { readonly access: ApplicationAccess; readonly audit: AuditDeps },
  service: ApplicationService,
): Promise<void> {
  const op = (request: FastifyRequest): ReturnType<typeof operationOf> => operationOf(deps, request);
  const base = "/api/v1/applications";
  const { manifests } = service;
  const permitted = (request: FastifyRequest): AppRef => {
    const ref = refOf(request);
    deps.access.require(request.account, "get", ref);
    return ref;
  };

  app.get(`${base}/:name/diff`, async (request) =>
    manifests.compare(op(request), permitted(request), revisionsOf(request)),
  );
  await withArchives(app, (scope) => {
    scope.post(`${base}/:name/diff`, { bodyLimit }, async (request) =>
      manifests.compareFiles(op(request), permitted(request), filesOf(request, bodyOf(request))),
    );
    // The request does not fit beside an archive: the body is lines of JSON, the request first.
    scope.post(`${base}/:name/sync/files`, { bodyLimit }, async (request) => {
      const ref = refOf(request);
      const sync = recordedAs(deps.audit, "ApplicationService.sync", {
        access: ({ account }) => {
          // Other manifests than Git's are more than a sync.
          for (const action of ["sync", "override"] as const) deps.access.require(account, action, ref);
        },
        handle: async (call) => {
          const { query, packed } = await queryAndFiles(linesOf(bodyOf(request)));
          const username = call.account?.username ?? "";
          const what = { ref, files: filesOf(request, packed), request: query as SyncRequest, username };
          return service.queries.presented(await syncFiles(call.op, service, what));
        },
      });
      const call = { op: op(request), account: request.account, transport: "rest", address: request.ip } as const;
      // For the record: what files there are, nobody has read yet.
      const asked = { ...ref, manifests: [ref.name] };
      await sync.access(call, asked);
      return sync.handle(call, asked);
    });
    scope.post(`${base}/manifestsWithFiles`, { bodyLimit }, async (request) => {
      const inner = op(request);
      if (!request.headers["content-type"]?.startsWith("application/json"))
        return manifests.manifestsOfFiles(inner, permitted(request), filesOf(request, bodyOf(request)));
      const { query, packed } = await queryAndFiles(linesOf(bodyOf(request)));
      if (query["application"] !== undefined) {
        // One that need not be there: rendering it says what making it would.
        const wanted = service.writes.wanted(query["application"] as Application);
        deps.access.requireWanted(request.account, "create", wanted);
        const files = query["files"] === false ? undefined : filesOf(request, packed);
        return manifests.manifestsOfWanted(inner, wanted, files);
      }
      const ref = refFrom({ ...query, ...(request.query as Query) });
      deps.access.require(request.account, "get", ref);
      return manifests.manifestsOfFiles(inner, ref, { packed, checksum: textOf(query["checksum"]) });
    });
  });
}

/** Routes whose bodies are archives: streams, not read before the handler asks for them. */
export async function withArchives(app: FastifyInstance, add: (scope: FastifyInstance) => void): Promise<void> {
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser([...archiveTypes, "application/json"], (_request, payload, done) => done(null, payload));
    add(scope);
  });
}

/** The body of such a route. */
export const bodyOf = (request: FastifyRequest): Body => {
  if (request.body) return request.body as Body;
  throw new DriftlessError("INVALID_ARGUMENT", "a tar.gz archive is required as the body");
};

const textOf = (value: unknown): string => {
  const one: unknown = Array.isArray(value) ? value.at(-1) : value;
  return typeof one === "string" ? one : "";
};
const listOf = (query: Query, name: string): string[] => [query[name] ?? []].flat().filter((value) => value !== "");

function refFrom(query: Readonly<Record<string, unknown>>, name = textOf(query["name"])): AppRef {
  if (name === "")
    throw new DriftlessError("INVALID_ARGUMENT", "the application's name is missing", { details: { field: "name" } });
  const [appNamespace, project] = [textOf(query["appNamespace"]), textOf(query["project"])];
  return { name, ...(appNamespace === "" ? {} : { appNamespace }), ...(project === "" ? {} : { project }) };
}

function refOf(request: FastifyRequest): AppRef {
  const named = (request.params as { readonly name?: string }).name;
  return named === undefined ? refFrom(request.query as Query) : refFrom(request.query as Query, named);
}

function revisionsOf(request: FastifyRequest): RevisionQuery {
  const query = request.query as Query;
  return {
    revision: textOf(query["revision"]),
    revisions: listOf(query, "revisions"),
    sourcePositions: listOf(query, "sourcePositions"),
  };
}

function filesOf(request: FastifyRequest, packed: Body): LocalFiles {
  const query = request.query as Query;
  const position = textOf(query["sourcePosition"]);
  const path = textOf(query["path"]);
  return {
    packed,
    checksum: textOf(query["checksum"]),
    base: textOf(query["base"]),
    ...(path === "" ? {} : { path }),
    ...(position === "" ? {} : { sourcePosition: Number(position) }),
  };
}

const maxLineBytes = 16 << 20;

async function* linesOf(body: Body): AsyncIterable<unknown> {
  let rest = "";
  const text = new TextDecoder();
  const parse = (line: string): unknown => readJson(line, "body, which is to be lines of JSON");
  for await (const bytes of body) {
    const lines = (rest + text.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > maxLineBytes) throw new DriftlessError("TOO_LARGE", "a line of the body is too long");
    for (const line of lines) if (line.trim() !== "") yield parse(line);
  }
  if (rest.trim() !== "") yield parse(rest);
}
