// A running sandbox and plain requests to it, for tests of what goes over the wire.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Agent, request } from "undici";
import { parse } from "yaml";
import { silentLogger } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import type { LocalClient } from "../contract.ts";
import { type Sandbox, type SandboxOptions, startSandbox } from "../sandbox.ts";

export const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  // Tests look into answers as they please.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any;
}

export interface WatchLine {
  readonly type: string;
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly object: any;
}

export interface Watching {
  /** The next `count` lines; waits for them. */
  take(count: number): Promise<WatchLine[]>;
  /** Whether the server has ended the stream, once it has. */
  ended(): Promise<void>;
  close(): void;
}

export interface TestCluster {
  readonly sandbox: Sandbox;
  readonly local: LocalClient;
  readonly dataDir: string;
  readonly server: string;
  readonly token: string;
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  watch(path: string, headers?: Record<string, string>): Promise<Watching>;
  stop(keep?: "keep"): Promise<void>;
}

/** Starts a sandbox with one cluster, `test`, and no built-in controllers unless asked. */
export async function startTestCluster(options: Partial<SandboxOptions> = {}): Promise<TestCluster> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), "sandbox-"));
  const sandbox = await startSandbox(
    { signal: new AbortController().signal, log: silentLogger },
    { clusters: [{ name: "test" }], clock, random: { next: Math.random }, controllers: false, ...options, dataDir },
  );
  const config = parse(sandbox.kubeconfig("test")) as {
    clusters: [{ cluster: { server: string; "certificate-authority-data": string } }];
    users: [{ user: { token: string } }];
  };
  const { server, "certificate-authority-data": ca } = config.clusters[0].cluster;
  const { token } = config.users[0].user;
  const agent = new Agent({ connect: { ca: Buffer.from(ca, "base64") } });
  const base = { dispatcher: agent, headers: { authorization: `Bearer ${token}`, "user-agent": "test/1" } };
  return {
    sandbox,
    local: sandbox.local("test"),
    dataDir,
    server,
    token,
    async call(method, path, body, headers = {}) {
      const answer = await request(server + path, {
        ...base,
        method: method as "GET",
        headers: { ...base.headers, "content-type": "application/json", ...headers },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      const text = await answer.body.text();
      const isJson = String(answer.headers["content-type"]).includes("json");
      return { status: answer.statusCode, headers: answer.headers, body: isJson ? JSON.parse(text) : text };
    },
    async watch(path, headers = {}) {
      const ending = new AbortController();
      const answer = await request(server + path, {
        ...base,
        headers: { ...base.headers, ...headers },
        signal: ending.signal,
      });
      return watching(answer.body, ending);
    },
    async stop(keep) {
      await sandbox.stop();
      await agent.destroy();
      if (keep === undefined) rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

function watching(stream: AsyncIterable<Buffer>, ending: AbortController): Watching {
  const lines = (async function* (): AsyncGenerator<WatchLine> {
    let rest = "";
    for await (const chunk of stream) {
      const parts = (rest + chunk.toString()).split("\n");
      rest = parts.pop() ?? "";
      for (const part of parts) yield JSON.parse(part) as WatchLine;
    }
  })();
  return {
    async take(count) {
      const found: WatchLine[] = [];
      while (found.length < count) {
        const next = await lines.next();
        if (next.done === true) break;
        found.push(next.value);
      }
      return found;
    },
    async ended() {
      while ((await lines.next()).done !== true);
    },
    close: () => ending.abort(),
  };
}
