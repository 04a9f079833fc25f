// `--port-forward` as commands use it: a pod is found by the kubeconfig's cluster, and requests go to its port 8080, with
// TLS or without.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { silentLogger } from "#base/operation.ts";
import { ConfigFile } from "#cli/server/config-file.ts";
import { connectToServer, type ConnectDeps } from "#cli/server/connect.ts";
import type { Context } from "#cli/context.ts";
import { kubeFlags } from "#cli/global-flags.ts";
import { portForward } from "#cli/server/port-forward.ts";
import type { KubernetesObject } from "#model/object.ts";
import { systemClock } from "#runtime/system.ts";
import { selfSigned } from "#server/tls/self-signed.ts";
import { startPortForwardServer, type PortForwardServer } from "#test/support/port-forward-server.ts";

const op = { signal: new AbortController().signal, log: silentLogger };
const folder = mkdtempSync(join(tmpdir(), "driftless-port-forward-"));
const kubeconfig = join(folder, "kubeconfig");
const seen: string[] = [];
const answers: RequestListener = (request, response) => {
  seen.push(`${request.headers.authorization ?? "nobody"} ${request.url}`);
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ Version: "v1" }));
};
const plain = createServer(answers);
const secure = createTlsServer(await selfSigned(["argocd-server"], Date.now()), answers);
let target = plain as typeof plain | typeof secure;
let api: PortForwardServer;

const pod = (name: string, phase: string, ready: string, label = "argocd-server"): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "argocd", labels: { "app.kubernetes.io/name": label } },
  status: { phase, conditions: [{ type: "Ready", status: ready }] },
});

beforeAll(async () => {
  for (const server of [plain, secure]) await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const pods = [
    pod("starting", "Running", "False"),
    pod("server-1", "Running", "True"),
    pod("ours-0", "Running", "True", "driftless"),
  ];
  api = await startPortForwardServer(pods, () => (target.address() as AddressInfo).port);
  const config = {
    "current-context": "here",
    clusters: [{ name: "here", cluster: { server: api.url } }],
    users: [{ name: "me", user: { token: "kube" } }],
    contexts: [{ name: "here", context: { cluster: "here", user: "me", namespace: "argocd" } }],
  };
  writeFileSync(kubeconfig, JSON.stringify(config));
});
afterAll(async () => {
  await api.close();
  for (const server of [plain, secure]) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  rmSync(folder, { recursive: true });
});

const kube = Object.fromEntries(Object.entries(kubeFlags).map(([name, flag]) => [name, flag.fallback]));
const none = { server: "", "auth-token": "", "server-name": "", "kube-context": "", "port-forward-namespace": "" };
const files = { "argocd-context": "", "server-crt": "", "client-crt": "", "client-crt-key": "", header: [] };

async function version(flags: object, config: object = {}): Promise<unknown> {
  const global = { ...none, ...files, "grpc-web-root-path": "", "http-retry-max": 0, ...flags };
  const context = { op, global, kube, env: { KUBECONFIG: kubeconfig }, version: "1", clock: systemClock };
  const deps = {
    ...context,
    localFile: "/nowhere",
    config: () => Promise.resolve(new ConfigFile("/nowhere", config)),
    forward: () => portForward(context as unknown as Context),
  } as unknown as ConnectDeps;
  return (await connectToServer(op, deps)).version(op);
}

describe("--port-forward", () => {
  test.each([
    ["HTTP", plain],
    ["TLS, with a certificate for another name", secure],
  ])("reaches the first ready pod that speaks %s", async (_what, server) => {
    target = server;
    expect(await version({ "port-forward": true })).toEqual({ Version: "v1" });
    expect(api.requests.at(-1)).toBe("UPGRADE /api/v1/namespaces/argocd/pods/server-1/portforward?ports=8080");
  });

  test("sends the token of the context that was logged in to by it, and of no other", async () => {
    target = plain;
    const config = {
      "current-context": "elsewhere",
      contexts: [
        { name: "elsewhere", server: "cd.example.com", user: "elsewhere" },
        { name: "port-forward", server: "port-forward", user: "port-forward" },
      ],
      servers: [{ server: "port-forward", "plain-text": true }],
      users: [
        { name: "elsewhere", "auth-token": "theirs" },
        { name: "port-forward", "auth-token": "ours" },
      ],
    };
    await version({ "port-forward": true }, config);
    expect(seen.at(-1)).toBe("Bearer ours /api/version");
    await version({}, { ...config, "current-context": "port-forward" });
    expect(seen.at(-1)).toBe("Bearer ours /api/version");
    await version({ "port-forward": true }, { ...config, contexts: config.contexts.slice(0, 1) });
    expect(seen.at(-1)).toBe("nobody /api/version");
  });

  test("by another label, in a namespace that is named", async () => {
    await version({ "port-forward-namespace": "argocd", "server-name": "driftless" });
    expect(api.requests.at(-1)).toContain("/pods/ours-0/portforward");
    await expect(version({ "port-forward-namespace": "other" })).rejects.toThrow(
      /no pod in namespace other of here with the label app.kubernetes.io\/name=argocd-server is ready/,
    );
  });
});
