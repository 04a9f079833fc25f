// CronJobs: a Job at each time of a schedule. Source: Kubernetes, "CronJob".
import { Cron } from "croner";
import { rfc3339 } from "#base/ports.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { Context, Controller } from "./support/controller.ts";
import { controlledBy, itself, splitKey } from "./support/controller.ts";
import { controlled, deleting, kinds, ownerRefTo, remove, timeOf, writeStatus } from "./support/objects.ts";
import { outcomeOf, type Job } from "./job.ts";

const source = "cronjob-controller";

interface CronJob extends KubernetesObject {
  readonly spec: {
    readonly schedule: string;
    readonly timeZone?: string;
    readonly suspend?: boolean;
    readonly concurrencyPolicy?: "Allow" | "Forbid" | "Replace";
    readonly startingDeadlineSeconds?: number;
    readonly successfulJobsHistoryLimit?: number;
    readonly failedJobsHistoryLimit?: number;
    readonly jobTemplate: { readonly metadata?: KubernetesObject["metadata"]; readonly spec: Job["spec"] };
  };
  readonly status?: { readonly lastScheduleTime?: string; readonly lastSuccessfulTime?: string };
}

export function cronJobController(context: Context): Controller {
  return {
    name: source,
    watches: [itself(kinds.cronJob), controlledBy(kinds.job, kinds.cronJob)],
    reconcile: (key) => {
      const [namespace, name] = splitKey(key);
      const cron = context.client.get(kinds.cronJob, namespace, name) as CronJob | undefined;
      return cron === undefined || deleting(cron) ? undefined : reconcile(context, cron);
    },
  };
}

function reconcile(context: Context, cron: CronJob): number | undefined {
  const jobs = controlled<Job>(context, cron, kinds.job);
  trimHistory(context, cron, jobs);
  const schedule = parse(context, cron);
  if (schedule === undefined || cron.spec.suspend === true) {
    updateStatus(context, cron, cron.status?.lastScheduleTime);
    return undefined;
  }
  const nowMs = context.clock.now();
  const dueMs = lastDue(schedule, cron, nowMs);
  let lastScheduleTime = cron.status?.lastScheduleTime;
  if (dueMs !== undefined && start(context, cron, dueMs)) lastScheduleTime = rfc3339(dueMs);
  updateStatus(context, cron, lastScheduleTime);
  const next = schedule.nextRun(new Date(nowMs));
  return next === null ? undefined : Math.max(1, next.getTime() - nowMs);
}

function parse(context: Context, cron: CronJob): Cron | undefined {
  const { schedule, timeZone } = cron.spec;
  try {
    return new Cron(schedule, { timezone: timeZone ?? "UTC", paused: true, mode: "5-part" });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    context.events.warning(cron, source, "UnparseableSchedule", `unparseable schedule: "${schedule}" : ${why}`);
    return undefined;
  }
}

/** How many missed times are walked through at most to find the last one. */
const mostMissed = 100;

/** The last time of the schedule that was not taken up yet; older ones are missed. */
function lastDue(schedule: Cron, cron: CronJob, nowMs: number): number | undefined {
  const { startingDeadlineSeconds } = cron.spec;
  let fromMs = timeOf(cron.status?.lastScheduleTime ?? cron.metadata.creationTimestamp);
  if (startingDeadlineSeconds !== undefined) fromMs = Math.max(fromMs, nowMs - startingDeadlineSeconds * 1000);
  let dueMs: number | undefined;
  for (let i = 0; i < mostMissed; i++) {
    const next = schedule.nextRun(new Date(fromMs))?.getTime();
    if (next === undefined || next > nowMs) return dueMs;
    dueMs = fromMs = next;
  }
  return schedule.previousRuns(1, new Date(nowMs + 1))[0]?.getTime() ?? dueMs;
}

/** Starts the Job of one time; returns whether that time is dealt with. */
function start(context: Context, cron: CronJob, dueMs: number): boolean {
  const active = controlled<Job>(context, cron, kinds.job).filter((job) => outcomeOf(job) === undefined);
  if (active.length > 0 && cron.spec.concurrencyPolicy === "Forbid") {
    const message = "Not starting job because prior execution is running and concurrency policy is Forbid";
    context.events.normal(cron, source, "JobAlreadyActive", message);
    return false;
  }
  if (cron.spec.concurrencyPolicy === "Replace") {
    for (const job of active) {
      remove(context, job);
      context.events.normal(cron, source, "SuccessfulDelete", `Deleted job ${job.metadata.name}`);
    }
  }
  const { namespace = "" } = cron.metadata;
  const name = `${cron.metadata.name}-${Math.floor(dueMs / 60_000)}`;
  if (context.client.get(kinds.job, namespace, name) !== undefined) return true;
  const { metadata, spec } = cron.spec.jobTemplate;
  context.client.create({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name,
      namespace,
      ...(metadata?.labels === undefined ? {} : { labels: metadata.labels }),
      annotations: { ...metadata?.annotations, "batch.kubernetes.io/cronjob-scheduled-timestamp": rfc3339(dueMs) },
      ownerReferences: [ownerRefTo(cron)],
    },
    spec,
  });
  context.events.normal(cron, source, "SuccessfulCreate", `Created job ${name}`);
  return true;
}

function trimHistory(context: Context, cron: CronJob, jobs: readonly Job[]): void {
  const { successfulJobsHistoryLimit = 3, failedJobsHistoryLimit = 1 } = cron.spec;
  for (const [type, limit] of [
    ["Complete", successfulJobsHistoryLimit],
    ["Failed", failedJobsHistoryLimit],
  ] as const) {
    const finished = jobs.filter((job) => outcomeOf(job)?.type === type);
    for (const job of finished.slice(0, Math.max(0, finished.length - limit))) {
      if (deleting(job)) continue;
      remove(context, job);
      context.events.normal(cron, source, "SuccessfulDelete", `Deleted job ${job.metadata.name}`);
    }
  }
}

function updateStatus(context: Context, cron: CronJob, lastScheduleTime: string | undefined): void {
  const jobs = controlled<Job>(context, cron, kinds.job);
  const active = jobs
    .filter((job) => outcomeOf(job) === undefined)
    .map(({ metadata }) => ({
      apiVersion: "batch/v1",
      kind: "Job",
      name: metadata.name,
      namespace: metadata.namespace,
      resourceVersion: metadata.resourceVersion,
      uid: metadata.uid,
    }));
  const known = (cron.status as { readonly active?: readonly { readonly uid?: string }[] } | undefined)?.active ?? [];
  const same = known.length === active.length && active.every(({ uid }) => known.some((each) => each.uid === uid));
  let lastSuccessfulTime = cron.status?.lastSuccessfulTime;
  for (const job of jobs) {
    const { completionTime } = job.status ?? {};
    if (completionTime !== undefined && completionTime > (lastSuccessfulTime ?? ""))
      lastSuccessfulTime = completionTime;
  }
  const shown = same ? known : active;
  writeStatus(context, cron, {
    ...(shown.length === 0 ? {} : { active: shown }),
    ...(lastScheduleTime === undefined ? {} : { lastScheduleTime }),
    ...(lastSuccessfulTime === undefined ? {} : { lastSuccessfulTime }),
  });
}
