// The HTTPS front of one cluster: sockets, authentication, bodies and their limit, documents, answers. What the
// resources' requests mean is handler.ts's business.
import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { constants, gzip } from "node:zlib";
import { stringify } from "yaml";
import { toError } from "#base/errors.ts";
import type { Logger } from "#base/operation.ts";
import { ApiError } from "../contract.ts";
import { anonymous, impersonated, openIdConfiguration, type User } from "./access.ts";
import { authorize } from "./authorize.ts";
import type { ApiAnswer, ApiRequest } from "./call.ts";
import type { ServingCertificates } from "./certificates.ts";
import type { Core } from "./core.ts";
import { Discovery } from "./discovery.ts";
import { handle } from "./handler.ts";
import { emptyProtobufDocument, OpenApi, openApiProtobufType } from "./openapi.ts";
import { parseProtobuf, protobufType } from "./protobuf.ts";
import { type AcceptedForm, isSet, negotiate, parseResourcePath } from "./request.ts";
import { forbidden, internal, noSuchResource, refusal, tooLarge, unauthorized } from "./status.ts";
import { versionInfo } from "./version.ts";
import { WatchHub } from "./watch.ts";

export interface ApiServerOptions {
  readonly core: Core;
  readonly certificates: ServingCertificates;
  readonly log: Logger;
}

const host = "127.0.0.1";
const noBody = Buffer.alloc(0);
const maxBodyBytes = 3 * 1024 * 1024;
const gzipFromBytes = 128 * 1024;
const keepAliveMs = 180_000;
const headersWithinMs = 20_000;
const requestWithinMs = 60_000;

export class ApiServer {
  private readonly options: ApiServerOptions;
  private readonly server: Server;
  private readonly hub: WatchHub;
  private readonly discovery: Discovery;
  private readonly openapi: OpenApi;
  private readonly sockets = new Set<Socket>();

  constructor(options: ApiServerOptions) {
    this.options = options;
    const { cert, key } = options.certificates;
    this.server = createServer({
      cert,
      key,
      ALPNProtocols: ["http/1.1"],
      keepAliveTimeout: keepAliveMs,
      headersTimeout: headersWithinMs,
      requestTimeout: requestWithinMs,
      noDelay: true,
    });
    this.hub = new WatchHub(options.core);
    this.discovery = new Discovery(options.core.kinds, () => `${host}:${this.port}`);
    this.openapi = new OpenApi(options.core.kinds);
    this.server.on("request", (request: IncomingMessage, response: ServerResponse) => this.receive(request, response));
    this.server.on("connection", (socket: Socket) => {
      this.sockets.add(socket);
      socket.on("close", () => this.sockets.delete(socket));
    });
    this.server.on("tlsClientError", (_error, socket) => socket.destroy());
    this.server.on("clientError", (_error, socket) => socket.destroy());
  }

  get port(): number {
    return (this.server.address() as AddressInfo | null)?.port ?? 0;
  }

  get url(): string {
    return `https://${host}:${this.port}`;
  }

  get watches(): WatchHub {
    return this.hub;
  }

  /** Listens on a port of the loopback interface; 0 is any free one. Errors: what listening fails with. */
  listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen(port, host, () => {
        this.server.removeListener("error", reject);
        this.server.on("error", (error) => this.options.log.error("API server", { error: error.message }));
        resolve();
      });
    });
  }

  /** Ends watches and connections. */
  async close(): Promise<void> {
    this.hub.close();
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    await new Promise((resolve) => setImmediate(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  private receive(request: IncomingMessage, response: ServerResponse): void {
    const { core } = this.options;
    response.on("error", () => response.destroy());
    const identity = core.access.authenticate(request.headers.authorization, core.clock.now());
    if (identity === undefined) return this.fail(request, response, unauthorized());
    const user = impersonated(identity, request.headers);
    if (user === undefined) {
      const asked = { group: "", plural: "users" };
      const why = `User ${JSON.stringify(identity.name)} cannot impersonate resource "users" in API group "" at the cluster scope`;
      return this.fail(request, response, forbidden(asked, String(request.headers["impersonate-user"]), why));
    }
    const { method = "GET", headers } = request;
    if (method === "GET" || (headers["content-length"] === undefined && headers["transfer-encoding"] === undefined)) {
      return this.respond(request, response, user, noBody);
    }
    if (Number(headers["content-length"] ?? 0) > maxBodyBytes) return this.refuseBody(request, response);
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBodyBytes) return this.refuseBody(request, response);
      chunks.push(chunk);
    });
    request.on("end", () => {
      if (bytes <= maxBodyBytes) this.respond(request, response, user, Buffer.concat(chunks));
    });
    request.on("error", () => response.destroy());
  }

  private refuseBody(request: IncomingMessage, response: ServerResponse): void {
    request.removeAllListeners("data");
    request.resume();
    if (response.headersSent) return;
    response.setHeader("Connection", "close");
    this.fail(request, response, tooLarge(maxBodyBytes));
  }

  private respond(request: IncomingMessage, response: ServerResponse, user: User, bytes: Buffer): void {
    try {
      const url = request.url ?? "/";
      const mark = url.indexOf("?");
      const path = mark < 0 ? url : url.slice(0, mark);
      const query = new URLSearchParams(mark < 0 ? "" : url.slice(mark + 1));
      const resource = parseResourcePath(path);
      if (resource === undefined || !this.options.core.kinds.hasVersion(resource.group, resource.version)) {
        return this.document(request, response, { path, user });
      }
      const header = (name: string): string | undefined => {
        const value = request.headers[name];
        return Array.isArray(value) ? value.join(",") : value;
      };
      const { method = "GET" } = request;
      // What is written in protobuf is JSON from here on.
      const isProtobuf = bytes.length > 0 && header("content-type")?.startsWith(protobufType) === true;
      const body = isProtobuf ? JSON.stringify(parseProtobuf(bytes)) : bytes.toString();
      const api: ApiRequest = { method: method === "HEAD" ? "GET" : method, path: resource, query, header, body, user };
      authorize(this.options.core, api);
      this.send(request, response, handle(this.options.core, api));
    } catch (error) {
      this.fail(request, response, error);
    }
  }

  private send(request: IncomingMessage, response: ServerResponse, answer: ApiAnswer): void {
    // What the answer tells of must survive the process.
    this.options.core.store.flush();
    if ("watch" in answer) return this.hub.serve(answer.watch, response);
    if ("plain" in answer) {
      if (answer.until === undefined) return this.text(response, answer.code, answer.plain);
      response.writeHead(answer.code, { "Content-Type": "text/plain" });
      response.write(answer.plain);
      const stop = answer.until(() => response.end());
      response.on("close", stop);
      return;
    }
    for (const warning of answer.warnings) {
      response.appendHeader("Warning", `299 - ${JSON.stringify(warning).replaceAll(/[^\x20-\x7e]/g, "?")}`);
    }
    this.json(request, response, answer.code, answer.text, answer.form);
  }

  private json(
    request: IncomingMessage,
    response: ServerResponse,
    code: number,
    text: string,
    form: AcceptedForm | undefined,
  ): void {
    let body = text;
    let contentType = "application/json";
    if (form?.encoding === "yaml") {
      body = stringify(JSON.parse(text));
      contentType = "application/yaml";
    } else if (wantsPretty(request)) {
      body = `${JSON.stringify(JSON.parse(text), null, 2)}\n`;
    }
    response.setHeader("Audit-Id", randomUUID());
    response.setHeader("Cache-Control", "no-cache, private");
    response.setHeader("Content-Type", contentType);
    const bytes = Buffer.from(body);
    const compress = bytes.length >= gzipFromBytes && (request.headers["accept-encoding"] ?? "").includes("gzip");
    if (!compress) return finish(response, code, bytes);
    response.setHeader("Content-Encoding", "gzip");
    response.setHeader("Vary", "Accept-Encoding");
    gzip(bytes, { level: constants.Z_BEST_SPEED }, (error, packed) => {
      if (error === null) finish(response, code, packed);
      else response.destroy();
    });
  }

  private text(response: ServerResponse, code: number, text: string): void {
    response.setHeader("Content-Type", "text/plain; charset=utf-8");
    finish(response, code, Buffer.from(text));
  }

  /** Everything that is no resource: health, version, discovery, OpenAPI. */
  private document(
    request: IncomingMessage,
    response: ServerResponse,
    { path: rawPath, user }: { readonly path: string; readonly user: User },
  ): void {
    const path = rawPath.length > 1 && rawPath.endsWith("/") ? rawPath.slice(0, -1) : rawPath;
    if (request.method !== "GET" && request.method !== "HEAD") return this.text(response, 404, "404 page not found\n");
    if (/^\/(?:healthz|livez|readyz)(?:\/|$)/.test(path)) return this.text(response, 200, "ok");
    if (path === "/version") return this.json(request, response, 200, JSON.stringify(versionInfo), undefined);
    if (user === anonymous) {
      const message = `forbidden: User "system:anonymous" cannot get path ${JSON.stringify(path)}`;
      return this.fail(request, response, refusal({ code: 403, reason: "Forbidden", message, details: {} }));
    }
    if (path === "/") return this.json(request, response, 200, JSON.stringify({ paths: this.rootPaths() }), undefined);
    if (path === openIdPath) {
      return this.json(request, response, 200, JSON.stringify(openIdConfiguration), undefined);
    }
    if (path === "/openapi/v2" && request.headers.accept?.startsWith(openApiProtobufType) === true) {
      response.setHeader("Content-Type", "application/com.github.proto-openapi.spec.v2.v1.0+protobuf");
      return finish(response, 200, emptyProtobufDocument());
    }
    const openapi = this.openapi.answer(path);
    if (openapi !== undefined) return this.cacheable(request, response, openapi);
    if (path === "/api" || path === "/apis" || path.startsWith("/api/") || path.startsWith("/apis/")) {
      const accepted = path === "/api" || path === "/apis" ? (["discovery"] as const) : [];
      const form = negotiate(request.headers.accept, accepted);
      const found = this.discovery.answer(path, form);
      if (found !== undefined) return this.cacheable(request, response, found);
    }
    // Within a group that is there, what is not there is told as of a resource.
    const [, root, group = ""] = path.split("/");
    const served = root === "api" ? group !== "" : root === "apis" && this.options.core.kinds.hasGroup(group);
    if (served) return this.fail(request, response, noSuchResource());
    this.text(response, 404, "404 page not found\n");
  }

  private rootPaths(): string[] {
    const groups = this.options.core.kinds.groups().filter(({ name }) => name !== "");
    const apis = groups.flatMap(({ name, versions }) => [
      `/apis/${name}`,
      ...versions.map((each) => `/apis/${name}/${each}`),
    ]);
    return [openIdPath, "/api", "/api/v1", "/apis", "/apis/", ...apis.sort(), ...otherPaths];
  }

  private cacheable(
    request: IncomingMessage,
    response: ServerResponse,
    { text, contentType, etag }: { text: string; contentType: string; etag?: string },
  ): void {
    if (etag !== undefined) {
      response.setHeader("Etag", etag);
      response.setHeader("Vary", "Accept");
      if (request.headers["if-none-match"]?.includes(etag.replaceAll('"', "")) === true) {
        response.writeHead(304);
        response.end();
        return;
      }
    }
    if (contentType === "application/json") return this.json(request, response, 200, text, undefined);
    response.setHeader("Content-Type", contentType);
    response.setHeader("Cache-Control", "public");
    finish(response, 200, Buffer.from(text));
  }

  private fail(request: IncomingMessage, response: ServerResponse, thrown: unknown): void {
    const error = thrown instanceof ApiError ? thrown : this.unexpected(thrown);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const { status } = error;
    if (status.code === 429 || status.details?.retryAfterSeconds !== undefined) {
      response.setHeader("Retry-After", String(status.details?.retryAfterSeconds ?? 1));
    }
    this.json(request, response, status.code, JSON.stringify(status), undefined);
  }

  private unexpected(thrown: unknown): ApiError {
    const error = toError(thrown);
    if (error.code === "DATA_DIR_UNWRITABLE") {
      return refusal({ code: 500, reason: "InternalError", message: `etcdserver: ${error.message}` });
    }
    this.options.log.error("sandbox API", { error: error.message, stack: (thrown as Error).stack });
    return internal(error.message);
  }
}

const openIdPath = "/.well-known/openid-configuration";
const otherPaths = ["/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"];

function finish(response: ServerResponse, code: number, bytes: Buffer): void {
  response.writeHead(code, { "Content-Length": bytes.length });
  response.end(response.req.method === "HEAD" ? undefined : bytes);
}

/** People's tools get indented answers unless they say otherwise. */
function wantsPretty(request: IncomingMessage): boolean {
  const url = request.url ?? "";
  const asked = url.includes("pretty") ? new URLSearchParams(url.slice(url.indexOf("?") + 1)).get("pretty") : null;
  if (asked !== null) return isSet(asked);
  return /^(?:curl|Wget|Mozilla\/5\.0)/.test(request.headers["user-agent"] ?? "");
}
