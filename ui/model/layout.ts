// Where each item of the tree stands, left to right, by dagre. Pure.
import { graphlib, layout } from "@dagrejs/dagre";
import type { Tree, TreeItem } from "./tree.ts";

export interface Placed {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  /** Top left corners and sizes by id. */
  readonly places: ReadonlyMap<string, Placed>;
}

export const itemWidth = 232;
export const itemHeight = 54;
const columnGap = 56;
const rowGap = 10;
const margin = 24;
/** Room around the members of an open group, and for its head. */
const blockPadding = 10;
const blockHead = 34;
/** How much wider than high an open group is drawn. */
const blockAspect = 1.6;

/** What the layout depends on: while this text stays, places stay. */
export function shapeOf(tree: Tree): string {
  return tree.items
    .map((item) => `${item.id}\t${blockOf(item) ?? ""}`)
    .concat(tree.edges.map(([from, to]) => `${from}\t${to}`))
    .join("\n");
}

export function layoutTree(tree: Tree): Layout {
  const graph = new graphlib.Graph();
  graph.setGraph({ rankdir: "LR", ranksep: columnGap, nodesep: rowGap, marginx: margin, marginy: margin });
  graph.setDefaultEdgeLabel(() => ({}));
  const members = new Map<string, string[]>();
  for (const item of tree.items) {
    const block = blockOf(item);
    if (block === undefined) continue;
    const ids = members.get(block);
    if (ids) ids.push(item.id);
    else members.set(block, [item.id]);
  }
  for (const item of tree.items) {
    if (blockOf(item) === undefined) graph.setNode(item.id, sizeOf(members.get(item.id)?.length));
  }
  for (const [from, to] of tree.edges) graph.setEdge(from, to);
  layout(graph);
  const places = new Map<string, Placed>();
  for (const id of graph.nodes()) {
    const { x, y, width, height } = graph.node(id) as Placed;
    const place = { x: x - width / 2, y: y - height / 2, width, height };
    places.set(id, place);
    const inside = members.get(id) ?? [];
    const across = acrossOf(inside.length);
    for (const [index, member] of inside.entries()) {
      places.set(member, {
        x: place.x + blockPadding + (index % across) * (itemWidth + rowGap),
        y: place.y + blockHead + Math.floor(index / across) * (itemHeight + rowGap),
        width: itemWidth,
        height: itemHeight,
      });
    }
  }
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return { width, height, places };
}

function blockOf(item: TreeItem): string | undefined {
  return item.type === "resource" ? item.block : undefined;
}

function acrossOf(count: number): number {
  return Math.max(1, Math.round(Math.sqrt((count * blockAspect * itemHeight) / itemWidth)));
}

/** The size of an item, or of an open group with so many members. */
function sizeOf(members: number | undefined): { readonly width: number; readonly height: number } {
  if (members === undefined) return { width: itemWidth, height: itemHeight };
  const across = acrossOf(members);
  const down = Math.ceil(members / across);
  return {
    width: across * (itemWidth + rowGap) - rowGap + 2 * blockPadding,
    height: blockHead + down * (itemHeight + rowGap) - rowGap + blockPadding,
  };
}

/** The item to go to from `from` by an arrow key: the parent, the first child, or the nearest above or below. */
export function neighbour(
  tree: Tree,
  layout: Layout,
  from: string,
  arrow: "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown",
): string | undefined {
  const here = layout.places.get(from);
  if (!here) return undefined;
  const item = tree.items.find((each) => each.id === from);
  const block = item && blockOf(item);
  const beside = (sideways: boolean, sign: number, among: (id: string) => boolean): string | undefined => {
    const across = (place: Placed): number => (sideways ? place.y - here.y : place.x - here.x);
    const along = (place: Placed): number => sign * (sideways ? place.x - here.x : place.y - here.y);
    return [...layout.places]
      .filter(([id, place]) => among(id) && Math.abs(across(place)) < 1 && along(place) > 1)
      .sort((a, b) => along(a[1]) - along(b[1]))[0]?.[0];
  };
  const fellows = new Set(tree.items.filter((each) => blockOf(each) === block).map((each) => each.id));
  if (arrow === "ArrowUp") return beside(false, -1, (id) => fellows.has(id));
  if (arrow === "ArrowDown") return beside(false, 1, (id) => fellows.has(id));
  if (block !== undefined) {
    const next = beside(true, arrow === "ArrowRight" ? 1 : -1, (id) => fellows.has(id));
    return next ?? (arrow === "ArrowLeft" ? block : undefined);
  }
  if (arrow === "ArrowLeft") return tree.edges.find(([, to]) => to === from)?.[0];
  const inside = tree.items.find((each) => blockOf(each) === from);
  if (inside) return inside.id;
  const middle = (id: string): number => {
    const place = layout.places.get(id);
    return place ? Math.abs(place.y + place.height / 2 - here.y - here.height / 2) : Infinity;
  };
  const ids = tree.edges.filter(([parent]) => parent === from).map(([, to]) => to);
  return ids.sort((a, b) => middle(a) - middle(b))[0];
}
