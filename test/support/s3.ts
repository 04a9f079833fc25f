// A small S3-compatible store for tests: PUT and GET of objects, each request's signature (version 4) checked against a
// computation of its own. Can be told to be slow, to fail, and to give other bytes than it was given.
import { createHash, createHmac } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

export interface S3Server {
  readonly endpoint: string;
  readonly objects: Map<string, Buffer>;
  /** Requests so far. */
  readonly requests: { method: string; status: number }[];
  fault: "none" | "hang" | "fail" | "garble" | "cut";
  close(): Promise<void>;
}

const hash = (data: string | Buffer): string => createHash("sha256").update(data).digest("hex");
const hmac = (key: string | Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();

/** Source: AWS' "Signature Version 4", authenticating by the Authorization header. */
function signed(request: IncomingMessage, body: Buffer, secret: string): boolean {
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]+)$/.exec(
      request.headers.authorization ?? "",
    );
  if (!match) return false;
  const [, , day = "", region = "", names = "", signature] = match;
  const url = new URL(request.url ?? "/", "http://localhost");
  const payload = String(request.headers["x-amz-content-sha256"] ?? "");
  if (payload !== "UNSIGNED-PAYLOAD" && payload !== hash(body)) return false;
  const headers = names.split(";").map((name) => `${name}:${String(request.headers[name]).trim()}\n`);
  const canonical = [request.method, url.pathname, "", headers.join(""), names, payload].join("\n");
  const scope = `${day}/${region}/s3/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", request.headers["x-amz-date"], scope, hash(canonical)].join("\n");
  const key = hmac(hmac(hmac(hmac(`AWS4${secret}`, day), region), "s3"), "aws4_request");
  return hmac(key, text).toString("hex") === signature;
}

export async function startS3(secret: string): Promise<S3Server> {
  const objects = new Map<string, Buffer>();
  const requests: S3Server["requests"] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const body = Buffer.concat(parts);
      const answer = (status: number, content: string | Buffer = ""): void => {
        requests.push({ method: request.method ?? "", status });
        response.writeHead(status).end(content);
      };
      if (state.fault === "hang") return;
      if (state.fault === "fail") return answer(503, "<Error><Code>SlowDown</Code></Error>");
      if (!signed(request, body, secret)) return answer(403, "<Error><Code>SignatureDoesNotMatch</Code></Error>");
      const name = decodeURIComponent(request.url ?? "");
      if (request.method === "PUT") {
        objects.set(name, body);
        return answer(200);
      }
      const found = objects.get(name);
      if (!found) return answer(404, "<Error><Code>NoSuchKey</Code></Error>");
      if (state.fault === "garble")
        return answer(200, Buffer.from(found.map((byte, at) => (at === 40 ? byte ^ 1 : byte))));
      if (state.fault === "cut") return answer(200, found.subarray(0, found.length / 2));
      answer(200, found);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const state: S3Server = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    requests,
    fault: "none",
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return state;
}
