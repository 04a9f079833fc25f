// What an application's status says, computed once per pass from its rows, conditions and operation. Pure.
// Shapes and wording follow Argo CD's Application status, so that tools that read it keep working.
import { createMergePatch } from "#core/merge/merge-patch.ts";
import { applicationHealth, type ApplicationMember } from "#core/health/health.ts";
import { sameJson, type Json, type JsonObject } from "#base/json.ts";
import { rfc3339 } from "#base/ports.ts";
import { imagesOf } from "#model/images.ts";
import { parseSyncOptions, resourceSyncOptions, type ApplicationSyncOptions } from "#core/sync/options.ts";
import { parseApiVersion } from "#model/object.ts";
import { annotation } from "#model/names.ts";
import type {
  Application,
  ApplicationCondition,
  ApplicationStatus,
  ComparedTo,
  HealthStatus,
  HealthStatusCode,
  OperationState,
  ResourceStatus,
  RevisionHistory,
  SyncStatusCode,
} from "#model/application.ts";
import type { Desired } from "../desired/desired.ts";
import { externalUrlsOf } from "../tree/networking.ts";
import type { Row } from "../comparison/table.ts";

export interface StatusInput {
  readonly app: Application;
  readonly controllerNamespace: string;
  readonly rows: readonly Row[];
  /** undefined: the desired state could not be computed; what was known stays, the sync status is Unknown. */
  readonly desired: Desired | undefined;
  readonly conditions: readonly ApplicationCondition[];
  readonly operationState: OperationState | undefined;
  readonly history: readonly RevisionHistory[] | undefined;
  readonly nowMs: number;
  /** Whether this pass compared anew because of a refresh: `reconciledAt` moves then, as after an operation. */
  readonly refreshed: boolean;
  /** Each object's health stands in the status too. */
  readonly persistHealth?: boolean;
}

/** Takes the state of one application; returns the status to be written (the caller writes what changed of it). */
export function buildStatus(input: StatusInput): ApplicationStatus {
  const { app, rows } = input;
  const before = app.status;
  const time = rfc3339(input.nowMs);
  const sync = syncCode(input);
  const comparedTo: ComparedTo = {
    destination: app.spec.destination,
    ...(app.spec.source ? { source: app.spec.source } : {}),
    ...(app.spec.sources ? { sources: app.spec.sources } : {}),
    ...(app.spec.ignoreDifferences ? { ignoreDifferences: app.spec.ignoreDifferences } : {}),
  };
  const revisions = input.desired?.revisions;
  const multi = (app.spec.sources?.length ?? 0) > 0;
  const options = parseSyncOptions(app.spec.syncPolicy?.syncOptions);
  const health = healthFor(input, before?.health, time);
  const status: ApplicationStatus = {
    ...(input.history ? { history: input.history } : {}),
    sync: {
      status: sync,
      comparedTo,
      ...(revisions && !multi && revisions[0] !== undefined ? { revision: revisions[0] } : {}),
      ...(revisions && multi ? { revisions } : {}),
      ...(!revisions && before?.sync?.revision !== undefined ? { revision: before.sync.revision } : {}),
      ...(!revisions && before?.sync?.revisions !== undefined ? { revisions: before.sync.revisions } : {}),
    },
    health,
    resources: input.desired
      ? rows.map((row) => resourceStatus(row, { withHealth: input.persistHealth === true, options }))
      : (before?.resources ?? []),
    conditions: datedConditions(input.conditions, before?.conditions ?? [], time),
    summary: input.desired ? summaryOf(rows) : (before?.summary ?? {}),
    ...(input.persistHealth ? {} : { resourceHealthSource: "appTree" }),
    controllerNamespace: input.controllerNamespace,
    ...(input.desired && !multi && input.desired.sourceTypes[0] ? { sourceType: input.desired.sourceTypes[0] } : {}),
    ...(input.desired && multi ? { sourceTypes: input.desired.sourceTypes } : {}),
    ...(input.operationState ? { operationState: input.operationState } : {}),
  };
  const stamp = before?.reconciledAt;
  const ended = input.operationState?.finishedAt;
  const moved =
    input.refreshed ||
    stamp === undefined ||
    // Whoever waits for the end of an operation waits for the comparison after it, also where that finds nothing new.
    (ended !== undefined && Date.parse(stamp) < Date.parse(ended)) ||
    !sameJson(status.sync, before?.sync) ||
    !sameJson(status.resources, before?.resources);
  return { ...status, reconciledAt: moved ? time : stamp };
}

/**
 * The merge patch that turns the status on the server into the wanted one, or undefined where nothing but times differs.
 * `operation` is cleared with it where the operation has ended.
 */
export function statusPatch(
  app: Application,
  wanted: ApplicationStatus,
  extra: JsonObject | undefined,
): JsonObject | undefined {
  const before = (app.status ?? {}) as unknown as Json;
  const status = createMergePatch(before, wanted as unknown as Json);
  if (status === undefined && extra === undefined) return undefined;
  return { ...extra, ...(status === undefined ? {} : { status }) };
}

function syncCode(input: StatusInput): SyncStatusCode {
  if (!input.desired) return "Unknown";
  let code: SyncStatusCode = "Synced";
  for (const row of input.rows) {
    if (row.ignored || row.isHook || row.sync === "Synced") continue;
    if (row.sync === "Unknown") return "Unknown";
    code = "OutOfSync";
  }
  return code;
}

function healthFor(input: StatusInput, before: HealthStatus | undefined, time: string): HealthStatus {
  const status = input.desired ? aggregate(input.app, input.rows) : (before?.status ?? "Unknown");
  if (before?.status === status) return before;
  return { status, lastTransitionTime: time };
}

/** The application's health, from its rows; what is live and no longer in Git counts too, as in Argo CD. */
export function aggregate(app: Application, rows: readonly Row[]): HealthStatusCode {
  const members = rows.map((row): ApplicationMember => {
    const { group, kind, namespace, name } = row.key;
    const self =
      kind === "Application" &&
      group === "argoproj.io" &&
      name === app.metadata.name &&
      namespace === app.metadata.namespace;
    return {
      group,
      kind,
      self,
      hook: row.isHook,
      ...(row.live?.object ? { live: row.live.object } : {}),
      ...(row.health ? { health: row.health } : {}),
    };
  });
  return applicationHealth(members);
}

/** Whether a person has to approve that an object is pruned, or deleted with the application. */
function asksBeforeDeletion({ desired, live }: Row, base: ApplicationSyncOptions): boolean {
  return [desired?.object, live?.object].some((object) => {
    if (object === undefined) return false;
    const options = resourceSyncOptions(object, base);
    return options.prune === "confirm" || options.delete === "confirm";
  });
}

function resourceStatus(
  row: Row,
  { withHealth, options }: { readonly withHealth: boolean; readonly options: ApplicationSyncOptions },
): ResourceStatus {
  const { group, kind, namespace, name } = row.key;
  const version = row.desired ? parseApiVersion(row.desired.object.apiVersion).version : (row.live?.version ?? "");
  const wave = Number(row.desired?.object.metadata.annotations?.[annotation.syncWave] ?? 0);
  return {
    ...(group === "" ? {} : { group }),
    version,
    kind,
    ...(namespace === "" ? {} : { namespace }),
    name,
    ...(row.isHook ? { hook: true } : { status: row.sync }),
    ...(row.requiresPruning ? { requiresPruning: true } : {}),
    ...(asksBeforeDeletion(row, options) ? { requiresDeletionConfirmation: true } : {}),
    ...(Number.isSafeInteger(wave) && wave !== 0 ? { syncWave: wave } : {}),
    ...(withHealth && row.health && !row.isHook ? { health: row.health } : {}),
  };
}

function datedConditions(
  wanted: readonly ApplicationCondition[],
  before: readonly ApplicationCondition[],
  time: string,
): readonly ApplicationCondition[] {
  return wanted.map((condition) => {
    const known = before.find((other) => other.type === condition.type && other.message === condition.message);
    return known ?? { ...condition, lastTransitionTime: time };
  });
}

function summaryOf(rows: readonly Row[]): NonNullable<ApplicationStatus["summary"]> {
  const images = new Set<string>();
  const urls = new Set<string>();
  let isAppOfApps = false;
  for (const row of rows) {
    if (row.key.kind === "Application" && row.key.group === "argoproj.io") isAppOfApps = true;
    const object = row.live?.object ?? row.desired?.object;
    if (!object) continue;
    for (const image of imagesOf(object)) images.add(image);
    if (row.live?.object) for (const url of externalUrlsOf(row.live.object)) urls.add(url);
  }
  return {
    ...(images.size > 0 ? { images: [...images].sort() } : {}),
    ...(urls.size > 0 ? { externalURLs: [...urls].sort() } : {}),
    ...(isAppOfApps ? { isAppOfApps } : {}),
  };
}
