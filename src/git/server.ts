// A Git server over smart HTTP on loopback, for the demo, tests and benches: serves the bare repositories below a root
// by `git upload-pack` and `git receive-pack`, and says when a push has arrived. Not meant for a network.
import { spawn } from "node:child_process";
import { timingSafeEqual } from "node:crypto";
import { access, readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Transform } from "node:stream";
import { createGunzip } from "node:zlib";
import { DriftlessError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import { killGroup, type GitProgram } from "./process.ts";
import { createBareRepository } from "./seed.ts";

export interface PushedRef {
  readonly ref: string;
  readonly before?: string;
  readonly after?: string;
}

export interface GitServerOptions {
  readonly root: string;
  readonly program: GitProgram;
  /** 0 (the default) takes a free one. */
  readonly port?: number;
  readonly host?: string;
  /** Asked for on a push; where it is absent, everyone on this machine may push. */
  readonly pushLogin?: { readonly username: string; readonly password: string };
  /** Asked for on reads too. */
  readonly readLogin?: { readonly username: string; readonly password: string };
  /** Called when a push has been stored, before the client hears of it; must not throw. */
  readonly onPush?: (repository: string, updates: readonly PushedRef[]) => void;
  /** Sends repositories no faster than this, for tests of limits. */
  readonly slowBytesPerSecond?: number;
  /** Whether a push to a name that does not exist makes the repository; default false. */
  readonly createOnPush?: boolean;
}

export interface GitServer {
  readonly port: number;
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** Bytes of repositories that were sent so far, Git LFS apart. */
  readonly sentBytes: number;
  repositoryUrl(name: string): string;
  /** Folder of a repository on disk. */
  directory(name: string): string;
  create(op: Operation, name: string, branch?: string): Promise<string>;
  close(): Promise<void>;
}

const route =
  /^\/((?:[A-Za-z0-9_-][A-Za-z0-9._-]*\/)*[A-Za-z0-9_-][A-Za-z0-9._-]*?)(?:\.git)?\/(info\/refs|git-upload-pack|git-receive-pack|HEAD|info\/lfs\/objects\/(?:batch|[0-9a-f]{64}))$/;

/** Starts the server; resolves when it listens. Errors: PORT_IN_USE. */
export async function startGitServer(op: Operation, options: GitServerOptions): Promise<GitServer> {
  const host = options.host ?? "127.0.0.1";
  const sent = { bytes: 0 };
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    response.on("close", () => {
      if (!request.url?.includes("/info/lfs/")) sent.bytes += sentBy(response);
    });
    serve(op, options, request, response).catch((error: unknown) => {
      op.log.warn("git server: request failed", { url: request.url, reason: String(error) });
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "EADDRINUSE"
          ? new DriftlessError("PORT_IN_USE", `port ${options.port ?? 0} of the Git server is taken`, { cause: error })
          : error,
      ),
    );
    server.listen(options.port ?? 0, host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
  return {
    port,
    url,
    get sentBytes() {
      return sent.bytes;
    },
    repositoryUrl: (name) => `${url}/${name}.git`,
    directory: (name) => directoryOf(options.root, name),
    async create(inner, name, branch) {
      const dir = directoryOf(options.root, name);
      await createBareRepository(inner, options.program, dir, branch);
      return dir;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function directoryOf(root: string, name: string): string {
  if (!/^(?:[A-Za-z0-9_-][A-Za-z0-9._-]*\/)*[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(name) || name.endsWith(".lock")) {
    throw new DriftlessError("INVALID_ARGUMENT", `${JSON.stringify(name)} is no repository name`);
  }
  return join(root, `${name.replace(/\.git$/, "")}.git`);
}

function permitted(request: IncomingMessage, login: { username: string; password: string } | undefined): boolean {
  if (!login) return true;
  const [scheme = "", value = ""] = (request.headers.authorization ?? "").split(" ");
  const given = Buffer.from(scheme.toLowerCase() === "basic" ? Buffer.from(value, "base64").toString("utf8") : "");
  const wanted = Buffer.from(`${login.username}:${login.password}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

async function serve(
  op: Operation,
  options: GitServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const refuse = (status: number, text: string, headers: Record<string, string> = {}): void => {
    response.writeHead(status, { "content-type": "text/plain", ...headers }).end(`${text}\n`);
  };
  const target = new URL(request.url ?? "/", "http://localhost");
  const match = route.exec(target.pathname);
  if (!match) return refuse(404, "no such repository");
  const [, name = "", action = ""] = match;
  if (action.startsWith("info/lfs/")) {
    if (!permitted(request, options.readLogin)) return refuse(401, "log in", { "www-authenticate": "Basic" });
    return serveLfs(request, response, join(directoryOf(options.root, name), "lfs"), action.slice(17));
  }
  const service = action === "info/refs" ? target.searchParams.get("service") : action;
  if (service !== "git-upload-pack" && service !== "git-receive-pack") return refuse(403, "only smart HTTP is served");
  const push = service === "git-receive-pack";
  if (!permitted(request, (push ? options.pushLogin : undefined) ?? options.readLogin)) {
    return refuse(401, "log in", { "www-authenticate": 'Basic realm="driftless"' });
  }
  const dir = directoryOf(options.root, name);
  if (!(await exists(join(dir, "HEAD")))) {
    if (!push || options.createOnPush !== true) return refuse(404, "no such repository");
    await createBareRepository(op, options.program, dir);
  }
  if (action === "info/refs") {
    if (request.method !== "GET") return refuse(405, "GET only");
    return advertise(options, request, response, { dir, service });
  }
  if (request.method !== "POST") return refuse(405, "POST only");
  return exchange(options, request, response, { dir, name, service });
}

function slowed(bytesPerSecond: number): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      setTimeout(() => done(null, chunk), (chunk.length / bytesPerSecond) * 1000);
    },
  });
}

const counted = new WeakMap<ServerResponse, number>();

function sentBy(response: ServerResponse): number {
  return counted.get(response) ?? 0;
}

/** The batch API of Git LFS, for downloads, and the files themselves: those in the folder `lfs` of the repository. */
async function serveLfs(request: IncomingMessage, response: ServerResponse, dir: string, what: string): Promise<void> {
  if (what !== "batch") {
    const bytes = await readFile(join(dir, what)).catch(() => undefined);
    response.writeHead(bytes === undefined ? 404 : 200).end(bytes);
    return;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { objects = [] } = JSON.parse(Buffer.concat(chunks).toString("utf8")) as {
    objects?: { oid: string; size: number }[];
  };
  const answers = await Promise.all(
    objects.map(async ({ oid, size }) => {
      const there = /^[0-9a-f]{64}$/.test(oid) && (await exists(join(dir, oid)));
      if (!there) return { oid, size, error: { code: 404, message: "the server does not have it" } };
      const href = `http://${request.headers.host ?? ""}${(request.url ?? "").replace(/batch$/, oid)}`;
      return { oid, size, actions: { download: { href } } };
    }),
  );
  response
    .writeHead(200, { "content-type": "application/vnd.git-lfs+json" })
    .end(JSON.stringify({ transfer: "basic", objects: answers }));
}

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

function start(options: GitServerOptions, request: IncomingMessage, dir: string, service: string, advertised: boolean) {
  const protocol = request.headers["git-protocol"];
  const receive = [
    "-c",
    "receive.advertiseAtomic=true",
    "-c",
    "receive.unpackLimit=500",
    "-c",
    "receive.autogc=false",
    "-c",
    "gc.auto=0",
  ];
  const upload = ["-c", "uploadpack.allowAnySHA1InWant=true", "-c", "uploadpack.allowFilter=true"];
  const flags = ["--stateless-rpc", ...(advertised ? ["--http-backend-info-refs"] : []), dir];
  return spawn(
    options.program.path,
    [...(service === "git-receive-pack" ? receive : upload), service.slice(4), ...flags],
    {
      env: {
        ...options.program.env,
        ...(typeof protocol === "string" && /^[\w=:.-]+$/.test(protocol) ? { GIT_PROTOCOL: protocol } : {}),
      },
      stdio: ["pipe", "pipe", "ignore"],
      detached: true,
    },
  );
}

const noCache = {
  "cache-control": "no-cache, max-age=0, must-revalidate",
  pragma: "no-cache",
  expires: "Fri, 01 Jan 1980 00:00:00 GMT",
};

function packetLine(text: string): string {
  return (text.length + 4).toString(16).padStart(4, "0") + text;
}

function advertise(
  options: GitServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
  what: { dir: string; service: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = start(options, request, what.dir, what.service, true);
    child.stdin.on("error", () => {});
    child.stdin.end();
    response.on("close", () => {
      if (!response.writableFinished) killGroup(child);
    });
    response.writeHead(200, { "content-type": `application/x-${what.service}-advertisement`, ...noCache });
    if (request.headers["git-protocol"]?.includes("version=2") !== true || what.service === "git-receive-pack") {
      response.write(`${packetLine(`# service=${what.service}\n`)}0000`);
    }
    child.stdout.pipe(response);
    child.on("error", reject);
    child.on("close", () => resolve());
  });
}

function exchange(
  options: GitServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
  what: { dir: string; name: string; service: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const push = what.service === "git-receive-pack";
    const child = start(options, request, what.dir, what.service, false);
    child.on("error", reject);
    child.stdin.on("error", () => {});
    response.on("close", () => {
      if (!response.writableFinished) killGroup(child);
    });
    const body = request.headers["content-encoding"] === "gzip" ? request.pipe(createGunzip()) : request;
    body.on("error", () => killGroup(child));
    const commands = push ? new CommandReader() : undefined;
    if (commands) body.on("data", (chunk: Buffer) => commands.take(chunk));
    body.pipe(child.stdin);
    response.writeHead(200, { "content-type": `application/x-${what.service}-result`, ...noCache });
    if (!commands) {
      child.stdout.on("data", (chunk: Buffer) => counted.set(response, sentBy(response) + chunk.length));
      const { slowBytesPerSecond } = options;
      if (slowBytesPerSecond === undefined) child.stdout.pipe(response);
      else child.stdout.pipe(slowed(slowBytesPerSecond)).pipe(response);
      child.on("close", () => resolve());
      return;
    }
    const answer: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => answer.push(chunk));
    child.on("close", (code) => {
      const all = Buffer.concat(answer);
      const text = all.toString("latin1");
      const stored = commands
        .updates()
        .filter(({ ref }) => text.includes(`ok ${ref}\n`) || (code === 0 && !text.includes("unpack ")));
      if (stored.length > 0) options.onPush?.(what.name, stored);
      response.end(all);
      resolve();
    });
  });
}

/** Reads the commands at the head of a push: packet lines `OLD NEW REF`, ended by a flush. Format: Git's "pack-protocol". */
class CommandReader {
  private head = Buffer.alloc(0);
  private complete = false;

  take(chunk: Buffer): void {
    if (this.complete) return;
    this.head = Buffer.concat([this.head, chunk]);
    if (this.head.length > 1 << 20) this.complete = true;
  }

  updates(): PushedRef[] {
    const found: PushedRef[] = [];
    let at = 0;
    while (at + 4 <= this.head.length) {
      const size = Number.parseInt(this.head.toString("latin1", at, at + 4), 16);
      if (!(size >= 4)) break;
      const line = this.head.toString("utf8", at + 4, at + size).split("\0")[0] ?? "";
      const match = /^([0-9a-f]{40,64}) ([0-9a-f]{40,64}) (\S+)/.exec(line);
      if (match) {
        const [, before = "", after = "", ref = ""] = match;
        found.push({ ref, ...(/^0+$/.test(before) ? {} : { before }), ...(/^0+$/.test(after) ? {} : { after }) });
      }
      at += size;
    }
    return found;
  }
}
