// A cluster that accepts requests and never answers them, a repository that does the same, renders without end: whoever has
// nothing to do with them is not delayed, and an operation that waits for them ends within five seconds of being told to.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Application } from "#model/application.ts";
import { clustersUnderTest, type RunningCluster } from "../support/cluster.ts";
import { eventually, steadily } from "../support/eventually.ts";
import { connectKube, type Kube } from "../support/kube.ts";
import { startProxy, type ApiProxy } from "../support/proxy.ts";
import { cloneRepository, createBare, type Repository } from "../support/repository.ts";
import { configMap, hookJob, manifests } from "../support/scenario.ts";
import { startUp, type Up } from "../support/up.ts";

const namespace = "argocd";
const endsWithinMs = 5000;
/** More than are worked on at once for one cluster. */
const crowd = 60;

describe("a cluster that does not answer", () => {
  let far: RunningCluster;
  let farKube: Kube;
  let proxy: ApiProxy;
  let up: Up;
  let kube: Kube;
  let repository: Repository;
  let silent: Server;
  const directory = mkdtempSync(join(tmpdir(), "driftless-slow-"));

  beforeAll(async () => {
    far = await clustersUnderTest()[0]!.start();
    farKube = connectKube(far.kubeconfig);
    proxy = await startProxy(far.kubeconfig);
    const plugins = join(directory, "plugins");
    mkdirSync(plugins);
    const spec = { generate: { command: ["sh", "-c", "sleep 3600"] } };
    const hanging = { kind: "ConfigManagementPlugin", metadata: { name: "hanging" }, spec };
    writeFileSync(join(plugins, "hanging.yaml"), JSON.stringify(hanging));
    up = await startUp({ demo: false, namespace, flags: ["--plugin-commands", plugins] });
    kube = connectKube(up.kubeconfig);
    const bare = join(directory, "deploy.git");
    await createBare(bare);
    repository = await cloneRepository(`file://${bare}`);
    await repository.push({
      "slow/one.yaml": manifests(configMap("one")),
      "hooked/all.yaml": manifests(hookJob("endless", { hook: "PreSync", runFor: "1h" }), configMap("after")),
      "quick/one.yaml": manifests(configMap("one")),
      "endless/Chart.yaml": "apiVersion: v2\nname: endless\nversion: 1.0.0\n",
      "endless/templates/a.yaml": "{{ range until 50000 }}{{ range until 50000 }}{{ end }}{{ end }}",
      "pruned/one.yaml": manifests(configMap("kept")),
      "pruned/two.yaml": manifests(configMap("extra")),
    });
    silent = createServer(() => {});
    await new Promise<void>((resolve) => {
      silent.listen(0, "127.0.0.1", resolve);
    });
    await kube.create({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "far", namespace, labels: { "argocd.argoproj.io/secret-type": "cluster" } },
      stringData: { name: "far", server: proxy.url, config: "{}" },
    });
    for (const name of ["far", "hooked", "pruned", ...Array.from({ length: crowd }, (_, index) => `crowd-${index}`)]) {
      await farKube.create({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
    }
    await kube.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: "quick" } });
  });

  afterEach(() => {
    proxy.hangs = undefined;
  });

  afterAll(async () => {
    await up?.stop();
    await kube?.close();
    await proxy?.close();
    await farKube?.close();
    await far?.stop();
    silent?.close();
    repository?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  async function application(name: string, how: { path: string; to: string; server?: string }): Promise<void> {
    await kube.create({
      apiVersion: "argoproj.io/v1alpha1",
      kind: "Application",
      metadata: { name, namespace },
      spec: {
        project: "default",
        source: { repoURL: repository.url, targetRevision: "main", path: how.path },
        destination: { server: how.server ?? proxy.url, namespace: how.to },
      },
    });
    await eventually(async () => expect((await get(name)).status?.sync?.status).toBe("OutOfSync"));
  }

  const get = async (name: string): Promise<Application> =>
    (await kube.get("Application", name, namespace)) as Application;
  const phase = async (name: string): Promise<string | undefined> => (await get(name)).status?.operationState?.phase;
  const ask = (name: string, sync: object = {}): Promise<unknown> =>
    kube.edit("Application", { name, namespace }, { operation: { initiatedBy: { username: "ada" }, sync } });

  /** Asks for the end; returns how the operation ended, and after how many milliseconds. */
  async function terminate(name: string, how = { begun: true }): Promise<{ message: string; tookMs: number }> {
    const asked = performance.now();
    const at = { name, namespace };
    if (await phase(name)) await kube.edit("Application", at, { status: { operationState: { phase: "Terminating" } } });
    else await kube.edit("Application", at, { operation: null });
    // One whose turn had not come has never begun when it is taken back.
    const ends = ["Failed", "Error", ...(how.begun ? [] : [undefined])];
    const ended = await eventually(
      async () => {
        const { operation, status } = await get(name);
        expect(operation).toBeUndefined();
        expect(ends).toContain(status?.operationState?.phase);
        return status?.operationState;
      },
      { withinMs: 30_000, everyMs: 20 },
    );
    return { message: ended?.message ?? "", tookMs: performance.now() - asked };
  }

  it("delays nobody else, and a sync that hangs in it can be ended", async () => {
    await application("slow", { path: "slow", to: "far" });
    await application("quick", { path: "quick", to: "quick", server: "https://kubernetes.default.svc" });
    let hanging = 0;
    proxy.hangs = ({ method }) => method !== "GET" && ++hanging > 0;
    await ask("slow");
    await eventually(() => expect(hanging).toBeGreaterThan(0));

    const asked = performance.now();
    await ask("quick");
    await eventually(async () => expect(await phase("quick")).toBe("Succeeded"), { everyMs: 20 });
    expect(performance.now() - asked).toBeLessThan(endsWithinMs);

    const { message, tookMs } = await terminate("slow");
    expect(message).toContain("Operation terminated");
    expect(tookMs).toBeLessThan(endsWithinMs);
    proxy.hangs = undefined;
    await ask("slow");
    await eventually(async () => expect(await phase("slow")).toBe("Succeeded"));
  });

  it("does not keep a running hook's operation from ending", async () => {
    await application("hooked", { path: "hooked", to: "hooked" });
    await ask("hooked");
    await eventually(async () => expect(await farKube.get("Job", "endless", "hooked")).toBeDefined());
    proxy.hangs = ({ method }) => method !== "GET";

    const { message, tookMs } = await terminate("hooked");

    expect(message).toMatch(/terminated; its running hooks could not be deleted: the destination does not answer/);
    expect(tookMs).toBeLessThan(endsWithinMs);
    proxy.hangs = undefined;
  });

  it("does not keep the dry runs before a prune from ending", async () => {
    await application("pruned", { path: "pruned", to: "pruned" });
    await ask("pruned");
    await eventually(async () => expect(await phase("pruned")).toBe("Succeeded"));
    await repository.push({ "pruned/one.yaml": manifests(configMap("kept", { key: "new" })), "pruned/two.yaml": null });
    await kube.edit(
      "Application",
      { name: "pruned", namespace },
      { metadata: { annotations: { "argocd.argoproj.io/refresh": "normal" } } },
    );
    await eventually(async () => expect((await get("pruned")).status?.sync?.status).toBe("OutOfSync"));
    let hanging = 0;
    proxy.hangs = ({ method }) => method !== "GET" && ++hanging > 0;
    await ask("pruned", { prune: true });
    await eventually(() => expect(hanging).toBeGreaterThan(0));

    const { tookMs } = await terminate("pruned");

    expect(tookMs).toBeLessThan(endsWithinMs);
    proxy.hangs = undefined;
    expect(await farKube.get("ConfigMap", "extra", "pruned")).toBeDefined();
  });

  it("holds up no end of an operation although more of its applications hang than are worked on at once", async () => {
    const names = Array.from({ length: crowd }, (_, index) => `crowd-${index}`);
    await Promise.all(names.map((name) => application(name, { path: "slow", to: name })));
    let hanging = 0;
    proxy.hangs = ({ method }) => method !== "GET" && ++hanging > 0;
    await Promise.all(names.map((name) => ask(name)));
    await eventually(() => expect(hanging).toBeGreaterThan(crowd / 2));

    const ends = await Promise.all(names.map((name) => terminate(name, { begun: false })));

    for (const { tookMs } of ends) expect(tookMs).toBeLessThan(endsWithinMs);
    await steadily(async () => {
      const phases = await Promise.all(names.map(phase));
      expect(phases.filter((each) => each === "Running")).toEqual([]);
    }, 500);
  });

  it("is as little a hindrance as a repository that does not answer", async () => {
    await application("elsewhere", { path: "quick", to: "quick", server: "https://kubernetes.default.svc" });
    const repoURL = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/never.git`;
    await ask("elsewhere", { source: { repoURL, path: ".", targetRevision: "main" } });
    const connected = new Promise((resolve) => silent.once("connection", resolve));
    await connected;

    const { tookMs } = await terminate("elsewhere");

    expect(tookMs).toBeLessThan(endsWithinMs);
  });

  it.each([
    ["a template without end", { path: "endless", targetRevision: "main" }],
    ["a plugin that hangs", { path: "quick", targetRevision: "main", plugin: { name: "hanging" } }],
  ])("is as little a hindrance as %s", async (_what, source) => {
    const name = source.path === "endless" ? "templated" : "plugged";
    await application(name, { path: "quick", to: "quick", server: "https://kubernetes.default.svc" });
    await ask(name, { source: { repoURL: repository.url, ...source } });
    // It renders for a while, and would for much longer.
    await steadily(async () => {
      const { operation, status } = await get(name);
      expect([operation, status?.operationState]).toEqual([
        expect.objectContaining({ sync: expect.anything() }),
        undefined,
      ]);
    }, 2000);

    const { message, tookMs } = await terminate(name);

    expect(message).toContain("Operation terminated");
    expect(tookMs).toBeLessThan(endsWithinMs);
    // The place that it rendered in is free again.
    await ask(name);
    await eventually(async () => expect(await phase(name)).toBe("Succeeded"));
  });
});
