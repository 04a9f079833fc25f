// Writes an application's status: one patch for each pass, only where something changed, and not too often; with it go
// the refresh that was answered and the operation that began or ended. Tells of changes by events.
import { toError } from "#base/errors.ts";
import type { JsonObject } from "#base/json.ts";
import { sameJson } from "#base/json.ts";
import type { Operation as Op } from "#base/operation.ts";
import {
  type Application,
  type ApplicationCondition,
  type ApplicationStatus,
  type AppProject,
  type HealthStatusCode,
  type RevisionHistory,
  type SyncStatusCode,
} from "#model/application.ts";
import { annotation } from "#model/names.ts";
import type { Informer } from "#runtime/informer.ts";
import { applicationType } from "../application-type.ts";
import type { Dependencies } from "../operation/dependencies.ts";
import type { ApplicationControllerDeps } from "../deps.ts";
import type { AppState } from "../state.ts";
import { buildStatus, statusPatch } from "./status.ts";
import { fittingStatus } from "./status-size.ts";

/** Status writes of one application come at most this often, but for those that must stand before a step is taken. */
const writeEveryMs = 1000;
/** The same while more applications ask for a pass than can be worked on. */
const writeEveryBusyMs = 5000;
/** The same where neither sync status nor operation have changed: health goes up and down while others wait to be synced. */
const healthBusyMs = 30_000;
/** So often an operation's begin or end is written anew where somebody else wrote meanwhile. */
const attempts = 5;

export interface StatusWriterOptions<Pass extends Judged> extends Pick<
  ApplicationControllerDeps,
  "clock" | "control" | "settings" | "events" | "namespace"
> {
  readonly applications: Informer<Application>;
  readonly dependencies: Pick<Dependencies, "judged">;
  wake(key: string, delayMs: number): void;
  /** Whether more applications ask for a pass than are worked on. */
  busy(): boolean;
  history(state: AppState): readonly RevisionHistory[] | undefined;
  conditions(state: AppState, pass: Pass | undefined): readonly ApplicationCondition[];
}

/** What of a pass concerns the status. */
export interface Judged {
  readonly project: AppProject | undefined;
  /** The refresh that was asked for by annotation, which this pass answers. */
  readonly refresh: string | undefined;
}

export class StatusWriter<Pass extends Judged> {
  readonly #options: StatusWriterOptions<Pass>;

  constructor(options: StatusWriterOptions<Pass>) {
    this.#options = options;
  }

  /** Writes what is known now; `urgent` at once. Errors: those of the control cluster; CONFLICT where others write without end. */
  async write(op: Op, state: AppState, how: { readonly pass?: Pass; readonly urgent?: boolean }): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#write(op, state, how);
      } catch (thrown) {
        const error = toError(thrown);
        if (error.code === "NOT_FOUND") return;
        state.lastWriteMs = Number.NEGATIVE_INFINITY;
        if (error.code !== "CONFLICT" || attempt === attempts || !(await this.#catchUp(op, state))) throw error;
      }
    }
  }

  /** The status as it is known now, whether it is written or not. */
  current(state: AppState, pass?: Pass): ApplicationStatus {
    return buildStatus({
      app: state.app,
      controllerNamespace: this.#options.namespace,
      rows: state.table.rows(),
      desired: state.desired,
      conditions: this.#options.conditions(state, pass),
      operationState: state.operationState,
      history: this.#options.history(state),
      nowMs: this.#options.clock.now(),
      refreshed: pass?.refresh !== undefined,
      persistHealth: this.#options.settings().persistHealth,
    });
  }

  async #write(op: Op, state: AppState, how: { readonly pass?: Pass; readonly urgent?: boolean }): Promise<void> {
    const { clock, control } = this.#options;
    const refresh = how.pass?.refresh;
    const app = state.app;
    const wanted = fittingStatus(this.current(state, how.pass));
    this.#options.dependencies.judged(state, wanted);
    const extra = extraPatch(state, refresh);
    const patch = statusPatch(app, wanted, extra);
    if (!patch || (extra === undefined && !state.revisionDue && !worthWriting(app, wanted))) return;
    const sinceMs = clock.monotonic() - state.lastWriteMs;
    if (!how.urgent && extra === undefined && sinceMs < this.#pauseMs(app, wanted)) {
      this.#options.wake(state.key, writeEveryMs - (sinceMs % writeEveryMs));
      return;
    }
    state.lastWriteMs = clock.monotonic();
    state.revisionDue = false;
    const written = (await control.patch(op, applicationType, refOf(app), {
      type: "merge",
      body: patch,
    })) as Application;
    this.#announce(app, written);
    // The answer may hold what somebody else changed meanwhile: whoever follows applications compares and asks for a pass.
    this.#took(state, written);
    if (extra?.["operation"] === null) this.#tookOff(state);
  }

  #took(state: AppState, read: Application): void {
    const { applications } = this.#options;
    const { namespace, name } = refOf(read);
    applications.observe(read);
    state.app = applications.get(namespace, name) ?? read;
  }

  /** Takes in the application as it is by now; false where it is gone. */
  async #catchUp(op: Op, state: AppState): Promise<boolean> {
    const now = (await this.#options.control.get(op, applicationType, refOf(state.app))) as Application | undefined;
    if (!now || now.metadata.uid !== state.app.metadata.uid) return false;
    this.#took(state, now);
    // Whatever was asked for meanwhile is for the next pass.
    this.#options.wake(state.key, 0);
    return true;
  }

  /** The request that was carried out is off the server: one that stands there now came after it, and is another. */
  #tookOff(state: AppState): void {
    state.carriedOut = undefined;
    if (state.app.operation !== undefined) this.#options.wake(state.key, 0);
  }

  /** How long after its last write an application's status is written again. */
  #pauseMs(app: Application, wanted: ApplicationStatus): number {
    if (!this.#options.busy()) return writeEveryMs;
    const sync =
      app.status?.sync?.status === wanted.sync?.status &&
      app.status?.operationState?.phase === wanted.operationState?.phase;
    return sync ? healthBusyMs : writeEveryBusyMs;
  }

  /** Events for changes of sync and health status, as Argo CD words them. */
  #announce(before: Application, after: Application): void {
    const syncs = [before.status?.sync?.status ?? "", after.status?.sync?.status ?? ""] as [
      SyncStatusCode | "",
      SyncStatusCode | "",
    ];
    if (syncs[0] !== syncs[1]) {
      this.#options.events.record(after, {
        type: "Normal",
        reason: "ResourceUpdated",
        message: `Updated sync status: ${syncs[0]} -> ${syncs[1]}`,
      });
    }
    const healths = [before.status?.health?.status ?? "", after.status?.health?.status ?? ""] as [
      HealthStatusCode | "",
      HealthStatusCode | "",
    ];
    if (healths[0] !== healths[1]) {
      this.#options.events.record(after, {
        type: "Normal",
        reason: "ResourceUpdated",
        message: `Updated health status: ${healths[0]} -> ${healths[1]}`,
      });
    }
  }
}

/** What goes with a status patch: the refresh that was answered, the operation that has ended. */
function extraPatch(state: AppState, refresh: string | undefined): JsonObject | undefined {
  const { carriedOut } = state;
  // A request that came since, and was not begun yet, stays.
  const ended = carriedOut !== undefined && state.running === undefined && sameJson(state.app.operation, carriedOut);
  const started = state.running?.announce === true && state.app.operation === undefined;
  if (refresh === undefined && !ended && !started) return undefined;
  // An operation is begun or taken off where nobody wrote another meanwhile: that one would be lost.
  const guard = ended || started ? { resourceVersion: state.app.metadata.resourceVersion ?? "" } : {};
  const answered = refresh === undefined ? {} : { annotations: { [annotation.refresh]: null } };
  return {
    metadata: { ...guard, ...answered },
    ...(ended ? { operation: null } : {}),
    ...(started ? { operation: state.running!.operation as unknown as JsonObject } : {}),
  };
}

/** A new revision that changed nothing of the application is not worth a write by itself; the slow sweep brings it. */
function worthWriting(app: Application, wanted: Application["status"]): boolean {
  const before = app.status;
  const blank = (status: Application["status"]): unknown => ({
    ...status,
    reconciledAt: "",
    sync: { ...status?.sync, revision: "", revisions: [] },
  });
  return before === undefined || !sameJson(blank(before), blank(wanted));
}

function refOf({ metadata }: Application): { namespace: string; name: string } {
  return { namespace: metadata.namespace ?? "", name: metadata.name ?? "" };
}
