import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { targetOf, type ConnectDeps } from "./connect.ts";

const folder = mkdtempSync(join(tmpdir(), "driftless-connect-"));
const file = (name: string): string => {
  writeFileSync(join(folder, name), `PEM ${name}`);
  return join(folder, name);
};
const [certificate, key] = [file("me.crt"), file("me.key")];
const base64 = (text: string): string => Buffer.from(text).toString("base64");
afterAll(() => rmSync(folder, { recursive: true }));

const none = { "server-crt": "", "client-crt": "", "client-crt-key": "", "grpc-web-root-path": "", header: [] };
function target(flags: object, server: object = {}): ReturnType<typeof targetOf> {
  const deps = { env: {}, global: { ...none, "http-retry-max": 0, ...flags } } as unknown as ConnectDeps;
  return targetOf(deps, { server: "cd.example.com", ...server });
}

describe("the client's certificate", () => {
  const files = { "client-certificate": certificate, "client-certificate-key": key };
  const data = { "client-certificate-data": base64("D"), "client-certificate-key-data": base64("K") };

  test.each<readonly [what: string, flags: object, server: object, expected: object]>([
    ["of flags", { "client-crt": certificate, "client-crt-key": key }, data, { cert: "PEM me.crt", key: "PEM me.key" }],
    [
      "of the context's files, before what stands in it",
      {},
      { ...files, ...data },
      { cert: "PEM me.crt", key: "PEM me.key" },
    ],
    ["that stands in the context", {}, data, { cert: "D", key: "K" }],
  ])("%s", (_what, flags, server, expected) => {
    expect(target(flags, server)).toMatchObject(expected);
  });

  test.each<readonly [flags: object, server: object, error: RegExp]>([
    [{ "client-crt": certificate }, {}, /--client-crt and --client-crt-key are only of use together/],
    [{}, { "client-certificate-key": key }, /client-certificate and client-certificate-key are only of use together/],
    [{ "client-crt": "/nowhere", "client-crt-key": key }, {}, /\/nowhere of --client-crt cannot be read/],
  ])("%j %j is refused", (flags, server, error) => {
    expect(() => target(flags, server)).toThrow(error);
  });

  test("is none where nobody names one", () => {
    expect(target({})).not.toHaveProperty("cert");
  });
});
