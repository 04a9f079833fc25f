// `driftless up`: everything in one process. A cluster (the sandbox, a real control plane, or one of yours), a Git server
// with a demo repository, the controllers, the API and the page; then says where things are and what to try.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { DriftlessError, toError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import { clientFromKubeconfig } from "#kube/credentials.ts";
import type { KubeClient } from "#kube/types.ts";
import { createLogger, type LogLevel } from "#runtime/logger.ts";
import { systemClock, systemRandom } from "#runtime/system.ts";
import { defaultDataDir, openDataDir } from "./data-dir.ts";
import { startDemo, type Demo } from "./demo.ts";
import { checkGit, gitEnvironment } from "./git-program.ts";
import { offerLocalLogin } from "./local-login.ts";
import { printWelcome } from "./welcome.ts";
import { defaultPluginSockets, type RenderingFlags } from "./rendering.ts";
import { startSystem, type System } from "./system.ts";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

interface UpFlags extends RenderingFlags {
  readonly dataDir: string;
  readonly port: number;
  readonly host: string;
  readonly gitPort: number;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly real?: boolean;
  readonly demo: boolean;
  readonly namespace: string;
  readonly logLevel: LogLevel;
  readonly logFormat: "text" | "json";
  readonly tls?: boolean;
  readonly insecure?: boolean;
  readonly enableK8sEvent?: string;
  readonly metricsPort?: number;
  readonly metricsAddress?: string;
}

function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535)
    throw new InvalidArgumentError("a port is a number from 0 (any free one) to 65535");
  return value;
}

function truth(text: string): boolean {
  if (text === "true" || text === "false") return text === "true";
  throw new InvalidArgumentError("true or false is expected");
}

/** Whether TLS is asked for, by flag or by Argo CD's variable; undefined where neither says. */
function wantedTls({ tls, insecure }: UpFlags): { tls?: boolean } {
  if (tls !== undefined && insecure === true)
    throw new DriftlessError("CONFIG_INVALID", "--tls and --insecure contradict each other");
  const variable = process.env["DRIFTLESS_SERVER_INSECURE"] ?? process.env["ARGOCD_SERVER_INSECURE"] ?? "";
  const said = insecure ?? (/^(true|false)$/i.test(variable) ? variable.toLowerCase() === "true" : undefined);
  const wanted = tls ?? (said === undefined ? undefined : !said);
  return wanted === undefined ? {} : { tls: wanted };
}

function command(): Command {
  return new Command("driftless up")
    .description(
      "Run everything in one process: a Kubernetes sandbox, a Git server with a demo repository, the controllers, the API and the page.",
    )
    .option("--data-dir <dir>", "where state is kept", defaultDataDir(process.env, process.platform))
    .option("--port <port>", "port of the API and the page; 0 takes a free one", port, 8080)
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--git-port <port>", "port of the demo's Git server; 0 takes a free one", port, 8081)
    .option("--kubeconfig <file>", "run against a cluster of yours instead of the sandbox")
    .option("--context <name>", "the kubeconfig's context; its current one unless told")
    .option("--real", "run a real control plane (kube-apiserver, etcd, kwok), built once with Go")
    .option("--no-demo", "no Git server, no demo repository, no demo applications")
    .option("--namespace <name>", "the namespace of applications and settings", "argocd")
    .option("--plugin-sockets <dir>", "where plugins in sidecars have their sockets", defaultPluginSockets)
    .option("--plugin-commands <dir>", "run the commands of the plugins that stand in this folder")
    .option("--render-cache <url>", "share renders with other replicas: s3://BUCKET/PREFIX or redis://HOST:PORT")
    .option("--tls", "speak TLS; as everywhere but on loopback unless told")
    .option("--insecure [yes]", "speak HTTP without TLS; --insecure=false is --tls", truth)
    .option("--metrics-port <port>", "answer metrics there too, without a login; 0 takes a free port", port)
    .option("--metrics-address <address>", "address of the metrics' port; that of --host unless told")
    .option(
      "--enable-k8s-event <reasons>",
      "which Kubernetes Events are written: all (the default), none, or their reasons, separated by commas",
    )
    .addOption(
      new Option("--log-level <level>", "how much is logged")
        .choices(["debug", "info", "warn", "error"])
        .default("warn"),
    )
    .addOption(new Option("--log-format <format>", "how it is logged").choices(["text", "json"]).default("text"))
    .addHelpText(
      "after",
      "\nExamples:\n  driftless up\n  driftless up --kubeconfig ~/.kube/config --context kind-dev\n  driftless up --port 0 --data-dir /tmp/try",
    );
}

function metricsListener({ metricsPort, metricsAddress, host }: UpFlags): {
  listenForMetrics?: { host: string; port: number };
} {
  if (metricsPort === undefined) return {};
  const address = metricsAddress ?? process.env["ARGOCD_SERVER_METRICS_LISTEN_ADDRESS"] ?? "";
  return { listenForMetrics: { host: address === "" ? host : address, port: metricsPort } };
}

function renderingFlags({ pluginSockets, pluginCommands, renderCache }: UpFlags): RenderingFlags {
  return {
    ...(pluginSockets === undefined ? {} : { pluginSockets }),
    ...(pluginCommands === undefined ? {} : { pluginCommands }),
    ...(renderCache === undefined ? {} : { renderCache }),
  };
}

/** Runs until it is told to stop; returns the exit code. */
export async function up(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args);
  if (typeof flags === "number") return flags;
  checkGit();
  const release = openDataDir(flags.dataDir);
  const stopping = new AbortController();
  const log = createLogger({ level: flags.logLevel, format: flags.logFormat, destination: process.stderr });
  const op: Operation = { signal: stopping.signal, log };
  const stopped = untilSignal(() => stopping.abort());
  const stops: (() => Promise<void>)[] = [];
  try {
    const cluster = await connect(op, flags, stops);
    const remembered = rememberPorts(flags);
    const system = await startSystem(op, {
      control: cluster.client,
      namespace: flags.namespace,
      dataDir: flags.dataDir,
      git: { path: "git", env: gitEnvironment() },
      listen: { host: flags.host, port: flags.port },
      ...wantedTls(flags),
      uiDir: join(root, "dist", "ui"),
      version: version(),
      environment: process.env,
      rendering: renderingFlags(flags),
      ...metricsListener(flags),
      ...(flags.enableK8sEvent === undefined ? {} : { events: flags.enableK8sEvent }),
    });
    stops.push(() => system.stop());
    stops.push(await offerLocalLogin(op, flags.dataDir, system));
    const demo = flags.demo
      ? await demoFor(op, { flags, system, client: cluster.client, gitPort: remembered.gitPort })
      : undefined;
    if (demo) {
      stops.push(() => demo.stop());
      remembered.save(demo.port);
    }
    await printWelcome(op, {
      system,
      demo,
      kubeconfig: cluster.kubeconfig,
      dataDir: flags.dataDir,
      program: join(root, "bin", "driftless"),
    });
    await stopped;
    return 0;
  } finally {
    stopping.abort();
    for (const stop of stops.reverse())
      await stop().catch((thrown: unknown) => log.warn("while stopping", { error: toError(thrown).message }));
    release();
  }
}

/** The flags, or the exit code where commander has said all there is to say (help, or what was wrong). */
function parseFlags(args: readonly string[]): UpFlags | number {
  try {
    return command()
      .exitOverride()
      .parse([...args], { from: "user" })
      .opts<UpFlags>();
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
    throw thrown;
  }
}

interface ConnectedCluster {
  readonly client: KubeClient;
  /** Path of a kubeconfig for people. */
  readonly kubeconfig: string;
}

async function connect(op: Operation, flags: UpFlags, stops: (() => Promise<void>)[]): Promise<ConnectedCluster> {
  const options = {
    clock: systemClock,
    random: systemRandom,
    userAgent: `driftless/${version()}`,
    environment: process.env,
    name: "in-cluster",
  };
  if (flags.kubeconfig !== undefined) {
    const client = clientFromKubeconfig(
      { path: flags.kubeconfig },
      { ...options, ...(flags.context === undefined ? {} : { context: flags.context }) },
    );
    return { client, kubeconfig: flags.kubeconfig };
  }
  if (flags.real) {
    const { startReal } = await import("./real.ts");
    const plane = await startReal(join(flags.dataDir, "kubernetes"));
    stops.push(() => plane.stop());
    return { client: clientFromKubeconfig({ path: plane.kubeconfig }, options), kubeconfig: plane.kubeconfig };
  }
  const { startSandbox } = await import("#sandbox/sandbox.ts");
  const sandbox = await startSandbox(op, {
    dataDir: join(flags.dataDir, "sandbox"),
    clusters: [{ name: "sandbox" }],
    clock: systemClock,
    random: systemRandom,
  });
  stops.push(() => sandbox.stop());
  const text = sandbox.kubeconfig("sandbox");
  const kubeconfig = join(flags.dataDir, "kubeconfig");
  writeFileSync(kubeconfig, text, { mode: 0o600 });
  return { client: clientFromKubeconfig({ text }, options), kubeconfig };
}

async function demoFor(
  op: Operation,
  given: { flags: UpFlags; system: System; client: KubeClient; gitPort: number },
): Promise<Demo> {
  const { flags, system, client, gitPort } = given;
  return startDemo(op, {
    dataDir: flags.dataDir,
    port: gitPort,
    git: { path: "git", env: gitEnvironment() },
    examples: join(root, "examples", "demo"),
    client,
    namespace: flags.namespace,
    pushed: (url, refs) => system.pushed(url, refs),
  });
}

/** The demo's repository URL stands in its applications, so its port stays what it was. */
function rememberPorts(flags: UpFlags): { gitPort: number; save(port: number): void } {
  const file = join(flags.dataDir, "ports.json");
  const known = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as { git?: number }) : {};
  return {
    gitPort: known.git ?? flags.gitPort,
    save: (git) => writeFileSync(file, JSON.stringify({ git })),
  };
}

function version(): string {
  const { version: text } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  return text;
}

/** One Ctrl-C comes several times: from the terminal to every process of the group, and handed on by npm and the launcher. */
const sameKeyPressMs = 1_000;

/** Resolves at the first Ctrl-C or SIGTERM; a second one ends the program at once. */
function untilSignal(onFirst: () => void): Promise<void> {
  return new Promise((resolve) => {
    let askedAtMs: number | undefined;
    const ask = (): void => {
      const nowMs = systemClock.monotonic();
      if (askedAtMs === undefined) {
        askedAtMs = nowMs;
        onFirst();
        resolve();
      } else if (nowMs - askedAtMs > sameKeyPressMs) process.exit(130);
    };
    process.on("SIGINT", ask);
    process.on("SIGTERM", ask);
    process.on("SIGHUP", ask);
  });
}
