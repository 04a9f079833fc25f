// A terminal between a page and a process: the page's frames are Argo CD's, JSON with `operation`. Tries the shells in
// turn, holds back whoever is too fast, asks again and again whether the person still may. Knows no HTTP.
// Source: Argo CD's server/application/websocket.go.
import type { RawData, WebSocket } from "ws";
import { DriftlessError, toError } from "#base/errors.ts";
import { isObject } from "#base/json.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import type { ExecHandlers, ExecSession } from "#kube/types.ts";

export interface TerminalDeps {
  readonly clock: Clock;
  readonly shells: readonly string[];
  start(op: Op, shell: string, handlers: ExecHandlers): Promise<ExecSession>;
  /** Throws where the person may no longer do this: PERMISSION_DENIED, or UNAUTHENTICATED where the session ended. */
  stillAllowed(): Promise<void>;
}

const pingMs = 5_000;
const checkMs = 5_000;
const manyBytes = 1024 * 1024;
const endOfTransmission = new TextEncoder().encode("\u0004");
/** Tells the page to connect again: its session is not what it was. */
const reconnectCode = 1;

/** Runs until either side ends. Never throws: what goes wrong is written to the page. */
export async function runTerminal(op: Op, page: WebSocket, deps: TerminalDeps): Promise<void> {
  const ended = new AbortController();
  const life: Op = { ...op, signal: AbortSignal.any([op.signal, ended.signal]) };
  const terminal = new Terminal(page, deps);
  page.on("message", (data) => terminal.said(data));
  page.on("error", () => page.terminate());
  const gone = new Promise<void>((resolve) => page.once("close", () => resolve()));
  const stopped = new Promise<void>((resolve) =>
    life.signal.addEventListener("abort", () => resolve(), { once: true }),
  );
  const stopTimers = [
    every(deps.clock, pingMs, () => page.ping()),
    every(deps.clock, checkMs, () => void terminal.check()),
  ];
  try {
    await Promise.race([terminal.run(life), gone, stopped]);
  } catch (thrown) {
    terminal.print(`\r\n${toError(thrown).message}\r\n`);
  } finally {
    for (const stop of stopTimers) stop();
    terminal.leave();
    ended.abort();
    page.close();
  }
}

class Terminal {
  readonly #page: WebSocket;
  readonly #deps: TerminalDeps;
  readonly #text = new TextDecoder();
  #session: ExecSession | undefined;
  #size: readonly [columns: number, rows: number] | undefined;
  #typed = false;

  constructor(page: WebSocket, deps: TerminalDeps) {
    this.#page = page;
    this.#deps = deps;
  }

  /** The first shell that there is, until it ends. */
  async run(op: Op): Promise<void> {
    let missing: DriftlessError | undefined;
    for (const shell of this.#deps.shells) {
      missing = await this.#runShell(op, shell);
      if (!missing) return;
    }
    throw missing ?? new DriftlessError("FAILED_PRECONDITION", "no shell is allowed: see exec.shells in argocd-cm");
  }

  /** Why the shell is not there; undefined once one that is there has ended. */
  async #runShell(op: Op, shell: string): Promise<DriftlessError | undefined> {
    return new Promise((resolve, reject) => {
      const handlers: ExecHandlers = {
        onOutput: (bytes) => this.#output(bytes),
        onEnd: (error) => {
          this.#session = undefined;
          if (error && !this.#typed && isMissing(error)) resolve(error);
          else if (error && error.details["exitCode"] === undefined) reject(error);
          else resolve(undefined);
        },
      };
      this.#deps.start(op, shell, handlers).then((session) => {
        this.#session = session;
        if (this.#size) session.resize(...this.#size);
      }, reject);
    });
  }

  /** What the page sent. Frames that make no sense end the terminal. */
  said(data: RawData): void {
    const frame = frameOf(data);
    if (frame?.["operation"] === "stdin" && typeof frame["data"] === "string") {
      this.#typed = true;
      this.#session?.write(new TextEncoder().encode(frame["data"]));
      if ((this.#session?.waitingBytes ?? 0) > manyBytes) this.#page.close(1009, "too much input");
    } else if (frame?.["operation"] === "resize" && isSize(frame["cols"]) && isSize(frame["rows"])) {
      this.#size = [frame["cols"], frame["rows"]];
      this.#session?.resize(...this.#size);
    } else this.#page.close(1007, "not a terminal's frame");
  }

  print(text: string): void {
    this.#send({ operation: "stdout", data: text, rows: 0, cols: 0 });
  }

  /** Ends the terminal of whoever may no longer have it. */
  async check(): Promise<void> {
    try {
      await this.#deps.stillAllowed();
    } catch (thrown) {
      const renewed = toError(thrown).code === "UNAUTHENTICATED";
      this.print(renewed ? "\r\nThe session has ended: log in again.\r\n" : "\r\nPermission denied\r\n");
      if (renewed) this.#send({ Code: reconnectCode });
      this.#page.close(1008, "not allowed");
    }
  }

  /** Nobody is there any more: the shell is told so. */
  leave(): void {
    this.#session?.write(endOfTransmission);
    this.#session?.close();
    this.#session = undefined;
  }

  #output(bytes: Uint8Array): void {
    this.print(this.#text.decode(bytes, { stream: true }));
    if (this.#page.bufferedAmount > manyBytes) this.#session?.pause();
  }

  #send(frame: object): void {
    if (this.#page.readyState !== this.#page.OPEN) return;
    this.#page.send(JSON.stringify(frame), () => {
      if (this.#page.bufferedAmount <= manyBytes) this.#session?.resume();
    });
  }
}

/** Runtimes say that a program is not there by refusing, or by a shell's own exit codes. */
function isMissing({ details }: DriftlessError): boolean {
  const { exitCode, reason } = details;
  return exitCode === 126 || exitCode === 127 || (exitCode === undefined && reason === "InternalError");
}

function frameOf(data: RawData): Record<string, unknown> | undefined {
  try {
    const frame: unknown = JSON.parse((data as Buffer).toString("utf8"));
    return isObject(frame) ? { ...frame } : undefined;
  } catch {
    return undefined;
  }
}

function isSize(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 65_536;
}

function every(clock: Clock, ms: number, work: () => void): () => void {
  let cancel = (): void => {};
  const next = (): void => {
    cancel = clock.after(ms, () => {
      work();
      next();
    });
  };
  next();
  return () => cancel();
}
