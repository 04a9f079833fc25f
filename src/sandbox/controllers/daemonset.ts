// DaemonSets: one pod on each node that takes it. Source: Kubernetes, "DaemonSet".
import type { KubernetesObject } from "#model/object.ts";
import type { Context, Controller } from "./support/controller.ts";
import { controlledBy, keyFor, splitKey } from "./support/controller.ts";
import { claim } from "./support/claim.ts";
import { deleting, kinds, remove, scaled, writeStatus, type Pod, type PodTemplate } from "./support/objects.ts";
import { isFinished, isReady, podFrom, untilAvailableMs } from "./support/pods.ts";
import { hashOf, revisionLabel, revisionsOf, truncateHistory } from "./support/revisions.ts";
import type { LabelSelector } from "./support/selectors.ts";
import { fits, type Node } from "./nodes.ts";

const source = "daemonset-controller";

interface DaemonSet extends KubernetesObject {
  readonly spec: {
    readonly selector: LabelSelector;
    readonly template: PodTemplate;
    readonly minReadySeconds?: number;
    readonly revisionHistoryLimit?: number;
    readonly updateStrategy?: {
      readonly type?: string;
      readonly rollingUpdate?: { readonly maxUnavailable?: number | string };
    };
  };
  readonly status?: Readonly<Record<string, unknown>>;
}

export function daemonSetController(context: Context): Controller {
  const known = new Set<string>();
  return {
    name: source,
    watches: [
      {
        kind: kinds.daemonSet,
        keys: ({ type, object }) => {
          const key = keyFor(object);
          if (type === "DELETED") known.delete(key);
          else known.add(key);
          return [key];
        },
      },
      controlledBy(kinds.pod, kinds.daemonSet),
      { kind: kinds.node, keys: () => known },
    ],
    reconcile: (key) => {
      const [namespace, name] = splitKey(key);
      const set = context.client.get(kinds.daemonSet, namespace, name) as DaemonSet | undefined;
      if (set === undefined || deleting(set)) return undefined;
      return reconcile(context, set);
    },
  };
}

function reconcile(context: Context, set: DaemonSet): number | undefined {
  const candidates = context.pods.select(set.metadata.namespace ?? "", set.spec.selector);
  const pods = claim<Pod>(context, set, kinds.pod, candidates);
  const revisions = revisionsOf(context, set);
  const hash = hashOf(revisions.at(-1));
  const nodes = (context.client.list(kinds.node) as readonly Node[]).filter((node) => accepts(set, node));
  const byNode = new Map<string, Pod[]>();
  for (const pod of pods) {
    const node = nodeOf(pod);
    byNode.set(node, [...(byNode.get(node) ?? []), pod]);
  }
  const wanted = new Set(nodes.map((node) => node.metadata.name ?? ""));
  for (const [node, there] of byNode) {
    const surplus = wanted.has(node) ? there.filter((pod) => !isFinished(pod)).slice(1) : there;
    for (const pod of [...surplus, ...there.filter(isFinished)]) removePod(context, set, pod);
  }
  for (const node of wanted) if ((byNode.get(node) ?? []).length === 0) createPod(context, set, { node, hash });
  replaceOld(context, set, { byNode, wanted, hash });
  truncateHistory(context, set, revisions, new Set([`${set.metadata.name}-${hash}`]));
  return updateStatus(context, set, wanted, hash);
}

/** What the controller adds to pods' tolerations: nodes in trouble keep their daemons. */
const tolerations = [
  ...["not-ready", "unreachable"].map((key) => ({ key, effect: "NoExecute" })),
  ...["disk-pressure", "memory-pressure", "pid-pressure", "unschedulable"].map((key) => ({
    key,
    effect: "NoSchedule",
  })),
].map(({ key, effect }) => ({ effect, key: `node.kubernetes.io/${key}`, operator: "Exists" }));

function tolerant(spec: PodTemplate["spec"]): PodTemplate["spec"] {
  const own = Array.isArray(spec["tolerations"]) ? (spec["tolerations"] as readonly unknown[]) : [];
  return { ...spec, tolerations: [...own, ...tolerations] };
}

function accepts(set: DaemonSet, node: Node): boolean {
  const pod: Pod = { apiVersion: "v1", kind: "Pod", metadata: {}, spec: tolerant(set.spec.template.spec) };
  return fits(pod, node, { cordon: true });
}

function affinityTo(node: string): object {
  const terms = [{ matchFields: [{ key: "metadata.name", operator: "In", values: [node] }] }];
  return { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } } };
}

/** The node that a pod is on or meant for. */
function nodeOf(pod: Pod): string {
  if (pod.spec.nodeName !== undefined) return pod.spec.nodeName;
  const affinity = pod.spec["affinity"] as
    | {
        nodeAffinity?: {
          requiredDuringSchedulingIgnoredDuringExecution?: {
            nodeSelectorTerms?: { matchFields?: { values?: string[] }[] }[];
          };
        };
      }
    | undefined;
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return terms?.[0]?.matchFields?.[0]?.values?.[0] ?? "";
}

function createPod(context: Context, set: DaemonSet, { node, hash }: { node: string; hash: string }): void {
  const generation = String(set.metadata.generation ?? 1);
  const pod = podFrom(context, set, set.spec.template, {
    labels: { [revisionLabel]: hash, "pod-template-generation": generation },
  });
  const affinity = { ...(pod.spec["affinity"] as object | undefined), ...affinityTo(node) };
  const created = context.client.create({ ...pod, spec: { ...tolerant(pod.spec), affinity } });
  context.events.normal(set, source, "SuccessfulCreate", `Created pod: ${created.metadata.name}`);
}

function removePod(context: Context, set: DaemonSet, pod: Pod): void {
  if (deleting(pod)) return;
  remove(context, pod);
  context.events.normal(set, source, "SuccessfulDelete", `Deleted pod: ${pod.metadata.name}`);
}

interface Placed {
  readonly byNode: ReadonlyMap<string, readonly Pod[]>;
  readonly wanted: ReadonlySet<string>;
  readonly hash: string;
}

/** Rolling update: old pods that do not work go at once, others as far as maxUnavailable lets them. */
function replaceOld(context: Context, set: DaemonSet, { byNode, wanted, hash }: Placed): void {
  if (set.spec.updateStrategy?.type === "OnDelete") return;
  const limit = set.spec.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1;
  const most = Math.max(1, scaled(limit, wanted.size, "up"));
  const nowMs = context.clock.now();
  const minReadySeconds = set.spec.minReadySeconds ?? 0;
  let unavailable = 0;
  const old: Pod[] = [];
  for (const node of wanted) {
    const pod = byNode.get(node)?.find((each) => !deleting(each));
    const available = pod !== undefined && untilAvailableMs(pod, minReadySeconds, nowMs) === 0;
    const outdated = pod !== undefined && pod.metadata.labels?.[revisionLabel] !== hash;
    if (!available) unavailable++;
    if (outdated && !available) removePod(context, set, pod);
    else if (outdated) old.push(pod);
  }
  for (const pod of old.slice(0, Math.max(0, most - unavailable))) removePod(context, set, pod);
}

function updateStatus(context: Context, set: DaemonSet, wanted: ReadonlySet<string>, hash: string): number | undefined {
  const nowMs = context.clock.now();
  let again: number | undefined;
  const count = { scheduled: 0, ready: 0, available: 0, updated: 0, misplaced: 0 };
  const seen = new Set<string>();
  for (const pod of claim<Pod>(context, set, kinds.pod, [])) {
    const node = nodeOf(pod);
    if (!wanted.has(node)) count.misplaced++;
    if (!wanted.has(node) || seen.has(node) || deleting(pod)) continue;
    seen.add(node);
    count.scheduled++;
    if (isReady(pod)) count.ready++;
    const wait = untilAvailableMs(pod, set.spec.minReadySeconds ?? 0, nowMs);
    if (wait === 0) count.available++;
    else if (wait !== undefined) again = Math.min(again ?? wait, wait);
    if (pod.metadata.labels?.[revisionLabel] === hash) count.updated++;
  }
  const numberUnavailable = wanted.size - count.available;
  writeStatus(context, set, {
    currentNumberScheduled: count.scheduled,
    desiredNumberScheduled: wanted.size,
    numberMisscheduled: count.misplaced,
    numberReady: count.ready,
    observedGeneration: set.metadata.generation ?? 0,
    ...(count.updated === 0 ? {} : { updatedNumberScheduled: count.updated }),
    ...(count.available === 0 ? {} : { numberAvailable: count.available }),
    ...(numberUnavailable === 0 ? {} : { numberUnavailable }),
  });
  return again;
}
