// Arbitrary and damaged bytes as bodies of calls by every protocol, over real sockets: each call is answered, never as a
// fault of the server's, and the server goes on.
import type { ServerResponse } from "node:http";
import http2 from "node:http2";
import { toBinary, type DescMessage } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { silentLogger } from "#base/operation.ts";
import { createKeyring } from "#git/keyring.ts";
import { AccountService } from "#protocol/gen/argoproj/account_pb.js";
import { fromJson } from "#protocol/json.ts";
import { authenticate } from "#server/auth/authenticate.ts";
import type { Sessions } from "#server/auth/sessions.ts";
import { grpcHandler } from "#server/rpc/grpc.ts";
import { OpenStreams } from "#server/rpc/limits.ts";
import { listen, type Listener } from "#server/rpc/listener.ts";
import { bind, open, type Implementation } from "#server/rpc/service.ts";
import { DriftlessError } from "#base/errors.ts";
import { damaged, hostileText, runs } from "../support/fuzz.ts";
import { frameOf } from "../security/wire.ts";

const input: DescMessage = AccountService.method.createToken.input;
const good = frameOf(Buffer.from(toBinary(input, fromJson(input, { name: "a", id: "b", expiresIn: 5 }))));
const withinMs = 10_000;

let listener: Listener;
let client: http2.ClientHttp2Session;
beforeAll(async () => {
  const methods = { createToken: { access: open, handle: () => ({ token: "t" }) } };
  const services = [bind(AccountService, methods as unknown as Implementation<typeof AccountService>)];
  const deps = {
    log: silentLogger,
    stopping: new AbortController().signal,
    streams: new OpenStreams(10),
    authenticate: () => Promise.resolve(undefined),
  };
  const handler = grpcHandler(
    deps,
    services,
    (_request, response) => void (response as ServerResponse).writeHead(404).end(),
  );
  listener = await listen({ host: "127.0.0.1", port: 0, handler });
  client = http2.connect(`http://127.0.0.1:${listener.port}`);
});
afterAll(async () => {
  client.destroy();
  await listener.close();
});

/** The status by which a call is answered: gRPC's, or HTTP's. */
function statusOf(type: string, body: Uint8Array): Promise<string> {
  const stream = client.request({
    ":method": "POST",
    ":path": "/account.AccountService/CreateToken",
    "content-type": type,
    te: "trailers",
  });
  return new Promise((resolve, reject) => {
    let status = "";
    let text = "";
    const note = (headers: http2.IncomingHttpHeaders): void => {
      const said = headers["grpc-status"];
      if (said !== undefined || status === "")
        status = said === undefined ? `HTTP ${String(headers[":status"])}` : String(said);
    };
    stream.setTimeout(withinMs, () => reject(new Error("it was not answered")));
    stream.on("response", note).on("trailers", note);
    stream.on("data", (chunk) => (text += String(chunk)));
    stream.on("error", reject);
    stream.on("close", () => resolve(/grpc-status: (\d+)/.exec(text)?.[1] ?? status));
    stream.end(body);
  });
}

/** A frame that says it is packed where nobody said how: gRPC has this answered as INTERNAL. */
function saysPacked(body: Uint8Array): boolean {
  const view = Buffer.from(body);
  for (let at = 0; at + 5 <= view.length; at += 5 + view.readUInt32BE(at + 1)) if ((view[at]! & 1) === 1) return true;
  return false;
}

it.for([
  ["application/grpc", /^(0|3|8|12)$/],
  ["application/grpc+json", /^(0|3|8|12|13|HTTP 415)$/],
  ["application/grpc-web+proto", /^(0|3|8|12)$/],
  ["application/json", /^HTTP (200|400)$/],
] as const)("%s", { timeout: 600_000 }, async ([type, answered]) => {
  const bodies = fc.oneof(
    damaged(fc.constant(type === "application/json" ? Buffer.from('{"name":"a","expiresIn":5}') : good)),
    fc.uint8Array({ maxLength: 40 }),
    fc.uint8Array({ maxLength: 40 }).map((message) => frameOf(Buffer.from(message))),
  );
  await fc.assert(
    fc.asyncProperty(bodies, async (body) => {
      expect(await statusOf(type, body)).toMatch(saysPacked(body) ? /^(0|3|8|12|13|HTTP \d+)$/ : answered);
    }),
    runs(150),
  );
});

it("keys and lists of signers are read, or told as problems", { timeout: 600_000 }, async () => {
  const armour =
    "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEZwAAABYJKwYBBAHaRw8BAQdA\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n";
  const text = fc.oneof(
    hostileText(),
    damaged(fc.constant(Buffer.from(armour))).map((bytes) => Buffer.from(bytes).toString()),
  );
  await fc.assert(
    fc.asyncProperty(text, async (key) => {
      expect((await createKeyring({ key }, key)).problems).toBeInstanceOf(Array);
    }),
    runs(100),
  );
});

it("headers that say who calls are read or refused", async () => {
  const sessions = {
    verify: () => Promise.reject(new DriftlessError("UNAUTHENTICATED", "no valid session")),
    anonymous: () => undefined,
  } as unknown as Sessions;
  const names = fc.constantFrom("authorization", "token", "cookie", "origin", "host", "sec-fetch-site");
  const text = fc.oneof(
    hostileText(),
    hostileText().map((each) => `Bearer ${each}`),
    hostileText().map((each) => `argocd.token=${each}`),
  );
  await fc.assert(
    fc.asyncProperty(fc.dictionary(names, text), async (headers) => {
      const given = { header: (name: string) => headers[name], writes: true };
      await authenticate(sessions, given).catch((thrown: unknown) => {
        if (!(thrown instanceof DriftlessError)) throw thrown;
      });
    }),
    runs(300),
  );
});
