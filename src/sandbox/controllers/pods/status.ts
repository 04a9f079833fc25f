// A pod's status from how its containers live, shaped as the kubelet writes it.
// Source: Kubernetes, "Pod Lifecycle".
import { rfc3339 } from "#base/ports.ts";
import { sameJson } from "#base/json.ts";
import {
  withCondition,
  type Condition,
  type Container,
  type ContainerState,
  type ContainerStatus,
  type Pod,
  type PodStatus,
} from "../support/objects.ts";
import type { Behaviour } from "./behaviour.ts";
import { isSidecar, type ContainerRun, type PodRun } from "./machine.ts";

export interface Place {
  readonly podIP: string;
  readonly hostIP: string;
}

export interface Seen {
  readonly status: PodStatus;
  /** Milliseconds since the epoch at which the pod becomes ready by time alone. */
  readonly readyAtMs?: number;
}

/** The status of a scheduled pod at `nowMs`. Conditions keep their transition times where they did not change. */
export function podStatus(pod: Pod, run: PodRun, at: { place: Place; behaviour: Behaviour; nowMs: number }): Seen {
  const { place, behaviour, nowMs } = at;
  const { spec } = pod;
  const phase = phaseOf(pod, run);
  const runningSince = run.mains.map((main) =>
    main.state === "running" ? (main.startedMs ?? main.sinceMs) : Infinity,
  );
  const readyFrom = runningSince.map((since) => since + behaviour.readyAfterMs);
  const isReady = (index: number): boolean => !behaviour.neverReady && (readyFrom[index] ?? Infinity) <= nowMs;
  const initialized = initsPassed(spec.initContainers ?? [], run.inits);
  const containersReady = run.mains.every((_, index) => isReady(index));
  const gates = listOf(spec["readinessGates"]).every(
    ({ conditionType }) => pod.status?.conditions?.find((each) => each.type === conditionType)?.status === "True",
  );
  const begun = [...run.inits, ...run.mains].some((each) => each.state !== "creating" || each.restarts > 0);
  const conditions = podConditions(pod, {
    phase,
    initialized,
    containersReady,
    ready: containersReady && gates,
    begun,
    notReady: run.mains.filter((_, index) => !isReady(index)).map((main) => main.name),
    notInitialized: run.inits
      .filter((init, index) => !initPassed(spec.initContainers?.[index], init))
      .map((i) => i.name),
    now: rfc3339(nowMs),
  });
  const inits = run.inits.map((init, index) => {
    const container = spec.initContainers?.[index];
    const passed = container !== undefined && initPassed(container, init);
    return containerStatus(container, init, {
      uid: pod.metadata.uid ?? "",
      ready: passed,
      waiting: "PodInitializing",
      started: init.state === "running",
    });
  });
  const waiting = run.inits.length > 0 ? "PodInitializing" : "ContainerCreating";
  const mains = run.mains.map((main, index) =>
    containerStatus(spec.containers[index], main, {
      uid: pod.metadata.uid ?? "",
      ready: isReady(index),
      waiting,
      started: main.state === "running",
    }),
  );
  const pending = behaviour.neverReady ? [] : readyFrom.filter((each) => each > nowMs && each < Infinity);
  const status: PodStatus = {
    ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    phase,
    conditions: sameJson(conditions, pod.status?.conditions) ? (pod.status?.conditions ?? []) : conditions,
    hostIP: place.hostIP,
    hostIPs: [{ ip: place.hostIP }],
    ...(begun ? { podIP: place.podIP, podIPs: [{ ip: place.podIP }] } : {}),
    startTime: pod.status?.startTime ?? rfc3339(run.boundMs),
    ...(inits.length === 0 ? {} : { initContainerStatuses: inits }),
    containerStatuses: mains,
    qosClass: qosClass(pod),
  };
  return pending.length === 0 ? { status } : { status, readyAtMs: Math.min(...pending) };
}

function listOf(value: unknown): readonly { readonly conditionType?: string }[] {
  return Array.isArray(value) ? value : [];
}

function initPassed(container: Container | undefined, run: ContainerRun): boolean {
  if (container !== undefined && isSidecar(container)) return run.state === "running";
  return run.state === "exited" && run.ended?.code === 0;
}

function initsPassed(containers: readonly Container[], runs: readonly ContainerRun[]): boolean {
  return runs.every((run, index) => initPassed(containers[index], run));
}

function phaseOf(pod: Pod, run: PodRun): NonNullable<PodStatus["phase"]> {
  const policy = pod.spec.restartPolicy ?? "Always";
  const failedInit = run.inits.some((init) => init.state === "exited" && init.ended?.code !== 0 && policy === "Never");
  if (failedInit) return "Failed";
  if (!initsPassed(pod.spec.initContainers ?? [], run.inits)) return "Pending";
  const exited = run.mains.filter((main) => main.state === "exited");
  if (exited.length === run.mains.length && policy !== "Always") {
    const failed = exited.some((main) => main.ended?.code !== 0);
    if (!failed) return "Succeeded";
    if (policy === "Never") return "Failed";
  }
  const waiting = run.mains.some((main) => main.ended === undefined && main.state !== "running");
  return waiting ? "Pending" : "Running";
}

interface Facts {
  readonly phase: string;
  readonly initialized: boolean;
  readonly containersReady: boolean;
  readonly ready: boolean;
  readonly begun: boolean;
  readonly notReady: readonly string[];
  readonly notInitialized: readonly string[];
  readonly now: string;
}

function podConditions(pod: Pod, facts: Facts): readonly Condition[] {
  const observedGeneration =
    pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation };
  const set = (
    all: readonly Condition[],
    type: string,
    holds: boolean,
    why: { reason?: string; message?: string },
  ): readonly Condition[] => {
    const next: Condition = {
      type,
      status: holds ? "True" : "False",
      lastProbeTime: null,
      ...observedGeneration,
      ...why,
    };
    return withCondition(all, next, facts.now);
  };
  const finished = facts.phase === "Succeeded" || facts.phase === "Failed";
  const completed = facts.phase === "Succeeded" ? { reason: "PodCompleted" } : { reason: "PodFailed" };
  const why = (holds: boolean, names: readonly string[]): { reason?: string; message?: string } =>
    holds
      ? {}
      : finished
        ? completed
        : { reason: "ContainersNotReady", message: `containers with unready status: [${names.join(" ")}]` };
  let all: readonly Condition[] = pod.status?.conditions ?? [];
  all = set(all, "PodReadyToStartContainers", facts.begun && !finished, {});
  const initialized = facts.initialized || facts.phase === "Succeeded";
  all = set(
    all,
    "Initialized",
    initialized,
    initialized
      ? facts.phase === "Succeeded"
        ? { reason: "PodCompleted" }
        : {}
      : {
          reason: "ContainersNotInitialized",
          message: `containers with incomplete status: [${facts.notInitialized.join(" ")}]`,
        },
  );
  const readyWhy =
    facts.containersReady && !facts.ready ? { reason: "ReadinessGatesNotReady" } : why(facts.ready, facts.notReady);
  all = set(all, "Ready", facts.ready, readyWhy);
  all = set(all, "ContainersReady", facts.containersReady, why(facts.containersReady, facts.notReady));
  all = set(all, "PodScheduled", true, {});
  const order = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"];
  const rank = (type: string): number => (order.includes(type) ? order.indexOf(type) : -1);
  return [...all].sort((a, b) => rank(a.type) - rank(b.type));
}

interface Shown {
  readonly uid: string;
  readonly ready: boolean;
  readonly started: boolean;
  /** Why it waits while it is being created. */
  readonly waiting: string;
}

function containerStatus(container: Container | undefined, run: ContainerRun, shown: Shown): ContainerStatus {
  const image = container?.image ?? "";
  const id = (restarts: number): string => `containerd://${digest(`${shown.uid}/${run.name}/${restarts}`)}`;
  const terminated = (): ContainerState =>
    run.ended === undefined
      ? {}
      : {
          terminated: {
            containerID: id(Number(run.ended.id || 0)),
            exitCode: run.ended.code,
            reason: run.ended.code === 0 ? "Completed" : "Error",
            startedAt: rfc3339(run.ended.startedMs),
            finishedAt: rfc3339(run.ended.endedMs),
          } as ContainerState["terminated"] & object,
        };
  const lived = run.startedMs !== undefined;
  const lastState: ContainerState = run.state === "exited" ? {} : terminated();
  return {
    name: run.name,
    state: stateOf(container, run, { terminated, waiting: shown.waiting, uid: shown.uid }),
    lastState,
    ready: shown.ready,
    restartCount: run.restarts,
    image: normalImage(image),
    imageID: lived ? `${repositoryOf(image)}@sha256:${digest(image)}` : "",
    ...(lived ? { containerID: id(run.restarts) } : {}),
    started: shown.started,
  } as ContainerStatus;
}

function stateOf(
  container: Container | undefined,
  run: ContainerRun,
  more: { terminated(): ContainerState; waiting: string; uid: string },
): ContainerState {
  const image = container?.image ?? "";
  switch (run.state) {
    case "running":
      return { running: { startedAt: rfc3339(run.startedMs ?? run.sinceMs) } };
    case "exited":
      return more.terminated();
    case "creating":
      return { waiting: { reason: run.pulls > 0 ? "ImagePullBackOff" : more.waiting } };
    case "pull-error":
      return { waiting: { reason: "ErrImagePull", message: pullMessage(image) } };
    case "pull-back-off":
      return {
        waiting: {
          reason: "ImagePullBackOff",
          message: `Back-off pulling image "${image}": ErrImagePull: ${pullMessage(image)}`,
        },
      };
    case "crash-back-off":
      return {
        waiting: {
          reason: "CrashLoopBackOff",
          message: `back-off restarting failed container=${run.name}`,
        },
      };
  }
}

export function pullMessage(image: string): string {
  const name = normalImage(image);
  return `failed to pull and unpack image "${name}": failed to resolve reference "${name}": ${name}: not found`;
}

/** `nginx` → `docker.io/library/nginx:latest`, as container runtimes report images. */
function normalImage(image: string): string {
  if (image === "") return "";
  const [first = "", ...rest] = image.split("/");
  const hasRegistry = rest.length > 0 && (first.includes(".") || first.includes(":") || first === "localhost");
  const full = hasRegistry ? image : rest.length > 0 ? `docker.io/${image}` : `docker.io/library/${image}`;
  return /[:@][^/]*$/.test(full) ? full : `${full}:latest`;
}

function repositoryOf(image: string): string {
  return normalImage(image).replace(/(:[^/@]*)?(@.*)?$/, "");
}

/** 64 hex digits that look like a digest and are the same for the same text. Not a secure hash. */
function digest(text: string): string {
  let a = 0x811c9dc5;
  let b = 0x01000193;
  let hex = "";
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < text.length; i++) {
      a = Math.imul(a ^ text.charCodeAt(i), 0x01000193);
      b = Math.imul(b ^ text.charCodeAt(i), 0x85ebca6b) + round;
    }
    hex += (a >>> 0).toString(16).padStart(8, "0") + (b >>> 0).toString(16).padStart(8, "0");
  }
  return hex;
}

/** Source: Kubernetes, "Pod Quality of Service Classes". */
export function qosClass(pod: Pod): "Guaranteed" | "Burstable" | "BestEffort" {
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const any = all.some(
    ({ resources }) =>
      Object.keys(resources?.requests ?? {}).length > 0 || Object.keys(resources?.limits ?? {}).length > 0,
  );
  if (!any) return "BestEffort";
  const guaranteed = all.every(({ resources }) =>
    ["cpu", "memory"].every((name) => {
      const limit = resources?.limits?.[name];
      return limit !== undefined && (resources?.requests?.[name] ?? limit) === limit;
    }),
  );
  return guaranteed ? "Guaranteed" : "Burstable";
}
