// `--port-forward` through a real API server: it finds the pod, hands the connection on to the pod's kubelet, and a stand-in
// for that kubelet to a running server, since the pods of this control plane have no processes.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { silentLogger } from "#base/operation.ts";
import type { ResourcePath } from "#kube/types.ts";
import type { KubernetesObject } from "#model/object.ts";
import { selfSigned } from "#server/tls/self-signed.ts";
import { program, runToEnd, type Ended } from "../support/cli.ts";
import { clustersUnderTest, type RunningCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { connectKube, type Kube } from "../support/kube.ts";
import { startKubelet, type PortForwardServer } from "../support/port-forward-server.ts";
import { startUp, type Up } from "../support/up.ts";

const real = clustersUnderTest({ name: "port-forward through an API server", cases: 2 }).find(
  ({ name }) => name === "kubernetes",
);
const op = { signal: new AbortController().signal, log: silentLogger };
const nodes: ResourcePath = { group: "", version: "v1", plural: "nodes", namespaced: false };
const pods: ResourcePath = { group: "", version: "v1", plural: "pods", namespaced: true };

describe.runIf(real)("--port-forward on kubernetes", { timeout: 60_000 }, () => {
  let home = "";
  let up: Up;
  let cluster: RunningCluster;
  let kube: Kube;
  let kubelet: PortForwardServer;

  const status = (type: ResourcePath, ref: { name: string; namespace?: string }, body: object): Promise<unknown> =>
    kube.client.patch(op, type, ref, { type: "merge", body: { status: body } }, { subresource: "status" });
  const ready = { type: "Ready", status: "True" };

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), "driftless-forward-"));
    [up, cluster] = await Promise.all([
      startUp({ demo: false }),
      // No scheduler and nobody who plays kubelets: the node is ours.
      real!.start({ controllers: "serviceaccount-controller,root-ca-certificate-publisher-controller" }),
    ]);
    kube = connectKube(cluster.kubeconfig);
    kubelet = await startKubelet(await selfSigned(["127.0.0.1"], Date.now()), Number(new URL(up.url).port));
    await kube.client.create(op, nodes, { apiVersion: "v1", kind: "Node", metadata: { name: "here" } });
    await status(
      nodes,
      { name: "here" },
      {
        addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
        daemonEndpoints: { kubeletEndpoint: { Port: Number(new URL(kubelet.url).port) } },
        conditions: [ready],
      },
    );
    await kube.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "cd" } });
    const pod: KubernetesObject = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "server-0", namespace: "cd", labels: { "app.kubernetes.io/name": "argocd-server" } },
      spec: {
        nodeName: "here",
        automountServiceAccountToken: false,
        containers: [{ name: "server", image: "driftless", ports: [{ containerPort: 8080 }] }],
      },
    };
    // The namespace's service account comes a moment after the namespace.
    await eventually(() => kube.create(pod));
    await status(pods, { name: "server-0", namespace: "cd" }, { phase: "Running", conditions: [ready] });
  });
  afterAll(async () => {
    await kubelet?.close();
    await kube?.close();
    await cluster?.stop();
    await up?.stop();
    rmSync(home, { recursive: true, force: true });
  });

  function driftless(...args: readonly string[]): Promise<Ended> {
    return runToEnd(program, args, { home, env: { KUBECONFIG: cluster.kubeconfig } });
  }

  test("login and commands reach the server in the pod", async () => {
    const login = ["login", "--port-forward", "--port-forward-namespace", "cd", "--username", "admin"];
    expect(await driftless(...login, "--password", up.password)).toEqual({
      code: 0,
      out: "'admin:login' logged in successfully\nContext 'port-forward' updated\n",
      err: "",
    });
    const info = await driftless("account", "get-user-info", "--port-forward-namespace", "cd");
    expect(info).toMatchObject({ code: 0, err: "" });
    expect(info.out).toContain("Username: admin\n");
    expect(kubelet.requests.at(-1)).toMatch(/^UPGRADE \/portForward\/cd\/server-0/);
  });

  test("says which pods it looked for", async () => {
    const lost = await driftless("app", "list", "--port-forward", "--port-forward-namespace", "default");
    expect(lost.code).toBe(20);
    expect(lost.err).toContain("no pod in namespace default of ");
    expect(lost.err).toContain("app.kubernetes.io/name=argocd-server");
  });
});
