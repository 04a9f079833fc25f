// An application's manifests: as they are desired now, at other revisions, or of files that a person has; and how each of
// these would compare with the live state. Rendered with the application's own project and cluster; changes nothing.
// Secrets are masked in every answer. Follows Argo CD's GetManifests and GetManifestsWithFiles.
import { createHash } from "node:crypto";
import { DriftlessError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import { warningsOf } from "#controllers/application/desired/desired-warnings.ts";
import type { Desired } from "#controllers/application/desired/desired.ts";
import type { Elsewhere, RevisionChoice } from "#controllers/application/desired/sources.ts";
import type { AppState } from "#controllers/application/state.ts";
import { maskSecrets } from "#core/compare/mask.ts";
import { overlayRepository } from "#git/overlay.ts";
import { unpackFiles } from "#git/unpack.ts";
import { sourcesOf, type Application, type ApplicationSource } from "#model/application.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { ManagedResource } from "#protocol/rest.ts";
import type { ApplicationServiceDeps } from "../deps.ts";
import type { ApplicationQueries, AppRef } from "../queries.ts";
import { diffOf } from "../resources/resources.ts";

/** Revisions other than those that are followed. */
export interface RevisionQuery {
  /** Of the only source. */
  readonly revision?: string;
  /** Of several sources, one for each of `sourcePositions`, which are counted from 1. */
  readonly revisions?: readonly string[];
  readonly sourcePositions?: readonly (number | string)[];
}

/** Files that somebody sends instead of what stands in the repository. */
export interface LocalFiles {
  /** A tar.gz of the repository's files from its root, or with `base` of those that differ from that commit. */
  readonly packed: AsyncIterable<Uint8Array>;
  /** SHA-256 of the archive, hexadecimal; not checked where it is empty. */
  readonly checksum?: string;
  /** A full commit id of the source's repository that the files are laid over. */
  readonly base?: string;
  /** The folder to render, from the root; the source's own where it is not given. */
  readonly path?: string;
  /** Which of several sources the files stand for, counted from 1; the first unless told. */
  readonly sourcePosition?: number;
}

export interface Manifests {
  readonly manifests: readonly string[];
  /** Where each of them is written. */
  readonly places: readonly { readonly file: string; readonly line: number }[];
  readonly revision: string;
  readonly revisions: readonly string[];
  readonly sourceType: string;
}

export interface Comparison {
  readonly items: readonly ManagedResource[];
  readonly revisions: readonly string[];
  /** What a sync of it would stumble over, and what is odd about it. */
  readonly warnings: readonly string[];
}

/** Trees of files are held in memory: so many at once, the others wait. */
const uploadsAtOnce = 3;

export class ApplicationManifests {
  readonly #deps: ApplicationServiceDeps;
  readonly #queries: ApplicationQueries;
  #uploads = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(deps: ApplicationServiceDeps, queries: ApplicationQueries) {
    this.#deps = deps;
    this.#queries = queries;
  }

  #presented(desired: Desired): Manifests {
    return presented(desired, this.#queries.maskedAnnotations);
  }

  /** The desired objects as they will be applied, at the revisions of the query or those that are followed. */
  async manifests(op: Op, ref: AppRef, query: RevisionQuery = {}): Promise<Manifests> {
    const state = this.#queries.state(ref);
    return this.#presented(await this.#desired(op, state, revisionChoices(state, query)));
  }

  /** The objects that files would make. Errors: those of the archive (INVALID_ARGUMENT, TOO_LARGE) and of rendering. */
  async manifestsOfFiles(op: Op, ref: AppRef, files: LocalFiles): Promise<Manifests> {
    const state = this.#queries.state(ref);
    return this.#presented(await this.desiredOfFiles(op, state, files));
  }

  /** The objects of an application that need not be on the server: of its sources, or of files. Errors: as of the others. */
  async manifestsOfWanted(op: Op, app: Application, files: LocalFiles | undefined): Promise<Manifests> {
    const { controller } = this.#deps;
    const state = controller.outline(app);
    return this.#presented(
      files ? await this.desiredOfFiles(op, state, files) : await controller.desiredAt(op, state, []),
    );
  }

  /** Desired, live and predicted state of each object at other revisions; what is live and not desired there, too. */
  async compare(op: Op, ref: AppRef, query: RevisionQuery): Promise<Comparison> {
    const state = this.#queries.state(ref);
    return this.#compared(op, state, await this.#desired(op, state, revisionChoices(state, query)));
  }

  /** The same of files. */
  async compareFiles(op: Op, ref: AppRef, files: LocalFiles): Promise<Comparison> {
    const state = this.#queries.state(ref);
    return this.#compared(op, state, await this.desiredOfFiles(op, state, files));
  }

  /** What an application would desire if its repository held these files. Not masked: for the server's own use. */
  async desiredOfFiles(op: Op, state: AppState, files: LocalFiles): Promise<Desired> {
    await this.#turn();
    try {
      const sources = sourcesOf(state.app.spec);
      const position = files.sourcePosition ?? 1;
      const source = sources[position - 1];
      if (!source) throw outOfRange();
      const elsewhere = await this.#elsewhere(op, state, source, files);
      const { namespace = "", name = "" } = state.app.metadata;
      const isKnown = this.#deps.controller.state(namespace, name) === state;
      const followed = isKnown ? this.#deps.controller.sources.revisions(state.key) : [];
      const choices = sources.map((other, index): RevisionChoice => {
        if (index === position - 1) return elsewhere;
        const { path: _path, ...tree } = elsewhere;
        return sameTree(source, other) ? tree : followed[index];
      });
      return await this.#deps.controller.desiredAt(op, state, choices);
    } finally {
      this.#uploads--;
      this.#waiting.shift()?.();
    }
  }

  async #elsewhere(op: Op, state: AppState, source: ApplicationSource, files: LocalFiles): Promise<Elsewhere> {
    const { base = "", checksum = "", packed, path } = files;
    const unpacked = await unpackFiles(op, checksum === "" ? packed : checked(packed, checksum));
    if (unpacked.size === 0 && base === "")
      throw new DriftlessError("INVALID_ARGUMENT", "the archive holds no files", { details: { field: "files" } });
    const below = base === "" ? undefined : await this.#commit(op, state, source, base);
    const { repository, sha } = await overlayRepository(op, unpacked, {
      kind: "local",
      url: source.repoURL,
      ...(below ? { base: below } : {}),
    });
    const folder = path ?? (source.chart ? "." : undefined);
    return { repository, sha, ...(folder === undefined ? {} : { path: folder }) };
  }

  async #commit(op: Op, state: AppState, source: ApplicationSource, base: string): Promise<Elsewhere> {
    if (!/^[0-9a-f]{40,64}$/i.test(base))
      throw new DriftlessError("INVALID_ARGUMENT", "the base of the files is not a full commit id", {
        details: { field: "base" },
      });
    const project = state.app.spec.project || "default";
    const repository = this.#deps.controller.sources.open(source.repoURL, project);
    return { repository, sha: (await repository.resolve(op, base)).sha };
  }

  async #desired(op: Op, state: AppState, choices: readonly RevisionChoice[] | undefined): Promise<Desired> {
    if (choices) {
      await this.#lookAnew(op, state, choices);
      return this.#deps.controller.desiredAt(op, state, choices);
    }
    if (state.desired) return state.desired;
    throw state.failure ?? new DriftlessError("FAILED_PRECONDITION", "the application has not been rendered yet");
  }

  /** Names that were asked for mean what they mean now: somebody may have pushed a moment ago. */
  async #lookAnew(op: Op, state: AppState, choices: readonly RevisionChoice[]): Promise<void> {
    const project = state.app.spec.project || "default";
    const named = sourcesOf(state.app.spec).filter(({ chart }, index) => {
      const choice = choices[index];
      return !chart && typeof choice === "string" && !/^[0-9a-f]{40,64}$/i.test(choice);
    });
    const urls = new Set(named.map(({ repoURL }) => repoURL));
    await Promise.all([...urls].map((url) => this.#deps.controller.sources.open(url, project).refresh(op)));
  }

  async #compared(op: Op, state: AppState, desired: Desired): Promise<Comparison> {
    const rows = await this.#deps.controller.compareWith(op, state, desired);
    return {
      items: rows.map((row) => diffOf(row, this.#queries.maskedAnnotations)),
      revisions: desired.revisions,
      warnings: warningsOf(desired),
    };
  }

  async #turn(): Promise<void> {
    while (this.#uploads >= uploadsAtOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#uploads++;
  }
}

/** What each source is rendered at; undefined where nothing else than the followed revisions is asked for. */
function revisionChoices(state: AppState, query: RevisionQuery): readonly RevisionChoice[] | undefined {
  const { revision = "", revisions = [], sourcePositions = [] } = query;
  const { spec } = state.app;
  if (!spec.sources?.length) {
    if (revisions.length > 0)
      throw new DriftlessError("INVALID_ARGUMENT", "the application has one source: say revision, not revisions", {
        details: { field: "revisions" },
      });
    return revision === "" || revision === state.desired?.revisions[0] ? undefined : [revision];
  }
  if (revision !== "")
    throw new DriftlessError(
      "INVALID_ARGUMENT",
      "the application has several sources: say revisions, with sourcePositions",
      { details: { field: "revision" } },
    );
  if (revisions.length !== sourcePositions.length)
    throw new DriftlessError("INVALID_ARGUMENT", "each of revisions needs one of sourcePositions", {
      details: { field: "sourcePositions" },
    });
  if (revisions.length === 0) return undefined;
  const chosen = spec.sources.map((_source, index): RevisionChoice => state.desired?.revisions[index]);
  for (const [index, written] of sourcePositions.entries()) {
    const at = Number(written) - 1;
    if (!Number.isInteger(at) || at < 0 || at >= chosen.length) throw outOfRange();
    chosen[at] = revisions[index];
  }
  return chosen;
}

const outOfRange = (): DriftlessError =>
  new DriftlessError("INVALID_ARGUMENT", "source position is out of range", { details: { field: "sourcePositions" } });

/** Whether two sources read the same revision of the same repository. */
function sameTree(a: ApplicationSource, b: ApplicationSource): boolean {
  return a.repoURL === b.repoURL && !b.chart && (a.targetRevision ?? "") === (b.targetRevision ?? "");
}

/** The same bytes; fails at their end where they are not those of the sum. */
async function* checked(packed: AsyncIterable<Uint8Array>, checksum: string): AsyncIterable<Uint8Array> {
  const sum = createHash("sha256");
  for await (const chunk of packed) {
    sum.update(chunk);
    yield chunk;
  }
  if (sum.digest("hex") !== checksum.toLowerCase())
    throw new DriftlessError("INVALID_ARGUMENT", "the archive does not match its checksum: it was cut or changed", {
      details: { field: "checksum" },
    });
}

function presented(desired: Desired, masked: readonly string[]): Manifests {
  const text = (object: KubernetesObject): string => JSON.stringify(maskSecrets({ desired: object }, masked).desired);
  const all = [...desired.objects.values(), ...desired.hooks];
  return {
    manifests: all.map(({ object }) => text(object)),
    places: all.map(({ file, line }) => ({ file, line })),
    revision: desired.revisions[0] ?? "",
    revisions: desired.revisions,
    sourceType: desired.sourceTypes[0] ?? "",
  };
}
