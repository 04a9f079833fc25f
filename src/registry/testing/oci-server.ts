// For tests: an OCI registry on loopback that speaks the distribution specification: uploads, manifests, tags by pages,
// tokens. What is pushed to it is pushed over HTTP. Not used by the product.
import { createHash, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { chartMediaType } from "../oci-repository.ts";
import { chartArchive, tgzOf } from "./archives.ts";

export interface OciServerOptions {
  readonly login?: { readonly username: string; readonly password: string };
  /** How it asks for the login; default bearer tokens. */
  readonly auth?: "bearer" | "basic";
  /** Tags on one page; default 1000. */
  readonly pageSize?: number;
  /** Blobs are redirected there (an origin), as registries do to their object stores. */
  readonly blobsAt?: string;
}

export interface OciServer {
  /** `127.0.0.1:PORT`, without a scheme. */
  readonly host: string;
  readonly requests: string[];
  /** Pushes one layer under a tag; returns the manifest's digest. */
  push(
    repository: string,
    tag: string,
    layer: { readonly bytes: Buffer; readonly mediaType: string },
    more?: { readonly annotations?: Readonly<Record<string, string>>; readonly config?: string },
  ): Promise<string>;
  pushChart(
    repository: string,
    name: string,
    version: string,
    files?: Readonly<Record<string, string>>,
  ): Promise<string>;
  pushFiles(repository: string, tag: string, files: Readonly<Record<string, string>>): Promise<string>;
  /** The bytes that are served for a digest from now on. */
  corrupt(digest: string, bytes: Buffer): void;
  /** From now on nothing is answered, until told otherwise. */
  hang(hangs: boolean): void;
  close(): Promise<void>;
}

const sha256 = (bytes: Buffer): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

export async function startOciServer(options: OciServerOptions = {}): Promise<OciServer> {
  const registry = new Registry(options);
  const server = createServer((request, response) => void registry.serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  registry.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host: registry.host,
    requests: registry.requests,
    push: (repository, tag, layer, more = {}) => registry.push(repository, tag, layer, more),
    async pushChart(repository, name, version, files) {
      const config = JSON.stringify({ name, version, apiVersion: "v2" });
      const layer = { bytes: await chartArchive(name, version, files), mediaType: chartMediaType };
      return registry.push(`${repository}/${name}`, version.replaceAll("+", "_"), layer, { config });
    },
    async pushFiles(repository, tag, files) {
      const mediaType = "application/vnd.oci.image.layer.v1.tar+gzip";
      const annotations = {
        "org.opencontainers.image.description": "Settings of tests",
        "org.opencontainers.image.version": tag,
      };
      return registry.push(repository, tag, { bytes: await tgzOf(files), mediaType }, { annotations });
    },
    corrupt: (digest, bytes) => void registry.blobs.set(digest, bytes),
    hang: (hangs) => void (registry.hangs = hangs),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

class Registry {
  private readonly options: OciServerOptions;
  readonly blobs = new Map<string, Buffer>();
  readonly requests: string[] = [];
  private readonly manifests = new Map<string, Map<string, { bytes: Buffer; type: string }>>();
  private readonly tags = new Map<string, Map<string, string>>();
  private readonly tokens = new Set<string>();
  host = "";
  hangs = false;

  constructor(options: OciServerOptions) {
    this.options = options;
  }

  private basic(): string | undefined {
    const { login } = this.options;
    return login && `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}`;
  }

  async push(
    repository: string,
    tag: string,
    layer: { readonly bytes: Buffer; readonly mediaType: string },
    more: { readonly annotations?: Readonly<Record<string, string>>; readonly config?: string },
  ): Promise<string> {
    const headers: Record<string, string> = {};
    const token = randomUUID();
    this.tokens.add(token);
    const basic = this.basic();
    if (basic) headers["authorization"] = this.options.auth === "basic" ? basic : `Bearer ${token}`;
    const send = async (method: string, path: string, body?: Buffer, type?: string): Promise<Response> => {
      const answer = await fetch(path.startsWith("http") ? path : `http://${this.host}${path}`, {
        method,
        headers: { ...headers, ...(type ? { "content-type": type } : {}) },
        ...(body ? { body: new Uint8Array(body) } : {}),
      });
      if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status}`);
      return answer;
    };
    const upload = async (bytes: Buffer): Promise<string> => {
      const begun = await send("POST", `/v2/${repository}/blobs/uploads/`);
      const location = begun.headers.get("location") ?? "";
      await send("PUT", `${location}?digest=${encodeURIComponent(sha256(bytes))}`, bytes, "application/octet-stream");
      return sha256(bytes);
    };
    const config = Buffer.from(more.config ?? "{}");
    const describe = async (bytes: Buffer, mediaType: string) => ({
      mediaType,
      digest: await upload(bytes),
      size: bytes.length,
    });
    const type = "application/vnd.oci.image.manifest.v1+json";
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: type,
        config: await describe(config, "application/vnd.cncf.helm.config.v1+json"),
        layers: [await describe(layer.bytes, layer.mediaType)],
        annotations: more.annotations ?? {},
      }),
    );
    await send("PUT", `/v2/${repository}/manifests/${tag}`, manifest, type);
    return sha256(manifest);
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://localhost");
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const end = (status: number, content: Buffer | string = "", headers: Record<string, string> = {}): void => {
      this.requests.push(`${request.method} ${url.pathname}${url.search} ${status}`);
      const size = { "content-length": String(Buffer.byteLength(content)) };
      response.writeHead(status, { ...size, ...headers }).end(request.method === "HEAD" ? undefined : content);
    };
    if (this.hangs) return void this.requests.push(`${request.method} ${url.pathname} hangs`);
    if (url.pathname === "/token") return this.token(request, url, end);
    if (!this.permitted(request)) {
      const scheme =
        this.options.auth === "basic"
          ? 'Basic realm="tests"'
          : `Bearer realm="http://${this.host}/token",service="tests",scope="repository:x:pull"`;
      return end(401, '{"errors":[{"code":"UNAUTHORIZED"}]}', { "www-authenticate": scheme });
    }
    const match = /^\/v2\/(.+)\/(manifests|blobs|tags)\/(.*)$/.exec(url.pathname);
    if (!match) return end(url.pathname === "/v2/" ? 200 : 404, "{}");
    const [, name = "", what = "", rest = ""] = match;
    if (what === "tags") return this.listTags(name, url, end);
    if (what === "manifests") return this.manifest({ request, name, reference: rest, body }, end);
    return this.blob({ request, name, rest, url, body }, end);
  }

  private permitted(request: IncomingMessage): boolean {
    const wanted = this.basic();
    if (wanted === undefined) return true;
    const given = request.headers.authorization ?? "";
    return this.options.auth === "basic" ? given === wanted : this.tokens.has(given.replace(/^Bearer /, ""));
  }

  private token(request: IncomingMessage, url: URL, end: End): void {
    if (request.headers.authorization !== this.basic() || !url.searchParams.get("scope")) return end(401, "{}");
    const token = randomUUID();
    this.tokens.add(token);
    end(200, JSON.stringify({ token, expires_in: 300 }));
  }

  private listTags(name: string, url: URL, end: End): void {
    const tags = [...(this.tags.get(name)?.keys() ?? [])].sort();
    if (tags.length === 0) return end(404, '{"errors":[{"code":"NAME_UNKNOWN"}]}');
    const size = Math.min(this.options.pageSize ?? 1000, Number(url.searchParams.get("n") ?? 1000));
    const last = url.searchParams.get("last");
    const from = last === null ? 0 : tags.indexOf(last) + 1;
    const page = tags.slice(from, from + size);
    const more = from + size < tags.length;
    const link = `</v2/${name}/tags/list?n=${size}&last=${page.at(-1)}>; rel="next"`;
    end(200, JSON.stringify({ name, tags: page }), more ? { link } : {});
  }

  private manifest(at: { request: IncomingMessage; name: string; reference: string; body: Buffer }, end: End): void {
    const { request, name, reference, body } = at;
    const manifests = this.manifests.get(name) ?? new Map<string, { bytes: Buffer; type: string }>();
    const tags = this.tags.get(name) ?? new Map<string, string>();
    if (request.method === "PUT") {
      const digest = sha256(body);
      manifests.set(digest, { bytes: body, type: request.headers["content-type"] ?? "" });
      this.manifests.set(name, manifests);
      if (!reference.startsWith("sha256:")) this.tags.set(name, tags.set(reference, digest));
      return end(201, "", { "docker-content-digest": digest });
    }
    const digest = tags.get(reference) ?? reference;
    const found = manifests.get(digest);
    if (!found) return end(404, '{"errors":[{"code":"MANIFEST_UNKNOWN"}]}');
    return end(200, found.bytes, { "content-type": found.type, "docker-content-digest": digest });
  }

  private blob(at: { request: IncomingMessage; name: string; rest: string; url: URL; body: Buffer }, end: End): void {
    const { request, name, rest, url, body } = at;
    if (request.method === "POST") return end(202, "", { location: `/v2/${name}/blobs/uploads/${randomUUID()}` });
    if (request.method === "PUT") {
      const digest = url.searchParams.get("digest") ?? "";
      if (digest !== sha256(body)) return end(400, "digest");
      this.blobs.set(digest, body);
      return end(201);
    }
    const { blobsAt } = this.options;
    if (blobsAt !== undefined) return end(307, "", { location: `${blobsAt}/${rest}` });
    const found = this.blobs.get(rest);
    return found ? end(200, found) : end(404, "{}");
  }
}

type End = (status: number, content?: Buffer | string, headers?: Record<string, string>) => void;
