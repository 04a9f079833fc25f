// One item of the tree: the application, a resource, or many equal ones as a stack.
import { memo } from "react";
import type { Application } from "#model/application.ts";
import { Status, toneOf } from "../common/status.tsx";
import { KindIcon } from "../common/kind-icon.tsx";
import { TreeGroup } from "./tree-group.tsx";
import { TreeName } from "./tree-name.tsx";
import { healthOf, type TreeItem } from "../model/tree.ts";

export interface TreeItemProps {
  readonly item: TreeItem;
  /** Of the root only. */
  readonly application: Application | undefined;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly chosen: boolean;
  readonly onChoose: (key: string) => void;
  readonly onToggle: (group: string) => void;
}

export const TreeItemView = memo(function TreeItemView(props: TreeItemProps) {
  const { item, application, x, y, width, height, chosen, onChoose, onToggle } = props;
  const place = { transform: `translate(${x}px, ${y}px)`, width, height };
  if (item.type === "application") {
    const status = application?.status;
    return (
      <button type="button" className="tree-item tree-root" style={place} data-item={item.id}>
        <KindIcon kind="Application" />
        <span className="tree-text">
          <b>{item.name}</b>
          <small>
            <Status of="sync" value={status?.sync?.status ?? "Unknown"} size={13} />
            <Status of="health" value={status?.health?.status ?? "Unknown"} size={13} />
          </small>
        </span>
      </button>
    );
  }
  if (item.type === "group") return <TreeGroup item={item} place={place} onToggle={onToggle} />;
  const { node, status, key } = item.resource;
  const health = healthOf(item.resource);
  const sync = status?.requiresPruning ? "to be pruned" : status?.status;
  const classes = ["tree-item", `edge-${health ? toneOf("health", health) : "none"}`];
  if (chosen) classes.push("chosen");
  if (item.dimmed) classes.push("dimmed");
  return (
    <button
      type="button"
      className={classes.join(" ")}
      style={place}
      data-item={item.id}
      data-kind={node.kind}
      data-name={node.name}
      aria-pressed={chosen}
      aria-label={[node.kind, node.name, sync, health].filter(Boolean).join(", ")}
      title={node.health?.message ? `${node.name}: ${node.health.message}` : node.name}
      onClick={() => onChoose(key)}
    >
      <KindIcon kind={node.kind} />
      <span className="tree-text">
        <TreeName name={node.name} />
        <small>
          <span className="tree-kind">{node.kind}</span>
          {(node.info ?? []).slice(0, 2).map((info) => (
            <span key={info.name} className="tree-info">
              {info.value}
            </span>
          ))}
        </small>
      </span>
      <span className="tree-marks">
        {status?.status && (
          <Status
            of="sync"
            value={status.status}
            iconOnly
            title={status.requiresPruning ? "To be pruned" : undefined}
          />
        )}
        {health && <Status of="health" value={health} iconOnly />}
      </span>
    </button>
  );
});
