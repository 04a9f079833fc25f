// An application's resources as a tree to draw: each with its sync status and health, filtered, and many equal leaves
// of one parent (pods of a replica set) drawn as one until somebody opens them. Pure.
import type { Application, HealthStatusCode, ResourceStatus } from "#model/application.ts";
import { keyText } from "#model/object.ts";
import type { ResourceNode, ResourceRef } from "#protocol/rest.ts";

export interface Resource {
  /** uid where the object lives, else its key. */
  readonly id: string;
  readonly key: string;
  readonly node: ResourceNode;
  /** Of objects that the application desires or tracks itself; undefined for what those own. */
  readonly status: ResourceStatus | undefined;
  readonly parents: readonly string[];
}

export interface ResourceFilters {
  readonly text: string;
  readonly kinds: readonly string[];
  readonly sync: readonly string[];
  readonly health: readonly string[];
}

export const noResourceFilters: ResourceFilters = { text: "", kinds: [], sync: [], health: [] };

export type TreeItem =
  | { readonly type: "application"; readonly id: string; readonly name: string }
  | {
      readonly type: "resource";
      readonly id: string;
      readonly resource: Resource;
      readonly dimmed: boolean;
      /** The open group that it stands in; its edge leads there. */
      readonly block?: string;
    }
  | {
      /** Many equal leaves: drawn as one, or as a block with its members inside where somebody opened it. */
      readonly type: "group";
      readonly open: boolean;
      readonly id: string;
      readonly kind: string;
      readonly members: readonly Resource[];
      /** How many of each health, worst first. */
      readonly health: readonly (readonly [HealthStatusCode, number])[];
    };

export interface Tree {
  readonly items: readonly TreeItem[];
  readonly edges: readonly (readonly [parent: string, child: string])[];
}

export const rootId = "application";
/** This many equal leaves of one parent are drawn as one. */
export const groupFrom = 5;

const healthOrder: readonly HealthStatusCode[] = [
  "Degraded",
  "Missing",
  "Progressing",
  "Unknown",
  "Suspended",
  "Healthy",
];

export function refKey(ref: Pick<ResourceRef, "group" | "kind" | "namespace" | "name">): string {
  return keyText({ group: ref.group ?? "", kind: ref.kind, namespace: ref.namespace ?? "", name: ref.name });
}

/** Joins the live tree and the application's status. Objects that only the status knows stand in it as well. */
export function resourcesOf(app: Application, nodes: readonly ResourceNode[]): readonly Resource[] {
  const statuses = new Map((app.status?.resources ?? []).map((status) => [refKey(status), status]));
  const resources: Resource[] = [];
  const seen = new Set<string>();
  for (const node of nodes) {
    const key = refKey(node);
    const id = node.uid ?? key;
    if (seen.has(id)) continue;
    seen.add(id);
    const parents = (node.parentRefs ?? []).map((parent) => parent.uid ?? refKey(parent));
    resources.push({ id, key, node, status: statuses.get(key), parents });
    statuses.delete(key);
  }
  for (const [key, status] of statuses) {
    const { group, kind, namespace, name, version = "" } = status;
    const node: ResourceNode = {
      kind,
      name,
      version,
      ...(group ? { group } : {}),
      ...(namespace ? { namespace } : {}),
    };
    resources.push({
      id: key,
      key,
      node: { ...node, ...(status.health ? { health: status.health } : {}) },
      status,
      parents: [],
    });
  }
  return resources;
}

export function healthOf(resource: Resource): HealthStatusCode | undefined {
  return resource.node.health?.status ?? resource.status?.health?.status;
}

export function matchesResource(resource: Resource, filters: ResourceFilters): boolean {
  const { text, kinds, sync, health } = filters;
  const { node, status } = resource;
  if (kinds.length > 0 && !kinds.includes(node.kind)) return false;
  if (sync.length > 0 && !sync.includes(status?.status ?? "")) return false;
  if (health.length > 0 && !health.includes(healthOf(resource) ?? "")) return false;
  if (text === "") return true;
  const wanted = text.toLowerCase();
  return `${node.kind}/${node.name} ${node.namespace ?? ""}`.toLowerCase().includes(wanted);
}

export function isResourceFiltered(filters: ResourceFilters): boolean {
  return filters.text !== "" || filters.kinds.length + filters.sync.length + filters.health.length > 0;
}

/**
 * Takes resources, filters and which groups are open; returns what to draw, parents before children. Ancestors of what
 * matches stay, dimmed.
 */
export function buildTree(
  appName: string,
  resources: readonly Resource[],
  filters: ResourceFilters,
  open: ReadonlySet<string>,
): Tree {
  const byId = new Map(resources.map((resource) => [resource.id, resource]));
  const matching = resources.filter((resource) => matchesResource(resource, filters));
  const drawn = withAncestors(matching, byId);
  const matched = new Set(matching.map((resource) => resource.id));
  const children = new Map<string, Resource[]>();
  for (const resource of resources) {
    if (!drawn.has(resource.id)) continue;
    const parents = resource.parents.filter((parent) => drawn.has(parent));
    const list = children.get(parents[0] ?? rootId);
    if (list) list.push(resource);
    else children.set(parents[0] ?? rootId, [resource]);
  }
  const items: TreeItem[] = [{ type: "application", id: rootId, name: appName }];
  const edges: [string, string][] = [];
  const visited = new Set<string>([rootId]);
  const visit = (parent: string): void => {
    for (const item of groupLeaves(parent, children, { open, matched })) {
      if (item.type !== "resource" || item.block === undefined) edges.push([parent, item.id]);
      if (visited.has(item.id)) continue;
      visited.add(item.id);
      items.push(item);
      if (item.type === "resource") visit(item.id);
    }
  };
  visit(rootId);
  // Objects with several owners hang on the first; the others get an edge too.
  for (const item of items) {
    if (item.type !== "resource") continue;
    for (const parent of item.resource.parents.slice(1)) if (visited.has(parent)) edges.push([parent, item.id]);
  }
  return { items, edges };
}

function withAncestors(matching: readonly Resource[], byId: ReadonlyMap<string, Resource>): ReadonlySet<string> {
  const drawn = new Set<string>();
  const add = (resource: Resource): void => {
    if (drawn.has(resource.id)) return;
    drawn.add(resource.id);
    for (const id of resource.parents) {
      const parent = byId.get(id);
      if (parent) add(parent);
    }
  };
  for (const resource of matching) add(resource);
  return drawn;
}

function groupLeaves(
  parent: string,
  children: ReadonlyMap<string, readonly Resource[]>,
  state: { readonly open: ReadonlySet<string>; readonly matched: ReadonlySet<string> },
): readonly TreeItem[] {
  const all = children.get(parent) ?? [];
  const groups = new Map<string, Resource[]>();
  const groupId = (resource: Resource): string => `${parent}>${resource.node.group ?? ""}/${resource.node.kind}`;
  for (const resource of all) {
    if (children.has(resource.id)) continue;
    const members = groups.get(groupId(resource));
    if (members) members.push(resource);
    else groups.set(groupId(resource), [resource]);
  }
  const items: TreeItem[] = [];
  const done = new Set<string>();
  for (const resource of all) {
    const id = groupId(resource);
    const members = children.has(resource.id) ? undefined : groups.get(id);
    const dimmed = !state.matched.has(resource.id);
    if (!members || members.length < groupFrom) {
      items.push({ type: "resource", id: resource.id, resource, dimmed });
      continue;
    }
    const open = state.open.has(id);
    if (!done.has(id)) {
      done.add(id);
      items.push({ type: "group", id, open, kind: resource.node.kind, members, health: healthCounts(members) });
    }
    if (open) items.push({ type: "resource", id: resource.id, resource, dimmed, block: id });
  }
  return items;
}

function healthCounts(members: readonly Resource[]): readonly (readonly [HealthStatusCode, number])[] {
  const counts = new Map<HealthStatusCode, number>();
  for (const member of members) {
    const health = healthOf(member);
    if (health) counts.set(health, (counts.get(health) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => healthOrder.indexOf(a[0]) - healthOrder.indexOf(b[0]));
}
