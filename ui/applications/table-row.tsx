// One application as a row of the table.
import { memo } from "react";
import { Link } from "wouter";
import { Ago } from "../common/ago.tsx";
import { applicationAddress } from "../common/list-address.ts";
import { Status } from "../common/status.tsx";
import type { AppRow } from "../model/row.ts";
import { shortRepository, shortRevision } from "../model/text.ts";

export interface TableRowProps {
  readonly row: AppRow;
  readonly index: number;
  readonly startPx: number;
  readonly focusable: boolean;
  readonly selected: boolean;
  readonly onSelect: (row: AppRow) => void;
}

export const TableRow = memo(function TableRow(props: TableRowProps) {
  const { row, index, startPx, focusable, selected, onSelect } = props;
  const running = row.operation === "Running" || row.operation === "Terminating";
  const place = row.destination ? `${row.cluster} / ${row.destination}` : row.cluster;
  return (
    <div
      role="row"
      className={selected ? "table-row selected" : "table-row"}
      aria-rowindex={index + 2}
      data-index={index}
      data-app={row.name}
      style={{ transform: `translateY(${startPx}px)` }}
    >
      <span role="cell" className="col-check">
        <input
          type="checkbox"
          aria-label={`Select ${row.title}`}
          tabIndex={focusable ? 0 : -1}
          checked={selected}
          onChange={() => onSelect(row)}
        />
      </span>
      <span role="cell" className="col-name">
        <Link href={applicationAddress(row)} tabIndex={focusable ? 0 : -1} title={row.note || row.title}>
          {row.title}
        </Link>
      </span>
      <span role="cell" className="col-sync">
        {running ? <Status of="operation" value={row.operation} /> : <Status of="sync" value={row.sync} />}
      </span>
      <span role="cell" className="col-health">
        <Status of="health" value={row.health} title={row.healthMessage} />
      </span>
      <span role="cell" className="col-project">
        {row.project}
      </span>
      <span role="cell" className="col-destination" title={place}>
        {place}
      </span>
      <span role="cell" className="col-source" title={`${row.repo} ${row.path}`}>
        {shortRepository(row.repo)} · {row.path}
      </span>
      <span role="cell" className="col-revision">
        <code title={row.revision}>{shortRevision(row.revision) || row.target}</code>
      </span>
      <span role="cell" className="col-changed">
        <Ago at={row.changedAtMs} />
      </span>
    </div>
  );
});
