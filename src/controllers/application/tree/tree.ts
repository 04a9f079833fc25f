// The resource tree of an application: its own objects and everything that they own, as Argo CD's API shows it.
// Reads the live cache; changes nothing.
import type { HealthStatus } from "#model/application.ts";
import { imagesOf } from "#model/images.ts";
import { parseApiVersion, type ObjectKey } from "#model/object.ts";
import type { ApplicationTree, ResourceNode, ResourceRef } from "#protocol/rest.ts";
import type { LiveCache, LiveEntry } from "#kube/live.ts";
import type { ObjectHealth } from "./custom-health.ts";
import { labelsOf, shownFacts } from "./facts.ts";
import { networkingOf } from "./networking.ts";
import type { AppState } from "../state.ts";

const deepest = 12;

/** Takes an application's state; returns its objects and all that they own, parents before children. */
export function resourceTree(state: AppState): ApplicationTree {
  const nodes: ResourceNode[] = [];
  const seen = new Set<string>();
  const cache = state.cluster?.cache;
  for (const row of state.table.rows()) {
    if (row.live) {
      // A row may hold an older version, whose update made no difference to the application.
      const entry = cache?.get(row.key) ?? row.live;
      addWithChildren(nodes, seen, { entry, parent: undefined, depth: 0, cache, health: state.health });
    } else if (row.desired) {
      nodes.push({
        ...refOf(row.key, parseApiVersion(row.desired.object.apiVersion).version),
        health: { status: "Missing" },
      });
    }
  }
  return { nodes };
}

/** Objects that nobody's tree has, with all that they own, as nodes of a tree. */
export function nodesOf(state: AppState, entries: readonly LiveEntry[]): readonly ResourceNode[] {
  const nodes: ResourceNode[] = [];
  const seen = new Set<string>();
  const { health } = state;
  const cache = state.cluster?.cache;
  for (const entry of entries) addWithChildren(nodes, seen, { entry, parent: undefined, depth: 0, cache, health });
  return nodes;
}

function addWithChildren(
  nodes: ResourceNode[],
  seen: Set<string>,
  at: {
    entry: LiveEntry;
    parent: LiveEntry | undefined;
    depth: number;
    cache: LiveCache | undefined;
    health: ObjectHealth;
  },
): void {
  const { entry, parent, depth, cache, health } = at;
  if (seen.has(entry.uid) || depth > deepest) return;
  seen.add(entry.uid);
  nodes.push(nodeOf(entry, parent, health));
  if (!cache) return;
  for (const child of cache.children(entry.uid))
    addWithChildren(nodes, seen, { entry: child, parent: entry, depth: depth + 1, cache, health });
}

function nodeOf(entry: LiveEntry, parent: LiveEntry | undefined, scripts: ObjectHealth): ResourceNode {
  const object = entry.object;
  const fact = (name: string): string | undefined => entry.info?.find((item) => item.name === name)?.value;
  const factHealth = fact("health");
  const noted = factHealth
    ? ({ status: factHealth, message: fact("health message") } as HealthStatus)
    : scripts.ofVersion(entry.key, entry.uid, entry.resourceVersion);
  const health = object ? scripts.of(object) : noted;
  const images = object
    ? imagesOf(object)
    : (fact("images")
        ?.split(" ")
        .filter((image) => image !== "") ?? []);
  const info = shownFacts(entry.info ?? []);
  const labels = object ? undefined : labelsOf(entry.info ?? []);
  const networkingInfo = object ? networkingOf(object) : labels && { labels };
  return {
    ...refOf(entry.key, entry.version, entry.uid),
    ...(parent ? { parentRefs: [refOf(parent.key, parent.version, parent.uid)] } : {}),
    ...(info.length > 0 ? { info } : {}),
    resourceVersion: entry.resourceVersion,
    ...(images.length > 0 ? { images } : {}),
    ...(networkingInfo ? { networkingInfo } : {}),
    ...(health ? { health } : {}),
    ...(entry.createdAt === undefined ? {} : { createdAt: entry.createdAt }),
  };
}

function refOf(key: ObjectKey, version: string, uid?: string): ResourceRef {
  return {
    ...(key.group === "" ? {} : { group: key.group }),
    version,
    kind: key.kind,
    ...(key.namespace === "" ? {} : { namespace: key.namespace }),
    name: key.name,
    ...(uid === undefined ? {} : { uid }),
  };
}

/** The tag of the nearest owner that has one: which application's tree an object stands in. */
export function rootTag(cache: LiveCache, entry: LiveEntry): string | undefined {
  let current: LiveEntry | undefined = entry;
  for (let depth = 0; current && depth < deepest; depth++) {
    if (current.tag !== undefined) return current.tag;
    current = ownerOf(cache, current);
  }
  return undefined;
}

function ownerOf(cache: LiveCache, entry: LiveEntry): LiveEntry | undefined {
  for (const owner of entry.owners) {
    for (const type of cache.types()) {
      if (type.kind !== owner.kind) continue;
      const namespace = type.namespaced ? entry.key.namespace : "";
      const found = cache.get({ group: type.group, kind: owner.kind, namespace, name: owner.name });
      if (found?.uid === owner.uid) return found;
    }
  }
  return undefined;
}
