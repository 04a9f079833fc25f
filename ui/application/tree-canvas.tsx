// The tree drawn as a graph that can be moved and zoomed. Places change only when the tree's shape does.
import { Maximize, Minus, Plus, UnfoldVertical } from "lucide-react";
import { useMemo, useRef, type KeyboardEvent } from "react";
import type { Application } from "#model/application.ts";
import { Button } from "../common/button.tsx";
import { useShortcuts } from "../common/shortcuts.ts";
import { itemHeight, itemWidth, layoutTree, neighbour, shapeOf, type Layout } from "../model/layout.ts";
import type { Tree } from "../model/tree.ts";
import { TreeItemView } from "./tree-item.tsx";
import { useViewport } from "./viewport.ts";

export interface TreeCanvasProps {
  readonly application: Application;
  readonly tree: Tree;
  readonly chosen: string | undefined;
  readonly onChoose: (key: string) => void;
  /** Opens a group of equal leaves, or folds it. */
  readonly onToggle: (group: string) => void;
  readonly opened: number;
  readonly onFold: () => void;
}

export function TreeCanvas({ application, tree, chosen, onChoose, onToggle, opened, onFold }: TreeCanvasProps) {
  const box = useRef<HTMLDivElement>(null);
  const plane = useRef<HTMLDivElement>(null);
  const shape = shapeOf(tree);
  // oxlint-disable-next-line react-hooks/exhaustive-deps -- the shape stands for all that the layout reads
  const layout = useMemo(() => layoutTree(tree), [shape]);
  const viewport = useViewport(box, plane, layout);
  useShortcuts({
    "+": () => viewport.zoom(1.25),
    "=": () => viewport.zoom(1.25),
    "-": () => viewport.zoom(0.8),
    "0": () => viewport.fit(),
  });
  const keys = (event: KeyboardEvent): void => {
    if (!event.key.startsWith("Arrow") || !(event.target instanceof HTMLElement)) return;
    const from = event.target.dataset["item"];
    if (!from) return;
    event.preventDefault();
    const to = neighbour(tree, layout, from, event.key as "ArrowLeft");
    if (!to) return;
    box.current?.querySelector<HTMLElement>(`[data-item="${CSS.escape(to)}"]`)?.focus({ preventScroll: true });
    const place = layout.places.get(to);
    if (place) viewport.reveal(place.x, place.y, Math.min(place.width, itemWidth), Math.min(place.height, itemHeight));
  };
  return (
    <div className="tree-box">
      <div
        ref={box}
        className="tree-canvas"
        role="group"
        aria-label={`Resource tree, ${tree.items.length} items. Arrow keys move, Enter shows details.`}
        onKeyDown={keys}
      >
        <div ref={plane} className="tree-plane" style={{ width: layout.width, height: layout.height }}>
          <Edges tree={tree} layout={layout} />
          {tree.items.map((item) => {
            const place = layout.places.get(item.id);
            return (
              place && (
                <TreeItemView
                  key={item.id}
                  item={item}
                  application={item.type === "application" ? application : undefined}
                  x={place.x}
                  y={place.y}
                  width={place.width}
                  height={place.height}
                  chosen={item.type === "resource" && item.resource.key === chosen}
                  onChoose={onChoose}
                  onToggle={onToggle}
                />
              )
            );
          })}
        </div>
      </div>
      <div className="tree-tools" role="toolbar" aria-label="Zoom">
        {opened > 0 && <Button icon={UnfoldVertical} label="Fold groups again" onClick={onFold} />}
        <Button icon={Plus} label="Zoom in" onClick={() => viewport.zoom(1.25)} />
        <Button icon={Minus} label="Zoom out" onClick={() => viewport.zoom(0.8)} />
        <Button icon={Maximize} label="Fit" onClick={() => viewport.fit()} />
      </div>
    </div>
  );
}

function Edges({ tree, layout }: { readonly tree: Tree; readonly layout: Layout }) {
  const path = tree.edges
    .map(([from, to]) => {
      const a = layout.places.get(from);
      const b = layout.places.get(to);
      if (!a || !b) return "";
      const [x1, y1, x2, y2] = [a.x + a.width, a.y + a.height / 2, b.x, b.y + b.height / 2];
      const middle = (x1 + x2) / 2;
      return `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`;
    })
    .join("");
  return (
    <svg className="tree-edges" width={layout.width} height={layout.height} aria-hidden="true">
      <path d={path} fill="none" />
    </svg>
  );
}
