import { describe, expect, it } from "vitest";
import { itemHeight, itemWidth, layoutTree, neighbour, shapeOf } from "./layout.ts";
import type { Tree, TreeItem } from "./tree.ts";

const tree = (edges: readonly (readonly [string, string])[]): Tree => ({
  items: [...new Set(edges.flat())].map((id) => ({ type: "application", id, name: id })),
  edges,
});
const small = tree([
  ["root", "a"],
  ["root", "b"],
  ["a", "a1"],
  ["a", "a2"],
]);

describe("the tree's layout", () => {
  it("puts children to the right of their parents and nothing upon another", () => {
    const { places, width, height } = layoutTree(small);
    for (const [from, to] of small.edges)
      expect(places.get(to)!.x).toBeGreaterThanOrEqual(places.get(from)!.x + itemWidth);
    const all = [...places.values()];
    for (const [i, one] of all.entries()) {
      for (const other of all.slice(i + 1)) {
        const apart = Math.abs(one.x - other.x) >= itemWidth || Math.abs(one.y - other.y) >= itemHeight;
        expect(apart).toBe(true);
      }
      expect(one.x >= 0 && one.y >= 0 && one.x + itemWidth <= width && one.y + itemHeight <= height).toBe(true);
    }
  });
  it("moves by arrow keys to the parent, a child, and within a column", () => {
    const layout = layoutTree(small);
    expect(neighbour(small, layout, "a1", "ArrowLeft")).toBe("a");
    expect(["a", "b"]).toContain(neighbour(small, layout, "root", "ArrowRight"));
    const [upper, lower] = ["a1", "a2"].sort((p, q) => layout.places.get(p)!.y - layout.places.get(q)!.y);
    expect(neighbour(small, layout, upper!, "ArrowDown")).toBe(lower);
    expect(neighbour(small, layout, upper!, "ArrowUp")).toBeUndefined();
    expect(neighbour(small, layout, "root", "ArrowLeft")).toBeUndefined();
  });
  it("puts the members of an open group in rows and columns inside it, and moves among them", () => {
    const members = Array.from({ length: 60 }, (_, i) => `pod-${i}`);
    const group = { type: "group", open: true, id: "pods", kind: "Pod", members: [], health: [] } as const;
    const inside = members.map((id) => ({ type: "resource", id, block: "pods" }) as unknown as TreeItem);
    const wide: Tree = {
      items: [...tree([["root", "pods"]]).items.slice(0, 1), group, ...inside],
      edges: [["root", "pods"]],
    };
    const layout = layoutTree(wide);
    const block = layout.places.get("pods")!;
    for (const id of members) {
      const place = layout.places.get(id)!;
      expect(place.x >= block.x && place.x + place.width <= block.x + block.width).toBe(true);
      expect(place.y >= block.y && place.y + place.height <= block.y + block.height).toBe(true);
    }
    expect(block.width / block.height).toBeGreaterThan(1);
    expect(neighbour(wide, layout, "pods", "ArrowRight")).toBe("pod-0");
    expect(neighbour(wide, layout, "pod-0", "ArrowRight")).toBe("pod-1");
    expect(neighbour(wide, layout, "pod-0", "ArrowLeft")).toBe("pods");
    expect(neighbour(wide, layout, "pods", "ArrowLeft")).toBe("root");
    expect(layout.places.get(neighbour(wide, layout, "pod-1", "ArrowDown")!)!.x).toBe(layout.places.get("pod-1")!.x);
  });
  it("has one shape for trees of the same edges", () => {
    expect(shapeOf(small)).toBe(shapeOf({ ...small, items: [...small.items] }));
    expect(shapeOf(small)).not.toBe(shapeOf(tree([["root", "a"]])));
  });
  it("lays out 500 items in well under two seconds", () => {
    const edges = Array.from({ length: 500 }, (_, i): [string, string] => [i < 100 ? "root" : `n${i % 100}`, `n${i}`]);
    const startedMs = performance.now();
    expect(layoutTree(tree(edges)).places.size).toBe(501);
    expect(performance.now() - startedMs).toBeLessThan(2000);
  });
});
