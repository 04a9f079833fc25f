// The files behind a store: a write-ahead log in segments and snapshots that replace older segments. Records of one turn
// are handed to the operating system together, at its end or by `flush`, which callers do before they acknowledge: so
// nothing acknowledged is lost when the process is killed; the disk follows within a second. Knows nothing of
// Kubernetes. The data directory's lock is the caller's.
//
// Segment N holds what happened after snapshot N was begun. Recovery reads the newest complete snapshot and every
// segment from its number on. A snapshot counts only once it has been renamed into place.
import { closeSync, fdatasync, fdatasyncSync, fstatSync, ftruncateSync, mkdirSync, openSync } from "node:fs";
import { readdirSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DriftlessError, toError } from "#base/errors.ts";
import type { Logger } from "#base/operation.ts";
import { magic, readRecords, RecordBuffer, type RecordHeader } from "./records.ts";

export interface JournalOptions {
  readonly dir: string;
  readonly log: Logger;
  /** A snapshot is due once the log is larger than this and than twice the last snapshot. */
  readonly compactAfterBytes: number;
}

export type RecoveryVisitor = (header: RecordHeader, json: string, fromSnapshot: boolean) => void;

export interface SnapshotSource {
  readonly rv: number;
  readonly count: number;
  /** The next records, in any order; undefined at the end. */
  next(): { header: RecordHeader; json: string } | undefined;
}

const segmentName = (number: number): string => `log-${String(number).padStart(8, "0")}`;
const snapshotName = (number: number): string => `snapshot-${String(number).padStart(8, "0")}`;
const sliceMs = 4;
/** More than this is not held back until the end of a turn. */
const maxPendingBytes = 1024 * 1024;

export class Journal {
  private readonly options: JournalOptions;
  private segment = 0;
  private fd = -1;
  /** Bytes of all segments since the last snapshot, and of the one that is open. */
  private logBytes = 0;
  private segmentBytes = 0;
  private snapshotBytes = 0;
  private readonly pending = new RecordBuffer();
  private flushScheduled = false;
  private compaction: Promise<void> | undefined;
  private unsynced = false;
  private syncTimer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(options: JournalOptions) {
    this.options = options;
  }

  /**
   * Reads everything back, in order, and opens the log for writing. A torn last record is cut off.
   * Errors: DATA_DIR_CORRUPT where more than the last record is damaged, DATA_DIR_UNWRITABLE.
   */
  open(visit: RecoveryVisitor): void {
    try {
      mkdirSync(this.options.dir, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw unwritable(this.options.dir, error);
    }
    const names = readdirSync(this.options.dir);
    for (const name of names) if (name.endsWith(".tmp")) rmSync(join(this.options.dir, name));
    const snapshots = numbers(names, "snapshot-");
    const base = snapshots.at(-1);
    if (base !== undefined) this.readSnapshot(base, visit);
    const segments = numbers(names, "log-").filter((number) => number >= (base ?? 0));
    segments.forEach((number, index) => this.readSegment(number, index === segments.length - 1, visit));
    this.segment = segments.at(-1) ?? base ?? 0;
    this.openSegment();
    this.removeBefore(base ?? 0);
  }

  /** Takes one record. It reaches the operating system at the end of this turn, or with `flush`. */
  append(header: RecordHeader, json: string): void {
    if (this.fd < 0) throw new DriftlessError("CANCELLED", "the store is closed");
    this.logBytes += this.pending.add(header, json);
    if (this.pending.size > maxPendingBytes) return this.flush();
    if (this.flushScheduled) return;
    this.flushScheduled = true;
    queueMicrotask(() => {
      this.flushScheduled = false;
      try {
        this.flush();
      } catch (error) {
        // The records stay, and who acknowledges next hears of it.
        this.options.log.warn("cannot write the log", { error: toError(error).message });
      }
    });
  }

  /** Hands all records to the operating system. Errors: DATA_DIR_UNWRITABLE; the records are then kept for the next time. */
  flush(): void {
    if (this.pending.size === 0) return;
    this.write(this.pending.bytes());
    this.pending.clear();
    this.syncSoon();
  }

  /** Whether enough was written that a snapshot would make the next start shorter. */
  get snapshotDue(): boolean {
    return (
      this.compaction === undefined && this.logBytes > Math.max(this.options.compactAfterBytes, 2 * this.snapshotBytes)
    );
  }

  /**
   * Starts a new segment and writes what `source` yields as its snapshot, in slices of a few milliseconds, then drops
   * what it replaces. `source` must show the state at the moment of this call.
   */
  snapshot(source: SnapshotSource): Promise<void> {
    if (this.compaction !== undefined) return this.compaction;
    this.flush();
    fdatasyncSync(this.fd);
    closeSync(this.fd);
    this.segment++;
    this.logBytes = 0;
    this.openSegment();
    const number = this.segment;
    this.compaction = this.writeSnapshot(number, source)
      .catch((error: unknown) => {
        // The segments that it would have replaced are still there: nothing is lost, the log is only longer.
        this.options.log.warn("snapshot failed", { error: toError(error).message });
      })
      .finally(() => {
        this.compaction = undefined;
      });
    return this.compaction;
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await this.compaction;
    clearTimeout(this.syncTimer);
    if (this.fd >= 0) {
      this.flush();
      fdatasyncSync(this.fd);
      closeSync(this.fd);
    }
    this.fd = -1;
  }

  private async writeSnapshot(number: number, source: SnapshotSource): Promise<void> {
    const final = join(this.options.dir, snapshotName(number));
    const fd = openSync(`${final}.tmp`, "w", 0o600);
    const records = new RecordBuffer();
    let bytes = writeSync(fd, magic);
    try {
      for (let open = true; open;) {
        const until = performance.now() + sliceMs;
        records.clear();
        while (performance.now() < until) {
          const record = source.next();
          if (record === undefined) {
            open = false;
            records.add({ op: "E", rv: source.rv, resource: "", namespace: "", name: String(source.count) }, "");
            break;
          }
          records.add(record.header, record.json);
        }
        bytes += writeAll(fd, records.bytes());
        if (open) await new Promise((resolve) => setImmediate(resolve));
      }
      await new Promise<void>((resolve, reject) => fdatasync(fd, (error) => (error ? reject(error) : resolve())));
    } finally {
      closeSync(fd);
    }
    renameSync(`${final}.tmp`, final);
    this.snapshotBytes = bytes;
    this.removeBefore(number);
  }

  private readSnapshot(number: number, visit: RecoveryVisitor): void {
    const file = join(this.options.dir, snapshotName(number));
    const buffer = readFileSync(file);
    let complete = false;
    const outcome = readRecords(buffer, (header, json) => {
      if (header.op === "E") complete = true;
      visit(header, json, true);
    });
    if (outcome.stopped !== "end" || !complete) throw corrupt(file, outcome.goodBytes);
    this.snapshotBytes = buffer.length;
  }

  private readSegment(number: number, last: boolean, visit: RecoveryVisitor): void {
    const file = join(this.options.dir, segmentName(number));
    const buffer = readFileSync(file);
    const outcome = readRecords(buffer, (header, json) => visit(header, json, false));
    this.logBytes += outcome.goodBytes;
    if (outcome.stopped === "end") return;
    if (outcome.stopped === "damaged" || !last) throw corrupt(file, outcome.goodBytes);
    this.options.log.warn("cut a torn record off the end of the log", {
      file,
      bytes: buffer.length - outcome.goodBytes,
    });
    const fd = openSync(file, "r+");
    ftruncateSync(fd, outcome.goodBytes);
    closeSync(fd);
  }

  private openSegment(): void {
    const file = join(this.options.dir, segmentName(this.segment));
    try {
      this.fd = openSync(file, "a", 0o600);
      this.segmentBytes = fstatSync(this.fd).size;
      if (this.segmentBytes === 0) this.write(magic);
    } catch (error) {
      throw unwritable(file, error);
    }
  }

  private write(bytes: Buffer): void {
    if (this.fd < 0) throw new DriftlessError("CANCELLED", "the store is closed");
    try {
      writeAll(this.fd, bytes);
      this.segmentBytes += bytes.length;
    } catch (error) {
      // A half-written record must not stand before the next one.
      ftruncateSync(this.fd, this.segmentBytes);
      throw unwritable(this.options.dir, error);
    }
  }

  private syncSoon(): void {
    this.unsynced = true;
    if (this.syncTimer !== undefined) return;
    this.syncTimer = setTimeout(() => {
      this.syncTimer = undefined;
      if (this.fd < 0 || !this.unsynced) return;
      this.unsynced = false;
      fdatasync(this.fd, () => {});
    }, 1000);
    this.syncTimer.unref();
  }

  private removeBefore(number: number): void {
    for (const name of readdirSync(this.options.dir)) {
      const match = /^(?:log|snapshot)-(\d{8})$/.exec(name);
      if (match !== null && Number(match[1]) < number) rmSync(join(this.options.dir, name));
    }
  }
}

function numbers(names: readonly string[], prefix: string): number[] {
  return names
    .filter((name) => name.startsWith(prefix) && /^\d{8}$/.test(name.slice(prefix.length)))
    .map((name) => Number(name.slice(prefix.length)))
    .sort((a, b) => a - b);
}

function writeAll(fd: number, bytes: Buffer): number {
  let written = 0;
  while (written < bytes.length) written += writeSync(fd, bytes, written);
  return written;
}

function unwritable(path: string, error: unknown): DriftlessError {
  return new DriftlessError("DATA_DIR_UNWRITABLE", `${path}: ${toError(error).message}`, { cause: error });
}

function corrupt(file: string, offset: number): DriftlessError {
  return new DriftlessError("DATA_DIR_CORRUPT", `${file} is damaged at byte ${offset}`, { details: { file } });
}
