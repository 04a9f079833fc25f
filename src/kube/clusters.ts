// The clusters that applications may go to: the one we run in, and those that Argo CD's cluster Secrets name. Makes a
// client and a live cache for each that is asked for; one that does not answer holds up nobody else.
// Source: Argo CD "Declarative Setup", Clusters.
import { DriftlessError, toError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import type { Clock, Random } from "#base/ports.ts";
import { fieldManager, inClusterName, inClusterServer, label } from "#model/names.ts";
import type { KubernetesObject } from "#model/object.ts";
import { Aborts } from "./aborts.ts";
import { createLiveCache } from "./cache.ts";
import {
  clientFromClusterSecret,
  decodeSecret,
  type ClusterSecretConfig,
  type CredentialOptions,
} from "./credentials.ts";
import type { LiveCache, LiveCacheOptions } from "./live.ts";
import type { KubeClient } from "./types.ts";

/** What a cluster Secret says. */
export interface ClusterSpec {
  readonly name: string;
  /** Without a trailing slash. */
  readonly server: string;
  readonly config: ClusterSecretConfig;
  /** Only these namespaces are managed; empty: all. */
  readonly namespaces: readonly string[];
  /** With `namespaces`: cluster-scoped objects too. */
  readonly clusterResources: boolean;
  readonly project?: string;
  readonly shard?: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** The Secret it came from; absent for the cluster that needs none. */
  readonly secret?: { readonly namespace: string; readonly name: string; readonly resourceVersion: string };
}

/** Takes a Secret labelled `argocd.argoproj.io/secret-type: cluster`. CONFIG_INVALID names the field that is wrong. */
export function parseClusterSecret(secret: KubernetesObject): ClusterSpec {
  const data = decodeSecret(secret);
  const {
    name: secretName = "",
    namespace = "",
    resourceVersion = "",
    labels = {},
    annotations = {},
  } = secret.metadata;
  const invalid = (message: string, cause?: unknown): DriftlessError =>
    new DriftlessError("CONFIG_INVALID", `cluster Secret ${namespace}/${secretName}: ${message}`, {
      cause,
      details: { resource: `Secret ${namespace}/${secretName}` },
    });
  const server = data["server"]?.trim().replace(/\/+$/, "") ?? "";
  if (server === "" || !URL.canParse(server)) throw invalid("server is not an address");
  let config: ClusterSecretConfig = {};
  try {
    if (data["config"]?.trim()) config = JSON.parse(data["config"]) as ClusterSecretConfig;
  } catch (cause) {
    // The parser's message would quote the text, which holds credentials.
    throw invalid("config is not JSON", (cause as Error).name);
  }
  const shard = data["shard"] === undefined ? undefined : Number(data["shard"]);
  if (shard !== undefined && !(Number.isInteger(shard) && shard >= 0)) throw invalid("shard is not a number");
  const { [label.secretType]: _type, ...ownLabels } = labels;
  return {
    name: data["name"]?.trim() || server,
    server,
    config,
    namespaces: (data["namespaces"] ?? "").split(",").flatMap((each) => each.trim() || []),
    clusterResources: data["clusterResources"]?.trim() === "true",
    ...(data["project"] ? { project: data["project"].trim() } : {}),
    ...(shard === undefined ? {} : { shard }),
    labels: ownLabels,
    annotations,
    secret: { namespace, name: secretName, resourceVersion },
  };
}

export function isClusterSecret(secret: KubernetesObject): boolean {
  return secret.metadata.labels?.[label.secretType] === "cluster";
}

/** As clusters are shown to people: Argo CD's `connectionState` and cache info. */
export interface ClusterState {
  readonly status: "Unknown" | "Successful" | "Failed";
  readonly message: string;
  readonly attemptedAt?: string;
  readonly version?: string;
  readonly resourcesCount: number;
  readonly apisCount: number;
  /** Kinds that cannot be read, in words. */
  readonly problems: readonly string[];
}

export interface ManagedCluster {
  readonly spec: ClusterSpec;
  readonly client: KubeClient;
  readonly cache: LiveCache;
  /** Starts what is not started; resolves once the live state is known. Throws the error of the last try at once. */
  ready(op: Operation): Promise<void>;
  state(): ClusterState;
}

export interface ClustersOptions extends CredentialOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** What every cluster's cache is made with. */
  readonly cache: (spec: ClusterSpec) => Omit<LiveCacheOptions, "clock" | "random" | "namespaces" | "clusterResources">;
  /** The client of the cluster we run in, for `https://kubernetes.default.svc`. Absent: that address is unknown. */
  readonly inCluster?: KubeClient;
  /** For tests and the sandbox: makes the client of a cluster. */
  readonly connect?: (spec: ClusterSpec) => KubeClient;
}

const firstRetryMs = 1_000;
const longestRetryMs = 60_000;

/** Every known cluster by address. Caches and connections are made when first asked for. */
export class Clusters {
  readonly #op: Operation;
  readonly #options: ClustersOptions;
  readonly #clusters = new Map<string, Cluster>();
  readonly #bySecret = new Map<string, string>();
  readonly #startListeners = new Set<(cluster: ManagedCluster) => void>();
  readonly #changeListeners = new Set<() => void>();

  /** `op` carries the lifetime of all connections. */
  constructor(op: Operation, options: ClustersOptions) {
    this.#op = op;
    this.#options = options;
    if (options.inCluster !== undefined) this.#add(inClusterSpec, options.inCluster, true);
  }

  list(): readonly ManagedCluster[] {
    return [...this.#clusters.values()];
  }

  byServer(server: string): ManagedCluster | undefined {
    return this.#clusters.get(server.replace(/\/+$/, ""));
  }

  /** Names need not be unique: all that have it. */
  byName(name: string): readonly ManagedCluster[] {
    return this.list().filter(({ spec }) => spec.name === name);
  }

  /** Those whose cache has been asked for. */
  started(): readonly ManagedCluster[] {
    return [...this.#clusters.values()].filter(({ started }) => started);
  }

  /** Called with each cluster when its cache is about to be filled: subscribe to the cache there. */
  onStart(listener: (cluster: ManagedCluster) => void): () => void {
    this.#startListeners.add(listener);
    return () => this.#startListeners.delete(listener);
  }

  /** Called when a cluster was added, changed or removed, or its connection state changed. */
  onChange(listener: () => void): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  /** Takes a cluster Secret as it is now. Connections are renewed only where what they depend on changed. */
  async setSecret(secret: KubernetesObject): Promise<void> {
    const spec = parseClusterSecret(secret);
    const id = secretId(secret);
    const before = this.#bySecret.get(id);
    if (before !== undefined && before !== spec.server) await this.#remove(before);
    this.#bySecret.set(id, spec.server);
    const there = this.#clusters.get(spec.server);
    if (there !== undefined && sameConnection(there.spec, spec)) {
      there.spec = spec;
      this.#changed();
      return;
    }
    await there?.stop();
    // The cluster we run in may have a Secret too, for its name, labels and project; it often has no credentials.
    const own = spec.server === inClusterServer ? this.#options.inCluster : undefined;
    this.#add(spec, own ?? this.connect(spec), own !== undefined);
    if (there?.started === true)
      void this.#clusters
        .get(spec.server)
        ?.ready(this.#op)
        .catch(() => {});
    this.#changed();
  }

  async removeSecret(secret: KubernetesObject): Promise<void> {
    const id = secretId(secret);
    const server = this.#bySecret.get(id);
    if (server === undefined) return;
    this.#bySecret.delete(id);
    await this.#remove(server);
    this.#changed();
  }

  /** Forgets the live state of a cluster and, where it was asked for, reads it anew. */
  async restart(server: string): Promise<void> {
    const there = this.#clusters.get(server);
    if (there === undefined) return;
    await there.stop();
    this.#add(there.spec, there.shared ? there.client : this.connect(there.spec), there.shared);
    this.#changed();
    if (there.started)
      void this.#clusters
        .get(server)
        ?.ready(this.#op)
        .catch(() => {});
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clusters.values()].map((cluster) => cluster.stop()));
    this.#clusters.clear();
  }

  async #remove(server: string): Promise<void> {
    const cluster = this.#clusters.get(server);
    this.#clusters.delete(server);
    await cluster?.stop();
    const { inCluster } = this.#options;
    if (server === inClusterServer && inCluster !== undefined) this.#add(inClusterSpec, inCluster, true);
  }

  /** A client by what a Secret says, to try it; whoever asks closes it. Error: CONFIG_INVALID. */
  connect(spec: ClusterSpec): KubeClient {
    return this.#options.connect?.(spec) ?? clientFromClusterSecret(spec, this.#options);
  }

  #add(spec: ClusterSpec, client: KubeClient, shared: boolean): void {
    const { clock, random, cache } = this.#options;
    const live = createLiveCache(client, {
      keepAppliedBy: fieldManager,
      ...cache(spec),
      clock,
      random,
      namespaces: spec.namespaces,
      clusterResources: spec.clusterResources,
    });
    this.#clusters.set(
      spec.server,
      new Cluster(
        this.#op,
        { spec, client, cache: live, shared, clock, random },
        {
          started: (cluster) => {
            for (const listener of this.#startListeners) listener(cluster);
          },
          changed: () => this.#changed(),
        },
      ),
    );
  }

  #changed(): void {
    for (const listener of this.#changeListeners) listener();
  }
}

/** The cluster that the installation is on, where no Secret describes it. */
export const inClusterSpec: ClusterSpec = {
  name: inClusterName,
  server: inClusterServer,
  config: {},
  namespaces: [],
  clusterResources: false,
  labels: {},
  annotations: {},
};

interface ClusterParts {
  readonly spec: ClusterSpec;
  readonly client: KubeClient;
  readonly cache: LiveCache;
  /** The client is somebody else's: it is not closed here. */
  readonly shared: boolean;
  readonly clock: Clock;
  readonly random: Random;
}

class Cluster implements ManagedCluster {
  spec: ClusterSpec;
  readonly client: KubeClient;
  readonly cache: LiveCache;
  started = false;
  readonly shared: boolean;
  readonly #parts: ClusterParts;
  readonly #op: Operation;
  readonly #stop = new AbortController();
  readonly #aborts = new Aborts();
  readonly #tell: { started(cluster: Cluster): void; changed(): void };
  #starting: Promise<void> | undefined;
  #failures = 0;
  #retryAtMs = 0;
  #error: DriftlessError | undefined;
  #attemptedAtMs: number | undefined;
  #version: string | undefined;

  constructor(op: Operation, parts: ClusterParts, tell: { started(cluster: Cluster): void; changed(): void }) {
    this.spec = parts.spec;
    this.client = parts.client;
    this.cache = parts.cache;
    this.shared = parts.shared;
    this.#parts = parts;
    this.#tell = tell;
    this.#op = {
      signal: AbortSignal.any([op.signal, this.#stop.signal]),
      log: op.log.with({ cluster: parts.spec.name }),
    };
  }

  ready(op: Operation): Promise<void> {
    if (this.cache.synced) return Promise.resolve();
    const { clock } = this.#parts;
    // A cluster that does not answer fails those who ask at once, until it is time to try again.
    if (this.#starting === undefined && this.#error !== undefined && clock.monotonic() < this.#retryAtMs) {
      return Promise.reject(this.#error);
    }
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined;
    });
    return this.#whicheverFirst(this.#starting, op.signal);
  }

  state(): ClusterState {
    const attemptedAt =
      this.#attemptedAtMs === undefined ? {} : { attemptedAt: new Date(this.#attemptedAtMs).toISOString() };
    const problems = this.cache.problems().map(({ type, error }) => `${type.plural}.${type.group}: ${error.message}`);
    const unreachable = this.cache.problems().find(({ error }) => error.code === "CLUSTER_UNREACHABLE");
    const error = this.#error ?? (this.cache.synced ? unreachable?.error : undefined);
    return {
      status: error !== undefined ? "Failed" : this.cache.synced ? "Successful" : "Unknown",
      message: error?.message ?? "",
      ...attemptedAt,
      ...(this.#version === undefined ? {} : { version: this.#version }),
      resourcesCount: this.cache.size,
      apisCount: this.cache.types().length,
      problems,
    };
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.cache.stop();
    if (!this.#parts.shared) await this.client.close();
  }

  /** The promise's outcome, or CANCELLED when the one who asks gives up; the work goes on for the others. */
  #whicheverFirst(promise: Promise<void>, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(new DriftlessError("CANCELLED", "the caller gave up"));
      if (signal.aborted) onAbort();
      this.#aborts.on(signal, onAbort);
      promise.then(resolve, reject).finally(() => this.#aborts.off(signal, onAbort));
    });
  }

  async #start(): Promise<void> {
    const { clock, random } = this.#parts;
    this.#attemptedAtMs = clock.now();
    if (!this.started) {
      this.started = true;
      this.#tell.started(this);
    }
    try {
      this.#version = (await this.client.version(this.#op)).gitVersion;
      await this.cache.start(this.#op);
      this.#failures = 0;
      this.#error = undefined;
    } catch (thrown) {
      this.#error = toError(thrown);
      this.#failures++;
      const step = Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(this.#failures - 1, 10));
      const delayMs = step * (0.5 + random.next() / 2);
      this.#retryAtMs = clock.monotonic() + delayMs;
      clock.after(delayMs, () => {
        this.#retryAtMs = 0;
        if (!this.#op.signal.aborted) this.ready(this.#op).catch(() => {});
      });
      throw this.#error;
    } finally {
      this.#tell.changed();
    }
  }
}

function secretId(secret: KubernetesObject): string {
  return `${secret.metadata.namespace ?? ""}/${secret.metadata.name ?? ""}`;
}

/** Whether a connection and cache made for one spec serve the other. */
function sameConnection(a: ClusterSpec, b: ClusterSpec): boolean {
  return (
    JSON.stringify([a.config, a.namespaces, a.clusterResources]) ===
    JSON.stringify([b.config, b.namespaces, b.clusterResources])
  );
}
