// One bare mirror of one repository on disk: making it, asking the server for its refs, fetching. Keeps what it knows of
// the refs in memory. Nothing but src/git/repository.ts uses it, which sees to it that one fetch runs at a time.
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DriftlessError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import { configEnvironment, prepareAccess, quote, withConfig, type Prepared } from "./credentials.ts";
import { createHttpRemote, type HttpRemote } from "./http-remote.ts";
import { runGit, type GitOutput, type GitProgram } from "./process.ts";
import { parseLsRemote } from "./refs.ts";
import type { RefChange, RepositoryAccess } from "./types.ts";
import { redact } from "./urls.ts";

export interface MirrorOptions {
  readonly program: GitProgram;
  readonly gitDir: string;
  readonly temporary: string;
  /** Of a question. */
  readonly timeoutMs: number;
  /** Of a fetch. */
  readonly fetchTimeoutMs: number;
  /** Of what one fetch may bring. */
  readonly maxFetchBytes: number;
  readonly access: () => RepositoryAccess;
}

const branches = "+refs/heads/*:refs/heads/*";
const tags = "+refs/tags/*:refs/tags/*";
/** More refs than this are fetched by pattern instead of by name. */
const maxNamedRefs = 64;
const fetchesPerCleanup = 200;
/** The server's name where files are left out; it is in no configuration but that of one command. */
const promisor = "driftless";
/** Of one file or a few, packed. */
const maxFilesBytes = 64 << 20;
/** Manifests are smaller; what is larger is fetched when it is read. */
const defaultFiles = "64k";

export class Mirror {
  private readonly options: MirrorOptions;
  private known = new Map<string, string>();
  private default: string | undefined;
  private detached: string | undefined;
  private fetches = 0;
  private http: { readonly access: RepositoryAccess; readonly remote: HttpRemote | undefined } | undefined;

  constructor(options: MirrorOptions) {
    this.options = options;
  }

  get refs(): ReadonlyMap<string, string> {
    return this.known;
  }

  /** The server's default branch, as a full ref name. */
  get head(): string | undefined {
    return this.default;
  }

  /** What HEAD is where it is no branch. */
  get headSha(): string | undefined {
    return this.detached;
  }

  /** Makes the mirror where there is none, removes locks of a killed process, and reads the refs it has. */
  async prepare(op: Operation): Promise<void> {
    const { gitDir } = this.options;
    const head = await readFile(join(gitDir, "HEAD"), "utf8").catch(() => undefined);
    if (head === undefined || !head.startsWith("ref:")) await this.create(op);
    else await removeLocks(gitDir);
    this.known = await this.readRefs(op);
  }

  async recreate(op: Operation): Promise<void> {
    await rm(this.options.gitDir, { recursive: true, force: true });
    await this.create(op);
    this.known = new Map();
  }

  private async create(op: Operation): Promise<void> {
    const { gitDir } = this.options;
    await rm(gitDir, { recursive: true, force: true });
    await mkdir(gitDir, { recursive: true });
    const made = await this.run(op, [
      "init",
      "--quiet",
      "--bare",
      "--template=",
      "--initial-branch=driftless-none",
      gitDir,
    ]);
    if (made.code !== 0) throw new DriftlessError("INTERNAL", `the mirror could not be made: ${made.stderr.trim()}`);
    await writeFile(join(gitDir, "driftless-mirror"), "1\n");
  }

  /** The way without a git process, where there is one. */
  private direct(): HttpRemote | undefined {
    const access = this.options.access();
    if (this.http?.access !== access) {
      void this.http?.remote?.close();
      const { env } = this.options.program;
      // What git would take from its environment (a proxy, other certificates) only git follows.
      const plain = !Object.keys(env).some((name) => /_proxy$|^(?:SSL_CERT|GIT_SSL|CURL_CA)/i.test(name));
      this.http = {
        access,
        remote: plain ? createHttpRemote(access, { timeoutMs: Math.min(this.options.timeoutMs, 20_000) }) : undefined,
      };
    }
    return this.http.remote;
  }

  async close(): Promise<void> {
    await this.http?.remote?.close();
    this.http = undefined;
  }

  /** Asks the server for its refs and fetches those that differ. */
  async poll(op: Operation): Promise<RefChange[]> {
    const answer = await this.listRefs(op);
    this.default = answer.head;
    this.detached = answer.head === undefined ? answer.headSha : undefined;
    return this.update(op, answer.refs);
  }

  /** The server's branches and tags; keeps nothing. */
  async listRefs(op: Operation): Promise<ReturnType<typeof parseLsRemote>> {
    const quick = await this.direct()?.refs(op, ["HEAD", "refs/heads/", "refs/tags/"]);
    // An empty repository or one without a default branch is left to git.
    if (quick?.head !== undefined) return { refs: quick.refs, head: quick.head };
    const asked = await this.withAccess((access) =>
      this.remote(op, access, ["ls-remote", "--symref", access.url, "HEAD", "refs/heads/*", "refs/tags/*"]),
    );
    return parseLsRemote(asked.stdout.toString("utf8"));
  }

  /** Fetches what differs between what the server has and what is known. */
  private async update(op: Operation, theirs: ReadonlyMap<string, string>): Promise<RefChange[]> {
    const updated: string[] = [];
    let deleted = false;
    for (const [ref, oid] of theirs) if (this.known.get(ref) !== oid) updated.push(ref);
    for (const ref of this.known.keys()) deleted ||= !theirs.has(ref) && /^refs\/(?:heads|tags)\//.test(ref);
    const extra = this.detached !== undefined ? ["+HEAD:refs/driftless/HEAD"] : [];
    if (updated.length === 0 && !deleted && extra.length === 0) return [];
    if (!deleted && extra.length === 0) {
      const changed = await this.fetchDirectly(op, new Map(updated.map((ref) => [ref, theirs.get(ref) ?? ""])));
      if (changed) return changed;
    }
    const named = !deleted && updated.length <= maxNamedRefs;
    const refspecs = [...(named ? updated.map((ref) => `+${ref}:${ref}`) : [branches, tags]), ...extra];
    return this.withAccess((access) => this.fetch(op, access, refspecs, !named));
  }

  /**
   * Fetches without asking for all refs first: the named ones, or all branches and tags. What a notification says of
   * them is not believed: the server is asked.
   */
  async fetchRefs(op: Operation, refs: readonly string[]): Promise<RefChange[]> {
    const few = refs.length > 0 && refs.length <= maxNamedRefs;
    if (few) {
      const theirs = (await this.direct()?.refs(op, refs))?.refs;
      const wanted = new Map(refs.flatMap((ref) => [[ref, theirs?.get(ref) ?? ""] as const]));
      const changed = theirs && (await this.fetchDirectly(op, wanted));
      if (changed) return changed;
    }
    const refspecs = few ? refs.map((ref) => `+${ref}:${ref}`) : [branches, tags];
    return this.withAccess((access) => this.fetch(op, access, refspecs, !few));
  }

  /** Moves branches that are known already, without git talking to the server. Undefined: git has to do it. */
  private async fetchDirectly(op: Operation, wanted: ReadonlyMap<string, string>): Promise<RefChange[] | undefined> {
    const moved = [...wanted].filter(([ref, oid]) => this.known.get(ref) !== oid);
    if (moved.length === 0) return [];
    if (
      moved.length > maxNamedRefs ||
      !moved.every(([ref, oid]) => ref.startsWith("refs/heads/") && oid !== "" && this.known.has(ref))
    )
      return undefined;
    if (this.depth !== undefined) return undefined; // where history is cut off git keeps the books
    const haves = [...new Set(moved.map(([ref]) => this.known.get(ref) ?? ""))];
    const wants = [...new Set(moved.map(([, oid]) => oid))];
    const { filter } = this;
    const pack = await this.direct()?.pack(op, { wants, haves, ...(filter === undefined ? {} : { filter }) });
    if (!pack || !(await this.store(op, pack, filter !== undefined))) return undefined;
    for (const [ref, oid] of moved) {
      const file = join(this.options.gitDir, ref);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(`${file}.lock`, `${oid}\n`);
      await rename(`${file}.lock`, file);
    }
    this.fetches++;
    const changes = moved.map(([ref, after]): RefChange => ({ ref, before: this.known.get(ref) ?? "", after }));
    this.known = new Map([...this.known, ...moved]);
    return changes;
  }

  /** Keeps a pack; false where git has to fetch it itself. */
  private async store(op: Operation, pack: Buffer, partial: boolean): Promise<boolean> {
    // Few objects become files, as git does it; many stay a pack, and so do those whose files were left out.
    const few = !partial && pack.readUInt32BE(8) < 500;
    const how = few ? ["unpack-objects", "-q"] : ["index-pack", "--stdin", "--fix-thin"];
    const { gitDir, program, timeoutMs } = this.options;
    const args = ["--git-dir", gitDir, ...how, ...(partial ? ["--promisor=driftless"] : [])];
    const stored = await runGit(op, program, { args, input: pack, timeoutMs });
    if (stored.code !== 0)
      op.log.debug("the pack was not stored; git is asked instead", { reason: stored.stderr.trim() });
    return stored.code === 0;
  }

  /** Which files are left out of fetches, as git's --filter has it; undefined: none. */
  get filter(): string | undefined {
    const { url, files } = this.options.access();
    const local = /^(?:file:|\/)/i.test(url.trim());
    const wanted = files ?? (local ? "all" : defaultFiles);
    if (wanted === "all" || this.direct()?.filters === false) return undefined;
    return wanted === "none" ? "blob:none" : `blob:limit=${wanted}`;
  }

  private get depth(): number | undefined {
    const { depth } = this.options.access();
    return depth !== undefined && depth > 0 ? depth : undefined;
  }

  /** What a server over ssh answers to `git-lfs-authenticate`. Error: REPOSITORY_UNREACHABLE. */
  async lfsEndpoint(op: Operation): Promise<string> {
    const { program, timeoutMs } = this.options;
    return this.withAccess(async (access) => {
      const { host, port, path } = sshParts(access.url);
      const words = [...(port === undefined ? [] : ["-p", port]), host, `git-lfs-authenticate ${quote(path)} download`];
      const args = ["-c", `${access.env["GIT_SSH_COMMAND"] ?? "ssh"} "$@"`, "sh", ...words];
      const shell = { path: "sh", env: program.env };
      const out = await runGit(op, shell, { args, env: access.env, timeoutMs, maxBytes: 1 << 20 });
      if (out.code === 0) return out.stdout.toString("utf8");
      throw failureOf(access, out.stderr);
    });
  }

  /** Fetches files that were left out. Errors: TOO_LARGE, REPOSITORY_UNREACHABLE. */
  async fetchFiles(op: Operation, oids: readonly string[]): Promise<void> {
    const what = { wants: oids, haves: [], filter: "blob:none", maxBytes: maxFilesBytes };
    let pack: Buffer | undefined;
    try {
      pack = await this.direct()?.pack(op, what);
    } catch (error) {
      if (!(error instanceof DriftlessError) || error.code !== "TOO_LARGE" || oids.length === 1) throw error;
      const middle = Math.ceil(oids.length / 2);
      await this.fetchFiles(op, oids.slice(0, middle));
      return this.fetchFiles(op, oids.slice(middle));
    }
    if (pack && (await this.store(op, pack, true))) return;
    await this.withAccess((access) =>
      this.limited(op, access, [
        "--git-dir",
        this.options.gitDir,
        "fetch",
        "--quiet",
        "--no-tags",
        "--no-auto-maintenance",
        "--no-write-fetch-head",
        "--no-recurse-submodules",
        "--filter=blob:none",
        ...(this.filter === undefined ? [access.url] : [promisor]),
        ...oids,
      ]),
    );
  }

  /** Fetches one commit, or a ref outside branches and tags; false where the server has none. */
  async fetchOther(op: Operation, what: string): Promise<boolean> {
    const target = what.startsWith("refs/") ? `+${what}:${what}` : `+${what}:refs/driftless/commits/${what}`;
    try {
      await this.withAccess((access) => this.fetch(op, access, [target], false));
      return true;
    } catch (error) {
      if (
        error instanceof DriftlessError &&
        (error.code === "REVISION_NOT_FOUND" || error.code === "REPOSITORY_UNREACHABLE")
      ) {
        op.log.debug("revision could not be fetched by name", { revision: what, reason: error.message });
        return false;
      }
      throw error;
    }
  }

  private async fetch(
    op: Operation,
    access: Prepared,
    refspecs: readonly string[],
    prune: boolean,
  ): Promise<RefChange[]> {
    const before = this.known;
    const { gitDir } = this.options;
    const { filter, depth } = this;
    await this.limited(op, access, [
      "--git-dir",
      gitDir,
      "fetch",
      "--quiet",
      "--force",
      "--no-tags",
      "--no-auto-maintenance",
      "--no-write-fetch-head",
      "--no-recurse-submodules",
      "--no-show-forced-updates",
      ...(prune ? ["--prune"] : []),
      ...(filter === undefined ? [] : [`--filter=${filter}`]),
      ...(depth === undefined ? [] : [`--depth=${depth}`]),
      filter === undefined ? access.url : promisor,
      ...refspecs,
    ]);
    this.fetches++;
    // Few named refs are read from their own files, without a process.
    const named = prune ? undefined : await this.looseRefs(refspecs.map((spec) => spec.slice(spec.indexOf(":") + 1)));
    this.known = named ? new Map([...before, ...named]) : await this.readRefs(op);
    const changed: RefChange[] = [];
    for (const [ref, after] of this.known) {
      const old = before.get(ref);
      if (old !== after) changed.push({ ref, after, ...(old === undefined ? {} : { before: old }) });
    }
    for (const [ref, old] of before) if (!this.known.has(ref)) changed.push({ ref, before: old });
    return changed;
  }

  /** Whether it is time to pack what many small fetches left behind. */
  get untidy(): boolean {
    return this.fetches >= fetchesPerCleanup;
  }

  async cleanUp(op: Operation): Promise<void> {
    this.fetches = 0;
    const { program } = this.options;
    // Objects of a partial clone are kept apart, or git would miss what was left out.
    const env = configEnvironment([[`remote.${promisor}.promisor`, "true"]]);
    const args = [
      "--git-dir",
      this.options.gitDir,
      "-c",
      "gc.autoDetach=false",
      "-c",
      "gc.auto=2000",
      "gc",
      "--auto",
      "--quiet",
    ];
    await runGit(op, program, { args, env, timeoutMs: this.options.fetchTimeoutMs });
  }

  /** Where two commits' histories parted; undefined where they share nothing that the mirror has. */
  async mergeBase(op: Operation, a: string, b: string): Promise<string | undefined> {
    const out = await this.run(op, ["--git-dir", this.options.gitDir, "merge-base", "--end-of-options", a, b]);
    const oid = out.stdout.toString("latin1").trim();
    return out.code === 0 && /^[0-9a-f]{40,64}$/.test(oid) ? oid : undefined;
  }

  private async looseRefs(names: readonly string[]): Promise<Map<string, string> | undefined> {
    const found = new Map<string, string>();
    for (const name of names) {
      const text = await readFile(join(this.options.gitDir, name), "latin1").catch(() => "");
      const oid = text.trim();
      if (!/^[0-9a-f]{40,64}$/.test(oid)) return undefined;
      found.set(name, oid);
    }
    return found;
  }

  private async readRefs(op: Operation): Promise<Map<string, string>> {
    const out = await this.run(op, [
      "--git-dir",
      this.options.gitDir,
      "for-each-ref",
      "--format=%(objectname) %(refname)",
    ]);
    if (out.code !== 0)
      throw new DriftlessError("INTERNAL", `the mirror's refs could not be read: ${out.stderr.trim()}`);
    const refs = new Map<string, string>();
    for (const line of out.stdout.toString("utf8").split("\n")) {
      const space = line.indexOf(" ");
      if (space > 0) refs.set(line.slice(space + 1), line.slice(0, space));
    }
    return refs;
  }

  private run(op: Operation, args: readonly string[]): Promise<GitOutput> {
    return runGit(op, this.options.program, { args, timeoutMs: this.options.timeoutMs });
  }

  private async withAccess<T>(work: (access: Prepared) => Promise<T>): Promise<T> {
    const access = await prepareAccess(this.options.access(), this.options.temporary);
    try {
      return await work(access);
    } finally {
      await access.release();
    }
  }

  /** A fetch: as `remote`, ended where it brings more than the limit. Error: TOO_LARGE. */
  private async limited(op: Operation, access: Prepared, args: readonly string[]): Promise<void> {
    const { gitDir, maxFetchBytes, fetchTimeoutMs } = this.options;
    const stop = new AbortController();
    let bytes = 0;
    const watch = setInterval(() => {
      void incomingBytes(gitDir).then((found) => {
        bytes = found;
        if (found > maxFetchBytes) stop.abort();
      });
    }, 500);
    // A first fetch is kept as the pack that comes, whose size can be watched.
    const first = this.known.size === 0 ? ["-c", "fetch.unpackLimit=1"] : [];
    try {
      const signal = AbortSignal.any([op.signal, stop.signal]);
      await this.remote({ ...op, signal }, access, [...first, ...args], fetchTimeoutMs);
    } catch (error) {
      if (!stop.signal.aborted) throw error;
      await removeIncoming(gitDir);
      const url = redact(access.url, access.secrets);
      const mebibytes = (count: number): number => Math.ceil(count / (1 << 20));
      throw new DriftlessError(
        "TOO_LARGE",
        `repository ${url} has more than ${mebibytes(maxFetchBytes)} MiB (${mebibytes(bytes)} came so far): ` +
          "limit its history by depth in the repository's Secret, or leave out its files by partialClone",
        { details: { repository: url } },
      );
    } finally {
      clearInterval(watch);
    }
  }

  /** A git command that talks to the server; a failure becomes a catalogued error without secrets. */
  private async remote(
    op: Operation,
    access: Prepared,
    args: readonly string[],
    timeoutMs = this.options.timeoutMs,
  ): Promise<GitOutput> {
    const { program } = this.options;
    const { filter } = this;
    // Only for the time of the command: reading must not fetch by itself what was left out.
    const env =
      filter === undefined
        ? access.env
        : withConfig(access.env, [
            [`remote.${promisor}.url`, access.url],
            [`remote.${promisor}.promisor`, "true"],
            [`remote.${promisor}.partialclonefilter`, filter],
          ]);
    let out: GitOutput;
    try {
      out = await runGit(op, program, { args, env, timeoutMs, maxBytes: 256 << 20 });
    } catch (error) {
      if (error instanceof DriftlessError && error.code === "DEADLINE_EXCEEDED")
        throw unreachable(access, `no answer within ${timeoutMs / 1000} s`);
      throw error;
    }
    if (out.code !== 0) throw failureOf(access, out.stderr);
    return out;
  }
}

/** Host, port and path of `ssh://host:port/path` and `user@host:path`. */
function sshParts(url: string): { readonly host: string; readonly port: string | undefined; readonly path: string } {
  const [, host = "", port, path = ""] =
    /^ssh:\/\/([^/:]+)(?::(\d+))?(\/.*)$/i.exec(url) ?? /^([^/:]+):()(.*)$/.exec(url) ?? [];
  return { host, port: port || undefined, path };
}

function unreachable(access: Prepared, reason: string): DriftlessError {
  const url = redact(access.url, access.secrets);
  return new DriftlessError("REPOSITORY_UNREACHABLE", `repository ${url}: ${reason}`, { details: { repository: url } });
}

/** What a person needs to know of git's complaint: one line, no secrets. */
function failureOf(access: Prepared, stderr: string): DriftlessError {
  const lines = redact(stderr, access.secrets)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("warning:"));
  const missing = lines.find((line) => /couldn't find remote ref|not our ref|no such remote ref/i.test(line));
  if (missing !== undefined) {
    const url = redact(access.url, access.secrets);
    return new DriftlessError(
      "REVISION_NOT_FOUND",
      `repository ${url}: ${missing.replace(/^(?:fatal|error|remote error): /, "")}`,
      { details: { repository: url } },
    );
  }
  const text = lines.join("\n");
  if (
    /terminal prompts disabled|Authentication failed|could not read (?:Username|Password)|HTTP Basic: Access denied|returned error: 40[13]/i.test(
      text,
    )
  )
    return unreachable(access, "the credentials were not accepted");
  if (/Permission denied \(publickey/i.test(text)) return unreachable(access, "the SSH key was not accepted");
  if (/Host key verification failed/i.test(text))
    return unreachable(access, "the server's SSH host key is not among the known hosts");
  if (/repository .* not found|returned error: 404|does not appear to be a git repository|does not exist/i.test(text))
    return unreachable(access, "there is no such repository, or the credentials do not reach it");
  const telling =
    lines.find((line) => /^(?:fatal|error|ssh|remote):/i.test(line)) ?? lines.at(-1) ?? "git failed without a word";
  return unreachable(access, telling.slice(0, 500).replace(/^(?:fatal|error): /, ""));
}

/** Whether an error tells that the mirror itself is damaged, and making it anew may help. */
export function isDamaged(error: unknown): boolean {
  return (
    error instanceof DriftlessError &&
    /not a git repository: |bad object|is corrupt|is empty|did not send all necessary objects|unable to read tree|mirror's refs could not be read|invalid index-pack/i.test(
      error.message,
    )
  );
}

const incoming = async (gitDir: string): Promise<string[]> => {
  const folder = join(gitDir, "objects", "pack");
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => name.startsWith("tmp_")).map((name) => join(folder, name));
};

/** Bytes of what is being received now. */
async function incomingBytes(gitDir: string): Promise<number> {
  const sizes = (await incoming(gitDir)).map((file) =>
    stat(file).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

async function removeIncoming(gitDir: string): Promise<void> {
  for (const file of await incoming(gitDir)) await rm(file, { force: true });
}

/** A killed git leaves `*.lock` files that stop the next one. Only we write into a mirror. */
async function removeLocks(gitDir: string): Promise<void> {
  for (const name of await readdir(gitDir, { recursive: true })) {
    if (name.endsWith(".lock") && !name.startsWith("objects")) await rm(join(gitDir, name), { force: true });
  }
}
