// The client of the API bench, a process of its own: asks for pages and lists one after the other, and says how long each
// answer took until its last byte was there and read. Keeps its connection, takes gzip, as browsers and command lines do.
import http from "node:http";
import { gunzipSync } from "node:zlib";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { ApplicationService } from "#protocol/gen/argoproj/application_pb.js";

export interface ClientTask {
  readonly url: string;
  readonly token: string;
  /** Paths to get; or everything by gRPC. */
  readonly get: readonly string[] | "grpc";
}

export interface ClientReport {
  readonly timesMs: readonly number[];
  /** Of the last answer. */
  readonly bytes: number;
  readonly applications: number;
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

process.on("message", (task: ClientTask) => {
  const done = task.get === "grpc" ? byGrpc(task) : byRest(task, task.get);
  done.then(
    (report) => process.send?.(report),
    (thrown: unknown) => {
      console.error(thrown);
      process.exit(1);
    },
  );
});

async function byRest(task: ClientTask, paths: readonly string[]): Promise<ClientReport> {
  const timesMs: number[] = [];
  let text = "";
  for (const path of paths) {
    const started = performance.now();
    text = await get(task, path);
    timesMs.push(performance.now() - started);
  }
  return { timesMs, bytes: text.length, applications: (JSON.parse(text) as { items: unknown[] }).items.length };
}

function get({ url, token }: ClientTask, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, "accept-encoding": "gzip" };
    http
      .get(`${url.replace("localhost", "127.0.0.1")}${path}`, { headers, agent }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const body = Buffer.concat(chunks);
          const text = (response.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body).toString();
          if (response.statusCode === 200) resolve(text);
          else reject(new Error(`${response.statusCode} ${text}`));
        });
      })
      .on("error", reject);
  });
}

async function byGrpc({ url, token }: ClientTask): Promise<ClientReport> {
  const transport = createGrpcTransport({ baseUrl: url, readMaxBytes: 512 * 1024 * 1024 });
  const client = createClient(ApplicationService, transport);
  const headers = { authorization: `Bearer ${token}` };
  // The client's own beginnings are not the server's: its connection, its code.
  await client.list({ name: "none" }, { headers });
  const started = performance.now();
  const { items } = await client.list({}, { headers });
  return { timesMs: [performance.now() - started], bytes: 0, applications: items.length };
}
