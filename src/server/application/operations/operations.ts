// Operations of the application service: sync, roll back, terminate. They are written to the Application resource; the
// controller carries them out. Names and semantics follow Argo CD's ApplicationService.
import { DriftlessError, toError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import { rollbackOperation } from "#core/sync/history.ts";
import { applicationType } from "#controllers/application/application-type.ts";
import type {
  Application,
  ApplicationSource,
  Operation,
  RetryStrategy,
  SyncOperation,
  SyncResourceRef,
} from "#model/application.ts";
import { changeApplication, refOf } from "../changes.ts";
import type { ApplicationServiceDeps } from "../deps.ts";
import type { ApplicationQueries, AppRef } from "../queries.ts";

export interface SyncRequest {
  readonly revision?: string;
  readonly revisions?: readonly string[];
  readonly sourcePositions?: readonly (number | string)[];
  readonly dryRun?: boolean;
  readonly prune?: boolean;
  readonly strategy?: SyncOperation["syncStrategy"];
  readonly resources?: readonly SyncResourceRef[];
  readonly manifests?: readonly string[];
  readonly infos?: readonly { name: string; value: string }[];
  readonly retryStrategy?: RetryStrategy;
  readonly syncOptions?: { readonly items?: readonly string[] };
}

export class ApplicationOperations {
  readonly #deps: ApplicationServiceDeps;
  readonly #queries: ApplicationQueries;

  constructor(deps: ApplicationServiceDeps, queries: ApplicationQueries) {
    this.#deps = deps;
    this.#queries = queries;
  }

  /** Starts a sync. Errors: OPERATION_IN_PROGRESS, FAILED_PRECONDITION (being deleted; automated and another revision, or local manifests). */
  async sync(op: Op, ref: AppRef, request: SyncRequest, username: string): Promise<Application> {
    const app = this.#queries.find(ref);
    if (app.metadata.deletionTimestamp !== undefined)
      throw new DriftlessError("FAILED_PRECONDITION", "application is deleting");
    this.#refuseForbidden(app, []);
    this.#refuseOutsideWindows(ref);
    const automated = app.spec.syncPolicy?.automated;
    if (request.manifests?.length && automated && automated.enabled !== false && !request.dryRun)
      throw new DriftlessError(
        "FAILED_PRECONDITION",
        "cannot use local sync when Automatic Sync Policy is enabled unless for dry run",
      );
    const revision = request.revision ?? "";
    const followed = app.spec.source?.targetRevision ?? "";
    if (
      automated &&
      automated.enabled !== false &&
      !request.dryRun &&
      revision !== "" &&
      revision !== followed &&
      revision !== app.status?.sync?.revision
    ) {
      throw new DriftlessError(
        "FAILED_PRECONDITION",
        `Cannot sync to ${revision}: auto-sync currently set to ${followed === "" ? "HEAD" : followed}`,
      );
    }
    const revisions = revisionsOf(app, request);
    const sync: SyncOperation = {
      ...(revision === "" ? {} : { revision }),
      ...(revisions ? { revisions } : {}),
      ...(request.prune ? { prune: true } : {}),
      ...(request.dryRun ? { dryRun: true } : {}),
      ...(request.strategy ? { syncStrategy: request.strategy } : {}),
      ...(request.resources?.length ? { resources: request.resources } : {}),
      ...(request.manifests?.length ? { manifests: request.manifests } : {}),
      ...(request.syncOptions?.items
        ? { syncOptions: request.syncOptions.items }
        : app.spec.syncPolicy?.syncOptions
          ? { syncOptions: app.spec.syncPolicy.syncOptions }
          : {}),
    };
    const retry = request.retryStrategy ?? app.spec.syncPolicy?.retry;
    return this.#startOperation(op, app, {
      sync,
      initiatedBy: { username },
      ...(request.infos?.length ? { info: request.infos } : {}),
      ...(retry ? { retry } : {}),
    });
  }

  /** Syncs to an entry of the history. Errors: FAILED_PRECONDITION where auto-sync is on, NOT_FOUND for the id. */
  async rollback(
    op: Op,
    ref: AppRef,
    request: { id: number; prune?: boolean; dryRun?: boolean },
    username: string,
  ): Promise<Application> {
    const app = this.#queries.find(ref);
    if (app.metadata.deletionTimestamp !== undefined)
      throw new DriftlessError("FAILED_PRECONDITION", "application is deleting");
    const { id, prune = false, dryRun = false } = request;
    const operation = rollbackOperation(app, id, { prune, dryRun, username });
    const { sources, source } = (operation.ok && operation.value.sync) || {};
    this.#refuseForbidden(app, sources ?? (source ? [source] : []));
    this.#refuseOutsideWindows(ref);
    if (operation.ok) return this.#startOperation(op, app, operation.value);
    const { missing, message } = operation.error;
    throw new DriftlessError(missing ? "NOT_FOUND" : "FAILED_PRECONDITION", message);
  }

  /** Error: PROJECT_FORBIDS. What else is wrong with the spec shows where the operation begins, as in Argo CD. */
  #refuseForbidden(app: Application, sources: readonly ApplicationSource[]): void {
    try {
      this.#deps.controller.requirePermitted(app, sources);
    } catch (thrown) {
      if (toError(thrown).code === "PROJECT_FORBIDS") throw thrown;
    }
  }

  /** Error: PERMISSION_DENIED where the sync windows let nobody sync now. An application that was never looked at waits for them. */
  #refuseOutsideWindows(ref: AppRef): void {
    const { controller } = this.#deps;
    const { namespace = "", name = "" } = this.#queries.find(ref).metadata;
    const state = controller.state(namespace, name);
    const windows = state?.cluster && controller.windowsOf(state);
    if (!windows || windows.canSync) return;
    const next = windows.nextChange ? `; from ${windows.nextChange.at}: ${windows.nextChange.state}` : "";
    throw new DriftlessError("PERMISSION_DENIED", `cannot sync: blocked by sync window${next}`);
  }

  /** Ends the operation in progress; FAILED_PRECONDITION where there is none. */
  async terminate(op: Op, ref: AppRef): Promise<void> {
    const app = this.#queries.find(ref);
    const phase = app.status?.operationState?.phase;
    if (app.operation === undefined && phase !== "Running") {
      throw new DriftlessError("FAILED_PRECONDITION", "Unable to terminate operation. No operation is in progress");
    }
    const patch = phase === "Running" ? { status: { operationState: { phase: "Terminating" } } } : { operation: null };
    const written = await this.#deps.control.patch(op, applicationType, refOf(app), { type: "merge", body: patch });
    this.#deps.controller.observe(written as Application);
  }

  async #startOperation(op: Op, app: Application, operation: Operation): Promise<Application> {
    return changeApplication(op, this.#deps, app, (now) => {
      const phase = now.status?.operationState?.phase;
      if (now.operation !== undefined || phase === "Running" || phase === "Terminating") {
        throw new DriftlessError("OPERATION_IN_PROGRESS", "another operation is already in progress");
      }
      return { ...now, operation };
    });
  }
}

function revisionsOf(app: Application, request: SyncRequest): readonly string[] | undefined {
  const sources = app.spec.sources;
  if (!sources?.length || !request.revisions?.length) return undefined;
  const revisions = sources.map((source) => source.targetRevision ?? "");
  (request.sourcePositions ?? []).forEach((position, index) => {
    const at = Number(position) - 1;
    if (at < 0 || at >= revisions.length)
      throw new DriftlessError("INVALID_ARGUMENT", "source position is out of range", {
        details: { field: "sourcePositions" },
      });
    revisions[at] = request.revisions![index] ?? revisions[at]!;
  });
  return revisions;
}
