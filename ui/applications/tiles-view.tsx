// Applications as tiles; only those in sight are drawn.
import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef } from "react";
import { useWidth } from "../common/width.ts";
import { useFocusActive } from "./focus-active.ts";
import { useInSight } from "./in-sight.ts";
import type { ListBodyProps } from "./list-props.ts";
import { Tile } from "./tile.tsx";
import { useScrollMemory, useTopOf } from "./scroll-memory.ts";

const tileWidth = 330;
const tileHeight = 142;
const gap = 12;

export function TilesView(props: ListBodyProps) {
  const { rows, list, asking, active, selected, columns, onSee, onSelect } = props;
  const container = useRef<HTMLDivElement>(null);
  const width = useWidth(container);
  const across = Math.max(1, Math.floor((width + gap) / (tileWidth + gap)));
  columns.current = across;
  const memory = useScrollMemory("tiles", container);
  useTopOf(list, container);
  const virtual = useVirtualizer({
    count: Math.ceil(rows.total / across),
    getScrollElement: () => container.current,
    estimateSize: () => tileHeight + gap,
    overscan: 3,
    initialOffset: memory,
    paddingEnd: 72,
  });
  const drawn = width > 0 ? virtual.getVirtualItems() : [];
  useInSight((drawn.at(0)?.index ?? 0) * across, ((drawn.at(-1)?.index ?? 0) + 1) * across, onSee);
  useFocusActive(container, active, (index) => virtual.scrollToIndex(Math.floor(index / across)));
  return (
    <div
      ref={container}
      className="scroller tiles"
      role="list"
      aria-label={`Applications, ${rows.total}`}
      aria-busy={asking}
    >
      <div className="virtual" style={{ height: virtual.getTotalSize() }}>
        {drawn.map((line) => (
          <div
            key={line.key}
            className="tile-line"
            style={{
              transform: `translateY(${line.start}px)`,
              gridTemplateColumns: `repeat(${across}, minmax(0, 1fr))`,
            }}
          >
            {Array.from({ length: Math.min(across, rows.total - line.index * across) }, (_, offset) => {
              const index = line.index * across + offset;
              const row = rows.at(index);
              if (!row) return <div key={index} className="tile skeleton" aria-hidden />;
              return (
                <Tile
                  key={row.key}
                  row={row}
                  index={index}
                  total={rows.total}
                  focusable={index === Math.max(0, active.index)}
                  selected={selected.has(row.key)}
                  onSelect={onSelect}
                />
              );
            })}
          </div>
        ))}
      </div>
    </div>
  );
}
