// How the shown applications stand, as proportions; each part is also a filter.
import { memo } from "react";
import { toneOf } from "../common/status.tsx";
import { isFiltered, type Counts, type Facet, type FacetCount, type Filters } from "../model/filter.ts";
import { plural } from "../model/text.ts";

export interface SummaryBarProps {
  readonly total: number;
  readonly counts: Counts;
  readonly filters: Filters;
  readonly loaded: boolean;
  readonly onChoose: (facet: Facet, value: string) => void;
}

const parts = {
  sync: ["Synced", "OutOfSync", "Unknown"],
  health: ["Healthy", "Progressing", "Degraded", "Suspended", "Missing", "Unknown"],
} as const;

export const SummaryBar = memo(function SummaryBar({ total, counts, filters, loaded, onChoose }: SummaryBarProps) {
  const count = isFiltered(filters)
    ? `${plural(total, "application")} ${total === 1 ? "matches" : "match"}`
    : plural(total, "application");
  return (
    <section className="summary" aria-label="Summary">
      <strong className="summary-count" aria-live="polite">
        {loaded ? count : " "}
      </strong>
      {(["sync", "health"] as const).map((facet) => (
        <Proportions
          key={facet}
          facet={facet}
          counted={counts[facet]}
          chosen={filters.chosen[facet] ?? []}
          onChoose={onChoose}
        />
      ))}
    </section>
  );
});

interface ProportionsProps {
  readonly facet: "sync" | "health";
  readonly counted: readonly FacetCount[];
  readonly chosen: readonly string[];
  readonly onChoose: (facet: Facet, value: string) => void;
}

function Proportions({ facet, counted, chosen, onChoose }: ProportionsProps) {
  const counts = new Map(counted.map(({ value, count }) => [value, count]));
  // The bar is of what is shown; the legend also of what could be chosen instead.
  const inBar = (value: string): boolean => chosen.length === 0 || chosen.includes(value);
  const present = parts[facet].filter((value) => counts.has(value) || chosen.includes(value));
  return (
    <div className="proportions" role="group" aria-label={facet === "sync" ? "By sync status" : "By health"}>
      <div className="proportions-bar" aria-hidden>
        {present.filter(inBar).map((value) => (
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
