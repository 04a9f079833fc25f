// HTTP to a cluster, as a kubeconfig says: plain requests and watches, with nothing interpreted.
import { readFileSync } from "node:fs";
import { Agent, request } from "undici";
import { parse } from "yaml";
import { listAt, stringAt } from "#base/json.ts";
import type { Json } from "#base/json.ts";

export interface Answer {
  readonly status: number;
  readonly warnings: readonly string[];
  readonly contentType: string;
  readonly text: string;
}

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Connection {
  send(what: Request): Promise<Answer>;
  /** Opens a watch; `events` gives its lines as JSON as they come, until `close`. */
  watch(path: string, headers: Readonly<Record<string, string>>): Promise<Watch>;
  close(): Promise<void>;
}

export interface Watch {
  readonly status: number;
  readonly events: AsyncIterable<Json>;
  close(): void;
}

/** Takes the path of a kubeconfig; connects as its current context says. */
export function connect(kubeconfig: string): Connection {
  const config: unknown = parse(readFileSync(kubeconfig, "utf8"));
  const context = named(config, "contexts", stringAt(config, "current-context"));
  const cluster = named(config, "clusters", stringAt(context, "context", "cluster"));
  const user = named(config, "users", stringAt(context, "context", "user"));
  const server = stringAt(cluster, "cluster", "server") ?? "";
  const ca = decode(stringAt(cluster, "cluster", "certificate-authority-data"));
  const cert = decode(stringAt(user, "user", "client-certificate-data"));
  const key = decode(stringAt(user, "user", "client-key-data"));
  const token = stringAt(user, "user", "token");
  const tls = { ...(ca ? { ca } : {}), ...(cert && key ? { cert, key } : {}) };
  const dispatcher = new Agent({ allowH2: false, connect: tls, connections: 32, bodyTimeout: 0 });
  const base: Record<string, string> = {
    "user-agent": "contract/1.0",
    accept: "application/json",
    ...(token ? { authorization: `Bearer ${token}` } : {}),
  };
  const open = (what: Request) =>
    request(server + what.path, {
      dispatcher,
      method: what.method as "GET",
      headers: withoutEmpty({ ...base, ...what.headers }),
      body: what.body ?? null,
    });
  return {
    send: async (what) => {
      const answer = await open(what);
      return {
        status: answer.statusCode,
        warnings: warningsOf(answer.headers["warning"]),
        contentType: String(answer.headers["content-type"] ?? ""),
        text: await answer.body.text(),
      };
    },
    watch: async (path, headers) => {
      const answer = await open({ method: "GET", path, headers });
      return { status: answer.statusCode, events: linesOf(answer.body), close: () => void answer.body.destroy() };
    },
    close: () => dispatcher.destroy(),
  };
}

function named(config: unknown, list: string, name: string | undefined): unknown {
  return listAt(config, list).find((each) => stringAt(each, "name") === name);
}

function decode(base64: string | undefined): string | undefined {
  return base64 === undefined ? undefined : Buffer.from(base64, "base64").toString("utf8");
}

/** A header given as "" is one that is not sent. */
function withoutEmpty(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== ""));
}

function warningsOf(header: string | string[] | undefined): string[] {
  const text = Array.isArray(header) ? header.join(", ") : (header ?? "");
  return [...text.matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)].map((match) => (match[1] ?? "").replaceAll('\\"', '"'));
}

async function* linesOf(stream: AsyncIterable<Buffer>): AsyncIterable<Json> {
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for await (const chunk of stream) {
      rest += decoder.decode(chunk, { stream: true });
      const lines = rest.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line.trim() !== "") yield JSON.parse(line) as Json;
    }
    if (rest.trim() !== "") yield JSON.parse(rest) as Json;
  } catch (thrown) {
    // Closed from this side.
    if (!(thrown instanceof Error) || !/abort|destroy|close/i.test(`${thrown.name} ${thrown.message}`)) throw thrown;
  }
}
