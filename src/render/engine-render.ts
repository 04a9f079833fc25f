// One render by the engine: looked up among what is remembered, else rendered with its reads recorded, then remembered.
// Two that ask for the same at the same time share one.
import { DriftlessError, toError } from "#base/errors.ts";
import { isObject, stableStringify } from "#base/json.ts";
import type { Operation } from "#base/operation.ts";
import type { DiskCache } from "./cache.ts";
import type { Walk } from "./directory.ts";
import type { EnginePool } from "./engine/pool.ts";
import { objectsOf } from "./manifests.ts";
import { ReadRecorder } from "./reads.ts";
import { RememberedRenders, type Remembered } from "./remembered.ts";
import { RepositoryFiles } from "./repository-files.ts";
import type { RenderedObject } from "./types.ts";
import type { ManifestParser } from "./yaml.ts";

export interface EngineRequest {
  readonly kind: "helm" | "kustomize" | "jsonnet";
  /** Without the cluster's capabilities: they count only where they are used. */
  readonly params: Readonly<Record<string, unknown>>;
  readonly capabilities: Readonly<Record<string, unknown>>;
}

export interface EngineRendererOptions {
  readonly pool: EnginePool | undefined;
  readonly disk: DiskCache | undefined;
  readonly digest: (text: string) => string;
  readonly parser: ManifestParser;
  readonly maxObjects: number;
  readonly maxOutputBytes: number;
}

export class EngineRenderer {
  private readonly options: EngineRendererOptions;
  private readonly remembered: RememberedRenders;
  private readonly pending = new Map<string, Promise<Remembered>>();
  renders = 0;

  constructor(options: EngineRendererOptions) {
    this.options = options;
    this.remembered = new RememberedRenders(options.maxObjects, options.disk);
  }

  get hits(): { readonly memory: number; readonly disk: number } {
    return this.remembered.hits;
  }

  /** Objects of one request; what was read is added to the walk's reads. Errors: those of the engine's pool. */
  async render(op: Operation, walk: Walk, request: EngineRequest): Promise<readonly RenderedObject[]> {
    const { pool, digest } = this.options;
    if (!pool)
      throw new DriftlessError(
        "ENGINE_MISSING",
        "this source needs the program driftless-engine, which is switched off",
      );
    const key = digest(stableStringify([pool.version(), request.kind, request.params]));
    const at = { repository: walk.repository, sha: walk.sha, capabilities: request.capabilities };
    const known = (await this.remembered.find(op, at, key)) ?? (await this.shared(op, walk, { request, key }));
    walk.reads.add(known.reads);
    walk.warnings.push(...known.warnings);
    return known.objects;
  }

  private async shared(
    op: Operation,
    walk: Walk,
    wanted: { request: EngineRequest; key: string },
  ): Promise<Remembered> {
    const name = `${wanted.key} ${walk.repository.url} ${walk.sha} ${stableStringify(wanted.request.capabilities)}`;
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

  private async fresh(
    op: Operation,
    walk: Walk,
    { request, key }: { request: EngineRequest; key: string },
  ): Promise<Remembered> {
    this.renders++;
    const own: Walk = { ...walk, reads: new ReadRecorder(), warnings: [] };
    const bytes = await (this.options.pool as EnginePool).run(op, {
      kind: request.kind,
      params: { ...request.params, ...request.capabilities },
      limits: { outputBytes: this.options.maxOutputBytes },
      files: new RepositoryFiles(op, own),
    });
    const { objects, used } = this.read(bytes, own.warnings);
    const render: Remembered = {
      objects,
      warnings: own.warnings,
      reads: own.reads.result(),
      used: Object.fromEntries(
        Object.keys(used)
          .filter((name) => used[name] === true)
          .map((name) => [name, request.capabilities[name] ?? null]),
      ),
    };
    this.remembered.keep(key, render);
    return render;
  }

  private read(
    bytes: Buffer,
    warnings: string[],
  ): { objects: readonly RenderedObject[]; used: Readonly<Record<string, unknown>> } {
    const { documents, lossy } = this.options.parser.json(bytes.toString("utf8"), "the engine's answer");
    for (const written of lossy)
      warnings.push(`the number ${written} is too large to be kept exactly; write it as a string if the field allows`);
    const answer = documents[0]?.value;
    if (!isObject(answer) || !Array.isArray(answer["objects"]))
      throw new DriftlessError("INTERNAL", "the engine's answer holds no objects");
    const objects = (answer["objects"] as { file: string; object: unknown }[]).flatMap(({ file, object }) =>
      objectsOf(object, file, 1).map((one) => ({
        object: one,
        hash: this.options.digest(stableStringify(one)),
        file,
        line: 1,
      })),
    );
    const used = answer["used"];
    return { objects, used: isObject(used) ? used : {} };
  }
}
