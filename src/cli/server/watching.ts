// Waits until an application is as wished: operation ended, synced, healthy. Shared by sync, wait and rollback. The
// conditions are those of argocd's `app wait`; they are pure, and the waiting is one loop around them.
import { DriftlessError, toError } from "#base/errors.ts";
import type { Application, OperationState } from "#model/application.ts";
import type { ApiClient, AppRef } from "./api.ts";
import { written } from "../names.ts";
import type { Context } from "../context.ts";
import type { ResourceFilter } from "../flags/resources.ts";
import { printApplication } from "../show.ts";
import { operationText, qualifiedName, resourceStates, summary } from "../view/application.ts";
import { createProgress } from "../view/progress.ts";

export interface Conditions {
  readonly sync?: boolean;
  readonly health?: boolean;
  readonly operation?: boolean;
  readonly suspended?: boolean;
  readonly degraded?: boolean;
  readonly delete?: boolean;
}

export interface WaitRequest {
  readonly ref: AppRef;
  readonly conditions: Conditions;
  readonly resources?: readonly ResourceFilter[];
  /** 0: no limit. */
  readonly timeoutMs: number;
  readonly output: string;
  /** What a write answered: older states are not looked at. */
  readonly after?: Application;
}

/** Whether an operation is requested, runs, or has ended without the application having been compared since. */
export function operationInProgress(app: Application): boolean {
  if (app.operation !== undefined) return true;
  const state = app.status?.operationState;
  if (!state) return false;
  if (state.finishedAt === undefined) return true;
  if (state.operation.sync?.dryRun) return false;
  const compared = app.status?.reconciledAt;
  return compared === undefined || Date.parse(compared) < Date.parse(state.finishedAt);
}

/** Whether the application, or each of the chosen resources, is as wished. */
export function isMet(app: Application, conditions: Conditions, resources: readonly ResourceFilter[] = []): boolean {
  if (conditions.delete) return false;
  if (conditions.operation && operationInProgress(app)) return false;
  const subjects =
    resources.length > 0
      ? resourceStates(app, resources)
      : [{ status: app.status?.sync?.status ?? "", health: app.status?.health?.status ?? "" }];
  const healths = [
    ...(conditions.health ? ["Healthy"] : []),
    ...(conditions.suspended ? ["Suspended"] : []),
    ...(conditions.degraded ? ["Degraded"] : []),
  ];
  return subjects.every(
    ({ status, health }) =>
      (!conditions.sync || status === "Synced") && (healths.length === 0 || healths.includes(health)),
  );
}

export interface Waited {
  readonly app: Application | undefined;
  readonly operation: OperationState | undefined;
}

/** How often it is asked what is waited for: pods say more without a change of the application. */
const waitingEveryMs = 2000;

/**
 * Shows progress until the conditions are met, then prints the application. Errors: DEADLINE_EXCEEDED after
 * `timeoutMs`; FAILED_PRECONDITION where health is waited for and a resource becomes Degraded.
 */
export async function waitFor(context: Context, api: ApiClient, request: WaitRequest): Promise<Waited> {
  const { op, clock, out, paint } = context;
  const quiet = request.output === "json" || request.output === "yaml";
  const progress = createProgress({ out, err: context.err, paint, clock, quiet });
  const late = new AbortController();
  const cancel = request.timeoutMs > 0 ? clock.after(request.timeoutMs, () => late.abort()) : undefined;
  const signal = AbortSignal.any([op.signal, late.signal]);
  let last: Application | undefined;
  try {
    const healths = new Map<string, string>();
    // One resource can change its health without a change of the application: so it is looked at from time to time.
    const everyMs = (request.resources?.length ?? 0) > 0 ? 1000 : quiet ? 0 : waitingEveryMs;
    for await (const event of api.applications.follow({ ...op, signal }, request.ref, { everyMs })) {
      const app = await api.applications.withHealth({ ...op, signal }, request.ref, event.application);
      if (event.type === "DELETED") return deleted(context, app, request, () => progress.end());
      if (isOlder(app, request.after)) continue;
      last = app;
      const states = resourceStates(app, request.resources);
      const met = isMet(app, request.conditions, request.resources);
      // What a write of ours did is shown, also where it was done before we could look.
      if (met && request.after) progress.show({ app, states, waiting: [] });
      if (met) {
        progress.end();
        await printFinal(context, api, { app, request });
        return { app, operation: app.status?.operationState };
      }
      const waiting = quiet ? [] : (await api.applications.waiting({ ...op, signal }, request.ref)).waitingFor;
      progress.show({ app, states, waiting });
      for (const state of states) {
        const key = `${state.group}/${state.kind}/${state.namespace}/${state.name}`;
        const before = healths.get(key);
        healths.set(key, state.health);
        const worse =
          before !== undefined && !["", "Unknown", "Degraded"].includes(before) && state.health === "Degraded";
        if (!request.conditions.health || request.conditions.degraded || !worse) continue;
        progress.end();
        await printFinal(context, api, { app, request });
        throw new DriftlessError(
          "FAILED_PRECONDITION",
          `application '${written(request.ref)}' health state has transitioned from ${before} to Degraded: ${state.kind} ${state.name}`,
        );
      }
    }
    throw new DriftlessError("CANCELLED", "the command was interrupted");
  } catch (thrown) {
    progress.end();
    if (!late.signal.aborted || op.signal.aborted) throw deletedAlready(thrown, request);
    if (last) {
      if (!quiet) out.line("\nThis is the state of the app after `wait` timed out:");
      await printFinal(context, api, { app: last, request });
    }
    throw new DriftlessError(
      "DEADLINE_EXCEEDED",
      `timed out (${request.timeoutMs / 1000}s) waiting for app "${written(request.ref)}" match desired state`,
    );
  } finally {
    cancel?.();
  }
}

function deletedAlready(thrown: unknown, request: WaitRequest): DriftlessError {
  const error = toError(thrown);
  if (error.code === "NOT_FOUND" && request.conditions.delete)
    return new DriftlessError("NOT_FOUND", `application '${written(request.ref)}' does not exist (any more)`);
  return error;
}

function deleted(context: Context, app: Application, request: WaitRequest, end: () => void): Waited {
  end();
  if (!request.conditions.delete)
    throw new DriftlessError("NOT_FOUND", `application '${qualifiedName(app)}' was deleted meanwhile`);
  context.out.line(`Application '${qualifiedName(app)}' deleted`);
  return { app: undefined, operation: undefined };
}

function isOlder(app: Application, after: Application | undefined): boolean {
  const [now, then] = [Number(app.metadata.resourceVersion), Number(after?.metadata.resourceVersion)];
  return now < then;
}

async function printFinal(
  context: Context,
  api: ApiClient,
  what: { readonly app: Application; readonly request: WaitRequest },
): Promise<void> {
  const { app, request } = what;
  if (request.output !== "json" && request.output !== "yaml") {
    const windows = await api.applications.windows(context.op, request.ref);
    context.out.write(`\n${summary(app, api.url, windows)}\n`);
    const operation = app.status?.operationState;
    if (request.conditions.operation && operation) context.out.write(operationText(operation, context.clock.now()));
  }
  await printApplication(context, api, { ref: request.ref, app, output: request.output });
}
