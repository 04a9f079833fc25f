// Runs commands of the command line in this process, for tests beside the code: their real wiring, with the streams and
// the environment in the test's hands. Connects to no server of ours.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DriftlessError } from "#base/errors.ts";
import type { Clock } from "#base/ports.ts";
import { commands, groups } from "#cli/commands.ts";
import { ConfigFile, configPaths } from "#cli/server/config-file.ts";
import type { Context, Output } from "#cli/context.ts";
import { run } from "#cli/run.ts";
import { silentLogger } from "#base/operation.ts";
import { adminMeans } from "../admin.ts";

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

interface Given {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly clock?: Clock;
  /** A new folder with these files: `{DIR}` in the arguments and in the environment stands for it. */
  readonly files?: Readonly<Record<string, string>>;
  /** Reads what stands in the folder in the end. */
  readonly after?: (dir: string) => void;
}

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
const same = (text: string): string => text;
const paint = { bold: same, dim: same, red: same, green: same, yellow: same, cyan: same, blue: same };

/** Runs one command line; what it would have written to the terminal comes back. */
export async function runCommand(args: readonly string[], given: Given = {}): Promise<Outcome> {
  const dir = mkdtempSync(join(tmpdir(), "driftless-command-"));
  try {
    for (const [name, content] of Object.entries(given.files ?? {})) writeFileSync(join(dir, name), content);
    const placed = (text: string): string => text.replaceAll("{DIR}", dir);
    const env = Object.fromEntries(
      Object.entries({ HOME: dir, ...given.env }).map(([name, value]) => [name, placed(value)]),
    );
    const written = { out: "", err: "" };
    const code = await run(args.map(placed), {
      groups,
      commands,
      options: "",
      context: (global, kube) =>
        contextOf({ global, kube }, { env, written, input: given.input ?? "", clock: given.clock ?? clock }),
      print: (text) => (written.out += text),
      complain: (error) => (written.err += `${error.message}\n`),
      interrupted: () => false,
    });
    given.after?.(dir);
    const unplaced = (text: string): string => text.replaceAll(dir, "{DIR}");
    return { code, out: unplaced(written.out), err: unplaced(written.err) };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

interface Parts {
  readonly env: Readonly<Record<string, string>>;
  readonly written: { out: string; err: string };
  readonly input: string;
  readonly clock: Clock;
}

function contextOf({ global, kube }: Pick<Context, "global" | "kube">, parts: Parts): Context {
  const output = (stream: "out" | "err"): Output => ({
    write: (text) => void (parts.written[stream] += text),
    line: (text = "") => void (parts.written[stream] += `${text}\n`),
    isTerminal: false,
    size: () => ({ columns: 80, rows: 24 }),
  });
  const noServer = (): never => {
    throw new DriftlessError("CONFIG_INVALID", "there is no server in this test");
  };
  const config = (): Promise<ConfigFile> => ConfigFile.read(configPaths(parts.env, global.config));
  const context: Context = {
    op: { signal: new AbortController().signal, log: silentLogger },
    env: parts.env,
    out: output("out"),
    err: output("err"),
    input: { isTerminal: false, readAll: () => Promise.resolve(parts.input), ask: () => Promise.resolve(parts.input) },
    paint,
    clock: parts.clock,
    global,
    kube,
    version: "0.0.0",
    config,
    connect: { env: parts.env, global, clock: parts.clock, config, localFile: "", core: noServer, forward: noServer },
    api: () => Promise.resolve(noServer()),
    admin: () => Promise.resolve(adminMeans(process.env, () => context)),
    runProgram: () => Promise.resolve(noServer()),
  };
  return context;
}
