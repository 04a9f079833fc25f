// The real control plane itself: it comes up, survives the loss of a part, keeps its data, and leaves nothing behind.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, it } from "vitest";
import { findBinary } from "../kubernetes/binary.ts";
import { isOurs } from "../kubernetes/component.ts";
import { startControlPlane } from "../kubernetes/control-plane.ts";
import type { ControlPlane, ControlPlaneOptions } from "../kubernetes/control-plane.ts";
import { connect } from "./connection.ts";
import { createNormaliser, differences, missing } from "./normalise.ts";

const binary = findBinary(process.env) ?? "";
const cleanups: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), "driftless-test-"));
  cleanups.push(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }));
  return directory;
}

async function start(options: Partial<ControlPlaneOptions> = {}): Promise<ControlPlane> {
  const plane = await startControlPlane({ binary, nodes: 0, ...options });
  cleanups.push(() => plane.stop());
  return plane;
}

async function send(plane: ControlPlane, method: string, path: string, body?: object): Promise<number> {
  const connection = connect(plane.kubeconfig);
  try {
    const content = body ? { body: JSON.stringify(body), headers: { "content-type": "application/json" } } : {};
    return (await connection.send({ method, path, ...content })).status;
  } finally {
    await connection.close();
  }
}

async function until(what: string, check: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!check()) {
    if (performance.now() > deadline) throw new Error(`did not come about: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const running = (pids: Readonly<Record<string, number>>): string[] =>
  Object.entries(pids)
    .filter(([name, pid]) => isOurs(pid, name))
    .map(([name]) => name);
const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "kept" } };
const maps = "/api/v1/namespaces/default/configmaps";

describe.skipIf(binary === "")("real control plane", () => {
  it("starts a part again at the same address; ends all its processes and removes its folder when it is stopped", async () => {
    const plane = await start();
    const before = plane.pids();
    expect(await send(plane, "POST", maps, map)).toBe(201);
    await plane.restart("kube-apiserver", 0);
    expect(plane.pids()["kube-apiserver"]).not.toBe(before["kube-apiserver"]);
    expect(await send(plane, "GET", `${maps}/kept`)).toBe(200);
    const pids = plane.pids();
    expect(running(pids)).toHaveLength(3);
    await plane.stop();
    expect(running(pids)).toEqual([]);
    expect(existsSync(plane.directory)).toBe(false);
  });

  it("says which part ended, with the end of its log, and leaves nothing running", async () => {
    const failing = startControlPlane({ binary, nodes: 0, apiServerFlags: ["--no-such-flag"] });
    await expect(failing).rejects.toThrow(/kube-apiserver ended:\n[^]*unknown flag: --no-such-flag/);
  });

  it("ends with the process that started it, even by kill -9, and goes on from the folder given", async () => {
    const dataDir = temporary();
    const first = await startElsewhere(dataDir);
    expect(running(first.pids)).toHaveLength(3);
    first.child.kill("SIGKILL");
    await until("its processes ended", () => running(first.pids).length === 0);
    const second = await start({ dataDir });
    expect(second.server).toBe(first.server);
    expect(second.token).toBe(first.token);
    expect(await send(second, "GET", `${maps}/kept`)).toBe(200);
  });
});

/** Starts a control plane in a process of its own, which makes the ConfigMap and waits to be killed. */
async function startElsewhere(dataDir: string) {
  const script = join(temporary(), "starts.mts");
  const module = join(import.meta.dirname, "..", "kubernetes", "control-plane.ts");
  const body = `import { execFileSync } from "node:child_process";
    import { startControlPlane } from ${JSON.stringify(module)};
    const plane = await startControlPlane(${JSON.stringify({ binary, nodes: 0, dataDir })});
    execFileSync(plane.kubectl, ["--kubeconfig", plane.kubeconfig, "create", "configmap", "kept"]);
    console.log(JSON.stringify({ pids: plane.pids(), server: plane.server, token: plane.token }));
    setInterval(() => {}, 1000);`;
  writeFileSync(script, body);
  const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
  cleanups.push(() => void child.kill("SIGKILL"));
  const line = await new Promise<string>((resolve) => createInterface({ input: child.stdout }).once("line", resolve));
  return { child, ...(JSON.parse(line) as { pids: Record<string, number>; server: string; token: string }) };
}

describe("how answers are compared", () => {
  const normaliser = () => createNormaliser({ namespace: "case-001", managedFields: false });

  it.each([
    ["the same uid is the same placeholder", [uid("1"), uid("2"), uid("1")], ["<uid 1>", "<uid 2>", "<uid 1>"]],
    ["the namespace is a variable", "in case-001", "in $NS"],
    ["times and addresses are not told apart", ["2026-01-02T03:04:05Z", "10.0.0.7:443"], ["<time>", "<address>"]],
    [
      "random suffixes go",
      { metadata: { generateName: "a-", name: "a-x7k2p" } },
      { metadata: { generateName: "a-", name: "a-<random>" } },
    ],
    [
      "a list's version is any",
      { kind: "PodList", metadata: { resourceVersion: "5" } },
      { kind: "PodList", metadata: { resourceVersion: "<list version>" } },
    ],
    [
      "an object's version counts",
      [{ metadata: { resourceVersion: "5" } }, { metadata: { resourceVersion: "6" } }],
      [{ metadata: { resourceVersion: "<version 1>" } }, { metadata: { resourceVersion: "<version 2>" } }],
    ],
  ])("%s", (_, given, expected) => {
    expect(normaliser().value(given)).toEqual(expected);
  });

  it("names every difference by its path", () => {
    expect(differences({ a: 1, b: [1, 2] }, { a: 1, b: [1, 3], c: null })).toEqual([
      "/b/1: expected 2, got 3",
      "/c: expected nothing, got null",
    ]);
  });

  it("holds a part against a whole", () => {
    expect(missing({ a: "~^x" }, { a: "xy", b: 1 })).toEqual([]);
    expect(missing({ a: [1], b: null }, { a: [1, 2], b: 3 })).toEqual([
      "/a: expected 1 items, got 2",
      "/b: expected null, got 3",
    ]);
  });
});

function uid(last: string): string {
  return `11111111-2222-3333-4444-55555555555${last}`;
}
