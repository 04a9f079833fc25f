// What was fetched, kept on disk: contents by their SHA-256, and small notes (which version is which content, when an index
// was fetched) by name. Bounded; the longest unused contents go first. A file is written whole or not at all, and what is
// damaged counts as not there: nothing depends on this cache but time and the network.
import { createHash, randomUUID, webcrypto } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DriftlessError } from "#base/errors.ts";
import type { Clock } from "#base/ports.ts";

export interface StoreOptions {
  readonly dir: string;
  /** Of all contents together. */
  readonly maxBytes: number;
  readonly clock: Clock;
}

/** `sha256:…` of bytes; of many, on another thread. */
export async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const sum =
    bytes.length < 1 << 20
      ? createHash("sha256").update(bytes).digest("hex")
      : Buffer.from(await webcrypto.subtle.digest("SHA-256", bytes)).toString("hex");
  return `sha256:${sum}`;
}

const digestPattern = /^sha256:[0-9a-f]{64}$/;

export class ContentStore {
  private readonly options: StoreOptions;
  private ready: Promise<void> | undefined;
  private bytes: number | undefined;
  private shrinking: Promise<void> = Promise.resolve();

  constructor(options: StoreOptions) {
    this.options = options;
  }

  /** The bytes of a content, checked; undefined where it is not there (any more). */
  async content(digest: string): Promise<Buffer<ArrayBuffer> | undefined> {
    if (!digestPattern.test(digest)) return undefined;
    const file = this.contentFile(digest);
    try {
      const bytes = await readFile(file);
      if ((await digestOf(bytes)) !== digest) {
        await rm(file, { force: true });
        return undefined;
      }
      await this.touch(file);
      return bytes;
    } catch {
      return undefined;
    }
  }

  /** Whether a content is there, unread: what is damaged shows when it is read. */
  async has(digest: string): Promise<boolean> {
    return digestPattern.test(digest) && (await this.touch(this.contentFile(digest)));
  }

  /** Notes that a file is used; false where it is not there. */
  private async touch(file: string): Promise<boolean> {
    const now = this.options.clock.now() / 1000;
    return utimes(file, now, now).then(
      () => true,
      () => false,
    );
  }

  /** Part of a content that was checked before, without reading the rest. */
  async slice(digest: string, start: number, end: number): Promise<Buffer | undefined> {
    try {
      await this.touch(this.contentFile(digest));
      const handle = await open(this.contentFile(digest), "r");
      try {
        const bytes = Buffer.alloc(end - start);
        const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
        return bytesRead === bytes.length ? bytes : undefined;
      } finally {
        await handle.close();
      }
    } catch {
      return undefined;
    }
  }

  /** Takes bytes and their digest; where it is not known yet, it is found. */
  async keep(bytes: Uint8Array<ArrayBuffer>, known?: string): Promise<string> {
    await this.prepare();
    const digest = known ?? (await digestOf(bytes));
    const file = this.contentFile(digest);
    const there = await stat(file).catch(() => undefined);
    if (there?.size === bytes.length) return digest;
    await this.write(file, bytes);
    if (this.bytes !== undefined) this.bytes += bytes.length;
    this.shrinking = this.shrinking.then(() => this.shrink(digest)).catch(() => {});
    await this.shrinking;
    return digest;
  }

  /** A note, or undefined. Its shape is the caller's to check: it may be of another version. */
  async note(name: string): Promise<unknown> {
    try {
      return JSON.parse(await readFile(this.noteFile(name), "utf8")) as unknown;
    } catch {
      return undefined;
    }
  }

  async setNote(name: string, value: unknown): Promise<void> {
    await this.prepare();
    await this.write(this.noteFile(name), Buffer.from(JSON.stringify(value)));
  }

  private contentFile(digest: string): string {
    return join(this.options.dir, "contents", digest.slice(7));
  }

  private noteFile(name: string): string {
    return join(this.options.dir, "notes", createHash("sha256").update(name).digest("hex"));
  }

  private prepare(): Promise<void> {
    this.ready ??= (async () => {
      try {
        await rm(join(this.options.dir, "tmp"), { recursive: true, force: true }); // what a killed process left
        for (const name of ["tmp", "contents", "notes"])
          await mkdir(join(this.options.dir, name), { recursive: true, mode: 0o700 });
      } catch (error) {
        this.ready = undefined;
        throw new DriftlessError(
          "DATA_DIR_UNWRITABLE",
          `the folder of fetched charts cannot be written: ${(error as Error).message}`,
          { cause: error },
        );
      }
    })();
    return this.ready;
  }

  private async write(file: string, bytes: Uint8Array): Promise<void> {
    const temporary = join(this.options.dir, "tmp", randomUUID());
    try {
      await writeFile(temporary, bytes, { mode: 0o600 });
      await rename(temporary, file);
    } catch (error) {
      await rm(temporary, { force: true });
      throw new DriftlessError(
        "DATA_DIR_UNWRITABLE",
        `the folder of fetched charts cannot be written: ${(error as Error).message}`,
        { cause: error },
      );
    }
  }

  /** Down to three quarters of the limit once it is passed; what was just kept stays. */
  private async shrink(newest: string): Promise<void> {
    const folder = join(this.options.dir, "contents");
    if (this.bytes !== undefined && this.bytes <= this.options.maxBytes) return;
    const files = await Promise.all(
      (await readdir(folder)).map(async (name) => {
        const found = await stat(join(folder, name)).catch(() => undefined);
        return { name, size: found?.size ?? 0, used: found?.mtimeMs ?? 0 };
      }),
    );
    this.bytes = files.reduce((sum, { size }) => sum + size, 0);
    if (this.bytes <= this.options.maxBytes) return;
    for (const { name, size } of files.sort((a, b) => a.used - b.used)) {
      if (this.bytes <= this.options.maxBytes * 0.75) break;
      if (`sha256:${name}` === newest) continue;
      await rm(join(folder, name), { force: true });
      this.bytes -= size;
    }
  }
}
