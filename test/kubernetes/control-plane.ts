// A real Kubernetes control plane on loopback: etcd, API server, controller manager, and with nodes a scheduler and
// kwok, which plays the kubelets. Ready in seconds; many can run side by side. For tests, benches and `up --real`.
// Starts and stops processes and waits for them; it builds nothing (build.ts) and knows nothing of the product.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Agent, fetch } from "undici";
import { argumentsOf } from "./arguments.ts";
import type { ComponentName, Ports } from "./arguments.ts";
import { kubectlOf, sourceDirectory } from "./binary.ts";
import { startComponent, tailOf } from "./component.ts";
import type { Component } from "./component.ts";
import { clients, credentialsIn } from "./pki.ts";
import type { Client, Credentials } from "./pki.ts";

export interface ControlPlaneOptions {
  /** The binary that build.ts makes; findBinary() of binary.ts says where. */
  readonly binary: string;
  /** How many nodes kwok plays. 0: no scheduler and no kwok, pods stay pending. Default 2. */
  readonly nodes?: number;
  /** Whether etcd waits for the disk at each write. Off, a power cut may lose data; a kill -9 does not. Default false. */
  readonly fsync?: boolean;
  /** Keeps data, credentials and, where it is free, the port in this folder. Without it all is gone after stop(). */
  readonly dataDir?: string;
  /** The API server's port; a free one by default. */
  readonly port?: number;
  readonly apiServerFlags?: readonly string[];
  readonly controllerManagerFlags?: readonly string[];
  /** The processes go on when this one ends; stopDetached() ends them. Default false: they end with this process. */
  readonly detached?: boolean;
  /** Gives up after so long. Default 120 s: a busy machine is slow, but not that slow. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
  /** Takes a line for each step, with the milliseconds since the start. */
  readonly report?: (step: string, elapsedMs: number) => void;
}

export interface ControlPlane {
  /** Path of an administrator's kubeconfig. */
  readonly kubeconfig: string;
  /** The API server's address, without a trailing slash. */
  readonly server: string;
  readonly token: string;
  /** PEM of the authority that signed the API server's certificate. */
  readonly caCertificate: string;
  /** Path of a kubectl of the same version. */
  readonly kubectl: string;
  /** Logs (one file each), credentials, data. */
  readonly directory: string;
  /** Process ids by component. */
  pids(): Readonly<Record<string, number>>;
  /** Kills (SIGKILL where `graceMs` is 0) and starts one component again, same port, and waits until it is ready. */
  restart(component: ComponentName, graceMs?: number): Promise<void>;
  /** Stops everything, API clients first, etcd last; removes the folder unless a data folder was given. */
  stop(): Promise<void>;
}

/** What went wrong, with the end of the log of the component that died. */
export class ControlPlaneError extends Error {
  override readonly name = "ControlPlaneError";
}

/** In a detached control plane's folder: what stopDetached needs. */
export interface DetachedRecord {
  readonly processes: readonly { readonly name: string; readonly pid: number }[];
  readonly keep: boolean;
}

const portAttempts = 3;
const portPatienceMs = 5_000;
const pollMs = 25;
const graceMs = 5_000;

/** Starts a control plane and returns when its nodes are ready. Throws ControlPlaneError; nothing is left running. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  if (!existsSync(options.binary)) throw new ControlPlaneError(`no control plane binary at ${options.binary}`);
  const directory = options.dataDir ?? mkdtempSync(join(tmpdir(), "driftless-kubernetes-"));
  mkdirSync(join(directory, "logs"), { recursive: true, mode: 0o700 });
  const credentials = await credentialsIn(join(directory, "credentials"));
  for (let attempt = 1; ; attempt++) {
    const plane = new RunningControlPlane(options, directory, credentials, await choosePorts(options, directory));
    try {
      await plane.start();
      return plane;
    } catch (thrown) {
      await plane.stopProcesses();
      // Between choosing a free port and listening on it, another process may have taken it.
      const taken = thrown instanceof ControlPlaneError && /address already in use/.test(thrown.message);
      if (taken && attempt < portAttempts && options.signal?.aborted !== true) continue;
      if (!options.dataDir) rmSync(directory, { recursive: true, force: true });
      throw thrown;
    }
  }
}

class RunningControlPlane implements ControlPlane {
  readonly kubeconfig: string;
  readonly server: string;
  readonly token: string;
  readonly caCertificate: string;
  readonly kubectl: string;
  readonly directory: string;
  readonly #options: ControlPlaneOptions;
  readonly #credentials: Credentials;
  readonly #ports: Ports;
  readonly #components = new Map<ComponentName, Component>();
  readonly #agent: Agent;
  readonly #startedAt = performance.now();
  #stopped = false;

  constructor(options: ControlPlaneOptions, directory: string, credentials: Credentials, ports: Ports) {
    this.#options = options;
    this.#credentials = credentials;
    this.#ports = ports;
    this.directory = directory;
    this.kubeconfig = this.#kubeconfigOf("admin");
    this.server = `https://127.0.0.1:${ports.api}`;
    this.token = credentials.tokens.admin;
    this.caCertificate = credentials.caCertificate;
    this.kubectl = kubectlOf(options.binary);
    this.#agent = new Agent({ allowH2: false, connect: { ca: credentials.caCertificate } });
  }

  get #nodes(): number {
    return this.#options.nodes ?? 2;
  }

  async start(): Promise<void> {
    for (const client of clients) this.#writeKubeconfig(client);
    this.#writeStages();
    writeFileSync(join(this.directory, "ports.json"), JSON.stringify(this.#ports));
    this.#launch("etcd");
    await this.#ready("etcd");
    this.#launch("kube-apiserver");
    await this.#ready("kube-apiserver");
    this.#launch("kube-controller-manager");
    if (this.#nodes > 0) {
      this.#launch("kube-scheduler");
      this.#launch("kwok");
      await this.#createNodes();
      await Promise.all([this.#ready("kube-controller-manager"), this.#ready("kwok")]);
    } else {
      await this.#ready("kube-controller-manager");
    }
    if (this.#options.detached === true) this.#recordProcesses();
  }

  pids(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#components].map(([name, component]) => [name, component.pid]));
  }

  async restart(name: ComponentName, grace = graceMs): Promise<void> {
    await this.#components.get(name)?.stop(grace);
    this.#launch(name);
    await this.#ready(name);
    if (this.#options.detached === true) this.#recordProcesses();
  }

  async stop(): Promise<void> {
    await this.stopProcesses();
    if (!this.#options.dataDir) rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }

  async stopProcesses(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    // Only etcd has something to lose; the others hold nothing that is not in it.
    const ending = [...this.#components].filter(([name]) => name !== "etcd").map(([, part]) => part.stop(0));
    await Promise.all(ending);
    await this.#components.get("etcd")?.stop(graceMs);
    await this.#agent.destroy();
  }

  #launch(name: ComponentName): void {
    const args = argumentsOf(name, {
      directory: this.directory,
      credentials: this.#credentials,
      ports: this.#ports,
      kubeconfig: (client) => this.#kubeconfigOf(client),
      fsync: this.#options.fsync === true,
      apiServerFlags: this.#options.apiServerFlags ?? [],
      controllerManagerFlags: this.#options.controllerManagerFlags ?? [],
    });
    const spec = {
      name,
      args,
      binary: this.#options.binary,
      logFile: this.#logOf(name),
      detached: this.#options.detached === true,
    };
    if (!this.#options.dataDir) rmSync(spec.logFile, { force: true });
    this.#components.set(name, startComponent(spec));
  }

  async #ready(name: ComponentName): Promise<void> {
    const checks: Record<ComponentName, () => Promise<boolean>> = {
      etcd: async () => (await this.#fetch(`http://127.0.0.1:${this.#ports.etcd}/health`)).ok,
      "kube-apiserver": async () => (await this.#fetch(`${this.server}/readyz`)).ok,
      // It works once it has made the first service account, and the namespace's certificate bundle.
      "kube-controller-manager": async () =>
        (await this.#fetch(`${this.server}/api/v1/namespaces/default/serviceaccounts/default`)).ok &&
        (await this.#fetch(`${this.server}/api/v1/namespaces/default/configmaps/kube-root-ca.crt`)).ok,
      "kube-scheduler": () => Promise.resolve(true),
      kwok: () => this.#nodesReady(),
    };
    await this.#poll(name, checks[name]);
    this.#options.report?.(`${name} ready`, Math.round(performance.now() - this.#startedAt));
  }

  /** Asks again until the check passes. A component that ended in the meantime, or the deadline, is an error. */
  async #poll(waitingFor: ComponentName, check: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + (this.#options.deadlineMs ?? 120_000);
    for (;;) {
      if (await check().catch(() => false)) return;
      this.#options.signal?.throwIfAborted();
      for (const [name, component] of this.#components) {
        if (component.ended) throw new ControlPlaneError(`${name} ended:\n${tailOf(this.#logOf(name))}`);
      }
      if (performance.now() > deadline) {
        throw new ControlPlaneError(`${waitingFor} did not become ready in time:\n${tailOf(this.#logOf(waitingFor))}`);
      }
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }

  #fetch(url: string, init: { method?: string; body?: string } = {}) {
    return fetch(url, {
      ...init,
      dispatcher: this.#agent,
      signal: AbortSignal.timeout(5_000),
      headers: { authorization: `Bearer ${this.token}`, "content-type": "application/json" },
    });
  }

  async #createNodes(): Promise<void> {
    await Promise.all(
      Array.from({ length: this.#nodes }, async (_, index) => {
        const body = JSON.stringify(nodeObject(`node-${index}`));
        await this.#poll("kube-apiserver", async () => {
          const { status } = await this.#fetch(`${this.server}/api/v1/nodes`, { method: "POST", body });
          return status === 201 || status === 409;
        });
      }),
    );
  }

  async #nodesReady(): Promise<boolean> {
    const answer = await this.#fetch(`${this.server}/api/v1/nodes`);
    const list = (await answer.json()) as {
      items?: { status?: { conditions?: { type: string; status: string }[] } }[];
    };
    const ready = (list.items ?? []).filter((node) =>
      node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True"),
    );
    return ready.length >= this.#nodes;
  }

  #logOf(name: ComponentName): string {
    return join(this.directory, "logs", `${name}.log`);
  }

  #kubeconfigOf(client: Client): string {
    return join(this.directory, client === "admin" ? "kubeconfig" : join("credentials", `${client}.kubeconfig`));
  }

  #writeKubeconfig(client: Client): void {
    const config = {
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        {
          name: "kubernetes",
          cluster: {
            server: this.server,
            "certificate-authority-data": Buffer.from(this.caCertificate).toString("base64"),
          },
        },
      ],
      users: [{ name: client, user: { token: this.#credentials.tokens[client] } }],
      contexts: [{ name: "kubernetes", context: { cluster: "kubernetes", user: client } }],
      "current-context": "kubernetes",
    };
    // JSON is YAML: every reader of kubeconfigs takes it.
    writeFileSync(this.#kubeconfigOf(client), `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
    chmodSync(this.#kubeconfigOf(client), 0o600);
  }

  #writeStages(): void {
    const log = join(this.directory, "pod.log");
    writeFileSync(log, "2026-01-01T00:00:00.000000000Z stdout F hello from a pod\n");
    const stages = readFileSync(join(sourceDirectory, "stages.yaml"), "utf8");
    writeFileSync(join(this.directory, "stages.yaml"), stages.replaceAll("@LOG_FILE@", log));
  }

  #recordProcesses(): void {
    const processes = Object.entries(this.pids()).map(([name, pid]) => ({ name, pid }));
    const record: DetachedRecord = { processes, keep: this.#options.dataDir !== undefined };
    writeFileSync(join(this.directory, "processes.json"), JSON.stringify(record));
  }
}

function nodeObject(name: string): object {
  const resources = { cpu: "64", memory: "256Gi", pods: "5000", "ephemeral-storage": "1Ti" };
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        type: "kwok",
      },
      annotations: { "kwok.x-k8s.io/node": "fake" },
    },
    status: { capacity: resources, allocatable: resources },
  };
}

/** The port that was used before, where the folder knows one and it is free; otherwise free ones. */
async function choosePorts(options: ControlPlaneOptions, directory: string): Promise<Ports> {
  const [etcd = 0, peer = 0, api = 0, kwok = 0] = await freePorts([0, 0, 0, 0]);
  if (options.port !== undefined) return { etcd, peer, api: options.port, kwok };
  const before = previousApiPort(directory);
  return { etcd, peer, api: before !== undefined && (await becomesFree(before)) ? before : api, kwok };
}

/** Whether a port is free, or becomes so: one that was killed a moment ago may not have let go of it yet. */
async function becomesFree(port: number): Promise<boolean> {
  const deadline = performance.now() + portPatienceMs;
  for (;;) {
    const free = await freePorts([port]).then(
      () => true,
      () => false,
    );
    if (free || performance.now() > deadline) return free;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

function previousApiPort(directory: string): number | undefined {
  try {
    return (JSON.parse(readFileSync(join(directory, "ports.json"), "utf8")) as Ports).api;
  } catch {
    return undefined;
  }
}

/** Listens on each port at the same time (0: any free one), so that they are distinct; returns their numbers. */
async function freePorts(wanted: readonly number[]): Promise<number[]> {
  const servers = wanted.map(() => createServer());
  try {
    return await Promise.all(
      servers.map(
        (server, index) =>
          new Promise<number>((resolve, reject) => {
            server.once("error", reject);
            server.listen(wanted[index], "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
          }),
      ),
    );
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}
