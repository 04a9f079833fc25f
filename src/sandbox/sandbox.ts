// The embedded Kubernetes: named clusters in this process, each with its storage, its HTTPS API and its built-in
// controllers. Puts the parts together; the data directory's lock is the caller's.
import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { DriftlessError, toError } from "#base/errors.ts";
import type { Logger, Operation } from "#base/operation.ts";
import type { Clock, Random } from "#base/ports.ts";
import { Access } from "./api/access.ts";
import { bootstrap } from "./api/bootstrap.ts";
import { servingCertificates } from "./api/certificates.ts";
import type { Core } from "./api/core.ts";
import { serveCustomResources } from "./api/crds.ts";
import { Kinds } from "./api/kinds.ts";
import { localClient } from "./api/local.ts";
import { ApiServer } from "./api/server.ts";
import type { LocalClient } from "./contract.ts";
import { ensureNodes, startControllers } from "./controllers/index.ts";
import { builtinResources, customResource } from "./resources/index.ts";
import type { HistoryLimits } from "./storage/history.ts";
import { Store } from "./storage/store.ts";

export interface SandboxOptions {
  /** Each cluster keeps its state in a folder of its name below. */
  readonly dataDir: string;
  readonly clusters: readonly ClusterOptions[];
  readonly clock: Clock;
  readonly random: Random;
  /** Whether the built-in controllers run. Default: yes. */
  readonly controllers?: boolean;
  /** Fake nodes that pods are placed on. Default: 2. */
  readonly nodes?: number;
  /** How far back watches can start. */
  readonly history?: HistoryLimits;
}

export interface ClusterOptions {
  /** A DNS label. */
  readonly name: string;
  /** Port on the loopback interface; without it the last one if it is free, else any free one. */
  readonly port?: number;
}

export interface SandboxCluster {
  readonly name: string;
  /** `https://127.0.0.1:PORT` */
  readonly server: string;
}

export interface Sandbox {
  clusters(): readonly SandboxCluster[];
  /** YAML of a kubeconfig whose one context is the cluster's administrator. Errors: CLUSTER_UNKNOWN. */
  kubeconfig(name: string): string;
  /** The cluster without HTTP, for what runs in the same process. Errors: CLUSTER_UNKNOWN. */
  local(name: string): LocalClient;
  /** Starts one more cluster, or returns the one of that name. */
  addCluster(options: ClusterOptions | string): Promise<SandboxCluster>;
  /** Stops a cluster and deletes its state. Errors: CLUSTER_UNKNOWN. */
  removeCluster(name: string): Promise<void>;
  /** Ends connections and controllers, and waits for the disk. */
  stop(): Promise<void>;
}

/** Starts the sandbox. Errors: DATA_DIR_UNWRITABLE, DATA_DIR_CORRUPT, PORT_IN_USE, CONFIG_INVALID. */
export async function startSandbox(op: Operation, options: SandboxOptions): Promise<Sandbox> {
  const running = new Map<string, Cluster>();
  const find = (name: string): Cluster => {
    const cluster = running.get(name);
    if (cluster === undefined) throw new DriftlessError("CLUSTER_UNKNOWN", `the sandbox has no cluster ${name}`);
    return cluster;
  };
  const add = async (cluster: ClusterOptions): Promise<Cluster> => {
    const found = running.get(cluster.name);
    if (found !== undefined) return found;
    const started = await Cluster.start(op.log.with({ cluster: cluster.name }), cluster, options);
    running.set(cluster.name, started);
    return started;
  };
  const stop = async (): Promise<void> => {
    const all = [...running.values()];
    running.clear();
    await Promise.all(all.map((cluster) => cluster.stop()));
  };
  try {
    for (const cluster of options.clusters) {
      op.signal.throwIfAborted();
      await add(cluster);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    clusters: () => [...running.values()].map((cluster) => cluster.facts()),
    kubeconfig: (name) => find(name).kubeconfig(),
    local: (name) => find(name).local,
    addCluster: async (cluster) => (await add(typeof cluster === "string" ? { name: cluster } : cluster)).facts(),
    async removeCluster(name) {
      const cluster = find(name);
      running.delete(name);
      await cluster.stop();
      rmSync(cluster.dir, { recursive: true, force: true });
    },
    stop,
  };
}

const defaultNodes = 2;
const validName = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

interface ClusterParts {
  readonly name: string;
  readonly dir: string;
  readonly store: Store;
  readonly server: ApiServer;
  readonly access: Access;
  readonly ca: string;
  readonly local: LocalClient;
  readonly stopControllers: () => void;
}

class Cluster {
  readonly dir: string;
  readonly local: LocalClient;
  private readonly parts: ClusterParts;

  private constructor(parts: ClusterParts) {
    this.parts = parts;
    this.dir = parts.dir;
    this.local = parts.local;
  }

  static async start(log: Logger, { name, port }: ClusterOptions, options: SandboxOptions): Promise<Cluster> {
    if (!validName.test(name)) throw new DriftlessError("CONFIG_INVALID", `${name} is not a valid cluster name`);
    const { clock, random, history } = options;
    const dir = join(options.dataDir, name);
    makeDirectory(dir);
    const certificates = await servingCertificates(join(dir, "pki"), clock.now());
    const access = Access.open(dir);
    const store = new Store({
      dir: join(dir, "store"),
      log,
      now: () => clock.now(),
      ...(history === undefined ? {} : { history }),
    });
    const core: Core = {
      store,
      kinds: new Kinds(builtinResources()),
      clock,
      access,
      newUid: () => randomUUID(),
      random: () => random.next(),
      eventShapes: new Map(),
      afterWrite: new Map(),
    };
    const server = new ApiServer({ core, certificates, log });
    serveCustomResources(core, customResource, (resource) => server.watches.closeResource(resource));
    await listen(server, { dir, port });
    bootstrap(core, server.port);
    const local = localClient(core, "kube-controller-manager");
    ensureNodes(local, options.nodes ?? defaultNodes, clock);
    const controllers =
      options.controllers === false
        ? undefined
        : startControllers(local, { clock, random, log, caCertificate: certificates.ca });
    const stopControllers = (): void => controllers?.stop();
    return new Cluster({ name, dir, store, server, access, ca: certificates.ca, local, stopControllers });
  }

  facts(): SandboxCluster {
    return { name: this.parts.name, server: this.parts.server.url };
  }

  kubeconfig(): string {
    const { name, server, access, ca } = this.parts;
    return stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        { name, cluster: { server: server.url, "certificate-authority-data": Buffer.from(ca).toString("base64") } },
      ],
      users: [{ name: `${name}-admin`, user: { token: access.adminToken } }],
      contexts: [{ name, context: { cluster: name, user: `${name}-admin` } }],
      "current-context": name,
    });
  }

  async stop(): Promise<void> {
    this.parts.stopControllers();
    await this.parts.server.close();
    await this.parts.store.close();
  }
}

function makeDirectory(dir: string): void {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new DriftlessError("DATA_DIR_UNWRITABLE", `${dir}: ${toError(error).message}`, { cause: error });
  }
}

/** Listens on the port that is asked for, or else on the last one, or else on any; remembers which. */
async function listen(server: ApiServer, { dir, port }: { dir: string; port: number | undefined }): Promise<void> {
  const file = join(dir, "port");
  let wanted = port ?? 0;
  if (port === undefined) {
    try {
      wanted = Number(readFileSync(file, "utf8")) || 0;
    } catch {
      // The first start.
    }
  }
  try {
    await server.listen(wanted);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE" || wanted === 0) throw error;
    if (port !== undefined) {
      throw new DriftlessError("PORT_IN_USE", `port ${port} is taken`, { cause: error });
    }
    await server.listen(0);
  }
  writeFileSync(file, `${server.port}\n`);
}
