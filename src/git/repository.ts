// A repository as the rest of the program sees it, and the set of them: one per normalised URL, mirrors below one folder.
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { DriftlessError } from "#base/errors.ts";
import { sameJson } from "#base/json.ts";
import type { Operation } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import { AbsentFiles } from "./absent-files.ts";
import { createObjectReader, type GitObject, type ObjectReader } from "./cat-file.ts";
import { LfsContents, parsePointer } from "./lfs.ts";
import { isDamaged, Mirror } from "./mirror.ts";
import { ObjectStore, pathSteps } from "./objects.ts";
import { baseEnvironment, type GitProgram } from "./process.ts";
import { findRef, isFullSha, isShortSha } from "./refs.ts";
import { createShared } from "./shared.ts";
import type {
  CommitMetadata,
  GitRepositories,
  GitRepository,
  RefreshOptions,
  RepositoryAccess,
  RepositoryChange,
  ResolvedRevision,
  TreeEntry,
  TreeItem,
  GitServers,
} from "./types.ts";
import { checkUrl, normalizeUrl, splitCredentials } from "./urls.ts";

export interface GitOptions {
  /** Folder of the mirrors; made where it is missing. Only one process may use it. */
  readonly dir: string;
  readonly clock: Clock;
  /** The executable; default `git`, found over PATH. */
  readonly git?: string;
  /** What git inherits: PATH, proxy variables, SSL_CERT_FILE. Nothing else of this process's environment reaches it. */
  readonly env?: Readonly<Record<string, string>>;
  /** Limit of one question to a server; default 90 s, as Argo CD's `reposerver` has it. */
  readonly timeoutMs?: number;
  /** Limit of one fetch; default 10 minutes. */
  readonly fetchTimeoutMs?: number;
  /** What one fetch may bring; default 2 GiB. */
  readonly maxFetchBytes?: number;
  /** How long a reading process is kept without work; default 60 s. */
  readonly idleMs?: number;
  /** Memory for parsed trees, per repository; default 32 MiB. */
  readonly treeCacheBytes?: number;
}

/** Makes the set of repositories. Touches nothing before the first use of one. */
export function createGitRepositories(options: GitOptions): GitRepositories & GitServers {
  const home = join(options.dir, "home");
  const temporary = join(options.dir, "tmp");
  const program: GitProgram = { path: options.git ?? "git", env: baseEnvironment(options.env ?? {}, home) };
  const open = new Map<string, Repository>();
  let ready: Promise<void> | undefined;
  const prepare = (): Promise<void> => {
    ready ??= (async () => {
      try {
        await rm(temporary, { recursive: true, force: true }); // keys that a killed process left
        await mkdir(home, { recursive: true, mode: 0o700 });
        await mkdir(temporary, { recursive: true, mode: 0o700 });
      } catch (error) {
        ready = undefined;
        throw new DriftlessError(
          "DATA_DIR_UNWRITABLE",
          `the folder of the Git mirrors cannot be written: ${(error as Error).message}`,
          { cause: error },
        );
      }
    })();
    return ready;
  };
  return {
    open(access) {
      checkUrl(access.url);
      // Unlike comparing, a mirror's identity keeps the case of the path: two repositories may differ in it.
      const { url } = splitCredentials(access.url);
      const name = `${normalizeUrl(url)}\n${/^(?:file:|\/)/.test(url) ? url : ""}`;
      const known = open.get(name);
      if (known) {
        // The same access keeps its connections, and what is known of the server.
        if (!sameJson(known.access, access)) known.access = access;
        return known;
      }
      const gitDir = join(options.dir, "mirrors", createHash("sha256").update(name).digest("hex").slice(0, 32));
      const repository = new Repository(access, { program, gitDir, temporary, prepare, options });
      open.set(name, repository);
      return repository;
    },
    async ask(op, access) {
      checkUrl(access.url);
      await prepare();
      const gitDir = await mkdtemp(join(temporary, "ask-"));
      const mirror = mirrorOf(() => access, { program, gitDir, temporary, options });
      try {
        await mirror.recreate(op);
        return namesOf((await mirror.listRefs(op)).refs.keys());
      } finally {
        await mirror.close();
        await rm(gitDir, { recursive: true, force: true });
      }
    },
    async close() {
      await Promise.all([...open.values()].map((repository) => repository.close()));
      open.clear();
    },
  };
}

/** Short names of branches and tags, sorted. */
function namesOf(refs: Iterable<string>): { branches: readonly string[]; tags: readonly string[] } {
  const names = [...refs];
  const below = (prefix: string): string[] =>
    names
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length))
      .sort();
  return { branches: below("refs/heads/"), tags: below("refs/tags/") };
}

function mirrorOf(
  access: () => RepositoryAccess,
  { program, gitDir, temporary, options }: Omit<Surroundings, "prepare">,
): Mirror {
  return new Mirror({
    program,
    gitDir,
    temporary,
    timeoutMs: options.timeoutMs ?? 90_000,
    fetchTimeoutMs: options.fetchTimeoutMs ?? Math.max(options.timeoutMs ?? 0, 600_000),
    maxFetchBytes: options.maxFetchBytes ?? 2 * 2 ** 30,
    access,
  });
}

interface Surroundings {
  readonly program: GitProgram;
  readonly gitDir: string;
  readonly temporary: string;
  readonly prepare: () => Promise<void>;
  readonly options: GitOptions;
}

class Repository implements GitRepository {
  access: RepositoryAccess;
  readonly url: string;
  private readonly mirror: Mirror;
  private readonly reader: ObjectReader;
  private readonly store: ObjectStore;
  private readonly listeners = new Set<(change: RepositoryChange) => void>();
  private readonly prepareAll: () => Promise<void>;
  /** Set when the refs were learnt from the server once. */
  private first: Promise<void> | undefined;
  private learnt = false;
  private prepared = false;
  private readonly absent: AbsentFiles;
  private readonly lfs: LfsContents;
  private readonly shared = createShared();
  private readonly closing = new AbortController();
  /** Fetches run one after the other: git locks what it writes. */
  private tail: Promise<unknown> = Promise.resolve();

  constructor(access: RepositoryAccess, { program, gitDir, temporary, prepare, options }: Surroundings) {
    this.access = access;
    this.url = splitCredentials(access.url).url;
    this.prepareAll = prepare;
    this.mirror = mirrorOf(() => this.access, { program, gitDir, temporary, options });
    this.lfs = new LfsContents({
      dir: join(gitDir, "lfs"),
      timeoutMs: options.timeoutMs ?? 90_000,
      access: () => this.access,
      authenticate: (op) => this.mirror.lfsEndpoint(op),
    });
    this.absent = new AbsentFiles({
      fetch: (op, oids) => this.mirror.fetchFiles(op, oids),
      partial: () => this.mirror.filter !== undefined,
    });
    this.reader = createObjectReader({ program, gitDir, clock: options.clock, idleMs: options.idleMs ?? 60_000 });
    this.store = new ObjectStore(this.reader, options.treeCacheBytes ?? 32 << 20);
  }

  onChange(listener: (change: RepositoryChange) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async refresh(op: Operation, options: RefreshOptions = {}): Promise<RepositoryChange> {
    const pushed = this.learnt ? options.pushed : undefined;
    if (
      pushed &&
      pushed.length > 0 &&
      pushed.every(({ ref, after }) => after !== undefined && this.mirror.refs.get(ref) === after)
    )
      return { changed: [] };
    const names = pushed?.map(({ ref }) => ref);
    const key = names ? `fetch ${names.join(" ")}` : "poll";
    return this.shared.run(op, key, (inner, begin) =>
      this.serial(() => {
        begin();
        return this.learn(inner, names);
      }),
    );
  }

  private serial<T>(work: () => Promise<T>): Promise<T> {
    const run = this.tail.then(work, work);
    this.tail = run.catch(() => {});
    return run;
  }

  /** One talk with the server. Runs alone. */
  private async learn(op: Operation, names: readonly string[] | undefined): Promise<RepositoryChange> {
    await this.ready(op);
    const talk = async (): Promise<RepositoryChange["changed"]> => {
      if (!names) return this.mirror.poll(op);
      try {
        return await this.mirror.fetchRefs(op, names);
      } catch (error) {
        // A ref that is gone by now: ask what there is.
        if (error instanceof DriftlessError && error.code === "REVISION_NOT_FOUND") return this.mirror.poll(op);
        throw error;
      }
    };
    let changed: RepositoryChange["changed"];
    try {
      changed = await talk();
    } catch (error) {
      if (!isDamaged(error)) throw error;
      op.log.warn("the mirror is damaged and is made anew", { repository: this.url });
      await this.mirror.recreate(op);
      changed = await this.mirror.poll(op);
    }
    this.learnt = true;
    const change = { changed: changed.filter(({ ref }) => !ref.startsWith("refs/driftless/")) };
    if (change.changed.length > 0) for (const listener of this.listeners) listener(change);
    if (this.mirror.untidy)
      void this.shared
        .run({ ...op, signal: this.closing.signal }, "clean", (inner) => this.serial(() => this.mirror.cleanUp(inner)))
        .catch(() => {});
    return change;
  }

  private async ready(op: Operation): Promise<void> {
    await this.prepareAll();
    if (this.prepared) return;
    await this.mirror.prepare(op);
    this.prepared = true;
  }

  /** Sees to it that the server was asked at least once. */
  private async ensure(op: Operation): Promise<void> {
    if (this.learnt) return;
    await this.shared.run(op, "first", (inner) =>
      this.serial(() => (this.learnt ? Promise.resolve({ changed: [] }) : this.learn(inner, undefined))),
    );
  }

  async resolve(op: Operation, revision: string): Promise<ResolvedRevision> {
    await this.ensure(op);
    const wanted = revision.trim();
    if (isFullSha(wanted)) {
      const sha = wanted.toLowerCase();
      if (await this.has(op, sha)) return { sha };
      await this.other(op, sha);
      if (await this.has(op, sha)) return { sha };
      throw this.notFound(wanted);
    }
    const ref = findRef(wanted, this.mirror.refs, this.mirror.head);
    const oid = ref === undefined ? undefined : this.mirror.refs.get(ref);
    if (ref !== undefined && oid !== undefined) {
      const sha = await this.peel(op, oid, wanted);
      return { sha, ref, ...(oid === sha ? {} : { tag: oid }) };
    }
    if ((wanted === "" || wanted === "HEAD") && this.mirror.headSha !== undefined) return { sha: this.mirror.headSha };
    if (isShortSha(wanted)) {
      const object = await this.reader.read(op, `${wanted.toLowerCase()}^{commit}`);
      if (object) return { sha: object.oid };
    }
    if (
      wanted.startsWith("refs/") &&
      !wanted.startsWith("refs/heads/") &&
      !wanted.startsWith("refs/tags/") &&
      !/[\s~^:?*[\\]|\.\./.test(wanted)
    ) {
      await this.other(op, wanted);
      const other = this.mirror.refs.get(wanted);
      if (other !== undefined) return { sha: await this.peel(op, other, wanted), ref: wanted };
    }
    throw this.notFound(wanted);
  }

  private async other(op: Operation, what: string): Promise<void> {
    await this.shared.run(op, `other ${what}`, (inner) => this.serial(() => this.mirror.fetchOther(inner, what)));
  }

  private async has(op: Operation, sha: string): Promise<boolean> {
    try {
      await this.store.commit(op, sha);
      return true;
    } catch (error) {
      if (error instanceof DriftlessError && error.code === "REVISION_NOT_FOUND") return false;
      throw error;
    }
  }

  private async peel(op: Operation, oid: string, revision: string): Promise<string> {
    try {
      return (await this.store.commit(op, oid)).oid;
    } catch (error) {
      if (error instanceof DriftlessError && error.code === "REVISION_NOT_FOUND") throw this.notFound(revision);
      throw error;
    }
  }

  private notFound(revision: string): DriftlessError {
    return new DriftlessError(
      "REVISION_NOT_FOUND",
      `revision ${JSON.stringify(revision === "" ? "HEAD" : revision)} not found in repository ${this.url}`,
      {
        details: { repository: this.url },
      },
    );
  }

  /** For reads by commit: the mirror must be there, the server need not be asked. */
  private async readable(op: Operation): Promise<void> {
    if (!this.prepared) await this.shared.run(op, "ready", (inner) => this.serial(() => this.ready(inner)));
  }

  async entry(op: Operation, sha: string, path: string): Promise<TreeItem | undefined> {
    await this.readable(op);
    const found = await this.store.entry(op, sha, path);
    if (found?.type === "blob") this.absent.seen(found.oid, () => this.siblings(op, sha, path));
    return found;
  }

  /** The items of the folder that a path stands in. */
  private async siblings(op: Operation, sha: string, path: string): Promise<readonly TreeItem[]> {
    const steps = pathSteps(path) ?? [];
    const folder = await this.store.entry(op, sha, steps.slice(0, -1).join("/"));
    return folder?.type === "tree" ? (await this.store.tree(op, folder.oid)).items : [];
  }

  async items(op: Operation, treeOid: string): Promise<readonly TreeItem[]> {
    await this.readable(op);
    return (await this.store.tree(op, treeOid)).items;
  }

  async tree(op: Operation, sha: string, path: string): Promise<readonly TreeEntry[]> {
    const entry = await this.entry(op, sha, path);
    if (entry?.type !== "tree") {
      throw new DriftlessError(
        "PATH_NOT_FOUND",
        `path ${JSON.stringify(path)} is no directory at ${sha} of repository ${this.url}`,
        {
          details: { repository: this.url, file: path },
        },
      );
    }
    return this.store.walk(op, entry.oid, (pathSteps(path) ?? []).join("/"));
  }

  async blob(op: Operation, oid: string, options: { readonly maxBytes?: number } = {}): Promise<Uint8Array> {
    await this.readable(op);
    const read = (): Promise<GitObject | undefined> => this.reader.read(op, oid, options.maxBytes);
    let object = await read();
    if (!object) {
      await this.absent.fetch(op, oid);
      object = await read();
    }
    if (object?.type !== "blob")
      throw new DriftlessError("REPOSITORY_UNREACHABLE", `the mirror of ${this.url} lacks the file ${oid}`);
    const pointer = this.access.lfs === true ? parsePointer(object.bytes) : undefined;
    return pointer ? this.lfs.get(op, pointer, options.maxBytes) : object.bytes;
  }

  async changedPaths(op: Operation, from: string, to: string): Promise<readonly string[]> {
    await this.readable(op);
    const [before, after] = await Promise.all([this.store.commit(op, from), this.store.commit(op, to)]);
    return this.store.differences(op, before.tree, after.tree);
  }

  async mergeBase(op: Operation, a: string, b: string): Promise<string | undefined> {
    if (a === b) return a;
    await this.readable(op);
    return this.mirror.mergeBase(op, a, b);
  }

  async metadata(op: Operation, sha: string): Promise<CommitMetadata> {
    await this.readable(op);
    const commit = await this.store.metadata(op, sha);
    const tags: string[] = [];
    for (const [ref, oid] of this.mirror.refs) {
      if (!ref.startsWith("refs/tags/")) continue;
      if (oid === sha || (await this.peel(op, oid, ref).catch(() => "")) === sha) tags.push(ref.slice(10));
    }
    return { ...commit, tags: tags.sort() };
  }

  async object(
    op: Operation,
    oid: string,
  ): Promise<{ readonly type: "commit" | "tag"; readonly bytes: Uint8Array } | undefined> {
    await this.readable(op);
    const object = await this.reader.read(op, oid, 16 << 20);
    return object?.type === "commit" || object?.type === "tag" ? { type: object.type, bytes: object.bytes } : undefined;
  }

  async refs(op: Operation): Promise<{ branches: readonly string[]; tags: readonly string[] }> {
    await this.ensure(op);
    return namesOf(this.mirror.refs.keys());
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.shared.close();
    this.absent.close();
    await this.lfs.close();
    this.reader.close();
    await this.tail;
    await this.mirror.close();
  }
}
