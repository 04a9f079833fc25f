// Carries out what core/sync decided: applies, prunes, deletes and releases hooks on a cluster, many at once. It decides
// nothing itself; each outcome comes back as a value.
import { DriftlessError, toError } from "#base/errors.ts";
import type { Operation as Op } from "#base/operation.ts";
import type { Clock } from "#base/ports.ts";
import { fieldManager, finalizer } from "#model/names.ts";
import { gvkOf, type KubernetesObject, type ObjectKey } from "#model/object.ts";
import type { SyncAction, SyncStep } from "#core/sync/progress.ts";
import type { SyncOutcome } from "#core/sync/results.ts";
import type { SyncTask } from "#core/sync/task.ts";
import { applyObject, kubectlName } from "#kube/apply.ts";
import type { ResourceType } from "#kube/types.ts";
import type { DestinationCluster } from "./deps.ts";
import { refusals } from "./rehearsal.ts";

/** How long a prune waits for the watch to tell of it. */
const deletionSeenMs = 1000;

export interface Executed {
  readonly outcomes: readonly SyncOutcome[];
  /** Hooks that could not be deleted or released, with the reason. */
  readonly undeleted: readonly { readonly task: SyncTask; readonly error: string }[];
}

interface Context {
  readonly cluster: DestinationCluster;
  readonly clock: Clock;
}

const servedWithinMs = 10_000;
const servedPollMs = 100;

/** Executes steps one after the other, the actions of a step side by side. */
export async function executeSteps(op: Op, context: Context, steps: readonly SyncStep[]): Promise<Executed> {
  const outcomes: SyncOutcome[] = [];
  const undeleted: { task: SyncTask; error: string }[] = [];
  for (const step of steps) {
    const done = await Promise.all(step.actions.map((action) => execute(op, context, action)));
    for (const result of done) {
      if ("error" in result) {
        if (result.error !== undefined) undeleted.push({ task: result.task, error: result.error });
      } else outcomes.push(result);
    }
    if (step.stopOnFailure && done.some((result) => "ok" in result && !result.ok)) break;
  }
  return { outcomes, undeleted };
}

async function execute(
  op: Op,
  context: Context,
  action: SyncAction,
): Promise<SyncOutcome | { task: SyncTask; error: string | undefined }> {
  const { task } = action;
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
        await releaseHook(op, context, action);
        return { task, error: undefined };
      } catch (thrown) {
        return { task, error: toError(thrown).message };
      }
  }
}

/** For objects of a kind that this sync has just defined: the cluster serves it a moment after it says so. */
async function onceServed(op: Op, { cluster, clock }: Context, work: () => Promise<string>): Promise<string> {
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

async function outcomeOf(task: SyncTask, dryRun: boolean, work: () => Promise<string>): Promise<SyncOutcome> {
  try {
    return { task, ok: true, message: await work(), ...(dryRun ? { dryRun } : {}) };
  } catch (thrown) {
    const error = toError(thrown);
    if (error.code === "CANCELLED") throw error;
    return { task, ok: false, message: error.message, ...(dryRun ? { dryRun } : {}) };
  }
}

/** Asks the cluster by dry runs which of these tasks it would refuse. */
export function rehearse(op: Op, context: Context, tasks: readonly SyncTask[]): Promise<readonly SyncOutcome[]> {
  return refusals(tasks, (task) => apply(op, context, task, true));
}

async function typeFor(op: Op, cluster: DestinationCluster, object: KubernetesObject): Promise<ResourceType> {
  const gvk = gvkOf(object);
  const type = cluster.typeOf(gvk) ?? (await cluster.client.discovery.find(op, gvk));
  if (!type)
    throw new DriftlessError("KIND_UNKNOWN", `the cluster does not know the kind ${object.apiVersion} ${object.kind}`);
  return type;
}

async function apply(op: Op, { cluster, clock }: Context, task: SyncTask, dryRun: boolean): Promise<string> {
  const object = task.desired!;
  const { options } = task;
  const method = options.replace ? "replace" : options.serverSideApply ? "server-side" : "apply";
  const entry = cluster.cache.get(task.key);
  // Comparing found nothing to change with the very object that is live: kubectl would send an empty patch, so none is sent.
  if (task.unchanged && method === "apply" && entry?.resourceVersion === task.live?.metadata.resourceVersion)
    return `${kubectlName(object)} unchanged`;
  const type = await typeFor(op, cluster, object);
  const live = entry === undefined ? (cluster.typeOf(gvkOf(object)) ? null : undefined) : entry.object;
  const result = await applyObject(
    op,
    cluster.client,
    { type, object },
    {
      clock,
      fieldManager,
      method,
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

function refOf(key: ObjectKey): { namespace?: string; name: string } {
  return key.namespace === "" ? { name: key.name } : { namespace: key.namespace, name: key.name };
}

async function prune(
  op: Op,
  { cluster, clock }: Context,
  action: Extract<SyncAction, { type: "prune" }>,
): Promise<string> {
  const { task } = action;
  const live = task.live!;
  const type = await typeFor(op, cluster, live);
  try {
    await cluster.client.delete(op, type, refOf(task.key), {
      propagationPolicy: action.propagation,
      ...(live.metadata.uid === undefined ? {} : { uid: live.metadata.uid }),
      ...(action.dryRun ? { dryRun: true } : {}),
    });
  } catch (thrown) {
    // Another object stands there by now, which nobody asked to prune.
    if (toError(thrown).code !== "CONFLICT") throw thrown;
  }
  if (action.dryRun) return "pruned (dry run)";
  await goneFromCache(cluster, task, clock);
  return "pruned";
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

/** Takes our finalizer from a hook's object and, where the hook is to go, deletes it. */
async function releaseHook(
  op: Op,
  { cluster }: Context,
  action: Extract<SyncAction, { type: "delete-hook" | "release-hook" }>,
): Promise<void> {
  const { object, task } = action;
  const type = await typeFor(op, cluster, object);
  const ref = refOf(task.key);
  if (action.type === "delete-hook" && object.metadata.deletionTimestamp === undefined) {
    const uid = object.metadata.uid;
    await cluster.client
      .delete(op, type, ref, { propagationPolicy: "Background", ...(uid === undefined ? {} : { uid }) })
      .catch((thrown: unknown) => {
        if (toError(thrown).code !== "CONFLICT") throw thrown;
      });
  }
  const held = object.metadata.finalizers ?? [];
  if (!held.includes(finalizer.hook)) return;
  const finalizers = held.filter((name) => name !== finalizer.hook);
  try {
    const left = await cluster.client.patch(op, type, ref, {
      type: "merge",
      body: { metadata: { uid: object.metadata.uid, finalizers } },
    });
    cluster.cache.observe(left);
  } catch (thrown) {
    const { code } = toError(thrown);
    if (code !== "NOT_FOUND" && code !== "CONFLICT") throw thrown;
  }
}
