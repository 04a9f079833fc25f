// Wires the command line to the process: environment, streams, terminal, signals, time. Decides nothing about commands.
import { readFileSync } from "node:fs";
import type { DriftlessError } from "#base/errors.ts";
import type { LogFields, Logger, Operation } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import { commands, groups } from "#cli/commands.ts";
import { ConfigFile, configPaths } from "#cli/server/config-file.ts";
import { connectToServer, variable } from "#cli/server/connect.ts";
import type { Context, Input, Output, Paint } from "#cli/context.ts";
import { run } from "#cli/run.ts";
import { defaultDataDir } from "./data-dir.ts";
import { sentenceOf } from "./exit.ts";
import { localLoginFile } from "./local-login.ts";

const levels = ["debug", "info", "warn", "error"];

/** Runs one command; returns the exit code. */
export async function runCli(args: readonly string[]): Promise<number> {
  const stopping = new AbortController();
  const stop = (): void => {
    if (stopping.signal.aborted) process.exit(130);
    stopping.abort();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  // The reader of a pipe may leave early: `driftless app list | head`.
  process.stdout.on("error", () => process.exit(0));
  const env = process.env;
  const stops: (() => Promise<void>)[] = [];
  // What servers and their clients wait by keeps no process alive: the command does, until it has ended.
  const alive = setInterval(() => {}, 2 ** 30);
  const code = await run(args, {
    groups,
    commands,
    options: variable(env, "OPTS"),
    context: (global, kube) => contextOf({ global, kube, signal: stopping.signal, stops }),
    print: (text) => void process.stdout.write(text),
    complain: (error, hint) => void process.stderr.write(`${complaint(error, hint)}\n`),
    interrupted: () => stopping.signal.aborted,
  });
  for (const end of stops.splice(0)) await end();
  clearInterval(alive);
  return code;
}

function complaint(error: DriftlessError, hint: boolean): string {
  // The hints are about what a server answers; what is found here says what to do itself.
  const answered =
    error.details.status !== undefined && error.code !== "FAILED_PRECONDITION" && error.code !== "INVALID_ARGUMENT";
  if (hint && (answered || error.code === "SERVER_UNREACHABLE" || error.code === "INTERNAL")) return sentenceOf(error);
  return `driftless: ${error.message.replace(/[.?]?$/, (end) => (end === "?" ? end : "."))}`;
}

interface Given extends Pick<Context, "global" | "kube"> {
  readonly signal: AbortSignal;
  /** What is to be ended after the command. */
  readonly stops: (() => Promise<void>)[];
}

function contextOf({ global, kube, signal, stops }: Given): Context {
  const env = process.env;
  const out = outputOf(process.stdout);
  const op: Operation = { signal, log: loggerOf(global.verbose ? "debug" : global.loglevel, global.logformat) };
  let config: Promise<ConfigFile> | undefined;
  const readConfig = (): Promise<ConfigFile> => (config ??= ConfigFile.read(configPaths(env, global.config)));
  let api: ReturnType<Context["api"]> | undefined;
  const connect = {
    env,
    global,
    clock,
    config: readConfig,
    localFile: localLoginFile(defaultDataDir(env, process.platform)),
    core: async () => {
      const { startCore } = await import("./core.ts");
      const quiet: Operation = {
        signal,
        log: loggerOf(global.loglevel === "info" ? "error" : global.loglevel, global.logformat),
      };
      const core = await startCore(global.verbose ? op : quiet, context);
      stops.push(() => core.stop());
      return core;
    },
    forward: async () => (await import("#cli/server/port-forward.ts")).portForward(context),
  };
  const context: Context = {
    op,
    env,
    out,
    err: outputOf(process.stderr),
    input,
    paint: paintOf(out.isTerminal && !env["NO_COLOR"] && env["TERM"] !== "dumb"),
    clock,
    global,
    kube,
    version: packageVersion(),
    config: readConfig,
    connect,
    api: () => (api ??= connectToServer(op, connect)),
    admin: async () => (await import("./admin.ts")).adminMeans(env, () => context),
    runProgram,
  };
  return context;
}

/** Unlike the servers' clock, its timers keep the process alive: a command that waits has nothing else to do. */
const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(delayMs, 2 ** 31 - 1));
    return () => clearTimeout(timer);
  },
};

function packageVersion(): string {
  const file = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

function outputOf(stream: NodeJS.WriteStream): Output {
  return {
    write: (text) => void stream.write(text),
    line: (text = "") => void stream.write(`${text}\n`),
    isTerminal: stream.isTTY,
    size: () => ({ columns: stream.columns || 80, rows: stream.rows || 24 }),
  };
}

const input: Input = {
  isTerminal: process.stdin.isTTY,
  async readAll() {
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks).toString("utf8");
  },
  async ask(op, question, options = {}) {
    const { createInterface } = await import("node:readline/promises");
    const { Writable } = await import("node:stream");
    const hidden = options.secret ?? false;
    if (hidden) process.stderr.write(question);
    const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
    const lines = createInterface({
      input: process.stdin,
      output: hidden ? silent : process.stderr,
      terminal: process.stdin.isTTY,
    });
    try {
      lines.on("SIGINT", () => process.emit("SIGINT"));
      return (await lines.question(hidden ? "" : question, { signal: op.signal })).trim();
    } finally {
      lines.close();
      if (hidden) process.stderr.write("\n");
    }
  },
};

function paintOf(coloured: boolean): Paint {
  const style =
    (open: number, close: number) =>
    (text: string): string =>
      coloured ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  return {
    bold: style(1, 22),
    dim: style(2, 22),
    red: style(31, 39),
    green: style(32, 39),
    yellow: style(33, 39),
    blue: style(34, 39),
    cyan: style(36, 39),
  };
}

/** Takes the least level that is written, and `text` or `json`. */
function loggerOf(level: string, format: string): Logger {
  const least = Math.max(0, levels.indexOf(level));
  const at = (name: string, bound: LogFields) => (message: string, fields?: LogFields) => {
    if (levels.indexOf(name) < least) return;
    if (format === "json") {
      const time = new Date().toISOString().replace(/\.\d+Z$/, "Z");
      process.stderr.write(`${JSON.stringify({ ...bound, ...fields, level: name, msg: message, time })}\n`);
      return;
    }
    const pairs = Object.entries({ ...bound, ...fields }).map(([key, value]) => ` ${key}=${String(value)}`);
    process.stderr.write(`${name}: ${message}${pairs.join("")}\n`);
  };
  const make = (bound: LogFields): Logger => ({
    debug: at("debug", bound),
    info: at("info", bound),
    warn: at("warn", bound),
    error: at("error", bound),
    with: (fields) => make({ ...bound, ...fields }),
  });
  return make({});
}

/** The terminal belongs to the program while it runs: Ctrl-C is for it. */
async function runProgram(program: string, args: readonly string[]): Promise<number> {
  const { spawn } = await import("node:child_process");
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], { stdio: "inherit" });
    child.on("error", reject);
    child.on("exit", (code) => resolve(code ?? 1));
  });
}
