// Renders in a store that replicas share. An index entry, named by what went into a render, lists what was read and which
// output came of it; the output is named by the hash of its bytes. Whatever does not match its hash counts as not there.
import { gunzip, gzip } from "node:zlib";
import { promisify } from "node:util";
import { toError } from "#base/errors.ts";
import { isObject } from "#base/json.ts";
import type { Operation } from "#base/operation.ts";
import type { ReadSet, RenderedObject } from "../types.ts";
import type { GuardedStore } from "./store.ts";

/** One known render, without its objects. */
export interface SharedVersion {
  readonly warnings: readonly string[];
  readonly reads: ReadSet;
  readonly used: Readonly<Record<string, unknown>>;
  /** Hash of the output's bytes. */
  readonly output: string;
}

/** Changes when an entry of one version would be misread by another. */
const format = "1";
const maxVersions = 8;
const maxStoredBytes = 8 << 20;
const maxBytes = 64 << 20;

export interface SharedRendersOptions {
  readonly store: GuardedStore;
  /** A cryptographic hash of a text, in hexadecimal. */
  readonly digest: (text: string) => string;
}

type Addition = Omit<SharedVersion, "output"> & { readonly objects: readonly RenderedObject[] };

export class SharedRenders {
  private readonly options: SharedRendersOptions;
  private readonly adding = new Map<string, Promise<void>>();

  constructor(options: SharedRendersOptions) {
    this.options = options;
  }

  /** The renders that are known of one key; none where the store has nothing, or nothing whole. */
  async versions(op: Operation, key: string): Promise<readonly SharedVersion[]> {
    const bytes = await this.options.store.get(op, indexName(key));
    const text = bytes && (await unpacked(bytes));
    if (text === undefined) return [];
    const end = text.indexOf("\n");
    if (text.slice(0, end) !== this.options.digest(text.slice(end + 1))) return [];
    const value = parsed(text.slice(end + 1));
    if (!Array.isArray(value)) return [];
    return (value as unknown[]).filter(isVersion);
  }

  /** The objects of one of them; undefined where they are not there, or not what they were. */
  async objects(op: Operation, { output }: SharedVersion): Promise<readonly RenderedObject[] | undefined> {
    const bytes = await this.options.store.get(op, outputName(output));
    const text = bytes && (await unpacked(bytes));
    if (text === undefined || this.options.digest(text) !== output) return undefined;
    const value = parsed(text);
    return Array.isArray(value) ? (value as RenderedObject[]) : undefined;
  }

  /** Adds a render to those of its key. Happens behind, one after the other for each key. */
  add(op: Operation, key: string, render: Addition): void {
    const before = this.adding.get(key) ?? Promise.resolve();
    const added = before
      .then(() => this.write(op, key, render))
      .catch((error: unknown) => op.log.debug("a render was not shared", { error: toError(error).message }))
      .finally(() => {
        if (this.adding.get(key) === added) this.adding.delete(key);
      });
    this.adding.set(key, added);
  }

  private async write(op: Operation, key: string, render: Addition): Promise<void> {
    const { objects, warnings, reads, used } = render;
    const text = JSON.stringify(objects);
    const output = this.options.digest(text);
    const packed = await pack(text);
    if (packed.length > maxStoredBytes) return;
    const known = await this.versions(op, key);
    const versions = [{ warnings, reads, used, output }, ...known].slice(0, maxVersions);
    const index = JSON.stringify(versions);
    const { store } = this.options;
    await store.put(outputName(output), packed);
    await store.put(indexName(key), await pack(`${this.options.digest(index)}\n${index}`));
  }

  /** Waits a moment for what is being written. */
  async close(): Promise<void> {
    const { store } = this.options;
    await store.moment(Promise.all(this.adding.values()));
    await store.close();
  }
}

const indexName = (key: string): string => `driftless/${format}/index/${key}`;
const outputName = (hash: string): string => `driftless/${format}/output/${hash}`;

const deflate = promisify(gzip);
const inflate = promisify(gunzip);
const pack = (text: string): Promise<Buffer> => deflate(text, { level: 1 });

async function unpacked(bytes: Uint8Array): Promise<string | undefined> {
  try {
    return (await inflate(bytes, { maxOutputLength: maxBytes })).toString("utf8");
  } catch {
    return undefined;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isVersion(value: unknown): value is SharedVersion {
  return (
    isObject(value) &&
    typeof value["output"] === "string" &&
    /^[0-9a-f]+$/.test(value["output"]) &&
    isObject(value["reads"]) &&
    isObject(value["used"]) &&
    Array.isArray(value["warnings"])
  );
}
