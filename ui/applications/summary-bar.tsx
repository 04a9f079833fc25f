// How the shown applications stand, as proportions; each part is also a filter.
import { memo } from "react";
import { toneOf } from "../common/status.tsx";
import type { Facet, Filters } from "../model/filter.ts";
import type { AppRow } from "../model/row.ts";
import { plural } from "../model/text.ts";

export interface SummaryBarProps {
  readonly rows: readonly AppRow[];
  readonly total: number;
  readonly filters: Filters;
  readonly loaded: boolean;
  readonly onChoose: (facet: Facet, value: string) => void;
}

const parts = {
  sync: ["Synced", "OutOfSync", "Unknown"],
  health: ["Healthy", "Progressing", "Degraded", "Suspended", "Missing", "Unknown"],
} as const;

export const SummaryBar = memo(function SummaryBar({ rows, total, filters, loaded, onChoose }: SummaryBarProps) {
  const count =
    rows.length === total ? plural(total, "application") : `${rows.length} of ${plural(total, "application")}`;
  return (
    <section className="summary" aria-label="Summary">
      <strong className="summary-count" aria-live="polite">
        {loaded ? count : " "}
      </strong>
      {(["sync", "health"] as const).map((facet) => (
        <Proportions key={facet} facet={facet} rows={rows} chosen={filters.chosen[facet] ?? []} onChoose={onChoose} />
      ))}
    </section>
  );
});

interface ProportionsProps {
  readonly facet: "sync" | "health";
  readonly rows: readonly AppRow[];
  readonly chosen: readonly string[];
  readonly onChoose: (facet: Facet, value: string) => void;
}

function Proportions({ facet, rows, chosen, onChoose }: ProportionsProps) {
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(row[facet], (counts.get(row[facet]) ?? 0) + 1);
  const present = parts[facet].filter((value) => counts.has(value) || chosen.includes(value));
  return (
    <div className="proportions" role="group" aria-label={facet === "sync" ? "By sync status" : "By health"}>
      <div className="proportions-bar" aria-hidden>
        {present.map((value) => (
          <i key={value} className={`fill-${toneOf(facet, value)}`} style={{ flexGrow: counts.get(value) ?? 0 }} />
        ))}
      </div>
      <div className="proportions-legend">
        {present.map((value) => (
          <button
            key={value}
            type="button"
            className={`legend tone-${toneOf(facet, value)}`}
            aria-pressed={chosen.includes(value)}
            title={`Show only ${value}`}
            onClick={() => onChoose(facet, value)}
          >
            <b>{(counts.get(value) ?? 0).toLocaleString("en")}</b> {value}
          </button>
        ))}
      </div>
    </div>
  );
}
