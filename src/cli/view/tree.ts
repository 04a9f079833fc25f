// The resource tree of `app get -o tree`: each resource below what made it, as argocd draws it. Pure.
import type { ApplicationTree, ResourceNode } from "#protocol/rest.ts";
import type { ResourceState } from "./application.ts";
import { oneLine, table } from "./table.ts";

/** With `nowMs` the detailed tree, which tells ages and reasons. */
export function treeText(tree: ApplicationTree, states: readonly ResourceState[], nowMs?: number): string {
  const detailed = nowMs !== undefined;
  const nodes = tree.nodes ?? [];
  const known = new Set(nodes.map((node) => node.uid));
  const children = new Map<string, ResourceNode[]>();
  const roots: ResourceNode[] = [];
  for (const node of nodes) {
    const parent = node.parentRefs?.find((ref) => ref.uid !== undefined && known.has(ref.uid))?.uid;
    if (parent === undefined) roots.push(node);
    else children.set(parent, [...(children.get(parent) ?? []), node]);
  }
  const stateOf = new Map(states.map((state) => [`${state.kind}/${state.namespace}/${state.name}`, state]));
  const rows: string[][] = [
    detailed
      ? ["KIND/NAME", "STATUS", "HEALTH", "AGE", "MESSAGE", "REASON"]
      : ["KIND/NAME", "STATUS", "HEALTH", "MESSAGE"],
  ];
  const draw = (node: ResourceNode, lead: string, prefix: string): void => {
    const state = stateOf.get(`${node.kind}/${node.namespace ?? ""}/${node.name}`);
    const health = node.health?.status ?? state?.health ?? "";
    const message = oneLine(node.health?.message ?? state?.message ?? "");
    const reason = node.info?.find((item) => item.name === "Status Reason")?.value ?? "";
    const cells = [`${lead}${node.kind}/${node.name}`, state?.status ?? "", health];
    rows.push(detailed ? [...cells, ageOf(node.createdAt, nowMs), message, reason] : [...cells, message]);
    const below = (node.uid === undefined ? undefined : children.get(node.uid)) ?? [];
    below.forEach((child, index) => {
      const last = index === below.length - 1;
      draw(child, `${prefix}${last ? "└─" : "├─"}`, `${prefix}${last ? "  " : "│ "}`);
    });
  };
  for (const root of roots) draw(root, "", "");
  return table(rows);
}

function ageOf(createdAt: string | undefined, nowMs: number): string {
  if (createdAt === undefined) return "<unknown>";
  const seconds = Math.max(0, Math.floor((nowMs - Date.parse(createdAt)) / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
