// What a render names beyond its repository: remote bases, single files, charts of kustomizations. The engine asks for
// each; what is not fetched yet is fetched here, outside of the engine, and the render is asked for again.
import { DriftlessError, toError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import { mountName, type Mount } from "#git/mounts.ts";
import { isFileUrl, parseRemoteBase } from "#git/remote-base.ts";
import { redact } from "#git/urls.ts";
import { lookUp, type Walk } from "./directory.ts";
import type { FileAnswer } from "./engine/frames.ts";

interface Wanted {
  readonly url?: string;
  readonly file: string;
  readonly line?: number;
  readonly as: "directory" | "file" | "chart";
  readonly chart?: string;
  readonly repo?: string;
  readonly version?: string;
}

/** How often a render may say that it lacks something. */
const maxRounds = 64;

export class RemoteReferences {
  private readonly op: Operation;
  private readonly walk: Walk;
  private readonly found = new Map<string, FileAnswer>();
  private readonly pending = new Map<string, Wanted>();
  private rounds = 0;

  constructor(op: Operation, walk: Walk) {
    this.op = op;
    this.walk = walk;
  }

  /** The engine's question: where something stands, or that it is not there yet. */
  ask(what: string): FileAnswer {
    const wanted = JSON.parse(what) as Wanted;
    const key = JSON.stringify([wanted.url, wanted.as, wanted.chart, wanted.repo, wanted.version]);
    const known = this.found.get(key);
    if (known) return known;
    this.pending.set(key, wanted);
    return { found: "absent" };
  }

  /** Whether the first step of a path was asked for and found: names of mounts are not for sources to make up. */
  gave(first: string): boolean {
    return [...this.found.values()].some((answer) => answer.path === first || answer.path?.startsWith(`${first}/`));
  }

  /**
   * Fetches what was asked for and not there. False: nothing was, and the render failed by itself. Errors:
   * PROJECT_FORBIDS, RENDER_REFUSED, REPOSITORY_UNREACHABLE, REVISION_NOT_FOUND, PATH_NOT_FOUND, each with its place.
   */
  async fetchMissing(): Promise<boolean> {
    if (this.pending.size === 0) return false;
    if (++this.rounds > maxRounds)
      throw new DriftlessError("RENDER_REFUSED", `more than ${maxRounds} kustomizations lead to other repositories`);
    const wanted = [...this.pending];
    this.pending.clear();
    const answers = await Promise.all(
      wanted.map(async ([key, one]) => [key, await this.located(one, () => this.fetch(one))] as const),
    );
    for (const [key, answer] of answers) this.found.set(key, answer);
    return true;
  }

  /** Says of a failure which file asked for what. */
  private async located<T>(wanted: Wanted, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      const error = toError(thrown);
      const { file, line } = wanted;
      const place = line === undefined ? file : `${file}:${line}`;
      const what =
        wanted.chart === undefined ? redact(wanted.url ?? "") : `${wanted.chart} of ${redact(wanted.repo ?? "")}`;
      throw new DriftlessError(error.code, `${place}: ${what}: ${error.message}`, {
        details: { ...error.details, file, ...(line === undefined ? {} : { line }) },
        cause: error,
      });
    }
  }

  private async fetch(wanted: Wanted): Promise<FileAnswer> {
    if (wanted.as === "chart")
      return this.look({
        kind: "chart",
        repo: wanted.repo ?? "",
        name: wanted.chart ?? "",
        version: wanted.version ?? "",
      });
    const url = (wanted.url ?? "").trim();
    if (/^file:/i.test(url)) throw new DriftlessError("RENDER_REFUSED", "URLs of files on this machine are refused");
    if (wanted.as === "file" || isFileUrl(url)) return this.look({ kind: "file", url });
    const base = parseRemoteBase(url);
    const web = /^https?:\/\//i.test(url);
    if (!base) {
      if (web) return this.look({ kind: "file", url });
      throw new DriftlessError("RENDER_REFUSED", "it is neither a path nor the URL of a repository");
    }
    const { url: repository, revision, submodules } = base;
    try {
      return await this.look({ kind: "git", url: repository, revision, submodules }, base.path);
    } catch (error) {
      // As Kustomize, which tries the URL itself first: it may be a file without telling so.
      const missing = error instanceof DriftlessError && error.code === "REPOSITORY_UNREACHABLE";
      if (!missing || !web || revision !== "" || !/no such repository/.test(error.message)) throw error;
      return this.look({ kind: "file", url }).catch(() => {
        throw error;
      });
    }
  }

  private async look(mount: Mount, path = ""): Promise<FileAnswer> {
    const { repository, sha } = this.walk;
    if (repository.view === undefined)
      throw new DriftlessError("RENDER_REFUSED", "what stands elsewhere cannot be read here");
    const name = mountName(mount);
    const at = path === "" ? name : `${name}/${path}`;
    const direct = await repository.entry(this.op, sha, at);
    const linked = direct === undefined || direct.type === "symlink";
    const found = linked ? await lookUp(this.op, this.walk, at.split("/")) : { item: direct, path: at };
    if (!found || (mount.kind === "git" && found.item.type !== "tree"))
      throw new DriftlessError("PATH_NOT_FOUND", `there is no directory ${JSON.stringify(path)} in that repository`);
    return { found: found.item.type === "tree" ? "directory" : "file", path: found.path };
  }
}
