// Reads objects through one long-lived `git cat-file --batch`: requests are pipelined, the process starts with the first
// one, is restarted when it dies, and ends when it was idle. Knows object ids and bytes, not what is in them.
import { spawn, type ChildProcessByStdio } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { DriftlessError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import { gitMissing, killGroup, type GitProgram } from "./process.ts";

export interface GitObject {
  readonly oid: string;
  readonly type: "blob" | "tree" | "commit" | "tag";
  readonly bytes: Buffer;
}

interface Waiting {
  readonly name: string;
  readonly maxBytes: number;
  resolve(object: GitObject | undefined): void;
  reject(error: DriftlessError): void;
}

export interface ObjectReader {
  /** Takes an object id or any revision expression; undefined where there is none. Errors: TOO_LARGE, CANCELLED. */
  read(op: Operation, name: string, maxBytes?: number): Promise<GitObject | undefined>;
  close(): void;
}

const newline = 10;

export function createObjectReader(options: {
  readonly program: GitProgram;
  readonly gitDir: string;
  readonly clock: Clock;
  readonly idleMs: number;
}): ObjectReader {
  return new CatFile(options);
}

class CatFile implements ObjectReader {
  private readonly options: { program: GitProgram; gitDir: string; clock: Clock; idleMs: number };
  private child: ChildProcessByStdio<Writable, Readable, Readable> | undefined;
  private queue: Waiting[] = [];
  /** Bytes not yet consumed, and the object being read, if its header is. */
  private chunks: Buffer[] = [];
  private buffered = 0;
  private header: { oid: string; type: GitObject["type"]; size: number } | undefined;
  private stopIdle: (() => void) | undefined;
  private outgoing = "";
  private closed = false;

  constructor(options: { program: GitProgram; gitDir: string; clock: Clock; idleMs: number }) {
    this.options = options;
  }

  read(op: Operation, name: string, maxBytes = Number.POSITIVE_INFINITY): Promise<GitObject | undefined> {
    if (this.closed) return Promise.reject(new DriftlessError("CANCELLED", "the repository is closed"));
    if (op.signal.aborted) return Promise.reject(new DriftlessError("CANCELLED", "the caller gave up"));
    if (name === "" || /[\n\r\0]/.test(name)) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(new DriftlessError("CANCELLED", "the caller gave up"));
      op.signal.addEventListener("abort", onAbort, { once: true });
      const done = (): void => op.signal.removeEventListener("abort", onAbort);
      this.queue.push({
        name,
        maxBytes,
        resolve: (object) => (done(), resolve(object)),
        reject: (error) => (done(), reject(error)),
      });
      this.send(name);
    });
  }

  close(): void {
    this.closed = true;
    this.end(new DriftlessError("CANCELLED", "the repository is closed"));
  }

  /** Requests of one tick go out in one write. */
  private send(name: string): void {
    this.stopIdle?.();
    this.stopIdle = undefined;
    const child = this.ensure();
    if (this.outgoing === "") {
      queueMicrotask(() => {
        const text = this.outgoing;
        this.outgoing = "";
        if (this.child === child) child.stdin.write(text);
      });
    }
    this.outgoing += `${name}\n`;
  }

  private ensure(): ChildProcessByStdio<Writable, Readable, Readable> {
    if (this.child) return this.child;
    const { program, gitDir } = this.options;
    const child = spawn(program.path, ["--git-dir", gitDir, "cat-file", "--batch"], {
      env: program.env,
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    });
    this.child = child;
    let complaint = "";
    child.stdin.on("error", () => {});
    child.stderr.on("data", (chunk: Buffer) => (complaint = (complaint + chunk.toString("utf8")).slice(-2000)));
    child.stdout.on("data", (chunk: Buffer) => {
      if (this.child === child) this.consume(chunk);
    });
    child.on("error", (error: NodeJS.ErrnoException) => {
      if (this.child === child)
        this.end(
          error.code === "ENOENT" ? gitMissing(error) : new DriftlessError("INTERNAL", error.message, { cause: error }),
        );
    });
    child.on("close", () => {
      if (this.child === child)
        this.end(
          new DriftlessError(
            "REPOSITORY_UNREACHABLE",
            `the mirror could not be read: ${complaint.trim() || "git cat-file ended"}`,
          ),
        );
    });
    return child;
  }

  private end(error: DriftlessError): void {
    const child = this.child;
    const queue = this.queue;
    this.child = undefined;
    this.queue = [];
    this.chunks = [];
    this.buffered = 0;
    this.header = undefined;
    this.outgoing = "";
    this.stopIdle?.();
    this.stopIdle = undefined;
    if (child) killGroup(child);
    for (const waiting of queue) waiting.reject(error);
  }

  private consume(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.buffered += chunk.length;
    for (;;) {
      if (!this.header && !this.readHeader()) break;
      const { header } = this;
      if (!header) continue; // it was a "missing" line
      if (this.buffered < header.size + 1) break;
      const all = this.join();
      const bytes = all.subarray(0, header.size);
      this.rest(all, header.size + 1);
      this.header = undefined;
      // A small object must not hold the whole chunk that it came in.
      this.queue.shift()?.resolve({
        oid: header.oid,
        type: header.type,
        bytes: bytes.length * 4 < all.length ? Buffer.from(bytes) : bytes,
      });
    }
    if (this.queue.length === 0) this.idle();
  }

  /** True where a whole line was there; sets `header` unless the object is missing. */
  private readHeader(): boolean {
    if (this.buffered === 0) return false;
    const all = this.join();
    const end = all.indexOf(newline);
    if (end < 0) return false;
    const line = all.toString("utf8", 0, end);
    this.rest(all, end + 1);
    const match = /^([0-9a-f]{40,64}) (blob|tree|commit|tag) (\d+)$/.exec(line);
    if (!match) {
      this.queue.shift()?.resolve(undefined); // "NAME missing" or "NAME ambiguous"
      return true;
    }
    const size = Number(match[3]);
    const waiting = this.queue[0];
    if (waiting && size > waiting.maxBytes) {
      this.queue.shift();
      waiting.reject(
        new DriftlessError(
          "TOO_LARGE",
          `the object ${match[1] ?? ""} has ${size} bytes, more than ${waiting.maxBytes}`,
        ),
      );
      this.restart();
      return false;
    }
    this.header = { oid: match[1] ?? "", type: match[2] as GitObject["type"], size };
    return true;
  }

  /** Instead of reading what nobody wants: a new process, which gets the requests that are still open. */
  private restart(): void {
    const queue = this.queue;
    this.queue = [];
    this.end(new DriftlessError("CANCELLED", "restarted"));
    this.queue = queue;
    for (const waiting of queue) this.send(waiting.name);
  }

  private join(): Buffer {
    if (this.chunks.length === 1) return this.chunks[0] as Buffer;
    const all = Buffer.concat(this.chunks);
    this.chunks = [all];
    return all;
  }

  private rest(all: Buffer, from: number): void {
    this.chunks = from < all.length ? [all.subarray(from)] : [];
    this.buffered = all.length - from;
  }

  private idle(): void {
    this.stopIdle?.();
    this.stopIdle = this.options.clock.after(this.options.idleMs, () => {
      if (this.queue.length === 0) this.end(new DriftlessError("CANCELLED", "idle"));
    });
  }
}
