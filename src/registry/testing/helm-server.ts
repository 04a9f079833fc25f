// For tests: a Helm repository on loopback, as a web server of charts is, and as a bad one is. Not used by the product.
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { chartArchive } from "./archives.ts";

export interface HelmServerOptions {
  readonly login?: { readonly username: string; readonly password: string };
  /** Of the archives in the index: absolute, at another host for instance. Relative to the index without it. */
  readonly archiveBase?: string;
}

export interface HelmServer {
  readonly url: string;
  /** Requests so far, `GET /index.yaml 200`. */
  readonly requests: string[];
  publish(name: string, version: string, files?: Readonly<Record<string, string>>): Promise<void>;
  /** Publishes bytes as they are; the index may say another digest. */
  publishArchive(name: string, version: string, bytes: Buffer, digest?: string): void;
  withdraw(name: string, version: string): void;
  /** What is answered instead, to every request or for one path. `hang`: nothing at all. */
  answer(what: "hang" | { readonly status: number; readonly body?: string | Buffer } | undefined, path?: string): void;
  /** Whether a request with that path had an Authorization header. */
  authorised(path: string): boolean;
  close(): Promise<void>;
}

interface Published {
  readonly name: string;
  readonly version: string;
  readonly bytes: Buffer;
  readonly digest: string;
}

export async function startHelmServer(options: HelmServerOptions = {}): Promise<HelmServer> {
  const charts: Published[] = [];
  const requests: string[] = [];
  const withLogin = new Set<string>();
  const overrides = new Map<string, "hang" | { readonly status: number; readonly body?: string | Buffer }>();
  const index = (): string => {
    const names = [...new Set(charts.map(({ name }) => name))].sort();
    const entries = names.map((name) => {
      const versions = charts.filter((one) => one.name === name);
      const lines = versions.map(
        ({ version, digest }) =>
          `  - apiVersion: v2\n    created: "2026-01-02T03:04:05.6Z"\n    description: The ${name} of tests\n    digest: ${digest}\n    home: https://example.com/${name}\n    maintainers:\n    - email: ada@example.com\n      name: Ada\n    name: ${name}\n    urls:\n    - ${options.archiveBase ?? ""}charts/${name}-${version}.tgz\n    version: ${version}\n`,
      );
      return `  ${name}:\n${lines.join("")}`;
    });
    return `apiVersion: v1\nentries:${entries.length === 0 ? " {}" : ""}\n${entries.join("")}generated: "2026-01-02T03:04:05Z"\n`;
  };
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    const end = (status: number, body: string | Buffer = "", headers: Record<string, string> = {}): void => {
      requests.push(`${request.method} ${path} ${status}`);
      response.writeHead(status, headers).end(body);
    };
    if (request.headers.authorization !== undefined) withLogin.add(path);
    const instead = overrides.get(path) ?? overrides.get("");
    if (instead === "hang") return void requests.push(`${request.method} ${path} hangs`);
    if (instead) return end(instead.status, instead.body);
    const { login } = options;
    const wanted = login && `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}`;
    if (wanted !== undefined && request.headers.authorization !== wanted) return end(401, "no");
    if (path === "/index.yaml") {
      const body = index();
      const etag = `"${createHash("sha256").update(body).digest("hex").slice(0, 16)}"`;
      if (request.headers["if-none-match"] === etag) return end(304);
      return end(200, body, { etag });
    }
    const found = charts.find(({ name, version }) => path === `/charts/${name}-${version}.tgz`);
    return found ? end(200, found.bytes) : end(404, "not found");
  };
  const server: Server = createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const publishArchive: HelmServer["publishArchive"] = (name, version, bytes, digest) => {
    const at = charts.findIndex((one) => one.name === name && one.version === version);
    if (at >= 0) charts.splice(at, 1);
    charts.push({ name, version, bytes, digest: digest ?? createHash("sha256").update(bytes).digest("hex") });
  };
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    publishArchive,
    async publish(name, version, files) {
      publishArchive(name, version, await chartArchive(name, version, files));
    },
    withdraw(name, version) {
      const at = charts.findIndex((one) => one.name === name && one.version === version);
      if (at >= 0) charts.splice(at, 1);
    },
    answer(what, path = "") {
      if (what === undefined) overrides.delete(path);
      else overrides.set(path, what);
    },
    authorised: (path) => withLogin.has(path),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
