// `render`: rendering beside executing the official helm and kustomize on a checkout of the same monorepo, in one run.
// Single renders; a cold monorepo of 1,000 applications; a one-line commit; a commit to a base that 100 share.
import { execFile, fork, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { baseEnvironment, type GitProgram } from "#git/process.ts";
import { createBareRepository, writeCommit } from "#git/seed.ts";
import { findEngine } from "#render/engine/binary.ts";
import { officialCli } from "#test/render/cli.ts";
import { renderFleet, singles, type FleetApplication } from "./lib/render-fleet.ts";
import type { Answer, Ask } from "./lib/render-worker.ts";
import { percentile, round, type Bench, type BenchContext, type Target } from "./lib/report.ts";
import { inParallel, op } from "./lib/world.ts";

const run = promisify(execFile);
const applicationCount = 1000;
const copies = 12;
const commits = 9;

interface Clis {
  readonly helm: string;
  readonly kustomize: string;
}

/** Renders one application as a person would on a checkout, and counts its objects; they are not even parsed. */
async function execute(clis: Clis, checkout: string, application: FleetApplication): Promise<number> {
  const { kind, name, path, valueFiles } = application;
  const cwd = join(checkout, path);
  const count = (text: string): number => text.match(/^kind:/gm)?.length ?? 0;
  if (kind === "yaml")
    return readdirSync(cwd).reduce((sum, file) => sum + count(readFileSync(join(cwd, file), "utf8")), 0);
  const files = (valueFiles ?? []).flatMap((file) => ["-f", file]);
  const args =
    kind === "kustomize" ? ["build", "."] : ["template", name, ".", "--namespace", "fleet", "--include-crds", ...files];
  const { stdout } = await run(clis[kind], args, { cwd, maxBuffer: 64 << 20, env: { HOME: checkout, PATH: "" } });
  return count(stdout);
}

/** Our side, in its own process. */
class Worker {
  readonly #child: ChildProcess;
  readonly #ready: Promise<void>;

  constructor(url: string, dataDir: string) {
    // BENCH_PROFILE=DIR leaves a CPU profile there.
    const profile = process.env["BENCH_PROFILE"];
    const execArgv = profile ? ["--cpu-prof", `--cpu-prof-dir=${profile}`] : [];
    this.#child = fork(join(import.meta.dirname, "lib", "render-worker.ts"), [url, dataDir], { execArgv });
    this.#ready = this.#next().then(() => {});
  }

  #next(): Promise<{ answer?: Answer; error?: string }> {
    return new Promise((resolve, reject) => {
      const ended = (code: number | null): void => reject(new Error(`the renderer's process ended with ${code}`));
      this.#child.once("exit", ended);
      this.#child.once("message", (message) => {
        this.#child.off("exit", ended);
        resolve(message as { answer?: Answer });
      });
    });
  }

  async ask(ask: Ask): Promise<Answer> {
    await this.#ready;
    const answered = this.#next();
    this.#child.send(ask);
    const { answer, error } = await answered;
    if (!answer) throw new Error(error);
    return answer;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.disconnect();
    await ended;
  }
}

interface Place {
  readonly folder: string;
  readonly url: string;
  readonly checkout: string;
  commit(files: Readonly<Record<string, string>>): Promise<string>;
}

async function createPlace(folder: string, files: Readonly<Record<string, string>>): Promise<Place> {
  const program: GitProgram = {
    path: "git",
    env: baseEnvironment({ PATH: process.env["PATH"] ?? "" }, join(folder, "home")),
  };
  const bare = join(folder, "fleet.git");
  await createBareRepository(op, program, bare);
  const commit = (changes: Readonly<Record<string, string>>): Promise<string> =>
    writeCommit(op, program, bare, { message: "A change", files: changes, time: Date.now() });
  await commit(files);
  const checkout = join(folder, "checkout");
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(checkout, name)), { recursive: true });
    writeFileSync(join(checkout, name), text);
  }
  return { folder, url: `file://${bare}`, checkout, commit };
}

const copiesOf = (name: string, kind: "helm" | "kustomize"): FleetApplication[] =>
  Array.from({ length: copies }, (_, copy) => ({ name: `${name}-${copy}`, kind, path: `singles/${name}/${copy}` }));

async function compareSingles(clis: Clis, place: Place, worker: Worker): Promise<Record<string, unknown>> {
  const results: Record<string, unknown> = {};
  for (const [name, { kind }] of Object.entries(singles)) {
    const applications = copiesOf(name, kind);
    const ours = await worker.ask({ ask: "single", applications });
    const theirs: number[] = [];
    for (const application of applications) {
      const started = performance.now();
      await execute(clis, place.checkout, application);
      theirs.push(performance.now() - started);
    }
    const [oursMs, theirsMs] = [percentile(ours.eachMs ?? [], 50), percentile(theirs, 50)];
    results[name] = {
      objects: ours.objects / copies,
      p50Ms: round(oursMs),
      cliP50Ms: round(theirsMs),
      timesFaster: round(theirsMs / oursMs),
    };
  }
  return results;
}

async function pushes(
  context: BenchContext,
  place: Place,
  worker: Worker,
  change: (at: number) => Record<string, string>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let at = 0; at < commits; at++) {
    const sha = await place.commit(change(at));
    answers.push(await worker.ask({ ask: "push", sha }));
  }
  context.say(answers.map(({ ms, renders }) => `${round(ms)} ms for ${renders}`).join(", "));
  return answers;
}

const summary = (answers: readonly Answer[]): Record<string, unknown> => ({
  p50Ms: round(
    percentile(
      answers.map(({ ms }) => ms),
      50,
    ),
  ),
  worstMs: round(Math.max(...answers.map(({ ms }) => ms))),
  fetchP50Ms: round(
    percentile(
      answers.map(({ fetchMs }) => fetchMs ?? 0),
      50,
    ),
  ),
  renders: answers.map(({ renders }) => renders),
});

async function measure(context: BenchContext, folder: string): Promise<Awaited<ReturnType<Bench>>> {
  const [loadBefore = 0] = loadavg();
  const clis: Clis = { helm: await officialCli("helm"), kustomize: await officialCli("kustomize") };
  const fleet = renderFleet(applicationCount);
  const files: Record<string, string> = { ...fleet.files };
  for (const [name, single] of Object.entries(singles))
    for (let copy = 0; copy < copies; copy++)
      for (const [file, text] of Object.entries(single.files(copy))) files[`singles/${name}/${copy}/${file}`] = text;
  const place = await createPlace(folder, files);

  const worker = new Worker(place.url, join(folder, "state"));
  context.say(`cold: ${applicationCount} applications`);
  const cold = await worker.ask({ ask: "cold", applications: fleet.applications });
  context.say(`rendered in ${round(cold.ms)} ms; now the command lines`);
  const started = performance.now();
  let cliObjects = 0;
  await inParallel(fleet.applications.length, availableParallelism(), async (index) => {
    const count = await execute(clis, place.checkout, fleet.applications[index]!);
    cliObjects += count;
  });
  const cliMs = performance.now() - started;
  if (cliObjects !== cold.objects)
    throw new Error(`${cold.objects} objects were rendered, and ${cliObjects} by the command lines`);
  context.say(`executed in ${round(cliMs)} ms`);

  const oneLine = await pushes(context, place, worker, (at) => ({
    [fleet.ownFile]: files[fleet.ownFile]!.replace("replicas: 3", `replicas: ${4 + at}`),
  }));
  const shared = await pushes(context, place, worker, (at) => ({
    [fleet.sharedFile]: files[fleet.sharedFile]!.replace("port: 80", `port: ${81 + at}`),
  }));
  const memory = shared.at(-1)!.memory;
  const single = await compareSingles(clis, place, worker);
  await worker.stop();

  const worst = (answers: readonly Answer[], expected: number): number =>
    Math.max(...answers.map(({ renders }) => Math.abs(renders - expected)));
  const targets: Target[] = [
    { metric: "cold, times faster than the command lines", value: cliMs / cold.ms, limit: 3, bound: "at-least" },
    {
      metric: "one-line commit, ms",
      value: percentile(
        oneLine.map(({ ms }) => ms),
        50,
      ),
      limit: 60,
    },
    { metric: "one-line commit, sources rendered beside the 1", value: worst(oneLine, 1), limit: 0 },
    {
      metric: `shared base, sources rendered beside the ${fleet.sharedBy}`,
      value: worst(shared, fleet.sharedBy),
      limit: 0,
    },
    { metric: "engine processes together, peak MB", value: memory.engineMB, limit: 300 },
    { metric: "Node's part, peak MB", value: memory.nodeMB, limit: 300 },
  ];
  return {
    bench: "render",
    results: {
      processes: availableParallelism(),
      /** Others at work on the machine make everything slower, the times of a single commit most of all. */
      loadBefore: round(loadBefore),
      single,
      cold: {
        applications: applicationCount,
        objects: cold.objects,
        ms: round(cold.ms),
        cliMs: round(cliMs),
        timesFaster: round(cliMs / cold.ms),
        engineRenders: cold.engineRenders,
        filesParsed: cold.filesParsed,
      },
      oneLineCommit: summary(oneLine),
      sharedBase: summary(shared),
      memory: { nodePeakMB: round(memory.nodeMB), enginePeakMB: round(memory.engineMB) },
    },
    targets,
  };
}

export const bench: Bench = async (context) => {
  if (findEngine(process.env).program === undefined)
    throw new Error("driftless-engine is not built yet: npm run engine:build");
  const folder = mkdtempSync(join(tmpdir(), "driftless-bench-"));
  try {
    return await measure(context, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
