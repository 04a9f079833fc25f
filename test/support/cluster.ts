// The clusters that a suite of cases runs against: the sandbox always, a real Kubernetes where its binary is built or
// CI=true. What is left out is said in one line.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "#base/operation.ts";
import type { Clock, Random } from "#base/ports.ts";
import { buildBinary, terminalReport } from "../kubernetes/build.ts";
import { buildCommand, findBinary, kubectlOf } from "../kubernetes/binary.ts";
import { startControlPlane } from "../kubernetes/control-plane.ts";

export interface RunningCluster {
  /** Path of an administrator's kubeconfig. */
  readonly kubeconfig: string;
  stop(): Promise<void>;
}

export interface ClusterUnderTest {
  readonly name: "sandbox" | "kubernetes";
  /**
   * Starts a cluster of its own, empty; several may run at the same time. `controllers`: which of kube-controller-manager's
   * run, on a real Kubernetes; all of them unless told.
   */
  start(options?: { readonly controllers?: string }): Promise<RunningCluster>;
}

const included = (): boolean =>
  process.env.CI === "true" || process.env.CI === "1" || findBinary(process.env) !== undefined;

/**
 * Takes the suite's name and its number of cases, for the line that says how many are left out where there is no real
 * Kubernetes. Returns the clusters to run them against.
 */
export function clustersUnderTest(suite?: {
  readonly name: string;
  readonly cases: number;
}): readonly ClusterUnderTest[] {
  const sandbox: ClusterUnderTest = { name: "sandbox", start: startSandboxCluster };
  if (included()) return [sandbox, { name: "kubernetes", start: startKubernetes }];
  const what = suite ? `${suite.name}: ${suite.cases} cases` : "cases";
  process.stderr.write(`${what} on a real Kubernetes left out; ${buildCommand} brings them in\n`);
  return [sandbox];
}

/** A kubectl of the real Kubernetes' version; undefined where that is not built. */
export function kubectlPath(): string | undefined {
  const binary = findBinary(process.env);
  return binary === undefined ? undefined : kubectlOf(binary);
}

/** Starts a real control plane with two nodes; builds it first where it is missing. */
async function startKubernetes(options: { readonly controllers?: string } = {}): Promise<RunningCluster> {
  const binary = await buildBinary({ env: process.env, report: terminalReport(process.stderr) });
  if (options.controllers === undefined) return startControlPlane({ binary });
  return startControlPlane({ binary, nodes: 0, controllerManagerFlags: [`--controllers=${options.controllers}`] });
}

/** Starts a sandbox with one cluster, its data in a folder that goes with it. */
async function startSandboxCluster(): Promise<RunningCluster> {
  const { startSandbox } = await import("#sandbox/sandbox.ts");
  const directory = mkdtempSync(join(tmpdir(), "driftless-sandbox-"));
  const ending = new AbortController();
  const dataDir = join(directory, "data");
  mkdirSync(dataDir);
  const sandbox = await startSandbox(
    { signal: ending.signal, log: silentLogger },
    { dataDir, clusters: [{ name: "test" }], clock: systemClock, random: systemRandom },
  );
  const kubeconfig = join(directory, "kubeconfig");
  writeFileSync(kubeconfig, sandbox.kubeconfig("test"), { mode: 0o600 });
  return {
    kubeconfig,
    stop: async () => {
      await sandbox.stop();
      ending.abort();
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** The machine's own time and chance, for suites that run whole programs in real time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

export const systemRandom: Random = { next: () => Math.random() };
