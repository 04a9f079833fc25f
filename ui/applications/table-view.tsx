// Applications as a table; only the rows in sight are drawn.
import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown, ArrowUp } from "lucide-react";
import { useRef } from "react";
import type { SortKey } from "../model/filter.ts";
import { useFocusActive } from "./focus-active.ts";
import { useInSight } from "./in-sight.ts";
import type { ListBodyProps } from "./list-props.ts";
import { useScrollMemory, useTopOf } from "./scroll-memory.ts";
import { TableRow } from "./table-row.tsx";

const rowHeight = 38;

const heads: readonly (readonly [title: string, sort: SortKey | undefined, className: string])[] = [
  ["Name", "name", "col-name"],
  ["Sync", "status", "col-sync"],
  ["Health", "health", "col-health"],
  ["Project", "project", "col-project"],
  ["Destination", "cluster", "col-destination"],
  ["Source", undefined, "col-source"],
  ["Revision", undefined, "col-revision"],
  ["Last sync", "changed", "col-changed"],
];

export function TableView(props: ListBodyProps) {
  const { rows, list, asking, active, selected, columns, sort, onSee, onSelect, onSort } = props;
  const container = useRef<HTMLDivElement>(null);
  columns.current = 1;
  const memory = useScrollMemory("table", container);
  useTopOf(list, container);
  const virtual = useVirtualizer({
    count: rows.total,
    getScrollElement: () => container.current,
    estimateSize: () => rowHeight,
    overscan: 8,
    initialOffset: memory,
    paddingEnd: 72,
    scrollPaddingStart: rowHeight,
  });
  const drawn = virtual.getVirtualItems();
  useInSight(drawn.at(0)?.index ?? 0, (drawn.at(-1)?.index ?? 0) + 1, onSee);
  useFocusActive(container, active, (index) => virtual.scrollToIndex(index));
  return (
    <div
      ref={container}
      className="scroller table"
      role="table"
      aria-label="Applications"
      aria-rowcount={rows.total + 1}
      aria-busy={asking}
    >
      <div role="rowgroup" className="table-head">
        <div role="row" className="table-row" aria-rowindex={1}>
          <span role="columnheader" className="col-check">
            <span className="only-read">Selected</span>
          </span>
          {heads.map(([title, key, className]) => (
            <span
              key={title}
              role="columnheader"
              className={className}
              aria-sort={key === sort.key ? (sort.descending ? "descending" : "ascending") : undefined}
            >
              {key ? (
                <button type="button" onClick={() => onSort({ key, descending: key === sort.key && !sort.descending })}>
                  {title}
                  {key === sort.key &&
                    (sort.descending ? <ArrowUp size={12} aria-hidden /> : <ArrowDown size={12} aria-hidden />)}
                </button>
              ) : (
                title
              )}
            </span>
          ))}
        </div>
      </div>
      <div role="rowgroup" className="virtual" style={{ height: virtual.getTotalSize() }}>
        {drawn.map(({ index, start }) => {
          const row = rows.at(index);
          return row ? (
            <TableRow
              key={row.key}
              row={row}
              index={index}
              startPx={start}
              focusable={index === Math.max(0, active.index)}
              selected={selected.has(row.key)}
              onSelect={onSelect}
            />
          ) : (
            <div
              key={index}
              className="table-row skeleton-row"
              aria-hidden
              style={{ transform: `translateY(${start}px)` }}
            />
          );
        })}
      </div>
    </div>
  );
}
