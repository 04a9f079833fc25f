// The renderer's side of the render bench, a process of its own so that its memory is its own: follows every application
// of the monorepo as the controller does, and takes in pushes. Talks to the bench over IPC.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { silentLogger, type Operation } from "#base/operation.ts";
import { Sources, type FollowRequest } from "#controllers/application/desired/sources.ts";
import { createGitRepositories } from "#git/repository.ts";
import { findEngine } from "#render/engine/binary.ts";
import { createEnginePool } from "#render/engine/pool.ts";
import { createRenderer } from "#render/renderer.ts";
import type { RenderStatistics } from "#render/types.ts";
import { systemClock } from "#runtime/system.ts";
import { join } from "node:path";
import { inParallel } from "./world.ts";
import type { FleetApplication } from "./render-fleet.ts";

/** What the bench asks. */
export type Ask =
  | { readonly ask: "cold"; readonly applications: readonly FleetApplication[] }
  | { readonly ask: "single"; readonly applications: readonly FleetApplication[] }
  | { readonly ask: "push"; readonly sha: string };

/** What each answer holds. */
export interface Answer {
  readonly ms: number;
  /** Of each application, for `single`. */
  readonly eachMs?: readonly number[];
  readonly objects: number;
  /** Sources that were rendered, and those of them that took the engine. */
  readonly renders: number;
  readonly engineRenders: number;
  readonly filesParsed: number;
  /** Parts of a push: until the commit is here, and the rendering. */
  readonly fetchMs?: number;
  readonly memory: { readonly nodeMB: number; readonly engineMB: number };
}

const [repoURL = "", dataDir = ""] = process.argv.slice(2);
const op: Operation = { signal: new AbortController().signal, log: silentLogger };
const pool = createEnginePool({
  locate: () => findEngine(process.env),
  clock: systemClock,
  processes: availableParallelism(),
});
const renderer = createRenderer({
  cacheDir: join(dataDir, "render"),
  engine: pool,
  digest: (text) => createHash("sha256").update(text).digest("hex"),
});
const repositories = createGitRepositories({
  dir: join(dataDir, "git"),
  clock: systemClock,
  env: { PATH: process.env["PATH"] ?? "" },
});
let affected: ReadonlySet<string> = new Set();
const sources = new Sources({
  repositories,
  renderer,
  access: (url) => ({ url }),
  affected: (applications) => (affected = applications),
  op,
});
// The mirror is there before anything is measured, as the command lines' checkout is.
await repositories.open({ url: repoURL }).refresh(op);

const requests = new Map<string, FollowRequest>();
const requestFor = (application: FleetApplication): FollowRequest => ({
  application: application.path,
  project: "default",
  appName: application.name,
  namespace: "fleet",
  sources: [
    {
      repoURL,
      path: application.path,
      targetRevision: "main",
      ...(application.valueFiles ? { helm: { valueFiles: [...application.valueFiles] } } : {}),
    },
  ],
});

const peakMB = (pid: number): number =>
  Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;

async function measured(
  work: () => Promise<{ objects: number; fetchMs?: number; eachMs?: readonly number[] }>,
): Promise<Answer> {
  const before = renderer.statistics;
  const started = performance.now();
  const done = await work();
  const ms = performance.now() - started;
  const after = renderer.statistics;
  const change = (name: keyof RenderStatistics): number => after[name] - before[name];
  return {
    ms,
    ...done,
    renders: change("renders") - change("memoryHits") - change("diskHits"),
    engineRenders: change("engineRenders"),
    filesParsed: change("filesParsed"),
    memory: {
      nodeMB: peakMB(process.pid),
      engineMB: pool.pids.reduce((sum, pid) => sum + peakMB(pid), 0),
    },
  };
}

async function follow(names: readonly string[]): Promise<number> {
  let objects = 0;
  await inParallel(names.length, 2 * availableParallelism(), async (index) => {
    const rendered = await sources.follow(op, requests.get(names[index]!)!);
    for (const { result } of rendered) objects += result.objects.length;
  });
  return objects;
}

function run(ask: Ask): Promise<Answer> {
  switch (ask.ask) {
    case "cold":
      for (const one of ask.applications) requests.set(one.path, requestFor(one));
      return measured(async () => ({ objects: await follow(ask.applications.map(({ path }) => path)) }));
    case "single":
      for (const one of ask.applications) requests.set(one.path, requestFor(one));
      return measured(async () => {
        const eachMs: number[] = [];
        let objects = 0;
        for (const { path } of ask.applications) {
          const started = performance.now();
          objects += await follow([path]);
          eachMs.push(performance.now() - started);
        }
        return { objects, eachMs };
      });
    case "push":
      return measured(async () => {
        affected = new Set();
        const started = performance.now();
        const pushed = [{ ref: "refs/heads/main", after: ask.sha }];
        await sources.refreshMatching(op, () => true, { pushed });
        const fetchMs = performance.now() - started;
        return { objects: await follow([...affected]), fetchMs };
      });
  }
}

process.on("message", (ask: Ask) => {
  run(ask).then(
    (answer) => process.send!({ answer }),
    (error: unknown) => process.send!({ error: String(error) }),
  );
});
process.once("disconnect", () => void renderer.close().then(() => process.exit(0)));
process.send!({ ready: true });
