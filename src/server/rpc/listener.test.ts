import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { listen, type Listener } from "./listener.ts";

let listener: Listener;
beforeAll(async () => {
  const handler = (_request: unknown, response: { end(text: string): void }): void => response.end("ok");
  listener = await listen({ host: "127.0.0.1", port: 0, handler });
});
afterAll(() => listener.close());

test("TLS where none is spoken is answered in clear, which clients tell from a lost connection", async () => {
  const socket = connectTls({ host: "127.0.0.1", port: listener.port, rejectUnauthorized: false });
  const error = await new Promise<NodeJS.ErrnoException>((resolve) => socket.once("error", resolve));
  expect(["EPROTO", "ERR_SSL_WRONG_VERSION_NUMBER", "ERR_SSL_PACKET_LENGTH_TOO_LONG"]).toContain(error.code);
});
