// The resources as a table.
import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef } from "react";
import { Ago } from "../common/ago.tsx";
import { Status } from "../common/status.tsx";
import { healthOf, type Resource } from "../model/tree.ts";

export interface ResourceListProps {
  readonly resources: readonly Resource[];
  readonly chosen: string | undefined;
  readonly onChoose: (key: string) => void;
}

const heads = ["Kind", "Name", "Namespace", "Sync", "Health", "Created"];
const rowHeight = 36;

export function ResourceList({ resources, chosen, onChoose }: ResourceListProps) {
  const container = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: resources.length,
    getScrollElement: () => container.current,
    estimateSize: () => rowHeight,
    overscan: 10,
  });
  return (
    <div
      ref={container}
      className="resource-list"
      role="table"
      aria-label="Resources"
      aria-rowcount={resources.length + 1}
    >
      <div role="rowgroup" className="table-head">
        <div role="row" className="resource-row">
          {heads.map((head) => (
            <span key={head} role="columnheader">
              {head}
            </span>
          ))}
        </div>
      </div>
      <div role="rowgroup" className="virtual" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ index, start }) => {
          const resource = resources[index];
          if (!resource) return null;
          const { node, status, key } = resource;
          const health = healthOf(resource);
          return (
            <div
              key={resource.id}
              role="row"
              aria-rowindex={index + 2}
              className={key === chosen ? "resource-row selected" : "resource-row"}
              style={{ transform: `translateY(${start}px)` }}
              onClick={() => onChoose(key)}
            >
              <span role="cell">{node.kind}</span>
              <span role="cell" title={node.name}>
                <button type="button" className="row-button" onClick={() => onChoose(key)}>
                  {node.name}
                </button>
              </span>
              <span role="cell">{node.namespace ?? ""}</span>
              <span role="cell">{status?.status && <Status of="sync" value={status.status} />}</span>
              <span role="cell">{health && <Status of="health" value={health} title={node.health?.message} />}</span>
              <span role="cell">
                <Ago at={node.createdAt} />
              </span>
            </div>
          );
        })}
      </div>
    </div>
  );
}
