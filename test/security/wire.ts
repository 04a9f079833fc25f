// Requests as no library would send them: any bytes over HTTP/1.1, any frames as gRPC and gRPC-Web, bodies made from a
// short description. Answers come back as they are. For the tests of this folder.
import http2 from "node:http2";
import net from "node:net";
import { gzipSync, deflateSync } from "node:zlib";

/** A body: its text, or how it is made. */
export type Made =
  | string
  | {
      readonly text?: string;
      readonly hex?: string;
      readonly json?: unknown;
      /** `text`, so many times. */
      readonly times?: number;
      /** What comes before and after the repeated text. */
      readonly before?: string;
      readonly after?: string;
      readonly packed?: "gzip" | "deflate";
    };

export function bytesOf(made: Made): Buffer {
  if (typeof made === "string") return Buffer.from(made);
  const { text = "", hex, json, times = 1, before = "", after = "", packed } = made;
  const plain =
    hex !== undefined
      ? Buffer.from(hex.replace(/\s/g, ""), "hex")
      : Buffer.from(json === undefined ? before + text.repeat(times) + after : JSON.stringify(json));
  return packed === "gzip" ? gzipSync(plain) : packed === "deflate" ? deflateSync(plain) : plain;
}

/** A message's frame as gRPC has it, with a length that may be another one. */
export function frameOf(message: Buffer, given: { readonly length?: number; readonly flags?: number } = {}): Buffer {
  const head = Buffer.alloc(5);
  head[0] = given.flags ?? 0;
  head.writeUInt32BE(given.length ?? message.length, 1);
  return Buffer.concat([head, message]);
}

export interface WireAnswer {
  /** HTTP's; 0 where the connection was ended without an answer. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

const withinMs = 20_000;

/** Writes bytes to the server; returns what it said until it closed, or the first answer was complete. */
export async function byBytes(url: string, bytes: string | Buffer): Promise<WireAnswer> {
  const { hostname, port } = new URL(url);
  const socket = net.connect(Number(port), hostname === "localhost" ? "127.0.0.1" : hostname);
  socket.setTimeout(withinMs, () => socket.destroy());
  socket.on("error", () => {});
  let said = "";
  socket.write(bytes);
  await new Promise<void>((resolve) => {
    socket.on("data", (chunk) => {
      said += chunk.toString("latin1");
      const end = said.indexOf("\r\n\r\n");
      const length = /\r\ncontent-length: (\d+)/i.exec(said.slice(0, end + 2))?.[1];
      if (end >= 0 && length !== undefined && said.length >= end + 4 + Number(length)) resolve();
    });
    socket.on("close", () => resolve());
  });
  socket.destroy();
  const [head = "", ...rest] = said.split("\r\n\r\n");
  const [line = "", ...lines] = head.split("\r\n");
  const headers = Object.fromEntries(
    lines.map((each) => [each.split(":")[0]!.toLowerCase(), each.slice(each.indexOf(":") + 1).trim()]),
  );
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(line)?.[1] ?? 0), headers, text: rest.join("\r\n\r\n") };
}

/** A call by gRPC with any bytes as its body; returns the status that headers or trailers say. */
export async function byFrames(
  url: string,
  path: string,
  body: Buffer,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: string; readonly message: string }> {
  const client = http2.connect(url);
  client.on("error", () => {});
  try {
    const stream = client.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
      ...headers,
    });
    stream.on("error", () => {});
    stream.end(body);
    return await new Promise((resolve) => {
      const tell = (given: http2.IncomingHttpHeaders): void => {
        const status = given["grpc-status"];
        if (status !== undefined)
          resolve({ status: String(status), message: decodeURIComponent(String(given["grpc-message"] ?? "")) });
        else if (Number(given[":status"] ?? 200) !== 200)
          resolve({ status: `HTTP ${String(given[":status"])}`, message: "" });
      };
      stream.on("response", tell).on("trailers", tell).resume();
      stream.on("close", () => resolve({ status: `RESET ${stream.rstCode}`, message: "" }));
      stream.setTimeout(withinMs, () => resolve({ status: "UNANSWERED", message: "" }));
    });
  } finally {
    client.destroy();
  }
}
