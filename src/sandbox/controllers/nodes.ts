// The cluster's fake nodes, and which of them a pod goes to.
import { rfc3339, type Clock } from "#base/ports.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { LocalClient } from "../contract.ts";
import { listAt } from "#base/json.ts";
import { matches, type LabelSelector } from "./support/selectors.ts";
import { kinds, type Pod } from "./support/objects.ts";

const kubeletVersion = "v1.37.0";

export interface Node extends KubernetesObject {
  readonly kind: "Node";
  readonly spec?: {
    readonly unschedulable?: boolean;
    readonly taints?: readonly { readonly key: string; readonly value?: string; readonly effect: string }[];
  };
  readonly status?: {
    readonly addresses?: readonly { readonly type: string; readonly address: string }[];
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

/** Makes nodes `node-0` … until there are `count`, each Ready. Those that exist stay as they are. */
export function ensureNodes(client: LocalClient, count: number, clock: Clock): void {
  for (let index = 0; index < count; index++) {
    const name = `node-${index}`;
    const there = client.get(kinds.node, "", name) as Node | undefined;
    if (there?.status?.conditions?.some((each) => each.type === "Ready") === true) continue;
    const created = there ?? client.create(bareNode(name, index));
    client.update({ ...created, status: nodeStatus(name, index, rfc3339(clock.now())) }, "status");
  }
}

function bareNode(name: string, index: number): KubernetesObject {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "beta.kubernetes.io/arch": "amd64",
      },
    },
    spec: { podCIDR: `10.244.${index}.0/24`, podCIDRs: [`10.244.${index}.0/24`] },
  };
}

function nodeStatus(name: string, index: number, now: string): Readonly<Record<string, unknown>> {
  const capacity = { cpu: "64", memory: "256Gi", pods: "10000", "ephemeral-storage": "1Ti" };
  const condition = (type: string, status: string, reason: string, message: string): object => ({
    type,
    status,
    reason,
    message,
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  });
  return {
    capacity,
    allocatable: capacity,
    addresses: [
      { type: "InternalIP", address: `192.168.0.${index + 1}` },
      { type: "Hostname", address: name },
    ],
    conditions: [
      condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
      condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
      condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
      condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    nodeInfo: {
      architecture: "amd64",
      bootID: "",
      containerRuntimeVersion: "driftless-sandbox://1",
      kernelVersion: "6.1.0-sandbox",
      kubeProxyVersion: "",
      kubeletVersion,
      machineID: name,
      operatingSystem: "linux",
      osImage: "Driftless sandbox",
      systemUUID: name,
    },
  };
}

export function nodeAddress(node: Node | undefined): string {
  return node?.status?.addresses?.find((each) => each.type === "InternalIP")?.address ?? "192.168.0.254";
}

export function isNodeReady(node: Node): boolean {
  return node.status?.conditions?.some((each) => each.type === "Ready" && each.status === "True") === true;
}

interface Toleration {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
}

/** Whether a pod may run on a node: node selector, required node affinity, taints. */
export function fits(pod: Pod, node: Node, ignore: { readonly cordon?: boolean } = {}): boolean {
  if (node.spec?.unschedulable === true && ignore.cordon !== true) return false;
  for (const [name, value] of Object.entries(pod.spec.nodeSelector ?? {})) {
    if (node.metadata.labels?.[name] !== value) return false;
  }
  if (!matchesAffinity(pod, node)) return false;
  const tolerations = Array.isArray(pod.spec["tolerations"]) ? (pod.spec["tolerations"] as readonly Toleration[]) : [];
  return (node.spec?.taints ?? [])
    .filter((taint) => taint.effect !== "PreferNoSchedule")
    .every((taint) =>
      tolerations.some(
        (each) =>
          (each.effect === undefined || each.effect === "" || each.effect === taint.effect) &&
          (each.operator === "Exists"
            ? each.key === undefined || each.key === "" || each.key === taint.key
            : each.key === taint.key && (each.value ?? "") === (taint.value ?? "")),
      ),
    );
}

interface NodeTerm {
  readonly matchExpressions?: LabelSelector["matchExpressions"];
  readonly matchFields?: LabelSelector["matchExpressions"];
}

/** Terms are alternatives; Gt and Lt are not known and count as not matching. */
function matchesAffinity(pod: Pod, node: Node): boolean {
  const terms = listAt(
    pod.spec,
    "affinity",
    "nodeAffinity",
    "requiredDuringSchedulingIgnoredDuringExecution",
    "nodeSelectorTerms",
  ) as readonly NodeTerm[];
  if (terms.length === 0) return true;
  const fields = { "metadata.name": node.metadata.name ?? "" };
  return terms.some(
    ({ matchExpressions = [], matchFields = [] }) =>
      matches({ matchExpressions }, node.metadata.labels) && matches({ matchExpressions: matchFields }, fields),
  );
}
