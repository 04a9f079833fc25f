// The nodes that an application's pods run on: what they have, what the application and its neighbours ask of them. Reads the
// live cache; changes nothing. Names and semantics follow Argo CD's HostInfo.
import { at, isObject } from "#base/json.ts";
import type { Clock } from "#base/ports.ts";
import type { LiveCache, LiveEntry, LiveFact } from "#kube/live.ts";
import type { KubernetesObject } from "#model/object.ts";
import type { HostInfo, HostResourceInfo, ResourceNode } from "#protocol/rest.ts";
import { hostResources, millisOf, requestsFact } from "./pod-facts.ts";

/** Name of the fact with what a node has; not for people. */
export const hostFact = "host";
type Pods = Pick<LiveCache, "entries">;
/** Pods of a whole cluster are looked through at most so often. */
const lookAgainMs = 5000;

/** Takes a node; returns what is to be kept of it. */
export function nodeFacts(node: KubernetesObject): readonly LiveFact[] {
  const capacity = hostResources.map((resource) => millisOf(at(node, "status", "capacity", resource)));
  const systemInfo = at(node, "status", "nodeInfo");
  const { labels } = node.metadata;
  const host: Omit<Host, "pods"> = {
    capacity,
    ...(isObject(systemInfo) ? { systemInfo } : {}),
    ...(labels ? { labels } : {}),
  };
  return [{ name: hostFact, value: JSON.stringify(host) }];
}

interface Host {
  readonly capacity: readonly number[];
  readonly systemInfo?: Readonly<Record<string, unknown>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly pods: readonly { readonly uid: string; readonly requests: readonly number[] }[];
}

/** Looks through clusters for nodes and their pods; remembers for a moment what it found. */
export class Hosts {
  readonly #clock: Clock;
  readonly #found = new WeakMap<Pods, { readonly untilMs: number; readonly hosts: ReadonlyMap<string, Host> }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The nodes on which the pods among these nodes of a tree run, by name. */
  of(cache: Pods, nodes: readonly ResourceNode[]): readonly HostInfo[] {
    const mine = new Map<string, Mine>();
    for (const { kind, group, uid, info = [] } of nodes) {
      if (kind !== "Pod" || group || !uid) continue;
      const told = (fact: string): string | undefined => info.find((item) => item.name === fact)?.value;
      const name = told("Node");
      if (!name) continue;
      let here = mine.get(name);
      if (!here) mine.set(name, (here = { uids: new Set(), requests: hostResources.map(() => 0) }));
      here.uids.add(uid);
      hostResources.forEach((resource, index) => (here.requests[index]! += Number(told(resource) ?? 0)));
    }
    if (mine.size === 0) return [];
    const hosts = this.#hostsOf(cache);
    return [...mine]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([name, here]) => {
        const host = hosts.get(name);
        return host ? [hostInfo(name, host, here)] : [];
      });
  }

  #hostsOf(cache: Pods): ReadonlyMap<string, Host> {
    const known = this.#found.get(cache);
    const now = this.#clock.monotonic();
    if (known && now < known.untilMs) return known.hosts;
    const hosts = new Map<string, Host>();
    const podsOf = new Map<string, { uid: string; requests: readonly number[] }[]>();
    for (const entry of cache.entries()) {
      if (entry.key.group !== "") continue;
      if (entry.key.kind === "Node") {
        const fact = factOf(entry, hostFact);
        const pods: Host["pods"][number][] = podsOf.get(entry.key.name) ?? [];
        podsOf.set(entry.key.name, pods);
        if (fact !== undefined) hosts.set(entry.key.name, { ...(JSON.parse(fact) as Omit<Host, "pods">), pods });
      } else if (entry.key.kind === "Pod") {
        const [node, requests] = [factOf(entry, "Node"), factOf(entry, requestsFact)];
        if (node === undefined || requests === undefined) continue;
        let pods = podsOf.get(node);
        if (!pods) podsOf.set(node, (pods = []));
        pods.push({ uid: entry.uid, requests: requests.split(" ").map(Number) });
      }
    }
    this.#found.set(cache, { untilMs: now + lookAgainMs, hosts });
    return hosts;
  }
}

/** The application's pods on one node, as they are now: what was found of the others may be a moment old. */
interface Mine {
  readonly uids: Set<string>;
  readonly requests: number[];
}

function hostInfo(name: string, { capacity, systemInfo, labels, pods }: Host, mine: Mine): HostInfo {
  const resourcesInfo = hostResources.flatMap((resourceName, index): HostResourceInfo[] => {
    const has = capacity[index] ?? 0;
    if (has <= 0) return [];
    const requestedByApp = mine.requests[index]!;
    const requestedByNeighbors = pods.reduce(
      (sum, { uid, requests }) => (mine.uids.has(uid) ? sum : sum + (requests[index] ?? 0)),
      0,
    );
    return [
      {
        resourceName,
        ...(requestedByApp > 0 ? { requestedByApp } : {}),
        ...(requestedByNeighbors > 0 ? { requestedByNeighbors } : {}),
        capacity: has,
      },
    ];
  });
  return {
    name,
    ...(resourcesInfo.length > 0 ? { resourcesInfo } : {}),
    ...(systemInfo ? { systemInfo } : {}),
    ...(labels ? { labels } : {}),
  };
}

function factOf({ info }: LiveEntry, name: string): string | undefined {
  return info?.find((item) => item.name === name)?.value;
}
