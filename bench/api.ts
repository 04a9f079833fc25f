// The API with 10,000 applications: the first page, the complete list as REST and as the CLI reads it, and 1,000 streams
// while 200 applications a second change. Driftless runs as a newcomer runs it, on its sandbox; its controller leaves the
// applications alone, so that the API is what is measured.
import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { clientFromKubeconfig } from "#kube/credentials.ts";
import type { KubeClient } from "#kube/types.ts";
import type { KubernetesObject } from "#model/object.ts";
import { systemClock, systemRandom } from "#runtime/system.ts";
import { startUp, type Up } from "#test/support/up.ts";
import { apiApplication, nameOf } from "./lib/api-fleet.ts";
import type { ClientReport, ClientTask } from "./lib/api-client.ts";
import type { ReaderReport } from "./lib/api-streams.ts";
import { residentMB, usedKB } from "./lib/processes.ts";
import { percentile, round, type Bench, type BenchContext } from "./lib/report.ts";
import { applicationPath, inParallel, op } from "./lib/world.ts";

const applications = 10_000;
const streams = 1000;
const changesPerSecond = 200;
const changingS = 15;
const pages = 1000;
/** As many as the first minutes of a server bring; told apart, not left out. */
const firstPages = 50;
const pagesWhileChanging = 500;

/** Different filters in different orders, as different people ask: some for the first time, most again. */
const page = (at: number): string => {
  const sortBy = ["-changed", "name", "health", "-created"][at % 4];
  const filter = `health=Degraded,Healthy&search=team-${(at * 7) % 40}`;
  return `/api/v1/applications?limit=50&sortBy=${sortBy}&${filter}&counts=sync,health,project`;
};
/** What the page of Driftless asks of a stream. */
const fields = [
  "type",
  "application.metadata",
  "application.spec",
  "application.status.sync",
  "application.status.health",
]
  .map((field) => `result.${field}`)
  .join(",");

export const bench: Bench = async (context) => {
  // BENCH_PROFILE=DIR leaves a CPU profile there.
  const profile = process.env["BENCH_PROFILE"];
  const folder = mkdtempSync(join(tmpdir(), "driftless-bench-"));
  const probe = join(folder, "memory");
  const options = [`--import=${new URL("./lib/memory-probe.ts", import.meta.url).href}`];
  if (profile) options.push("--cpu-prof", `--cpu-prof-dir=${profile}`);
  const env = { NODE_OPTIONS: options.join(" "), MEMORY_PROBE: probe };
  const up = await startUp({ demo: false, readyWithinMs: 120_000, env });
  const client = clientFromKubeconfig(
    { path: up.kubeconfig },
    { clock: systemClock, random: systemRandom, userAgent: "driftless-bench", concurrency: 64 },
  );
  try {
    context.say(`creating ${applications} Applications`);
    await inParallel(applications, 32, async (index) => {
      await client.create(op, applicationPath, apiApplication(index, 0));
    });
    await untilListed(up);
    const lists = await measureLists(context, up, client);
    const watching = await measureStreams(context, { up, client, probe });
    return {
      bench: "api",
      // Other work on the machine shows in every number: 1 for each core that was wanted.
      results: { ...lists, ...watching, loadAverage: round(loadavg()[0] ?? 0), cores: availableParallelism() },
      targets: [
        { metric: "first page of 50, p99, ms", value: lists.pageP99Ms, limit: 20 },
        { metric: "complete list by REST, s", value: lists.restListS, limit: 1 },
        { metric: "complete list by REST, for the first time, s", value: lists.restListColdS, limit: 1 },
        { metric: "complete list by gRPC, s", value: lists.grpcListS, limit: 1 },
        { metric: "complete list by gRPC, for the first time, s", value: lists.grpcListColdS, limit: 1 },
        { metric: "delay of a change, p99, ms", value: watching.delayP99Ms, limit: 250 },
        { metric: "changes that every stream saw, of 1", value: watching.seen, limit: 1, bound: "at-least" },
      ],
    };
  } finally {
    await client.close();
    await up.stop();
    rmSync(folder, { recursive: true, force: true });
  }
};

async function untilListed(up: Up): Promise<void> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const { metadata } = await up.api.must<{ metadata: { total?: number } }>("GET", "/api/v1/applications?limit=1");
    if (metadata.total === applications) return;
    if (performance.now() > deadline) throw new Error(`only ${metadata.total} applications are listed`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function measureLists(context: BenchContext, up: Up, client: KubeClient) {
  const asker = fork(new URL("./lib/api-client.ts", import.meta.url), { serialization: "json" });
  try {
    const token = await up.api.token();
    const ask = async (get: ClientTask["get"]): Promise<ClientReport> => {
      const told = new Promise<ClientReport>((resolve, reject) => {
        asker.once("message", (report) => resolve(report as ClientReport));
        asker.once("exit", () => reject(new Error("the client has ended: see above")));
      });
      asker.send({ url: up.url, token, get } satisfies ClientTask);
      return told;
    };
    const pagesFrom = (from: number, count: number): string[] =>
      Array.from({ length: count }, (_, at) => page(from + at));
    context.say(`${firstPages} pages of 50 from a server that was asked for none yet, then ${pages}`);
    // Another search than any that follows: what is kept of a filter is not there for those.
    const first = await ask(
      pagesFrom(0, firstPages).map((path) => path.replace("search=team", "search=config.git+team")),
    );
    const { timesMs } = await ask(pagesFrom(0, pages));
    context.say(`${pagesWhileChanging} pages while ${changesPerSecond} applications a second change`);
    let asked = false;
    const changing = change(client, Number.POSITIVE_INFINITY, () => asked);
    const during = await ask(pagesFrom(0, pagesWhileChanging));
    asked = true;
    await changing;
    return { ...pageResults(first, timesMs, during.timesMs), ...(await completeLists(context, ask)) };
  } finally {
    asker.kill();
  }
}

function pageResults(first: ClientReport, timesMs: readonly number[], whileChangingMs: readonly number[]) {
  return {
    pageMs: round(percentile(timesMs, 50)),
    pageP99Ms: percentile(timesMs, 99),
    pageMaxMs: round(Math.max(...timesMs)),
    pageFirstMs: round(first.timesMs[0] ?? 0),
    pageFirst50Ms: round(percentile(first.timesMs, 50)),
    pageFirst50MaxMs: round(Math.max(...first.timesMs.slice(1))),
    pageWhileChangingMs: round(percentile(whileChangingMs, 50)),
    pageWhileChangingP99Ms: percentile(whileChangingMs, 99),
  };
}

/** Everything, by each way first when nothing is kept of it yet, then again. */
async function completeLists(context: BenchContext, ask: (get: ClientTask["get"]) => Promise<ClientReport>) {
  context.say("complete lists");
  const complete = async (get: ClientTask["get"]): Promise<ClientReport> => {
    const report = await ask(get);
    if (report.applications !== applications) throw new Error(`${report.applications} applications in a complete list`);
    return report;
  };
  const seconds = ({ timesMs }: ClientReport): number => Math.max(...timesMs) / 1000;
  const list = ["/api/v1/applications"];
  const restCold = await complete(list);
  const rest = await complete([...list, ...list]);
  const grpcCold = await complete("grpc");
  return {
    restListS: seconds(rest),
    restListColdS: seconds(restCold),
    restListMB: round(rest.bytes / 1e6),
    grpcListS: seconds(await complete("grpc")),
    grpcListColdS: seconds(grpcCold),
  };
}

interface Setting {
  readonly up: Up;
  readonly client: KubeClient;
  /** Where the server writes its memory. */
  readonly probe: string;
}

async function measureStreams(context: BenchContext, { up, client, probe }: Setting) {
  context.say(`${streams} streams`);
  const before = await usedKB(up.pid, probe);
  const reader = fork(new URL("./lib/api-streams.ts", import.meta.url), { serialization: "json" });
  const said = (): Promise<unknown> => new Promise((resolve) => reader.once("message", resolve));
  try {
    const opened = said();
    reader.send({ url: up.url, token: await up.api.token(), streams, fields });
    await opened;
    const open = await usedKB(up.pid, probe);
    context.say(`${changesPerSecond} changes a second for ${changingS} s`);
    const changes = await change(client, changesPerSecond * changingS);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const during = await usedKB(up.pid, probe);
    const reported = said();
    reader.send("report");
    const { delaysMs, events, bytes } = (await reported) as ReaderReport;
    return {
      delayMs: round(percentile(delaysMs, 50)),
      delayP99Ms: percentile(delaysMs, 99),
      seen: events / (changes.count * streams),
      changesPerSecond: round(changes.perSecond),
      megabytesPerSecond: round(bytes / 1e6 / changingS),
      kilobytesPerStream: round((open - before) / streams),
      kilobytesPerStreamBusy: round((during - before) / streams),
      residentMB: round(residentMB(up.pid)),
    };
  } finally {
    reader.kill();
  }
}

/** Changes applications at an even rate, so many or until it is stopped; each carries when that was. */
async function change(
  client: KubeClient,
  count: number,
  ended: () => boolean = () => false,
): Promise<{ count: number; perSecond: number }> {
  const started = performance.now();
  const writes: Promise<KubernetesObject>[] = [];
  for (let at = 0; at < count && !ended(); at++) {
    const dueMs = started + (at * 1000) / changesPerSecond;
    while (performance.now() < dueMs) await new Promise((resolve) => setTimeout(resolve, 1));
    const body = { metadata: { labels: { changed: `t${Date.now()}` } } };
    const where = { namespace: "argocd", name: nameOf((at * 7) % applications) };
    writes.push(client.patch(op, applicationPath, where, { type: "merge", body }));
  }
  await Promise.all(writes);
  return { count, perSecond: (count * 1000) / (performance.now() - started) };
}
