// What was parsed, kept: in memory the least recently used dropped, on disk in one SQLite file. A disk entry that is
// damaged, or a file that is, counts as not there: nothing depends on this cache but time.
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";

/** A map that drops the least recently used beyond a total weight. */
export class WeightedCache<V> {
  private readonly entries = new Map<string, { value: V; weight: number }>();
  private readonly limit: number;
  private total = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get(key: string): V | undefined {
    const entry = this.entries.get(key);
    if (!entry) return undefined;
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry.value;
  }

  set(key: string, value: V, weight: number): void {
    const old = this.entries.get(key);
    if (old) {
      this.entries.delete(key);
      this.total -= old.weight;
    }
    if (weight > this.limit) return;
    this.entries.set(key, { value, weight });
    this.total += weight;
    for (const [first, entry] of this.entries) {
      if (this.total <= this.limit) break;
      this.entries.delete(first);
      this.total -= entry.weight;
    }
  }
}

export interface DiskCache {
  get(key: string): string | undefined;
  /** Written soon, many at once. */
  set(key: string, text: string): void;
  close(): void;
}

export interface DiskCacheOptions {
  readonly dir: string;
  /** Entries of other versions are not used. */
  readonly version: string;
  readonly maxBytes: number;
  readonly digest: (text: string) => string;
  /** Told once, when the file cannot be used. */
  problem(reason: string): void;
}

const noCache: DiskCache = { get: () => undefined, set: () => {}, close: () => {} };

/** Opens the cache; a damaged file is thrown away, also when that is found later; an unusable folder means no cache on disk. */
export function openDiskCache(options: DiskCacheOptions): DiskCache {
  const file = join(options.dir, "parsed.sqlite");
  let renewals = 0;
  let current: DiskCache = noCache;
  const renew = (): void => {
    for (const suffix of ["", "-wal", "-shm"]) rmSync(file + suffix, { force: true });
    current = new SqliteCache(file, options, broken);
  };
  const broken = (error: unknown): void => {
    current = noCache;
    try {
      if (++renewals > maxRenewals) throw error;
      options.problem(`the render cache was damaged and is begun anew: ${(error as Error).message}`);
      renew();
    } catch (thrown) {
      options.problem(`the render cache cannot be kept on disk: ${(thrown as Error).message}`);
    }
  };
  try {
    mkdirSync(options.dir, { recursive: true });
  } catch (error) {
    options.problem(`the render cache cannot be kept on disk: ${(error as Error).message}`);
    return noCache;
  }
  try {
    current = new SqliteCache(file, options, broken);
  } catch (error) {
    broken(error);
  }
  return {
    get: (key) => current.get(key),
    set: (key, text) => current.set(key, text),
    close: () => current.close(),
  };
}

/** Damage that comes again and again is the disk's: then without. */
const maxRenewals = 3;

class SqliteCache implements DiskCache {
  private database: DatabaseSync | undefined;
  private readonly options: DiskCacheOptions;
  private readonly select: StatementSync;
  private readonly insert: StatementSync;
  private readonly touch: StatementSync;
  private waiting = new Map<string, string>();
  private used = new Set<string>();
  private scheduled: NodeJS.Immediate | undefined;
  private bytes: number;
  private readonly broken: (error: unknown) => void;

  constructor(file: string, options: DiskCacheOptions, broken: (error: unknown) => void) {
    this.options = options;
    this.broken = broken;
    const database = new DatabaseSync(file);
    try {
      // A killed process loses nothing; after a power failure the checksums tell what is whole.
      database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA busy_timeout = 2000");
      database.exec(
        "CREATE TABLE IF NOT EXISTS parsed (key TEXT PRIMARY KEY, version TEXT NOT NULL, sum TEXT NOT NULL, text TEXT NOT NULL, size INTEGER NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID",
      );
      database.prepare("DELETE FROM parsed WHERE version <> ?").run(options.version);
      this.select = database.prepare("SELECT sum, text FROM parsed WHERE key = ?");
      this.insert = database.prepare("INSERT OR REPLACE INTO parsed VALUES (?, ?, ?, ?, ?, ?)");
      this.touch = database.prepare("UPDATE parsed SET used = ? WHERE key = ?");
      const sum = database.prepare("SELECT coalesce(sum(size), 0) AS total FROM parsed").get() as { total: number };
      this.bytes = sum.total;
      const newest = database.prepare("SELECT coalesce(max(used), 0) AS last FROM parsed").get() as { last: number };
      this.generation = 1 + newest.last;
    } catch (error) {
      database.close();
      throw error;
    }
    this.database = database;
  }

  /** Counts writings, over restarts too: what was not used for the longest is dropped first. */
  private generation: number;

  get(key: string): string | undefined {
    const waiting = this.waiting.get(key);
    if (waiting !== undefined) return waiting;
    if (!this.database) return undefined;
    try {
      const row = this.select.get(key) as { sum: string; text: string } | undefined;
      if (!row || row.sum !== this.options.digest(row.text)) return undefined;
      this.used.add(key);
      this.schedule();
      return row.text;
    } catch (error) {
      this.giveUp(error);
      return undefined;
    }
  }

  set(key: string, text: string): void {
    if (!this.database) return;
    this.waiting.set(key, text);
    this.schedule();
  }

  private schedule(): void {
    this.scheduled ??= setImmediate(() => {
      this.scheduled = undefined;
      this.flush();
    });
  }

  private flush(): void {
    const { database } = this;
    if (!database || (this.waiting.size === 0 && this.used.size === 0)) return;
    const { waiting, used } = this;
    this.waiting = new Map();
    this.used = new Set();
    this.generation++;
    try {
      database.exec("BEGIN");
      for (const [key, text] of waiting) {
        this.insert.run(key, this.options.version, this.options.digest(text), text, text.length, this.generation);
        this.bytes += text.length;
      }
      for (const key of used) if (!waiting.has(key)) this.touch.run(this.generation, key);
      if (this.bytes > this.options.maxBytes) this.shrink(database);
      database.exec("COMMIT");
    } catch (error) {
      try {
        database.exec("ROLLBACK");
      } catch {
        // Nothing was begun, or the file is beyond help: the next line stops its use.
      }
      this.giveUp(error);
    }
  }

  /** Down to three quarters of the limit, the longest unused first. */
  private shrink(database: DatabaseSync): void {
    const rows = database.prepare("SELECT key, size FROM parsed ORDER BY used, key").all() as {
      key: string;
      size: number;
    }[];
    const remove = database.prepare("DELETE FROM parsed WHERE key = ?");
    this.bytes = rows.reduce((sum, row) => sum + row.size, 0);
    for (const row of rows) {
      if (this.bytes <= this.options.maxBytes * 0.75) break;
      remove.run(row.key);
      this.bytes -= row.size;
    }
  }

  private giveUp(error: unknown): void {
    clearImmediate(this.scheduled);
    this.closeDatabase();
    this.broken(error);
  }

  private closeDatabase(): void {
    try {
      this.database?.close();
    } catch {
      // It is closed, or its file is gone.
    }
    this.database = undefined;
  }

  close(): void {
    clearImmediate(this.scheduled);
    this.flush();
    this.closeDatabase();
  }
}
