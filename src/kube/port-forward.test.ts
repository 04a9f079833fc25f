import { createServer, type AddressInfo, type Server } from "node:net";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { silentLogger, type Operation } from "#base/operation.ts";
import { startPortForwardServer, type PortForwardServer } from "#test/support/port-forward-server.ts";
import { fixedAuthorization, type Connection } from "./connection.ts";
import { openPortForward } from "./port-forward.ts";

const op: Operation = { signal: new AbortController().signal, log: silentLogger };
let echo: Server;
let api: PortForwardServer;
let targetPort = 0;

beforeAll(async () => {
  echo = createServer((socket) => socket.pipe(socket));
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
  targetPort = (echo.address() as AddressInfo).port;
  api = await startPortForwardServer([], () => targetPort);
});
afterAll(async () => {
  await api.close();
  await new Promise((resolve) => echo.close(resolve));
});

const connection = (token: string): Connection => ({
  name: "test",
  server: api.url,
  tls: {},
  auth: fixedAuthorization(`Bearer ${token}`),
});
const where = { namespace: "argocd", pod: "server-0", port: 8080 };

describe("a connection to a port of a pod", () => {
  test("carries bytes both ways, more than fit into a buffer, in order", async () => {
    const stream = await openPortForward(op, connection("kube"), {}, where);
    const sent = Buffer.alloc(3_000_000, Buffer.from("0123456789abcdef~"));
    const received: Buffer[] = [];
    let size = 0;
    const all = new Promise<void>((resolve, reject) => {
      stream.on("error", reject);
      stream.on("data", (bytes: Buffer) => {
        received.push(bytes);
        if ((size += bytes.length) >= sent.length) resolve();
      });
    });
    for (let at = 0; at < sent.length; at += 64_000) {
      if (!stream.write(sent.subarray(at, at + 64_000))) await new Promise((resolve) => stream.once("drain", resolve));
    }
    await all;
    stream.destroy();
    expect(Buffer.concat(received).equals(sent)).toBe(true);
    expect(api.requests.at(-1)).toBe("UPGRADE /api/v1/namespaces/argocd/pods/server-0/portforward?ports=8080");
  });

  test("ends where the other side ends", async () => {
    const greeter = createServer((socket) => socket.end("hello"));
    await new Promise<void>((resolve) => greeter.listen(0, "127.0.0.1", resolve));
    const before = targetPort;
    targetPort = (greeter.address() as AddressInfo).port;
    const stream = await openPortForward(op, connection("kube"), {}, where);
    expect((await buffer(stream)).toString()).toBe("hello");
    targetPort = before;
    await new Promise((resolve) => greeter.close(resolve));
  });

  test("says what went wrong in the pod", async () => {
    const before = targetPort;
    targetPort = 1;
    const stream = await openPortForward(op, connection("kube"), {}, where);
    await expect(buffer(stream)).rejects.toThrow(/port 8080 of pod argocd\/server-0 .*error forwarding port 8080/);
    targetPort = before;
  });

  test("is refused as any request", async () => {
    const opening = openPortForward(op, connection("other"), {}, where);
    await expect(opening).rejects.toMatchObject({ code: "PERMISSION_DENIED" });
  });
});
