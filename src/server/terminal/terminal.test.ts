// The web terminal, from the page's WebSocket to a stand-in for the API server's, through the same listener that serves
// everything else: in clear text and by TLS.
import { WebSocket } from "ws";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DriftlessError } from "#base/errors.ts";
import { createClient } from "#kube/client.ts";
import { fixedAuthorization } from "#kube/connection.ts";
import type { Application } from "#model/application.ts";
import { systemClock, systemRandom } from "#runtime/system.ts";
import { startExecServer, type ExecServer } from "#test/support/exec-server.ts";
import { listen, type Certificate, type Listener } from "../rpc/listener.ts";
import { selfSigned } from "../tls/self-signed.ts";
import { terminalUpgrade, type TerminalDoorDeps } from "./upgrade.ts";

const log = { debug() {}, info() {}, warn() {}, error() {}, with: () => log };
const op = { signal: new AbortController().signal, log };
const app = { metadata: { name: "shop", namespace: "argocd" }, spec: { project: "team" } } as Application;
const query = "pod=web-1&container=web&appName=shop&appNamespace=argocd&projectName=team&namespace=shop";
const cookie = "argocd.token=good";

let certificate: Certificate;
let kube: ExecServer;
let settings: Record<string, string>;
let allowed: boolean;
let kubeToken: string;
const closing: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  certificate = await selfSigned(["localhost"], Date.now());
});
beforeEach(async () => {
  kube = await startExecServer(["sh"]);
  closing.push(kube);
  settings = { "exec.enabled": "true" };
  allowed = true;
  kubeToken = "kube";
});
afterEach(async () => {
  for (const each of closing.splice(0).reverse()) await each.close();
});

function deps(): TerminalDoorDeps {
  const client = createClient(
    { name: "test", server: kube.url, tls: {}, auth: fixedAuthorization(`Bearer ${kubeToken}`) },
    { clock: systemClock, random: systemRandom, userAgent: "test" },
  );
  closing.push(client);
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web-1" },
    spec: { containers: [{ name: "web" }] },
    status: { phase: "Running" },
  };
  return {
    clock: systemClock,
    sessions: {
      verify: async (token) => {
        if (token !== "good") throw new DriftlessError("UNAUTHENTICATED", "no valid session: log in");
        return { kind: "local", username: "ann", groups: [] } as never;
      },
      anonymous: () => undefined,
    },
    access: {
      require: (_account, _action, _ref, resource) => {
        if (resource === "exec" && !allowed) throw new DriftlessError("PERMISSION_DENIED", "permission denied: exec");
        return app;
      },
    },
    config: () => settings,
    tree: () => ({ nodes: [{ version: "v1", kind: "Pod", namespace: "shop", name: "web-1", uid: "1" }] }),
    cluster: () => ({ get: async () => pod, exec: (...given) => client.exec(...given) }),
  };
}

async function serve(tls = false): Promise<Listener> {
  const door = deps();
  const listener = await listen({
    host: "127.0.0.1",
    port: 0,
    handler: (_request, response) => void response.end(),
    ...(tls ? { certificate } : {}),
    upgrade: (request, socket, head) => void terminalUpgrade(op, door, { request, socket, head }),
  });
  closing.push(listener);
  return listener;
}

interface Page {
  readonly socket: WebSocket;
  /** Resolves once what was written holds the text. */
  shows(text: string): Promise<void>;
  send(frame: object): void;
  readonly closed: Promise<number>;
}

async function open(port: number, options: { tls?: boolean; query?: string; headers?: object } = {}): Promise<Page> {
  const { tls = false, headers = { cookie, origin: `https://127.0.0.1:${port}` } } = options;
  const socket = new WebSocket(`${tls ? "wss" : "ws"}://127.0.0.1:${port}/terminal?${options.query ?? query}`, {
    headers: { ...headers },
    rejectUnauthorized: false,
  });
  let written = "";
  let look = (): void => {};
  socket.on("message", (data) => {
    const frame = JSON.parse((data as Buffer).toString("utf8")) as { operation?: string; data?: string };
    if (frame.operation === "stdout") written += frame.data ?? "";
    look();
  });
  const closed = new Promise<number>((resolve) => socket.on("close", resolve));
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.on("error", reject);
  });
  return {
    socket,
    closed,
    shows: (text) =>
      new Promise((resolve) => {
        look = () => {
          if (written.includes(text)) resolve();
        };
        look();
      }),
    send: (frame) => socket.send(JSON.stringify(frame)),
  };
}

describe.each([false, true])("with TLS: %s", (tls) => {
  it("types, shows, resizes, and ends with the shell that is there", async () => {
    const { port } = await serve(tls);
    const page = await open(port, { tls });
    page.send({ operation: "resize", cols: 120, rows: 40 });
    await page.shows("$ ");
    page.send({ operation: "stdin", data: "écho 1\n" });
    await page.shows("écho 1\n");
    expect(kube.sizes.at(-1)).toEqual({ Width: 120, Height: 40 });
    page.send({ operation: "stdin", data: "exit\n" });
    await page.closed;
    const commands = kube.requests.map((request) => new URL(request, "http://x").searchParams.get("command"));
    expect(commands).toEqual(["bash", "sh"]);
    expect(kube.requests[0]).toMatch(/^\/api\/v1\/namespaces\/shop\/pods\/web-1\/exec\?container=web&stdin=true/);
  });
});

it("starts only shells that are allowed", async () => {
  settings["exec.shells"] = "sh";
  const { port } = await serve();
  const page = await open(port, { query: `${query}&shell=/bin/evil` });
  await page.shows("$ ");
  expect(kube.requests.map((request) => new URL(request, "http://x").searchParams.getAll("command"))).toEqual([["sh"]]);
});

it("says why where no shell is there, or the cluster refuses", async () => {
  settings["exec.shells"] = "zsh";
  const { port } = await serve();
  const none = await open(port);
  await none.shows("no such file");
  await none.closed;
  kubeToken = "wrong";
  const page = await open((await serve()).port);
  await page.shows('pods "p" is forbidden');
});

it("ends where a frame makes no sense", async () => {
  const page = await open((await serve()).port);
  page.socket.send("{");
  expect(await page.closed).toBe(1007);
});

it("ends with the permission", async () => {
  const { port } = await serve();
  const page = await open(port);
  await page.shows("$ ");
  allowed = false;
  await page.shows("Permission denied");
  expect(await page.closed).toBe(1008);
}, 15_000);

describe("is refused", () => {
  const cases: readonly [why: string, status: number, change: () => { query?: string; headers?: object }][] = [
    ["while it is off", 404, () => ((settings = {}), {})],
    ["without a session", 401, () => ({ headers: {} })],
    ["with a session that has ended", 401, () => ({ headers: { authorization: "Bearer bad" } })],
    ["to a page of another site", 403, () => ({ headers: { cookie, origin: "https://evil.example" } })],
    ["without the right to exec", 403, () => ((allowed = false), {})],
    ["without a pod", 400, () => ({ query: query.replace("pod=web-1", "") })],
    ["for a name that is none", 400, () => ({ query: query.replace("web-1", "..%2Fweb") })],
    ["for a pod of nobody's", 400, () => ({ query: query.replace("web-1", "web-2") })],
    ["for another project", 400, () => ({ query: query.replace("team", "other") })],
    ["for a container that is not there", 400, () => ({ query: query.replace("container=web", "container=db") })],
  ];
  it.each(cases)("%s", async (_why, status, change) => {
    const options = change();
    const { port } = await serve();
    await expect(open(port, options)).rejects.toThrow(`Unexpected server response: ${status}`);
    expect(kube.requests).toEqual([]);
  });
});
