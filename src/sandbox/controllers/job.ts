// Jobs: pods that run to completion. Source: Kubernetes, "Jobs". Pod failure and success policies are not followed.
import type { KubernetesObject } from "#model/object.ts";
import { keyOf } from "#model/object.ts";
import type { Context, Controller } from "./support/controller.ts";
import { controlledBy, itself, splitKey } from "./support/controller.ts";
import {
  conditionOf,
  controlled,
  controllerOf,
  deleting,
  kinds,
  nowText,
  remove,
  timeOf,
  writeStatus,
  type Condition,
  type Pod,
  type PodTemplate,
} from "./support/objects.ts";
import { isActive, isFinished, isReady, podFrom } from "./support/pods.ts";
import { formatIndexes, parseIndexes } from "./job/indexes.ts";
import { randomSuffix } from "./support/hash.ts";

const source = "job-controller";
const tracking = "batch.kubernetes.io/job-tracking";
const indexName = "batch.kubernetes.io/job-completion-index";

export interface Job extends KubernetesObject {
  readonly spec: {
    readonly parallelism?: number;
    readonly completions?: number;
    readonly completionMode?: "Indexed" | "NonIndexed";
    readonly backoffLimit?: number;
    readonly activeDeadlineSeconds?: number;
    readonly ttlSecondsAfterFinished?: number;
    readonly suspend?: boolean;
    readonly template: PodTemplate;
  };
  readonly status?: JobStatus;
}

interface JobStatus {
  readonly startTime?: string;
  readonly completionTime?: string;
  readonly conditions?: readonly Condition[];
  readonly active?: number;
  readonly ready?: number;
  readonly terminating?: number;
  readonly succeeded?: number;
  readonly failed?: number;
  readonly completedIndexes?: string;
  readonly uncountedTerminatedPods?: object;
}

interface Verdict {
  readonly type: "Complete" | "Failed";
  readonly reason: string;
  readonly message: string;
}

/** One pass over one Job, with what it counted. */
interface Pass {
  readonly context: Context;
  readonly job: Job;
  pods: Pod[];
  readonly newlyFinished: readonly Pod[];
  readonly succeeded: number;
  readonly failed: number;
  readonly indexes: ReadonlySet<number>;
}

export function jobController(context: Context): Controller {
  return {
    name: source,
    watches: [itself(kinds.job), controlledBy(kinds.pod, kinds.job)],
    reconcile: (key) => {
      const [namespace, name] = splitKey(key);
      const job = context.client.get(kinds.job, namespace, name) as Job | undefined;
      if (job === undefined) {
        // Pods whose Job went first must not be held by its finalizer.
        const selector = { matchLabels: { "batch.kubernetes.io/job-name": name } };
        for (const pod of context.pods.select(namespace, selector)) {
          const owner = controllerOf(pod);
          if (owner?.kind !== "Job" || context.client.byUid(owner.uid) === undefined) releasePod(context, pod as Pod);
        }
        return undefined;
      }
      const finished = outcomeOf(job);
      if (finished !== undefined || deleting(job)) {
        for (const pod of controlled<Pod>(context, job, kinds.pod)) releasePod(context, pod);
        return finished === undefined || deleting(job) ? undefined : expire(context, job, finished);
      }
      return reconcile(countUp(context, job));
    },
  };
}

export function outcomeOf(job: KubernetesObject): Condition | undefined {
  const status = (job as Job).status;
  return ["Complete", "Failed"].map((type) => conditionOf(status, type)).find((each) => each?.status === "True");
}

/** Removes a finished Job when its time to live is over. */
function expire(context: Context, job: Job, finished: Condition): number | undefined {
  const seconds = job.spec.ttlSecondsAfterFinished;
  if (seconds === undefined) return undefined;
  const dueMs = timeOf(finished.lastTransitionTime) + seconds * 1000;
  const nowMs = context.clock.now();
  if (dueMs > nowMs) return dueMs - nowMs;
  context.client.delete(keyOf(job), { propagationPolicy: "Foreground", uid: job.metadata.uid ?? "" });
  return undefined;
}

function indexOf(pod: Pod): number {
  return Number(pod.metadata.annotations?.[indexName] ?? -1);
}

/** A finished pod counts once: while it still carries the tracking finalizer. */
function countUp(context: Context, job: Job): Pass {
  const pods = controlled<Pod>(context, job, kinds.pod);
  const newlyFinished = pods.filter((pod) => isFinished(pod) && pod.metadata.finalizers?.includes(tracking) === true);
  const indexes = parseIndexes(job.status?.completedIndexes ?? "");
  const isIndexed = job.spec.completionMode === "Indexed";
  let { succeeded = 0, failed = 0 } = job.status ?? {};
  for (const pod of newlyFinished) {
    if (pod.status?.phase === "Failed") failed++;
    else if (isIndexed) indexes.add(indexOf(pod));
    else succeeded++;
  }
  return { context, job, pods, newlyFinished, succeeded: isIndexed ? indexes.size : succeeded, failed, indexes };
}

function reconcile(pass: Pass): number | undefined {
  const { context, job } = pass;
  const nowMs = context.clock.now();
  const startTime = job.spec.suspend === true ? undefined : (job.status?.startTime ?? nowText(context));
  const verdict = earlierVerdict(job) ?? judge(pass, startTime);
  let again: number | undefined;
  if (verdict !== undefined || job.spec.suspend === true) {
    for (const pod of pass.pods.filter(isActive)) removePod(pass, pod);
  } else again = manage(pass);
  pass.pods = controlled<Pod>(context, job, kinds.pod);
  const written = updateStatus(pass, startTime, verdict);
  for (const pod of pass.newlyFinished) releasePod(context, pod);
  const { activeDeadlineSeconds } = job.spec;
  if (activeDeadlineSeconds !== undefined && startTime !== undefined && verdict === undefined) {
    const left = Math.max(0, timeOf(startTime) + activeDeadlineSeconds * 1000 - nowMs);
    again = Math.min(again ?? left, left);
  }
  const finished = outcomeOf(written);
  return finished === undefined ? again : expire(context, written, finished);
}

/** What was decided in an earlier pass, while its pods still end. */
function earlierVerdict(job: Job): Verdict | undefined {
  for (const [target, type] of [
    ["FailureTarget", "Failed"],
    ["SuccessCriteriaMet", "Complete"],
  ] as const) {
    const found = conditionOf(job.status, target);
    if (found?.status === "True") return { type, reason: found.reason ?? "", message: found.message ?? "" };
  }
  return undefined;
}

function judge(pass: Pass, startTime: string | undefined): Verdict | undefined {
  const { job, context } = pass;
  const limit = job.spec.backoffLimit ?? 6;
  if (pass.failed > limit || restartsExceed(pass, limit)) {
    const message = "Job has reached the specified backoff limit";
    return { type: "Failed", reason: "BackoffLimitExceeded", message };
  }
  const deadline = job.spec.activeDeadlineSeconds;
  const dueMs = deadline === undefined || startTime === undefined ? Infinity : timeOf(startTime) + deadline * 1000;
  if (dueMs <= context.clock.now()) {
    const message = "Job was active longer than specified deadline";
    return { type: "Failed", reason: "DeadlineExceeded", message };
  }
  const { completions } = job.spec;
  const active = pass.pods.filter(isActive).length;
  const enough = completions === undefined ? pass.succeeded > 0 && active === 0 : pass.succeeded >= completions;
  if (!enough) return undefined;
  return { type: "Complete", reason: "CompletionsReached", message: "Reached expected number of succeeded pods" };
}

/** Pods that restart their containers in place use up the limit by restarts. */
function restartsExceed({ job, pods }: Pass, limit: number): boolean {
  if (job.spec.template.spec.restartPolicy !== "OnFailure") return false;
  let restarts = 0;
  for (const pod of pods.filter(isActive)) {
    for (const { restartCount } of pod.status?.containerStatuses ?? []) restarts += restartCount;
  }
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

/** Creates or removes pods up to the parallelism; returns milliseconds until failed ones may be replaced. */
function manage(pass: Pass): number | undefined {
  const { job } = pass;
  const active = pass.pods.filter(isActive);
  const { parallelism = 1, completions } = job.spec;
  const left = completions === undefined ? Infinity : completions - pass.succeeded;
  const wanted = completions === undefined && pass.succeeded > 0 ? active.length : Math.min(parallelism, left);
  for (const pod of active.slice(0, Math.max(0, active.length - wanted))) removePod(pass, pod);
  if (active.length >= wanted) return undefined;
  const waitMs = backOffMs(pass);
  if (waitMs > 0) return waitMs;
  if (job.spec.completionMode !== "Indexed") {
    for (let i = active.length; i < wanted; i++) createPod(pass, undefined);
    return undefined;
  }
  const taken = new Set(active.map(indexOf));
  let missing = wanted - active.length;
  for (let index = 0; index < (completions ?? 0) && missing > 0; index++) {
    if (taken.has(index) || pass.indexes.has(index)) continue;
    createPod(pass, index);
    missing--;
  }
  return undefined;
}

function backOffMs({ context, pods, failed }: Pass): number {
  if (failed === 0) return 0;
  let lastMs = 0;
  for (const pod of pods) {
    if (pod.status?.phase !== "Failed") continue;
    const ended = pod.status.containerStatuses?.map((each) => timeOf(each.state?.terminated?.finishedAt)) ?? [];
    lastMs = Math.max(lastMs, ...ended);
  }
  const { backOffMs, maxBackOffMs } = context.timings;
  const delay = Math.min(backOffMs * 2 ** (failed - 1), maxBackOffMs * 2);
  return lastMs === 0 ? 0 : Math.max(0, lastMs + delay - context.clock.now());
}

function createPod(pass: Pass, index: number | undefined): void {
  const { context, job } = pass;
  const { name = "", uid = "" } = job.metadata;
  const prefix = "batch.kubernetes.io/";
  const labels = {
    [`${prefix}controller-uid`]: uid,
    [`${prefix}job-name`]: name,
    "controller-uid": uid,
    "job-name": name,
    ...(index === undefined ? {} : { [indexName]: String(index) }),
  };
  const base = index === undefined ? `${name}-` : `${name}-${index}-`;
  const pod = podFrom(context, job, job.spec.template, { name: `${base}${randomSuffix(context.random)}`, labels });
  const metadata = {
    ...pod.metadata,
    generateName: base,
    finalizers: [...(pod.metadata.finalizers ?? []), tracking],
    ...(index === undefined ? {} : { annotations: { ...pod.metadata.annotations, [indexName]: String(index) } }),
  };
  const spec = index === undefined ? pod.spec : indexed(pod.spec, `${name}-${index}`);
  const created = context.client.create({ ...pod, metadata, spec });
  context.events.normal(job, source, "SuccessfulCreate", `Created pod: ${created.metadata.name}`);
}

function indexed(spec: PodTemplate["spec"], hostname: string): PodTemplate["spec"] {
  const fieldPath = `metadata.labels['${indexName}']`;
  const variable = { name: "JOB_COMPLETION_INDEX", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath } } };
  const containers = spec.containers.map((container) => {
    const env = (container as { readonly env?: readonly object[] }).env ?? [];
    return { ...container, env: [...env, variable] };
  });
  return { ...spec, hostname, containers };
}

function removePod({ context, job }: Pass, pod: Pod): void {
  releasePod(context, pod);
  remove(context, pod);
  context.events.normal(job, source, "SuccessfulDelete", `Deleted pod: ${pod.metadata.name}`);
}

function releasePod(context: Context, pod: Pod): void {
  if (pod.metadata.finalizers?.includes(tracking) !== true) return;
  const { namespace = "", name = "" } = pod.metadata;
  const present = context.client.get(kinds.pod, namespace, name);
  if (present === undefined) return;
  const finalizers = (present.metadata.finalizers ?? []).filter((each) => each !== tracking);
  const { finalizers: _, ...rest } = present.metadata;
  context.client.update({ ...present, metadata: finalizers.length === 0 ? rest : { ...rest, finalizers } });
}

function updateStatus(pass: Pass, startTime: string | undefined, verdict: Verdict | undefined): Job {
  const { context, job, pods } = pass;
  const now = nowText(context);
  const active = pods.filter(isActive);
  const terminating = pods.filter((pod) => deleting(pod) && !isFinished(pod)).length;
  const before = job.status?.conditions ?? [];
  const conditions = [...suspension(pass, before, now)];
  const set = (type: string, { reason, message }: Verdict): void => {
    if (conditions.some((each) => each.type === type)) return;
    conditions.push({ type, status: "True", lastProbeTime: now, lastTransitionTime: now, reason, message });
  };
  if (verdict !== undefined) {
    set(verdict.type === "Failed" ? "FailureTarget" : "SuccessCriteriaMet", verdict);
    if (active.length === 0 && terminating === 0) set(verdict.type, verdict);
  }
  const finished = conditions.some((each) => each.type === "Complete" || each.type === "Failed");
  const completed = conditions.some((each) => each.type === "Complete");
  const completedIndexes = formatIndexes(pass.indexes);
  const status: JobStatus = {
    ...(conditions.length === 0 ? {} : { conditions }),
    ...(startTime === undefined ? {} : { startTime }),
    ...(completed ? { completionTime: now } : {}),
    ...(active.length === 0 || finished ? {} : { active: active.length }),
    ready: active.filter(isReady).length,
    terminating,
    ...(pass.succeeded === 0 ? {} : { succeeded: pass.succeeded }),
    ...(pass.failed === 0 ? {} : { failed: pass.failed }),
    ...(completedIndexes === "" ? {} : { completedIndexes }),
    uncountedTerminatedPods: {},
  };
  const written = writeStatus(context, job, status);
  if (finished && verdict?.type === "Complete") context.events.normal(job, source, "Completed", "Job completed");
  else if (finished && verdict !== undefined) context.events.warning(job, source, verdict.reason, verdict.message);
  return written;
}

function suspension({ context, job }: Pass, before: readonly Condition[], now: string): readonly Condition[] {
  const suspended = before.find((each) => each.type === "Suspended");
  const wanted = job.spec.suspend === true;
  if (wanted === (suspended?.status === "True")) return before;
  const [reason, message] = wanted ? ["JobSuspended", "Job suspended"] : ["JobResumed", "Job resumed"];
  context.events.normal(job, source, wanted ? "Suspended" : "Resumed", message);
  const next: Condition = {
    type: "Suspended",
    status: wanted ? "True" : "False",
    lastProbeTime: now,
    lastTransitionTime: now,
    reason,
    message,
  };
  return [...before.filter((each) => each.type !== "Suspended"), next];
}
