// The world of a bench: a real control plane, a Git repository with generated applications behind a Git server, and
// Driftless as its own process against them.
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger, type Operation } from "#base/operation.ts";
import { baseEnvironment, type GitProgram } from "#git/process.ts";
import { writeCommit } from "#git/seed.ts";
import { startGitServer, type GitServer } from "#git/server.ts";
import { clientFromKubeconfig } from "#kube/credentials.ts";
import type { KubeClient, ResourcePath } from "#kube/types.ts";
import { systemClock, systemRandom } from "#runtime/system.ts";
import { findBinary } from "#test/kubernetes/binary.ts";
import { startControlPlane, type ControlPlane } from "#test/kubernetes/control-plane.ts";
import type { Application } from "#model/application.ts";
import { apiVersion, group, version } from "#model/names.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { BenchContext } from "./report.ts";

export const op: Operation = { signal: new AbortController().signal, log: silentLogger };
export const applicationPath: ResourcePath = { group, version, plural: "applications", namespaced: true };

export interface World {
  readonly plane: ControlPlane;
  readonly client: KubeClient;
  readonly git: GitServer;
  readonly repositoryUrl: string;
  readonly directory: string;
  /** Commits to main by a push over HTTP; returns when the push has returned. */
  commit(files: Readonly<Record<string, string | null>>): Promise<string>;
  startDriftless(): Promise<Running>;
  stop(): Promise<void>;
}

export interface Running {
  readonly pid: number;
  readonly url: string;
  /** Tells it of a push, as GitHub would. */
  webhook(after: string): Promise<void>;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export async function createWorld(context: BenchContext, files: Readonly<Record<string, string>>): Promise<World> {
  const binary = findBinary(process.env);
  if (binary === undefined) throw new Error("the control plane is not built yet: npm run kube:build");
  const folder = mkdtempSync(join(tmpdir(), "driftless-bench-"));
  context.say("starting a control plane");
  const plane = await startControlPlane({ binary, nodes: 2 });
  const client = clientFromKubeconfig(
    { path: plane.kubeconfig },
    { clock: systemClock, random: systemRandom, userAgent: "driftless-bench", concurrency: 64 },
  );
  const program: GitProgram = {
    path: "git",
    env: baseEnvironment({ PATH: process.env["PATH"] ?? "" }, join(folder, "home")),
  };
  const git = await startGitServer(op, { root: join(folder, "repositories"), program });
  await git.create(op, "fleet");
  const directory = git.directory("fleet");
  await writeCommit(op, program, directory, { message: "The fleet", files, time: Date.now() });
  const dataDir = join(folder, "state");
  let running: Running | undefined;
  return {
    plane,
    client,
    git,
    repositoryUrl: git.repositoryUrl("fleet"),
    directory,
    commit: (changes) => writeCommit(op, program, directory, { message: "A change", files: changes, time: Date.now() }),
    async startDriftless() {
      running = await startDriftless(plane.kubeconfig, dataDir, git.repositoryUrl("fleet"));
      return running;
    },
    async stop() {
      await running?.stop();
      await git.close();
      await client.close();
      await plane.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function startDriftless(kubeconfig: string, dataDir: string, repositoryUrl: string): Promise<Running> {
  const main = join(import.meta.dirname, "..", "..", "src", "main", "driftless.ts");
  const args = [main, "up", "--no-demo", "--port", "0", "--kubeconfig", kubeconfig, "--data-dir", dataDir];
  // BENCH_PROFILE=DIR leaves a CPU profile of each run there.
  const profile = process.env["BENCH_PROFILE"];
  const flags = profile ? ["--cpu-prof", `--cpu-prof-dir=${profile}`] : [];
  const child = spawn(process.execPath, [...flags, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const url = await readyUrl(child);
  const end = (): void => void child.kill("SIGKILL");
  process.once("exit", end);
  return {
    pid: child.pid!,
    url,
    async webhook(after) {
      const body = JSON.stringify({
        ref: "refs/heads/main",
        after,
        repository: { html_url: repositoryUrl.replace(/\.git$/, ""), clone_url: repositoryUrl, default_branch: "main" },
      });
      const answer = await fetch(`${url}/api/webhook`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-github-event": "push" },
        body,
      });
      if (!answer.ok) throw new Error(`webhook: ${answer.status} ${await answer.text()}`);
    },
    async stop(signal = "SIGTERM") {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill(signal);
      await ended;
    },
  };
}

function readyUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = "";
    child.stdout!.on("data", (chunk) => {
      output += String(chunk);
      const match = /Page\s+(http\S+)/.exec(output);
      if (match) resolve(match[1]!.replace("localhost", "127.0.0.1"));
    });
    child.once("exit", (code) => reject(new Error(`driftless ended with ${code}: ${output}`)));
  });
}

export const namespaces = 10;
export const namespaceOf = (index: number): string => `fleet-${index % namespaces}`;
export const nameOf = (index: number): string => `app-${String(index).padStart(4, "0")}`;

/** Six objects of one application, as files below its directory. */
export function applicationFiles(index: number): Record<string, string> {
  const name = nameOf(index);
  const dir = `apps/${name}`;
  const yaml = (kind: string, api: string, rest: string): string =>
    `apiVersion: ${api}\nkind: ${kind}\nmetadata:\n  name: ${name}\n  labels:\n    app: ${name}\n${rest}`;
  return {
    [`${dir}/account.yaml`]: yaml("ServiceAccount", "v1", ""),
    [`${dir}/config.yaml`]: yaml(
      "ConfigMap",
      "v1",
      `data:\n  LOG_LEVEL: info\n  VERSION: "0"\n  GREETING: hello from ${name}\n`,
    ),
    [`${dir}/secret.yaml`]: yaml("Secret", "v1", "type: Opaque\nstringData:\n  key: not-a-secret\n"),
    [`${dir}/service.yaml`]: yaml(
      "Service",
      "v1",
      `spec:\n  selector:\n    app: ${name}\n  ports:\n    - name: http\n      port: 80\n      targetPort: 8080\n`,
    ),
    [`${dir}/deployment.yaml`]: yaml(
      "Deployment",
      "apps/v1",
      `spec:\n  replicas: 1\n  selector:\n    matchLabels:\n      app: ${name}\n  template:\n    metadata:\n      labels:\n        app: ${name}\n    spec:\n      serviceAccountName: ${name}\n      containers:\n        - name: web\n          image: registry.example.com/fleet/${name}:v1.0.0\n          ports:\n            - containerPort: 8080\n          envFrom:\n            - configMapRef:\n                name: ${name}\n          resources:\n            requests:\n              cpu: 10m\n              memory: 32Mi\n`,
    ),
    [`${dir}/budget.yaml`]: yaml(
      "PodDisruptionBudget",
      "policy/v1",
      `spec:\n  minAvailable: 0\n  selector:\n    matchLabels:\n      app: ${name}\n`,
    ),
  };
}

export function fleetFiles(count: number): Record<string, string> {
  return Object.assign({}, ...Array.from({ length: count }, (_, index) => applicationFiles(index))) as Record<
    string,
    string
  >;
}

export function application(index: number, repoURL: string): Application {
  return {
    apiVersion,
    kind: "Application",
    metadata: { name: nameOf(index), namespace: "argocd" },
    spec: {
      project: "default",
      source: { repoURL, targetRevision: "main", path: `apps/${nameOf(index)}` },
      destination: { server: "https://kubernetes.default.svc", namespace: namespaceOf(index) },
      syncPolicy: { automated: { prune: true, selfHeal: true } },
    },
  };
}

export async function createNamespaces(client: KubeClient): Promise<void> {
  const type: ResourcePath = { group: "", version: "v1", plural: "namespaces", namespaced: false };
  await Promise.all(
    Array.from({ length: namespaces }, (_, index) =>
      client.create(op, type, {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name: namespaceOf(index) },
      }),
    ),
  );
}

/** Runs work over the indexes with so many at once. */
export async function inParallel(
  count: number,
  atOnce: number,
  work: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await work(index);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** Waits until every application is Synced and returns when that was, in ms after `startedMs` (performance.now). */
export async function untilSynced(
  client: KubeClient,
  count: number,
  startedMs: number,
  deadlineMs = 300_000,
): Promise<number> {
  const { items, resourceVersion } = await client.list(op, applicationPath, { namespace: "argocd" });
  const synced = new Set<string>();
  const see = (app: KubernetesObject): void => {
    const status = (app as Application).status;
    if (status?.sync?.status === "Synced" && status.operationState?.phase === "Succeeded")
      synced.add(app.metadata.name!);
    else synced.delete(app.metadata.name!);
  };
  for (const item of items) see(item);
  if (synced.size >= count) return performance.now() - startedMs;
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), deadlineMs);
  try {
    for await (const event of client.watch({ ...op, signal: stop.signal }, applicationPath, {
      resourceVersion,
      namespace: "argocd",
    })) {
      if (event.type === "ADDED" || event.type === "MODIFIED") see(event.object);
      if (synced.size >= count) return performance.now() - startedMs;
    }
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
  throw new Error(`only ${synced.size} of ${count} applications were Synced in time`);
}

/** Resolves when an object that a watch brings satisfies the condition. */
export async function untilObject(
  client: KubeClient,
  type: ResourcePath,
  where: { namespace: string; name: string },
  accept: (object: KubernetesObject) => boolean,
): Promise<void> {
  const fieldSelector = `metadata.name=${where.name}`;
  const { items, resourceVersion } = await client.list(op, type, { namespace: where.namespace, fieldSelector });
  if (items[0] && accept(items[0])) return;
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), 60_000);
  try {
    const events = client.watch({ ...op, signal: stop.signal }, type, {
      namespace: where.namespace,
      resourceVersion,
      fieldSelector,
    });
    for await (const event of events) if (event.type !== "BOOKMARK" && accept(event.object)) return;
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
  throw new Error(`${where.namespace}/${where.name} did not become as expected in time`);
}
