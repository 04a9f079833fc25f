// Reads of the application service: which applications there are, how one looks in an answer, a look anew. From the watch
// and the controller's memory. Names and semantics follow Argo CD's ApplicationService.
import { DriftlessError, toError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import { applicationType } from "#controllers/application/application-type.ts";
import type { AppState } from "#controllers/application/state.ts";
import type { CommitMetadata } from "#git/types.ts";
import { sourcesOf, type Application, type ApplicationSource } from "#model/application.ts";
import { annotation } from "#model/names.ts";
import { withMaskedManifests } from "./manifests/masked-manifests.ts";
import { withHiddenCredentials } from "./source-credentials.ts";
import { matchesSelector } from "#model/selector.ts";
import { keyText } from "#model/object.ts";
import type { ApplicationServiceDeps } from "./deps.ts";
import { applicationMissing, refOf } from "./changes.ts";

export interface ApplicationQuery {
  readonly projects?: readonly string[];
  readonly selector?: string;
  readonly repo?: string;
  readonly appNamespace?: string;
}

export interface AppRef {
  readonly name: string;
  readonly appNamespace?: string;
  readonly project?: string;
}

/** One of an application's sources, as it is or as it was at an entry of the history. */
export interface WhichSource {
  readonly sourceIndex?: number;
  readonly versionId?: number;
}

const refreshWaitMs = 60_000;

export class ApplicationQueries {
  readonly #deps: ApplicationServiceDeps;

  constructor(deps: ApplicationServiceDeps) {
    this.#deps = deps;
  }

  /** Annotations of Secrets that are masked besides their data. */
  get maskedAnnotations(): readonly string[] {
    return this.#deps.controller.maskedAnnotations;
  }

  matches(app: Application, query: ApplicationQuery): boolean {
    const { projects = [], selector = "", repo = "", appNamespace = "" } = query;
    if (projects.length > 0 && !projects.includes(app.spec.project || "default")) return false;
    if (appNamespace !== "" && app.metadata.namespace !== appNamespace) return false;
    if (selector !== "" && !matchesSelector(selector, app.metadata.labels ?? {})) return false;
    if (repo === "") return true;
    const wanted = this.#deps.normaliseUrl(repo);
    return sourcesOf(app.spec).some((source) => this.#deps.normaliseUrl(source.repoURL) === wanted);
  }

  /** One application. With `refresh`, waits until the controller has compared anew. Errors: PERMISSION_DENIED (also where it does not exist, as in Argo CD). */
  async get(op: Op, ref: AppRef & { readonly refresh?: string }): Promise<Application> {
    const app = this.find(ref);
    if (ref.refresh !== "normal" && ref.refresh !== "hard" && ref.refresh !== "true") return app;
    return this.#refresh(op, app, ref.refresh === "hard" ? "hard" : "normal");
  }

  /** The application, or the one error for "does not exist" and "not yours". */
  find(ref: AppRef): Application {
    const app = this.#deps.applications.get(ref.appNamespace || this.#deps.namespace, ref.name);
    if (!app || (ref.project && ref.project !== (app.spec.project || "default"))) {
      throw applicationMissing(ref.name);
    }
    return app;
  }

  /** The application of this name and namespace, where there is one. */
  known({ metadata }: Application): Application | undefined {
    return this.#deps.applications.get(metadata.namespace || this.#deps.namespace, metadata.name ?? "");
  }

  /** The controller's view of an application. Errors: NOT_FOUND, FAILED_PRECONDITION before its first pass. */
  state(ref: AppRef): AppState {
    const app = this.find(ref);
    const state = this.#deps.controller.state(app.metadata.namespace ?? "", app.metadata.name ?? "");
    if (!state) throw new DriftlessError("FAILED_PRECONDITION", "the application has not been looked at yet");
    return state;
  }

  /**
   * What an application looks like in an answer: with the health of each resource, which is not written to its status,
   * and without managedFields, which nobody asked for; Secrets among the manifests of a local sync are masked, passwords in
   * the URLs of its sources hidden.
   */
  presented(written: Application): Application {
    const app = withHiddenCredentials(withMaskedManifests(written, this.maskedAnnotations));
    const { managedFields: _managed, ...metadata } = app.metadata;
    const resources = app.status?.resources;
    const state = resources && this.#deps.controller.state(app.metadata.namespace ?? "", app.metadata.name ?? "");
    if (!state) return { ...app, metadata };
    const withHealth = resources.map((resource) => {
      const { group = "", kind, namespace = "", name } = resource;
      const health = state.table.row(keyText({ group, kind, namespace, name }))?.health;
      return health ? { ...resource, health } : resource;
    });
    return { ...app, metadata, status: { ...app.status, resources: withHealth } };
  }

  async revisionMetadata(
    op: Op,
    ref: AppRef,
    revision: string,
    which: WhichSource = {},
  ): Promise<Partial<CommitMetadata> & { readonly signatureInfo?: string }> {
    const { source, project } = this.#source(ref, which);
    const { sources } = this.#deps.controller;
    const artifact = sources.artifact(source, project);
    const metadata = await (artifact ?? sources.open(source.repoURL, project)).metadata(op, revision);
    const signatureInfo = await sources.signatureInfo(op, source, project, revision);
    const { tags, ...rest } = metadata;
    return { ...rest, ...(tags.length > 0 ? { tags } : {}), ...(signatureInfo === undefined ? {} : { signatureInfo }) };
  }

  /** What a chart says of itself at a version. Error: FAILED_PRECONDITION for a source that is none. */
  async chartDetails(op: Op, ref: AppRef, revision: string, which: WhichSource) {
    const { source, project } = this.#source(ref, which);
    const artifact = source.chart ? this.#deps.controller.sources.artifact(source, project) : undefined;
    if (!artifact)
      throw new DriftlessError("FAILED_PRECONDITION", "the source is no chart of a Helm or OCI repository");
    return artifact.details(op, revision);
  }

  /** What the annotations of an OCI artifact say. Error: FAILED_PRECONDITION for a source that is none. */
  async artifactAnnotations(
    op: Op,
    ref: AppRef,
    revision: string,
    which: WhichSource,
  ): Promise<Readonly<Record<string, string>>> {
    const { source, project } = this.#source(ref, which);
    const artifact = source.chart ? undefined : this.#deps.controller.sources.artifact(source, project);
    if (!artifact) throw new DriftlessError("FAILED_PRECONDITION", "the source is no OCI artifact");
    return (await artifact.details(op, revision)).annotations ?? {};
  }

  /** One source of an application as it is, or as it was at an entry of its history. */
  #source(ref: AppRef, { sourceIndex = 0, versionId }: WhichSource): { source: ApplicationSource; project: string } {
    const app = this.find(ref);
    const entry = versionId ? app.status?.history?.find(({ id }) => id === versionId) : undefined;
    if (versionId && !entry)
      throw new DriftlessError("NOT_FOUND", `revision history not found for app ${ref.name} and ID ${versionId}`);
    const all = entry ? (entry.sources ?? (entry.source ? [entry.source] : [])) : sourcesOf(app.spec);
    const source = all[sourceIndex];
    if (!source)
      throw new DriftlessError(
        "INVALID_ARGUMENT",
        `the application has ${all.length} sources, and none of index ${sourceIndex}`,
        {
          details: { field: "sourceIndex" },
        },
      );
    return { source, project: app.spec.project || "default" };
  }

  async #refresh(op: Op, app: Application, kind: "normal" | "hard"): Promise<Application> {
    const { control, controller, applications, clock } = this.#deps;
    const refreshed = new Promise<Application>((resolve, reject) => {
      const end = applications.subscribe(({ after }) => {
        if (
          !after ||
          after.metadata.uid !== app.metadata.uid ||
          after.metadata.annotations?.[annotation.refresh] !== undefined
        )
          return;
        stop();
        resolve(after);
      });
      const cancel = clock.after(refreshWaitMs, () => {
        stop();
        reject(new DriftlessError("DEADLINE_EXCEEDED", "the application was not refreshed in time"));
      });
      const aborted = (): void => {
        stop();
        reject(new DriftlessError("CANCELLED", "the caller gave up"));
      };
      const stop = (): void => {
        end();
        cancel();
        op.signal.removeEventListener("abort", aborted);
      };
      op.signal.addEventListener("abort", aborted);
      control
        .patch(op, applicationType, refOf(app), {
          type: "merge",
          body: { metadata: { annotations: { [annotation.refresh]: kind } } },
        })
        .then((written) => controller.observe(written as Application))
        .catch((thrown: unknown) => {
          stop();
          reject(toError(thrown));
        });
    });
    return refreshed;
  }
}
