// The API with 10,000 applications: the first page, the complete list as REST and as the CLI reads it, and 1,000 streams
// while 200 applications a second change. Driftless runs as a newcomer runs it, on its sandbox; its controller leaves the
// applications alone, so that the API is what is measured.
import { fork } from "node:child_process";
import { availableParallelism, loadavg } from "node:os";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { clientFromKubeconfig } from "#kube/credentials.ts";
import type { KubeClient } from "#kube/types.ts";
import type { KubernetesObject } from "#model/object.ts";
import { ApplicationService } from "#protocol/gen/argoproj/application_pb.js";
import { systemClock, systemRandom } from "#runtime/system.ts";
import { startUp, type Up } from "#test/support/up.ts";
import { apiApplication, nameOf } from "./lib/api-fleet.ts";
import type { ReaderReport } from "./lib/api-streams.ts";
import { residentMB } from "./lib/processes.ts";
import { percentile, round, type Bench, type BenchContext } from "./lib/report.ts";
import { applicationPath, inParallel, op } from "./lib/world.ts";

const applications = 10_000;
const streams = 1000;
const changesPerSecond = 200;
const changingS = 15;
const pages = 300;

/** Different filters in different orders, as different people ask: some for the first time, most again. */
const page = (at: number): string => {
  const sortBy = ["-changed", "name", "health", "-created"][at % 4];
  const filter = `health=Degraded,Healthy&search=team-${(at * 7) % 25}`;
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
  const env: Record<string, string> = profile ? { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profile}` } : {};
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
    const lists = await measureLists(context, up);
    const watching = await measureStreams(context, up, client);
    return {
      bench: "api",
      // Other work on the machine shows in every number: 1 for each core that was wanted.
      results: { ...lists, ...watching, loadAverage: round(loadavg()[0] ?? 0), cores: availableParallelism() },
      targets: [
        { metric: "first page of 50, p99, ms", value: lists.pageP99Ms, limit: 20 },
        { metric: "complete list by REST, s", value: lists.restListS, limit: 1 },
        { metric: "complete list by gRPC, s", value: lists.grpcListS, limit: 1 },
        { metric: "delay of a change, p99, ms", value: watching.delayP99Ms, limit: 250 },
        { metric: "changes that every stream saw, of 1", value: watching.seen, limit: 1, bound: "at-least" },
      ],
    };
  } finally {
    await client.close();
    await up.stop();
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

async function measureLists(context: BenchContext, up: Up) {
  const headers = { authorization: `Bearer ${await up.api.token()}` };
  const get = async (path: string): Promise<{ readonly ms: number; readonly text: string }> => {
    const started = performance.now();
    const response = await fetch(`${up.url}${path}`, { headers });
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status} ${text}`);
    return { ms: performance.now() - started, text };
  };
  context.say(`${pages} pages of 50`);
  const firstPage = await get(page(0));
  const times: number[] = [];
  for (let at = 0; at < pages; at++) times.push((await get(page(at))).ms);
  context.say("complete lists");
  const cold = await get("/api/v1/applications");
  const warm = [await get("/api/v1/applications"), await get("/api/v1/applications")];
  const transport = createGrpcTransport({ baseUrl: up.url, readMaxBytes: 512 * 1024 * 1024 });
  const grpc = createClient(ApplicationService, transport);
  const byGrpc = async (): Promise<number> => {
    const started = performance.now();
    const { items } = await grpc.list({}, { headers });
    if (items.length !== applications) throw new Error(`${items.length} applications by gRPC`);
    return performance.now() - started;
  };
  const grpcColdMs = await byGrpc();
  return {
    pageMs: round(percentile(times, 50)),
    pageP99Ms: percentile(times, 99),
    pageFirstMs: round(firstPage.ms),
    restListS: Math.max(...warm.map(({ ms }) => ms)) / 1000,
    restListColdS: round(cold.ms / 1000),
    restListMB: round(cold.text.length / 1e6),
    grpcListS: (await byGrpc()) / 1000,
    grpcListColdS: round(grpcColdMs / 1000),
  };
}

async function measureStreams(context: BenchContext, up: Up, client: KubeClient) {
  context.say(`${streams} streams`);
  const before = residentMB(up.pid);
  const reader = fork(new URL("./lib/api-streams.ts", import.meta.url), { serialization: "json" });
  const said = (): Promise<unknown> => new Promise((resolve) => reader.once("message", resolve));
  try {
    const opened = said();
    reader.send({ url: up.url, token: await up.api.token(), streams, fields });
    await opened;
    const open = residentMB(up.pid);
    context.say(`${changesPerSecond} changes a second for ${changingS} s`);
    const changes = await change(client, changesPerSecond * changingS);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const during = residentMB(up.pid);
    const reported = said();
    reader.send("report");
    const { delaysMs, events, bytes } = (await reported) as ReaderReport;
    return {
      delayMs: round(percentile(delaysMs, 50)),
      delayP99Ms: percentile(delaysMs, 99),
      seen: events / (changes.count * streams),
      changesPerSecond: round(changes.perSecond),
      megabytesPerSecond: round(bytes / 1e6 / changingS),
      kilobytesPerStream: round(((open - before) * 1024) / streams),
      kilobytesPerStreamBusy: round(((during - before) * 1024) / streams),
    };
  } finally {
    reader.kill();
  }
}

/** Changes applications at an even rate; each carries when that was. */
async function change(client: KubeClient, count: number): Promise<{ count: number; perSecond: number }> {
  const started = performance.now();
  const writes: Promise<KubernetesObject>[] = [];
  for (let at = 0; at < count; at++) {
    const dueMs = started + (at * 1000) / changesPerSecond;
    while (performance.now() < dueMs) await new Promise((resolve) => setTimeout(resolve, 1));
    const body = { metadata: { labels: { changed: `t${Date.now()}` } } };
    const where = { namespace: "argocd", name: nameOf((at * 7) % applications) };
    writes.push(client.patch(op, applicationPath, where, { type: "merge", body }));
  }
  await Promise.all(writes);
  return { count, perSecond: (count * 1000) / (performance.now() - started) };
}
