// What the engine rendered, kept under exactly what it was rendered from: the engine's version, the normalised request,
// and the objects in Git that it read. A new commit costs a look-up of object ids; equal inputs of two applications share.
import { DriftlessError } from "#base/errors.ts";
import { isObject, stableStringify } from "#base/json.ts";
import type { Operation } from "#base/operation.ts";
import { isMounted } from "#git/mounts.ts";
import type { GitRepository } from "#git/types.ts";
import { WeightedCache, type DiskCache } from "./cache.ts";
import type { SharedRenders } from "./shared/renders.ts";
import type { ReadSet, RenderedObject } from "./types.ts";

export interface Remembered {
  readonly objects: readonly RenderedObject[];
  readonly warnings: readonly string[];
  readonly reads: ReadSet;
  /** Capabilities that the render asked for, with what they were. */
  readonly used: Readonly<Record<string, unknown>>;
}

/** The commit that is rendered, and what its cluster is. */
interface Place {
  readonly repository: GitRepository;
  readonly sha: string;
  readonly capabilities: Readonly<Record<string, unknown>>;
}

/** Several versions of one request are kept: going back to an older commit renders nothing. */
const maxVersions = 4;

export class RememberedRenders {
  private readonly memory: WeightedCache<readonly Remembered[]>;
  private readonly disk: DiskCache | undefined;
  /** The commit at which a render was last seen to hold: asked again for the same commit, nothing is looked up. */
  private readonly seenAt = new WeakMap<Remembered, string>();
  hits = { memory: 0, disk: 0, shared: 0 };
  private readonly shared: SharedRenders | undefined;
  /** What is written behind goes on when the render that it is of has ended. */
  private readonly life = new AbortController();

  constructor(maxObjects: number, disk: DiskCache | undefined, shared?: SharedRenders) {
    this.memory = new WeightedCache(maxObjects);
    this.disk = disk;
    this.shared = shared;
  }

  /** The render whose every read is the same in this commit, if one is known. */
  async find(op: Operation, at: Place, key: string): Promise<Remembered | undefined> {
    const inMemory = this.memory.get(key);
    for (const one of inMemory ?? []) {
      if (!(await this.holds(op, at, one))) continue;
      this.hits.memory++;
      return one;
    }
    if (!inMemory) {
      const stored = this.stored(key);
      if (stored.length > 0) this.remember(key, stored);
      for (const one of stored) {
        if (!(await this.holds(op, at, one))) continue;
        this.hits.disk++;
        return one;
      }
    }
    return this.findShared(op, at, key);
  }

  /** One that another replica rendered; then it is kept here too. */
  private async findShared(op: Operation, at: Place, key: string): Promise<Remembered | undefined> {
    const { shared } = this;
    if (!shared) return undefined;
    for (const version of await shared.versions(op, key)) {
      const { warnings, reads, used } = version;
      const render = { objects: [], warnings, reads, used };
      if (!(await this.holds(op, at, render).catch(() => false))) continue;
      const objects = await shared.objects(op, version);
      if (!objects) continue;
      this.hits.shared++;
      const found: Remembered = { ...render, objects };
      this.keepHere(key, found);
      return found;
    }
    return undefined;
  }

  private async holds(op: Operation, at: Place, render: Remembered): Promise<boolean> {
    for (const [name, value] of Object.entries(render.used)) {
      if (JSON.stringify(at.capabilities[name] ?? null) !== JSON.stringify(value)) return false;
    }
    const place = `${at.repository.url} ${at.sha} ${at.repository.view ?? ""}`;
    if (this.seenAt.get(render) === place) return true;
    if (!(await sameReads(op, at, render.reads))) return false;
    // What stands beside the repository moves without it.
    const { files, directories, absent } = render.reads;
    const beside = [...files, ...directories].some(({ path }) => isMounted(path)) || absent.some(isMounted);
    if (!beside) this.seenAt.set(render, place);
    return true;
  }

  keep(op: Operation, key: string, render: Remembered): void {
    this.keepHere(key, render);
    this.shared?.add({ ...op, signal: this.life.signal }, key, render);
  }

  private keepHere(key: string, render: Remembered): void {
    const older = this.memory.get(key) ?? this.stored(key);
    const inputs = stableStringify([render.reads, render.used]);
    const others = older.filter(({ reads, used }) => stableStringify([reads, used]) !== inputs);
    const versions = [render, ...others].slice(0, maxVersions);
    this.remember(key, versions);
    this.disk?.set(`render ${key}`, JSON.stringify(versions));
  }

  async close(): Promise<void> {
    await this.shared?.close();
    this.life.abort();
  }

  private remember(key: string, versions: readonly Remembered[]): void {
    this.memory.set(
      key,
      versions,
      versions.reduce((sum, { objects }) => sum + 1 + objects.length, 0),
    );
  }

  private stored(key: string): readonly Remembered[] {
    const text = this.disk?.get(`render ${key}`);
    if (text === undefined) return [];
    const value: unknown = JSON.parse(text);
    if (!Array.isArray(value)) return [];
    return value.filter((one) => isObject(one) && Array.isArray(one["objects"]) && isObject(one["reads"])) as never;
  }
}

/** Whether a commit holds exactly what was read. */
async function sameReads(op: Operation, at: Place, reads: ReadSet): Promise<boolean> {
  const { files, directories, absent } = reads;
  try {
    for (const { path, oid } of [...directories, ...files]) {
      if ((await at.repository.entry(op, at.sha, path))?.oid !== oid) return false;
    }
    for (const path of absent) {
      if ((await at.repository.entry(op, at.sha, path)) !== undefined) return false;
    }
  } catch (error) {
    // Another project may read it, this one not: rendering says so, with the place.
    if (error instanceof DriftlessError && error.code === "PROJECT_FORBIDS") return false;
    throw error;
  }
  return true;
}
