// The API's description: `/swagger.json`, and `/swagger-ui`, a page of it that needs no script and nothing from elsewhere.
// Made when it is first asked for.
import type { FastifyInstance } from "fastify";
import { isObject, listAt, stringAt, type JsonObject } from "#base/json.ts";
import { openApi, type ExtraPath } from "#protocol/openapi.ts";

/** What Driftless answers besides Argo CD's services. */
const extra: readonly ExtraPath[] = [
  { verb: "get", path: "/api/v1/applications/{name}/plan", about: "What a sync would do, or the running one does" },
  { verb: "get", path: "/api/v1/applications/{name}/waiting", about: "What the application waits for" },
  { verb: "get", path: "/api/v1/applications/{name}/drift", about: "Fields that differ, and who set them" },
  {
    verb: "get",
    path: "/api/v1/applications/{name}/diff",
    about: "What would change, at a revision or with local files",
  },
  {
    verb: "post",
    path: "/api/v1/applications/{name}/diff",
    about: "What would change with the files of a tar.gz",
  },
  {
    verb: "post",
    path: "/api/v1/applications/{name}/sync/files",
    about: "Syncs to the files of a tar.gz, beside Git",
  },
  {
    verb: "post",
    path: "/api/v1/applications/manifestsWithFiles",
    about: "Manifests of the files of a tar.gz, or of lines of JSON",
  },
  { verb: "get", path: "/healthz", about: "Whether the program is ready" },
  { verb: "get", path: "/metrics", about: "Metrics, for accounts that may read everything" },
  { verb: "post", path: "/api/v1/preview", about: "What a change of a repository would do to its applications" },
  { verb: "post", path: "/api/webhook", about: "Where Git hosts tell of pushes" },
];

/** What the server answers, as an OpenAPI document. */
export const document = (version: string): JsonObject => openApi(version, extra);

/** Adds both paths. They are open to anybody, as Argo CD's are. */
export function swaggerRoutes(app: FastifyInstance, version: string): void {
  let made: JsonObject | undefined;
  const remembered = (): JsonObject => (made ??= document(version));
  app.get("/swagger.json", async (_request, reply) => reply.send(remembered()));
  app.get("/swagger-ui", async (_request, reply) => reply.type("text/html; charset=utf-8").send(pageOf(remembered())));
}

const style = `body{font:15px system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1d2530}
summary{cursor:pointer;padding:.3rem 0}code{font-size:.9em}b{display:inline-block;width:4.5rem}table{border-collapse:collapse;
margin:.3rem 0 1rem 4.5rem}td{padding:.15rem 1rem .15rem 0;vertical-align:top}`;

function pageOf(document: JsonObject): string {
  const byTag = new Map<string, string[]>();
  for (const [path, verbs] of Object.entries(isObject(document["paths"]) ? document["paths"] : {})) {
    for (const [verb, operation] of Object.entries(isObject(verbs) ? verbs : {})) {
      const [first] = listAt(operation, "tags");
      const tag = typeof first === "string" ? first : "";
      byTag.set(tag, [...(byTag.get(tag) ?? []), entryOf(verb, path, operation)]);
    }
  }
  const sections = [...byTag].sort(([a], [b]) => (a < b ? -1 : 1));
  const body = sections.map(([tag, entries]) => `<h2>${escaped(tag)}</h2>${entries.join("")}`).join("");
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Driftless API</title><style>${style}</style>
<h1>Driftless API</h1><p>The same for programs: <a href="/swagger.json">/swagger.json</a>.
Log in with <code>POST /api/v1/session</code>, then send <code>Authorization: Bearer TOKEN</code>.</p>${body}</html>`;
}

function entryOf(verb: string, path: string, operation: unknown): string {
  const rows = listAt(operation, "parameters").map((parameter) => {
    const type = stringAt(parameter, "type") ?? reference(isObject(parameter) ? parameter["schema"] : undefined);
    const cells = [stringAt(parameter, "name"), stringAt(parameter, "in"), type].map((cell) => escaped(cell ?? ""));
    return `<tr><td><code>${cells.join("</code><td>")}`;
  });
  const answer = reference(
    isObject(operation) && isObject(operation["responses"]) ? operation["responses"]["200"] : {},
  );
  const about = stringAt(operation, "summary") ?? stringAt(operation, "operationId") ?? "";
  return `<details><summary><b>${verb.toUpperCase()}</b><code>${escaped(path)}</code> ${escaped(about)}</summary>
<table>${rows.join("")}<tr><td>answers<td><td>${escaped(answer)}</table></details>`;
}

function reference(value: unknown): string {
  const found = /"\$ref":"#\/definitions\/([^"]+)"/.exec(JSON.stringify(value ?? {}));
  return found?.[1] ?? "object";
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
