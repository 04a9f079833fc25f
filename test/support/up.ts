// `driftless up` as a child process, as a person runs it: on free ports, its state in a folder of its own. For tests
// and scripts; knows the program only by its command line, its output and its API. No orphan: the process ends with
// the one that started it, whatever ended that.
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createApi, type Api } from "./api.ts";

export interface UpOptions {
  /** Where its state is kept; a temporary folder that goes with stop() unless told. */
  readonly dataDir?: string;
  /** Runs against this cluster instead of a sandbox of its own. */
  readonly kubeconfig?: string;
  /** Namespace of applications and settings; argocd unless told. */
  readonly namespace?: string;
  /** Without the demo there is no Git server either. */
  readonly demo?: boolean;
  readonly logLevel?: "debug" | "info" | "warn" | "error";
  /** Further flags of `driftless up`. */
  readonly flags?: readonly string[];
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly readyWithinMs?: number;
}

export interface Up {
  /** Address of the API and the page. */
  readonly url: string;
  /** The generated password of `admin`. */
  readonly password: string;
  /** Clone URL of the demo repository; "" without the demo. */
  readonly cloneUrl: string;
  /** Path of an administrator's kubeconfig of the cluster. */
  readonly kubeconfig: string;
  readonly dataDir: string;
  readonly namespace: string;
  /** The port that `--metrics-port` opened; 0 without. */
  readonly metricsPort: number;
  readonly pid: number;
  /** From the start of the process until it said that it is ready. */
  readonly readyInMs: number;
  /** The API, logged in as admin. */
  readonly api: Api;
  /** What it wrote to standard error since the first start: its log. */
  log(): string;
  /** Ends it as a power cut would. State stays. */
  kill9(): Promise<void>;
  /** Starts it again, with the same state, after kill9() or after a stop in good order. */
  restart(): Promise<void>;
  /** SIGINT; resolves with the exit code. State stays, for restart(). */
  interrupt(): Promise<number | null>;
  /** Ends it and removes what start made. */
  stop(): Promise<void>;
}

export const repositoryRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const programFile = join(repositoryRoot, "src", "main", "driftless.ts");

const graceMs = 20_000;

/** Starts the program; returns when it has said that it is ready. Throws with its output where it ends or is late. */
export async function startUp(options: UpOptions = {}): Promise<Up> {
  const temporary = options.dataDir === undefined;
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), "driftless-up-"));
  const instance = new Instance(options, dataDir, temporary);
  try {
    await instance.restart();
    return instance;
  } catch (thrown) {
    await instance.stop();
    throw thrown;
  }
}

class Instance implements Up {
  url = "";
  password = "";
  cloneUrl = "";
  kubeconfig = "";
  metricsPort = 0;
  pid = 0;
  readyInMs = 0;
  api!: Api;
  readonly dataDir: string;
  readonly namespace: string;
  readonly #options: UpOptions;
  readonly #temporary: boolean;
  readonly #logFile: string;
  #child: ChildProcess | undefined;
  #ended: Promise<number | null> = Promise.resolve(null);

  constructor(options: UpOptions, dataDir: string, temporary: boolean) {
    this.#options = options;
    this.dataDir = dataDir;
    this.#temporary = temporary;
    this.namespace = options.namespace ?? "argocd";
    this.#logFile = `${dataDir}.log`;
  }

  async restart(): Promise<void> {
    const startedAt = performance.now();
    const log = openSync(this.#logFile, "a", 0o600);
    writeSync(log, "--- start\n");
    const child = spawn(process.execPath, [programFile, "up", ...this.#flags()], {
      cwd: repositoryRoot,
      stdio: ["ignore", "pipe", log],
      env: { ...process.env, NO_COLOR: "1", ...this.#options.env },
    });
    closeSync(log);
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.#ended = new Promise((resolve) => child.once("close", (code) => resolve(code)));
    endWithThisProcess(child);
    const welcome = await this.#untilReady(child);
    this.readyInMs = Math.round(performance.now() - startedAt);
    const read = (pattern: RegExp): string => pattern.exec(welcome)?.[1] ?? "";
    this.url = read(/^ {2}Page +(\S+)/m);
    this.password = read(/^ {2}Log in +admin +(\S+)$/m) || this.password;
    this.cloneUrl = read(/^ {2}Repository +git clone (\S+)/m);
    this.metricsPort = Number(read(/^ {2}Metrics +port (\d+)/m));
    this.kubeconfig = read(/KUBECONFIG=(\S+)/);
    this.api = createApi(this.url, { username: "admin", password: this.password });
  }

  log(): string {
    try {
      return readFileSync(this.#logFile, "utf8");
    } catch {
      return "";
    }
  }

  async kill9(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#ended;
  }

  async interrupt(): Promise<number | null> {
    this.#child?.kill("SIGINT");
    const timer = setTimeout(() => this.#child?.kill("SIGKILL"), graceMs);
    const code = await this.#ended;
    clearTimeout(timer);
    return code;
  }

  async stop(): Promise<void> {
    if (this.#child?.exitCode === null && this.#child.signalCode === null) await this.interrupt();
    if (!this.#temporary) return;
    rmSync(this.dataDir, { recursive: true, force: true, maxRetries: 5 });
    if (process.env["DRIFTLESS_TEST_LOGS"] === undefined) rmSync(this.#logFile, { force: true });
    else process.stderr.write(`log of driftless up: ${this.#logFile}\n`);
  }

  #flags(): string[] {
    const { kubeconfig, namespace, demo, flags = [] } = this.#options;
    const level = this.#options.logLevel ?? process.env["DRIFTLESS_TEST_LOGS"] ?? "warn";
    const args = ["--data-dir", this.dataDir, "--port", "0", "--git-port", "0"];
    args.push("--log-level", ["debug", "info", "error"].includes(level) ? level : "warn");
    if (kubeconfig !== undefined) args.push("--kubeconfig", kubeconfig);
    if (namespace !== undefined) args.push("--namespace", namespace);
    if (demo === false) args.push("--no-demo");
    return [...args, ...flags];
  }

  /** The welcome text, once it is complete. */
  #untilReady(child: ChildProcess): Promise<string> {
    return new Promise((resolve, reject) => {
      let output = "";
      const settle = (outcome: () => void): void => {
        clearTimeout(timer);
        outcome();
      };
      const failed = (why: string): void =>
        settle(() => reject(new Error(`driftless up ${why}\n${output}\n${this.log().slice(-4000)}`)));
      const withinMs = this.#options.readyWithinMs ?? 60_000;
      const timer = setTimeout(() => failed(`was not ready within ${withinMs} ms`), withinMs);
      child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
        output += chunk;
        if (output.includes("Ctrl-C stops")) settle(() => resolve(output));
      });
      child.once("close", (code, signal) => failed(`ended with ${signal ?? code} before it was ready`));
      child.once("error", (error) => failed(error.message));
    });
  }
}

/** A shell that waits for the end of a pipe from this process, then kills the child: it ends however this one ends. */
export function endWithThisProcess(child: ChildProcess): void {
  const watcher = spawn("/bin/sh", ["-c", `cat >/dev/null; kill -9 ${child.pid} 2>/dev/null`], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  watcher.on("error", () => {});
  watcher.stdin?.on("error", () => {});
  watcher.unref();
  (watcher.stdin as unknown as { unref?: () => void }).unref?.();
  // The child's number may be given out again: nobody is to be killed by it later.
  child.once("exit", () => {
    if (watcher.pid !== undefined) watcher.kill("SIGKILL");
  });
}
