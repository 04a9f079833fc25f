// How long a command of the command line takes, from the start of its process to its end: what a person waits for, and a
// script pays for every call. Without a server, and against one that runs beside it. What is compiled is kept from the
// first start on, as everywhere.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { repositoryRoot, startUp, type Up } from "#test/support/up.ts";
import { percentile, round, type Bench } from "./lib/report.ts";

const runs = 15;
const limitMs = 150;
const program = join(repositoryRoot, "bin", "driftless");

const commands: readonly (readonly string[])[] = [
  ["version", "--client"],
  ["--help"],
  ["app", "--help"],
  ["completion", "bash"],
  ["version"],
  ["app", "list"],
  ["app", "list", "-o", "name"],
];

export const bench: Bench = async (context) => {
  const up = await startUp({ demo: false });
  const home = mkdtempSync(join(tmpdir(), "driftless-bench-"));
  try {
    const env = await environmentOf(up, home);
    const results: Record<string, unknown> = {};
    const targets = [];
    for (const args of commands) {
      context.say(args.join(" "));
      run(args, env);
      const timesMs = Array.from({ length: runs }, () => run(args, env));
      const median = percentile(timesMs, 50);
      results[args.join(" ")] = { medianMs: round(median), leastMs: round(Math.min(...timesMs)) };
      targets.push({ metric: `driftless ${args.join(" ")}, median, ms`, value: median, limit: limitMs });
    }
    return { bench: "cli", results: { ...results, loadAverage: round(loadavg()[0] ?? 0) }, targets };
  } finally {
    await up.stop();
    rmSync(home, { recursive: true, force: true });
  }
};

async function environmentOf(up: Up, home: string): Promise<NodeJS.ProcessEnv> {
  return {
    PATH: process.env["PATH"],
    HOME: home,
    ARGOCD_SERVER: new URL(up.url).host,
    ARGOCD_AUTH_TOKEN: await up.api.token(),
    ARGOCD_OPTS: "--plaintext",
  };
}

function run(args: readonly string[], env: NodeJS.ProcessEnv): number {
  const started = performance.now();
  const { status, stderr } = spawnSync(program, args, { env, encoding: "utf8" });
  const ms = performance.now() - started;
  if (status !== 0) throw new Error(`driftless ${args.join(" ")} ended with ${status}: ${stderr}`);
  return ms;
}
