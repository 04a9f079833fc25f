// A render whose inputs are known by a key: looked up among what is remembered, else made with its reads recorded, then
// remembered. Two that ask for the same at the same time share one. Knows nothing of who makes it.
import { toError } from "#base/errors.ts";
import { stableStringify } from "#base/json.ts";
import type { Operation } from "#base/operation.ts";
import type { Walk } from "./directory.ts";
import { ReadRecorder } from "./reads.ts";
import type { Remembered, RememberedRenders } from "./remembered.ts";
import type { RenderedObject } from "./types.ts";

export interface WantedRender {
  /** Of everything that goes in but files and capabilities. */
  readonly key: string;
  readonly capabilities: Readonly<Record<string, unknown>>;
  /** Whether it is made anew, for it may depend on what nobody sees. */
  readonly again?: boolean;
  /** Renders; what it reads and warns of goes into the walk that it is given. */
  make(walk: Walk): Promise<MadeRender>;
}

export interface MadeRender {
  readonly objects: readonly RenderedObject[];
  /** Names of the capabilities that were asked for. */
  readonly used: readonly string[];
}

export class KeptRenders {
  private readonly remembered: RememberedRenders;
  private readonly pending = new Map<string, Promise<Remembered>>();

  constructor(remembered: RememberedRenders) {
    this.remembered = remembered;
  }

  /** Objects of one request; what was read is added to the walk's reads. Errors: those of `make`. */
  async render(op: Operation, walk: Walk, wanted: WantedRender): Promise<readonly RenderedObject[]> {
    const at = { repository: walk.repository, sha: walk.sha, capabilities: wanted.capabilities };
    const remembered = wanted.again ? undefined : await this.remembered.find(op, at, wanted.key);
    const known = remembered ?? (await this.shared(op, walk, wanted));
    walk.reads.add(known.reads);
    walk.warnings.push(...known.warnings);
    return known.objects;
  }

  private async shared(op: Operation, walk: Walk, wanted: WantedRender): Promise<Remembered> {
    const { url, view = "" } = walk.repository;
    const name = `${wanted.key} ${url} ${view} ${walk.sha} ${stableStringify(wanted.capabilities)}`;
    const running = this.pending.get(name);
    if (running) {
      try {
        return await running;
      } catch (error) {
        if (toError(error).code !== "CANCELLED" || op.signal.aborted) throw error;
        return this.shared(op, walk, wanted); // the other caller gave up, not this one
      }
    }
    const render = this.fresh(op, walk, wanted).finally(() => this.pending.delete(name));
    this.pending.set(name, render);
    return render;
  }

  private async fresh(op: Operation, walk: Walk, wanted: WantedRender): Promise<Remembered> {
    const { key, capabilities } = wanted;
    const own: Walk = { ...walk, reads: new ReadRecorder(), warnings: [] };
    const { objects, used } = await wanted.make(own);
    const render: Remembered = {
      objects,
      warnings: own.warnings,
      reads: own.reads.result(),
      used: Object.fromEntries(used.map((name) => [name, capabilities[name] ?? null])),
    };
    this.remembered.keep(op, key, render);
    return render;
  }
}
