// The program is killed (SIGKILL) after each single write that a sync, a failing sync or a deletion makes, and started
// again; what is left then is what an undisturbed run leaves: no hook ran twice, nothing was pruned twice, nothing is lost.
// A proxy between the program and the API server decides when: no code of the product knows of it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Application } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";
import { clustersUnderTest, type RunningCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { connectKube, type Kube } from "../support/kube.ts";
import { startProxy, type ApiProxy, type Seen } from "../support/proxy.ts";
import { cloneRepository, createBare } from "../support/repository.ts";
import { configMap, deployment, hookJob, manifests } from "../support/scenario.ts";
import { startUp, type Up } from "../support/up.ts";

interface Story {
  /** In names of objects. */
  readonly id: string;
  readonly name: string;
  readonly manifests: string;
  /** What is live before, and the application's. */
  readonly before: (run: Run) => readonly KubernetesObject[];
  readonly finalizers?: readonly string[];
  /** Throws until it is over; then what it came to, with names as they are in each run. */
  readonly ended: (kube: Kube, run: Run) => Promise<unknown>;
  /** What happens once the application is Synced; `arm` starts to count the writes. */
  readonly first?: (kube: Kube, run: Run, arm: () => void) => Promise<void>;
}

interface Run {
  readonly application: string;
  /** Where it deploys to. */
  readonly namespace: string;
  /** Where the Application stands. */
  readonly control: string;
}

const wave = (number: number): Readonly<Record<string, string>> => ({ "argocd.argoproj.io/sync-wave": String(number) });

/** A ConfigMap that tracking gives to the application, and that Git does not have. */
const leftover = (name: string, { application, namespace }: Run, at: number): KubernetesObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: {
    name,
    namespace,
    annotations: {
      ...wave(at),
      "argocd.argoproj.io/tracking-id": `${application}:/ConfigMap:${namespace}/${name}`,
    },
  },
});

const refused: KubernetesObject = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "refused", annotations: wave(1) },
  spec: { ports: [{ port: 123456 }] },
};

async function operationEnded(kube: Kube, { application, namespace, control }: Run): Promise<unknown> {
  const app = (await kube.get("Application", application, control)) as Application;
  const { operationState, history } = app.status ?? {};
  if (app.operation !== undefined || !["Succeeded", "Failed", "Error"].includes(operationState?.phase ?? "")) {
    throw new Error(`the operation has not ended: ${operationState?.phase} ${operationState?.message}`);
  }
  const [jobs, maps] = await Promise.all([kube.list("Job", namespace), kube.list("ConfigMap", namespace)]);
  return {
    phase: operationState?.phase,
    ...(operationState?.phase === "Error" ? { message: operationState.message } : {}),
    history: history?.length ?? 0,
    retries: operationState?.retryCount ?? 0,
    results: operationState?.syncResult?.resources
      ?.map(
        ({ kind, name, status, hookPhase, syncPhase }) => `${syncPhase} ${kind}/${plain(name)} ${status} ${hookPhase}`,
      )
      .toSorted(),
    jobs: jobs.map(({ metadata }) => `${plain(metadata.name)} ${metadata.finalizers?.join() ?? ""}`).toSorted(),
    maps: maps.flatMap(({ metadata: { name = "" } }) => (name === "kube-root-ca.crt" ? [] : name)).toSorted(),
  };
}

/** A generated hook's name holds the time of its run. */
const plain = (name = ""): string => name.replace(/-\d{10}$/, "");

const stories: readonly Story[] = [
  {
    id: "sync",
    name: "a sync with hooks, waves and prunes",
    manifests: manifests(
      hookJob("pre", { hook: "PreSync", generateName: true }),
      configMap("first"),
      deployment("web"),
      hookJob("between", { hook: "Sync", wave: 1, deletePolicy: "HookSucceeded" }),
      configMap("second", {}, { annotations: wave(1) }),
      hookJob("post", { hook: "PostSync", generateName: true, deletePolicy: "HookSucceeded" }),
      hookJob("fail", { hook: "SyncFail" }),
    ),
    before: (run) => [leftover("old-a", run, 0), leftover("old-b", run, 1)],
    ended: operationEnded,
  },
  {
    id: "failing",
    name: "a failing sync with SyncFail hooks",
    manifests: manifests(
      hookJob("pre", { hook: "PreSync" }),
      configMap("first"),
      refused,
      hookJob("clean-up", { hook: "SyncFail", generateName: true, deletePolicy: "HookSucceeded" }),
    ),
    before: () => [],
    ended: operationEnded,
  },
  {
    id: "deletion",
    name: "a deletion with hooks and waves",
    manifests: manifests(
      hookJob("before-it", { hook: "PreDelete", generateName: true }),
      configMap("first"),
      configMap("second", {}, { annotations: wave(1) }),
      hookJob("after-it", { hook: "PostDelete", deletePolicy: "HookSucceeded" }),
    ),
    before: () => [],
    finalizers: ["resources-finalizer.argocd.argoproj.io"],
    first: async (kube, run, arm) => {
      await eventually(() => operationEnded(kube, run));
      await eventually(async () => {
        const { metadata } = (await kube.get("Application", run.application, run.control))!;
        expect(metadata.finalizers).toHaveLength(5);
      });
      arm();
      await kube.remove("Application", run.application, run.control);
    },
    ended: async (kube, { application, namespace, control }) => {
      if (await kube.get("Application", application, control)) throw new Error("it is still there");
      const [jobs, maps] = await Promise.all([kube.list("Job", namespace), kube.list("ConfigMap", namespace)]);
      return {
        jobs: jobs.map(({ metadata }) => plain(metadata.name)),
        maps: maps.flatMap(({ metadata: { name = "" } }) => (name === "kube-root-ca.crt" ? [] : name)),
      };
    },
  },
];

describe.each(clustersUnderTest({ name: "crashes", cases: stories.length }))("on $name", (cluster) => {
  let running: RunningCluster | undefined;
  let kube: Kube | undefined;
  const stages = new Map<Story, Stage>();
  const directory = mkdtempSync(join(tmpdir(), "driftless-crash-"));

  beforeAll(async () => {
    running = await cluster.start();
    kube = connectKube(running.kubeconfig);
    // One after the other: the first brings the definitions that the others find.
    for (const story of stories) {
      stages.set(story, await startStage({ kubeconfig: running.kubeconfig, kube, story, directory }));
    }
  });

  afterAll(async () => {
    await Promise.all([...stages.values()].map((stage) => stage.close()));
    await kube?.close();
    await running?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it.concurrent.each(stories.map((story) => [story.name, story] as const))(
    "%s",
    async (_name, story) => {
      const stage = stages.get(story)!;
      const calm = await play(stage, "calm");
      expect(calm.writes).toBeGreaterThan(5);

      for (let killAfter = 1; killAfter <= calm.writes; killAfter++) {
        const rough = await play(stage, String(killAfter), killAfter);
        expect({ killAfter, ...rough.end }).toEqual({ killAfter, ...calm.end });
      }
    },
    600_000,
  );
});

it("with a sandbox of its own, killed at each object that comes or goes, it ends as if nothing had been", async () => {
  const directory = mkdtempSync(join(tmpdir(), "driftless-crash-own-"));
  const story = stories[0]!;
  const repoURL = await repositoryOf(story, directory);
  const up = await startUp({ demo: false });
  const run: Run = { application: "crash-own", namespace: "e2e-crash-own", control: up.namespace };
  let kube = connectKube(up.kubeconfig);
  const uids = new Set<string>();
  const seen = async (): Promise<string> => {
    const [jobs, maps] = await Promise.all([kube.list("Job", run.namespace), kube.list("ConfigMap", run.namespace)]);
    for (const { metadata } of jobs) uids.add(`${plain(metadata.name)} ${metadata.uid}`);
    return [...jobs, ...maps].map(({ metadata }) => metadata.uid).join();
  };
  try {
    await kube.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: run.namespace } });
    for (const object of story.before(run)) await kube.create(object);
    let before = await seen();
    await kube.create(applicationOf(story, run, repoURL));
    let kills = 0;
    const end = await eventually(
      async () => {
        const now = await seen();
        if (now === before) return story.ended(kube, run);
        before = now;
        kills++;
        await up.kill9();
        await kube.close();
        await up.restart();
        kube = connectKube(up.kubeconfig);
        throw new Error("it goes on");
      },
      { withinMs: 300_000, everyMs: 15 },
    );

    expect(kills).toBeGreaterThan(4);
    expect(end).toMatchObject({ phase: "Succeeded", history: 1, maps: ["first", "second"] });
    expect([...uids].map((uid) => uid.split(" ")[0] ?? "").toSorted((a, b) => a.localeCompare(b))).toEqual([
      "between",
      expect.stringMatching(/^post-/),
      expect.stringMatching(/^pre-/),
    ]);
  } finally {
    await kube.close();
    await up.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}, 400_000);

async function repositoryOf(story: Story, directory: string): Promise<string> {
  const bare = join(directory, `${story.id}.git`);
  await createBare(bare);
  const repository = await cloneRepository(`file://${bare}`);
  await repository.push({ "all.yaml": story.manifests });
  repository.close();
  return repository.url;
}

function applicationOf(story: Story, { application, namespace, control }: Run, repoURL: string): KubernetesObject {
  const metadata = { name: application, namespace: control };
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Application",
    metadata: story.finalizers ? { ...metadata, finalizers: story.finalizers } : metadata,
    spec: {
      project: "default",
      source: { repoURL, targetRevision: "main", path: "." },
      destination: { server: "https://kubernetes.default.svc", namespace },
    },
    operation: { initiatedBy: { username: "ada" }, sync: { prune: true } },
  };
}

/** A story with a program of its own, which reaches the cluster through a proxy. */
interface Stage {
  readonly story: Story;
  readonly kube: Kube;
  readonly proxy: ApiProxy;
  readonly up: Up;
  readonly repoURL: string;
  close(): Promise<void>;
}

async function startStage(given: {
  readonly kubeconfig: string;
  readonly kube: Kube;
  readonly story: Story;
  readonly directory: string;
}): Promise<Stage> {
  const { kubeconfig, kube, story, directory } = given;
  const repoURL = await repositoryOf(story, directory);
  const proxy = await startProxy(kubeconfig);
  const up = await startUp({ kubeconfig: proxy.kubeconfig, namespace: namespaceOf(story), demo: false });
  const at = { name: "argocd-cmd-params-cm", namespace: namespaceOf(story) };
  await kube.edit("ConfigMap", at, { data: { "controller.sync.wave.delay.seconds": "0" } });
  const close = async (): Promise<void> => {
    await up.stop();
    await proxy.close();
  };
  return { story, kube, proxy, up, repoURL, close };
}

/** Plays a story; the program is killed after the write of that number, where one is given. Returns what came of it. */
async function play(
  { story, kube, proxy, up, repoURL }: Stage,
  step: string,
  killAfter?: number,
): Promise<{ end: object; writes: number }> {
  const application = `crash-${story.id}-${step}`;
  const run: Run = { application, namespace: `e2e-${application}`, control: namespaceOf(story) };
  await kube.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: run.namespace } });
  for (const object of story.before(run)) await kube.create(object);
  let from = proxy.writes.length;
  let killed: Promise<void> | undefined;
  const arm = (): void => {
    from = proxy.writes.length;
    proxy.onWrite = async () => {
      if (killed === undefined && writesOf(proxy, run, from).length === killAfter) killed = up.kill9();
      await killed;
    };
  };
  if (!story.first) arm();
  await kube.create(applicationOf(story, run, repoURL));
  if (story.first) await story.first(kube, run, arm);
  // Either it is killed, or it comes to its end with fewer writes than the undisturbed run.
  await eventually(() => killed ?? story.ended(kube, run), { withinMs: 60_000, everyMs: 20 });
  proxy.onWrite = undefined;
  if (killed !== undefined) {
    await killed;
    await proxy.settled();
    await up.restart();
  }
  const end = await eventually(() => story.ended(kube, run), { withinMs: 60_000, everyMs: 50 });
  const writes = writesOf(proxy, run, from);
  return {
    end: {
      end,
      hooks: done(writes, "POST", "jobs"),
      pruned: done(writes, "DELETE", "configmaps"),
      deleted: done(writes, "DELETE", "jobs"),
    },
    writes: writes.length,
  };
}

const namespaceOf = (story: Story): string => `crash-${story.id}`;

/** The writes of a run: those to its objects and to its Application. */
function writesOf(proxy: ApiProxy, { application, namespace }: Run, from: number): Seen[] {
  return proxy.writes
    .slice(from)
    .filter(
      ({ path }) =>
        (path.includes(`/namespaces/${namespace}/`) && !path.endsWith("/events")) ||
        path.includes(`/applications/${application}`),
    );
}

/** The names of what such writes did, each as often as it was done. */
function done(writes: readonly Seen[], method: string, plural: string): string[] {
  return writes
    .filter((write) => write.method === method && write.status < 300 && write.path.includes(`/${plural}`))
    .map((write) =>
      plain(
        method === "POST" ? (JSON.parse(write.body) as KubernetesObject).metadata.name : write.path.split("/").at(-1),
      ),
    )
    .toSorted();
}
