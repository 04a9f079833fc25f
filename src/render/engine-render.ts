// One render by the engine: the request, the files that it may ask for, and its answer as objects.
import { DriftlessError } from "#base/errors.ts";
import { isObject, stableStringify } from "#base/json.ts";
import type { Operation } from "#base/operation.ts";
import type { Walk } from "./directory.ts";
import type { EnginePool } from "./engine/pool.ts";
import type { KeptRenders, MadeRender } from "./kept-renders.ts";
import { objectsOf } from "./manifests.ts";
import { RemoteReferences } from "./remote-references.ts";
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
  readonly kept: KeptRenders;
  readonly digest: (text: string) => string;
  readonly parser: ManifestParser;
  readonly maxOutputBytes: number;
}

export class EngineRenderer {
  private readonly options: EngineRendererOptions;
  renders = 0;

  constructor(options: EngineRendererOptions) {
    this.options = options;
  }

  /** Objects of one request; what was read is added to the walk's reads. Errors: those of the engine's pool. */
  render(op: Operation, walk: Walk, request: EngineRequest): Promise<readonly RenderedObject[]> {
    const { pool, digest } = this.options;
    if (!pool)
      throw new DriftlessError(
        "ENGINE_MISSING",
        "this source needs the program driftless-engine, which is switched off",
      );
    return this.options.kept.render(op, walk, {
      key: digest(stableStringify([pool.version(), request.kind, request.params])),
      capabilities: request.capabilities,
      make: (own) => this.make(op, own, pool, request),
    });
  }

  private async make(op: Operation, own: Walk, pool: EnginePool, request: EngineRequest): Promise<MadeRender> {
    this.renders++;
    const remotes = new RemoteReferences(op, own);
    const work = {
      kind: request.kind,
      params: { ...request.params, ...request.capabilities },
      limits: { outputBytes: this.options.maxOutputBytes },
      files: new RepositoryFiles(op, own, { remotes }),
    };
    let bytes: Buffer | undefined;
    while (!bytes) {
      try {
        bytes = await pool.run(op, work);
      } catch (error) {
        // It may lack something that is elsewhere: fetched meanwhile, it is asked again, and the engine is free for others.
        if (!(await remotes.fetchMissing())) throw error;
      }
    }
    const { objects, used } = this.read(bytes, own.warnings);
    return { objects, used: Object.keys(used).filter((name) => used[name] === true) };
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
    const objects = (answer["objects"] as { file: string; line?: number; object: unknown }[]).flatMap(
      ({ file, line = 1, object }) =>
        objectsOf(object, file, line).map((one) => ({
          object: one,
          hash: this.options.digest(stableStringify(one)),
          file,
          line,
        })),
    );
    const used = answer["used"];
    return { objects, used: isObject(used) ? used : {} };
  }
}
