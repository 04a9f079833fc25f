// Applications as tiles; only those in sight are drawn.
import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef } from "react";
import { useWidth } from "../common/width.ts";
import { useFocusActive } from "./focus-active.ts";
import type { ListBodyProps } from "./list-props.ts";
import { Tile } from "./tile.tsx";
import { useScrollMemory } from "./scroll-memory.ts";

const tileWidth = 330;
const tileHeight = 142;
const gap = 12;

export function TilesView({ rows, active, selected, columns, onSelect }: ListBodyProps) {
  const container = useRef<HTMLDivElement>(null);
  const width = useWidth(container);
  const across = Math.max(1, Math.floor((width + gap) / (tileWidth + gap)));
  columns.current = across;
  const memory = useScrollMemory("tiles", container);
  const virtual = useVirtualizer({
    count: Math.ceil(rows.length / across),
    getScrollElement: () => container.current,
    estimateSize: () => tileHeight + gap,
    overscan: 3,
    initialOffset: memory,
    paddingEnd: 72,
  });
  useFocusActive(container, active, (index) => virtual.scrollToIndex(Math.floor(index / across)));
  return (
    <div ref={container} className="scroller tiles" role="list" aria-label={`Applications, ${rows.length}`}>
      <div className="virtual" style={{ height: virtual.getTotalSize() }}>
        {width > 0 &&
          virtual.getVirtualItems().map((line) => (
            <div
              key={line.key}
              className="tile-line"
              style={{
                transform: `translateY(${line.start}px)`,
                gridTemplateColumns: `repeat(${across}, minmax(0, 1fr))`,
              }}
            >
              {rows.slice(line.index * across, (line.index + 1) * across).map((row, offset) => {
                const index = line.index * across + offset;
                return (
                  <Tile
                    key={row.key}
                    row={row}
                    index={index}
                    total={rows.length}
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
