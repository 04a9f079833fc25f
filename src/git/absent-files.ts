// Files that a fetch left out, fetched when they are read: many readers at once share one talk with the server, and with
// a file come its neighbours of its folder that look like manifests too, since they will be read next.
import { DriftlessError, toError } from "#base/errors.ts";
import type { Operation } from "#base/operation.ts";
import type { TreeItem } from "./types.ts";

export interface AbsentFilesOptions {
  fetch(op: Operation, oids: readonly string[]): Promise<void>;
  /** Whether files are left out at all. */
  partial(): boolean;
}

interface Round {
  readonly oids: Set<string>;
  readonly done: Promise<void>;
  readonly abort: AbortController;
  waiting: number;
}

/** How long others may join before a fetch goes out. */
const gatherMs = 2;
const maxNeighbours = 200;
const maxSeen = 20_000;
const manifest = /(?:\.(?:ya?ml|json|tpl|txt|(?:js|lib)sonnet)|^(?:Kustomization|\.helmignore|\.gitmodules))$/;

export class AbsentFiles {
  private readonly options: AbsentFilesOptions;
  private readonly places = new Map<string, () => Promise<readonly TreeItem[]>>();
  /** What was asked for once: neighbours are not asked for again with each file. */
  private readonly asked = new Set<string>();
  private gathering: Round | undefined;
  private running: Promise<unknown> = Promise.resolve();
  private readonly closing = new AbortController();

  constructor(options: AbsentFilesOptions) {
    this.options = options;
  }

  /** Notes where a file stands. */
  seen(oid: string, siblings: () => Promise<readonly TreeItem[]>): void {
    if (!this.options.partial() || this.asked.has(oid)) return;
    this.places.set(oid, siblings);
    if (this.places.size > maxSeen) this.places.delete(this.places.keys().next().value as string);
  }

  /** Fetches a file that is not here. Does nothing where no file is ever left out. Errors: those of the fetch. */
  async fetch(op: Operation, oid: string): Promise<void> {
    if (!this.options.partial()) return;
    const round = (this.gathering ??= this.begin(op));
    round.oids.add(oid);
    round.waiting++;
    const { promise, reject } = Promise.withResolvers<never>();
    const give = (): void => {
      if (--round.waiting === 0) round.abort.abort();
      reject(new DriftlessError("CANCELLED", "the caller gave up"));
    };
    op.signal.addEventListener("abort", give, { once: true });
    try {
      await Promise.race([round.done, promise]);
    } finally {
      op.signal.removeEventListener("abort", give);
    }
  }

  close(): void {
    this.closing.abort();
  }

  private begin(op: Operation): Round {
    const oids = new Set<string>();
    const abort = new AbortController();
    const done = this.running
      .then(() => new Promise((resolve) => setTimeout(resolve, gatherMs)))
      .then(async () => {
        this.gathering = undefined;
        const inner: Operation = { log: op.log, signal: AbortSignal.any([abort.signal, this.closing.signal]) };
        await this.fetchAll(inner, oids);
      });
    this.running = done.catch(() => {});
    return { oids, done, abort, waiting: 0 };
  }

  private async fetchAll(op: Operation, oids: Set<string>): Promise<void> {
    const wanted = [...oids];
    const neighbours = new Set<string>();
    for (const oid of wanted) {
      const items = await this.places
        .get(oid)?.()
        .catch(() => []);
      for (const item of items ?? []) {
        if (neighbours.size >= maxNeighbours) break;
        if (item.type === "blob" && manifest.test(item.name) && !oids.has(item.oid) && !this.asked.has(item.oid))
          neighbours.add(item.oid);
      }
    }
    for (const oid of [...wanted, ...neighbours]) this.remember(oid);
    if (neighbours.size > 0) {
      try {
        return await this.options.fetch(op, [...wanted, ...neighbours]);
      } catch (error) {
        if (op.signal.aborted) throw error;
        // They were only a guess: what is wanted counts.
        op.log.debug("files beside those that are read could not be fetched", { reason: toError(error).message });
      }
    }
    await this.options.fetch(op, wanted);
  }

  private remember(oid: string): void {
    this.places.delete(oid);
    this.asked.add(oid);
    if (this.asked.size > maxSeen * 5) this.asked.delete(this.asked.keys().next().value as string);
  }
}
