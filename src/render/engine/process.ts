// One engine process: started, greeted, spoken to, ended. Many requests at once; each has its own server of files.
// Knows nothing of limits in time or of other processes: that is the pool's.
import { spawn, type ChildProcess } from "node:child_process";
import { DriftlessError, toError } from "#base/errors.ts";
import {
  encodeFrame,
  FrameReader,
  protocolVersion,
  type EngineFailure,
  type FileAnswer,
  type FromEngine,
  type RequestLimits,
  type ToEngine,
} from "./frames.ts";

/** Answers the engine's questions for files of one request. */
export interface FileServer {
  open(path: string): Promise<FileAnswer>;
  list(path: string): Promise<FileAnswer>;
  tree(path: string): Promise<FileAnswer>;
  /** Where what stands beside the repository can be read; `absent`: it is not there yet. */
  remote?(what: string): Promise<FileAnswer>;
}

export interface EngineWork {
  readonly kind: string;
  readonly params: unknown;
  readonly limits?: RequestLimits;
  readonly files?: FileServer;
}

/** What the engine said of an error; the pool turns it into an error of the catalogue. */
export class EngineError extends Error {
  readonly failure: EngineFailure;

  constructor(failure: EngineFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** The process ended before it answered. */
export class EngineGone extends Error {}

interface Waiting {
  readonly work: EngineWork;
  resolve(result: Buffer): void;
  reject(error: Error): void;
}

export interface EngineProcessOptions {
  readonly program: string;
  readonly version: string;
  readonly memoryMiB: number;
}

export class EngineProcess {
  private readonly child: ChildProcess;
  private readonly waiting = new Map<number, Waiting>();
  private nextId = 1;
  private ended: EngineGone | undefined;
  private lastWords = "";
  /** Resolves when the engine has said hello; rejects with the error that speaks of its start. */
  readonly ready: Promise<Readonly<Record<string, boolean>>>;
  readonly exited: Promise<void>;

  constructor(options: EngineProcessOptions) {
    this.child = spawn(options.program, ["--memory-mib", String(options.memoryMiB)], {
      stdio: ["pipe", "pipe", "pipe"],
      env: {},
      cwd: "/",
    });
    const { promise, resolve, reject } = Promise.withResolvers<Readonly<Record<string, boolean>>>();
    this.ready = promise;
    promise.catch(() => {}); // whoever asks is told; nobody has to ask
    const reader = new FrameReader((message, body) => {
      if (message.t === "hello") this.greet(message, options, resolve, reject);
      else this.receive(message, body);
    });
    this.child.stdout?.on("data", (chunk: Buffer) => {
      try {
        reader.push(chunk);
      } catch (error) {
        this.kill();
        reject(toError(error));
      }
    });
    this.child.stderr?.on(
      "data",
      (chunk: Buffer) => (this.lastWords = (this.lastWords + String(chunk)).slice(0, 4000)),
    );
    this.child.stdin?.on("error", () => {}); // its end is told by `close`
    const { promise: exited, resolve: exit } = Promise.withResolvers<void>();
    this.exited = exited;
    const end = (why: string): void => {
      this.ended ??= new EngineGone(why);
      reject(this.ended);
      for (const one of this.waiting.values()) one.reject(this.ended);
      this.waiting.clear();
      exit();
    };
    this.child.once("error", (error) => end(error.message));
    this.child.once("close", (code, signal) => end(this.obituary(code, signal)));
  }

  get alive(): boolean {
    return this.ended === undefined;
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Whether it ended because it asked for more memory than it may have. */
  get outOfMemory(): boolean {
    // The Go runtime may also fault where memory that it counted on was not given; faults of code are caught before.
    return /out of memory|cannot allocate memory|^SIGSEGV: segmentation violation/.test(this.lastWords);
  }

  private obituary(code: number | null, signal: NodeJS.Signals | null): string {
    const words = this.lastWords.split("\n")[0] ?? "";
    return `the engine ended (${signal ?? `exit code ${code}`})${words === "" ? "" : `: ${words}`}`;
  }

  private greet(
    hello: Extract<FromEngine, { t: "hello" }>,
    options: EngineProcessOptions,
    resolve: (locks: Readonly<Record<string, boolean>>) => void,
    reject: (error: Error) => void,
  ): void {
    if (hello.protocol === protocolVersion && hello.engine === options.version) return resolve(hello.locks ?? {});
    reject(
      new DriftlessError(
        "ENGINE_MISSING",
        `${options.program} is an engine of another version (${hello.engine}, protocol ${hello.protocol})`,
      ),
    );
    this.kill();
  }

  /** Runs one piece of work. Rejects with EngineError, EngineGone, or CANCELLED when the signal fires. */
  run(work: EngineWork, signal: AbortSignal): Promise<Buffer> {
    if (this.ended) return Promise.reject(this.ended);
    const id = this.nextId++;
    return new Promise<Buffer>((resolve, reject) => {
      const abort = (): void => {
        if (!this.waiting.delete(id)) return;
        this.send({ t: "cancel", id });
        reject(new DriftlessError("CANCELLED", "the caller gave up"));
      };
      const done =
        <T>(then: (value: T) => void) =>
        (value: T): void => {
          signal.removeEventListener("abort", abort);
          then(value);
        };
      this.waiting.set(id, { work, resolve: done(resolve), reject: done(reject) });
      if (signal.aborted) return abort();
      signal.addEventListener("abort", abort, { once: true });
      this.send({
        t: "request",
        id,
        kind: work.kind,
        params: work.params,
        ...(work.limits ? { limits: work.limits } : {}),
      });
    });
  }

  private receive(message: Exclude<FromEngine, { t: "hello" }>, body: Buffer): void {
    const found = this.waiting.get(message.id);
    if (!found) return; // cancelled meanwhile
    if (message.t === "ask") return void this.serve(found.work, message);
    this.waiting.delete(message.id);
    if (message.t === "result") found.resolve(body);
    else found.reject(new EngineError(message.error));
  }

  private async serve(work: EngineWork, ask: Extract<FromEngine, { t: "ask" }>): Promise<void> {
    let answer: FileAnswer;
    try {
      answer = work.files?.[ask.ask]
        ? ((await work.files[ask.ask]?.(ask.path ?? "")) as FileAnswer)
        : { found: "failed", message: "this request has no files" };
    } catch (error) {
      answer = { found: "failed", message: toError(error).message };
    }
    const { body, ...header } = answer;
    this.send({ t: "file", id: ask.id, call: ask.call, ...header }, body);
  }

  private send(message: ToEngine, body: readonly Uint8Array[] = []): void {
    const { stdin } = this.child;
    if (!stdin || this.ended) return;
    stdin.cork();
    for (const part of encodeFrame(message, body)) stdin.write(part);
    stdin.uncork();
  }

  kill(): void {
    this.ended ??= new EngineGone("the engine was ended");
    this.child.kill("SIGKILL");
  }
}
