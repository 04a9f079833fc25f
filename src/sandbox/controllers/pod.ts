// Pods' life: what the scheduler and the kubelets do. Binds a pod to a node, walks its containers through the machine
// of pods/machine.ts, writes the status, and ends pods that are deleted. Nothing is really run.
import type { KubernetesObject } from "#model/object.ts";
import { keyOf } from "#model/object.ts";
import type { Context, Controller } from "./support/controller.ts";
import { itself, keyFor, splitKey } from "./support/controller.ts";
import { deleting, kinds, nowText, withCondition, writeStatus, type Pod, type PodStatus } from "./support/objects.ts";
import { isFinished } from "./support/pods.ts";
import { fits, isNodeReady, nodeAddress, type Node } from "./nodes.ts";
import { behaviourOf, type Behaviour } from "./pods/behaviour.ts";
import { advance, newRun, runFromStatus, type Happening, type PodRun } from "./pods/machine.ts";
import { podStatus, pullMessage } from "./pods/status.ts";

const scheduler = "default-scheduler";
const kubelet = "kubelet";

interface Lives {
  readonly context: Context;
  /** What is known of a pod beyond its status, by uid: times to the millisecond. */
  readonly runs: Map<string, PodRun>;
  readonly endings: Map<string, number>;
  /** Where each pod is, by uid, and how many each node has. */
  readonly nodeOf: Map<string, string>;
  readonly perNode: Map<string, number>;
  readonly waiting: Set<string>;
  readonly addresses: Addresses;
}

export function podController(context: Context): Controller {
  const lives: Lives = {
    context,
    runs: new Map(),
    endings: new Map(),
    nodeOf: new Map(),
    perNode: new Map(),
    waiting: new Set(),
    addresses: new Addresses(),
  };
  return {
    name: kubelet,
    watches: [
      {
        kind: kinds.pod,
        keys: ({ type, object }) => {
          track(lives, type === "DELETED" ? undefined : (object as Pod), object as Pod);
          return type === "DELETED" ? [] : [keyFor(object)];
        },
      },
      {
        // A new or changed node may take pods that wait.
        kind: itself(kinds.node).kind,
        keys: () => [...lives.waiting],
      },
    ],
    reconcile: (key) => reconcile(lives, key),
  };
}

/** Counts pods by node and keeps addresses and runs no longer than their pods. */
function track(lives: Lives, now: Pod | undefined, either: Pod): void {
  const uid = either.metadata.uid ?? "";
  if (now === undefined || now.spec.nodeName !== undefined) place(lives, uid, now?.spec.nodeName);
  if (now === undefined) {
    lives.runs.delete(uid);
    lives.endings.delete(uid);
    lives.addresses.free(uid);
    lives.waiting.delete(keyFor(either));
  } else if (now.status?.podIP !== undefined) lives.addresses.take(uid, now.status.podIP);
}

/** Notes a pod's node, at once when it is bound: the event of it comes later. */
function place(lives: Lives, uid: string, to: string | undefined): void {
  const { nodeOf, perNode } = lives;
  const from = nodeOf.get(uid);
  if (from === to) return;
  if (from !== undefined) perNode.set(from, Math.max(0, (perNode.get(from) ?? 0) - 1));
  if (to === undefined) nodeOf.delete(uid);
  else {
    nodeOf.set(uid, to);
    perNode.set(to, (perNode.get(to) ?? 0) + 1);
  }
}

function reconcile(lives: Lives, key: string): number | undefined {
  const [namespace, name] = splitKey(key);
  const pod = lives.context.client.get(kinds.pod, namespace, name) as Pod | undefined;
  if (pod === undefined) return undefined;
  if (deleting(pod)) return end(lives, pod);
  if (isFinished(pod)) return undefined;
  const behaviour = behaviourOf(pod, lives.context.timings.runMs);
  const bound = pod.spec.nodeName === undefined ? schedule(lives, pod, behaviour) : pod;
  return bound === undefined ? undefined : live(lives, bound, behaviour);
}

// scheduling

function schedule(lives: Lives, pod: Pod, behaviour: Behaviour): Pod | undefined {
  const { context } = lives;
  const gates = pod.spec.schedulingGates ?? [];
  if (gates.length > 0) {
    unscheduled(context, pod, "SchedulingGated", "Scheduling is blocked due to non-empty scheduling gates");
    return undefined;
  }
  const nodes = context.client.list(kinds.node) as readonly Node[];
  const node = behaviour.pending ? undefined : leastLoaded(lives, pod, nodes);
  if (node === undefined) {
    lives.waiting.add(keyFor(pod));
    const why = behaviour.pending
      ? `${nodes.length} Insufficient cpu`
      : `${nodes.length} node(s) didn't match Pod's node affinity/selector`;
    const message = `0/${nodes.length} nodes are available: ${why}.`;
    if (unscheduled(context, pod, "Unschedulable", message)) {
      context.events.warning(pod, scheduler, "FailedScheduling", message);
    }
    return undefined;
  }
  lives.waiting.delete(keyFor(pod));
  const nodeName = node.metadata.name ?? "";
  const bound = context.client.update({ ...pod, spec: { ...pod.spec, nodeName } }, "binding") as Pod;
  place(lives, pod.metadata.uid ?? "", nodeName);
  const display = `${pod.metadata.namespace}/${pod.metadata.name}`;
  context.events.normal(pod, scheduler, "Scheduled", `Successfully assigned ${display} to ${nodeName}`);
  return bound;
}

function leastLoaded(lives: Lives, pod: Pod, nodes: readonly Node[]): Node | undefined {
  let best: Node | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const node of nodes) {
    if (!isNodeReady(node) || !fits(pod, node)) continue;
    const load = lives.perNode.get(node.metadata.name ?? "") ?? 0;
    if (load < least) [best, least] = [node, load];
  }
  return best;
}

function unscheduled(context: Context, pod: Pod, reason: string, message: string): boolean {
  const observedGeneration =
    pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation };
  const conditions = withCondition(
    pod.status?.conditions,
    { type: "PodScheduled", status: "False", reason, message, lastProbeTime: null, ...observedGeneration },
    nowText(context),
  );
  const status: PodStatus = { ...pod.status, phase: "Pending", conditions };
  return writeStatus(context, pod, status) !== pod;
}

// running

function live(lives: Lives, pod: Pod, behaviour: Behaviour): number | undefined {
  const { context, runs } = lives;
  const nowMs = context.clock.now();
  const uid = pod.metadata.uid ?? "";
  const before = runs.get(uid) ?? (pod.status?.containerStatuses ? runFromStatus(pod, nowMs) : newRun(pod, nowMs));
  const step = advance(before, { pod, behaviour, timings: context.timings }, nowMs);
  runs.set(uid, step.run);
  for (const happening of step.happened) tell(context, pod, happening);
  const node = context.client.get(kinds.node, "", pod.spec.nodeName ?? "") as Node | undefined;
  const hostIP = nodeAddress(node);
  const place = { hostIP, podIP: pod.spec["hostNetwork"] === true ? hostIP : lives.addresses.of(uid) };
  const { status, readyAtMs } = podStatus(pod, step.run, { place, behaviour, nowMs });
  const deadlineMs = deadlineOf(pod, step.run);
  if (deadlineMs !== undefined && deadlineMs <= nowMs && status.phase !== "Succeeded") {
    writeStatus(context, pod, {
      ...status,
      phase: "Failed",
      reason: "DeadlineExceeded",
      message: "Pod was active on the node longer than the specified deadline",
    });
    return undefined;
  }
  writeStatus(context, pod, status);
  if (status.phase === "Succeeded" || status.phase === "Failed") return undefined;
  const wakes = [step.wakeMs, readyAtMs, deadlineMs].filter((each) => each !== undefined);
  return wakes.length === 0 ? undefined : Math.max(1, Math.min(...wakes) - nowMs);
}

function deadlineOf(pod: Pod, run: PodRun): number | undefined {
  const seconds = pod.spec.activeDeadlineSeconds;
  return seconds === undefined ? undefined : run.boundMs + seconds * 1000;
}

function tell(context: Context, pod: Pod, { what, container }: Happening): void {
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const image = all.find((each) => each.name === container)?.image ?? "";
  const { events } = context;
  switch (what) {
    case "pulling":
      return events.normal(pod, kubelet, "Pulling", `Pulling image "${image}"`);
    case "pulled":
      return events.normal(pod, kubelet, "Pulled", `Container image "${image}" already present on machine`);
    case "started":
      events.normal(pod, kubelet, "Created", `Container created`);
      return events.normal(pod, kubelet, "Started", `Container started`);
    case "pull-failed":
      events.warning(pod, kubelet, "Failed", `Failed to pull image "${image}": ${pullMessage(image)}`);
      return events.warning(pod, kubelet, "Failed", "Error: ErrImagePull");
    case "pull-back-off":
      events.normal(pod, kubelet, "BackOff", `Back-off pulling image "${image}"`);
      return events.warning(pod, kubelet, "Failed", "Error: ImagePullBackOff");
    case "back-off": {
      const where = `${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})`;
      return events.warning(
        pod,
        kubelet,
        "BackOff",
        `Back-off restarting failed container ${container} in pod ${where}`,
      );
    }
  }
}

// ending

function end(lives: Lives, pod: Pod): number | undefined {
  const { context, endings } = lives;
  const uid = pod.metadata.uid ?? "";
  const nowMs = context.clock.now();
  lives.waiting.delete(keyFor(pod));
  const running = pod.spec.nodeName !== undefined && !isFinished(pod);
  const graceMs = (pod.metadata.deletionGracePeriodSeconds ?? 30) * 1000;
  const dueMs = endings.get(uid) ?? nowMs + (running ? Math.min(context.timings.stopMs, graceMs) : 0);
  if (!endings.has(uid)) {
    endings.set(uid, dueMs);
    if (running) {
      for (const { name } of pod.spec.containers) {
        context.events.normal(pod, kubelet, "Killing", `Stopping container ${name}`);
      }
    }
  }
  if (dueMs > nowMs) return dueMs - nowMs;
  // Without finalizers nobody sees the last status: it is not written.
  const last = running && (pod.metadata.finalizers ?? []).length > 0 ? stopped(lives, pod) : pod;
  context.client.delete(keyOf(last), { gracePeriodSeconds: 0, uid });
  return undefined;
}

function stopped(lives: Lives, pod: Pod): KubernetesObject {
  const { context } = lives;
  const finishedAt = nowText(context);
  const status: PodStatus = {
    ...pod.status,
    phase: "Failed",
    conditions: (pod.status?.conditions ?? []).map((each) =>
      each.type === "Ready" || each.type === "ContainersReady"
        ? { ...each, status: "False" as const, reason: "PodFailed", lastTransitionTime: finishedAt }
        : each,
    ),
    containerStatuses: (pod.status?.containerStatuses ?? []).map((each) =>
      each.state?.running === undefined
        ? each
        : {
            ...each,
            ready: false,
            started: false,
            state: {
              terminated: {
                exitCode: 137,
                reason: "Error",
                ...(each.state.running.startedAt === undefined ? {} : { startedAt: each.state.running.startedAt }),
                finishedAt,
              },
            },
          },
    ),
  };
  return writeStatus(context, pod, status);
}

/** Pod addresses of 10.244.0.0/14, each in use once. */
class Addresses {
  readonly #byUid = new Map<string, string>();
  readonly #used = new Set<string>();
  #next = 0;

  of(uid: string): string {
    const known = this.#byUid.get(uid);
    if (known !== undefined) return known;
    for (;;) {
      const number = this.#next++ % (4 * 65_536);
      const low = number % 256;
      const address = `10.${244 + Math.floor(number / 65_536)}.${Math.floor(number / 256) % 256}.${low}`;
      if (low === 0 || low === 255 || this.#used.has(address)) continue;
      this.take(uid, address);
      return address;
    }
  }

  take(uid: string, address: string): void {
    if (this.#byUid.has(uid) || address.startsWith("192.168.")) return;
    this.#byUid.set(uid, address);
    this.#used.add(address);
  }

  free(uid: string): void {
    const address = this.#byUid.get(uid);
    if (address === undefined) return;
    this.#byUid.delete(uid);
    this.#used.delete(address);
  }
}
