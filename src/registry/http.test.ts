// How registries are reached: certificates of both sides, redirects, proxies, from real servers.
import "reflect-metadata";
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer, type ServerOptions } from "node:https";
import { connect, type AddressInfo, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { gzipSync } from "node:zlib";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import { testClock, testOperation } from "#git/testing.ts";
import { createHttpClient, type HttpAnswer } from "./http.ts";
import type { RegistryAccess } from "./types.ts";

interface Pair {
  readonly cert: string;
  readonly key: string;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
let ca: Pair & { readonly keys: webcrypto.CryptoKeyPair };
let server: Pair;
let client: Pair;
const closers: (() => Promise<void>)[] = [];

async function pem(keys: webcrypto.CryptoKeyPair): Promise<string> {
  const bytes = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  return x509.PemConverter.encode(bytes, "PRIVATE KEY");
}

const times = { notBefore: new Date("2020-01-01"), notAfter: new Date("2099-01-01"), signingAlgorithm: algorithm };

async function issue(name: string): Promise<Pair> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const cert = await x509.X509CertificateGenerator.create(
    {
      ...times,
      serialNumber: name === "server" ? "02" : "03",
      subject: `CN=${name}`,
      issuer: "CN=ca",
      publicKey: keys.publicKey,
      signingKey: ca.keys.privateKey,
      extensions: [new x509.SubjectAlternativeNameExtension([{ type: "ip", value: "127.0.0.1" }])],
    },
    webcrypto,
  );
  return { cert: cert.toString("pem"), key: await pem(keys) };
}

beforeAll(async () => {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const cert = await x509.X509CertificateGenerator.createSelfSigned(
    {
      ...times,
      serialNumber: "01",
      name: "CN=ca",
      keys,
      extensions: [new x509.BasicConstraintsExtension(true, 2, true)],
    },
    webcrypto,
  );
  ca = { cert: cert.toString("pem"), key: await pem(keys), keys };
  [server, client] = [await issue("server"), await issue("client")];
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function listen(listener: RequestListener, tls?: ServerOptions): Promise<{ url: string; host: string }> {
  const made = tls ? createTlsServer({ ...server, ...tls }, listener) : createServer(listener);
  await new Promise<void>((resolve) => made.listen(0, "127.0.0.1", resolve));
  closers.push(
    () =>
      new Promise((resolve) => {
        made.close(() => resolve());
        made.closeAllConnections();
      }),
  );
  const host = `127.0.0.1:${(made.address() as AddressInfo).port}`;
  return { url: `${tls ? "https" : "http"}://${host}`, host };
}

async function get(
  url: string,
  access: Omit<RegistryAccess, "url"> = {},
  more: { readonly authorization?: string; readonly env?: Record<string, string>; readonly maxBytes?: number } = {},
): Promise<HttpAnswer> {
  const { env = {}, maxBytes = 1000, ...rest } = more;
  const http = createHttpClient(access, { timeoutMs: 5000, env, clock: testClock });
  try {
    return await http.send(testOperation(), { url, maxBytes, ...rest });
  } finally {
    await http.close();
  }
}

async function failure(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof DriftlessError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "none";
}

const text = (answer: HttpAnswer): string => `${answer.status} ${answer.body.toString()}`;
const who = (request: IncomingMessage, response: ServerResponse): void => {
  const { subject } = (request.socket as TLSSocket).getPeerCertificate?.() ?? {};
  response.end(`${String(subject?.CN ?? "nobody")} ${request.headers.authorization ?? "-"}`);
};

describe("certificates", () => {
  it("that nobody vouches for are refused, unless a CA is given or the check is off", async () => {
    const { url } = await listen(who, {});
    expect(await failure(get(url))).toMatch(/^REPOSITORY_UNREACHABLE: https:.*(certificate|issuer)/);
    expect(text(await get(url, { caBundle: ca.cert }))).toBe("200 nobody -");
    expect(text(await get(url, { insecure: true }))).toBe("200 nobody -");
  });

  it("of the client are shown where they are wanted", async () => {
    const { url } = await listen(who, { requestCert: true, ca: ca.cert });
    const access = { caBundle: ca.cert, tlsClientCert: client.cert, tlsClientKey: client.key };
    expect(await failure(get(url, { caBundle: ca.cert }))).toMatch(/^REPOSITORY_UNREACHABLE/);
    expect(text(await get(url, access))).toBe("200 client -");
  });
});

describe("redirects", () => {
  it("take neither credentials nor the client's certificate to another host", async () => {
    const other = await listen(who, { requestCert: true, rejectUnauthorized: false, ca: ca.cert });
    const { url } = await listen(
      (_request, response) => void response.writeHead(302, { location: `${other.url}/x` }).end(),
      { requestCert: true, ca: ca.cert },
    );
    const access = { caBundle: ca.cert, tlsClientCert: client.cert, tlsClientKey: client.key };
    expect(text(await get(url, access, { authorization: "Basic secret" }))).toBe("200 nobody -");
  });

  it("on the same host keep them", async () => {
    const { url } = await listen((request, response) => {
      if (request.url === "/") response.writeHead(301, { location: "/there" }).end();
      else who(request, response);
    });
    expect(text(await get(`${url}/`, {}, { authorization: "Basic x" }))).toBe("200 nobody Basic x");
  });

  it.each([
    ["in a circle", "/", /redirects more than 5 times/],
    ["to a file", "file:///etc/passwd", /redirects to file:, which is not followed/],
    ["to nothing", "http://[", /redirects to something that is no URL/],
  ])("%s are not followed", async (_name, location, expected) => {
    const { url } = await listen((_request, response) => void response.writeHead(302, { location }).end());
    expect(await failure(get(url))).toMatch(expected);
  });

  it("from https to http are not followed", async () => {
    const plain = await listen(who);
    const { url } = await listen(
      (_request, response) => void response.writeHead(302, { location: plain.url }).end(),
      {},
    );
    expect(await failure(get(url, { caBundle: ca.cert }))).toMatch(/redirects from https to http/);
  });
});

describe("proxies", () => {
  /** Forwards requests and tunnels; says of each how it was asked. */
  async function proxy(seen: string[]): Promise<string> {
    const made = createServer((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers["proxy-authorization"] ?? "-"}`);
      const onward = httpRequest(request.url ?? "", { headers: { connection: "close" } }, (answer) => {
        response.writeHead(answer.statusCode ?? 500);
        answer.pipe(response);
      });
      onward.end();
    });
    made.on("connect", (request: IncomingMessage, socket: Socket) => {
      seen.push(`CONNECT ${request.url} ${request.headers["proxy-authorization"] ?? "-"}`);
      const [host = "", port = ""] = (request.url ?? "").split(":");
      const onward = connect(Number(port), host, () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        onward.pipe(socket).pipe(onward);
      });
      onward.on("error", () => socket.destroy());
      socket.on("error", () => onward.destroy());
    });
    await new Promise<void>((resolve) => made.listen(0, "127.0.0.1", resolve));
    closers.push(
      () =>
        new Promise((resolve) => {
          made.close(() => resolve());
          made.closeAllConnections();
        }),
    );
    return `127.0.0.1:${(made.address() as AddressInfo).port}`;
  }

  it("are used as the repository says, with their login, and not for hosts that are excepted", async () => {
    const { url, host } = await listen(who, {});
    const seen: string[] = [];
    const at = await proxy(seen);
    const access = { caBundle: ca.cert, proxy: `http://ada:pass@${at}` };
    expect(text(await get(url, access))).toBe("200 nobody -");
    expect(seen).toEqual([`CONNECT ${host} Basic ${Buffer.from("ada:pass").toString("base64")}`]);
    expect(text(await get(url, { ...access, noProxy: "example.com, 127.0.0.1" }))).toBe("200 nobody -");
    expect(seen).toHaveLength(1);
  });

  it("are those of the environment where the repository names none", async () => {
    const { url } = await listen(who);
    const seen: string[] = [];
    const at = await proxy(seen);
    expect(text(await get(url, {}, { env: { HTTP_PROXY: `http://${at}` } }))).toBe("200 nobody -");
    expect(seen).toHaveLength(1);
    await get(url, {}, { env: { HTTP_PROXY: `http://${at}`, NO_PROXY: "127.0.0.1" } });
    expect(seen).toHaveLength(1);
  });

  it("that are no URL are told", async () => {
    expect(await failure(get("https://example.com", { proxy: "socks5://127.0.0.1:1" }))).toBe(
      "SPEC_INVALID: the repository's proxy is no http or https URL",
    );
  });
});

describe("a host that asks for rest", () => {
  const answering = async (
    ...answers: [status: number, retryAfter: string][]
  ): Promise<{ url: string; asked: () => number }> => {
    let asked = 0;
    const { url } = await listen((_request, response) => {
      const [status, after] = answers[asked++] ?? [200, ""];
      response.writeHead(status, after === "" ? {} : { "retry-after": after }).end(String(status));
    });
    return { url, asked: () => asked };
  };

  it.each([
    [
      "a moment",
      [
        [429, "0"],
        [503, "1"],
      ],
      200,
      3,
    ],
    ["a moment by date", [[429, new Date(Date.now() - 5000).toUTCString()]], 200, 2],
    [
      "again and again",
      [
        [429, "0"],
        [429, "0"],
        [429, "0"],
      ],
      429,
      3,
    ],
    ["nothing", [[429, ""]], 429, 1],
    ["nonsense", [[429, "soon"]], 429, 1],
  ] as [string, [number, string][], number, number][])(
    "for %s is waited for, within bounds",
    async (_name, answers, status, count) => {
      const { url, asked } = await answering(...answers);
      expect((await get(url)).status).toBe(status);
      expect(asked()).toBe(count);
    },
  );

  it("for long is left alone that long, but not longer than some minutes, whoever wants to know", async () => {
    const { url, asked } = await answering([429, "3600"]);
    let now = 0;
    const http = createHttpClient({}, { timeoutMs: 5000, env: {}, clock: { ...testClock, monotonic: () => now } });
    closers.push(() => http.close());
    const ask = (): Promise<HttpAnswer> => http.send(testOperation(), { url, maxBytes: 1000 });
    expect((await ask()).status).toBe(429);
    http.askAnew();
    expect(await failure(ask())).toMatch(/it asked to be left alone for 3600 s \(HTTP 429\); it is not asked before/);
    expect(asked()).toBe(1);
    now += 301_000;
    expect((await ask()).status).toBe(200);
  });

  it("does not hold up who gives up", async () => {
    const { url } = await answering([429, "4"]);
    const http = createHttpClient({}, { timeoutMs: 5000, env: {}, clock: testClock });
    closers.push(() => http.close());
    const giving = new AbortController();
    const op = { ...testOperation(), signal: giving.signal };
    const asking = failure(http.send(op, { url, maxBytes: 1000 }));
    setTimeout(() => giving.abort(), 100);
    const started = performance.now();
    expect(await asking).toMatch(/^CANCELLED/);
    expect(performance.now() - started).toBeLessThan(3000);
  });
});

it("what may come compressed is unfolded, within its limit", async () => {
  const { url } = await listen((request, response) => {
    const packed = gzipSync(request.url === "/bomb" ? Buffer.alloc(10 << 20) : "hello");
    if (request.headers["accept-encoding"] !== "gzip") response.end("plain");
    else
      response
        .writeHead(200, { "content-encoding": "gzip" })
        .end(request.url === "/cut" ? packed.subarray(0, 8) : packed);
  });
  const http = createHttpClient({}, { timeoutMs: 5000, env: {}, clock: testClock });
  closers.push(() => http.close());
  const ask = (path: string, compressed: boolean): Promise<HttpAnswer> =>
    http.send(testOperation(), { url: `${url}${path}`, maxBytes: 1 << 20, compressed });
  expect(text(await ask("/", true))).toBe("200 hello");
  expect(text(await ask("/", false))).toBe("200 plain");
  expect(await failure(ask("/bomb", true))).toBe(`TOO_LARGE: ${url}/bomb has more than 1048576 bytes`);
  expect(await failure(ask("/cut", true))).toMatch(/^REPOSITORY_UNREACHABLE: .*what it sends is damaged/);
});

it("what is too much is cut off, and never kept in memory whole", async () => {
  let sent = 0;
  const { url } = await listen((_request, response) => {
    const send = (): void => {
      while (sent < 1 << 30 && response.write(Buffer.alloc(64 << 10))) sent += 64 << 10;
    };
    response.on("drain", send);
    send();
  });
  expect(await failure(get(url, {}, { maxBytes: 1 << 20 }))).toBe(`TOO_LARGE: ${url} has more than 1048576 bytes`);
  expect(sent).toBeLessThan(64 << 20);
});
