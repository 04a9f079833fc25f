// Many equal resources: as a stack to open, or as a block around its members to fold again.
import { FoldVertical, Layers } from "lucide-react";
import type { CSSProperties } from "react";
import { Status, toneOf } from "../common/status.tsx";
import type { TreeItem } from "../model/tree.ts";

export interface TreeGroupProps {
  readonly item: Extract<TreeItem, { readonly type: "group" }>;
  readonly place: CSSProperties;
  readonly onToggle: (group: string) => void;
}

export function TreeGroup({ item, place, onToggle }: TreeGroupProps) {
  const worst = item.health[0]?.[0];
  const counts = item.health.map(([health, count]) => (
    <span key={health} className="tree-count">
      <Status of="health" value={health} size={13} iconOnly /> {count}
    </span>
  ));
  const title = `${item.members.length} × ${item.kind}`;
  if (item.open) {
    return (
      <div className="tree-block" style={place}>
        <button type="button" data-item={item.id} aria-expanded onClick={() => onToggle(item.id)} title="Fold again">
          <FoldVertical size={14} aria-hidden />
          <b>{title}</b>
          {counts}
        </button>
      </div>
    );
  }
  return (
    <button
      type="button"
      className={`tree-item tree-group edge-${worst ? toneOf("health", worst) : "none"}`}
      style={place}
      data-item={item.id}
      aria-expanded={false}
      title={`Show all ${item.members.length}`}
      onClick={() => onToggle(item.id)}
    >
      <Layers size={17} aria-hidden />
      <span className="tree-text">
        <b>{title}</b>
        <small>
          {counts}
          <span className="faint">show all</span>
        </small>
      </span>
    </button>
  );
}
