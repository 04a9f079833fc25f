// One application as a tile.
import { Bot, Box, GitBranch, Server } from "lucide-react";
import { memo } from "react";
import { Link } from "wouter";
import { Ago } from "../common/ago.tsx";
import { applicationAddress } from "../common/list-address.ts";
import { Status, toneOf } from "../common/status.tsx";
import type { AppRow } from "../model/row.ts";
import { shortRepository, shortRevision } from "../model/text.ts";

export interface TileProps {
  readonly row: AppRow;
  readonly index: number;
  readonly total: number;
  readonly focusable: boolean;
  readonly selected: boolean;
  readonly onSelect: (row: AppRow) => void;
}

export const Tile = memo(function Tile({ row, index, total, focusable, selected, onSelect }: TileProps) {
  const running = row.operation === "Running" || row.operation === "Terminating";
  return (
    <article
      className={`tile edge-${edgeOf(row)}${selected ? " selected" : ""}`}
      role="listitem"
      aria-posinset={index + 1}
      aria-setsize={total}
      data-index={index}
      data-app={row.name}
    >
      <header>
        <Link href={applicationAddress(row)} tabIndex={focusable ? 0 : -1} className="tile-name" title={row.title}>
          {row.title}
        </Link>
        <input
          type="checkbox"
          className="tile-check"
          aria-label={`Select ${row.title}`}
          tabIndex={focusable ? 0 : -1}
          checked={selected}
          onChange={() => onSelect(row)}
        />
      </header>
      <div className="tile-status">
        <Status of="sync" value={row.sync} />
        <Status of="health" value={row.health} title={row.healthMessage} />
        {running && <Status of="operation" value={row.operation} />}
        {row.automated && (
          <span className="tile-auto" title="Syncs by itself">
            <Bot size={14} aria-label="automated sync" />
          </span>
        )}
      </div>
      <p className="fact" title={`${row.repo} ${row.path} at ${row.target}`}>
        <GitBranch size={13} aria-hidden />
        <span className="fact-grow">
          {shortRepository(row.repo)}
          {row.path && <> · {row.path}</>}
        </span>
        <code>{shortRevision(row.revision) || row.target}</code>
      </p>
      <p className="fact" title={`${row.cluster}, namespace ${row.destination}, project ${row.project}`}>
        <Server size={13} aria-hidden />
        <span className="fact-grow">
          {row.cluster}
          {row.destination && <> / {row.destination}</>}
        </span>
        <Box size={13} aria-hidden />
        <span>{row.project}</span>
      </p>
      <p className="tile-foot">
        {row.note ? (
          <span className="tile-note" title={row.note}>
            {row.note}
          </span>
        ) : (
          <span className="faint">{row.changedAtMs ? "Last sync " : "Never synced"}</span>
        )}
        {row.changedAtMs > 0 && (
          <span className="faint">
            <Ago at={row.changedAtMs} />
          </span>
        )}
      </p>
    </article>
  );
});

function edgeOf(row: AppRow): string {
  const health = toneOf("health", row.health);
  return health === "good" && row.sync !== "Synced" ? toneOf("sync", row.sync) : health;
}
