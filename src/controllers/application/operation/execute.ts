// Carries out what core/sync decided: applies, prunes, deletes and releases hooks on a cluster, many at once. It decides
// nothing itself; each outcome comes back as a value.
import { DriftlessError, toError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { Clock, Random } from "#base/ports.ts";
import { fieldManager } from "#model/names.ts";
import { gvkOf, type KubernetesObject, type ObjectKey } from "#model/object.ts";
import { keepHookFinalizers } from "#core/sync/deletion.ts";
import type { SyncAction, SyncStep } from "#core/sync/progress.ts";
import type { SyncOutcome } from "#core/sync/results.ts";
import type { SyncTask } from "#core/sync/task.ts";
import { applyObject, kubectlName, type ApplyOptions } from "#kube/apply.ts";
import type { ObjectClient, ResourceType } from "#kube/types.ts";
import { atOnce } from "./at-once.ts";
import type { DestinationCluster } from "../deps.ts";
import { refusals } from "./rehearsal.ts";
import { refOf, releaseHook, removeOwned, type RemovalContext } from "../deletion/removal.ts";

/** How long a prune waits for the watch to tell of it. */
const deletionSeenMs = 1000;

/** How many requests of one application are under way at once: its cluster has room for others beside it. */
const actionsAtOnce = 32;

export interface Executed {
  readonly outcomes: readonly SyncOutcome[];
  /** It was broken off: what is not among the outcomes may have been done or not. */
  readonly cancelled: boolean;
  /** Hooks that could not be deleted or released, with the reason. */
  readonly undeleted: readonly { readonly task: SyncTask; readonly error: string }[];
}

export interface ExecuteContext extends Omit<RemovalContext, "cache"> {
  readonly cluster: DestinationCluster;
  /** Whose name the requests are sent in. */
  readonly client: ObjectClient;
  readonly clock: Clock;
  readonly random: Random;
  /** Whose fields a server-side apply takes over, beside kubectl's client-side ones. */
  readonly migrationManager?: string;
  /** Why the project no longer permits an object of the plan; undefined where it does. */
  forbids(key: ObjectKey): string | undefined;
  /** The object to send where ignored fields keep their live value. */
  respected(op: Op, task: SyncTask, live: KubernetesObject): Promise<KubernetesObject>;
}

/** kubectl's own name for what it applies client-side. */
const clientSideManager = "kubectl-client-side-apply";
const servedWithinMs = 10_000;
const servedPollMs = 100;

/** Executes steps one after the other, the actions of a step side by side. */
export async function executeSteps(op: Op, context: ExecuteContext, steps: readonly SyncStep[]): Promise<Executed> {
  const outcomes: SyncOutcome[] = [];
  const undeleted: { task: SyncTask; error: string }[] = [];
  for (const step of steps) {
    const done = await atOnce(actionsAtOnce, step.actions, (action) => unlessCancelled(op, context, action));
    for (const result of done) {
      if (result === undefined) continue;
      if ("error" in result) {
        if (result.error !== undefined) undeleted.push({ task: result.task, error: result.error });
      } else outcomes.push(result);
    }
    if (done.includes(undefined)) return { outcomes, undeleted, cancelled: true };
    if (step.stopOnFailure && done.some((result) => result !== undefined && "ok" in result && !result.ok)) break;
  }
  return { outcomes, undeleted, cancelled: false };
}

/** What was done, in words; or why it was left undone, which is no failure. */
type Said = string | { readonly kept: string };
type Done = SyncOutcome | { task: SyncTask; error: string | undefined };

/** undefined: broken off. What others came to is not lost by it. */
async function unlessCancelled(op: Op, context: ExecuteContext, action: SyncAction): Promise<Done | undefined> {
  if (op.signal.aborted) return undefined;
  try {
    return await execute(op, context, action);
  } catch (thrown) {
    if (toError(thrown).code === "CANCELLED") return undefined;
    throw thrown;
  }
}

async function execute(op: Op, context: ExecuteContext, action: SyncAction): Promise<Done> {
  const { task } = action;
  const forbidden = action.type === "apply" || action.type === "prune" ? context.forbids(task.key) : undefined;
  if (forbidden !== undefined) return { task, ok: false, message: forbidden };
  switch (action.type) {
    case "apply":
      return outcomeOf(task, action.dryRun, () =>
        task.definition && !action.dryRun
          ? onceServed(op, context, () => apply(op, context, task, action.dryRun))
          : apply(op, context, task, action.dryRun),
      );
    case "prune":
      return outcomeOf(task, action.dryRun, () => prune(op, context, action));
    case "delete-hook":
    case "release-hook":
      try {
        await letGo(op, context, action);
        return { task, error: undefined };
      } catch (thrown) {
        const error = toError(thrown);
        if (error.code === "CANCELLED") throw error;
        return { task, error: error.message };
      }
  }
}

/** For objects of a kind that this sync has just defined: the cluster serves it a moment after it says so. */
async function onceServed(op: Op, { cluster, clock }: ExecuteContext, work: () => Promise<string>): Promise<string> {
  const until = clock.monotonic() + servedWithinMs;
  for (;;) {
    try {
      return await work();
    } catch (thrown) {
      const { code, message } = toError(thrown);
      const unserved = code === "KIND_UNKNOWN" || (code === "NOT_FOUND" && /404 page|could not find the/.test(message));
      if (!unserved || clock.monotonic() > until) throw thrown;
    }
    await new Promise<void>((resolve) => clock.after(servedPollMs, resolve));
    op.signal.throwIfAborted();
    cluster.client.discovery.invalidate();
  }
}

async function outcomeOf(task: SyncTask, dryRun: boolean, work: () => Promise<Said>): Promise<SyncOutcome> {
  try {
    const done = await work();
    const said = typeof done === "string" ? { message: done } : { message: done.kept, kept: true };
    return { task, ok: true, ...said, ...(dryRun ? { dryRun } : {}) };
  } catch (thrown) {
    const error = toError(thrown);
    if (error.code === "CANCELLED") throw error;
    return { task, ok: false, message: error.message, ...(dryRun ? { dryRun } : {}) };
  }
}

/** Asks the cluster by dry runs which of these tasks it would refuse. */
export function rehearse(op: Op, context: ExecuteContext, tasks: readonly SyncTask[]): Promise<readonly SyncOutcome[]> {
  return refusals(tasks, (task) => apply(op, context, task, true), actionsAtOnce);
}

async function typeFor(op: Op, cluster: DestinationCluster, object: KubernetesObject): Promise<ResourceType> {
  const gvk = gvkOf(object);
  const type = cluster.typeOf(gvk) ?? (await cluster.client.discovery.find(op, gvk));
  if (!type)
    throw new DriftlessError("KIND_UNKNOWN", `the cluster does not know the kind ${object.apiVersion} ${object.kind}`);
  return type;
}

async function apply(op: Op, context: ExecuteContext, task: SyncTask, dryRun: boolean): Promise<string> {
  const { cluster, clock, random } = context;
  const { options } = task;
  const method = options.replace ? "replace" : options.serverSideApply ? "server-side" : "apply";
  const entry = cluster.cache.get(task.key);
  // Comparing found nothing to change with the very object that is live: kubectl would send an empty patch, so none is sent.
  if (task.unchanged && method === "apply" && entry?.resourceVersion === task.live?.metadata.resourceVersion)
    return `${kubectlName(task.desired!)} unchanged`;
  const wanted =
    options.respectIgnoreDifferences && entry?.object ? await context.respected(op, task, entry.object) : task.desired!;
  const object = entry?.object ? keepHookFinalizers(wanted, entry.object) : wanted;
  const type = await typeFor(op, cluster, object);
  const live = entry === undefined ? (cluster.typeOf(gvkOf(object)) ? null : undefined) : entry.object;
  const result = await applyObject(
    op,
    context.client,
    { type, object },
    {
      clock,
      random,
      fieldManager,
      method,
      ...migrationOf(context, task),
      force: options.force,
      validate: options.validate,
      propagationPolicy: options.prunePropagationPolicy,
      schema: cluster.schemaOf(object),
      ...(live === undefined ? {} : { live }),
      ...(dryRun ? { dryRun: "server" as const } : {}),
    },
  );
  if (result.object && !dryRun) cluster.cache.observe(result.object);
  return dryRun ? `${result.message} (dry run)` : result.message;
}

/** Managers of client-side applies, our own from before among them, give their fields to the server-side one. */
function migrationOf({ migrationManager }: ExecuteContext, { options }: SyncTask): Partial<ApplyOptions> {
  if (!options.serverSideApply || !options.clientSideApplyMigration) return {};
  return {
    migrateFrom: [clientSideManager, fieldManager, ...(migrationManager === undefined ? [] : [migrationManager])],
    ...(migrationManager === undefined ? {} : { migrateAlways: true }),
  };
}

async function prune(op: Op, context: ExecuteContext, action: Extract<SyncAction, { type: "prune" }>): Promise<Said> {
  const { cluster, clock } = context;
  const { task } = action;
  const live = task.live!;
  const type = await typeFor(op, cluster, live);
  const { uid, resourceVersion } = live.metadata;
  const outcome = await removeOwned(
    op,
    { ...context, cache: cluster.cache },
    { type, key: task.key, uid, resourceVersion },
    { propagationPolicy: action.propagation, ...(action.dryRun ? { dryRun: true } : {}) },
  );
  if (outcome === "another's") return { kept: "ignored (it belongs to another application now)" };
  if (action.dryRun) return "pruned (dry run)";
  await goneFromCache(cluster, task, clock);
  return "pruned";
}

/** Takes our finalizer from a hook's object and, where the hook is to go, deletes it. */
async function letGo(
  op: Op,
  context: ExecuteContext,
  action: Extract<SyncAction, { type: "delete-hook" | "release-hook" }>,
): Promise<void> {
  const { client, cluster } = context;
  const { object, task } = action;
  const type = await typeFor(op, cluster, object);
  if (action.type === "delete-hook" && object.metadata.deletionTimestamp === undefined) {
    const uid = object.metadata.uid;
    await client
      .delete(op, type, refOf(task.key), { propagationPolicy: "Background", ...(uid === undefined ? {} : { uid }) })
      .catch((thrown: unknown) => {
        if (toError(thrown).code !== "CONFLICT") throw thrown;
      });
  }
  await releaseHook(op, { client, cache: cluster.cache }, { type, key: task.key, object });
}

/** Waits a moment until the live state shows the deletion, so that what follows is not decided on what was. */
function goneFromCache(cluster: DestinationCluster, task: SyncTask, clock: Clock): Promise<void> {
  const gone = (): boolean => {
    const entry = cluster.cache.get(task.key);
    return entry === undefined || entry.deleting === true || entry.uid !== task.live?.metadata.uid;
  };
  if (gone()) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      stop();
      cancel();
      resolve();
    };
    const stop = cluster.cache.subscribe(() => {
      if (gone()) end();
    });
    const cancel = clock.after(deletionSeenMs, end);
  });
}
