// How containers live, as a pure machine over time: creating, pulling in vain, running, exiting, waiting to restart.
// It knows no cluster: a run goes in with the time, the next run comes out with what happened and when to look again.
import type { Timings } from "../support/controller.ts";
import type { Container, ContainerStatus, Pod } from "../support/objects.ts";
import { timeOf } from "../support/objects.ts";
import { pullFails, type Behaviour } from "./behaviour.ts";

export interface ContainerRun {
  readonly name: string;
  readonly state: "creating" | "pull-error" | "pull-back-off" | "running" | "exited" | "crash-back-off";
  readonly sinceMs: number;
  readonly restarts: number;
  /** Failed attempts to pull, for the backoff. */
  readonly pulls: number;
  readonly startedMs?: number;
  /** The present (exited) or last (crash-back-off, running again) end. */
  readonly ended?: { readonly code: number; readonly startedMs: number; readonly endedMs: number; readonly id: string };
}

export interface PodRun {
  readonly inits: readonly ContainerRun[];
  readonly mains: readonly ContainerRun[];
  /** When all main containers were last seen to run; readiness counts from here. */
  readonly boundMs: number;
}

export type Happening = {
  readonly what: "pulling" | "pulled" | "started" | "pull-failed" | "pull-back-off" | "back-off";
  readonly container: string;
};

export interface Step {
  readonly run: PodRun;
  readonly happened: readonly Happening[];
  /** Milliseconds since the epoch at which time alone changes something. */
  readonly wakeMs?: number;
}

export interface Rules {
  readonly pod: Pod;
  readonly behaviour: Behaviour;
  readonly timings: Timings;
}

export function newRun(pod: Pod, nowMs: number): PodRun {
  const fresh = ({ name }: Container): ContainerRun => ({
    name,
    state: "creating",
    sinceMs: nowMs,
    restarts: 0,
    pulls: 0,
  });
  return { inits: (pod.spec.initContainers ?? []).map(fresh), mains: pod.spec.containers.map(fresh), boundMs: nowMs };
}

/** The run that a written status speaks of: after a restart of this process, pods go on where they were. */
export function runFromStatus(pod: Pod, nowMs: number): PodRun {
  const boundMs = timeOf(pod.status?.startTime, nowMs);
  const restore = ({ name }: Container, statuses: readonly ContainerStatus[] | undefined): ContainerRun => {
    const status = statuses?.find((each) => each.name === name);
    const last = status?.lastState?.terminated ?? status?.state?.terminated;
    const ended =
      last === undefined
        ? {}
        : {
            ended: {
              code: last.exitCode,
              startedMs: timeOf(last.startedAt, nowMs),
              endedMs: timeOf(last.finishedAt, nowMs),
              // A container that runs again shows the end of the run before.
              id: String(Math.max(0, (status?.restartCount ?? 0) - (status?.state?.running === undefined ? 0 : 1))),
            },
          };
    const lived = last === undefined ? {} : { startedMs: timeOf(last.startedAt, nowMs) };
    const base = { name, restarts: status?.restartCount ?? 0, pulls: 0, ...ended, ...lived };
    const { waiting, running, terminated } = status?.state ?? {};
    if (running !== undefined) {
      const startedMs = timeOf(running.startedAt, nowMs);
      return { ...base, state: "running", sinceMs: startedMs, startedMs };
    }
    if (terminated !== undefined) return { ...base, state: "exited", sinceMs: timeOf(terminated.finishedAt, nowMs) };
    if (waiting?.reason === "CrashLoopBackOff") {
      return { ...base, state: "crash-back-off", sinceMs: timeOf(last?.finishedAt, nowMs) };
    }
    if (waiting?.reason === "ImagePullBackOff" || waiting?.reason === "ErrImagePull") {
      return { ...base, state: "pull-back-off", sinceMs: nowMs, pulls: 1 };
    }
    return { ...base, state: "creating", sinceMs: boundMs };
  };
  return {
    inits: (pod.spec.initContainers ?? []).map((each) => restore(each, pod.status?.initContainerStatuses)),
    mains: pod.spec.containers.map((each) => restore(each, pod.status?.containerStatuses)),
    boundMs,
  };
}

/** Walks a pod's containers on to `nowMs`. */
export function advance(run: PodRun, rules: Rules, nowMs: number): Step {
  const happened: Happening[] = [];
  let wakeMs: number | undefined;
  const wake = (at: number | undefined): void => {
    if (at !== undefined) wakeMs = Math.min(wakeMs ?? at, at);
  };
  const inits: ContainerRun[] = [];
  let blocked = false;
  let readyMs = run.boundMs;
  run.inits.forEach((init, index) => {
    const container = rules.pod.spec.initContainers?.[index];
    if (blocked || container === undefined) {
      inits.push(init);
      return;
    }
    const begun = init.state === "creating" ? { ...init, sinceMs: Math.max(init.sinceMs, readyMs) } : init;
    const walked = walk(begun, container, { ...rules, role: initRole(container), nowMs, happened });
    inits.push(walked.run);
    wake(walked.wakeMs);
    const passed = isSidecar(container)
      ? walked.run.state === "running"
      : walked.run.state === "exited" && walked.run.ended?.code === 0;
    if (!passed) blocked = true;
    else readyMs = Math.max(readyMs, walked.run.sinceMs);
  });
  const mains = run.mains.map((main, index) => {
    const container = rules.pod.spec.containers[index];
    if (blocked || container === undefined) return main;
    const begun =
      main.state === "creating" && main.restarts === 0 ? { ...main, sinceMs: Math.max(main.sinceMs, readyMs) } : main;
    const walked = walk(begun, container, { ...rules, role: "main", nowMs, happened });
    wake(walked.wakeMs);
    return walked.run;
  });
  const next = { inits, mains, boundMs: run.boundMs };
  return { run: next, happened, ...(wakeMs === undefined ? {} : { wakeMs }) };
}

export function isSidecar(container: Container): boolean {
  return container.restartPolicy === "Always";
}

type Role = "main" | "init" | "sidecar";

function initRole(container: Container): Role {
  return isSidecar(container) ? "sidecar" : "init";
}

interface Walk extends Rules {
  readonly role: Role;
  readonly nowMs: number;
  readonly happened: Happening[];
}

/** Steps until the present; bounded, for a stopped process may have slept through many restarts. */
const mostSteps = 32;

function walk(run: ContainerRun, container: Container, walk: Walk): { run: ContainerRun; wakeMs?: number } {
  let current = run;
  for (let steps = 0; steps < mostSteps; steps++) {
    const due = nextChange(current, container, walk);
    if (due === undefined) return { run: current };
    if (due.atMs > walk.nowMs) return { run: current, wakeMs: due.atMs };
    current = due.to;
    for (const what of due.happened) walk.happened.push({ what, container: container.name });
  }
  return { run: current, wakeMs: walk.nowMs + 1 };
}

interface Change {
  readonly atMs: number;
  readonly to: ContainerRun;
  readonly happened: readonly Happening["what"][];
}

function nextChange(run: ContainerRun, container: Container, walk: Walk): Change | undefined {
  const { timings, behaviour } = walk;
  const concerned = behaviour.container === undefined || behaviour.container === container.name;
  switch (run.state) {
    case "creating": {
      const atMs = run.sinceMs + (run.restarts === 0 && run.pulls === 0 ? timings.startMs : 0);
      const fails = pullFails(container.image ?? "") || (concerned && behaviour.pullFails && walk.role === "main");
      return fails ? pullError(run, atMs) : started(run, atMs);
    }
    case "pull-error": {
      const atMs = run.sinceMs + timings.pullErrorMs;
      return { atMs, to: { ...run, state: "pull-back-off", sinceMs: atMs }, happened: ["pull-back-off"] };
    }
    case "pull-back-off": {
      const atMs = run.sinceMs + backOff(timings, run.pulls);
      return { atMs, to: { ...run, state: "creating", sinceMs: atMs }, happened: [] };
    }
    case "running":
      return exit(run, walk, concerned);
    case "exited":
      return afterExit(run, walk);
    case "crash-back-off": {
      const atMs = run.sinceMs + backOff(timings, run.restarts);
      return { atMs, to: { ...run, state: "creating", sinceMs: atMs, restarts: run.restarts + 1 }, happened: [] };
    }
  }
}

function backOff(timings: Timings, times: number): number {
  return Math.min(timings.backOffMs * 2 ** (Math.max(times, 1) - 1), timings.maxBackOffMs);
}

function pullError(run: ContainerRun, atMs: number): Change {
  const to: ContainerRun = { ...run, state: "pull-error", sinceMs: atMs, pulls: run.pulls + 1 };
  return { atMs, to, happened: ["pulling", "pull-failed"] };
}

function started(run: ContainerRun, atMs: number): Change {
  const to: ContainerRun = { ...run, state: "running", sinceMs: atMs, startedMs: atMs, pulls: 0 };
  return { atMs, to, happened: ["pulled", "started"] };
}

function exit(run: ContainerRun, walk: Walk, concerned: boolean): Change | undefined {
  const { behaviour, timings, role } = walk;
  if (role === "sidecar") return undefined;
  let afterMs: number | undefined;
  let code = 0;
  if (role === "init") [afterMs, code] = [timings.initMs, behaviour.initExitCode];
  else if (concerned && behaviour.crash !== undefined) [afterMs, code] = [timings.crashMs, behaviour.crash];
  else [afterMs, code] = [behaviour.runForMs, concerned ? behaviour.exitCode : 0];
  if (afterMs === undefined) return undefined;
  const atMs = run.sinceMs + afterMs;
  const id = `${run.restarts}`;
  const ended = { code, startedMs: run.startedMs ?? run.sinceMs, endedMs: atMs, id };
  return { atMs, to: { ...run, state: "exited", sinceMs: atMs, ended }, happened: [] };
}

function afterExit(run: ContainerRun, walk: Walk): Change | undefined {
  const policy = walk.pod.spec.restartPolicy ?? "Always";
  const failed = (run.ended?.code ?? 0) !== 0;
  const restarts =
    walk.role === "init" ? failed && policy !== "Never" : policy === "Always" || (policy === "OnFailure" && failed);
  if (!restarts) return undefined;
  // The first restart is at once; from then on containers wait in CrashLoopBackOff.
  const atMs = run.sinceMs;
  if (run.restarts === 0) {
    return { atMs, to: { ...run, state: "creating", sinceMs: atMs, restarts: 1 }, happened: [] };
  }
  return { atMs, to: { ...run, state: "crash-back-off", sinceMs: atMs }, happened: ["back-off"] };
}
