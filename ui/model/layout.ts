// Where each item of the tree stands, left to right, by dagre. Pure.
import { graphlib, layout } from "@dagrejs/dagre";
import type { Tree } from "./tree.ts";

export interface Placed {
  readonly x: number;
  readonly y: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  /** Top left corners by id. */
  readonly places: ReadonlyMap<string, Placed>;
}

export const itemWidth = 232;
export const itemHeight = 54;
const columnGap = 56;
const rowGap = 10;
const margin = 24;

/** What the layout depends on: while this text stays, places stay. */
export function shapeOf(tree: Tree): string {
  return tree.edges.map(([from, to]) => `${from}\t${to}`).join("\n");
}

export function layoutTree(tree: Tree): Layout {
  const graph = new graphlib.Graph();
  graph.setGraph({ rankdir: "LR", ranksep: columnGap, nodesep: rowGap, marginx: margin, marginy: margin });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const item of tree.items) graph.setNode(item.id, { width: itemWidth, height: itemHeight });
  for (const [from, to] of tree.edges) graph.setEdge(from, to);
  layout(graph);
  const places = new Map<string, Placed>();
  for (const id of graph.nodes()) {
    const { x, y } = graph.node(id) as Placed;
    places.set(id, { x: x - itemWidth / 2, y: y - itemHeight / 2 });
  }
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return { width, height, places };
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
  if (arrow === "ArrowLeft") return tree.edges.find(([, to]) => to === from)?.[0];
  const distance = (id: string): number => Math.abs((layout.places.get(id)?.y ?? Infinity) - here.y);
  if (arrow === "ArrowRight") {
    const ids = tree.edges.filter(([parent]) => parent === from).map(([, to]) => to);
    return ids.sort((a, b) => distance(a) - distance(b))[0];
  }
  const sign = arrow === "ArrowDown" ? 1 : -1;
  const beyond = [...layout.places].filter(
    ([, place]) => Math.abs(place.x - here.x) < 1 && sign * (place.y - here.y) > 1,
  );
  return beyond.map(([id]) => id).sort((a, b) => distance(a) - distance(b))[0];
}
